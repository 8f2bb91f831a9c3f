//! Anybody's lock as it stands: every entry of every platform, with its place.
//!
//! A [`WantedSet`](super::WantedSet) is what one environment takes from a lock; a [`LockDocument`]
//! is the lock itself, for those who judge, compare or move it. One reader a format gives it:
//! requirements files, `pylock.toml`, `uv.lock`, `poetry.lock`, `pdm.lock`, `Pipfile.lock`, and the
//! pip part of `conda-lock.yml`. A reader refuses what it cannot understand, with all mistakes at
//! their places; what it understands and a policy may not like (no digest, a weak one, a branch) is
//! not a mistake but an entry.

use std::fmt;

use super::{Place, SourceError};
use crate::digest::Digest;
use crate::name::{ExtraName, ProjectName};
use crate::version::{Version, VersionSpecifiers};

/// The formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockFormat {
    /// `requirements.txt` with pins.
    Requirements,
    /// `pylock.toml` (PEP 751).
    Pylock,
    /// `uv.lock`.
    Uv,
    /// `poetry.lock`, versions 1 and 2.
    Poetry,
    /// `pdm.lock`.
    Pdm,
    /// `Pipfile.lock`.
    Pipfile,
    /// `conda-lock.yml`, of which the pip part is read.
    Conda,
}

impl LockFormat {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Requirements,
        Self::Pylock,
        Self::Uv,
        Self::Poetry,
        Self::Pdm,
        Self::Pipfile,
        Self::Conda,
    ];

    /// The name in options, reports and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requirements => "requirements",
            Self::Pylock => "pylock",
            Self::Uv => "uv",
            Self::Poetry => "poetry",
            Self::Pdm => "pdm",
            Self::Pipfile => "pipfile",
            Self::Conda => "conda",
        }
    }
}

impl fmt::Display for LockFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// A whole lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockDocument {
    /// Which format.
    pub format: LockFormat,
    /// The version that the file gives for its format, as written.
    pub format_version: Option<String>,
    /// What messages call the file.
    pub file: String,
    /// Versions of Python for which it holds, where it says so in PEP 440's form.
    pub requires_python: Option<VersionSpecifiers>,
    /// In the order of the file. A project may occur several times, with different versions,
    /// markers or sources. The locked project itself and the members of its workspace are entries
    /// with [`LockSource::Directory`].
    pub packages: Vec<LockPackage>,
    /// Indexes that the file names for the whole of it, without credentials: `--index-url`,
    /// Pipfile's sources.
    pub indexes: Vec<String>,
    /// What a reader may want to know: parts that were passed over (conda's own packages).
    pub notes: Vec<String>,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockPackage {
    /// The project.
    pub project: ProjectName,
    /// The version; none where a URL, folder or an unpinned line does not tell it.
    pub version: Option<Version>,
    /// From where.
    pub source: LockSource,
    /// The files, or the digests that are given without saying of which file.
    pub files: Vec<FileEntry>,
    /// The marker, as written; not every format's is one of PEP 508.
    pub marker: Option<String>,
    /// The extras that are asked for on this line (requirements files, `Pipfile.lock`).
    pub extras: Vec<ExtraName>,
    /// What it depends on, as far as the format says: each name once, in order of the file.
    pub dependencies: Vec<ProjectName>,
    /// Groups or categories of the format (`main`, `dev`, `default`, `develop`), as written.
    pub groups: Vec<String>,
    /// Where it stands.
    pub place: Place,
}

/// Where an entry comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockSource {
    /// An index: its URL or name as the lock has it, without credentials; none where it does not
    /// say which.
    Index(Option<String>),
    /// One file at a URL, without credentials.
    Url(String),
    /// One file on disk.
    Path(String),
    /// A folder: the project itself, a member of a workspace, an editable.
    Directory {
        /// As written.
        path: String,
        /// Installed by reference.
        editable: bool,
    },
    /// Version control.
    Vcs {
        /// Without credentials.
        url: String,
        /// The commit that is locked, as written; none where only a branch or tag is.
        commit: Option<String>,
    },
}

/// A file of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// Its name; none in formats that list digests alone.
    pub name: Option<String>,
    /// Where it is, as written but without credentials; none in formats that do not say.
    pub url: Option<String>,
    /// Digests of known algorithms, also weak ones; may be empty.
    pub digests: Vec<Digest>,
    /// In bytes.
    pub size: Option<u64>,
    /// When it was uploaded, as written.
    pub uploaded: Option<String>,
    /// Where it stands.
    pub place: Place,
}

/// A document, or everything that is wrong with it.
pub type DocumentResult = Result<LockDocument, Vec<SourceError>>;
