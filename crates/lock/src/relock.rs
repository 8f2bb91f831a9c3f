//! Another index in the URLs of a lock.
//!
//! Decides which bytes of a lock are the URL of an index or of a file that an index gave, and
//! replaces those and nothing else: digests, order, comments, line ends and the format's version
//! stay as they are. What was moved can be moved back, and is then the same file to the byte.
//!
//! Where a file is at the other index cannot be guessed from its URL: an index keeps files wherever
//! it likes. So the new URL of each file comes from outside, by [`Moves::files`], as the project's
//! page at the other index gives it, or by a rule between two beginnings of URLs that a person
//! wrote down ([`Rule`]). A file for which neither says anything keeps the whole lock from being
//! moved.
//!
//! Nothing here trusts what is read back: [`Movable::moved`] reads the new bytes as a lock and
//! compares the two documents before it gives them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use countermark_packaging::digest::Digest;
use countermark_packaging::lock::document::{
    self, LockDocument, LockFormat, LockPackage, LockSource, LockUrl, UrlRole, without_credentials,
};
use countermark_packaging::lock::{Place, SourceError};
use countermark_packaging::name::ProjectName;
use url::Url;

/// A lock whose URLs can be moved.
#[derive(Clone, Debug)]
pub struct Movable {
    document: LockDocument,
    urls: Vec<LockUrl>,
    bytes: Vec<u8>,
    /// Bytes of the byte order mark, which places do not count.
    mark: usize,
}

/// Why a lock cannot be moved as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RelockError {
    /// Nobody said which of several indexes is meant.
    #[error("`{file}` names {} indexes: {}", .indexes.len(), .indexes.join(", "))]
    Several {
        /// The lock.
        file: String,
        /// They.
        indexes: Vec<String>,
    },
    /// The index that is meant does not stand in the lock.
    #[error("`{file}` does not name the index {asked}, but {}", .found.join(", "))]
    NotNamed {
        /// The lock.
        file: String,
        /// What was asked for.
        asked: String,
        /// What stands there.
        found: Vec<String>,
    },
    /// The address of an index cannot stand in a lock.
    #[error("{address} cannot be the address of an index in a lock")]
    Address {
        /// The address, without credentials.
        address: String,
    },
    /// A URL is written with escapes, or in a file that is not UTF-8.
    #[error("{place}: this URL is written in a form that cannot be replaced in place")]
    Escaped {
        /// Where.
        place: Place,
    },
    /// A file has no name that could be looked up.
    #[error("{place}: this URL does not tell the name of a file")]
    Unnamed {
        /// Where.
        place: Place,
    },
    /// Nobody said where a file is.
    #[error("{place}: it is not known where `{name}` is at the other index")]
    Unknown {
        /// Where.
        place: Place,
        /// The file.
        name: String,
    },
    /// What would be written is no longer the same lock.
    #[error("`{file}` would not be the same lock afterwards; nothing was written")]
    Changed {
        /// The lock.
        file: String,
    },
}

impl RelockError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Several { .. } => Some("say which one moves, with `--from INDEX`"),
            Self::NotNamed { .. } => Some("`--from` takes the address as it stands in the lock"),
            Self::Address { .. } => {
                Some("an address is `https://…`, without quotation marks and white space")
            }
            Self::Escaped { .. } | Self::Unnamed { .. } | Self::Changed { .. } => None,
            Self::Unknown { .. } => Some("`--files OLD=NEW` says it for all URLs that begin alike"),
        }
    }
}

/// A URL that begins with one text begins with the other one instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The beginning now.
    pub from: String,
    /// The beginning afterwards.
    pub to: String,
}

impl Rule {
    /// Reads `OLD=NEW`, two URLs.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let at = text.find("=http")?;
        let (from, to) = (&text[..at], &text[at + 1..]);
        let is_good = |url: &str| is_address(url) && without_credentials(url) == url;
        (is_good(from) && is_good(to)).then(|| Self { from: from.to_owned(), to: to.to_owned() })
    }

    /// The URL under this rule, where it applies.
    fn apply(&self, url: &str) -> Option<String> {
        Some(format!("{}{}", self.to, url.strip_prefix(&self.from)?))
    }
}

/// What goes where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moves {
    /// The address of the index now and afterwards; none where the lock names no index.
    pub from: Option<String>,
    /// The address afterwards.
    pub to: String,
    /// Rules for the URLs of files; the first that applies counts.
    pub rules: Vec<Rule>,
    /// For the URL of a file as [`FileUrl::url`] gives it, its URL at the other index.
    pub files: BTreeMap<String, String>,
}

/// A file whose URL stands in a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileUrl<'a> {
    /// As written, which may have credentials and a fragment.
    pub url: &'a str,
    /// Whose file.
    pub project: &'a ProjectName,
    /// Its name.
    pub name: &'a str,
    /// The digests that the lock has for it.
    pub digests: &'a [Digest],
    /// Where it stands.
    pub place: &'a Place,
}

impl Movable {
    /// Reads a lock.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(format: LockFormat, file: &str, bytes: &[u8]) -> Result<Self, Vec<SourceError>> {
        let (document, urls) = document::parse_with_urls(format, file, bytes)?;
        let mark = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        Ok(Self { document, urls, bytes: bytes.to_vec(), mark })
    }

    /// The lock as it is.
    #[must_use]
    pub fn document(&self) -> &LockDocument {
        &self.document
    }

    /// The addresses of the indexes, each once, without credentials and in one form.
    #[must_use]
    pub fn indexes(&self) -> Vec<String> {
        let indexes = self.urls.iter().filter(|url| url.role == UrlRole::Index);
        let indexes: BTreeSet<String> = indexes.map(|url| address(&url.text)).collect();
        indexes.into_iter().collect()
    }

    /// Whether a URL of the lock has credentials; they are left out of what is moved.
    #[must_use]
    pub fn has_credentials(&self) -> bool {
        self.urls.iter().any(|url| without_credentials(&url.text) != url.text)
    }

    /// Which index moves: the one that is asked for, else the only one there is besides the new
    /// one; none where the lock names no other.
    ///
    /// # Errors
    /// When it is not in the lock, or there are several; when an address cannot be one.
    pub fn from(&self, asked: Option<&str>, to: &str) -> Result<Option<String>, RelockError> {
        let given = asked.into_iter().chain([to]);
        if let Some(wrong) = given.into_iter().find(|address| !is_address(address)) {
            return Err(RelockError::Address { address: without_credentials(wrong) });
        }
        let file = self.document.file.clone();
        let indexes = self.indexes();
        if let Some(asked) = asked.map(address) {
            return match indexes.is_empty() || indexes.contains(&asked) {
                true => Ok(Some(asked)),
                // It moved already.
                false if indexes.contains(&address(to)) => Ok(Some(asked)),
                false => Err(RelockError::NotNamed { file, asked, found: indexes }),
            };
        }
        let mut others: Vec<String> =
            indexes.into_iter().filter(|index| *index != address(to)).collect();
        match others.len() {
            0 | 1 => Ok(others.pop()),
            _ => Err(RelockError::Several { file, indexes: others }),
        }
    }

    /// The files that have to be found at the new index: those of the index that moves, of the new
    /// one, and of entries that name none; without those for which a rule speaks.
    ///
    /// # Errors
    /// Files without a name, all of them.
    pub fn files(&self, moves: &Moves) -> Result<Vec<FileUrl<'_>>, Vec<RelockError>> {
        let (mut files, mut errors) = (Vec::new(), Vec::new());
        for url in &self.urls {
            let UrlRole::File { project, index, name, digests } = &url.role else { continue };
            if !moves.concerns(index.as_deref()) || moves.by_rule(&url.text).is_some() {
                continue;
            }
            match name {
                None => errors.push(RelockError::Unnamed { place: url.place.clone() }),
                Some(name) => {
                    let (url, place) = (url.text.as_str(), &url.place);
                    files.push(FileUrl { url, project, name, digests, place });
                }
            }
        }
        if errors.is_empty() { Ok(files) } else { Err(errors) }
    }

    /// URLs that do not stand where they would after the moves, with what would stand there.
    ///
    /// # Errors
    /// URLs that cannot be moved, all of them.
    pub fn differences(&self, moves: &Moves) -> Result<Vec<(&Place, String)>, Vec<RelockError>> {
        let (mut edits, mut errors) = (Vec::new(), Vec::new());
        for url in &self.urls {
            match moves.new_url(url) {
                Ok(Some(new)) if new == url.text => {}
                Ok(None) => {}
                Ok(Some(_)) if !url.is_plain => {
                    errors.push(RelockError::Escaped { place: url.place.clone() });
                }
                Ok(Some(new)) => edits.push((&url.place, new)),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(edits) } else { Err(errors) }
    }

    /// The lock after the moves, read back and compared.
    ///
    /// # Errors
    /// Everything that keeps it from being moved.
    pub fn moved(&self, moves: &Moves) -> Result<Vec<u8>, Vec<RelockError>> {
        let edits = self.differences(moves)?;
        let mut bytes = Vec::with_capacity(self.bytes.len());
        let mut at = 0;
        for (place, new) in edits {
            let span: Range<usize> = place.span.start + self.mark..place.span.end + self.mark;
            if span.start < at {
                // One URL that two readings found.
                continue;
            }
            bytes.extend_from_slice(&self.bytes[at..span.start]);
            bytes.extend_from_slice(new.as_bytes());
            at = span.end;
        }
        bytes.extend_from_slice(&self.bytes[at..]);
        let LockDocument { format, file, .. } = &self.document;
        let same = document::parse_as(*format, file, &bytes)
            .is_ok_and(|after| is_same(&self.document, &after));
        if same { Ok(bytes) } else { Err(vec![RelockError::Changed { file: file.clone() }]) }
    }
}

impl Moves {
    /// Whether files of an entry that names this index move.
    fn concerns(&self, index: Option<&str>) -> bool {
        let Some(index) = index.map(address) else { return true };
        self.from.as_deref().map(address) == Some(index.clone()) || index == address(&self.to)
    }

    fn by_rule(&self, url: &str) -> Option<String> {
        // After the move the rule's other side applies, and nothing changes.
        let done = self.rules.iter().any(|rule| {
            url.starts_with(&rule.to)
                && (rule.to.starts_with(&rule.from) || !url.starts_with(&rule.from))
        });
        if done {
            return Some(url.to_owned());
        }
        self.rules.iter().find_map(|rule| rule.apply(&without_credentials(url)))
    }

    /// Where a URL goes; nowhere for what this is not about.
    fn new_url(&self, url: &LockUrl) -> Result<Option<String>, RelockError> {
        match &url.role {
            UrlRole::Index => {
                let from = self.from.as_deref().map(address);
                if from.as_ref() != Some(&address(&url.text)) {
                    return Ok(None);
                }
                // A slash at the end is kept as it was, so that the way back is exact.
                let slash = if url.text.ends_with('/') { "/" } else { "" };
                let to = without_credentials(self.to.trim_end_matches('/'));
                Ok(Some(format!("{to}{slash}")))
            }
            UrlRole::Direct => Ok(self.by_rule(&url.text)),
            UrlRole::File { index, name, .. } => {
                if let Some(new) = self.by_rule(&url.text) {
                    return Ok(Some(new));
                }
                if !self.concerns(index.as_deref()) {
                    return Ok(None);
                }
                let Some(new) = self.files.get(&url.text) else {
                    let name = name.clone().unwrap_or_default();
                    return Err(RelockError::Unknown { place: url.place.clone(), name });
                };
                // Digests in the fragment belong to the lock.
                let fragment = url.text.split_once('#').map(|(_, fragment)| fragment);
                let new = without_credentials(new.split('#').next().unwrap_or_default());
                Ok(Some(match fragment {
                    Some(fragment) => format!("{new}#{fragment}"),
                    None => new,
                }))
            }
        }
    }
}

/// One form for the addresses of one index: without credentials and a slash at the end.
#[must_use]
pub fn address(url: &str) -> String {
    let url = without_credentials(url);
    let parsed = Url::parse(&url).map_or(url, |parsed| parsed.to_string());
    parsed.trim_end_matches('/').to_owned()
}

/// Whether a text is the address of something that can be fetched and stand in any lock.
fn is_address(text: &str) -> bool {
    let is_safe = |c: char| !c.is_whitespace() && !c.is_control() && !"\"'\\<>`{}#".contains(c);
    text.chars().all(is_safe)
        && Url::parse(text)
            .is_ok_and(|url| matches!(url.scheme(), "https" | "http") && url.host().is_some())
}

/// Whether two documents say the same of everything but where things are.
fn is_same(before: &LockDocument, after: &LockDocument) -> bool {
    let packages = |document: &LockDocument| {
        document.packages.iter().map(without_places).collect::<Vec<LockPackage>>()
    };
    before.format_version == after.format_version
        && before.requires_python == after.requires_python
        && before.indexes.len() == after.indexes.len()
        && before.notes.len() == after.notes.len()
        && packages(before) == packages(after)
}

fn without_places(package: &LockPackage) -> LockPackage {
    let mut package = package.clone();
    let nowhere = |place: &mut Place| {
        (place.line, place.column, place.span) = (place.line, 0, 0..0);
    };
    nowhere(&mut package.place);
    for file in &mut package.files {
        nowhere(&mut file.place);
        file.url = file.url.as_ref().map(|_| String::new());
    }
    match &mut package.source {
        LockSource::Index(index) => *index = index.as_ref().map(|_| String::new()),
        LockSource::Url(url) | LockSource::Vcs { url, .. } => url.clear(),
        LockSource::Path(_) | LockSource::Directory { .. } => {}
    }
    package
}

#[cfg(test)]
mod tests;
