//! One name, or all with a beginning: how configuration says which projects it means.

use std::fmt;

use super::ProjectName;

/// One name, or all with a beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamePattern {
    /// This project.
    Exact(ProjectName),
    /// `acme-*`: every normalised name that begins so.
    Prefix(String),
}

impl NamePattern {
    /// Reads a name, or a beginning of names with `*` at its end.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let Some(beginning) = text.strip_suffix('*') else {
            return ProjectName::parse(text).ok().map(Self::Exact);
        };
        // A beginning may end with a separator, which a name may not.
        let normalised = ProjectName::parse(&format!("{beginning}x")).ok()?;
        let beginning = normalised.as_str().strip_suffix('x')?;
        (!beginning.is_empty()).then(|| Self::Prefix(beginning.to_owned()))
    }

    /// Whether it means this project.
    #[must_use]
    pub fn matches(&self, project: &ProjectName) -> bool {
        match self {
            Self::Exact(name) => name == project,
            Self::Prefix(beginning) => project.as_str().starts_with(beginning),
        }
    }

    /// A whole name is more than any beginning, a longer beginning more than a shorter one.
    #[must_use]
    pub fn precision(&self) -> usize {
        match self {
            Self::Exact(_) => usize::MAX,
            Self::Prefix(beginning) => beginning.len(),
        }
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => formatter.write_str(name.as_str()),
            Self::Prefix(beginning) => write!(formatter, "{beginning}*"),
        }
    }
}
