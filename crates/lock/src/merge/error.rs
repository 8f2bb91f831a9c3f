//! Why resolutions of several targets cannot stand in one lock.

use countermark_packaging::name::ProjectName;
use countermark_trust::Class;

use super::MAXIMUM_TARGETS;

/// Why resolutions cannot stand in one lock.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// Two targets differ in nothing that a marker can ask for.
    #[error(
        "{project} is {on_first} on {first} and {on_second} on {second}, which no marker can tell apart"
    )]
    Inseparable {
        /// The project.
        project: ProjectName,
        /// The label of one target.
        first: String,
        /// The version there, or `absent`.
        on_first: String,
        /// The label of the other.
        second: String,
        /// The version there, or `absent`.
        on_second: String,
    },
    /// More targets than one lock may have.
    #[error("there are {found} targets, at most {MAXIMUM_TARGETS} are allowed")]
    TooMany {
        /// Their number.
        found: usize,
    },
}

impl MergeError {
    /// How bad it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Inseparable { .. } | Self::TooMany { .. } => Class::Usage,
        }
    }

    /// A stable name of the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Inseparable { .. } => "targets-inseparable",
            Self::TooMany { .. } => "targets-too-many",
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Inseparable { .. } => {
                "lock the two targets in two files, or pin one version that does for both"
            }
            Self::TooMany { .. } => "write several locks",
        }
    }
}
