//! Proofs from tiles, with the tiles that are asked for most kept in memory.
//!
//! A proof is made in two passes over the same recursion: the first only writes down which nodes it
//! wants, in order; then their tiles are read, each once, and the second is given them in that order.
//! So a batch over the whole log holds some hashes of each tile and never all tiles.
//!
//! What is read is not verified here: whoever gets the proof does that.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use countermark_tlog::hash::{Hash, node_hash};
use countermark_tlog::proof::{Nodes, ProveError, batch, prove_inclusion, prove_prefix};
use countermark_tlog::tile::{HEIGHT, Tile, WIDTH};
use futures_util::{StreamExt as _, TryStreamExt as _};
use hashlink::LruCache;

use crate::log::tiles::{FULL, Kind, TileError, TilePath, TileStore};

/// How many tiles are kept; one has up to 16 kB, with the nodes between its hashes.
const KEPT: usize = 8192;

/// How many tiles one proof reads at once.
const AT_ONCE: usize = 16;

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub(in crate::log) enum NodeError {
    /// A tile cannot be read.
    #[error(transparent)]
    Tiles(#[from] TileError),
    /// A tile that the published tree has is not there, or has another length.
    #[error("the tile `{path}` is missing or has a wrong length")]
    Missing {
        /// Which.
        path: String,
    },
    /// Nobody can prove that.
    #[error("there is no such proof: {0}")]
    Range(ProveError<Infallible>),
}

/// Reads nodes of published trees.
#[derive(Debug)]
pub(in crate::log) struct NodeCache {
    tiles: Arc<dyn TileStore>,
    kept: Mutex<LruCache<Tile, Arc<Expanded>>>,
}

/// A tile with the nodes between its hashes.
#[derive(Debug)]
struct Expanded {
    /// The hashes of the tile, then those one level above, and so on.
    hashes: Vec<Hash>,
    /// Where each level begins.
    starts: [u16; 10],
}

impl Expanded {
    fn new(mut hashes: Vec<Hash>) -> Self {
        let mut starts = [0; 10];
        let mut width = hashes.len();
        for level in 1..starts.len() {
            let start = usize::from(starts[level - 1]);
            // At most 256 + 128 + … hashes.
            starts[level] = u16::try_from(hashes.len()).unwrap_or(u16::MAX);
            if width < 2 {
                width = 0;
                continue;
            }
            for pair in 0..width / 2 {
                let (left, right) = (hashes[start + 2 * pair], hashes[start + 2 * pair + 1]);
                hashes.push(node_hash(&left, &right));
            }
            width /= 2;
        }
        Self { hashes, starts }
    }

    /// The node this many levels above the tile's hashes.
    fn node(&self, level: u8, offset: usize) -> Option<Hash> {
        let level = usize::from(level);
        let (start, end) = (usize::from(self.starts[level]), usize::from(self.starts[level + 1]));
        (offset < end - start).then(|| self.hashes[start + offset])
    }
}

/// Writes down which nodes are wanted.
#[derive(Default)]
struct Wanted(RefCell<Vec<(u8, u64)>>);

impl Nodes for Wanted {
    type Error = Infallible;

    fn node(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        self.0.borrow_mut().push((level, index));
        // Nothing that a proof does depends on what a hash is.
        Ok(Hash::from_bytes([0; 32]))
    }
}

/// Gives nodes in the order in which they were wanted.
struct Given {
    hashes: Vec<Hash>,
    next: Cell<usize>,
}

impl Nodes for Given {
    type Error = Infallible;

    fn node(&self, _level: u8, _index: u64) -> Result<Hash, Infallible> {
        let next = self.next.get();
        self.next.set(next + 1);
        // The same recursion over the same numbers asks for as many as it did.
        Ok(self.hashes.get(next).copied().unwrap_or(Hash::from_bytes([0; 32])))
    }
}

impl NodeCache {
    pub(in crate::log) fn new(tiles: Arc<dyn TileStore>) -> Self {
        Self { tiles, kept: Mutex::new(LruCache::new(KEPT)) }
    }

    /// One proof for these entries, which ascend, in the tree of `size`.
    pub(in crate::log) async fn prove(
        &self,
        indices: &[u64],
        size: u64,
    ) -> Result<Vec<Hash>, NodeError> {
        self.twice(size, |nodes| match nodes {
            Pass::First(wanted) => batch::prove(indices, size, wanted),
            Pass::Second(given) => batch::prove(indices, size, given),
        })
        .await
    }

    /// The path of one entry to the root, the sibling first.
    pub(in crate::log) async fn prove_inclusion(
        &self,
        index: u64,
        size: u64,
    ) -> Result<Vec<Hash>, NodeError> {
        self.twice(size, |nodes| match nodes {
            Pass::First(wanted) => prove_inclusion(index, size, wanted),
            Pass::Second(given) => prove_inclusion(index, size, given),
        })
        .await
    }

    /// The proof that the tree of `from` is the beginning of the tree of `size`; see
    /// [`LookupAnswer::consistency`](countermark_trust::log::wire::LookupAnswer).
    pub(in crate::log) async fn prove_prefix(
        &self,
        from: u64,
        size: u64,
    ) -> Result<Vec<Hash>, NodeError> {
        self.twice(size, |nodes| match nodes {
            Pass::First(wanted) => prove_prefix(from, size, wanted),
            Pass::Second(given) => prove_prefix(from, size, given),
        })
        .await
    }

    async fn twice(
        &self,
        size: u64,
        prove: impl Fn(Pass<'_>) -> Result<Vec<Hash>, ProveError<Infallible>>,
    ) -> Result<Vec<Hash>, NodeError> {
        let wanted = Wanted::default();
        prove(Pass::First(&wanted)).map_err(NodeError::Range)?;
        let wanted = wanted.0.into_inner();
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let hashes = self.read(&wanted, size).await?;
        prove(Pass::Second(&Given { hashes, next: Cell::new(0) })).map_err(NodeError::Range)
    }

    async fn read(&self, wanted: &[(u8, u64)], size: u64) -> Result<Vec<Hash>, NodeError> {
        let mut places: BTreeMap<(u8, u64), Vec<Place>> = BTreeMap::new();
        for (position, (level, index)) in wanted.iter().enumerate() {
            let (tile_level, level) = (level / HEIGHT, level % HEIGHT);
            let per_tile = u64::from(WIDTH) >> level;
            let place = Place { position, level, offset: (index % per_tile) as usize };
            places.entry((tile_level, index / per_tile)).or_default().push(place);
        }
        let mut hashes = vec![Hash::from_bytes([0; 32]); wanted.len()];
        let mut reading = futures_util::stream::iter(places)
            .map(|((level, index), places)| async move {
                let missing = || NodeError::Missing { path: format!("tile/{level}/{index}") };
                let tile = Tile::in_tree(level, index, size).ok_or_else(missing)?;
                let expanded = self.tile(tile).await?;
                Ok::<_, NodeError>((tile, expanded, places))
            })
            .buffer_unordered(AT_ONCE);
        while let Some((tile, expanded, places)) = reading.try_next().await? {
            for place in places {
                let node = expanded.node(place.level, place.offset);
                hashes[place.position] =
                    node.ok_or_else(|| NodeError::Missing { path: tile.path() })?;
            }
        }
        Ok(hashes)
    }

    async fn tile(&self, tile: Tile) -> Result<Arc<Expanded>, NodeError> {
        if let Some(kept) = self.lock().get(&tile) {
            return Ok(Arc::clone(kept));
        }
        let bytes = read_hashes(self.tiles.as_ref(), tile).await?;
        let missing = || NodeError::Missing { path: tile.path() };
        let bytes = bytes.ok_or_else(missing)?;
        let hashes = tile.read(&bytes).map_err(|_| missing())?;
        let expanded = Arc::new(Expanded::new(hashes));
        self.lock().insert(tile, Arc::clone(&expanded));
        Ok(expanded)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, LruCache<Tile, Arc<Expanded>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Pass<'a> {
    First(&'a Wanted),
    Second(&'a Given),
}

#[derive(Clone, Copy)]
struct Place {
    position: usize,
    level: u8,
    offset: usize,
}

/// The bytes of a tile. Where a partial one was cleared away, or was never written since nothing was
/// published with its size, the beginning of the full one is the same.
async fn read_hashes(tiles: &dyn TileStore, tile: Tile) -> Result<Option<Bytes>, TileError> {
    let path =
        TilePath { kind: Kind::Hashes(tile.level()), index: tile.index(), width: tile.width() };
    if let Some(bytes) = tiles.read(path).await? {
        return Ok(Some(bytes.into()));
    }
    if path.width == FULL {
        return Ok(None);
    }
    let full = tiles.read(path.full()).await?;
    Ok(full.filter(|it| it.len() >= tile.byte_length()).map(|mut it| {
        it.truncate(tile.byte_length());
        it.into()
    }))
}
