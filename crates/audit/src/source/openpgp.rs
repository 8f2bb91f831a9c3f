//! Signatures beside files: the judge that sources ask, and the days in which keys were in use.
//!
//! What a signature is worth is decided by `countermark_trust::openpgp`, which needs the feature
//! `openpgp`; built without it, every signature is unchecked, which is neither good nor bad.

use std::fmt;

use countermark_trust::openpgp::{Fingerprint, KeyValidity, KeyringError};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;

use super::SignatureJudge;
use crate::record::{RecordProblem, Signature};

/// Bytes of a file of keys with dates.
const MAX_KEYS_FILE: usize = 4 << 20;

/// The reason that [`NoOpenPgp`] gives.
const NOT_BUILT: &str = "this build has no OpenPGP (feature `openpgp`)";

/// Checks nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoOpenPgp {
    /// Why, for people.
    pub reason: String,
}

impl Default for NoOpenPgp {
    /// Built without OpenPGP.
    fn default() -> Self {
        Self { reason: NOT_BUILT.to_owned() }
    }
}

impl SignatureJudge for NoOpenPgp {
    fn judge(&self, _: &[u8], _: &[u8], _: Option<Timestamp>) -> Signature {
        Signature::Unchecked { reason: self.reason.clone() }
    }

    fn open_cleartext(&self, _: &[u8], _: Option<Timestamp>) -> Result<Vec<u8>, Signature> {
        Err(Signature::Unchecked { reason: self.reason.clone() })
    }
}

/// A judge with these certificates (each file with its name) and the days in which their keys were in
/// use. Without any certificate, or built without OpenPGP, it is one that checks nothing and says why.
///
/// # Errors
/// When the certificates cannot be used.
pub fn judge(
    certificates: &[(String, Vec<u8>)],
    validity: Option<Vec<KeyValidity>>,
    now: Timestamp,
) -> Result<Box<dyn SignatureJudge>, KeyringError> {
    if certificates.is_empty() {
        let reason = "no keys are given to check it with".to_owned();
        return Ok(Box::new(NoOpenPgp { reason }));
    }
    with_keys(certificates, validity, now)
}

#[cfg(not(feature = "openpgp"))]
#[allow(clippy::unnecessary_wraps, reason = "built with OpenPGP it can fail")]
fn with_keys(
    _: &[(String, Vec<u8>)],
    _: Option<Vec<KeyValidity>>,
    _: Timestamp,
) -> Result<Box<dyn SignatureJudge>, KeyringError> {
    Ok(Box::new(NoOpenPgp::default()))
}

#[cfg(feature = "openpgp")]
fn with_keys(
    certificates: &[(String, Vec<u8>)],
    validity: Option<Vec<KeyValidity>>,
    now: Timestamp,
) -> Result<Box<dyn SignatureJudge>, KeyringError> {
    let files = certificates.iter().map(|(file, bytes)| (file.as_str(), bytes.as_slice()));
    let keyring = countermark_trust::openpgp::Keyring::read(files, validity)?;
    Ok(Box::new(checked::OpenPgpJudge { keyring, now }))
}

#[cfg(feature = "openpgp")]
pub use checked::OpenPgpJudge;

#[cfg(feature = "openpgp")]
mod checked {
    use countermark_trust::Class;
    use countermark_trust::openpgp::{Keyring, Moment, SignatureRefusal};
    use jiff::Timestamp;

    use crate::record::Signature;
    use crate::source::SignatureJudge;

    /// Verifies with the keys of a federation.
    #[derive(Clone, Debug)]
    pub struct OpenPgpJudge {
        /// The certificates, with the days in which they count.
        pub keyring: Keyring,
        /// Now; nothing is signed later.
        pub now: Timestamp,
    }

    impl SignatureJudge for OpenPgpJudge {
        fn judge(&self, file: &[u8], signature: &[u8], at: Option<Timestamp>) -> Signature {
            let moment = Moment { now: self.now, released: at };
            match self.keyring.verify_detached(file, signature, moment) {
                Ok(signer) => Signature::Good { signer: signer.certificate.to_string() },
                Err(refusal) => refused(&refusal),
            }
        }

        fn open_cleartext(&self, text: &[u8], at: Option<Timestamp>) -> Result<Vec<u8>, Signature> {
            let moment = Moment { now: self.now, released: at };
            let opened = self.keyring.verify_cleartext(text, moment);
            opened.map(|signed| signed.into_inner().text).map_err(|refusal| refused(&refusal))
        }
    }

    fn refused(refusal: &SignatureRefusal) -> Signature {
        let reason = refusal.to_string();
        match refusal.class() {
            Class::Rejected | Class::Usage | Class::Alarm => {
                Signature::Bad { code: refusal.code(), reason }
            }
            Class::Unavailable => Signature::Unchecked { reason },
        }
    }
}

/// The keys that a file of release cycles names, with the days in which each signed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SigningKeys {
    /// A key whose days cannot be read is left out, and then does not count; with a file that cannot
    /// be read, or that names no key, none does. Never `None` when it comes from a file.
    pub validity: Option<Vec<KeyValidity>>,
    /// What could not be read.
    pub problems: Vec<RecordProblem>,
}

/// One release cycle, as far as it is about keys.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Cycle {
    #[serde(default)]
    signing_key: Option<Keys>,
}

/// One key, or a list of them. Not serde's untagged enum, which would take a key of digits for a
/// number before it knows that a text is wanted.
struct Keys(Vec<SigningKey>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMore;
        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Keys;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a key with `key`, `start` and `end`, or a list of such")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Keys, A::Error> {
                SigningKey::deserialize(MapAccessDeserializer::new(map)).map(|key| Keys(vec![key]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Keys, A::Error> {
                let mut keys = Vec::new();
                while let Some(key) = list.next_element()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
            }
        }
        deserializer.deserialize_any(OneOrMore)
    }
}

#[derive(Deserialize)]
struct SigningKey {
    key: Spanned<String>,
    #[serde(default)]
    start: Option<String>,
    #[serde(default)]
    end: Option<String>,
}

/// Reads the `signing-key` of every entry of a list such as `series_status.yaml`: `key`, `start`, and
/// `end`, which is a day or `present`.
#[must_use]
pub fn parse_signing_keys(file: &str, bytes: &[u8]) -> SigningKeys {
    // Empty and not absent: where dates were asked for, no key may count without them.
    let mut found = SigningKeys { validity: Some(Vec::new()), problems: Vec::new() };
    let problem = |position: Option<(u32, u32)>, message: String| RecordProblem {
        file: file.to_owned(),
        position,
        message,
    };
    let text = match std::str::from_utf8(bytes) {
        Ok(text) if bytes.len() <= MAX_KEYS_FILE => text,
        Ok(_) => {
            let message = format!("the file has more than {MAX_KEYS_FILE} bytes");
            found.problems.push(problem(None, message));
            return found;
        }
        Err(_) => {
            found.problems.push(problem(None, "the file is not utf-8".to_owned()));
            return found;
        }
    };
    let cycles: Option<Vec<Cycle>> = match serde_saphyr::from_str(text) {
        Ok(cycles) => cycles,
        Err(error) => {
            let position = error.location().map(|at| (narrow(at.line()), narrow(at.column())));
            let text = error.without_snippet().to_string();
            let message = text.lines().next().unwrap_or("not yaml").to_owned();
            found.problems.push(problem(position, message));
            return found;
        }
    };
    let keys = cycles.into_iter().flatten().filter_map(|cycle| cycle.signing_key);
    for key in keys.flat_map(|keys| keys.0) {
        let validity = found.validity.get_or_insert_default();
        match key_validity(&key) {
            Ok(key) => validity.push(key),
            Err(message) => {
                let at = key.key.referenced;
                let position = Some((narrow(at.line()), narrow(at.column())));
                found.problems.push(problem(position, message));
            }
        }
    }
    if found.validity.as_ref().is_none_or(Vec::is_empty) && found.problems.is_empty() {
        found.problems.push(problem(None, "it names no `signing-key`".to_owned()));
    }
    found
}

fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn key_validity(key: &SigningKey) -> Result<KeyValidity, String> {
    let fingerprint = Fingerprint::parse(&key.key.value).map_err(|error| error.to_string())?;
    let day = |text: &str| -> Result<Date, String> {
        text.trim().parse().map_err(|_| format!("`{text}` of the key {fingerprint} is no day"))
    };
    let from = key.start.as_deref().map(day).transpose()?;
    let end = key.end.as_deref().filter(|end| !matches!(end.trim(), "present" | ""));
    let until = end.map(day).transpose()?;
    if from.zip(until).is_some_and(|(from, until)| until < from) {
        return Err(format!("the days of the key {fingerprint} end before they begin"));
    }
    Ok(KeyValidity { fingerprint, from, until })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CYCLES: &str = "---\n- name: next\n  status: future\n\
        - name: second\n  signing-key:\n    key: 12345678901234567890123456789012345678e9\n    \
        start: 2025-04-10\n    end: present\n\
        - name: first\n  signing-key:\n    key: 1234567890123456789012345678901234567890\n    \
        start: 2024-10-07\n    end: 2025-04-10\n";

    #[test]
    fn keys_are_read_with_their_days() {
        let found = parse_signing_keys("cycles.yaml", CYCLES.as_bytes());
        assert_eq!(found.problems, []);
        let shown: Vec<_> = found
            .validity
            .unwrap()
            .iter()
            .map(|key| {
                let day = |date: Option<Date>| date.map_or("-".to_owned(), |date| date.to_string());
                format!("{} {} {}", &key.fingerprint.as_str()[36..], day(key.from), day(key.until))
            })
            .collect();
        assert_eq!(shown, ["78e9 2025-04-10 -", "7890 2024-10-07 2025-04-10"]);
        for none in [&b"- name: next\n"[..], b""] {
            let found = parse_signing_keys("cycles.yaml", none);
            assert_eq!((found.validity, found.problems.len()), (Some(Vec::new()), 1));
        }
    }

    #[test]
    fn several_keys_of_one_cycle_are_read() {
        let text = format!(
            "- signing-key:\n  - key: {}\n  - key: {}\n    end: 2020-01-01\n",
            "a".repeat(40),
            "b".repeat(64)
        );
        let found = parse_signing_keys("k", text.as_bytes());
        assert_eq!((found.validity.map(|keys| keys.len()), found.problems.len()), (Some(2), 0));
    }

    #[test]
    fn a_key_that_cannot_be_read_does_not_count_and_is_told() {
        let check = |from: &str, to: &str, left: usize, line: Option<u32>, says: &str| {
            assert!(CYCLES.contains(from), "{from}");
            let found = parse_signing_keys("k", CYCLES.replacen(from, to, 1).as_bytes());
            assert_eq!(found.validity.map(|keys| keys.len()), Some(left), "{to}");
            assert_eq!(found.problems.len(), 1, "{to}");
            assert!(found.problems[0].message.contains(says), "{:?}", found.problems);
            assert_eq!(found.problems[0].position.map(|(line, _)| line), line, "{to}");
        };
        check("678e9", "678", 1, Some(6), "is no fingerprint");
        check("2025-04-10", "2025-04-31", 1, Some(6), "is no day");
        check("present", "now", 1, Some(6), "is no day");
        check("end: 2025-04-10", "end: 2024-10-06", 1, Some(11), "end before they begin");
        check("- name: second", "- name: [second", 0, Some(5), "");
        let not_text = parse_signing_keys("k", b"\xff");
        assert_eq!(not_text.problems.len(), 1);
        let long = vec![b'\n'; MAX_KEYS_FILE + 1];
        assert_eq!(parse_signing_keys("k", &long).problems.len(), 1);
    }

    #[test]
    fn without_keys_nothing_is_checked_and_that_is_said() {
        let judge = judge(&[], None, Timestamp::UNIX_EPOCH).unwrap();
        let unchecked = |reason: &str| Signature::Unchecked { reason: reason.to_owned() };
        let expect = unchecked("no keys are given to check it with");
        assert_eq!(judge.judge(b"bytes", b"signature", None), expect);
        assert_eq!(judge.open_cleartext(b"text", None), Err(expect));
        assert_eq!(NoOpenPgp::default().judge(b"", b"", None), unchecked(NOT_BUILT));
    }

    #[test]
    #[cfg(feature = "openpgp")]
    fn what_is_no_signature_is_bad_and_not_unchecked() {
        let keyring = countermark_trust::openpgp::Keyring::read([], None).unwrap();
        let judge = OpenPgpJudge { keyring, now: Timestamp::UNIX_EPOCH };
        let found = judge.judge(b"bytes", b"<html>", None);
        assert!(matches!(found, Signature::Bad { code: "not-a-signature", .. }), "{found:?}");
        let found = judge.open_cleartext(b"text", None);
        assert!(matches!(found, Err(Signature::Bad { code: "cleartext-malformed", .. })));
        let files = [("keys.asc".to_owned(), b"no key".to_vec())];
        let error = super::judge(&files, None, Timestamp::UNIX_EPOCH).map(drop).unwrap_err();
        assert_eq!(error.code(), "no-certificate");
    }
}
