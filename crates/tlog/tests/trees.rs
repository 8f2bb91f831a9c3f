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

fn theirs(hash: &Hash) -> sigstore_types::Sha256Hash {
    sigstore_types::Sha256Hash::new(*hash.as_bytes())
}

fn all_theirs(hashes: &[Hash]) -> Vec<sigstore_types::Sha256Hash> {
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

#[test]
fn inclusion_refuses_other_lengths_indices_and_sizes() {
    let leaves = leaves();
    let tree = MemoryNodes::of((0..SIZES).map(entry));
    for size in 1..=SIZES {
        let root = proof::root_of(size, &tree).unwrap();
        for index in 0..size {
            let leaf = leaves[index as usize];
            let path = proof::prove_inclusion(index, size, &tree).unwrap();
            let expected = path.len();
            let mut long = path.clone();
            long.push(leaf);
            let refused = proof::verify_inclusion(leaf, index, size, &long, &root);
            assert_eq!(refused, Err(ProofError::Length { expected, found: expected + 1 }));
            if let Some((_, short)) = path.split_last() {
                let refused = proof::verify_inclusion(leaf, index, size, short, &root);
                assert_eq!(refused, Err(ProofError::Length { expected, found: expected - 1 }));
            }
            for other in 0..size {
                if other != index {
                    assert!(proof::verify_inclusion(leaf, other, size, &path, &root).is_err());
                }
            }
            let refused = proof::verify_inclusion(leaf, size, size, &path, &root);
            assert_eq!(refused, Err(ProofError::Range { wanted: size, size }));
        }
        let refused = proof::prove_inclusion(size, size, &tree);
        assert_eq!(refused, Err(proof::ProveError::Range { wanted: size, size }));
    }
}

#[test]
fn consistency_of_every_two_sizes() {
    let leaves = leaves();
    let tree = MemoryNodes::of((0..SIZES).map(entry));
    let roots: Vec<Hash> = (0..=SIZES).map(|size| proof::root_of(size, &tree).unwrap()).collect();
    for new in 0..=SIZES {
        let new_root = &roots[new as usize];
        for old in 0..=new {
            let old_root = &roots[old as usize];
            let proof = proof::prove_consistency(old, new, &tree).unwrap();
            if old > 0 && (new % 16 == 1 || new < 40) {
                let expected = subproof(old as usize, &leaves[..new as usize], true);
                assert_eq!(proof, expected, "{old} {new}");
            }
            assert_eq!(proof::verify_consistency(old, old_root, new, new_root, &proof), Ok(()));
            let accepted = sigstore_merkle::verify_consistency_proof(
                old,
                new,
                &all_theirs(&proof),
                &theirs(old_root),
                &theirs(new_root),
            );
            assert!(accepted.is_ok(), "{old} {new}");
            let full = proof::prove_prefix(old, new, &tree).unwrap();
            if old > 0 && old < new {
                assert_eq!(full, proof::with_prefix(old, old_root, &proof));
                let roots = proof::roots_of_consistency(old, new, &full);
                assert_eq!(roots, Ok((*old_root, *new_root)), "{old} {new}");
            }
        }
    }
}

#[test]
fn consistency_refuses_every_flipped_byte() {
    let tree = MemoryNodes::of((0..SIZES).map(entry));
    let roots: Vec<Hash> = (0..=SIZES).map(|size| proof::root_of(size, &tree).unwrap()).collect();
    for new in 1..=SIZES {
        let new_root = &roots[new as usize];
        for old in 1..=new {
            let old_root = &roots[old as usize];
            let proof = proof::prove_consistency(old, new, &tree).unwrap();
            for changed in flipped(&proof) {
                let refused = proof::verify_consistency(old, old_root, new, new_root, &changed);
                assert!(matches!(refused, Err(ProofError::Root { .. })), "{old} {new}");
            }
            for byte in 0..32 {
                let other = flip(old_root, byte);
                assert!(proof::verify_consistency(old, &other, new, new_root, &proof).is_err());
                let other = flip(new_root, byte);
                assert!(proof::verify_consistency(old, old_root, new, &other, &proof).is_err());
            }
        }
    }
}

#[test]
fn consistency_refuses_other_lengths_and_sizes() {
    let tree = MemoryNodes::of((0..SIZES).map(entry));
    let roots: Vec<Hash> = (0..=SIZES).map(|size| proof::root_of(size, &tree).unwrap()).collect();
    for new in 0..=SIZES {
        let new_root = &roots[new as usize];
        for old in 0..=new {
            let old_root = &roots[old as usize];
            let proof = proof::prove_consistency(old, new, &tree).unwrap();
            let expected = proof.len();
            let mut long = proof.clone();
            long.push(*new_root);
            let refused = proof::verify_consistency(old, old_root, new, new_root, &long);
            assert_eq!(refused, Err(ProofError::Length { expected, found: expected + 1 }));
            if let Some((_, short)) = proof.split_last() {
                let refused = proof::verify_consistency(old, old_root, new, new_root, short);
                assert_eq!(refused, Err(ProofError::Length { expected, found: expected - 1 }));
            }
            if old < new {
                let refused = proof::verify_consistency(new, new_root, old, old_root, &proof);
                assert_eq!(refused, Err(ProofError::Range { wanted: new, size: old }));
            }
        }
    }
}

/// Two trees that part at an entry: the proof that fits the newer root convicts the older one.
#[test]
fn a_fork_is_told_by_the_roots_of_the_proof() {
    let honest = MemoryNodes::of((0..SIZES).map(entry));
    for parting in [0, 1, 6, 7, 63, 64, 100] {
        let lie = (0..SIZES).map(|index| entry(if index == parting { 1000 } else { index }));
        let lie = MemoryNodes::of(lie);
        for old in parting + 1..SIZES {
            let signed = proof::root_of(old, &lie).unwrap();
            let full = proof::prove_prefix(old, SIZES, &honest).unwrap();
            let (computed, new) = proof::roots_of_consistency(old, SIZES, &full).unwrap();
            assert_eq!(new, honest.root());
            assert_ne!(computed, signed);
            let short = proof::prove_consistency(old, SIZES, &honest).unwrap();
            let refused = proof::verify_consistency(old, &signed, SIZES, &new, &short);
            if old.is_power_of_two() {
                assert!(matches!(refused, Err(ProofError::Root { .. })));
            } else {
                assert_eq!(refused, Err(ProofError::OldRoot { expected: signed, computed }));
            }
        }
    }
}

/// Subsets of a tree's leaves: every single one, all, none in the middle, and pseudo-random ones.
fn subsets(size: u64) -> Vec<Vec<u64>> {
    let mut subsets: Vec<Vec<u64>> = vec![
        (0..size).collect(),
        vec![0],
        vec![size - 1],
        vec![size / 2],
        (0..size).filter(|index| *index == 0 || *index == size - 1).collect(),
        (0..size).step_by(2).collect(),
        (0..size).step_by(17).collect(),
        (size / 3..=size / 2).collect(),
    ];
    let mut state = size.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for _ in 0..6 {
        let picked = (0..size).filter(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state >> 61 == 0
        });
        let picked: Vec<u64> = picked.collect();
        if !picked.is_empty() {
            subsets.push(picked);
        }
    }
    subsets
}

#[test]
fn batches_of_leaves_in_every_size() {
    let leaves = leaves();
    let tree = MemoryNodes::of((0..SIZES).map(entry));
    for size in 1..=SIZES {
        let root = proof::root_of(size, &tree).unwrap();
        for indices in subsets(size) {
            let wanted: Vec<(u64, Hash)> =
                indices.iter().map(|index| (*index, leaves[*index as usize])).collect();
            let proof = batch::prove(&indices, size, &tree).unwrap();
            assert_eq!(batch::verify(&wanted, size, &proof, &root), Ok(()), "{size} {indices:?}");
            let single: usize = indices
                .iter()
                .map(|index| proof::prove_inclusion(*index, size, &tree).unwrap().len())
                .sum();
            assert!(proof.len() <= single, "{size} {indices:?}");
            if let [index] = indices[..] {
                let mut path = proof::prove_inclusion(index, size, &tree).unwrap();
                let mut proof = proof.clone();
                path.sort();
                proof.sort();
                assert_eq!(path, proof, "the same hashes in another order");
            }
        }
    }
}

#[test]
fn batches_refuse_every_flipped_byte_and_other_lengths() {
    let leaves = leaves();
    let tree = MemoryNodes::of((0..SIZES).map(entry));
    for size in (1..=SIZES).filter(|size| *size <= 40 || size % 13 == 0 || *size == 257) {
        let root = proof::root_of(size, &tree).unwrap();
        for indices in subsets(size) {
            let wanted: Vec<(u64, Hash)> =
                indices.iter().map(|index| (*index, leaves[*index as usize])).collect();
            let proof = batch::prove(&indices, size, &tree).unwrap();
            for changed in flipped(&proof) {
                let refused = batch::verify(&wanted, size, &changed, &root);
                assert!(matches!(refused, Err(ProofError::Root { .. })), "{size} {indices:?}");
            }
            for place in 0..wanted.len() {
                let mut changed = wanted.clone();
                changed[place].1 = flip(&wanted[place].1, place % 32);
                let refused = batch::verify(&changed, size, &proof, &root);
                assert!(matches!(refused, Err(ProofError::Root { .. })), "{size} {indices:?}");
            }
            let expected = proof.len();
            let mut long = proof.clone();
            long.push(root);
            let refused = batch::verify(&wanted, size, &long, &root);
            assert_eq!(refused, Err(ProofError::Length { expected, found: expected + 1 }));
            if let Some((_, short)) = proof.split_last() {
                let refused = batch::verify(&wanted, size, short, &root);
                assert_eq!(refused, Err(ProofError::Length { expected, found: expected - 1 }));
            }
        }
    }
}

#[test]
fn batches_refuse_disorder_and_what_is_not_there() {
    let leaves = leaves();
    let tree = MemoryNodes::of((0..SIZES).map(entry));
    let root = tree.root();
    let pair = [(3, leaves[3]), (5, leaves[5])];
    let proof = batch::prove(&[3, 5], SIZES, &tree).unwrap();
    assert_eq!(batch::verify(&pair, SIZES, &proof, &root), Ok(()));

    let swapped = [pair[1], pair[0]];
    let refused = batch::verify(&swapped, SIZES, &proof, &root);
    assert_eq!(refused, Err(ProofError::Order { before: 5, found: 3 }));
    let twice = [pair[0], pair[0], pair[1]];
    let refused = batch::verify(&twice, SIZES, &proof, &root);
    assert_eq!(refused, Err(ProofError::Order { before: 3, found: 3 }));
    let exchanged = [(3, leaves[5]), (5, leaves[3])];
    let refused = batch::verify(&exchanged, SIZES, &proof, &root);
    assert!(matches!(refused, Err(ProofError::Root { .. })));
    let beyond = [pair[0], (SIZES, leaves[5])];
    let refused = batch::verify(&beyond, SIZES, &proof, &root);
    assert_eq!(refused, Err(ProofError::Range { wanted: SIZES, size: SIZES }));
    assert_eq!(batch::verify(&[], SIZES, &[root], &root), Err(ProofError::Nothing));

    let refused = batch::prove(&[5, 3], SIZES, &tree);
    assert_eq!(refused, Err(proof::ProveError::Order { before: 5, found: 3 }));
    let refused = batch::prove(&[SIZES], SIZES, &tree);
    assert_eq!(refused, Err(proof::ProveError::Range { wanted: SIZES, size: SIZES }));
}
