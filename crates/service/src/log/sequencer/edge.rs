//! The right edge of the public files: everything that the next entry changes.
//!
//! Pure. A tree of any size has at most eight tiles that are not full and one bundle; they are held here,
//! so that appending reads nothing. Full tiles are given out when they are complete, partial ones when a
//! checkpoint is made. The bytes follow from the entries alone, so everybody who renders them writes the
//! same.

use countermark_tlog::frontier::Frontier;
use countermark_tlog::hash::{Hash, leaf_hash, node_hash};
use countermark_tlog::proof::Nodes;
use countermark_tlog::tile::{Bundle, HEIGHT};

use crate::log::tiles::{FULL, Kind, TilePath};

/// A tile or bundle with its bytes.
pub type Rendered = (TilePath, Vec<u8>);

/// Levels of tiles that a tree of 2^63 entries has.
const LEVELS: usize = 8;

/// The right edge of a log of some size.
#[derive(Clone, Debug, Default)]
pub struct Edge {
    frontier: Frontier,
    /// The hashes of the last tile of each level, fewer than 256.
    tiles: [Vec<Hash>; LEVELS],
    /// The bytes of the last bundle, of fewer than 256 entries.
    bundle: Vec<u8>,
}

impl Edge {
    /// How many entries there are.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The root of their tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// Appends an entry and gives out the tiles and the bundle that it completes.
    ///
    /// # Errors
    /// When the entry is longer than a bundle can hold; nothing changed.
    pub fn append(
        &mut self,
        entry: &[u8],
        complete: &mut impl FnMut(Rendered),
    ) -> Result<(), TooLong> {
        let one = Bundle::write([entry]).map_err(|_| TooLong { found: entry.len() })?;
        let index = self.size();
        self.bundle.extend_from_slice(&one);
        let tiles = &mut self.tiles;
        self.frontier.append(leaf_hash(entry), &mut |height, number, hash| {
            let Some(tile) = tiles.get_mut(usize::from(height / HEIGHT)) else { return };
            if !height.is_multiple_of(HEIGHT) {
                return;
            }
            tile.push(hash);
            if tile.len() == usize::from(FULL) {
                let kind = Kind::Hashes(height / HEIGHT);
                let path = TilePath { kind, index: number / u64::from(FULL), width: FULL };
                complete((path, bytes_of(tile)));
                tile.clear();
            }
        });
        if self.size().is_multiple_of(u64::from(FULL)) {
            let bundle = std::mem::take(&mut self.bundle);
            let index = index / u64::from(FULL);
            complete((TilePath { kind: Kind::Entries, index, width: FULL }, bundle));
        }
        Ok(())
    }

    /// The tiles and the bundle that are not full, as a checkpoint of this size needs them.
    #[must_use]
    pub fn partials(&self) -> Vec<Rendered> {
        let mut rendered: Vec<_> = partial_paths(self.size())
            .filter_map(|path| match path.kind {
                Kind::Hashes(level) => Some((path, bytes_of(self.tiles.get(usize::from(level))?))),
                Kind::Entries => None,
            })
            .collect();
        if let Some(path) = partial_bundle(self.size()) {
            rendered.push((path, self.bundle.clone()));
        }
        rendered
    }

    /// An edge from its parts: the hashes of the last tile of each level but the lowest, which follows from
    /// the entries of the last bundle. `None` when they are not as many as the size says. Whoever asks
    /// compares [`Self::root`] with one that is known: the parts may be wrong.
    #[must_use]
    pub fn from_parts(size: u64, upper: &[Vec<Hash>], last: &[Vec<u8>]) -> Option<Self> {
        let mut edge = Self { bundle: Bundle::write(last).ok()?, ..Self::default() };
        edge.tiles[0] = last.iter().map(|entry| leaf_hash(entry)).collect();
        for (to, from) in edge.tiles.iter_mut().skip(1).zip(upper) {
            to.clone_from(from);
        }
        for (level, tile) in edge.tiles.iter().enumerate() {
            if tile.len() as u64 != width(size, u8::try_from(level).ok()?) {
                return None;
            }
        }
        edge.frontier = Frontier::from_nodes(size, &Peaks(&edge.tiles)).ok()?;
        Some(edge)
    }
}

/// The tiles of hashes that are not full in a tree of this size, the lowest first.
pub fn partial_paths(size: u64) -> impl Iterator<Item = TilePath> {
    (0..LEVELS as u8).filter_map(move |level| {
        let width = width(size, level);
        let index = (size >> (u32::from(level) * u32::from(HEIGHT))) / u64::from(FULL);
        // A width is below 256.
        let path = TilePath { kind: Kind::Hashes(level), index, width: width as u16 };
        (width > 0).then_some(path)
    })
}

/// The bundle that is not full in a tree of this size.
#[must_use]
pub fn partial_bundle(size: u64) -> Option<TilePath> {
    let width = (size % u64::from(FULL)) as u16;
    let path = TilePath { kind: Kind::Entries, index: size / u64::from(FULL), width };
    (width > 0).then_some(path)
}

/// How many hashes the last tile of a level has that is not full.
fn width(size: u64, level: u8) -> u64 {
    (size >> (u32::from(level) * u32::from(HEIGHT))) % u64::from(FULL)
}

fn bytes_of(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

/// An entry that no bundle can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an entry of {found} bytes is longer than a bundle can hold")]
pub struct TooLong {
    /// How long it is.
    pub found: usize,
}

/// The roots of the perfect trees that end at the right edge, from the tiles that are not full: a full tile
/// is one hash of the level above, so each such tree lies within one of them.
struct Peaks<'a>(&'a [Vec<Hash>; LEVELS]);

impl Nodes for Peaks<'_> {
    type Error = ();

    fn node(&self, level: u8, index: u64) -> Result<Hash, ()> {
        let tile = self.0.get(usize::from(level / HEIGHT)).ok_or(())?;
        let span = 1 << (level % HEIGHT);
        let first = (index * span) % u64::from(FULL);
        let hashes = tile.get(first as usize..(first + span) as usize).ok_or(())?;
        let mut row = hashes.to_vec();
        while row.len() > 1 {
            row = row.chunks(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
        }
        row.first().copied().ok_or(())
    }
}

#[cfg(test)]
mod tests;
