//! The files of a log: tiles of hashes and bundles of entries, their paths and their bytes.
//!
//! What stands in them proves nothing yet: see [`crate::reader`].
//! Specification: [C2SP tlog-tiles](https://c2sp.org/tlog-tiles), "Merkle Tree" and "Log entries".

use crate::checkpoint::parse_number;
use crate::hash::{EMPTY_ROOT, Hash, node_hash};
use crate::proof::Nodes;

/// How many hashes a full tile has.
pub const WIDTH: u16 = 256;

/// How many levels of the tree a tile spans.
pub const HEIGHT: u8 = 8;

/// The longest entry that a bundle can hold.
pub const MAXIMUM_ENTRY: usize = u16::MAX as usize;

/// How long a bundle can be: the limit for whoever fetches one.
pub const MAXIMUM_BUNDLE: usize = (MAXIMUM_ENTRY + 2) * WIDTH as usize;

/// A tile: `width` hashes of level 8·`level`, from hash number 256·`index`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tile {
    level: u8,
    index: u64,
    width: u16,
}

/// A bundle: `width` entries, from entry number 256·`index`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bundle {
    index: u64,
    width: u16,
}

impl Tile {
    /// The tile with these numbers; nothing for a level above 63, or a width of 0 or above 256.
    #[must_use]
    pub fn new(level: u8, index: u64, width: u16) -> Option<Self> {
        let valid = level < 64 && (1..=WIDTH).contains(&width);
        valid.then_some(Self { level, index, width })
    }

    /// The tile with this level and index as it is in the tree of `size` entries, full or partial.
    #[must_use]
    pub fn in_tree(level: u8, index: u64, size: u64) -> Option<Self> {
        let hashes = size.checked_shr(u32::from(level) * u32::from(HEIGHT))?;
        let rest = hashes.checked_sub(index.checked_mul(u64::from(WIDTH))?)?;
        let width = rest.min(u64::from(WIDTH)) as u16;
        Self::new(level, index, width)
    }

    /// Every tile that the tree of `size` entries has and the tree of `from` entries has not, or not as
    /// wide: what a log writes when it grows. The lowest level first.
    pub fn grown(from: u64, size: u64) -> impl Iterator<Item = Self> {
        (0..HEIGHT).flat_map(move |level| {
            let shift = u32::from(level * HEIGHT);
            let (old, new) = (from >> shift, size >> shift);
            let first = old / u64::from(WIDTH);
            let last = if new > old { new.div_ceil(u64::from(WIDTH)) } else { first };
            (first..last).filter_map(move |index| Self::in_tree(level, index, size))
        })
    }

    /// The level: 0 are the hashes of leaves.
    #[must_use]
    pub fn level(&self) -> u8 {
        self.level
    }

    /// The number of the tile in its level.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes it has.
    #[must_use]
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Whether it has all its hashes: then it never changes its name.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.width == WIDTH
    }

    /// The same tile with all its hashes.
    #[must_use]
    pub fn full(&self) -> Self {
        Self { width: WIDTH, ..*self }
    }

    /// How many bytes it has.
    #[must_use]
    pub fn byte_length(&self) -> usize {
        usize::from(self.width) * Hash::LENGTH
    }

    /// Its path below the log's address: `tile/<level>/<index>[.p/<width>]`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("tile/{}/{}", self.level, index_path(self.index, self.width))
    }

    /// Reads a path; every tile has one spelling.
    pub fn parse(path: &str) -> Result<Self, TileError> {
        let wrong = || TileError::Path { found: path.chars().take(100).collect() };
        let rest = path.strip_prefix("tile/").ok_or_else(wrong)?;
        let (level, rest) = rest.split_once('/').ok_or_else(wrong)?;
        let level = parse_number(level).and_then(|level| u8::try_from(level).ok());
        let (index, width) = parse_index(rest).ok_or_else(wrong)?;
        level.and_then(|level| Self::new(level, index, width)).ok_or_else(wrong)
    }

    /// Its bytes, read from the nodes of a tree.
    pub fn write<N: Nodes>(&self, nodes: &N) -> Result<Vec<u8>, N::Error> {
        let mut bytes = Vec::with_capacity(self.byte_length());
        // No tree has the tiles for which this is more than the numbers hold; its nodes will say so.
        let level = self.level.saturating_mul(HEIGHT);
        for offset in 0..u64::from(self.width) {
            let index = self.index.saturating_mul(u64::from(WIDTH)).saturating_add(offset);
            bytes.extend_from_slice(nodes.node(level, index)?.as_bytes());
        }
        Ok(bytes)
    }

    /// The hashes in a tile's bytes, which have to be as many as its width says.
    pub fn read(&self, bytes: &[u8]) -> Result<Vec<Hash>, TileError> {
        if bytes.len() != self.byte_length() {
            return Err(TileError::Length {
                path: self.path(),
                expected: self.byte_length(),
                found: bytes.len(),
            });
        }
        let (hashes, _) = bytes.as_chunks::<{ Hash::LENGTH }>();
        Ok(hashes.iter().map(|hash| Hash::from_bytes(*hash)).collect())
    }
}

impl Bundle {
    /// The bundle with these numbers; nothing for a width of 0 or above 256.
    #[must_use]
    pub fn new(index: u64, width: u16) -> Option<Self> {
        (1..=WIDTH).contains(&width).then_some(Self { index, width })
    }

    /// The bundle with this index as it is in the tree of `size` entries, full or partial.
    #[must_use]
    pub fn in_tree(index: u64, size: u64) -> Option<Self> {
        Tile::in_tree(0, index, size).map(|tile| Self { index, width: tile.width })
    }

    /// Every bundle that the tree of `size` entries has and the tree of `from` entries has not, or not
    /// as wide.
    pub fn grown(from: u64, size: u64) -> impl Iterator<Item = Self> {
        let width = u64::from(WIDTH);
        let last = if size > from { size.div_ceil(width) } else { 0 };
        (from / width..last).filter_map(move |index| Self::in_tree(index, size))
    }

    /// The number of the bundle.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many entries it has.
    #[must_use]
    pub fn width(&self) -> u16 {
        self.width
    }

    /// The number of its first entry.
    #[must_use]
    pub fn first_entry(&self) -> u64 {
        self.index.saturating_mul(u64::from(WIDTH))
    }

    /// Whether it has all its entries: then it never changes its name.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.width == WIDTH
    }

    /// The same bundle with all its entries.
    #[must_use]
    pub fn full(&self) -> Self {
        Self { width: WIDTH, ..*self }
    }

    /// The tile that has the hashes of its entries.
    #[must_use]
    pub fn tile(&self) -> Tile {
        Tile { level: 0, index: self.index, width: self.width }
    }

    /// Its path below the log's address: `tile/entries/<index>[.p/<width>]`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("tile/entries/{}", index_path(self.index, self.width))
    }

    /// Reads a path; every bundle has one spelling.
    pub fn parse(path: &str) -> Result<Self, TileError> {
        let rest = path.strip_prefix("tile/entries/");
        let (index, width) = rest
            .and_then(parse_index)
            .ok_or_else(|| TileError::Path { found: path.chars().take(100).collect() })?;
        Ok(Self { index, width })
    }

    /// The bytes of a bundle of these entries.
    pub fn write<E: AsRef<[u8]>>(
        entries: impl IntoIterator<Item = E>,
    ) -> Result<Vec<u8>, TileError> {
        let mut bytes = Vec::new();
        for entry in entries {
            let entry = entry.as_ref();
            let length =
                u16::try_from(entry.len()).map_err(|_| TileError::Entry { found: entry.len() })?;
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(entry);
        }
        Ok(bytes)
    }

    /// The entries in a bundle's bytes, which have to be as many as its width says.
    pub fn read<'a>(&self, bytes: &'a [u8]) -> Result<Vec<&'a [u8]>, TileError> {
        let (entries, rest) = self.read_prefix(bytes)?;
        if rest == 0 {
            Ok(entries)
        } else {
            Err(TileError::Surplus { path: self.path(), found: rest })
        }
    }

    /// The same where more entries may follow, and how many bytes they are.
    pub(crate) fn read_prefix<'a>(
        &self,
        bytes: &'a [u8],
    ) -> Result<(Vec<&'a [u8]>, usize), TileError> {
        let mut entries = Vec::with_capacity(usize::from(self.width));
        let mut rest = bytes;
        for _ in 0..self.width {
            let short = || TileError::Short {
                path: self.path(),
                expected: self.width,
                found: entries.len(),
            };
            let (length, after) = rest.split_first_chunk().ok_or_else(short)?;
            let length = usize::from(u16::from_be_bytes(*length));
            let (entry, after) = after.split_at_checked(length).ok_or_else(short)?;
            entries.push(entry);
            rest = after;
        }
        Ok((entries, rest.len()))
    }
}

/// The root over a row of hashes as over leaf hashes.
pub(crate) fn root_of_hashes(hashes: &[Hash]) -> Hash {
    match hashes {
        [] => EMPTY_ROOT,
        [hash] => *hash,
        _ => {
            let (left, right) = hashes.split_at(hashes.len().next_power_of_two() / 2);
            node_hash(&root_of_hashes(left), &root_of_hashes(right))
        }
    }
}

/// `x001/x234/067`, and `.p/<width>` for a partial one.
fn index_path(index: u64, width: u16) -> String {
    let mut path = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    if width < WIDTH { format!("{path}.p/{width}") } else { path }
}

fn parse_index(path: &str) -> Option<(u64, u16)> {
    // The longest: seven groups and a width.
    if path.len() > 40 {
        return None;
    }
    let (index_part, width) = match path.split_once(".p/") {
        Some((index, width)) => {
            (index, parse_number(width).and_then(|width| width.try_into().ok())?)
        }
        None => (path, WIDTH),
    };
    let mut index: u64 = 0;
    for group in index_part.split('/') {
        let digits = group.strip_prefix('x').unwrap_or(group);
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
    }
    // One spelling for each: whatever is written otherwise is no path.
    let partial = width < WIDTH || !path.contains(".p/");
    let valid = width > 0 && partial && index_path(index, width) == path;
    valid.then_some((index, width))
}

/// Why bytes or a path are no tile's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// No path, or another spelling of one.
    #[error("expected the path of a tile, found `{}`", found.escape_debug())]
    Path {
        /// The beginning of what stands there.
        found: String,
    },
    /// Another number of bytes.
    #[error("`{path}` has {found} bytes, expected {expected}")]
    Length {
        /// Which tile.
        path: String,
        /// How many its width needs.
        expected: usize,
        /// How many there were.
        found: usize,
    },
    /// A bundle ends early.
    #[error("`{path}` ends after {found} entries, expected {expected}")]
    Short {
        /// Which bundle.
        path: String,
        /// How many its width says.
        expected: u16,
        /// How many there were.
        found: usize,
    },
    /// A bundle goes on after its last entry.
    #[error("`{path}` has {found} bytes after its last entry")]
    Surplus {
        /// Which bundle.
        path: String,
        /// How many bytes follow.
        found: usize,
    },
    /// An entry that no bundle can hold.
    #[error("an entry has {found} bytes, expected {MAXIMUM_ENTRY} at most")]
    Entry {
        /// How long it is.
        found: usize,
    },
}

#[cfg(test)]
#[path = "tile/tests.rs"]
mod tests;
