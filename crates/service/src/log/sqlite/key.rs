//! The integers that stand for file names and digests in indexes.

use countermark_packaging::digest::{Algorithm, Digest};
use sha2::{Digest as _, Sha256};

/// How many low bits of a file's key come from the whole name.
const NAME_BITS: u32 = 40;

/// How many records a run of `by_digest` has. A look-up asks each run, and reads what is in none yet: with
/// 17 million records, 520 runs and at most as many rows as one run has.
pub(super) const RUN: i64 = 1 << 15;

/// The key of a file's name. Its high bits come from what stands before the first `-`, which all files of a
/// project have in common, so that they are neighbours; the low ones from the whole name. Two names may
/// have one key: who looks up compares the names.
pub(super) fn of_file(file: &str) -> i64 {
    let family = file.split('-').next().unwrap_or_default();
    let mut family = family.to_ascii_lowercase();
    // Wheels write `_` where source distributions of the same project write `-`, `.` or `_`.
    family.truncate(family.find(['_', '.']).unwrap_or(family.len()));
    let (high, low) = (first_bits(family.as_bytes()), first_bits(file.as_bytes()));
    let key = high >> NAME_BITS << NAME_BITS | low >> (u64::BITS - NAME_BITS);
    i64::from_be_bytes(key.to_be_bytes())
}

/// The key of a digest: its first bytes.
pub(super) fn of_digest(digest: &Digest) -> i64 {
    let mut first = [0; 8];
    for (to, from) in first.iter_mut().zip(digest.as_bytes()) {
        *to = *from;
    }
    i64::from_be_bytes(first)
}

fn first_bits(bytes: &[u8]) -> u64 {
    let hash: [u8; 32] = Sha256::digest(bytes).into();
    hash.iter().take(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte))
}

/// The number of an algorithm in the column; 0 for one that no record has.
pub(super) fn number(algorithm: Algorithm) -> i64 {
    match algorithm {
        Algorithm::Sha256 => 1,
        Algorithm::Sha384 => 2,
        Algorithm::Sha512 => 3,
        Algorithm::Md5 | Algorithm::Sha1 | Algorithm::Sha224 => 0,
    }
}

/// The algorithm with this number.
pub(super) fn algorithm(number: i64) -> Option<Algorithm> {
    [Algorithm::Sha256, Algorithm::Sha384, Algorithm::Sha512]
        .into_iter()
        .find(|it| self::number(*it) == number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_project_are_neighbours() {
        let high = |file| of_file(file) >> NAME_BITS;
        assert_eq!(high("flask-3.0.0-py3-none-any.whl"), high("Flask-3.0.0.tar.gz"));
        assert_eq!(high("foo_bar-1.0-py3-none-any.whl"), high("foo-bar-1.0.tar.gz"));
        assert_ne!(high("flask-3.0.0.tar.gz"), high("flusk-3.0.0.tar.gz"));
        assert_ne!(of_file("flask-3.0.0.tar.gz"), of_file("flask-3.0.1.tar.gz"));
    }

    #[test]
    fn every_strong_algorithm_has_a_number() {
        for one in Algorithm::ALL {
            assert_eq!(algorithm(number(one)), one.is_strong().then_some(one));
        }
    }
}
