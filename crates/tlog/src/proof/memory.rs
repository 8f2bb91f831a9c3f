//! A tree in memory: for tests, and for logs that are small enough.

use std::convert::Infallible;

use crate::frontier::Frontier;
use crate::hash::{EMPTY_ROOT, Hash, leaf_hash};
use crate::proof::Nodes;

/// The nodes of a tree, level by level.
#[derive(Debug, Clone, Default)]
pub struct MemoryNodes {
    levels: Vec<Vec<Hash>>,
    frontier: Frontier,
}

impl MemoryNodes {
    /// The tree over these entries.
    pub fn of<E: AsRef<[u8]>>(entries: impl IntoIterator<Item = E>) -> Self {
        let mut tree = Self::default();
        for entry in entries {
            tree.append(entry.as_ref());
        }
        tree
    }

    /// Appends an entry.
    pub fn append(&mut self, entry: &[u8]) {
        let mut frontier = std::mem::take(&mut self.frontier);
        frontier.append(leaf_hash(entry), &mut |level, index, hash| self.put(level, index, hash));
        self.frontier = frontier;
    }

    /// How many entries were appended.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The root over all of them.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// The right edge.
    #[must_use]
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// Takes a completed subtree, as [`Frontier::append`] tells them: each level in order.
    pub(crate) fn put(&mut self, level: u8, index: u64, hash: Hash) {
        let level = usize::from(level);
        if self.levels.len() <= level {
            self.levels.resize(level + 1, Vec::new());
        }
        debug_assert_eq!(self.levels[level].len() as u64, index);
        self.levels[level].push(hash);
    }
}

impl Nodes for MemoryNodes {
    type Error = Infallible;

    /// Proofs ask for complete subtrees only. For what is not in the tree, it gives the root of
    /// nothing, which no proof of a leaf contains.
    fn node(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        let hashes = self.levels.get(usize::from(level));
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        Ok(hashes.and_then(|hashes| hashes.get(index)).copied().unwrap_or(EMPTY_ROOT))
    }
}
