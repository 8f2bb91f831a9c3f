//! Typed access to the tree of a lock, with places. What is wrong is put away and reading goes on,
//! so that one run shows everything.

use std::ops::Range;
use std::str::FromStr;

use super::tree::{Entry, Node, Value};
use super::{FileEntry, LockUrl, UrlRole};
use crate::digest::{Algorithm, Digest};
use crate::lock::reference;
use crate::lock::source::Source;
use crate::lock::{Place, SourceError, codes};
use crate::name::{ExtraName, ProjectName};
use crate::requirement::Requirement;
use crate::version::{Version, VersionSpecifiers};

/// The most mistakes that are told of one file.
pub(super) const MOST_MISTAKES: usize = 200;

/// The longest message, in characters: what is quoted may be of any length.
const LONGEST_MESSAGE: usize = 300;

/// What is read, what was wrong so far, and the URLs that were met.
pub(super) struct Reader<'a> {
    pub(super) source: &'a Source,
    pub(super) errors: Vec<SourceError>,
    pub(super) notes: Vec<String>,
    pub(super) urls: Vec<LockUrl>,
    /// Whether a number may be a text that lacks quotation marks, as in YAML: `1.10` is a version,
    /// and a digest can consist of digits.
    pub(super) bare_texts: bool,
    /// Whether URLs are remembered for those who move locks.
    pub(super) keeps_urls: bool,
}

/// A table.
#[derive(Clone, Copy)]
pub(super) struct Table<'a> {
    pub(super) entries: &'a [Entry<'a>],
    start: usize,
    end: usize,
}

/// A text and its place.
#[derive(Clone)]
pub(super) struct Text<'a> {
    pub(super) value: &'a str,
    pub(super) span: Range<usize>,
}

impl<'a> Table<'a> {
    pub(super) fn span(&self) -> Range<usize> {
        self.start..self.end
    }

    pub(super) fn get(&self, key: &str) -> Option<&'a Node<'a>> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a Source) -> Self {
        let (errors, notes, urls) = (Vec::new(), Vec::new(), Vec::new());
        Self { source, errors, notes, urls, bare_texts: false, keeps_urls: false }
    }

    pub(super) fn place(&self, span: Range<usize>) -> Place {
        self.source.place(span)
    }

    pub(super) fn error(&mut self, code: &'static str, message: String, span: Range<usize>) {
        let place = self.place(span);
        self.push(SourceError::new(code, message, place));
    }

    pub(super) fn hinted(
        &mut self,
        code: &'static str,
        message: String,
        span: Range<usize>,
        hint: &str,
    ) {
        let place = self.place(span);
        self.push(SourceError::new(code, message, place).with_hint(hint));
    }

    /// Adds a mistake; of too many one more, which says so.
    pub(super) fn push(&mut self, mut error: SourceError) {
        if self.errors.len() > MOST_MISTAKES {
            return;
        }
        if self.errors.len() == MOST_MISTAKES {
            error.code = codes::TOO_LARGE;
            error.message = format!("there are more mistakes than the {MOST_MISTAKES} shown");
            error.hint = None;
        }
        if let Some((end, _)) = error.message.char_indices().nth(LONGEST_MESSAGE) {
            error.message.truncate(end);
            error.message.push('…');
        }
        self.errors.push(error);
    }

    /// A note about a place.
    pub(super) fn note(&mut self, message: &str, span: Range<usize>) {
        let place = self.place(span);
        self.notes.push(format!("{place}: {message}"));
    }

    fn wrong_type(&mut self, what: &str, expected: &str, node: &Node<'_>) {
        let message = format!("`{what}` must be {expected}, found {}", node.value.kind());
        self.error(codes::INVALID_VALUE, message, node.span.clone());
    }

    pub(super) fn missing(&mut self, within: Table<'_>, key: &str) {
        self.error(codes::MISSING_KEY, format!("`{key}` is missing"), within.span());
    }

    pub(super) fn expect_table(&mut self, what: &str, node: &'a Node<'a>) -> Option<Table<'a>> {
        let Value::Table(entries) = &node.value else {
            self.wrong_type(what, "a table", node);
            return None;
        };
        Some(Table { entries, start: node.span.start, end: node.span.end })
    }

    pub(super) fn expect_text(&mut self, what: &str, node: &'a Node<'a>) -> Option<Text<'a>> {
        let text = match &node.value {
            Value::Text(text) => text,
            Value::Bare(text) if self.bare_texts => text,
            _ => {
                self.wrong_type(what, "a text", node);
                return None;
            }
        };
        if let Some(found) =
            text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t' | '\r'))
        {
            let message = format!("`{what}` contains {found:?}");
            self.error(codes::CONTROL_CHARACTER, message, node.span.clone());
            return None;
        }
        Some(Text { value: text, span: node.span.clone() })
    }

    pub(super) fn expect_list(&mut self, what: &str, node: &'a Node<'a>) -> Option<&'a [Node<'a>]> {
        let Value::List(items) = &node.value else {
            self.wrong_type(what, "a list", node);
            return None;
        };
        Some(items)
    }

    pub(super) fn table(&mut self, within: Table<'a>, key: &str) -> Option<Table<'a>> {
        self.expect_table(key, within.get(key)?)
    }

    pub(super) fn required_table(&mut self, within: Table<'a>, key: &str) -> Option<Table<'a>> {
        if !within.has(key) {
            self.missing(within, key);
        }
        self.table(within, key)
    }

    pub(super) fn list(&mut self, within: Table<'a>, key: &str) -> &'a [Node<'a>] {
        within.get(key).and_then(|node| self.expect_list(key, node)).unwrap_or_default()
    }

    pub(super) fn tables(&mut self, within: Table<'a>, key: &str) -> Vec<Table<'a>> {
        let items = self.list(within, key);
        items.iter().filter_map(|item| self.expect_table(key, item)).collect()
    }

    pub(super) fn text(&mut self, within: Table<'a>, key: &str) -> Option<Text<'a>> {
        self.expect_text(key, within.get(key)?)
    }

    pub(super) fn owned(&mut self, within: Table<'a>, key: &str) -> Option<String> {
        self.text(within, key).map(|text| text.value.to_owned())
    }

    pub(super) fn required(&mut self, within: Table<'a>, key: &str) -> Option<Text<'a>> {
        if !within.has(key) {
            self.missing(within, key);
        }
        self.text(within, key)
    }

    pub(super) fn texts(&mut self, within: Table<'a>, key: &str) -> Vec<Text<'a>> {
        let items = self.list(within, key);
        items.iter().filter_map(|item| self.expect_text(key, item)).collect()
    }

    pub(super) fn owned_texts(&mut self, within: Table<'a>, key: &str) -> Vec<String> {
        self.texts(within, key).into_iter().map(|text| text.value.to_owned()).collect()
    }

    pub(super) fn boolean(&mut self, within: Table<'a>, key: &str) -> bool {
        match within.get(key).map(|node| (&node.value, node)) {
            None => false,
            Some((Value::Boolean(flag), _)) => *flag,
            Some((_, node)) => {
                self.wrong_type(key, "true or false", node);
                false
            }
        }
    }

    /// A number of bytes.
    pub(super) fn size(&mut self, within: Table<'a>, key: &str) -> Option<u64> {
        let node = within.get(key)?;
        let number = match &node.value {
            Value::Bare(number) => number.parse().ok(),
            _ => None,
        };
        if number.is_none() {
            self.wrong_type(key, "a size in bytes", node);
        }
        number
    }

    /// A text or a number or time, as written.
    pub(super) fn scalar(&mut self, within: Table<'a>, key: &str) -> Option<Text<'a>> {
        let node = within.get(key)?;
        match &node.value {
            Value::Bare(value) => Some(Text { value, span: node.span.clone() }),
            _ => self.expect_text(key, node),
        }
    }

    pub(super) fn name(&mut self, text: &Text<'a>) -> Option<ProjectName> {
        match ProjectName::parse(text.value) {
            Ok(name) => Some(name),
            Err(error) => {
                self.error(codes::INVALID_VALUE, error.to_string(), text.span.clone());
                None
            }
        }
    }

    pub(super) fn version(&mut self, text: &Text<'a>) -> Option<Version> {
        if let Ok(version) = Version::from_str(text.value) {
            return Some(version);
        }
        let message = format!("`{}` is no version according to PEP 440", text.value);
        self.error(codes::INVALID_VALUE, message, text.span.clone());
        None
    }

    /// The name of a requirement such as `idna>=2.8; python_version < "3.9"`, and whether it has a
    /// marker.
    pub(super) fn requirement(&mut self, text: &Text<'a>) -> Option<Requirement> {
        match Requirement::parse(text.value) {
            Ok(requirement) => Some(requirement),
            Err(error) => {
                self.error(codes::INVALID_VALUE, error.message, text.span.clone());
                None
            }
        }
    }

    pub(super) fn extras(&mut self, within: Table<'a>, key: &str) -> Vec<ExtraName> {
        let mut extras = Vec::new();
        for text in self.texts(within, key) {
            match ExtraName::parse(text.value) {
                Ok(extra) => extras.push(extra),
                Err(error) => self.error(codes::INVALID_VALUE, error.to_string(), text.span),
            }
        }
        extras
    }

    /// Versions of Python in PEP 440's form; other forms are the format's own and not read.
    pub(super) fn python(&mut self, within: Table<'a>, key: &str) -> Option<VersionSpecifiers> {
        self.text(within, key)?.value.parse().ok()
    }

    /// `algorithm:hexadecimal`.
    pub(super) fn digest(&mut self, text: &Text<'a>) -> Option<Digest> {
        match Digest::parse(text.value) {
            Ok(digest) => Some(digest),
            Err(error) => {
                self.error(codes::MALFORMED_DIGEST, error.to_string(), text.span.clone());
                None
            }
        }
    }

    /// `{sha256 = "…"}`.
    pub(super) fn digest_table(&mut self, table: Table<'a>) -> Vec<Digest> {
        let mut digests = Vec::new();
        for entry in table.entries {
            let Some(algorithm) = Algorithm::parse(&entry.key) else {
                let message = format!("unknown hash algorithm `{}`", entry.key);
                self.error(codes::MALFORMED_DIGEST, message, entry.key_span.clone());
                continue;
            };
            let Some(text) = self.expect_text(&entry.key, &entry.node) else { continue };
            match Digest::parse_hex(algorithm, text.value) {
                Ok(digest) => digests.push(digest),
                Err(error) => self.error(codes::MALFORMED_DIGEST, error.to_string(), text.span),
            }
        }
        digests
    }

    /// The bytes of a text without its quotation marks, where it is written without escapes.
    fn content(&self, text: &Text<'_>) -> Option<Range<usize>> {
        let raw = &self.source.text()[text.span.clone()];
        let quotes = (raw.len().checked_sub(text.value.len())?) / 2;
        let span = text.span.start + quotes..text.span.start + quotes + text.value.len();
        (self.source.text().get(span.clone()) == Some(text.value)).then_some(span)
    }

    /// Remembers a URL for those who move locks, and gives it without credentials.
    pub(super) fn url(&mut self, text: &Text<'a>, role: UrlRole) -> String {
        let shown = without_credentials(text.value);
        if self.keeps_urls && reference::is_url(text.value) {
            let content = self.content(text);
            let place = self.place(content.clone().unwrap_or(text.span.clone()));
            let is_plain = content.is_some();
            self.urls.push(LockUrl { role, text: text.value.to_owned(), place, is_plain });
        }
        shown
    }

    /// A file of a project, perhaps of an index, at a URL or path. Digests in the URL's fragment count as those beside it.
    pub(super) fn file(
        &mut self,
        (project, index): (&ProjectName, Option<&str>),
        location: &Text<'a>,
        name: Option<String>,
        digests: Vec<Digest>,
        place: Range<usize>,
    ) -> FileEntry {
        let digests = self.with_fragment(location, digests);
        let name = name.or_else(|| last_segment(location.value));
        let url = if self.keeps_urls {
            let (index, name) = (index.map(str::to_owned), name.clone());
            let (project, digests) = (project.clone(), digests.clone());
            self.url(location, UrlRole::File { project, index, name, digests })
        } else {
            without_credentials(location.value)
        };
        let url = Some(url);
        FileEntry { name, url, digests, size: None, uploaded: None, place: self.place(place) }
    }

    pub(super) fn with_fragment(
        &mut self,
        location: &Text<'a>,
        mut digests: Vec<Digest>,
    ) -> Vec<Digest> {
        for digest in fragment_digests(location.value) {
            if digests.contains(&digest) {
                continue;
            }
            if digests.iter().any(|other| other.algorithm() == digest.algorithm()) {
                let message = "the digest in the URL is not the one beside it".to_owned();
                self.error(codes::DIGEST_CONFLICT, message, location.span.clone());
                continue;
            }
            digests.push(digest);
        }
        digests
    }
}

/// The file's name in a URL or path; none for a URL that ends with a folder.
pub(super) fn last_segment(location: &str) -> Option<String> {
    let last = if reference::is_url(location) {
        let address = location.split('#').next().unwrap_or_default();
        reference::last_segment(address)?
    } else {
        location.rsplit(['/', '\\']).next()?.to_owned()
    };
    (!last.is_empty()).then_some(last)
}

/// Digests in the fragment of a URL; what else stands there is for the caller.
fn fragment_digests(location: &str) -> Vec<Digest> {
    let Some((_, fragment)) = location.split_once('#') else { return Vec::new() };
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        Digest::parse_hex(Algorithm::parse(name)?, value).ok()
    };
    fragment.split('&').filter_map(pair).collect()
}

/// A URL without user and password. `git@` stays: it is no secret, and other addresses mean
/// something else.
pub fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) if &rest[..at] != "git" => format!("{scheme}://{}", &rest[at + 1..]),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_left_out() {
        let check = |url: &str, expect: &str| assert_eq!(without_credentials(url), expect, "{url}");
        check("https://u:p@h/x", "https://h/x");
        check("https://u:p@x@h", "https://h");
        check("https://${TOKEN}@h/x@1", "https://h/x@1");
        check("https://h/x@1", "https://h/x@1");
        check("git+ssh://git@h/x@main", "git+ssh://git@h/x@main");
        check("git+ssh://bob:secret@h/x", "git+ssh://h/x");
        check("./a@b", "./a@b");
    }
}
