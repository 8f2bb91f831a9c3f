//! Why there is no resolution.

use countermark_packaging::marker::EvaluationError;
use countermark_packaging::name::ProjectName;
use countermark_trust::Class;

use super::explain::Explanation;
use crate::catalogue::CatalogueError;

/// Why there is no resolution.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// What is wanted cannot be had at the same time.
    #[error("no solution for {target}\n{explanation}")]
    NoSolution {
        /// The label of the target.
        target: String,
        /// Why, in words.
        explanation: Box<Explanation>,
    },
    /// A project is wanted from two places.
    #[error("`{project}` is wanted from two URLs: {first} and {second}")]
    UrlConflict {
        /// The project.
        project: ProjectName,
        /// Without credentials, with who wants it.
        first: String,
        /// The same.
        second: String,
    },
    /// The marker of a wish has no meaning.
    #[error("{place}: {source}")]
    Marker {
        /// Where.
        place: String,
        /// What is wrong.
        source: EvaluationError,
    },
    /// A question had no answer.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// Somebody asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// There may be a solution or none: too many combinations were tried.
    #[error("the requirements could not be resolved: too many combinations were tried")]
    TooHard,
}

impl ResolveError {
    /// How bad it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::NoSolution { .. } | Self::UrlConflict { .. } | Self::Marker { .. } => {
                Class::Usage
            }
            Self::Catalogue(error) => match error {
                CatalogueError::Unavailable { class, .. } => *class,
                CatalogueError::Quarantined { .. } | CatalogueError::Metadata { .. } => {
                    Class::Rejected
                }
                CatalogueError::Absent { .. } => Class::Unavailable,
                CatalogueError::NotStatic { .. } | CatalogueError::Url { .. } => Class::Usage,
            },
            Self::Interrupted | Self::TooHard => Class::Unavailable,
        }
    }

    /// A stable name of the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSolution { .. } => "no-solution",
            Self::UrlConflict { .. } => "url-conflict",
            Self::Marker { .. } => "marker",
            Self::Catalogue(error) => match error {
                CatalogueError::Unavailable { code, .. } => code,
                CatalogueError::Absent { .. } => "not-listed",
                CatalogueError::Quarantined { .. } => "quarantined",
                CatalogueError::NotStatic { .. } => "metadata-dynamic",
                CatalogueError::Metadata { .. } => "metadata-unusable",
                CatalogueError::Url { .. } => "url-unlockable",
            },
            Self::Interrupted => "interrupted",
            Self::TooHard => "too-many-combinations",
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::NoSolution { explanation, .. } => explanation.hints.clone(),
            Self::UrlConflict { .. } => {
                vec!["remove one of the two, or put an override in their place".to_owned()]
            }
            Self::Catalogue(CatalogueError::Unavailable { hint, .. }) => {
                hint.iter().cloned().collect()
            }
            Self::TooHard => vec![
                "narrow the requirements: pin some of the projects, or exclude old releases"
                    .to_owned(),
            ],
            Self::Marker { .. } | Self::Catalogue(_) | Self::Interrupted => Vec::new(),
        }
    }
}
