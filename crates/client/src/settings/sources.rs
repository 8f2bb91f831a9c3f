//! Where packages may come from: indexes, folders and pages of links, and names bound to an index.

use std::fmt;
use std::path::PathBuf;

pub use countermark_packaging::name::NamePattern;
use countermark_packaging::name::ProjectName;
use url::Url;

use super::Origin;
use crate::http::RedactedUrl;

/// An index of the simple API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Its name in configuration, if it has one.
    pub name: Option<String>,
    /// Without userinfo, with a slash at its end; `https`, `http` or `file`.
    pub url: Url,
    /// Asked only for names that are bound to it.
    pub explicit: bool,
    /// Who says so.
    pub origin: Origin,
}

impl fmt::Display for Index {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(formatter, "{name} ({})", RedactedUrl::new(&self.url)),
            None => write!(formatter, "{}", RedactedUrl::new(&self.url)),
        }
    }
}

/// `--find-links`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindLinks {
    /// What is looked at.
    pub place: LinksPlace,
    /// Who says so.
    pub origin: Origin,
}

/// A place with files of many projects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinksPlace {
    /// A folder with distributions, an HTML page, or a distribution; absolute.
    Path(PathBuf),
    /// An HTML page with links, or a distribution. Without userinfo.
    Page(Url),
}

impl fmt::Display for LinksPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(formatter, "{}", path.display()),
            Self::Page(url) => write!(formatter, "{}", RedactedUrl::new(url)),
        }
    }
}

/// Names that come from one index only, so that nobody's upload elsewhere takes their place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Which names.
    pub names: NamePattern,
    /// From where.
    pub index: Index,
    /// Who says so.
    pub origin: Origin,
}

/// All places, in the order in which they are asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// The first that has a name wins it.
    pub indexes: Vec<Index>,
    /// Looked at before the indexes.
    pub find_links: Vec<FindLinks>,
    /// Bindings of names; of those that match, the most precise counts, the first among equals.
    pub bindings: Vec<Binding>,
}

impl Sources {
    /// The index that a project is bound to.
    #[must_use]
    pub fn bound_to(&self, project: &ProjectName) -> Option<&Index> {
        let matching = self.bindings.iter().filter(|binding| binding.names.matches(project));
        // `max_by_key` would give the last of equals.
        let best = matching.rev().max_by_key(|binding| binding.names.precision());
        best.map(|binding| &binding.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bindings() {
        let index = |name: &str| Index {
            name: Some(name.into()),
            url: Url::parse(&format!("https://{name}.example/simple/")).unwrap(),
            explicit: true,
            origin: Origin::Default,
        };
        let binding = |pattern: &str, name: &str| Binding {
            names: NamePattern::parse(pattern).unwrap(),
            index: index(name),
            origin: Origin::Default,
        };
        let sources = Sources {
            bindings: vec![
                binding("acme-*", "all"),
                binding("Acme_Web_*", "web"),
                binding("acme.web-extra", "one"),
                binding("acme-web-extra", "two"),
            ],
            ..Sources::default()
        };
        let check = |project: &str, expect: Option<&str>| {
            let project = ProjectName::parse(project).unwrap();
            let found = sources.bound_to(&project).and_then(|index| index.name.as_deref());
            assert_eq!(found, expect, "{project}");
        };
        check("acme-core", Some("all"));
        check("acme-web-core", Some("web"));
        check("acme-web-extra", Some("one"));
        check("acme", None);
        check("acmecore", None);
        for refused in ["*", "", "a b", "-*", "a**"] {
            assert_eq!(NamePattern::parse(refused), None, "{refused}");
        }
    }
}
