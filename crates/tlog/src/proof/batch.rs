//! One proof for many leaves of a tree.
//!
//! The root of a tree is computed by a recursion that splits at the largest power of two. A batch proof
//! holds, in the order of that recursion from left to right, the root of each largest subtree that has
//! none of the wanted leaves. It is much shorter than single paths, whose upper parts are the same. Who
//! checks walks through the same recursion and has to use every hash once.

use super::{Nodes, ProofError, ProveError, compare, range_root, split};
use crate::hash::{EMPTY_ROOT, Hash, MAXIMUM_SIZE, node_hash};

/// The proof for the leaves at these indices, which ascend, in the tree of `size` leaves.
pub fn prove<N: Nodes>(
    indices: &[u64],
    size: u64,
    nodes: &N,
) -> Result<Vec<Hash>, ProveError<N::Error>> {
    for pair in indices.windows(2) {
        if pair[0] >= pair[1] {
            return Err(ProveError::Order { before: pair[0], found: pair[1] });
        }
    }
    if let Some(last) = indices.last()
        && (*last >= size || size > MAXIMUM_SIZE)
    {
        return Err(ProveError::Range { wanted: *last, size });
    }
    let mut proof = Vec::new();
    if !indices.is_empty() {
        collect(indices, 0, size, nodes, &mut proof).map_err(ProveError::Nodes)?;
    }
    Ok(proof)
}

/// The recursion is as deep as the tree is high: 63 levels.
fn collect<N: Nodes>(
    indices: &[u64],
    start: u64,
    end: u64,
    nodes: &N,
    proof: &mut Vec<Hash>,
) -> Result<(), N::Error> {
    if indices.is_empty() {
        proof.push(range_root(nodes, start, end)?);
    } else if end - start > 1 {
        let middle = start + split(end - start);
        let (left, right) = indices.split_at(indices.partition_point(|index| *index < middle));
        collect(left, start, middle, nodes, proof)?;
        collect(right, middle, end, nodes, proof)?;
    }
    Ok(())
}

/// Checks that these leaves, ascending by index, stand in the tree of `size` leaves with that root. No
/// leaf at all is a refusal: an empty answer never counts as a yes.
pub fn verify(
    leaves: &[(u64, Hash)],
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    compare(root, root_of(leaves, size, proof)?)
}

/// The root that follows from leaves and proof. It means nothing before it is compared with a root that
/// somebody signed.
pub fn root_of(leaves: &[(u64, Hash)], size: u64, proof: &[Hash]) -> Result<Hash, ProofError> {
    let Some((last, _)) = leaves.last() else {
        return Err(ProofError::Nothing);
    };
    for pair in leaves.windows(2) {
        if pair[0].0 >= pair[1].0 {
            return Err(ProofError::Order { before: pair[0].0, found: pair[1].0 });
        }
    }
    if *last >= size || size > MAXIMUM_SIZE {
        return Err(ProofError::Range { wanted: *last, size });
    }
    // Counted before anything is hashed, so that the reason is exact.
    let expected = count(leaves, 0, size);
    if expected != proof.len() {
        return Err(ProofError::Length { expected, found: proof.len() });
    }
    let mut rest = proof;
    Ok(fold(leaves, 0, size, &mut rest))
}

/// How many hashes the proof for these leaves has.
fn count(leaves: &[(u64, Hash)], start: u64, end: u64) -> usize {
    if leaves.is_empty() {
        return 1;
    }
    if end - start == 1 {
        return 0;
    }
    let middle = start + split(end - start);
    let (left, right) = leaves.split_at(leaves.partition_point(|leaf| leaf.0 < middle));
    count(left, start, middle) + count(right, middle, end)
}

fn fold(leaves: &[(u64, Hash)], start: u64, end: u64, proof: &mut &[Hash]) -> Hash {
    if leaves.is_empty() {
        // They were counted, so there is one.
        let Some((hash, rest)) = proof.split_first() else { return EMPTY_ROOT };
        *proof = rest;
        return *hash;
    }
    if let ([(_, leaf)], 1) = (leaves, end - start) {
        return *leaf;
    }
    let middle = start + split(end - start);
    let (left, right) = leaves.split_at(leaves.partition_point(|leaf| leaf.0 < middle));
    let left = fold(left, start, middle, proof);
    let right = fold(right, middle, end, proof);
    node_hash(&left, &right)
}
