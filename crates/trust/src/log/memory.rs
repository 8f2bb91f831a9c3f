//! What was seen of a log last: its checkpoint, as the signed text.
//!
//! It is what makes a second view of a log visible, so it is kept for each log and never taken back. It
//! comes from this machine's own state and is trusted for having been verified when it was written; its
//! signatures are kept with it, because only they convince others.

use countermark_tlog::checkpoint::{Checkpoint, CheckpointError};
use countermark_tlog::hash::Hash;
use countermark_tlog::note::{Note, NoteError};

use crate::Class;

/// Why what is remembered cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// Not a signed text.
    #[error("the checkpoint that is remembered of `{origin}` cannot be read: {source}")]
    Note {
        /// The log.
        origin: String,
        /// What is wrong with it.
        source: NoteError,
    },
    /// Not a checkpoint.
    #[error("the checkpoint that is remembered of `{origin}` cannot be read: {source}")]
    Checkpoint {
        /// The log.
        origin: String,
        /// What is wrong with it.
        source: CheckpointError,
    },
    /// Another log's.
    #[error("what is remembered of `{origin}` is a checkpoint of `{found}`")]
    Origin {
        /// The log.
        origin: String,
        /// The log that it is of.
        found: String,
    },
}

impl MemoryError {
    /// Nothing can be decided without what was seen before.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Note { .. } | Self::Checkpoint { .. } | Self::Origin { .. } => Class::Unavailable,
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        "if the file is damaged, take it away: the next answer is then believed as the first one was"
    }
}

/// The last checkpoint of one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    text: String,
    checkpoint: Checkpoint,
}

impl Seen {
    /// Reads what was remembered of the log with this origin.
    ///
    /// # Errors
    /// [`MemoryError`].
    pub fn parse(origin: &str, bytes: &[u8]) -> Result<Self, MemoryError> {
        let named = || origin.to_owned();
        let note =
            Note::parse(bytes).map_err(|source| MemoryError::Note { origin: named(), source })?;
        let checkpoint = Checkpoint::parse(note.text())
            .map_err(|source| MemoryError::Checkpoint { origin: named(), source })?;
        if checkpoint.origin() != origin {
            let found = checkpoint.origin().to_owned();
            return Err(MemoryError::Origin { origin: named(), found });
        }
        Ok(Self { text: note.to_text(), checkpoint })
    }

    /// A checkpoint that was just verified.
    pub(super) fn new(note: &Note, checkpoint: &Checkpoint) -> Self {
        Self { text: note.to_text(), checkpoint: checkpoint.clone() }
    }

    /// The signed text, to be kept.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The log.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.checkpoint.origin()
    }

    /// How many entries it had.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.checkpoint.size()
    }

    /// The root of its tree.
    #[must_use]
    pub fn root(&self) -> &Hash {
        self.checkpoint.root()
    }

    /// The checkpoint, without its signatures.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }
}
