//! What a resolution asks others: which releases a project has, and what one of them requires.
//!
//! The only way in which facts of an index reach the resolver. Answers are claims: they choose
//! versions; the digests of what is written come from bytes that were downloaded and hashed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countermark_packaging::digest::Digest;
use countermark_packaging::filename::DistributionFilename;
use countermark_packaging::name::{ExtraName, ProjectName};
use countermark_packaging::requirement::Requirement;
use countermark_packaging::simple::ProjectStatus;
use countermark_packaging::version::{Version, VersionSpecifiers};
use countermark_trust::Class;
use jiff::Timestamp;

pub use crate::files::{FileSource, Files};

/// The outside of a resolution.
pub trait Catalogue {
    /// What the index that counts for this project lists. The same answer for the whole run.
    ///
    /// # Errors
    /// When that index has no such project ([`CatalogueError::Absent`]), or could not be asked.
    fn releases(&self, project: &ProjectName) -> Result<Arc<Releases>, CatalogueError>;

    /// What one release requires, by the file that a target would use: `file` is one of
    /// [`Release::files`] of it.
    ///
    /// # Errors
    /// When its metadata cannot be had, cannot be read, or is another release's.
    fn requires(
        &self,
        project: &ProjectName,
        version: &Version,
        file: &ReleaseFile,
    ) -> Result<Arc<Requires>, CatalogueError>;

    /// The release behind a URL requirement (the URL as the requirement has it): its version and
    /// what it requires. The bytes are downloaded and kept for the lock.
    ///
    /// # Errors
    /// As above; also for URLs of version control systems and folders.
    fn at_url(&self, project: &ProjectName, url: &str) -> Result<Arc<UrlRelease>, CatalogueError>;

    /// Projects that will probably be asked for soon. May do nothing.
    fn expect(&self, projects: &[ProjectName]) {
        let _ = projects;
    }

    /// A file whose metadata will probably be asked for soon. May do nothing.
    fn expect_requires(&self, project: &ProjectName, version: &Version, file: &ReleaseFile) {
        let _ = (project, version, file);
    }
}

/// The releases of a project on one index.
#[derive(Clone, Debug, Default)]
pub struct Releases {
    /// The index, as messages and locks show it: without credentials.
    pub index: String,
    /// Whether that is the public index ([`Request::exclude_newer`](crate::request::Request)
    /// fails closed where upload times are missing, on any index).
    pub status: ProjectStatus,
    /// Every version with at least one file that can be parsed, yanked ones too.
    pub versions: BTreeMap<Version, Release>,
    /// File names of this project that follow no specification, for messages.
    pub unusable: Vec<String>,
}

/// One release.
#[derive(Clone, Debug, Default)]
pub struct Release {
    /// In the order of the page. Read when they are looked at; see [`Files`].
    pub files: Files,
}

/// A file that an index lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseFile {
    /// Its name.
    pub filename: DistributionFilename,
    /// Where it is; may hold credentials.
    pub url: String,
    /// What the index claims; evidence to compare.
    pub digests: Vec<Digest>,
    /// In bytes, as the index claims.
    pub size: Option<u64>,
    /// Unreadable specifiers are `None`, as in pip and uv.
    pub requires_python: Option<VersionSpecifiers>,
    /// Yanked, with a reason that may be empty.
    pub yanked: Option<String>,
    /// When it was uploaded, as the index claims.
    pub uploaded: Option<Timestamp>,
    /// Whether metadata is offered beside the file (PEP 658), with its digests.
    pub metadata: Option<Vec<Digest>>,
}

/// What a release says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requires {
    /// Dependencies, with their markers.
    pub requires_dist: Vec<Requirement>,
    /// Versions of Python.
    pub requires_python: Option<VersionSpecifiers>,
    /// The extras that exist.
    pub provides_extra: BTreeSet<ExtraName>,
}

/// What a URL requirement leads to.
#[derive(Clone, Debug)]
pub struct UrlRelease {
    /// The version in its metadata.
    pub version: Version,
    /// The file; its `url` has no credentials and no fragment, its digests are ours.
    pub file: ReleaseFile,
    /// What it requires.
    pub requires: Requires,
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    /// No index that counts has the project.
    #[error("`{project}` is not on {index}")]
    Absent {
        /// The project.
        project: ProjectName,
        /// Who was asked.
        index: String,
    },
    /// The index says that the project is unsafe (PEP 792).
    #[error("{index} has put `{project}` into quarantine")]
    Quarantined {
        /// The project.
        project: ProjectName,
        /// Who says it.
        index: String,
    },
    /// What a release requires is not known without running its code.
    #[error("what {project} {version} requires is only known to its build: {reason}")]
    NotStatic {
        /// The project.
        project: ProjectName,
        /// The release.
        version: Version,
        /// `no wheel that can be used, and its source package has dynamic dependencies`.
        reason: String,
    },
    /// What a release says of itself cannot be used; others of the project may be good.
    #[error("the metadata of {project} {version} cannot be used: {reason}")]
    Metadata {
        /// The project.
        project: ProjectName,
        /// The release.
        version: Version,
        /// What is wrong, in whose words.
        reason: String,
    },
    /// A requirement names a URL that cannot be locked.
    #[error("`{project} @ {url}` cannot be locked: {reason}")]
    Url {
        /// The project.
        project: ProjectName,
        /// Without credentials.
        url: String,
        /// Why.
        reason: String,
    },
    /// Nobody could be asked; ends the resolution. The text is that of the client's error.
    #[error("{message}")]
    Unavailable {
        /// The client's code for it, such as `connect-failed`.
        code: &'static str,
        /// What happened.
        message: String,
        /// Its class: mostly `Unavailable`; `Rejected` when metadata was not what was promised.
        class: Class,
        /// What to do.
        hint: Option<String>,
    },
}

impl CatalogueError {
    /// Whether another version of the project may still do: the resolver then leaves this one out.
    #[must_use]
    pub fn concerns_one_release(&self) -> bool {
        match self {
            Self::NotStatic { .. } | Self::Metadata { .. } => true,
            Self::Absent { .. }
            | Self::Quarantined { .. }
            | Self::Url { .. }
            | Self::Unavailable { .. } => false,
        }
    }
}
