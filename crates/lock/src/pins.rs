//! What a lock of ours says, before it is written in one of the formats.

use std::collections::BTreeSet;

use countermark_packaging::digest::Sha256;
use countermark_packaging::marker::Marker;
use countermark_packaging::name::{ExtraName, ProjectName};
use countermark_packaging::version::{Version, VersionSpecifiers};
use countermark_trust::tree::TreeDigest;
use jiff::Timestamp;

use crate::resolution::Via;

/// A whole lock. Stable: packages by name and then version, files by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pins {
    /// The versions of Python for which it holds.
    pub requires_python: Option<VersionSpecifiers>,
    /// The environments for which it was made, when there are several or it was asked for; PEP 751
    /// writes them as `environments`.
    pub environments: Vec<Marker>,
    /// The extras of the project that can be chosen at installation (PEP 751).
    pub extras: Vec<ExtraName>,
    /// The dependency groups that can be chosen at installation (PEP 751).
    pub groups: Vec<String>,
    /// Those of them that are chosen when nobody says anything.
    pub default_groups: Vec<String>,
    /// The releases.
    pub releases: Vec<PinnedRelease>,
}

/// One release, with the files that may be installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinnedRelease {
    /// The project.
    pub project: ProjectName,
    /// The release.
    pub version: Version,
    /// From where.
    pub source: PinnedSource,
    /// The extras that are wanted of it; requirements files show them.
    pub extras: BTreeSet<ExtraName>,
    /// On which of the targets; everywhere when there is none.
    pub marker: Option<Marker>,
    /// Versions of Python, as its metadata says.
    pub requires_python: Option<VersionSpecifiers>,
    /// What it requires, each with the version in this lock.
    pub dependencies: Vec<(ProjectName, Version)>,
    /// Who wants it, for comments.
    pub via: BTreeSet<Via>,
    /// Never empty.
    pub files: Vec<PinnedFile>,
    /// Who held which role when the pin was written, `owner alice`; empty when nobody knows.
    pub roles: Vec<String>,
}

/// Where a pinned release comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PinnedSource {
    /// An index, without credentials.
    Index(String),
    /// A URL, without credentials and fragment.
    Url(String),
    /// A file below the lock's folder, by its relative path.
    Path(String),
}

/// A file whose bytes were downloaded and hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinnedFile {
    /// Its name.
    pub filename: String,
    /// Where it was, without credentials; none where the path of the source says it.
    pub url: Option<String>,
    /// Number of bytes that came.
    pub size: u64,
    /// When it was uploaded, as the index claims.
    pub uploaded: Option<Timestamp>,
    /// Digest of the bytes that came.
    pub sha256: Sha256,
    /// Digest of the unpacked form, for wheels that were unpacked.
    pub tree: Option<TreeDigest>,
}
