//! Which digests and keys count at all.

use std::time::SystemTime;

use anyhow::bail;
use sequoia_openpgp as openpgp;

use openpgp::Packet;
use openpgp::cert::prelude::ValidErasedKeyAmalgamation;
use openpgp::crypto::mpi::PublicKey;
use openpgp::packet::key::{PublicParts, UnspecifiedRole};
use openpgp::packet::{Key, Signature};
use openpgp::policy::{HashAlgoSecurity, Policy, StandardPolicy};
use openpgp::types::{AEADAlgorithm, HashAlgorithm, SignatureType, SymmetricAlgorithm};

/// Bits that an RSA or DSA key must have.
const LEAST_BITS: usize = 2048;

/// The library's policy, without the years of grace that it gives to old digests and keys.
#[derive(Debug)]
pub(super) struct Strict {
    standard: StandardPolicy<'static>,
}

impl Strict {
    /// The policy of a day: algorithms that the library gives up by then are given up.
    pub(super) fn at(now: SystemTime) -> Self {
        Self { standard: StandardPolicy::at(now) }
    }
}

impl Policy for Strict {
    fn signature(&self, signature: &Signature, security: HashAlgoSecurity) -> openpgp::Result<()> {
        // A revocation speaks against its key. One that an old program made over SHA-1 must not be
        // passed over: whoever could forge it could only make us refuse.
        if is_revocation(signature.typ()) {
            return Ok(());
        }
        if let Some(weak) = weak_hash(signature.hash_algo()) {
            bail!("a signature over {weak}");
        }
        self.standard.signature(signature, security)
    }

    fn key(&self, key: &ValidErasedKeyAmalgamation<PublicParts>) -> openpgp::Result<()> {
        if let Some(strength) = short_key(key.key().role_as_unspecified()) {
            bail!("{strength}");
        }
        self.standard.key(key)
    }

    fn symmetric_algorithm(&self, algorithm: SymmetricAlgorithm) -> openpgp::Result<()> {
        self.standard.symmetric_algorithm(algorithm)
    }

    fn aead_algorithm(&self, algorithm: AEADAlgorithm) -> openpgp::Result<()> {
        self.standard.aead_algorithm(algorithm)
    }

    fn packet(&self, packet: &Packet) -> openpgp::Result<()> {
        self.standard.packet(packet)
    }
}

/// Takes everything: to find out what [`Strict`] does not like, never to accept.
#[derive(Debug)]
pub(super) struct Lenient;

impl Policy for Lenient {
    fn signature(&self, _: &Signature, _: HashAlgoSecurity) -> openpgp::Result<()> {
        Ok(())
    }

    fn key(&self, _: &ValidErasedKeyAmalgamation<PublicParts>) -> openpgp::Result<()> {
        Ok(())
    }
}

fn is_revocation(kind: SignatureType) -> bool {
    matches!(
        kind,
        SignatureType::KeyRevocation
            | SignatureType::SubkeyRevocation
            | SignatureType::CertificationRevocation
    )
}

/// The name of a digest that counts for nothing.
pub(super) fn weak_hash(algorithm: HashAlgorithm) -> Option<String> {
    match algorithm {
        HashAlgorithm::SHA224
        | HashAlgorithm::SHA256
        | HashAlgorithm::SHA384
        | HashAlgorithm::SHA512
        | HashAlgorithm::SHA3_256
        | HashAlgorithm::SHA3_512 => None,
        HashAlgorithm::SHA1 => Some("SHA-1".to_owned()),
        HashAlgorithm::MD5 => Some("MD5".to_owned()),
        HashAlgorithm::RipeMD => Some("RIPEMD-160".to_owned()),
        other => Some(format!("an unknown algorithm ({})", u8::from(other))),
    }
}

/// What is too weak about a key.
pub(super) fn short_key(key: &Key<PublicParts, UnspecifiedRole>) -> Option<String> {
    let bits = key.mpis().bits()?;
    let name = match key.mpis() {
        PublicKey::RSA { .. } => "RSA",
        PublicKey::DSA { .. } => "DSA",
        PublicKey::ElGamal { .. } => "ElGamal",
        _ => return None,
    };
    (bits < LEAST_BITS).then(|| format!("{name} with {bits} bits"))
}
