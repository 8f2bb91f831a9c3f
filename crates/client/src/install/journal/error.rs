//! Why an environment could not be changed.

use std::io;
use std::path::PathBuf;

use countermark_trust::Class;

/// Why an environment could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file system said no; everything is as it was before.
    #[error("cannot {action} `{path}`")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Undoing failed too. The journal stays; the next run tries again.
    #[error("an interrupted change of `{root}` could not be undone")]
    Stuck {
        /// The environment.
        root: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A journal that this version cannot read. Journals get their name when they are on the disk
    /// as a whole, so this is none of an interrupted run of this version.
    #[error("`{path}` is not a journal of this version")]
    Unreadable {
        /// The journal.
        path: PathBuf,
    },
    /// The folder of a change that somebody else may have made.
    #[error("`{path}` is not to be trusted: {reason}")]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The user said stop; everything is as it was before.
    #[error("interrupted")]
    Interrupted,
}

impl JournalError {
    /// None of them says anything about the packages.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Io { .. }
            | Self::Stuck { .. }
            | Self::Unreadable { .. }
            | Self::Foreign { .. }
            | Self::Interrupted => Class::Unavailable,
        }
    }

    /// The stable name of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => "disk-full",
            Self::Io { .. } => "environment-io",
            Self::Stuck { .. } => "undo-failed",
            Self::Unreadable { .. } => "journal-unreadable",
            Self::Foreign { .. } => "foreign-journal",
            Self::Interrupted => "interrupted",
        }
    }

    /// What to do about it, where that is not plain from the message.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Io { .. } | Self::Interrupted => None,
            Self::Stuck { .. } => Some(
                "free the disk, or repair the permissions of what is named, and run again: it goes \
                 on where it stopped; `.countermark/old` has the files that were moved out",
            ),
            Self::Unreadable { .. } => Some(
                "the disk may be damaged, or another version wrote it: look at what is in \
                 `.countermark/old`, which are files that were moved out, check the environment \
                 with `countermark verify`, then remove `.countermark` by hand",
            ),
            Self::Foreign { .. } => Some(
                "find out who made it; if it is of no use, remove it by hand and check the \
                 environment with `countermark verify`",
            ),
        }
    }
}

pub(super) fn failed(
    action: &'static str,
    path: impl Into<PathBuf>,
) -> impl FnOnce(io::Error) -> JournalError {
    let path = path.into();
    move |source| JournalError::Io { action, path, source }
}
