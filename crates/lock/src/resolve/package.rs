//! What the solver decides about, and what ties it together.

use std::fmt;

use countermark_packaging::marker::EvaluationError;
use countermark_packaging::name::{ExtraName, ProjectName};
use countermark_packaging::requirement::Requirement;
use countermark_packaging::version::VersionSpecifiers;

/// What the solver decides about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Package {
    /// All that is wanted.
    Root,
    /// A release of a project.
    Project(ProjectName),
    /// What an extra adds to it.
    Extra(ProjectName, ExtraName),
}

impl Package {
    pub(super) fn project(&self) -> Option<&ProjectName> {
        match self {
            Self::Root => None,
            Self::Project(project) | Self::Extra(project, _) => Some(project),
        }
    }
}

impl fmt::Display for Package {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => write!(formatter, "what is wanted"),
            Self::Project(project) => write!(formatter, "{project}"),
            Self::Extra(project, extra) => write!(formatter, "{project}[{extra}]"),
        }
    }
}

/// One requirement of one release, or one wish.
#[derive(Clone, Debug)]
pub(super) struct Edge {
    /// Its marker was true.
    pub(super) requirement: Requirement,
    pub(super) by: By,
}

/// Whose requirement it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// A wish: its place, and the label of its origin.
    Wish(String, String),
    /// The release itself.
    Release,
    /// An override, in place of what the release says: its place, and its label.
    Override(String, String),
}

/// Why a release that exists was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// Its metadata cannot be had or read.
    Metadata(String),
    /// Its metadata wants another Python.
    Python(VersionSpecifiers),
    /// A marker has no meaning.
    Marker(EvaluationError),
    /// It requires a URL that no wish names.
    Url(String),
    /// It requires another version of itself.
    Itself(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Metadata(reason) => formatter.write_str(reason),
            Self::Python(specifiers) => write!(formatter, "needs Python {specifiers}"),
            Self::Marker(error) => write!(formatter, "one of its markers is wrong: {error}"),
            Self::Url(requirement) => write!(
                formatter,
                "requires `{requirement}`, and only a wish or a constraint may name a URL"
            ),
            Self::Itself(requirement) => {
                write!(formatter, "requires another version of itself, `{requirement}`")
            }
        }
    }
}
