//! Reading a log's tiles: nothing of them leaves, or may be kept, before it is proved.
//!
//! Tiles come from a server, a cache or a mirror that nobody has to trust. The partial tiles on the right
//! edge give the root, which is compared with the one in a checkpoint; every full tile hashes to one hash
//! of the tile above it. Only then its hashes can be read here ([`Nodes`]), and only then there is a
//! [`ProvedTile`], which is what a cache may keep. Nothing is fetched here: the reader tells which tiles
//! it wants, and the caller brings their bytes, in whatever way it likes.
//! Specification: [C2SP tlog-tiles](https://c2sp.org/tlog-tiles).

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use crate::checkpoint::SignedCheckpoint;
use crate::hash::{EMPTY_ROOT, Hash, leaf_hash, node_hash};
use crate::proof::Nodes;
use crate::tile::{Bundle, HEIGHT, Tile, TileError, WIDTH, root_of_hashes};

/// The proved tiles of one tree.
#[derive(Debug, Clone)]
pub struct TileReader {
    size: u64,
    root: Hash,
    proved: BTreeMap<(u8, u64), Vec<Hash>>,
}

/// A tile that belongs to the tree of a checkpoint. Only [`TileReader::prove`] makes one: caches keep
/// these and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvedTile {
    tile: Tile,
    bytes: Vec<u8>,
}

impl TileReader {
    /// A reader of the tree of a checkpoint.
    #[must_use]
    pub fn new(checkpoint: &SignedCheckpoint) -> Self {
        Self::of_root(checkpoint.size(), *checkpoint.root())
    }

    /// A reader of the tree with this root, for which the caller answers.
    #[must_use]
    pub fn of_root(size: u64, root: Hash) -> Self {
        Self { size, root, proved: BTreeMap::new() }
    }

    /// How many entries the tree has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Its root.
    #[must_use]
    pub fn root(&self) -> &Hash {
        &self.root
    }

    /// The tiles that are still missing for the hashes of these entries: the ones with the hashes, all
    /// above them and the right edge.
    #[must_use]
    pub fn wanted_for_entries(&self, indices: impl IntoIterator<Item = u64>) -> Vec<Tile> {
        self.wanted(|plan| {
            for index in indices {
                let Ok(_) = plan.node(0, index);
            }
        })
    }

    /// The tiles that are still missing for whatever `ask` reads, for example
    /// `reader.wanted(|nodes| drop(prove_consistency(5, 9, nodes)))`. The hashes that it reads on the way
    /// are placeholders.
    pub fn wanted(&self, ask: impl FnOnce(&Plan<'_>)) -> Vec<Tile> {
        let plan = Plan { reader: self, tiles: RefCell::default() };
        ask(&plan);
        let mut tiles = plan.tiles.into_inner();
        tiles.extend(self.edge().filter(|tile| !self.has(tile)));
        tiles.into_iter().collect()
    }

    /// Proves tiles against the root, all or none. A full tile may stand for a partial one, which a log
    /// may have deleted; only the part that belongs to this tree is proved and given back.
    pub fn prove(&mut self, fetched: &[(Tile, Vec<u8>)]) -> Result<Vec<ProvedTile>, ReaderError> {
        let mut staged = BTreeMap::new();
        for (tile, bytes) in fetched {
            let (expected, hashes) = self.read(tile, bytes)?;
            staged.insert((expected.level(), expected.index()), (expected, hashes));
        }
        let mut accepted = BTreeMap::new();
        if self.edge().any(|tile| !self.has(&tile)) {
            let mut edge = Vec::new();
            for tile in self.edge() {
                let (_, hashes) = staged
                    .remove(&(tile.level(), tile.index()))
                    .ok_or(ReaderError::Missing { path: tile.path() })?;
                edge.push((tile, hashes));
            }
            let computed = root_of_edge(&edge);
            if computed != self.root {
                return Err(ReaderError::Edge { expected: self.root, computed });
            }
            accepted.extend(edge.into_iter().map(|(tile, hashes)| (place(&tile), (tile, hashes))));
        }
        // The highest level first, since a tile is proved by the one above it.
        for (key, (tile, hashes)) in staged.into_iter().rev() {
            let proved = self.proved.get(&key);
            let fits = match proved {
                Some(proved) => *proved == hashes,
                None => self.parent_hash(&tile, &accepted)? == root_of_hashes(&hashes),
            };
            if !fits {
                return Err(ReaderError::Forged { path: tile.path() });
            }
            accepted.insert(key, (tile, hashes));
        }
        let mut proved = Vec::with_capacity(accepted.len());
        for (key, (tile, hashes)) in accepted {
            let bytes = hashes.iter().flat_map(|hash| *hash.as_bytes()).collect();
            proved.push(ProvedTile { tile, bytes });
            self.proved.insert(key, hashes);
        }
        Ok(proved)
    }

    /// The entries of a bundle, each compared with its hash in the tile below it, which has to be proved
    /// before. A full bundle may stand for a partial one.
    pub fn entries<'a>(
        &self,
        bundle: &Bundle,
        bytes: &'a [u8],
    ) -> Result<Vec<&'a [u8]>, ReaderError> {
        let absent = || ReaderError::NotInTree { path: bundle.path(), size: self.size };
        let expected = Bundle::in_tree(bundle.index(), self.size).ok_or_else(absent)?;
        let tile = expected.tile();
        let missing = || ReaderError::Missing { path: tile.path() };
        let hashes = self.proved.get(&place(&tile)).ok_or_else(missing)?;
        let entries = if *bundle == expected {
            bundle.read(bytes)?
        } else if bundle.is_full() {
            bundle.read(bytes)?;
            expected.read_prefix(bytes)?.0
        } else {
            return Err(absent());
        };
        for (offset, (entry, hash)) in entries.iter().zip(hashes).enumerate() {
            if leaf_hash(entry) != *hash {
                let index = expected.first_entry() + offset as u64;
                return Err(ReaderError::Entry { index });
            }
        }
        Ok(entries)
    }

    /// Forgets the full tiles of leaf hashes before that of this entry: for whoever reads a whole log in
    /// order.
    pub fn release(&mut self, before: u64) {
        let first = before / u64::from(WIDTH);
        self.proved.retain(|(level, index), hashes| {
            *level > 0 || *index >= first || hashes.len() < usize::from(WIDTH)
        });
    }

    fn has(&self, tile: &Tile) -> bool {
        self.proved.contains_key(&place(tile))
    }

    /// The partial tiles. Together they give the root: whatever is not in them is in a full tile, whose
    /// hash is in one of them or in a full tile again.
    fn edge(&self) -> impl Iterator<Item = Tile> + use<> {
        let size = self.size;
        (0..HEIGHT).filter_map(move |level| {
            let hashes = size >> (level * HEIGHT);
            Tile::in_tree(level, hashes / u64::from(WIDTH), size)
        })
    }

    /// The hashes of a tile, as many of them as this tree has.
    fn read(&self, tile: &Tile, bytes: &[u8]) -> Result<(Tile, Vec<Hash>), ReaderError> {
        let expected = Tile::in_tree(tile.level(), tile.index(), self.size);
        let stands_for = |expected: &Tile| expected == tile || expected.full() == *tile;
        let expected = expected
            .filter(stands_for)
            .ok_or(ReaderError::NotInTree { path: tile.path(), size: self.size })?;
        let mut hashes = tile.read(bytes)?;
        hashes.truncate(usize::from(expected.width()));
        Ok((expected, hashes))
    }

    /// The hash of a full tile in the one above it.
    fn parent_hash(&self, tile: &Tile, accepted: &Accepted) -> Result<Hash, ReaderError> {
        let key = (tile.level() + 1, tile.index() / u64::from(WIDTH));
        let offset = (tile.index() % u64::from(WIDTH)) as usize;
        let hashes = accepted.get(&key).map(|(_, hashes)| hashes).or_else(|| self.proved.get(&key));
        let missing = || {
            let above = Tile::in_tree(key.0, key.1, self.size);
            ReaderError::Missing { path: above.as_ref().unwrap_or(tile).path() }
        };
        hashes.and_then(|hashes| hashes.get(offset)).copied().ok_or_else(missing)
    }
}

type Accepted = BTreeMap<(u8, u64), (Tile, Vec<Hash>)>;

fn place(tile: &Tile) -> (u8, u64) {
    (tile.level(), tile.index())
}

/// The root over the perfect trees on the edge, the lowest tile first.
fn root_of_edge(edge: &[(Tile, Vec<Hash>)]) -> Hash {
    let mut root: Option<Hash> = None;
    for (_, hashes) in edge {
        let mut rest = hashes.as_slice();
        for bit in 0..HEIGHT {
            if hashes.len() >> bit & 1 == 1 {
                let (before, peak) = rest.split_at(rest.len() - (1 << bit));
                let peak = root_of_hashes(peak);
                root = Some(root.map_or(peak, |right| node_hash(&peak, &right)));
                rest = before;
            }
        }
    }
    root.unwrap_or(EMPTY_ROOT)
}

/// The tile that has a node, or the leaves of its small tree: the tile's place, where they start in it,
/// and how many they are.
fn place_of_node(level: u8, index: u64) -> Option<((u8, u64), usize, usize)> {
    let height = level % HEIGHT;
    let first = index.checked_mul(1 << height)?;
    let key = (level / HEIGHT, first / u64::from(WIDTH));
    Some((key, (first % u64::from(WIDTH)) as usize, 1 << height))
}

impl Nodes for TileReader {
    type Error = ReaderError;

    fn node(&self, level: u8, index: u64) -> Result<Hash, ReaderError> {
        let absent = || ReaderError::NoNode { level, index };
        let (key, first, length) = place_of_node(level, index).ok_or_else(absent)?;
        let tile = Tile::in_tree(key.0, key.1, self.size).ok_or_else(absent)?;
        let missing = || ReaderError::Missing { path: tile.path() };
        let hashes = self.proved.get(&key).ok_or_else(missing)?;
        hashes.get(first..first + length).map(root_of_hashes).ok_or_else(absent)
    }
}

/// Listens which nodes somebody reads, see [`TileReader::wanted`].
#[derive(Debug)]
pub struct Plan<'a> {
    reader: &'a TileReader,
    tiles: RefCell<BTreeSet<Tile>>,
}

impl Nodes for Plan<'_> {
    type Error = Infallible;

    fn node(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        let key = place_of_node(level, index).map(|(key, ..)| key);
        let mut next = key.and_then(|key| Tile::in_tree(key.0, key.1, self.reader.size));
        while let Some(tile) = next {
            if self.reader.has(&tile) || !self.tiles.borrow_mut().insert(tile) {
                break;
            }
            let above = (tile.level() + 1, tile.index() / u64::from(WIDTH));
            // A partial tile is proved by the root alone.
            next = Tile::in_tree(above.0, above.1, self.reader.size).filter(|_| tile.is_full());
        }
        Ok(EMPTY_ROOT)
    }
}

impl ProvedTile {
    /// Which tile, as wide as this tree has it.
    #[must_use]
    pub fn tile(&self) -> &Tile {
        &self.tile
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Why nothing is given out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReaderError {
    /// Bytes that are no tile or no bundle.
    #[error(transparent)]
    Tile(#[from] TileError),
    /// A tile that this tree has not, or has in another width.
    #[error("a tree of {size} entries has no `{path}`")]
    NotInTree {
        /// Which tile.
        path: String,
        /// The size of the tree.
        size: u64,
    },
    /// A node that this tree has not.
    #[error("the tree has no node {index} at level {level}")]
    NoNode {
        /// The level of the node.
        level: u8,
        /// Its number there.
        index: u64,
    },
    /// A tile that is needed to read or to prove another one, and is not proved.
    #[error("`{path}` is needed and not yet proved")]
    Missing {
        /// Which tile.
        path: String,
    },
    /// The tiles on the edge give another root than the checkpoint has.
    #[error("the root that follows from the tiles is {computed}, expected {expected}")]
    Edge {
        /// What the checkpoint says.
        expected: Hash,
        /// What the tiles give.
        computed: Hash,
    },
    /// A tile that does not hash to what the tile above it says.
    #[error("`{path}` is not the tile of this tree")]
    Forged {
        /// Which tile.
        path: String,
    },
    /// An entry that does not hash to what its tile says.
    #[error("entry {index} is not the one in the tree")]
    Entry {
        /// The number of the entry.
        index: u64,
    },
}

#[cfg(test)]
#[path = "reader/tests.rs"]
mod tests;
