//! What a resolution gives.

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::name::{ExtraName, ProjectName};
use countermark_packaging::version::{Version, VersionSpecifiers};

use crate::catalogue::ReleaseFile;

/// One version of every project that one target needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolution {
    /// By project.
    pub releases: BTreeMap<ProjectName, Resolved>,
    /// What a person should know: a yanked release that a pin asks for, an extra that does not
    /// exist, a release left out because of its metadata.
    pub notes: Vec<String>,
}

/// The release that was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Which.
    pub version: Version,
    /// From where.
    pub source: ResolvedSource,
    /// The extras that are wanted of it.
    pub extras: BTreeSet<ExtraName>,
    /// The files that the target can use, best first: wheels, or the source distribution where
    /// none fits and the request allows it.
    pub usable: Vec<ReleaseFile>,
    /// Every file of the release, for `--all-files`.
    pub all_files: Vec<ReleaseFile>,
    /// What it requires on this target, with its extras; all of them are in the resolution.
    pub dependencies: BTreeSet<ProjectName>,
    /// Who wants it.
    pub via: Vec<Via>,
    /// Versions of Python, as its metadata says.
    pub requires_python: Option<VersionSpecifiers>,
    /// Yanked, with the reason.
    pub yanked: Option<String>,
}

/// Where a release comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResolvedSource {
    /// An index, shown without credentials.
    Index(String),
    /// A URL of a requirement, without credentials and fragment.
    Url(String),
}

/// Who wants a release.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Via {
    /// A wish, by the label of its origin; `constraint` and `override` are labelled so.
    Wish(String),
    /// Another release.
    Release(ProjectName),
}
