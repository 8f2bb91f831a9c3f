//! From a signature to who made it, or to a refusal.

use std::io::{self, Read};
use std::time::SystemTime;

use sequoia_openpgp as openpgp;

use openpgp::cert::amalgamation::{ValidAmalgamation as _, ValidateAmalgamation as _};
use openpgp::cert::prelude::ValidErasedKeyAmalgamation;
use openpgp::packet::Signature;
use openpgp::packet::key::PublicParts;
use openpgp::parse::stream::{
    DetachedVerifierBuilder, GoodChecksum, MessageLayer, MessageStructure, VerificationError,
    VerificationHelper, VerificationResult,
};
use openpgp::parse::{PacketParserBuilder, PacketParserResult, Parse as _};
use openpgp::types::{RevocationStatus, SignatureType};
use openpgp::{Cert, KeyHandle, Packet};

use super::explain::{explain, revocation_reason};
use super::keyring::fingerprint;
use super::later::{check_later, later_binding};
use super::policy::{Strict, weak_hash};
use super::{Keyring, LAG_DAYS, Moment, SignatureRefusal, Signer};
use crate::Verified;

/// Bytes of a signature file. One signature has less than two thousand.
const MAX_SIGNATURE: usize = 128 << 10;
/// Signatures in one file.
pub(super) const MAX_SIGNATURES: usize = 32;
/// Bytes that are hashed for one signature; the largest artifacts of all have less.
const MAX_SIGNED: u64 = 8 << 30;

impl Keyring {
    /// Verifies a signature that lies beside an artifact: binary or armored, one or several, of
    /// which one good signature by an accepted key is enough. Reads the artifact once.
    ///
    /// # Errors
    /// When none is good. The reason is that of the signature that came furthest: of a known key
    /// rather than of an unknown one.
    pub fn verify_detached(
        &self,
        artifact: impl Read + Send + Sync,
        signature: &[u8],
        moment: Moment,
    ) -> Result<Verified<Signer>, SignatureRefusal> {
        if signature.len() > MAX_SIGNATURE {
            return Err(SignatureRefusal::SignatureTooLarge { limit: MAX_SIGNATURE });
        }
        check_packets(signature)?;
        let policy = Strict::at(moment.now.into());
        let helper = Judge { keyring: self, policy: &policy, moment, text: false, answer: None };
        let limit = SystemTime::from(moment.limit());
        let mut verifier = DetachedVerifierBuilder::from_bytes(signature)
            .and_then(|builder| builder.with_policy(&policy, limit, helper))
            .map_err(|error| SignatureRefusal::NotASignature { reason: error.to_string() })?;
        let mut bounded = Bounded { reader: artifact, left: MAX_SIGNED, fault: None };
        let verified = verifier.verify_reader(&mut bounded);
        if let Some(fault) = bounded.fault {
            return Err(fault);
        }
        verified.map_err(|error| SignatureRefusal::Malformed { reason: error.to_string() })?;
        verifier.into_helper().into_answer().map(Verified::new)
    }
}

/// A signature file holds signatures and nothing else: no message, no compressed packet, no key.
fn check_packets(bytes: &[u8]) -> Result<(), SignatureRefusal> {
    let not_one =
        |error: anyhow::Error| SignatureRefusal::NotASignature { reason: error.to_string() };
    let mut parsed = PacketParserBuilder::from_bytes(bytes)
        .and_then(PacketParserBuilder::build)
        .map_err(not_one)?;
    let mut count = 0;
    while let PacketParserResult::Some(parser) = parsed {
        match &parser.packet {
            Packet::Signature(_) => count += 1,
            Packet::Unknown(unknown) if unknown.tag() == openpgp::packet::Tag::Signature => {
                count += 1;
            }
            other => {
                let reason = format!("it holds a packet of the kind {}", other.tag());
                return Err(SignatureRefusal::NotASignature { reason });
            }
        }
        if count > MAX_SIGNATURES {
            return Err(SignatureRefusal::TooManySignatures { limit: MAX_SIGNATURES });
        }
        parsed = parser.next().map_err(not_one)?.1;
    }
    if count == 0 {
        return Err(SignatureRefusal::NotASignature { reason: "it is empty".to_owned() });
    }
    Ok(())
}

/// Hears from the library what it found, and decides.
pub(super) struct Judge<'k> {
    pub(super) keyring: &'k Keyring,
    pub(super) policy: &'k Strict,
    pub(super) moment: Moment,
    /// Clear-signed text, and not a file.
    pub(super) text: bool,
    pub(super) answer: Option<Result<Signer, SignatureRefusal>>,
}

impl VerificationHelper for Judge<'_> {
    fn get_certs(&mut self, wanted: &[KeyHandle]) -> openpgp::Result<Vec<Cert>> {
        let has = |certificate: &&Cert| {
            certificate
                .keys()
                .any(|key| wanted.iter().any(|wanted| wanted.aliases(key.key().key_handle())))
        };
        Ok(self.keyring.certificates.iter().filter(has).cloned().collect())
    }

    /// The answer is kept beside, not given as the library's error, which has no type.
    fn check(&mut self, structure: MessageStructure<'_>) -> openpgp::Result<()> {
        self.answer = Some(self.judge_all(structure));
        Ok(())
    }
}

impl Judge<'_> {
    pub(super) fn into_answer(self) -> Result<Signer, SignatureRefusal> {
        let nothing =
            || Err(SignatureRefusal::NotASignature { reason: "nothing is signed".to_owned() });
        self.answer.unwrap_or_else(nothing)
    }

    fn judge_all(&self, structure: MessageStructure<'_>) -> Result<Signer, SignatureRefusal> {
        let mut layers: Vec<_> = structure.into_iter().collect();
        let (Some(MessageLayer::SignatureGroup { results }), true) =
            (layers.pop(), layers.is_empty())
        else {
            let reason = "it is not signed directly".to_owned();
            return Err(SignatureRefusal::NotASignature { reason });
        };
        if results.len() > MAX_SIGNATURES {
            return Err(SignatureRefusal::TooManySignatures { limit: MAX_SIGNATURES });
        }
        let mut refusal = None;
        for result in results {
            match self.judge(result) {
                Ok(signer) => return Ok(signer),
                // Anybody can put a signature of an unknown key beside one of ours.
                Err(found) => match &refusal {
                    None | Some(SignatureRefusal::UnknownKey { .. }) => refusal = Some(found),
                    Some(_) => {}
                },
            }
        }
        let empty = SignatureRefusal::NotASignature { reason: "it is empty".to_owned() };
        Err(refusal.unwrap_or(empty))
    }

    fn judge(&self, result: VerificationResult<'_>) -> Result<Signer, SignatureRefusal> {
        match result {
            Ok(GoodChecksum { sig, ka, .. }) => {
                self.check_form(sig)?;
                self.accept(sig, &ka)
            }
            Err(VerificationError::UnknownSignature { sig }) => {
                Err(SignatureRefusal::Malformed { reason: sig.error().to_string() })
            }
            Err(VerificationError::MalformedSignature { sig, error }) => {
                self.check_form(sig)?;
                Err(SignatureRefusal::Malformed { reason: error.to_string() })
            }
            Err(error) => {
                if let VerificationError::MissingKey { sig }
                | VerificationError::UnboundKey { sig, .. }
                | VerificationError::BadKey { sig, .. }
                | VerificationError::BadSignature { sig, .. } = &error
                {
                    self.check_form(sig)?;
                }
                if let VerificationError::UnboundKey { sig, cert, .. } = &error
                    && let Some(key) = later_binding(sig, cert, self.policy, self.moment)
                {
                    check_later(sig, &key, self.policy, self.moment)?;
                    return self.accept(sig, &key);
                }
                Err(explain(&error, self.policy, self.moment))
            }
        }
    }

    /// What can be said of a signature without its key.
    fn check_form(&self, signature: &Signature) -> Result<(), SignatureRefusal> {
        match (signature.typ(), self.text) {
            (SignatureType::Binary, false) | (SignatureType::Text, true) => {}
            (SignatureType::Text, false) => return Err(SignatureRefusal::TextMode),
            (other, _) => {
                let reason = format!("a signature of the kind `{other}`");
                return Err(SignatureRefusal::Malformed { reason });
            }
        }
        if signature.version() < 4 {
            let reason = format!("a signature of version {}", signature.version());
            return Err(SignatureRefusal::Malformed { reason });
        }
        match weak_hash(signature.hash_algo()) {
            Some(_) if signature.hash_algo() == openpgp::types::HashAlgorithm::SHA1 => {
                Err(SignatureRefusal::Sha1)
            }
            Some(algorithm) => Err(SignatureRefusal::WeakHash { algorithm }),
            None => Ok(()),
        }
    }

    /// A signature that is right and of a key that was good at the signature's own time: whether
    /// that time is to be believed, and whether the federation used the key then.
    fn accept(
        &self,
        signature: &Signature,
        signing: &ValidErasedKeyAmalgamation<'_, PublicParts>,
    ) -> Result<Signer, SignatureRefusal> {
        let certificate = fingerprint(&signing.cert().fingerprint());
        let key = fingerprint(&signing.key().fingerprint());
        let made = signature
            .signature_creation_time()
            .and_then(|time| jiff::Timestamp::try_from(time).ok())
            .ok_or_else(|| SignatureRefusal::Malformed { reason: "it has no date".to_owned() })?;
        let signer = Signer { certificate, key, made };
        if let Some(released) = self.moment.released {
            let lag = jiff::SignedDuration::from_hours(24 * LAG_DAYS);
            let limit = released.saturating_add(lag).unwrap_or(released);
            if made > limit {
                return Err(SignatureRefusal::FromTheFuture { made, limit });
            }
            // Its date claims to be much earlier than the release: then the key must be good at
            // the time of the release too, or a key that was given up could still sign.
            if made < released.saturating_sub(lag).unwrap_or(released) {
                self.check_key_at(signing, released)?;
            }
        }
        self.check_days(&signer)?;
        Ok(signer)
    }

    fn check_key_at(
        &self,
        key: &ValidErasedKeyAmalgamation<'_, PublicParts>,
        at: jiff::Timestamp,
    ) -> Result<(), SignatureRefusal> {
        let name = fingerprint(&key.key().fingerprint()).to_string();
        let expired = |reason: String| SignatureRefusal::ExpiredThen { key: name.clone(), reason };
        let unusable = |error: anyhow::Error| {
            expired(format!("at the time of the release, {at}, it was not usable: {error}"))
        };
        let then = key.clone().with_policy(self.policy, SystemTime::from(at)).map_err(unusable)?;
        for status in [then.valid_cert().revocation_status(), then.revocation_status()] {
            if let RevocationStatus::Revoked(by) = status {
                let reason = revocation_reason(&by);
                return Err(SignatureRefusal::Revoked { key: name.clone(), reason });
            }
        }
        then.valid_cert().alive().and_then(|()| then.alive()).map_err(unusable)
    }

    /// The days that the federation names.
    fn check_days(&self, signer: &Signer) -> Result<(), SignatureRefusal> {
        let Some(validity) = &self.keyring.validity else { return Ok(()) };
        let of_key =
            |wanted: &super::Fingerprint| *wanted == signer.certificate || *wanted == signer.key;
        let mut days = validity.iter().filter(|days| of_key(&days.fingerprint)).peekable();
        let key = signer.key.to_string();
        let Some(first) = days.peek().copied() else {
            return Err(SignatureRefusal::UnlistedKey { key });
        };
        if days.any(|days| days.covers(signer.made, self.moment.released)) {
            return Ok(());
        }
        let day = |date: Option<jiff::civil::Date>| {
            date.map_or_else(|| "today".to_owned(), |date| date.to_string())
        };
        let released = self
            .moment
            .released
            .map_or_else(String::new, |released| format!(", the release is from {released}"));
        let reason = format!(
            "its days are {} to {}, the signature is from {}{released}",
            first.from.map_or_else(|| "ever".to_owned(), |date| date.to_string()),
            day(first.until),
            signer.made
        );
        Err(if first.is_before(signer.made) {
            SignatureRefusal::NotYetValid { key, reason }
        } else {
            SignatureRefusal::ExpiredThen { key, reason }
        })
    }
}

/// A reader that ends with an error where too much comes, and remembers what went wrong.
struct Bounded<R> {
    reader: R,
    left: u64,
    fault: Option<SignatureRefusal>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match self.reader.read(buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => {
                self.fault = Some(SignatureRefusal::Unreadable { reason: error.to_string() });
                return Err(error);
            }
        };
        let Some(left) = self.left.checked_sub(count as u64) else {
            self.fault = Some(SignatureRefusal::TooLarge { limit: MAX_SIGNED });
            return Err(io::Error::other("too long"));
        };
        self.left = left;
        Ok(count)
    }
}
