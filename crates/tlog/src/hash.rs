//! The hashes of a tree: SHA-256 with a prefix that tells a leaf from a node.
//!
//! Without the prefix somebody could pass a node off as a leaf. Specification:
//! [RFC 6962, section 2.1](https://www.rfc-editor.org/rfc/rfc6962.html#section-2.1). Nothing here
//! allocates: hashing leaves is what a log spends its time on.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// What a tree may have at most: sizes have to fit the signed integers of databases and of Go.
pub const MAXIMUM_SIZE: u64 = i64::MAX as u64;

/// The root of the tree without entries: the hash of nothing.
pub const EMPTY_ROOT: Hash = Hash([
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
]);

/// The hash of a leaf, of a node or of a whole tree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

/// The hash of an entry's bytes.
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0]);
    hasher.update(entry);
    Hash(hasher.finalize().into())
}

/// The hash of a node over its two children.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(&left.0);
    bytes[33..].copy_from_slice(&right.0);
    Hash(Sha256::digest(bytes).into())
}

impl Hash {
    /// How many bytes a hash has.
    pub const LENGTH: usize = 32;

    /// The hash with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads the standard base64 of exactly 32 bytes, with padding.
    pub fn from_base64(text: &str) -> Result<Self, HashError> {
        // Checked first, so that nothing long is decoded.
        if text.len() != 44 {
            return Err(HashError { found: text.chars().take(60).collect() });
        }
        let bytes = STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| HashError { found: text.to_owned() })
    }

    /// Its standard base64, 44 characters.
    #[must_use]
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.0)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.to_base64())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Hash({self})")
    }
}

impl FromStr for Hash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        Self::from_base64(text)
    }
}

impl From<[u8; 32]> for Hash {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// A text that is no hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected the base64 of a SHA-256 hash, found `{}`", found.escape_debug())]
pub struct HashError {
    found: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_root_is_the_hash_of_nothing() {
        assert_eq!(Hash(Sha256::digest(b"").into()), EMPTY_ROOT);
    }

    #[test]
    fn leaves_and_nodes_hash_as_another_implementation_says() {
        let (one, two) = (leaf_hash(b""), leaf_hash(b"entry"));
        assert_eq!(one.as_bytes(), sigstore_merkle::hash_leaf(b"").as_bytes());
        assert_eq!(two.as_bytes(), sigstore_merkle::hash_leaf(b"entry").as_bytes());
        let theirs = sigstore_merkle::hash_children(
            &sigstore_merkle::hash_leaf(b""),
            &sigstore_merkle::hash_leaf(b"entry"),
        );
        assert_eq!(node_hash(&one, &two).as_bytes(), theirs.as_bytes());
    }

    #[test]
    fn base64_is_read_in_one_spelling_only() {
        let hash = leaf_hash(b"entry");
        let text = hash.to_base64();
        assert_eq!(Hash::from_base64(&text), Ok(hash));
        let short = &text[..43];
        let mut loose = text.clone().into_bytes();
        // The last character before the padding carries two bits that have to be zero.
        loose[42] += 1;
        let loose = String::from_utf8(loose).unwrap();
        for bad in ["", short, &format!("{text}\n"), &format!(" {short}"), &loose] {
            assert!(Hash::from_base64(bad).is_err(), "{bad}");
        }
    }
}
