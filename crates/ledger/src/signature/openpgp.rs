//! OpenPGP certificates of authors, which only a build with the feature `openpgp` reads.
//!
//! A build without it keeps their fingerprints and says of each signature that it cannot be checked, which is
//! neither yes nor no.

use countermark_trust::openpgp::Fingerprint;
use jiff::Timestamp;
use jiff::civil::Date;

use super::key::KeyError;
use super::refusal::Refusal;

/// Bytes of a signature.
#[cfg(feature = "openpgp")]
const MAXIMUM_BYTES: usize = 32 << 10;

/// The certificate of one author.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    #[cfg(feature = "openpgp")]
    keyring: countermark_trust::openpgp::Keyring,
    #[cfg(feature = "openpgp")]
    fingerprint: Fingerprint,
}

impl Certificate {
    /// Reads a file with the certificate of a fingerprint.
    #[cfg(feature = "openpgp")]
    pub(super) fn read(
        file: &str,
        bytes: &[u8],
        fingerprint: &Fingerprint,
    ) -> Result<Self, KeyError> {
        let keyring = countermark_trust::openpgp::Keyring::read([(file, bytes)], None)
            .map_err(KeyError::Certificate)?;
        if keyring.fingerprints().any(|it| it == *fingerprint) {
            return Ok(Self { keyring, fingerprint: fingerprint.clone() });
        }
        let (file, fingerprint) = (file.to_owned(), fingerprint.to_string());
        Err(KeyError::OtherCertificate { file, fingerprint })
    }

    /// Reads nothing.
    #[cfg(not(feature = "openpgp"))]
    #[expect(clippy::unnecessary_wraps, reason = "with the feature there are errors")]
    pub(super) fn read(_: &str, _: &[u8], _: &Fingerprint) -> Result<Self, KeyError> {
        Ok(Self {})
    }

    /// Whether bytes were signed with it, around the day of the review.
    #[cfg(feature = "openpgp")]
    pub(super) fn verify(
        &self,
        signed: &[u8],
        signature: &[u8],
        on: Date,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        use countermark_trust::openpgp::{Moment, SignatureRefusal};
        use jiff::tz::TimeZone;

        if signature.len() > MAXIMUM_BYTES {
            let reason = SignatureRefusal::SignatureTooLarge { limit: MAXIMUM_BYTES };
            return Err(Refusal::OpenPgp { reason });
        }
        let released = on.to_zoned(TimeZone::UTC).map(|day| day.timestamp()).ok();
        let moment = Moment { now, released };
        let signer = self.keyring.verify_detached(signed, signature, moment);
        let signer = signer.map_err(|reason| Refusal::OpenPgp { reason })?;
        // A file may have several certificates; one of them was named.
        if signer.certificate == self.fingerprint {
            return Ok(());
        }
        let issuer = signer.certificate.to_string();
        Err(Refusal::OpenPgp { reason: SignatureRefusal::UnknownKey { issuer } })
    }

    /// Nothing is decided.
    #[cfg(not(feature = "openpgp"))]
    #[expect(clippy::unused_self, reason = "with the feature it decides")]
    pub(super) fn verify(&self, _: &[u8], _: &[u8], _: Date, _: Timestamp) -> Result<(), Refusal> {
        let reason = "this build has no OpenPGP".to_owned();
        Err(Refusal::NotCheckable { reason })
    }
}

/// The fingerprints of the certificates in a file; none from a build that cannot read them.
///
/// # Errors
/// When the file holds no certificate, or a private key.
#[cfg(feature = "openpgp")]
pub fn fingerprints(file: &str, bytes: &[u8]) -> Result<Option<Vec<Fingerprint>>, KeyError> {
    let keyring = countermark_trust::openpgp::Keyring::read([(file, bytes)], None);
    let keyring = keyring.map_err(KeyError::Certificate)?;
    Ok(Some(keyring.fingerprints().collect()))
}

/// The fingerprints of the certificates in a file; none from a build that cannot read them.
///
/// # Errors
/// None here; with the feature, when the file holds no certificate.
#[cfg(not(feature = "openpgp"))]
pub fn fingerprints(_: &str, _: &[u8]) -> Result<Option<Vec<Fingerprint>>, KeyError> {
    Ok(None)
}
