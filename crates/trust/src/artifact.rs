//! From bytes to a [`Verified`] artifact, or to a [`Rejection`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Deref;

use countermark_packaging::digest::{Algorithm, Digest, Sha256};
use sha2::Digest as _;

use crate::{Class, Pin};

/// A value that was checked, in the hands of whoever wants to use it.
///
/// There is no public constructor: a function of this crate that returns one names in its
/// documentation what it looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(value)
    }

    /// Gives up the proof and keeps the value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// Bytes with digests that we computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    filename: String,
    size: u64,
    sha256: Sha256,
    digests: BTreeSet<Digest>,
}

impl Artifact {
    /// The name under which the file was asked for.
    #[must_use]
    pub fn filename(&self) -> &str {
        &self.filename
    }

    /// Number of bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The digest that names the artifact in the store.
    #[must_use]
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// Every digest that was computed, SHA-256 among them.
    pub fn digests(&self) -> impl Iterator<Item = &Digest> {
        self.digests.iter()
    }
}

/// A check said no.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The bytes have another digest than the pin.
    #[error("`{filename}` is not the file that was pinned")]
    DigestMismatch {
        /// The file that was asked for.
        filename: String,
        /// The digests that the pin accepts for the algorithm that disagrees.
        expected: Vec<Digest>,
        /// What the bytes have.
        found: Digest,
    },
    /// The number of bytes differs from a size that the lock or the index declares.
    #[error("`{filename}` does not have the size that was declared")]
    SizeMismatch {
        /// The file that was asked for.
        filename: String,
        /// Declared number of bytes.
        expected: u64,
        /// Received number of bytes.
        found: u64,
    },
    /// The description of an unpacked tree is not the one that was proved before.
    #[error("the stored copy of `{filename}` does not match its tree digest")]
    TreeMismatch {
        /// The file that was unpacked.
        filename: String,
        /// The digest that was proved.
        expected: crate::tree::TreeDigest,
        /// The digest of what lies in the store.
        found: crate::tree::TreeDigest,
    },
    /// What was recorded of the artifact lacks a digest that the pin asks for.
    #[error("nothing recorded about `{filename}` answers a pin by {algorithm}")]
    NotRecorded {
        /// The file in the store.
        filename: String,
        /// The algorithm that was never computed for it.
        algorithm: Algorithm,
    },
}

impl Rejection {
    /// The stable name of this rejection in output and documents.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::DigestMismatch { .. } => "digest-mismatch",
            Self::SizeMismatch { .. } => "size-mismatch",
            Self::TreeMismatch { .. } => "tree-mismatch",
            Self::NotRecorded { .. } => "not-recorded",
        }
    }

    /// All but one are a "no"; a digest that was never computed decides nothing.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::DigestMismatch { .. } | Self::SizeMismatch { .. } | Self::TreeMismatch { .. } => {
                Class::Rejected
            }
            Self::NotRecorded { .. } => Class::Unavailable,
        }
    }
}

/// Hashes bytes as they arrive and compares them with a pin at the end.
///
/// SHA-256 is always computed, since it names the artifact in the store; other algorithms only
/// when the pin gives them.
#[derive(Clone)]
pub struct ArtifactVerifier {
    filename: String,
    declared_size: Option<u64>,
    size: u64,
    hashers: BTreeMap<Algorithm, Hasher>,
}

impl ArtifactVerifier {
    /// For a file of this name, with the algorithms that `pin` gives besides SHA-256. A declared
    /// size is compared as well; it comes from a lock or from the index.
    #[must_use]
    pub fn new(filename: &str, pin: Option<&Pin>, declared_size: Option<u64>) -> Self {
        let mut algorithms = pin.map(Pin::algorithms).unwrap_or_default();
        algorithms.insert(Algorithm::Sha256);
        Self {
            filename: filename.to_owned(),
            declared_size,
            size: 0,
            hashers: algorithms.into_iter().map(|a| (a, Hasher::new(a))).collect(),
        }
    }

    /// The next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        for hasher in self.hashers.values_mut() {
            hasher.update(bytes);
        }
    }

    /// Number of bytes so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The SHA-256 of the bytes so far: the name that they would have in the store.
    #[must_use]
    pub fn sha256(&self) -> Sha256 {
        let mut bytes = [0; 32];
        for hasher in self.hashers.values() {
            if let Hasher::Sha256(hasher) = hasher {
                bytes = hasher.clone().finalize().into();
            }
        }
        Sha256(bytes)
    }

    /// The verdict over all bytes that were given.
    ///
    /// # Errors
    /// [`Rejection::SizeMismatch`] before [`Rejection::DigestMismatch`]: a different size says
    /// more. Weaker algorithms are compared after stronger ones.
    pub fn finish(self, pin: &Pin) -> Result<Verified<Artifact>, Rejection> {
        let declared = self.declared_size;
        let artifact = self.first_sight();
        if let Some(expected) = declared
            && expected != artifact.size
        {
            let Artifact { filename, size: found, .. } = artifact;
            return Err(Rejection::SizeMismatch { filename, expected, found });
        }
        verify_digests(pin, &artifact.filename, &artifact.digests)?;
        Ok(Verified::new(artifact))
    }

    /// The bytes with their digests and no verdict: for a file that nobody pinned yet.
    ///
    /// This is an [`Artifact`] and not a [`Verified`] one, so nothing can install it.
    #[must_use]
    pub fn first_sight(self) -> Artifact {
        let digests: BTreeSet<Digest> =
            self.hashers.into_iter().map(|(algorithm, hasher)| hasher.finish(algorithm)).collect();
        let sha256 = sha256_among(&digests);
        Artifact { filename: self.filename, size: self.size, sha256, digests }
    }
}

/// SHA-256 is computed by every verifier, and a recorded artifact is refused without it.
fn sha256_among(digests: &BTreeSet<Digest>) -> Sha256 {
    let mut bytes = [0; 32];
    for digest in digests.iter().filter(|digest| digest.algorithm() == Algorithm::Sha256) {
        bytes.copy_from_slice(digest.as_bytes());
    }
    Sha256(bytes)
}

/// Compares digests that were computed now or recorded after they were computed.
pub(crate) fn verify_digests(
    pin: &Pin,
    filename: &str,
    computed: &BTreeSet<Digest>,
) -> Result<(), Rejection> {
    for algorithm in pin.algorithms().into_iter().rev() {
        let Some(found) = computed.iter().find(|digest| digest.algorithm() == algorithm) else {
            return Err(Rejection::NotRecorded { filename: filename.to_owned(), algorithm });
        };
        if !pin.mentions(found) {
            return Err(Rejection::DigestMismatch {
                filename: filename.to_owned(),
                expected: pin.of(algorithm).cloned().collect(),
                found: found.clone(),
            });
        }
    }
    Ok(())
}

impl Artifact {
    /// What was recorded about an artifact when its bytes were seen: for [`crate::tree`].
    ///
    /// # Errors
    /// [`Rejection::NotRecorded`] without a SHA-256, which names it.
    pub fn recorded(
        filename: String,
        size: u64,
        digests: BTreeSet<Digest>,
    ) -> Result<Self, Rejection> {
        if !digests.iter().any(|digest| digest.algorithm() == Algorithm::Sha256) {
            return Err(Rejection::NotRecorded { filename, algorithm: Algorithm::Sha256 });
        }
        let sha256 = sha256_among(&digests);
        Ok(Self { filename, size, sha256, digests })
    }

    pub(crate) fn digest_set(&self) -> &BTreeSet<Digest> {
        &self.digests
    }
}

#[derive(Clone)]
enum Hasher {
    Md5(md5::Md5),
    Sha1(sha1::Sha1),
    Sha224(sha2::Sha224),
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
}

impl Hasher {
    fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Md5 => Self::Md5(md5::Md5::new()),
            Algorithm::Sha1 => Self::Sha1(sha1::Sha1::new()),
            Algorithm::Sha224 => Self::Sha224(sha2::Sha224::new()),
            Algorithm::Sha256 => Self::Sha256(sha2::Sha256::new()),
            Algorithm::Sha384 => Self::Sha384(sha2::Sha384::new()),
            Algorithm::Sha512 => Self::Sha512(sha2::Sha512::new()),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Md5(hasher) => hasher.update(bytes),
            Self::Sha1(hasher) => hasher.update(bytes),
            Self::Sha224(hasher) => hasher.update(bytes),
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha384(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    fn finish(self, algorithm: Algorithm) -> Digest {
        let bytes = match self {
            Self::Md5(hasher) => hasher.finalize().to_vec(),
            Self::Sha1(hasher) => hasher.finalize().to_vec(),
            Self::Sha224(hasher) => hasher.finalize().to_vec(),
            Self::Sha256(hasher) => hasher.finalize().to_vec(),
            Self::Sha384(hasher) => hasher.finalize().to_vec(),
            Self::Sha512(hasher) => hasher.finalize().to_vec(),
        };
        Digest::new(algorithm, &bytes)
            .expect("each hasher is made for its algorithm and returns that algorithm's length")
    }
}

impl fmt::Debug for ArtifactVerifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ArtifactVerifier")
            .field("filename", &self.filename)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn pin(text: &[(Algorithm, String)]) -> Pin {
        Pin::new(text.iter().map(|(a, hex)| Digest::parse_hex(*a, hex).unwrap())).unwrap()
    }

    fn digests_of(bytes: &[u8], algorithms: &[Algorithm]) -> Vec<(Algorithm, String)> {
        algorithms
            .iter()
            .map(|algorithm| {
                let mut hasher = Hasher::new(*algorithm);
                hasher.update(bytes);
                (*algorithm, hasher.finish(*algorithm).hex())
            })
            .collect()
    }

    fn check(bytes: &[u8], pin: &Pin, size: Option<u64>) -> Result<(), &'static str> {
        let mut verifier = ArtifactVerifier::new("a.whl", Some(pin), size);
        for chunk in bytes.chunks(3) {
            verifier.update(chunk);
        }
        verifier.finish(pin).map(drop).map_err(|rejection| rejection.code())
    }

    #[test]
    fn the_empty_file_has_the_known_digest() {
        assert_eq!(check(b"", &pin(&[(Algorithm::Sha256, EMPTY_SHA256.into())]), Some(0)), Ok(()));
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let bytes = b"some bytes of a wheel".to_vec();
        let good = pin(&digests_of(&bytes, &[Algorithm::Sha256]));
        assert_eq!(check(&bytes, &good, None), Ok(()));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(check(&flipped, &good, None), Err("digest-mismatch"), "bit {bit}");
        }
    }

    #[test]
    fn every_algorithm_that_is_given_must_agree() {
        let all = [
            Algorithm::Md5,
            Algorithm::Sha1,
            Algorithm::Sha224,
            Algorithm::Sha256,
            Algorithm::Sha384,
            Algorithm::Sha512,
        ];
        let right = digests_of(b"x", &all);
        assert_eq!(check(b"x", &pin(&right), Some(1)), Ok(()));
        for wrong in 0..all.len() {
            let mut digests = right.clone();
            digests[wrong].1 = digests_of(b"y", &[all[wrong]])[0].1.clone();
            assert_eq!(check(b"x", &pin(&digests), None), Err("digest-mismatch"), "{wrong}");
        }
    }

    #[test]
    fn alternatives_of_one_algorithm_are_alternatives() {
        let mut digests = digests_of(b"x", &[Algorithm::Sha256]);
        digests.extend(digests_of(b"y", &[Algorithm::Sha256]));
        assert_eq!(check(b"x", &pin(&digests), None), Ok(()));
        assert_eq!(check(b"y", &pin(&digests), None), Ok(()));
        assert_eq!(check(b"z", &pin(&digests), None), Err("digest-mismatch"));
    }

    #[test]
    fn a_declared_size_is_held_against_the_bytes() {
        let good = pin(&digests_of(b"xyz", &[Algorithm::Sha256]));
        assert_eq!(check(b"xyz", &good, Some(3)), Ok(()));
        assert_eq!(check(b"xyz", &good, Some(4)), Err("size-mismatch"));
        assert_eq!(check(b"xyz", &good, Some(0)), Err("size-mismatch"));
    }
}
