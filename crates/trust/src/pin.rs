//! What a lock says about the bytes of one requirement.
//!
//! pip's `--hash` options are alternatives: a release has many files, and one of them is taken.
//! When digests of several algorithms are given, the file has to agree with one of *each*
//! algorithm; a right SHA-256 does not excuse a wrong SHA-512.

use std::collections::BTreeSet;

use countermark_packaging::digest::{Algorithm, Digest};

/// The digests that one requirement accepts. At least one of them is strong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    digests: BTreeSet<Digest>,
}

/// Why digests do not make a pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// Nothing is pinned.
    #[error("no digest is given")]
    Missing,
    /// MD5, SHA-1 and SHA-224 do not protect against a replaced file.
    #[error("only weak digests are given; sha256, sha384 or sha512 is needed")]
    Weak,
}

impl Pin {
    /// Digests as they stand in a lock.
    ///
    /// # Errors
    /// [`PinError`] when there is none, or none that is strong.
    pub fn new(digests: impl IntoIterator<Item = Digest>) -> Result<Self, PinError> {
        let digests: BTreeSet<Digest> = digests.into_iter().collect();
        if digests.is_empty() {
            return Err(PinError::Missing);
        }
        if !digests.iter().any(|digest| digest.algorithm().is_strong()) {
            return Err(PinError::Weak);
        }
        Ok(Self { digests })
    }

    /// Every digest, sorted.
    pub fn digests(&self) -> impl Iterator<Item = &Digest> {
        self.digests.iter()
    }

    /// The algorithms that have to be computed to judge a file, each once.
    #[must_use]
    pub fn algorithms(&self) -> BTreeSet<Algorithm> {
        self.digests.iter().map(Digest::algorithm).collect()
    }

    /// Does a claim (of an index, say) name one of the pinned digests? A claim chooses what is
    /// downloaded and never what is accepted.
    #[must_use]
    pub fn mentions(&self, claim: &Digest) -> bool {
        self.digests.contains(claim)
    }

    /// The accepted digests of one algorithm.
    pub fn of(&self, algorithm: Algorithm) -> impl Iterator<Item = &Digest> {
        self.digests.iter().filter(move |digest| digest.algorithm() == algorithm)
    }

    /// The pin that both state: for an algorithm that both give, the digests in both; for an
    /// algorithm that one gives, that one's. `None` when nothing could ever satisfy both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Option<Self> {
        let mut digests = BTreeSet::new();
        for algorithm in self.algorithms().union(&other.algorithms()) {
            let ours: BTreeSet<_> = self.of(*algorithm).cloned().collect();
            let theirs: BTreeSet<_> = other.of(*algorithm).cloned().collect();
            let both: BTreeSet<_> = match (ours.is_empty(), theirs.is_empty()) {
                (true, _) => theirs,
                (_, true) => ours,
                _ => ours.intersection(&theirs).cloned().collect(),
            };
            if both.is_empty() {
                return None;
            }
            digests.extend(both);
        }
        Some(Self { digests })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(algorithm: Algorithm, byte: u8) -> Digest {
        Digest::new(algorithm, &vec![byte; algorithm.byte_len()]).unwrap()
    }

    #[test]
    fn a_pin_needs_a_strong_digest() {
        assert_eq!(Pin::new([]), Err(PinError::Missing));
        assert_eq!(Pin::new([digest(Algorithm::Md5, 1)]), Err(PinError::Weak));
        assert_eq!(Pin::new([digest(Algorithm::Sha1, 1)]), Err(PinError::Weak));
        assert!(Pin::new([digest(Algorithm::Md5, 1), digest(Algorithm::Sha256, 1)]).is_ok());
    }

    #[test]
    fn two_pins_are_met_together_or_not_at_all() {
        let one = Pin::new([digest(Algorithm::Sha256, 1), digest(Algorithm::Sha256, 2)]).unwrap();
        let two = Pin::new([digest(Algorithm::Sha256, 2), digest(Algorithm::Sha512, 9)]).unwrap();
        let both = one.and(&two).unwrap();
        let expect = [digest(Algorithm::Sha256, 2), digest(Algorithm::Sha512, 9)];
        assert_eq!(both, Pin::new(expect).unwrap());
        let other = Pin::new([digest(Algorithm::Sha256, 3)]).unwrap();
        assert_eq!(one.and(&other), None);
    }
}
