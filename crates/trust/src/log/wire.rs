//! What travels between a log and its clients: look-ups and their answers, batches of records and
//! their receipts, and what a log says about itself.
//!
//! Decides only the form: counts and lengths are bounded, names and digests are read into their types,
//! no field is missing, unknown or there twice. Nothing here is verified: an answer that can be read
//! is not yet one that is true ([`super::lookup`] decides that). Both sides use the same types, so that
//! what one writes the other reads.
//!
//! The documents are JSON with a `version` that is 1; the batch is a text that the observer signs as a
//! [note](https://c2sp.org/signed-note). The forms are frozen.

mod answer;
mod append;
mod description;
mod request;

pub use answer::{Entry, LookupAnswer, MAXIMUM_ANSWER};
pub use append::{
    Batch, MAXIMUM_BATCH, MAXIMUM_BATCH_RECORDS, MAXIMUM_RECEIPTS, Receipt, Receipts, Status,
};
pub use description::{Description, MAXIMUM_DESCRIPTION};
pub use request::{
    LookupRequest, MAXIMUM_NAMES, MAXIMUM_RELEASES, MAXIMUM_REQUEST, Release, release_of,
};

use crate::Class;
use crate::log::record::{FileError, RecordError};

/// The version of every document.
const VERSION: u32 = 1;

/// Why bytes are not what they should be.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// No bytes.
    #[error("{what} is empty")]
    Empty {
        /// What was read.
        what: &'static str,
    },
    /// Too many bytes.
    #[error("{what} has at most {maximum} bytes, found {found}")]
    TooLarge {
        /// What was read.
        what: &'static str,
        /// The most that is read.
        maximum: usize,
        /// The number of bytes.
        found: usize,
    },
    /// Too many of something.
    #[error("{what} has at most {maximum} {of}, found {found}")]
    TooMany {
        /// What was read.
        what: &'static str,
        /// Of which there are too many.
        of: &'static str,
        /// The most that are read.
        maximum: usize,
        /// Their number.
        found: usize,
    },
    /// Not the document.
    #[error("{what} cannot be read: {source}")]
    Json {
        /// What was read.
        what: &'static str,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A version of the document that is not known.
    #[error("{what} has version {found}, expected {VERSION}")]
    Version {
        /// What was read.
        what: &'static str,
        /// The version found.
        found: u32,
    },
    /// A value that is not what its field has.
    #[error("`{field}` of {what} is none: `{found}`")]
    Value {
        /// What was read.
        what: &'static str,
        /// The field.
        field: &'static str,
        /// The text found, shortened.
        found: String,
    },
    /// A name of a file that no record has.
    #[error("a look-up asks for a file name that no record can have: {source}")]
    File {
        /// What is wrong with the name.
        source: FileError,
    },
    /// Something that is there a second time.
    #[error("{what} names `{found}` twice")]
    Twice {
        /// What was read.
        what: &'static str,
        /// The text found.
        found: String,
    },
    /// Records of an answer that are not in the order of the log.
    #[error("the records of an answer are in ascending order, found {found} after {before}")]
    Order {
        /// The number of an entry.
        before: u64,
        /// The number that follows it.
        found: u64,
    },
    /// A line of a batch.
    #[error("expected the line `{expected}` in a batch of records")]
    Line {
        /// The line that was expected.
        expected: &'static str,
    },
    /// A batch with another number of records than it says.
    #[error("the batch of records says {said} records, found {found}")]
    Count {
        /// The number in its third line.
        said: usize,
        /// The number of records.
        found: usize,
    },
    /// A record of a batch.
    #[error("record {number} of the batch: {source}")]
    Record {
        /// Counted from one.
        number: usize,
        /// What is wrong with it.
        source: RecordError,
    },
}

impl WireError {
    /// A document of the other side cannot be used; nothing is decided by that.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Empty { .. }
            | Self::TooLarge { .. }
            | Self::TooMany { .. }
            | Self::Json { .. }
            | Self::Version { .. }
            | Self::Value { .. }
            | Self::File { .. }
            | Self::Twice { .. }
            | Self::Order { .. }
            | Self::Line { .. }
            | Self::Count { .. }
            | Self::Record { .. } => Class::Rejected,
        }
    }
}

/// Reads a document of JSON that has at most so many bytes.
fn read_json<'a, T: serde::Deserialize<'a>>(
    what: &'static str,
    bytes: &'a [u8],
    maximum: usize,
) -> Result<T, WireError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(WireError::Empty { what });
    }
    if bytes.len() > maximum {
        return Err(WireError::TooLarge { what, maximum, found: bytes.len() });
    }
    serde_json::from_slice(bytes).map_err(|source| WireError::Json { what, source })
}

/// Writes a document whose parts are texts and numbers.
fn write_json(document: &impl serde::Serialize) -> Vec<u8> {
    // Structures of texts, numbers and lists have no key that is not a text and no failing writer, so
    // that there is nothing that could go wrong; an empty document would be refused by the reader.
    serde_json::to_vec(document).unwrap_or_default()
}

fn check_count(
    what: &'static str,
    of: &'static str,
    maximum: usize,
    found: usize,
) -> Result<(), WireError> {
    if found > maximum {
        return Err(WireError::TooMany { what, of, maximum, found });
    }
    Ok(())
}

fn check_version(what: &'static str, found: u32) -> Result<(), WireError> {
    if found == VERSION { Ok(()) } else { Err(WireError::Version { what, found }) }
}

#[cfg(test)]
mod tests;
