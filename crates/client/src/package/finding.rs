//! What checks of installed files say.

use std::fmt;

/// What is wrong with a file or a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A change of the environment was interrupted and neither undone nor finished.
    Interrupted,
    /// A file that no package has, first of all one that runs at each start.
    Extra,
    /// Other bytes, another mode, another kind of file.
    Changed,
    /// Not there.
    Missing,
    /// Another artifact than the lock accepts.
    NotLocked,
    /// The lock lists it, and it is not installed.
    NotInstalled,
    /// The lock does not list it.
    Unlisted,
    /// Nothing shows what it came from.
    Unproven,
    /// It could not be looked at.
    Unreadable,
}

impl Kind {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Interrupted => "interrupted",
            Self::Extra => "extra",
            Self::Changed => "changed",
            Self::Missing => "missing",
            Self::NotLocked => "not locked",
            Self::NotInstalled => "not installed",
            Self::Unlisted => "unlisted",
            Self::Unproven => "unproven",
            Self::Unreadable => "unreadable",
        }
    }
}

/// One thing that is not as it was installed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// What is wrong.
    pub kind: Kind,
    /// Whose file it is.
    pub project: Option<String>,
    /// Below the root of the environment.
    pub path: Option<String>,
    /// Expected against found.
    pub detail: String,
}

impl Finding {
    /// About a file of a package, or about the package when there is no path.
    #[must_use]
    pub fn about(project: &str, kind: Kind, path: &str, detail: impl Into<String>) -> Self {
        let path = (!path.is_empty()).then(|| path.to_owned());
        Self { kind, project: Some(project.to_owned()), path, detail: detail.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.kind.name())?;
        if let Some(project) = &self.project {
            write!(formatter, " {project}")?;
        }
        if let Some(path) = &self.path {
            write!(formatter, " `{path}`")?;
        }
        write!(formatter, ": {}", self.detail)
    }
}
