//! Which index a name may come from.

use std::fmt;

use countermark_packaging::name::{NamePattern, ProjectName};
use url::Url;

/// A line of `[policy.indexes]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IndexRule {
    /// None is all names.
    pub(super) names: Option<NamePattern>,
    pub(super) indexes: Vec<AllowedIndex>,
}

impl IndexRule {
    pub(super) fn matches(&self, project: &ProjectName) -> bool {
        self.names.as_ref().is_none_or(|names| names.matches(project))
    }

    pub(super) fn precision(&self) -> usize {
        self.names.as_ref().map_or(0, NamePattern::precision)
    }
}

/// The address of an index, in a form that can be compared: without credentials, query, fragment
/// and `/` at its end, the host in lower case and without the usual port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedIndex(Url);

impl AllowedIndex {
    /// Reads an address: `https`, `http` or `file`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut url = Url::parse(text).ok()?;
        if !matches!(url.scheme(), "https" | "http" | "file") {
            return None;
        }
        // A URL without a host has no credentials, so that taking them away may fail.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_query(None);
        url.set_fragment(None);
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Some(Self(url))
    }

    /// Whether this is the address of the same index.
    #[must_use]
    pub fn is(&self, address: &str) -> bool {
        Self::parse(address).is_some_and(|other| other == *self)
    }

    /// Whether a file lies below it.
    #[must_use]
    pub fn has(&self, file: &str) -> bool {
        let Some(Self(file)) = Self::parse(file) else { return false };
        let same_place = file.scheme() == self.0.scheme()
            && file.host() == self.0.host()
            && file.port() == self.0.port();
        let folder = self.0.path().trim_end_matches('/');
        // An escaped `..` may be undone by a server behind this address.
        let climbs = file.path().to_ascii_lowercase().contains("%2e");
        let below = file.path().strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
        same_place && below && !climbs
    }
}

impl fmt::Display for AllowedIndex {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.as_str())
    }
}
