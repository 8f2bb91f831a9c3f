//! Appending to a tree while keeping no more than its right edge.
//!
//! A tree of n leaves is a row of perfect trees, one for each bit of n. Their roots are all that is
//! needed to append and to compute the root: 64 hashes at most, and nothing is allocated for a leaf.
//! Specification: [RFC 6962, section 2.1](https://www.rfc-editor.org/rfc/rfc6962.html#section-2.1).

use crate::hash::{EMPTY_ROOT, Hash, MAXIMUM_SIZE, node_hash};
use crate::proof::Nodes;

/// The right edge of a tree.
#[derive(Clone)]
pub struct Frontier {
    size: u64,
    /// The root of the perfect tree of 2^level leaves, where the size has that bit; stale elsewhere.
    peaks: [Hash; 64],
}

impl Frontier {
    /// The edge of the tree without entries.
    #[must_use]
    pub fn new() -> Self {
        Self { size: 0, peaks: [EMPTY_ROOT; 64] }
    }

    /// The edge from what [`Self::parts`] gave. The caller answers for the hashes: compare
    /// [`Self::root`] with a root that is known.
    pub fn from_parts(size: u64, parts: &[Hash]) -> Result<Self, FrontierError> {
        if size > MAXIMUM_SIZE {
            return Err(FrontierError::TooLarge { size });
        }
        let expected = size.count_ones() as usize;
        if parts.len() != expected {
            return Err(FrontierError::Parts { size, expected, found: parts.len() });
        }
        let mut frontier = Self { size, peaks: [EMPTY_ROOT; 64] };
        for (level, part) in levels(size).zip(parts) {
            frontier.peaks[usize::from(level)] = *part;
        }
        Ok(frontier)
    }

    /// The edge of the tree of `size` leaves, read from its nodes.
    pub fn from_nodes<N: Nodes>(size: u64, nodes: &N) -> Result<Self, N::Error> {
        let mut frontier = Self { size, peaks: [EMPTY_ROOT; 64] };
        for level in levels(size) {
            frontier.peaks[usize::from(level)] = nodes.node(level, (size >> level) - 1)?;
        }
        Ok(frontier)
    }

    /// The roots of the perfect trees, the largest first; as many as the size has bits.
    #[must_use]
    pub fn parts(&self) -> Vec<Hash> {
        levels(self.size).map(|level| self.peaks[usize::from(level)]).collect()
    }

    /// How many leaves there are.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the whole tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut root: Option<Hash> = None;
        for level in 0..64 {
            if self.size >> level & 1 == 1 {
                let peak = &self.peaks[level];
                root = Some(root.map_or(*peak, |right| node_hash(peak, &right)));
            }
        }
        root.unwrap_or(EMPTY_ROOT)
    }

    /// Appends a leaf and tells every perfect tree that it completes: its level, its index among the
    /// trees of that level, its root. The leaf itself comes first, as level 0.
    pub fn append(&mut self, leaf: Hash, completed: &mut impl FnMut(u8, u64, Hash)) {
        let index = self.size;
        completed(0, index, leaf);
        let mut root = leaf;
        let mut level = 0;
        while index >> level & 1 == 1 {
            root = node_hash(&self.peaks[usize::from(level)], &root);
            level += 1;
            completed(level, index >> level, root);
        }
        self.peaks[usize::from(level)] = root;
        // Sizes start at 2^63 - 1 at most, and nobody appends 2^63 leaves after that.
        self.size += 1;
    }
}

impl Default for Frontier {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for Frontier {
    fn eq(&self, other: &Self) -> bool {
        self.size == other.size && self.parts() == other.parts()
    }
}

impl Eq for Frontier {}

impl std::fmt::Debug for Frontier {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = formatter.debug_struct("Frontier");
        debug.field("size", &self.size).field("parts", &self.parts()).finish()
    }
}

/// The bits of a size, the highest first.
fn levels(size: u64) -> impl Iterator<Item = u8> {
    (0..64).rev().filter(move |level| size >> level & 1 == 1)
}

/// Parts that are no edge of a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrontierError {
    /// A size beyond [`MAXIMUM_SIZE`].
    #[error("a tree of {size} entries is larger than a tree can be")]
    TooLarge {
        /// The size that was asked for.
        size: u64,
    },
    /// More or fewer hashes than the size has bits.
    #[error("the edge of a tree of {size} entries has {expected} hashes, found {found}")]
    Parts {
        /// The size of the tree.
        size: u64,
        /// How many hashes it takes.
        expected: usize,
        /// How many there were.
        found: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::leaf_hash;
    use crate::proof::memory::MemoryNodes;

    #[test]
    fn the_edge_goes_through_its_parts_at_every_size() {
        let mut frontier = Frontier::new();
        let mut nodes = MemoryNodes::default();
        assert_eq!(frontier.root(), EMPTY_ROOT);
        for index in 0..300_u64 {
            frontier.append(leaf_hash(&index.to_be_bytes()), &mut |level, index, hash| {
                nodes.put(level, index, hash);
            });
            let size = index + 1;
            assert_eq!(Frontier::from_parts(size, &frontier.parts()).as_ref(), Ok(&frontier));
            assert_eq!(Frontier::from_nodes(size, &nodes).as_ref(), Ok(&frontier));
        }
    }

    #[test]
    fn parts_of_another_size_are_refused() {
        let parts = [EMPTY_ROOT; 2];
        let refused = Frontier::from_parts(4, &parts);
        assert_eq!(refused, Err(FrontierError::Parts { size: 4, expected: 1, found: 2 }));
        let refused = Frontier::from_parts(MAXIMUM_SIZE + 1, &parts);
        assert_eq!(refused, Err(FrontierError::TooLarge { size: MAXIMUM_SIZE + 1 }));
    }
}
