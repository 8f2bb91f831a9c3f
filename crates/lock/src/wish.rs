//! What a project wants, with where it says so.

use countermark_packaging::lock::Place;
use countermark_packaging::requirement::Requirement;

/// One requirement of a person, before anything was resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// What is wanted. A URL may hold credentials; it is shown and written without them.
    pub requirement: Requirement,
    /// Where it stands: a file with its line, or the command line.
    pub origin: Origin,
}

/// Who wants something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A line of a file that people write.
    File {
        /// Where.
        place: Place,
        /// The extra or the dependency group of a `pyproject.toml` that it belongs to:
        /// `[extra]` or `group`, as comments show it.
        section: Option<String>,
    },
    /// A name on the command line.
    CommandLine,
}

impl Origin {
    /// How the comment of a lock names it: `-r requirements.in`, `pyproject.toml (group dev)`.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::CommandLine => "the command line".to_owned(),
            Self::File { place, section: None } if place.file.ends_with(".toml") => {
                place.file.clone()
            }
            Self::File { place, section: None } => format!("-r {}", place.file),
            Self::File { place, section: Some(section) } => format!("{} ({section})", place.file),
        }
    }
}
