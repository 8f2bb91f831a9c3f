//! Whose keys count, as one ledger says: by author, with their days.

use std::collections::BTreeMap;

use countermark_packaging::lock::Place;
use countermark_trust::Class;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::key::{KeyError, PublicKey};
use super::openpgp::Certificate;
use super::refusal::Refusal;
use crate::ledger::AuthorKey;

/// The OpenPGP certificates of a ledger's folder, by the path that `file` gives: its bytes.
pub type Certificates = BTreeMap<String, Vec<u8>>;

/// The keys of a ledger, ready to verify.
#[derive(Clone, Debug)]
pub struct Keys {
    pub(super) keys: Vec<Key>,
    now: Timestamp,
}

/// A key, whose it is, and its days.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) author: String,
    pub(super) key: PublicKey,
    pub(super) certificate: Option<Certificate>,
    from: Option<Date>,
    until: Option<Date>,
}

/// A `[[key]]` of `ledger.toml` that cannot be used, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct KeyMistake {
    /// Why.
    pub error: KeyError,
    /// Where it stands.
    pub place: Place,
}

impl KeyMistake {
    /// As [`KeyError::code`].
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.error.code()
    }

    /// As [`KeyError::class`].
    #[must_use]
    pub fn class(&self) -> Class {
        self.error.class()
    }

    /// As [`KeyError::hint`].
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        self.error.hint()
    }
}

impl Keys {
    /// Reads the keys of a ledger, or of one of its imports. `now` is when the signatures are verified: a
    /// review of a later day counts for nothing.
    ///
    /// # Errors
    /// Every key that cannot be used, with its place.
    pub fn new(
        keys: &[AuthorKey],
        certificates: &Certificates,
        now: Timestamp,
    ) -> Result<Self, Vec<KeyMistake>> {
        let mut read: Vec<Key> = Vec::with_capacity(keys.len());
        let mut mistakes = Vec::new();
        for written in keys {
            let found = Key::read(written, certificates).and_then(|key| {
                let shares = |it: &&Key| it.author != key.author && it.key.is_same(&key.key);
                match read.iter().find(shares) {
                    Some(other) => {
                        let (author, other) = (key.author.clone(), other.author.clone());
                        Err(KeyError::Shared { author, other })
                    }
                    None => Ok(key),
                }
            });
            match found {
                Ok(key) => read.push(key),
                Err(error) => mistakes.push(KeyMistake { error, place: written.place.clone() }),
            }
        }
        if mistakes.is_empty() { Ok(Self { keys: read, now }) } else { Err(mistakes) }
    }

    /// No keys: every review is by an unknown author.
    #[must_use]
    pub fn none(now: Timestamp) -> Self {
        Self { keys: Vec::new(), now }
    }

    /// Whether the author has a key.
    #[must_use]
    pub fn has(&self, author: &str) -> bool {
        self.keys.iter().any(|key| key.author == author)
    }

    /// Whose key it is, where the ledger has it.
    #[must_use]
    pub fn author_of(&self, wanted: &PublicKey) -> Option<&str> {
        self.keys.iter().find(|key| key.key.is_same(wanted)).map(|key| key.author.as_str())
    }

    /// The keys of an author.
    pub fn of<'k>(&'k self, author: &str) -> impl Iterator<Item = &'k PublicKey> {
        let author = author.to_owned();
        self.keys.iter().filter(move |key| key.author == author).map(|key| &key.key)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// The keys of an author that are meant, with days that cover the one of the review; the reason where
    /// there is none. `is_meant` also finds the keys of others, for the reason.
    pub(super) fn meant(
        &self,
        author: &str,
        on: Date,
        named: &str,
        is_meant: impl Fn(&Key) -> bool,
    ) -> Result<Vec<&Key>, Refusal> {
        if !self.has(author) {
            return Err(Refusal::UnknownAuthor { author: author.to_owned() });
        }
        let (own, others): (Vec<&Key>, Vec<&Key>) =
            self.keys.iter().filter(|key| is_meant(key)).partition(|key| key.author == author);
        let author = author.to_owned();
        let Some(first) = own.first() else {
            return Err(match others.first() {
                Some(other) => Refusal::OtherAuthor { author, signer: other.author.clone() },
                None => Refusal::UnknownKey { author, key: named.to_owned() },
            });
        };
        let refusal = first.refuse_day(on);
        let counting: Vec<&Key> =
            own.into_iter().filter(|key| key.refuse_day(on).is_none()).collect();
        match refusal {
            Some(refusal) if counting.is_empty() => Err(refusal),
            _ => Ok(counting),
        }
    }

    /// Reviews of tomorrow are nobody's; days differ by one around the world.
    pub(super) fn check_day(&self, on: Date) -> Result<(), Refusal> {
        let today = self.now.to_zoned(TimeZone::UTC).date();
        if today.tomorrow().is_ok_and(|tomorrow| on > tomorrow) {
            return Err(Refusal::Future { on });
        }
        Ok(())
    }
}

impl Key {
    fn read(written: &AuthorKey, certificates: &Certificates) -> Result<Self, KeyError> {
        let key = PublicKey::parse(&written.key)?;
        let certificate = match (&key, &written.file) {
            (PublicKey::OpenPgp(fingerprint), Some(file)) => {
                let bytes = certificates
                    .get(file)
                    .ok_or_else(|| KeyError::CertificateMissing { file: file.clone() })?;
                Some(Certificate::read(file, bytes, fingerprint)?)
            }
            (PublicKey::OpenPgp(_), None) => return Err(KeyError::NoCertificate),
            (_, Some(_)) => return Err(KeyError::FileUnused),
            (_, None) => None,
        };
        let author = written.author.clone();
        Ok(Self { author, key, certificate, from: written.from, until: written.until })
    }

    fn refuse_day(&self, on: Date) -> Option<Refusal> {
        let key = self.key.to_string();
        match (self.from, self.until) {
            (Some(from), _) if on < from => Some(Refusal::KeyNotYet { key, on, from }),
            (_, Some(until)) if on > until => Some(Refusal::KeyExpired { key, on, until }),
            _ => None,
        }
    }
}
