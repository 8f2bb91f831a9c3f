//! Why facts could not be read at all.

use std::path::PathBuf;

use countermark_audit::fact::snapshot::SnapshotError;
use countermark_trust::Class;

use crate::http::RedactedUrl;

/// Why there is no result. What an index answers, or does not, is no error here.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// A folder or something else that is no index on the network.
    #[error("`{url}` is not an index on the network")]
    NotAnIndex {
        /// What was configured.
        url: RedactedUrl,
    },
    /// The user said stop.
    #[error("stopped before everything was read")]
    Interrupted,
    /// The network cannot be used at all.
    #[error("the network cannot be set up: {reason}")]
    Runtime {
        /// Why.
        reason: String,
    },
    /// The snapshot cannot be written.
    #[error("cannot write `{}`: {source}", path.display())]
    Record {
        /// Where it was to be.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The snapshot cannot be opened.
    #[error("cannot read `{}`: {source}", path.display())]
    Open {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no snapshot.
    #[error("`{}` cannot be replayed: {source}", path.display())]
    Snapshot {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: SnapshotError,
    },
}

impl FactsError {
    /// Who is at fault, and so the exit code.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::NotAnIndex { .. } | Self::Open { .. } => Class::Usage,
            Self::Interrupted | Self::Runtime { .. } | Self::Record { .. } => Class::Unavailable,
            Self::Snapshot { source, .. } => source.class(),
        }
    }

    /// A short name for messages and reports.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAnIndex { .. } => "not-an-index",
            Self::Interrupted => "interrupted",
            Self::Runtime { .. } => "runtime",
            Self::Record { .. } => "cannot-record",
            Self::Open { .. } => "unreadable-snapshot",
            Self::Snapshot { .. } => "bad-snapshot",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotAnIndex { .. } => {
                Some("name the index with `--index-url`, or replay a snapshot with `--replay`")
            }
            Self::Interrupted => Some("run it again: what was read is kept for an hour"),
            Self::Snapshot { .. } => {
                Some("a snapshot is what `--record` wrote; see docs/snapshots.md")
            }
            Self::Runtime { .. } | Self::Record { .. } | Self::Open { .. } => None,
        }
    }
}
