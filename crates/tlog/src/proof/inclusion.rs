//! That a leaf stands at an index of a tree: its path to the root.

use super::{Nodes, ProofError, ProveError, compare, range_root, split};
use crate::hash::{Hash, MAXIMUM_SIZE, node_hash};

/// The path from the leaf at `index` to the root of the tree of `size` leaves, the leaf's sibling first.
pub fn prove_inclusion<N: Nodes>(
    index: u64,
    size: u64,
    nodes: &N,
) -> Result<Vec<Hash>, ProveError<N::Error>> {
    if index >= size || size > MAXIMUM_SIZE {
        return Err(ProveError::Range { wanted: index, size });
    }
    let mut path = Vec::new();
    let (mut start, mut end) = (0, size);
    while end - start > 1 {
        let middle = start + split(end - start);
        let sibling = if index < middle { (middle, end) } else { (start, middle) };
        path.push(range_root(nodes, sibling.0, sibling.1).map_err(ProveError::Nodes)?);
        if index < middle { end = middle } else { start = middle }
    }
    path.reverse();
    Ok(path)
}

/// Checks that the leaf with this hash stands at `index` of the tree of `size` leaves with that root.
pub fn verify_inclusion(
    leaf: Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    compare(root, root_of_inclusion(leaf, index, size, proof)?)
}

/// The root that follows from a leaf and its path. It means nothing before it is compared with a root
/// that somebody signed.
pub fn root_of_inclusion(
    leaf: Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
) -> Result<Hash, ProofError> {
    if index >= size || size > MAXIMUM_SIZE {
        return Err(ProofError::Range { wanted: index, size });
    }
    // Where the leaf's path and the last leaf's path part, every level has a sibling; above, only those
    // where the path turns right, since the tree has no leaf beyond.
    let inner = 64 - (index ^ (size - 1)).leading_zeros();
    let border = (index >> inner).count_ones();
    let expected = (inner + border) as usize;
    if proof.len() != expected {
        return Err(ProofError::Length { expected, found: proof.len() });
    }
    let (below, above) = proof.split_at(inner as usize);
    let mut root = leaf;
    for (level, sibling) in below.iter().enumerate() {
        root = if index >> level & 1 == 0 {
            node_hash(&root, sibling)
        } else {
            node_hash(sibling, &root)
        };
    }
    Ok(above.iter().fold(root, |root, sibling| node_hash(sibling, &root)))
}
