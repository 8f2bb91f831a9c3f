//! How often one client may ask: a bucket of tokens for each address, in a table of bounded size.
//!
//! An IPv6 client owns a whole /64 and counts as one. When the table is full of addresses that still
//! owe something, newcomers share one bucket: many addresses get no more than the table would give.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Most addresses that are remembered; about 8 MB.
const MOST_ADDRESSES: usize = 100_000;

/// How often the table is looked through for addresses that owe nothing any more.
const SWEEP: Duration = Duration::from_secs(1);

/// Requests that may be made at once, in seconds of the rate.
const BURST_SECONDS: f64 = 3.0;

/// Who asked how much.
#[derive(Debug)]
pub(super) struct RateLimit {
    rate: f64,
    table: Mutex<Table>,
}

#[derive(Debug)]
struct Table {
    buckets: HashMap<IpAddr, Bucket>,
    others: Bucket,
    swept: Instant,
    most: usize,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    /// Takes one token, or says after how many seconds there is one.
    fn take(&mut self, rate: f64, now: Instant) -> Result<(), u32> {
        let gone = now.saturating_duration_since(self.filled).as_secs_f64();
        self.tokens = (self.tokens + gone * rate).min(rate * BURST_SECONDS);
        self.filled = now;
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        Err((((1.0 - self.tokens) / rate).ceil() as u32).max(1))
    }

    fn is_full(&self, rate: f64, now: Instant) -> bool {
        let gone = now.saturating_duration_since(self.filled).as_secs_f64();
        self.tokens + gone * rate >= rate * BURST_SECONDS
    }
}

impl RateLimit {
    pub(super) fn new(rate: u32, now: Instant) -> Self {
        Self::with_table(rate, MOST_ADDRESSES, now)
    }

    fn with_table(rate: u32, most: usize, now: Instant) -> Self {
        let rate = f64::from(rate.max(1));
        let others = Bucket { tokens: rate * BURST_SECONDS, filled: now };
        Self {
            rate,
            table: Mutex::new(Table { buckets: HashMap::new(), others, swept: now, most }),
        }
    }

    /// Counts a request, or says after how many seconds to ask again.
    pub(super) fn take(&self, address: IpAddr, now: Instant) -> Result<(), u32> {
        let rate = self.rate;
        // A panic while the lock was held leaves counters that are a little off, and nothing else.
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let key = client_of(address);
        if let Some(bucket) = table.buckets.get_mut(&key) {
            return bucket.take(rate, now);
        }
        if table.buckets.len() >= table.most && now.saturating_duration_since(table.swept) >= SWEEP
        {
            table.swept = now;
            table.buckets.retain(|_, bucket| !bucket.is_full(rate, now));
        }
        if table.buckets.len() >= table.most {
            return table.others.take(rate, now);
        }
        let mut bucket = Bucket { tokens: rate * BURST_SECONDS, filled: now };
        let taken = bucket.take(rate, now);
        table.buckets.insert(key, bucket);
        taken
    }
}

/// The address that stands for a client: an IPv4 address, or the first half of an IPv6 address.
fn client_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_client_gets_its_rate_and_a_burst() {
        let start = Instant::now();
        let limit = RateLimit::new(10, start);
        let one = address("192.0.2.1");
        for _ in 0..30 {
            assert_eq!(limit.take(one, start), Ok(()));
        }
        assert_eq!(limit.take(one, start), Err(1));
        // Another client is another bucket.
        assert_eq!(limit.take(address("192.0.2.2"), start), Ok(()));
        let later = start + Duration::from_millis(100);
        assert_eq!(limit.take(one, later), Ok(()));
        assert_eq!(limit.take(one, later), Err(1));
        // Waiting for long gives no more than the burst.
        let much_later = start + Duration::from_secs(3600);
        for _ in 0..30 {
            assert_eq!(limit.take(one, much_later), Ok(()));
        }
        assert_eq!(limit.take(one, much_later), Err(1));
    }

    #[test]
    fn a_client_of_ipv6_owns_its_network() {
        let start = Instant::now();
        let limit = RateLimit::new(1, start);
        for last in 1..=3 {
            assert_eq!(limit.take(address(&format!("2001:db8::{last}")), start), Ok(()));
        }
        assert_eq!(limit.take(address("2001:db8::ffff"), start), Err(1));
        assert_eq!(limit.take(address("2001:db8:0:1::1"), start), Ok(()));
        // The same client, as a socket of both families sees it.
        for _ in 0..3 {
            assert_eq!(limit.take(address("::ffff:192.0.2.1"), start), Ok(()));
        }
        assert_eq!(limit.take(address("192.0.2.1"), start), Err(1));
    }

    #[test]
    fn the_table_stays_small() {
        let start = Instant::now();
        let limit = RateLimit::with_table(1, 4, start);
        let mut taken = 0;
        for last in 1..=100 {
            taken += u32::from(limit.take(address(&format!("192.0.2.{last}")), start).is_ok());
        }
        // Four of their own, and three from the bucket that the others share.
        assert_eq!(taken, 7);
        assert_eq!(limit.table.lock().unwrap().buckets.len(), 4);
        // Whoever owes nothing is forgotten.
        let later = start + Duration::from_secs(60);
        assert_eq!(limit.take(address("192.0.2.200"), later), Ok(()));
        assert_eq!(limit.table.lock().unwrap().buckets.len(), 1);
    }
}
