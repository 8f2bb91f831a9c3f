//! Where official records come from: one module for each kind of source, behind one trait.
//!
//! A source reads through [`Documents`] and fills [`Records`]. What cannot be read is put into
//! [`Records::problems`] with its place, and the rest is read; an error is for a source of which
//! nothing can be used.

pub mod artifact_host;
pub mod checksums;
mod collected;
pub mod forge;
pub mod git_tags;
mod lines;
#[cfg(test)]
mod memory;
mod names;
pub mod open;
pub mod openpgp;
pub mod openstack;
pub mod removed;
mod setup;
pub mod table;

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use countermark_trust::Class;
use jiff::Timestamp;

use crate::record::{Records, Signature};

/// A kind of official records.
pub trait Source {
    /// For people: `the releases tree at ../releases`.
    fn describe(&self) -> String;

    /// Adds what the source knows.
    ///
    /// # Errors
    /// When nothing of it can be used; [`Records::problems`] is for parts.
    fn read(&self, documents: &dyn Documents, records: &mut Records) -> Result<(), SourceError>;
}

/// The effects that sources need, over a folder, a git checkout or a host. Paths are relative to its
/// root, with `/`, and never leave it.
pub trait Documents: Sync {
    /// For people, without a password: the folder or the URL.
    fn root(&self) -> &str;

    /// All files below a folder whose names end in `ending`, sorted. A folder that is not there has
    /// none.
    ///
    /// # Errors
    /// When the folder cannot be read, or holds too much.
    fn list(&self, folder: &str, ending: &str) -> Result<Vec<String>, SourceError>;

    /// The bytes of a file; `None` when it is not there.
    ///
    /// # Errors
    /// When it cannot be read, or has more than `limit` bytes.
    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, SourceError>;

    /// The bytes of a file one after the other, for what need not be in memory at once; `None` when
    /// it is not there. Reading fails beyond `limit` bytes.
    ///
    /// # Errors
    /// When it cannot be read.
    fn open(&self, path: &str, limit: u64) -> Result<Option<Box<dyn Read + '_>>, SourceError> {
        let bytes = self.read(path, limit)?;
        Ok(bytes.map(|bytes| Box::new(Cursor::new(bytes)) as Box<dyn Read>))
    }

    /// The git clones in the folders below the root, each with its path below it, sorted.
    ///
    /// # Errors
    /// When the folders cannot be read.
    fn clones(&self) -> Result<Clones<'_>, SourceError> {
        Ok(Vec::new())
    }

    /// Every version of every file below a folder, oldest first; `None` without a history.
    ///
    /// # Errors
    /// When there is a history and it cannot be read.
    fn history(&self, folder: &str) -> Result<Option<Vec<HistoryEntry>>, SourceError> {
        let _ = folder;
        Ok(None)
    }

    /// The bytes of past versions, by their content's name in [`HistoryEntry::content`], in the
    /// order asked for; given one after the other to `each`.
    ///
    /// # Errors
    /// When one of them cannot be read.
    fn read_past(
        &self,
        contents: &[String],
        each: &mut dyn FnMut(usize, &[u8]),
    ) -> Result<(), SourceError> {
        let _ = (contents, each);
        Ok(())
    }

    /// The tags of a git repository; `None` when it is none.
    ///
    /// # Errors
    /// When it is one and they cannot be read.
    fn tags(&self) -> Result<Option<Vec<Tag>>, SourceError> {
        Ok(None)
    }

    /// The commit that is checked out and its time; `None` without a history.
    ///
    /// # Errors
    /// When there is one and it cannot be read.
    fn head(&self) -> Result<Option<(String, Timestamp)>, SourceError> {
        Ok(None)
    }

    /// What readers of a report should know about these documents, a sentence each: a history that
    /// is cut off.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }

    /// Something that was derived from a content before, by the content's digest and the form of
    /// what was derived. A cache: nothing of it has to be there.
    fn remembered(&self, form: &str) -> BTreeMap<[u8; 32], Vec<u8>> {
        let _ = form;
        BTreeMap::new()
    }

    /// Keeps what was derived for the next run, in place of everything of this form.
    fn remember(&self, form: &str, derived: &BTreeMap<[u8; 32], Vec<u8>>) {
        let _ = (form, derived);
    }
}

/// Git clones below a folder, each with its path there.
pub type Clones<'a> = Vec<(String, Box<dyn Documents + 'a>)>;

/// One version of one file in a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The commit.
    pub commit: String,
    /// When it came to the main branch.
    pub time: Timestamp,
    /// Which file.
    pub path: String,
    /// The name of its content from then on; `None` when it was removed.
    pub content: Option<String>,
}

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Without `refs/tags/`.
    pub name: String,
    /// The commit that it leads to, hexadecimal.
    pub commit: String,
    /// When the tag was made; for a lightweight one, the commit's time.
    pub time: Option<Timestamp>,
    /// With an OpenPGP, SSH or X.509 signature.
    pub signed: bool,
    /// The first lines of its message, at most 4 KiB.
    pub message: String,
}

/// Judges signatures beside files; built without OpenPGP there is none that can.
pub trait SignatureJudge: Sync {
    /// Verifies a detached signature over a file.
    ///
    /// `at` is when the release was made, as far as it is known: a key counts for the dates in which
    /// it was valid.
    fn judge(&self, file: &[u8], signature: &[u8], at: Option<Timestamp>) -> Signature;

    /// Verifies a clear-signed text and gives what was signed.
    ///
    /// # Errors
    /// With the reason, when it is not good or cannot be checked.
    fn open_cleartext(&self, text: &[u8], at: Option<Timestamp>) -> Result<Vec<u8>, Signature>;
}

/// Why nothing of a source can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// It is not there, or not what it was said to be.
    #[error("{what} is not {expected}")]
    NotThis {
        /// Which source.
        what: String,
        /// What was expected.
        expected: String,
    },
    /// A setting is missing or cannot be used.
    #[error("the setting `{setting}` of {what}: {reason}")]
    Setting {
        /// Which source.
        what: String,
        /// Which setting.
        setting: String,
        /// Why.
        reason: String,
    },
    /// It cannot be read.
    #[error("could not read {what}: {reason}")]
    Unreadable {
        /// A path or URL.
        what: String,
        /// Why.
        reason: String,
    },
    /// It is larger than what is read.
    #[error("{what} has more than {limit} {unit}")]
    TooLarge {
        /// A path or URL.
        what: String,
        /// The limit.
        limit: u64,
        /// Of what: `bytes`, `files`.
        unit: &'static str,
    },
}

impl SourceError {
    /// Who is at fault.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::NotThis { .. } | Self::Setting { .. } => Class::Usage,
            Self::Unreadable { .. } | Self::TooLarge { .. } => Class::Unavailable,
        }
    }
}
