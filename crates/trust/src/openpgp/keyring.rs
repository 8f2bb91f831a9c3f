//! The certificates that a federation gives, with the days in which their keys are valid.

use std::fmt;

use sequoia_openpgp as openpgp;

use openpgp::cert::{Cert, CertParser};
use openpgp::parse::Parse as _;

use super::{Fingerprint, KeyValidity, KeyringError};

/// Bytes of all files with certificates.
const MAX_BYTES: usize = 16 << 20;
/// Certificates that are kept: those of a federation are few dozen.
const MAX_CERTIFICATES: usize = 4096;

const ARMOR: &[u8] = b"-----BEGIN PGP PUBLIC KEY BLOCK-----";
const PRIVATE_ARMOR: &[u8] = b"-----BEGIN PGP PRIVATE KEY BLOCK-----";

/// Certificates, and the days in which their keys are valid.
///
/// Without days every key counts for as long as its certificate says. With days, only the keys for
/// which some are given count; with an empty list of days, none.
#[derive(Clone)]
pub struct Keyring {
    pub(super) certificates: Vec<Cert>,
    pub(super) validity: Option<Vec<KeyValidity>>,
}

impl Keyring {
    /// Reads certificates from files, each with the name that errors show: binary or armored, many
    /// in one file or one behind the other, with any text between armored ones. One certificate in
    /// several files is one, with all that they say of it: a revocation counts wherever it stands.
    ///
    /// # Errors
    /// When a file holds no certificate or something else beside them, or is too much.
    pub fn read<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
        validity: Option<Vec<KeyValidity>>,
    ) -> Result<Self, KeyringError> {
        let mut keyring = Self { certificates: Vec::new(), validity };
        let mut left = MAX_BYTES;
        for (file, bytes) in files {
            left =
                left.checked_sub(bytes.len()).ok_or(KeyringError::TooLarge { limit: MAX_BYTES })?;
            let mut found = false;
            for block in blocks(bytes) {
                for certificate in certificates(file, block)? {
                    keyring.insert(file, certificate?)?;
                    found = true;
                }
            }
            if !found {
                return Err(KeyringError::NoCertificate { file: file.to_owned() });
            }
        }
        Ok(keyring)
    }

    /// The certificates, in the order in which they were given.
    pub fn fingerprints(&self) -> impl Iterator<Item = Fingerprint> {
        self.certificates.iter().map(|certificate| fingerprint(&certificate.fingerprint()))
    }

    fn insert(&mut self, file: &str, certificate: Cert) -> Result<(), KeyringError> {
        let key = certificate.fingerprint();
        let malformed = |error: &anyhow::Error| KeyringError::Malformed {
            file: file.to_owned(),
            reason: error.to_string(),
        };
        if certificate.is_tsk() {
            let key = fingerprint(&key).to_string();
            return Err(KeyringError::PrivateKey { file: file.to_owned(), key });
        }
        let full = self.certificates.len() == MAX_CERTIFICATES;
        match self.certificates.iter_mut().find(|known| known.fingerprint() == key) {
            Some(known) => {
                *known =
                    known.clone().merge_public(certificate).map_err(|error| malformed(&error))?;
            }
            None if full => return Err(KeyringError::TooMany { limit: MAX_CERTIFICATES }),
            None => self.certificates.push(certificate),
        }
        Ok(())
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Keyring")
            .field("certificates", &self.fingerprints().collect::<Vec<_>>())
            .field("validity", &self.validity)
            .finish()
    }
}

pub(super) fn fingerprint(key: &openpgp::Fingerprint) -> Fingerprint {
    // Those of unknown versions are no certificates, and have never signed anything.
    Fingerprint::parse(&key.to_hex())
        .unwrap_or_else(|_| Fingerprint::parse(&"0".repeat(64)).expect("64 digits"))
}

/// The armored blocks of a file, or the whole of a binary one.
fn blocks(bytes: &[u8]) -> Vec<&[u8]> {
    let starts: Vec<usize> = bytes
        .windows(PRIVATE_ARMOR.len())
        .enumerate()
        .filter(|(position, window)| {
            (window.starts_with(ARMOR) || window.starts_with(PRIVATE_ARMOR))
                && position.checked_sub(1).is_none_or(|before| bytes[before] == b'\n')
        })
        .map(|(position, _)| position)
        .collect();
    if starts.is_empty() {
        return vec![bytes];
    }
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    starts.iter().zip(ends).map(|(start, end)| &bytes[*start..end]).collect()
}

fn certificates<'a>(
    file: &'a str,
    block: &'a [u8],
) -> Result<impl Iterator<Item = Result<Cert, KeyringError>>, KeyringError> {
    let malformed = move |error: &anyhow::Error| KeyringError::Malformed {
        file: file.to_owned(),
        reason: error.to_string(),
    };
    let none = |_| KeyringError::NoCertificate { file: file.to_owned() };
    let parser = CertParser::from_bytes(block).map_err(none)?;
    Ok(parser.map(move |found| found.map_err(|error| malformed(&error))))
}
