//! TOML, JSON and YAML as one tree whose every value knows where it stands.
//!
//! Decides nothing but the syntax: what a value means is for the reader of a format. Numbers and
//! times are kept as they are written, tables in the order of the file. What two parsers could take
//! differently is refused: a key that stands twice, more than one document of YAML.
//!
//! Specifications: <https://toml.io/en/v1.1.0>, RFC 8259, <https://yaml.org/spec/1.2.2/>.

use std::borrow::Cow;
use std::ops::Range;

use crate::lock::source::Source;
use crate::lock::{SourceError, codes};

mod json;
mod toml;
mod yaml;

/// How deep values may nest.
const MAXIMUM_DEPTH: usize = 32;

/// A syntax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    Toml,
    Json,
    Yaml,
}

/// A value and its bytes in the file, quotation marks included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node<'a> {
    pub(super) value: Value<'a>,
    pub(super) span: Range<usize>,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Null,
    Boolean(bool),
    /// A number or a time, as written.
    Bare(Cow<'a, str>),
    Text(Cow<'a, str>),
    List(Vec<Node<'a>>),
    Table(Vec<Entry<'a>>),
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub(super) key: Cow<'a, str>,
    pub(super) key_span: Range<usize>,
    pub(super) node: Node<'a>,
}

impl Value<'_> {
    /// What it is, with an article.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Boolean(_) => "true or false",
            Self::Bare(_) => "a number or a time",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// Reads a text.
///
/// # Errors
/// Everything that is wrong with the syntax; JSON and YAML tell the first mistake only.
pub(super) fn parse(source: &Source, syntax: Syntax) -> Result<Node<'_>, Vec<SourceError>> {
    let (node, errors) = match syntax {
        Syntax::Toml => toml::parse(source),
        Syntax::Json => json::parse(source),
        Syntax::Yaml => yaml::parse(source),
    };
    let errors: Vec<SourceError> = errors.into_iter().chain(repeated(source, &node)).collect();
    if errors.is_empty() { Ok(node) } else { Err(errors) }
}

/// Keys that stand twice in a table; the parsers of JSON leave them to us.
fn repeated(source: &Source, node: &Node<'_>) -> Vec<SourceError> {
    let mut errors = Vec::new();
    let mut pending = vec![node];
    while let Some(node) = pending.pop() {
        match &node.value {
            Value::List(items) => pending.extend(items),
            Value::Table(entries) => {
                pending.extend(entries.iter().map(|entry| &entry.node));
                let mut seen = std::collections::HashSet::with_capacity(entries.len());
                for entry in entries {
                    if !seen.insert(entry.key.as_ref()) {
                        let message = format!("the key `{}` stands twice", entry.key);
                        errors.push(source.error(codes::SYNTAX, message, entry.key_span.clone()));
                    }
                }
            }
            _ => {}
        }
    }
    errors.sort_by_key(|error| error.place.span.start);
    errors
}

fn too_deep(source: &Source, span: Range<usize>) -> SourceError {
    let message = format!("values that nest more than {MAXIMUM_DEPTH} deep are not read");
    source.error(codes::TOO_LARGE, message, span)
}

const fn nothing(span: Range<usize>) -> Node<'static> {
    Node { value: Value::Null, span }
}

#[cfg(test)]
mod tests;
