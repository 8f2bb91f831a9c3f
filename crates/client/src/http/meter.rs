//! How much is asked of one server: counted, and no faster than was agreed.
//!
//! A [`Meter`] is shared by the requests of one task. Each attempt takes its turn, redirects and
//! repetitions too, so that a limit on the rate holds for what the server really sees. When the
//! server asks for a pause (429, 503), all of them pause, not only the one that was told.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::error::HttpError;
use super::retry::Effects;

/// No turn is longer in coming than this; a clock that was set back must not stop the work.
const LONGEST_TURN: Duration = Duration::from_secs(600);

/// What went over the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests, with redirects and repetitions.
    pub requests: u64,
    /// Bytes of bodies, as they were sent (compressed).
    pub bytes: u64,
    /// Answers that said that nothing has changed.
    pub not_modified: u64,
    /// Requests that were repeated.
    pub retried: u64,
}

/// Counts the requests of one task and gives them their turns.
#[derive(Debug, Default)]
pub struct Meter {
    interval: Duration,
    /// When the next request may go.
    next: Mutex<Option<SystemTime>>,
    requests: AtomicU64,
    bytes: AtomicU64,
    not_modified: AtomicU64,
    retried: AtomicU64,
}

impl Meter {
    /// With so many requests a second at most; `None` is no limit of ours.
    #[must_use]
    pub fn new(rate: Option<f64>) -> Self {
        let interval = rate
            .filter(|rate| rate.is_finite() && *rate > 0.0)
            .and_then(|rate| Duration::try_from_secs_f64(1.0 / rate).ok())
            .unwrap_or_default()
            .min(LONGEST_TURN);
        Self { interval, ..Self::default() }
    }

    /// What went so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Traffic {
            requests: read(&self.requests),
            bytes: read(&self.bytes),
            not_modified: read(&self.not_modified),
            retried: read(&self.retried),
        }
    }

    /// Waits until one more request may go.
    pub(super) async fn turn(&self, effects: &Effects) {
        let wait = self.wait_of_turn((effects.now)());
        self.requests.fetch_add(1, Ordering::Relaxed);
        if !wait.is_zero() {
            (effects.sleep)(wait).await;
        }
    }

    fn wait_of_turn(&self, now: SystemTime) -> Duration {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = next.and_then(|next| next.duration_since(now).ok()).unwrap_or_default();
        let wait = wait.min(LONGEST_TURN);
        *next = now.checked_add(wait).and_then(|turn| turn.checked_add(self.interval));
        wait
    }

    pub(super) fn count_bytes(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn count_not_modified(&self) {
        self.not_modified.fetch_add(1, Ordering::Relaxed);
    }

    /// A request is repeated after `wait`; others wait with it where the server is busy.
    pub(super) fn count_retry(&self, error: &HttpError, wait: Duration, effects: &Effects) {
        self.retried.fetch_add(1, Ordering::Relaxed);
        if matches!(error, HttpError::Status { code: 429 | 503, .. }) {
            let until = (effects.now)().checked_add(wait);
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            *next = (*next).max(until);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::RedactedUrl;
    use super::*;

    fn at(seconds: f64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs_f64(seconds)
    }

    fn status(code: u16) -> HttpError {
        let url = RedactedUrl::of_text("https://x.example/");
        HttpError::Status { url, code, retry_after: None }
    }

    #[test]
    fn turns_come_no_faster_than_the_rate() {
        let meter = Meter::new(Some(4.0));
        let wait = |now: f64| meter.wait_of_turn(at(now)).as_secs_f64();
        assert_eq!([wait(10.0), wait(10.0), wait(10.0)], [0.0, 0.25, 0.5]);
        assert_eq!([wait(10.5), wait(20.0), wait(20.0)], [0.25, 0.0, 0.25]);
        for rate in [None, Some(0.0), Some(-1.0), Some(f64::NAN), Some(f64::INFINITY)] {
            let meter = Meter::new(rate);
            assert_eq!(meter.wait_of_turn(at(1.0)), Duration::ZERO, "{rate:?}");
            assert_eq!(meter.wait_of_turn(at(1.0)), Duration::ZERO, "{rate:?}");
        }
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_stop_the_work() {
        let meter = Meter::new(Some(1.0));
        meter.wait_of_turn(at(1_000_000.0));
        assert_eq!(meter.wait_of_turn(at(1.0)), LONGEST_TURN);
    }

    #[test]
    fn a_busy_server_is_left_alone_by_all() {
        let effects = Effects { now: Arc::new(|| at(100.0)), ..Effects::default() };
        let meter = Meter::new(None);
        meter.count_retry(&status(502), Duration::from_secs(9), &effects);
        assert_eq!(meter.wait_of_turn(at(100.0)), Duration::ZERO);
        meter.count_retry(&status(429), Duration::from_secs(7), &effects);
        meter.count_retry(&status(503), Duration::from_secs(3), &effects);
        assert_eq!(meter.wait_of_turn(at(101.0)), Duration::from_secs(6));
        assert_eq!(meter.traffic(), Traffic { retried: 3, ..Traffic::default() });
    }
}
