//! The answer when a wheel is not unpacked.

use std::io;

use countermark_trust::Class;

use super::contents::ContentsError;
use super::inflate::DataFault;
use super::path::PathError;
use super::zip::ZipError;

/// Why a wheel is not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// The archive is not one that every reader reads alike.
    #[error(transparent)]
    Zip(#[from] ZipError),
    /// A member's name.
    #[error(transparent)]
    Path(#[from] PathError),
    /// What the files of the wheel say.
    #[error(transparent)]
    Contents(#[from] ContentsError),
    /// The compressed data of a member.
    #[error("`{path}`: {fault}")]
    Data {
        /// The member.
        path: String,
        /// What is wrong with it.
        fault: DataFault,
    },
    /// The archive could not be read.
    #[error("the archive cannot be read")]
    Read(#[source] io::Error),
    /// What was unpacked could not be written.
    #[error("`{path}` cannot be written")]
    Write {
        /// The member.
        path: String,
        /// The sink's answer.
        source: io::Error,
    },
}

impl UnpackError {
    /// The name of the rejection, unique and never reused.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Zip(error) => error.code(),
            Self::Path(error) => error.code(),
            Self::Contents(error) => error.code(),
            Self::Data { fault, .. } => fault.code(),
            Self::Read(_) => "archive-unreadable",
            Self::Write { .. } => "unpack-write",
        }
    }

    /// Rejected for everything that the wheel is to blame for; unavailable when this machine
    /// could not read or write.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Zip(ZipError::Read(_)) | Self::Read(_) | Self::Write { .. } => Class::Unavailable,
            Self::Zip(_) | Self::Path(_) | Self::Contents(_) | Self::Data { .. } => Class::Rejected,
        }
    }

    /// What can be done, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Zip(ZipError::Read(_)) | Self::Read(_) => None,
            Self::Write { .. } => Some("look at the free space and the permissions of the store"),
            Self::Zip(_) | Self::Path(_) | Self::Contents(_) | Self::Data { .. } => Some(
                "the file is the one that was pinned, and it is not a wheel that can be \
                 installed safely; tell its maintainers, and pin another release",
            ),
        }
    }
}
