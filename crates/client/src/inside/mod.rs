//! What an artifact says about itself: name, version, and the commit that it was built from.
//!
//! Reads the digest of the bytes and, of wheels, eggs and source distributions, the few small files
//! that tell: `METADATA` or `PKG-INFO`, `pbr.json`, `direct_url.json`. Nothing is run, and nothing is
//! written to disk. Trusts nothing: an artifact may be a bomb, and may say several things at once;
//! what readers could understand differently is a fault, and no fact.
//!
//! What is said is a claim of whoever built the file. It can be forged, so one that agrees with the
//! records proves nothing, and one that disagrees has to be explained.

mod archive;
mod fetch;
mod folder;
mod requires;
mod says;
pub(crate) mod sdist;
#[cfg(test)]
mod tests;

use std::io;

use countermark_audit::fact::{FileKind, Inside};
use countermark_packaging::digest::Sha256;
use countermark_trust::Class;
use sha2::Digest as _;

pub use fetch::{InspectError, Inspected, Wanted, inspect, inspect_project};
pub use folder::{Attached, attach, attach_inspected};
pub use requires::{Requiring, read_listed_metadata, read_requiring};

use crate::unpack::{ReadAt, UnpackError};

/// Bytes of one artifact that are hashed; no file of an index has more.
const MAX_BYTES: u64 = 16 << 30;

/// Bytes that are read at once.
const SLICE: usize = 256 << 10;

/// Bytes of one of the small files.
const MAX_SAYING: u64 = 4 << 20;

/// What was seen of one artifact.
#[derive(Debug)]
pub struct Look {
    /// What it says. The digest is always there.
    pub inside: Inside,
    /// Why not everything could be read, or what contradicts itself.
    pub fault: Option<InsideError>,
}

/// Why an artifact does not say what it is.
#[derive(Debug, thiserror::Error)]
pub enum InsideError {
    /// It could not be read.
    #[error("`{filename}` cannot be read")]
    Read {
        /// The artifact.
        filename: String,
        /// The system's answer.
        source: io::Error,
    },
    /// Larger than any artifact.
    #[error("`{filename}` has more than {limit} bytes")]
    TooLarge {
        /// The artifact.
        filename: String,
        /// Bytes that are read.
        limit: u64,
    },
    /// A ZIP archive that is not sound.
    #[error("`{filename}` is not a sound archive: {source}")]
    Zip {
        /// The artifact.
        filename: String,
        /// Why.
        source: UnpackError,
    },
    /// A compressed tar archive that is not sound.
    #[error("`{filename}` is not a sound archive: {reason}")]
    Tar {
        /// The artifact.
        filename: String,
        /// Why.
        reason: String,
    },
    /// It unpacks to more, or has more in it, than any artifact.
    #[error("`{filename}` has more than {limit} {what}")]
    Limit {
        /// The artifact.
        filename: String,
        /// Of what.
        what: &'static str,
        /// How many are read.
        limit: u64,
    },
    /// It does not say who it is where such artifacts do.
    #[error("`{filename}` has no `{expected}`")]
    Silent {
        /// The artifact.
        filename: String,
        /// What is missing.
        expected: &'static str,
    },
    /// It says two things.
    #[error("`{filename}` contradicts itself: {reason}")]
    Contradiction {
        /// The artifact.
        filename: String,
        /// How.
        reason: String,
    },
    /// One of its small files cannot be read.
    #[error("`{path}` in `{filename}` cannot be read: {reason}")]
    Saying {
        /// The artifact.
        filename: String,
        /// The file in it.
        path: String,
        /// Why.
        reason: String,
    },
}

impl InsideError {
    /// The name of the fault, unique and never reused.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "inside-unreadable",
            Self::TooLarge { .. } => "inside-too-large",
            Self::Zip { .. } | Self::Tar { .. } => "inside-not-an-archive",
            Self::Limit { .. } => "inside-limit",
            Self::Silent { .. } => "inside-silent",
            Self::Contradiction { .. } => "inside-contradiction",
            Self::Saying { .. } => "inside-malformed",
        }
    }

    /// Rejected for everything that the artifact is to blame for.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Read { .. } => Class::Unavailable,
            Self::TooLarge { .. }
            | Self::Zip { .. }
            | Self::Tar { .. }
            | Self::Limit { .. }
            | Self::Silent { .. }
            | Self::Contradiction { .. }
            | Self::Saying { .. } => Class::Rejected,
        }
    }
}

/// Looks into an artifact, which is of the kind that its name says. Kinds that are not known are only
/// hashed.
///
/// # Errors
/// Only when the bytes cannot be read to their end; other faults are in the answer, with the digest.
pub fn look_inside(archive: &dyn ReadAt, filename: &str) -> Result<Look, InsideError> {
    let sha256 = digest(archive, filename)?;
    let mut inside = Inside { sha256: Some(sha256), ..Inside::default() };
    let lower = filename.to_ascii_lowercase();
    let said = match FileKind::of(filename) {
        FileKind::Wheel => archive::read_wheel(archive, filename),
        FileKind::Sdist if lower.ends_with(".zip") => archive::read_zip_sdist(archive, filename),
        FileKind::Sdist if lower.ends_with(".tar.gz") || lower.ends_with(".tgz") => {
            sdist::read_tar(archive, filename, sdist::is_wanted)
                .and_then(|found| sdist::choose(filename, found))
        }
        FileKind::Other if lower.ends_with(".egg") => archive::read_egg(archive, filename),
        FileKind::Sdist | FileKind::Other => return Ok(Look { inside, fault: None }),
    };
    let fault = match said.and_then(|said| says::read(filename, &said, &mut inside)) {
        Ok(()) => None,
        Err(error @ InsideError::Read { .. }) => return Err(error),
        Err(fault) => Some(fault),
    };
    Ok(Look { inside, fault })
}

fn digest(archive: &dyn ReadAt, filename: &str) -> Result<Sha256, InsideError> {
    let unreadable = |source| InsideError::Read { filename: filename.to_owned(), source };
    let size = archive.size().map_err(unreadable)?;
    if size > MAX_BYTES {
        return Err(InsideError::TooLarge { filename: filename.to_owned(), limit: MAX_BYTES });
    }
    let mut hasher = sha2::Sha256::new();
    let mut buffer = vec![0; SLICE];
    let mut position = 0;
    while position < size {
        let count = SLICE.min(usize::try_from(size - position).unwrap_or(SLICE));
        archive.read_at(position, &mut buffer[..count]).map_err(unreadable)?;
        hasher.update(&buffer[..count]);
        position += count as u64;
    }
    Ok(Sha256(hasher.finalize().into()))
}
