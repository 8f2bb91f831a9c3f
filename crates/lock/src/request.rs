//! What a resolution is asked for.

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::marker::Marker;
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use jiff::Timestamp;

use crate::wish::Wish;

/// Everything that decides a resolution, but for the target and what the indexes say.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// What is wanted.
    pub wishes: Vec<Wish>,
    /// Hold where the project is wanted at all.
    pub constraints: Vec<Wish>,
    /// Stand in place of every requirement of the project, whoever has it.
    pub overrides: Vec<Wish>,
    /// Projects that are never taken, whoever requires them.
    pub excludes: BTreeSet<ProjectName>,
    /// Versions that are kept where they do, on every target; the first of them that does.
    pub preferences: BTreeMap<ProjectName, Vec<Version>>,
    /// The pins of the lock that is there, for [`resolve_targets`](crate::merge::resolve_targets):
    /// each is preferred on the targets where it stood, and after what was found for others on the
    /// rest.
    pub pins: Vec<OldPin>,
    /// Which versions are tried first.
    pub strategy: Strategy,
    /// Which prereleases may be taken.
    pub prereleases: Prereleases,
    /// Files uploaded at or after this moment do not exist; neither do files without a time.
    pub exclude_newer: Option<Timestamp>,
    /// The same for single projects; `None` lifts it for one.
    pub exclude_newer_project: BTreeMap<ProjectName, Option<Timestamp>>,
    /// Which source distributions may be taken.
    pub sources: Sources,
    /// Which targets prefer the versions that were found for others.
    pub agreement: Agreement,
}

/// A pin of a lock that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldPin {
    /// The project.
    pub project: ProjectName,
    /// The release.
    pub version: Version,
    /// Where it stood; everywhere when there is none.
    pub marker: Option<Marker>,
}

/// Which targets prefer the versions that were found for others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Agreement {
    /// Those of the same minor version of Python, as in uv: an old Python does not hold back a
    /// new one.
    #[default]
    SamePython,
    /// All of them: one version of each project, where that is possible.
    Everywhere,
}

/// Which versions are tried first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// The highest.
    #[default]
    Highest,
    /// The lowest of every project.
    Lowest,
    /// The lowest of what is wanted directly, the highest of the rest.
    LowestDirect,
}

/// Which prereleases may be taken, as in uv.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prereleases {
    /// None.
    Disallow,
    /// All.
    Allow,
    /// Of projects that have nothing else.
    IfNecessary,
    /// Of projects for which a wish names one.
    Explicit,
    /// Either of the last two.
    #[default]
    IfNecessaryOrExplicit,
}

/// Which source distributions may be taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Sources {
    /// None: a release without a wheel that the target can use does not exist.
    #[default]
    None,
    /// Of these projects.
    Named(BTreeSet<ProjectName>),
    /// Of every project, where no wheel can be used and the metadata is static.
    All,
}
