//! How long to wait before asking again.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::error::HttpError;

/// How often and how patiently a failed request is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// Further attempts after the first.
    pub count: u32,
    /// The first wait; each further one is twice as long.
    pub first: Duration,
    /// The longest wait of ours.
    pub longest: Duration,
    /// The longest `Retry-After` that is waited for; a longer one ends the attempts.
    pub longest_asked: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            count: 4,
            first: Duration::from_millis(500),
            longest: Duration::from_secs(20),
            longest_asked: Duration::from_secs(60),
        }
    }
}

/// What a future of [`Effects::sleep`] is.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Time and chance, so that tests need neither.
#[derive(Clone)]
pub struct Effects {
    /// For `Retry-After` with a date.
    pub now: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    /// In `0.0..1.0`.
    pub jitter: Arc<dyn Fn() -> f64 + Send + Sync>,
    /// Between attempts.
    pub sleep: Arc<dyn Fn(Duration) -> Sleep + Send + Sync>,
}

impl Default for Effects {
    fn default() -> Self {
        Self {
            now: Arc::new(SystemTime::now),
            jitter: Arc::new(random_fraction),
            sleep: Arc::new(|time| Box::pin(tokio::time::sleep(time))),
        }
    }
}

impl fmt::Debug for Effects {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Effects")
    }
}

/// Spreads clients in time; nothing secret depends on it.
fn random_fraction() -> f64 {
    let bits = RandomState::new().hash_one(0_u8) >> 40;
    bits as f64 / (1_u64 << 24) as f64
}

/// The wait before attempt number `attempt` (the first repetition is 1), or `None` to give up.
pub(super) fn wait_before(
    retries: &Retries,
    attempt: u32,
    error: &HttpError,
    jitter: f64,
) -> Option<Duration> {
    if attempt > retries.count || !error.is_transient() {
        return None;
    }
    let doubled = retries.first.saturating_mul(1 << (attempt - 1).min(16)).min(retries.longest);
    // "Equal jitter": half of it is certain, so that a busy server gets its pause.
    let ours = doubled.mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0));
    match error {
        HttpError::Status { retry_after: Some(asked), .. } => {
            (*asked <= retries.longest_asked).then(|| ours.max(*asked))
        }
        _ => Some(ours),
    }
}

/// Reads `Retry-After`: seconds, or an HTTP date (RFC 9110, section 10.2.3).
pub(super) fn parse_retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number beyond 64 bits is as good as never.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?;
    let then = SystemTime::from(date.timestamp());
    Some(then.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::super::RedactedUrl;
    use super::*;

    fn status(code: u16, retry_after: Option<u64>) -> HttpError {
        HttpError::Status {
            url: RedactedUrl::of_text("https://x.example/"),
            code,
            retry_after: retry_after.map(Duration::from_secs),
        }
    }

    #[test]
    fn waits() {
        let check = |attempt, error: HttpError, jitter, expect: Option<f64>| {
            let found = wait_before(&Retries::default(), attempt, &error, jitter);
            assert_eq!(found.map(|it| it.as_secs_f64()), expect, "{attempt} {error} {jitter}");
        };
        check(1, status(503, None), 0.0, Some(0.25));
        check(1, status(503, None), 1.0, Some(0.5));
        check(2, status(503, None), 1.0, Some(1.0));
        check(4, status(503, None), 1.0, Some(4.0));
        check(5, status(503, None), 1.0, None);
        check(1, status(503, Some(7)), 0.0, Some(7.0));
        check(1, status(503, Some(0)), 0.0, Some(0.25));
        check(1, status(503, Some(60)), 0.0, Some(60.0));
        check(1, status(503, Some(61)), 0.0, None);
        check(1, status(429, None), 0.0, Some(0.25));
        check(1, status(404, None), 0.0, None);
        check(1, status(403, Some(1)), 0.0, None);
    }

    #[test]
    fn the_wait_is_bounded() {
        let retries = Retries { count: u32::MAX, ..Retries::default() };
        let wait = wait_before(&retries, u32::MAX, &status(500, None), 1.0);
        assert_eq!(wait, Some(retries.longest));
    }

    #[test]
    fn retry_after_values() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777 - 37);
        let check = |value: &str, expect: Option<u64>| {
            let found = parse_retry_after(value, now);
            assert_eq!(found, expect.map(Duration::from_secs), "{value}");
        };
        check("7", Some(7));
        check(" 120 ", Some(120));
        check("99999999999999999999999", Some(u64::MAX));
        check("Sun, 06 Nov 1994 08:49:37 GMT", Some(37));
        check("Sun, 06 Nov 1994 08:48:37 GMT", Some(0));
        check("-1", None);
        check("soon", None);
        check("", None);
    }

    #[test]
    fn jitter_is_a_fraction() {
        assert!((0..100).map(|_| random_fraction()).all(|it| (0.0..1.0).contains(&it)));
    }
}
