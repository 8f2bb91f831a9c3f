//! Every size of tree up to 300, with every leaf and every flipped byte.
//!
//! Another implementation checks every proof, and a plain recursion after the text of RFC 6962, section
//! 2.1, makes the roots and the proofs again.

use countermark_tlog::proof::memory::MemoryNodes;
use countermark_tlog::proof::{self, ProofError, batch};
use countermark_tlog::{EMPTY_ROOT, Hash, leaf_hash, node_hash};

const SIZES: u64 = 300;

fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

fn leaves() -> Vec<Hash> {
    (0..SIZES).map(|index| leaf_hash(&entry(index))).collect()
}

/// MTH(D[n]) as the specification writes it.
fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => EMPTY_ROOT,
        [leaf] => *leaf,
        _ => {
            let middle = leaves.len().next_power_of_two() / 2;
            node_hash(&root(&leaves[..middle]), &root(&leaves[middle..]))
        }
    }
}

/// PATH(m, D[n]) as the specification writes it.
fn path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let middle = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(middle);
    let (mut below, sibling) = if index < middle {
        (path(index, left), root(right))
    } else {
        (path(index - middle, right), root(left))
    };
    below.push(sibling);
    below
}

/// SUBPROOF(m, D[n], b) as the specification writes it.
fn subproof(old: usize, leaves: &[Hash], known: bool) -> Vec<Hash> {
    if old == leaves.len() {
        return if known { Vec::new() } else { vec![root(leaves)] };
    }
    let middle = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(middle);
    let (mut below, other) = if old <= middle {
        (subproof(old, left, known), root(right))
    } else {
        (subproof(old - middle, right, false), root(left))
    };
    below.push(other);
    below
}

/// Proofs with one byte changed: every byte in turn, each by another bit.
fn flipped(proof: &[Hash]) -> impl Iterator<Item = Vec<Hash>> {
    (0..proof.len() * 32).map(|position| {
        let mut changed = proof.to_vec();
        changed[position / 32] = flip(&proof[position / 32], position % 32);
        changed
    })
}

fn flip(hash: &Hash, byte: usize) -> Hash {
    let mut bytes = *hash.as_bytes();
    bytes[byte] ^= 1 << (byte % 8);
    Hash::from_bytes(bytes)
}

fn theirs(hash: &Hash) -> sigstore_merkle::Sha256Hash {
    sigstore_merkle::Sha256Hash::from_bytes(*hash.as_bytes())
}

fn all_theirs(hashes: &[Hash]) -> Vec<sigstore_merkle::Sha256Hash> {
    hashes.iter().map(theirs).collect()
}

#[test]
fn roots_of_every_size() {
    let leaves = leaves();
    let mut tree = MemoryNodes::default();
    assert_eq!(tree.root(), EMPTY_ROOT);
    for size in 1..=SIZES {
        tree.append(&entry(size - 1));
        let expected = root(&leaves[..size as usize]);
        assert_eq!(tree.root(), expected, "{size}");
        assert_eq!(proof::root_of(size, &tree), Ok(expected), "{size}");
    }
}

#[test]
fn inclusion_of_every_leaf_in_every_size() {
    let leaves = leaves();
    let tree = MemoryNodes::of((0..SIZES).map(entry));
    for size in 1..=SIZES {
        let tree_leaves = &leaves[..size as usize];
        let root = root(tree_leaves);
        for index in 0..size {
            let leaf = leaves[index as usize];
            let path = proof::prove_inclusion(index, size, &tree).unwrap();
            // The specification's recursion costs a whole tree for each leaf.
            if size % 16 == 1 || size < 40 {
                assert_eq!(path, self::path(index as usize, tree_leaves), "{index} of {size}");
            }
            assert_eq!(proof::verify_inclusion(leaf, index, size, &path, &root), Ok(()));
            let accepted = sigstore_merkle::verify_inclusion_proof(
                &theirs(&leaf),
                index,
                size,
                &all_theirs(&path),
                &theirs(&root),
            );
            assert!(accepted.is_ok(), "{index} of {size}");
        }
    }
}

#[test]
fn inclusion_refuses_every_flipped_byte() {
    let leaves = leaves();
    let tree = MemoryNodes::of((0..SIZES).map(entry));
    for size in 1..=SIZES {
        let root = proof::root_of(size, &tree).unwrap();
        for index in 0..size {
            let leaf = leaves[index as usize];
            let path = proof::prove_inclusion(index, size, &tree).unwrap();
            for changed in flipped(&path) {
                let refused = proof::verify_inclusion(leaf, index, size, &changed, &root);
                assert!(matches!(refused, Err(ProofError::Root { .. })), "{index} of {size}");
            }
            for byte in 0..32 {
                let changed = flip(&leaf, byte);
                let refused = proof::verify_inclusion(changed, index, size, &path, &root);
                assert!(matches!(refused, Err(ProofError::Root { .. })), "{index} of {size}");
            }
        }
    }
}
