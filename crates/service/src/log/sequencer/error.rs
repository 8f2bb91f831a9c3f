//! Why no checkpoint was made.

use countermark_tlog::checkpoint::CheckpointError;
use countermark_tlog::hash::Hash;
use countermark_tlog::note::NoteError;
use countermark_trust::Class;

use crate::log::store::StoreError;
use crate::log::tiles::TileError;

/// Why the sequencer stopped before it published. Nothing was signed that is not committed.
#[derive(Debug, thiserror::Error)]
pub enum SequencerError {
    /// The database.
    #[error("the records of the log: {0}")]
    Store(#[from] StoreError),
    /// The public files.
    #[error("the tiles of the log: {0}")]
    Tiles(#[from] TileError),
    /// The records give another root than the one that was committed for their number.
    #[error("{size} records have the root {found}, expected {expected} as it was committed")]
    Diverged {
        /// How many records.
        size: u64,
        /// What was committed or published.
        expected: Hash,
        /// What follows from the records.
        found: Hash,
    },
    /// What was published has more entries than the database: an old copy of the database was put back.
    #[error(
        "a checkpoint of {published} entries was published, but only {found} are in the database"
    )]
    Behind {
        /// The size that was published.
        published: u64,
        /// How many there are.
        found: u64,
    },
    /// The checkpoint beside the tiles is another log's, or signed by another key.
    #[error("the checkpoint beside the tiles is not of this log: {0}")]
    OtherCheckpoint(CheckpointError),
    /// A checkpoint cannot be written.
    #[error("a checkpoint cannot be made: {0}")]
    Checkpoint(CheckpointError),
    /// The keys cannot sign.
    #[error("a checkpoint cannot be signed: {0}")]
    Sign(NoteError),
    /// The thread that hashes stopped.
    #[error("the thread that hashes records stopped: {reason}")]
    Stopped {
        /// Why.
        reason: String,
    },
}

impl SequencerError {
    /// Who is at fault, and so the exit code.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Store(error) => error.class(),
            Self::Tiles(error) => error.class(),
            Self::Diverged { .. } | Self::Behind { .. } => Class::Rejected,
            Self::OtherCheckpoint(_) | Self::Checkpoint(_) | Self::Sign(_) => Class::Usage,
            Self::Stopped { .. } => Class::Unavailable,
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Tiles(TileError::Full { .. }) => {
                Some("free some space; nothing that was acknowledged was lost")
            }
            Self::Diverged { .. } => {
                Some("nothing is signed any more; run `countermark log fsck` and put a copy back")
            }
            Self::Behind { .. } => Some(
                "going on would fork the log; put the newer database back, or begin a log with another origin",
            ),
            Self::OtherCheckpoint(_) => {
                Some("look whether the folder of the tiles and the key belong to this log")
            }
            Self::Tiles(_) | Self::Checkpoint(_) | Self::Sign(_) | Self::Stopped { .. } => None,
        }
    }

    /// Whether somebody else leads now; then nothing is wrong.
    #[must_use]
    pub fn is_overtaken(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_overtaken())
    }
}
