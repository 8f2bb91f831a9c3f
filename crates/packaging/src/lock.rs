//! Locks: the lists of what is wanted, by digest.
//!
//! A lock is a folder of requirements files ([`requirements`]) or a `pylock.toml` ([`pylock`]).
//! Both are read into a [`WantedSet`]. A lock is written by people and reviewed by them, so it is
//! trusted for what it says; but what it says must be unmistakable: whatever two readers could
//! take differently is an error, every error names its place, and all of them are reported.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use crate::digest::Digest;
use crate::filename::DistributionFilename;
use crate::marker::Marker;
use crate::name::{ExtraName, ProjectName};
use crate::version::{Version, VersionSpecifiers};

pub mod document;
pub mod pylock;
mod reference;
pub mod requirements;
pub mod source;

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// The file, as the loader (or the caller) calls it.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Bytes of the text that is meant, in the file decoded to UTF-8 and without a byte order
    /// mark (see [`requirements::decode`]). Empty when the place is a point.
    pub span: Range<usize>,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Something in a lock that cannot be used, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct SourceError {
    /// What is wrong, one of [`codes`]; stable, for tests and scripts.
    pub code: &'static str,
    /// What was expected against what was found; lower case, no full stop, no credentials.
    pub message: String,
    /// Where.
    pub place: Place,
    /// What to do about it.
    pub hint: Option<String>,
}

impl SourceError {
    pub(crate) fn new(code: &'static str, message: impl Into<String>, place: Place) -> Self {
        Self { code, message: message.into(), place, hint: None }
    }

    /// With what to do about it.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Whether the lock itself may be good, but a file of it could not be had.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        self.code == codes::FILE_UNAVAILABLE
    }
}

/// The codes of [`SourceError`].
pub mod codes {
    macro_rules! codes {
        ($($(#[$documentation:meta])* $name:ident $code:literal)*) => {
            $($(#[$documentation])* pub const $name: &str = $code;)*

            /// Every code, in the order of this page.
            pub const ALL: &[&str] = &[$($code),*];
        };
    }

    codes! {
        /// A requirements file lists nothing.
        EMPTY "empty"
        /// A file is not there or cannot be read.
        FILE_UNREADABLE "file-unreadable"
        /// A file could not be fetched; it may be there another time.
        FILE_UNAVAILABLE "file-unavailable"
        /// A file is larger than is read, there are too many files, or they nest too deep.
        TOO_LARGE "too-large"
        /// A file includes itself.
        INCLUDE_CYCLE "include-cycle"
        /// A text is not in the encoding that it says.
        ENCODING "encoding"
        /// A character that editors show as something else, or not at all.
        CONTROL_CHARACTER "control-character"
        /// A comment is continued onto a line with content.
        CONTINUED_COMMENT "continued-comment"
        /// An environment variable that is not set.
        UNSET_VARIABLE "unset-variable"
        /// A line that follows no grammar.
        SYNTAX "syntax"
        /// An option that is not known in requirements files.
        UNKNOWN_OPTION "unknown-option"
        /// An option without its value, or with a value it does not take.
        OPTION_VALUE "option-value"
        /// An option on the line of a requirement that belongs on its own line.
        MISPLACED_OPTION "misplaced-option"
        /// A setting that would weaken a check.
        WEAKENS_CHECK "weakens-check"
        /// A digest that belongs to no requirement.
        ORPHAN_DIGEST "orphan-digest"
        /// A digest that cannot be read.
        MALFORMED_DIGEST "malformed-digest"
        /// Only digests of algorithms that are broken.
        WEAK_DIGEST "weak-digest"
        /// Two digests of one requirement that no file can have both.
        DIGEST_CONFLICT "digest-conflict"
        /// A digest on a requirement that does not name one version.
        NOT_PINNED "not-pinned"
        /// Two lines about one project that cannot both be followed.
        DUPLICATE_CONFLICT "duplicate-conflict"
        /// A constraint that contradicts a requirement.
        CONSTRAINT_CONFLICT "constraint-conflict"
        /// Clauses of one requirement that no version satisfies.
        UNSATISFIABLE "unsatisfiable"
        /// A marker that has no value.
        MARKER "marker"
        /// A branch, tag or commit of a version control system.
        VCS "vcs"
        /// A directory.
        DIRECTORY "directory"
        /// An editable installation.
        EDITABLE "editable"
        /// A URL or path that does not tell the project's name.
        NO_NAME "no-name"
        /// A URL or path that tells another name or version than the line does.
        NAME_CONFLICT "name-conflict"
        /// A URL that cannot be used.
        URL "url"
        /// A version of the lock format that is not known.
        LOCK_VERSION "lock-version"
        /// A key that must be there and is not.
        MISSING_KEY "missing-key"
        /// A key with a value of a wrong type or form.
        INVALID_VALUE "invalid-value"
        /// The lock is not made for this interpreter.
        ENVIRONMENT "environment"
        /// An extra or a group that the lock does not have.
        UNKNOWN_SELECTION "unknown-selection"
        /// A package for which the lock names no file.
        NO_SOURCE "no-source"
        /// Two spellings of one name in a file.
        NAME_SPELLING "name-spelling"
        /// An entry that another one needs is not there.
        MISSING_ENTRY "missing-entry"
    }
}

/// One project that is wanted, with what may satisfy it. Its marker, if it had one, is true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The project.
    pub project: ProjectName,
    /// The extras asked for.
    pub extras: BTreeSet<ExtraName>,
    /// From where, and which version.
    pub source: WantedSource,
    /// The digests given: for each algorithm that occurs, a file must have one of them. Empty
    /// when none was given, and when `files` has them file by file.
    pub digests: Vec<Digest>,
    /// The files that a `pylock.toml` lists for a project on an index, each with its own digests;
    /// empty otherwise.
    pub files: Vec<LockedFile>,
    /// Where the lock asks for it (the first place, when there are several).
    pub place: Place,
    /// The marker under which a requirements file asks for it, which is true here; for lines that
    /// other machines will read. `None` when it is always wanted, and for a `pylock.toml`.
    pub marker: Option<Marker>,
}

impl Wanted {
    /// The one version that can satisfy this, as far as the lock tells it.
    #[must_use]
    pub fn version(&self) -> Option<&Version> {
        match &self.source {
            WantedSource::Index { pinned, .. } => pinned.as_ref(),
            WantedSource::Url { filename, .. } | WantedSource::Path { filename, .. } => {
                filename.as_ref().map(DistributionFilename::version)
            }
        }
    }
}

/// Where a project comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WantedSource {
    /// An index.
    Index {
        /// The versions asked for, of requirements and constraints together.
        specifiers: VersionSpecifiers,
        /// The one version that they leave, if an `==` or `===` names it.
        pinned: Option<Version>,
        /// URL of the index that the lock names for this project.
        index: Option<String>,
    },
    /// A URL (`https`, `http`), without its fragment. It may hold credentials.
    Url {
        /// The URL.
        url: String,
        /// What its last segment says; `None` when it follows no specification.
        filename: Option<DistributionFilename>,
        /// Folder inside a source archive.
        subdirectory: Option<String>,
        /// Size in bytes, where a `pylock.toml` says it.
        size: Option<u64>,
    },
    /// A file on this machine. A relative path in a requirements file counts from the working
    /// directory, as in pip; one in a `pylock.toml` from the lock's folder.
    Path {
        /// The path as it stands.
        path: String,
        /// What its last component says; `None` when it follows no specification.
        filename: Option<DistributionFilename>,
        /// Folder inside a source archive.
        subdirectory: Option<String>,
        /// Size in bytes, where a `pylock.toml` says it.
        size: Option<u64>,
    },
}

/// A file that a `pylock.toml` lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedFile {
    /// Its name.
    pub filename: DistributionFilename,
    /// Where it was when the lock was made.
    pub url: Option<String>,
    /// Path from the lock's folder.
    pub path: Option<String>,
    /// Size in bytes.
    pub size: Option<u64>,
    /// Its digests, at least one of them strong; the file must agree with every one.
    pub digests: Vec<Digest>,
    /// Where the lock lists it.
    pub place: Place,
}

/// What a lock asks for in an environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WantedSet {
    /// The projects, in the order of the lock, each once.
    pub wanted: Vec<Wanted>,
    /// Settings that requirements files contain, in their order.
    pub options: Vec<FileOption>,
    /// What the reader of the lock may want to know.
    pub notes: Vec<String>,
    /// Entries whose marker is false, as they stand, and where.
    pub skipped: Vec<(String, Place)>,
    /// Errors that the caller must report unless the user has allowed them: a requirements file
    /// that lists nothing ([`codes::EMPTY`]).
    pub unless_allowed: Vec<SourceError>,
}

/// A setting in a requirements file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileOption {
    /// What is set.
    pub setting: Setting,
    /// Where; its file is the one from whose folder relative paths count.
    pub place: Place,
}

/// The settings that requirements files may contain, under the names of pip's options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// `--index-url`; it may hold credentials.
    IndexUrl(String),
    /// `--extra-index-url`; it may hold credentials.
    ExtraIndexUrl(String),
    /// `--find-links`.
    FindLinks(String),
    /// `--no-index`.
    NoIndex,
    /// `--only-binary`: names, `:all:` or `:none:`, separated by commas.
    OnlyBinary(String),
    /// `--no-binary`: names, `:all:` or `:none:`, separated by commas.
    NoBinary(String),
    /// `--prefer-binary`.
    PreferBinary,
    /// `--pre`.
    Pre,
    /// `--all-releases`: names, `:all:` or `:none:`, separated by commas.
    AllReleases(String),
    /// `--only-final`: names, `:all:` or `:none:`, separated by commas.
    OnlyFinal(String),
    /// `--require-hashes`.
    RequireHashes,
    /// `--use-feature`.
    UseFeature(String),
}

/// The digests that satisfy two statements about one file: for an algorithm that both name, those
/// that are in both; for one that only one names, its digests. `None` when nothing can.
pub(crate) fn intersect_digests(left: &[Digest], right: &[Digest]) -> Option<Vec<Digest>> {
    let names = |digests: &[Digest], digest: &Digest| {
        digests.iter().any(|other| other.algorithm() == digest.algorithm())
    };
    let mut both: Vec<Digest> = left
        .iter()
        .filter(|digest| right.contains(digest) || !names(right, digest))
        .cloned()
        .collect();
    let satisfiable = left.iter().all(|digest| names(&both, digest));
    both.extend(right.iter().filter(|digest| !names(left, digest)).cloned());
    satisfiable.then_some(both)
}
