//! What a distribution contains, for `trust::change`, and the difference of two as a patch.
//!
//! Reads wheels and source distributions of which the caller has verified the bytes. Nothing is run
//! and nothing is written to disk; every read is bounded by the limits of `unpack` and `inside`, and
//! what is kept in memory by those below. The archive is hostile: names that readers take
//! differently are refused by the readers of archives, and nothing in it decides where anything goes.

mod diff;
mod fetch;
mod lines;
mod read;
pub mod reading;
#[cfg(test)]
mod tests;

use std::io;

use countermark_packaging::metadata::MetadataError;
use countermark_trust::Class;

pub use diff::{Danger, FileDiff, FileMove, diff, patch_of};
pub use fetch::{Fetched, fetch};
pub use lines::{count_changed_lines, count_lines};
pub use read::{Distribution, read_contents};

use crate::inside::InsideError;
use crate::unpack::UnpackError;

/// Why the contents of a distribution cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum ContentsError {
    /// It could not be read.
    #[error("`{filename}` cannot be read")]
    Read {
        /// The archive.
        filename: String,
        /// The system's answer.
        source: io::Error,
    },
    /// It is neither a wheel nor a source distribution that can be read.
    #[error("`{filename}` is neither a wheel nor a source distribution in a .tar.gz or .zip")]
    Unknown {
        /// The archive.
        filename: String,
    },
    /// A ZIP archive that is not sound.
    #[error("`{filename}` is not a sound archive: {source}")]
    Zip {
        /// The archive.
        filename: String,
        /// Why.
        source: Box<UnpackError>,
    },
    /// A compressed tar archive that is not sound.
    #[error(transparent)]
    Tar(Box<InsideError>),
    /// Two of its files cannot be told apart.
    #[error("`{filename}` has `{path}` twice")]
    Twice {
        /// The archive.
        filename: String,
        /// The file.
        path: String,
    },
    /// Its metadata cannot be read.
    #[error("the metadata of `{filename}` cannot be read: {source}")]
    Metadata {
        /// The archive.
        filename: String,
        /// Why.
        source: Box<MetadataError>,
    },
    /// It has no metadata.
    #[error("`{filename}` has no {expected}")]
    NoMetadata {
        /// The archive.
        filename: String,
        /// `METADATA` or `PKG-INFO`.
        expected: &'static str,
    },
}

impl ContentsError {
    /// Whose fault it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Read { .. } => Class::Unavailable,
            Self::Unknown { .. } => Class::Usage,
            Self::Zip { source, .. } => source.class(),
            Self::Tar(error) => error.class(),
            Self::Twice { .. } | Self::Metadata { .. } | Self::NoMetadata { .. } => Class::Rejected,
        }
    }

    /// The stable name of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "contents-unreadable",
            Self::Unknown { .. } => "contents-unknown",
            Self::Zip { source, .. } => source.code(),
            Self::Tar(error) => error.code(),
            Self::Twice { .. } => "contents-twice",
            Self::Metadata { .. } => "contents-metadata",
            Self::NoMetadata { .. } => "contents-no-metadata",
        }
    }
}
