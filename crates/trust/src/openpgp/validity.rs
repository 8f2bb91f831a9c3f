//! Plain values: which key, in which days, and when something was released.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// How many days a signature and the release that it is of may lie apart before the signature's own
/// date is doubted. Releases are approved first and built by a job that can wait for days.
pub const LAG_DAYS: i64 = 7;

/// Days of the calendar differ by one around the world.
const TIME_ZONES: i64 = 1;

/// The name of a key: 20 or 32 bytes, written as lower-case hexadecimal.
///
/// Short forms are not accepted anywhere: others can make a key with the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(Box<str>);

/// A text is no fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no fingerprint, expected 40 or 64 hexadecimal digits")]
pub struct FingerprintError {
    /// The beginning of what was found.
    pub text: String,
}

impl Fingerprint {
    /// Reads it with or without `0x` and spaces.
    ///
    /// # Errors
    /// When it has not 40 or 64 hexadecimal digits, as the short forms have not.
    pub fn parse(text: &str) -> Result<Self, FingerprintError> {
        let trimmed = text.trim();
        let digits: String = trimmed
            .strip_prefix("0x")
            .unwrap_or(trimmed)
            .chars()
            .filter(|letter| *letter != ' ')
            .map(|letter| letter.to_ascii_lowercase())
            .collect();
        if matches!(digits.len(), 40 | 64) && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(digits.into()))
        } else {
            Err(FingerprintError { text: text.chars().take(80).collect() })
        }
    }

    /// Lower-case hexadecimal.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        Self::parse(text)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The days in which a federation signed with a key, both included. In a list of several, a key may
/// stand more than once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyValidity {
    /// Of a certificate, and then it speaks of all its signing keys; or of one subkey.
    pub fingerprint: Fingerprint,
    /// The first day; always before when there is none.
    pub from: Option<Date>,
    /// The last day; still in use when there is none.
    pub until: Option<Date>,
}

impl KeyValidity {
    /// Whether a signature can be of this key and these days: made in them, for a release from
    /// around them.
    #[must_use]
    pub fn covers(&self, made: Timestamp, released: Option<Timestamp>) -> bool {
        self.contains(made, TIME_ZONES)
            && released.is_none_or(|released| self.contains(released, LAG_DAYS))
    }

    /// Whether something is from before these days.
    #[must_use]
    pub fn is_before(&self, made: Timestamp) -> bool {
        self.from.is_some_and(|from| day_of(made) < shifted(from, -TIME_ZONES))
    }

    fn contains(&self, time: Timestamp, slack: i64) -> bool {
        let day = day_of(time);
        self.from.is_none_or(|from| shifted(from, -slack) <= day)
            && self.until.is_none_or(|until| day <= shifted(until, slack))
    }
}

/// The day in UTC.
fn day_of(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

/// Stays at the ends of the calendar.
fn shifted(day: Date, days: i64) -> Date {
    day.saturating_add(Span::new().days(days))
}

/// The times by which a signature is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Now. Nothing may be signed later, but for half an hour by which clocks differ.
    pub now: Timestamp,
    /// When the release was made, by somebody else than the signer: records, an index, a host.
    pub released: Option<Timestamp>,
}

impl Moment {
    /// The latest time that a signature may give.
    #[cfg(feature = "openpgp")]
    pub(super) fn limit(self) -> Timestamp {
        let clocks = jiff::SignedDuration::from_mins(30);
        self.now.saturating_add(clocks).unwrap_or(self.now)
    }
}

/// Who signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The certificate.
    pub certificate: Fingerprint,
    /// The key of it that signed: the same, or a subkey.
    pub key: Fingerprint,
    /// When, by the signature.
    pub made: Timestamp,
}

/// A text, with who signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedText {
    /// What was signed, without its frame and without white space at the ends of lines.
    pub text: Vec<u8>,
    /// By whom.
    pub signer: Signer,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_whole() {
        let digits = "ABCDEF0123456789abcdef0123456789abcdef01";
        for good in [digits.to_owned(), format!("0x{digits}"), "ab ".repeat(20), "0f".repeat(32)] {
            assert!(Fingerprint::parse(&good).is_ok(), "{good}");
        }
        assert_eq!(Fingerprint::parse(digits).unwrap().as_str(), digits.to_ascii_lowercase());
        for bad in
            ["", "0x", &digits[..39], &digits[24..], &digits.replace('A', "g"), &"0".repeat(41)]
        {
            assert!(Fingerprint::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn days_are_inclusive_with_their_slack() {
        let validity = KeyValidity {
            fingerprint: Fingerprint::parse(&"0".repeat(40)).unwrap(),
            from: Some("2025-04-07".parse().unwrap()),
            until: Some("2025-10-06".parse().unwrap()),
        };
        let at = |day: &str| format!("{day}T12:00:00Z").parse::<Timestamp>().unwrap();
        let check = |made: &str, released: Option<&str>, expect: bool| {
            assert_eq!(validity.covers(at(made), released.map(at)), expect, "{made} {released:?}");
        };
        check("2025-04-05", None, false);
        check("2025-04-06", None, true);
        check("2025-04-07", None, true);
        check("2025-10-07", None, true);
        check("2025-10-08", None, false);
        check("2025-04-07", Some("2025-03-31"), true);
        check("2025-04-07", Some("2025-03-30"), false);
        check("2025-10-06", Some("2025-10-13"), true);
        check("2025-10-06", Some("2025-10-14"), false);
        assert!(validity.is_before(at("2025-04-05")) && !validity.is_before(at("2025-10-08")));
        let open = KeyValidity { from: None, until: None, ..validity.clone() };
        assert!(open.covers(Timestamp::MIN, Some(Timestamp::MAX)));
        let edge = KeyValidity { from: Some(Date::MIN), until: Some(Date::MAX), ..validity };
        assert!(edge.covers(Timestamp::MIN, Some(Timestamp::MAX)));
    }
}
