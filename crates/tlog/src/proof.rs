//! Proofs about trees: made from their nodes, checked against roots that somebody signed.
//!
//! A check always recomputes the root; a hash too many, a hash too few and an answer that proves nothing
//! are refusals. Who makes a proof reads perfect subtrees through [`Nodes`] and vouches for nothing.
//! Specification: [RFC 6962, section 2.1](https://www.rfc-editor.org/rfc/rfc6962.html#section-2.1).

pub mod batch;
mod consistency;
mod inclusion;
pub mod memory;

pub use consistency::{
    prove_consistency, prove_prefix, roots_of_consistency, verify_consistency, with_prefix,
};
pub use inclusion::{prove_inclusion, root_of_inclusion, verify_inclusion};

use crate::hash::{EMPTY_ROOT, Hash, node_hash};

/// Where the hashes of a tree are read.
pub trait Nodes {
    /// Why a hash cannot be had.
    type Error;

    /// The root of the perfect subtree of 2^level leaves that starts at leaf index·2^level. Level 0 are
    /// the leaf hashes. Only complete subtrees of the tree are asked for.
    fn node(&self, level: u8, index: u64) -> Result<Hash, Self::Error>;
}

impl<N: Nodes + ?Sized> Nodes for &N {
    type Error = N::Error;

    fn node(&self, level: u8, index: u64) -> Result<Hash, Self::Error> {
        (**self).node(level, index)
    }
}

/// The root of the tree of `size` leaves, from its nodes.
pub fn root_of<N: Nodes>(size: u64, nodes: &N) -> Result<Hash, N::Error> {
    if size == 0 { Ok(EMPTY_ROOT) } else { range_root(nodes, 0, size) }
}

/// The root over the leaves from `start` to before `end`, which has to be a subtree of a tree: `start`
/// is a multiple of the largest power of two in the length. Not for an empty range.
fn range_root<N: Nodes>(nodes: &N, start: u64, end: u64) -> Result<Hash, N::Error> {
    let length = end - start;
    let mut root: Option<Hash> = None;
    let mut position = end;
    for level in 0..64_u8 {
        if length >> level & 1 == 1 {
            position -= 1 << level;
            let peak = nodes.node(level, position >> level)?;
            root = Some(root.map_or(peak, |right| node_hash(&peak, &right)));
        }
    }
    Ok(root.unwrap_or(EMPTY_ROOT))
}

/// The largest power of two that is smaller than `length`, which is at least 2.
fn split(length: u64) -> u64 {
    1 << (63 - (length - 1).leading_zeros())
}

/// Why no proof was made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProveError<E> {
    /// There is no such leaf, or no such order of sizes.
    #[error("there is no proof for {wanted} in a tree of {size} entries")]
    Range {
        /// The index or the older size.
        wanted: u64,
        /// The size of the tree.
        size: u64,
    },
    /// The indices of a batch are not in ascending order, or one stands twice.
    #[error("the indices of a batch have to ascend, found {found} after {before}")]
    Order {
        /// The index before.
        before: u64,
        /// The index that is not larger.
        found: u64,
    },
    /// The nodes could not be read.
    #[error(transparent)]
    Nodes(E),
}

/// Why a proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// A proof about no leaf at all says nothing, and counts for nothing.
    #[error("a proof about no entry proves nothing")]
    Nothing,
    /// There is no such leaf, or no such order of sizes.
    #[error("there is no proof for {wanted} in a tree of {size} entries")]
    Range {
        /// The index or the older size.
        wanted: u64,
        /// The size of the tree.
        size: u64,
    },
    /// The indices of a batch are not in ascending order, or one stands twice.
    #[error("the indices of a batch have to ascend, found {found} after {before}")]
    Order {
        /// The index before.
        before: u64,
        /// The index that is not larger.
        found: u64,
    },
    /// The proof has another number of hashes than a proof for these numbers has.
    #[error("the proof has {found} hashes, expected {expected}")]
    Length {
        /// How many hashes such a proof has.
        expected: usize,
        /// How many there were.
        found: usize,
    },
    /// The root that follows from the proof is another one.
    #[error("the root that follows from the proof is {computed}, expected {expected}")]
    Root {
        /// What the signed checkpoint says.
        expected: Hash,
        /// What leaf and proof give.
        computed: Hash,
    },
    /// The root of the older tree that follows from the proof is another one: if the proof fits the
    /// newer tree, then the two trees were forked.
    #[error("the older root that follows from the proof is {computed}, expected {expected}")]
    OldRoot {
        /// What the older checkpoint says.
        expected: Hash,
        /// What the proof gives.
        computed: Hash,
    },
    /// From these sizes no roots follow: the older tree is empty, or both are one.
    #[error("no roots follow from a proof between the sizes {old_size} and {new_size}")]
    NoRoots {
        /// The older size.
        old_size: u64,
        /// The newer size.
        new_size: u64,
    },
}

fn compare(expected: &Hash, computed: Hash) -> Result<(), ProofError> {
    if *expected == computed {
        Ok(())
    } else {
        Err(ProofError::Root { expected: *expected, computed })
    }
}
