//! Where the public files of a log are: tiles of hashes, bundles of entries, the checkpoint.
//!
//! Everything but the checkpoint is immutable: whoever writes a path writes the same bytes, so writing
//! again repairs and never harms. The checkpoint is replaced, and never by an older one, whoever is late.
//! What is here can be lost and rendered again from the records; nothing here is believed when it is read
//! back, it is compared with a root (`sequencer`, `fsck`).
//!
//! Paths: [tlog-tiles](https://c2sp.org/tlog-tiles), "APIs".

mod directory;

use std::fmt;
use std::fmt::Debug;

use async_trait::async_trait;
use countermark_trust::Class;

pub use directory::DirectoryTiles;

/// How many hashes or entries a full tile has.
pub const FULL: u16 = 256;
/// The most bytes of one object that is read: 256 entries of 65,535 bytes with their lengths.
pub const MAXIMUM_OBJECT: usize = 256 * (65_535 + 2);
/// The most bytes of a checkpoint that is read, with signatures.
pub const MAXIMUM_CHECKPOINT: usize = 64 * 1024;
/// The name of the object that changes.
pub const CHECKPOINT: &str = "checkpoint";

/// What a tile is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Hashes of this level, 0 to 63.
    Hashes(u8),
    /// Entries.
    Entries,
}

/// The path of a tile or a bundle, full or partial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TilePath {
    /// Of what.
    pub kind: Kind,
    /// Which of its level.
    pub index: u64,
    /// How many hashes or entries it has, 1 to 256.
    pub width: u16,
}

impl TilePath {
    /// The path of the full tile in this place.
    #[must_use]
    pub fn full(self) -> Self {
        Self { width: FULL, ..self }
    }

    /// The folder, without a `/` at the end, in which the partial tiles of this place are.
    #[must_use]
    pub fn partials(self) -> String {
        format!("{}.p", self.full())
    }

    /// Reads what [`fmt::Display`] writes, and nothing that would be written otherwise.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("tile/")?;
        let (kind, rest) = rest.split_once('/')?;
        let kind = match kind {
            "entries" => Kind::Entries,
            level => Kind::Hashes(level.parse().ok().filter(|level| *level < 64)?),
        };
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => {
                (index, width.parse().ok().filter(|it| (1..FULL).contains(it))?)
            }
            None => (rest, FULL),
        };
        // Seven groups of three digits are more than 64 bits hold.
        let groups = index.split('/').take(8);
        let index = groups.fold(String::new(), |all, group| all + group.trim_start_matches('x'));
        let path = Self { kind, index: index.parse().ok()?, width };
        (path.to_string() == text).then_some(path)
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Hashes(level) => write!(formatter, "tile/{level}/")?,
            Kind::Entries => formatter.write_str("tile/entries/")?,
        }
        let mut divisor = 1_u64;
        while self.index / divisor >= 1000 {
            divisor *= 1000;
        }
        while divisor > 1 {
            write!(formatter, "x{:03}/", self.index / divisor % 1000)?;
            divisor /= 1000;
        }
        write!(formatter, "{:03}", self.index % 1000)?;
        if self.width < FULL { write!(formatter, ".p/{}", self.width) } else { Ok(()) }
    }
}

/// For how long others may keep a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cache {
    /// It never changes: tiles and bundles.
    Immutable,
    /// A few seconds: the checkpoint.
    Short,
}

impl Cache {
    /// The value of the header `Cache-Control`.
    #[must_use]
    pub const fn header(self) -> &'static str {
        match self {
            Self::Immutable => "public, max-age=31536000, immutable",
            Self::Short => "public, max-age=2, must-revalidate",
        }
    }
}

/// A child of a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Child {
    /// A folder, by its name.
    Folder(String),
    /// An object, by its name.
    Object(String),
}

/// What orders checkpoints: by size, then by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// How many entries.
    pub size: u64,
    /// The time in it, in seconds since 1970.
    pub time: i64,
}

/// The public files of one log. All methods may be called from many tasks and processes at once.
#[async_trait]
pub trait TileStore: Debug + Send + Sync {
    /// Writes tiles; all of them are durable when it returns. A reader sees each whole or not at all.
    ///
    /// # Errors
    /// Then any of them may be there; writing all again is right.
    async fn put(&self, tiles: Vec<(TilePath, Vec<u8>)>) -> Result<(), TileError>;

    /// Reads one, `None` if it is not there.
    ///
    /// # Errors
    /// Also when it has more than [`MAXIMUM_OBJECT`] bytes.
    async fn read(&self, path: TilePath) -> Result<Option<Vec<u8>>, TileError>;

    /// Replaces the checkpoint, unless the one that is there has a higher rank (as far as [`rank_of`] can
    /// read it). Whether it did. Two that do this at once leave the higher one.
    ///
    /// # Errors
    /// See [`TileError`].
    async fn put_checkpoint(&self, rank: Rank, note: &str) -> Result<bool, TileError>;

    /// The checkpoint, `None` if there is none.
    ///
    /// # Errors
    /// Also when it has more than [`MAXIMUM_CHECKPOINT`] bytes.
    async fn read_checkpoint(&self) -> Result<Option<String>, TileError>;

    /// Removes tiles; one that is not there is none the less removed.
    ///
    /// # Errors
    /// See [`TileError`].
    async fn remove(&self, paths: &[TilePath]) -> Result<(), TileError>;

    /// The children of a folder, such as `tile/0/x001`, in order; none if there is no such folder.
    ///
    /// # Errors
    /// See [`TileError`].
    async fn list(&self, folder: &str) -> Result<Vec<Child>, TileError>;

    /// Whether it can be written now; for readiness.
    ///
    /// # Errors
    /// Why not.
    async fn probe(&self) -> Result<(), TileError>;
}

/// The rank of a checkpoint by its own lines, without a look at signatures: the second line is the size,
/// and the time is in the extension line `time`.
#[must_use]
pub fn rank_of(note: &str) -> Option<Rank> {
    let text = note.split("\n\n").next()?;
    let size = text.lines().nth(1)?.parse().ok()?;
    let mut extensions = text.lines().skip(3);
    let time = extensions.find_map(|line| line.strip_prefix("time ")?.parse().ok()).unwrap_or(0);
    Some(Rank { size, time })
}

/// Why an object was not written or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// There is no room.
    #[error("there is no room for `{path}`")]
    Full {
        /// Which object.
        path: String,
    },
    /// The file system or the object store says no.
    #[error("`{path}` cannot be read or written: {reason}")]
    Refused {
        /// Which object.
        path: String,
        /// What it said.
        reason: String,
    },
    /// The object store cannot be reached.
    #[error("the object store cannot be reached: {reason}")]
    Unreachable {
        /// From the connection.
        reason: String,
    },
    /// More bytes than any object of a log has.
    #[error("`{path}` has more than {limit} bytes")]
    TooLarge {
        /// Which object.
        path: String,
        /// The limit.
        limit: usize,
    },
    /// A name that is none of a log's.
    #[error("`{path}` is no path of a log")]
    Path {
        /// The name.
        path: String,
    },
}

impl TileError {
    /// Who is at fault, and so the exit code.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Path { .. } => Class::Usage,
            Self::Full { .. }
            | Self::Refused { .. }
            | Self::Unreachable { .. }
            | Self::TooLarge { .. } => Class::Unavailable,
        }
    }
}

#[cfg(test)]
mod tests;
