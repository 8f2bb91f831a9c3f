//! TOML.

use ::toml::Spanned;
use ::toml::de::{DeTable, DeValue};

use super::{Entry, MAXIMUM_DEPTH, Node, Value, nothing, too_deep};
use crate::lock::document::reader::MOST_MISTAKES;
use crate::lock::source::Source;
use crate::lock::{SourceError, codes};

pub(super) fn parse(source: &Source) -> (Node<'_>, Vec<SourceError>) {
    let (document, errors) = DeTable::parse_recoverable(source.text());
    if !errors.is_empty() {
        let error = |error: &::toml::de::Error| {
            let span = error.span().unwrap_or(0..0);
            source.error(codes::SYNTAX, error.message().to_owned(), span)
        };
        // What follows the first mistake of a line is mostly an echo of it.
        let mut told: Vec<SourceError> = Vec::new();
        for error in errors.iter().map(error) {
            let line = error.place.line;
            if told.len() < MOST_MISTAKES && !told.iter().any(|other| other.place.line == line) {
                told.push(error);
            }
        }
        return (nothing(0..0), told);
    }
    let mut errors = Vec::new();
    let table = table(document.into_inner(), source, 0, &mut errors);
    (Node { value: table, span: 0..0 }, errors)
}

fn table<'a>(
    table: DeTable<'a>,
    source: &Source,
    depth: usize,
    errors: &mut Vec<SourceError>,
) -> Value<'a> {
    let entries = table.into_iter().map(|(key, value)| {
        let key_span = key.span();
        Entry { key: key.into_inner(), key_span, node: node(value, source, depth + 1, errors) }
    });
    let mut entries: Vec<Entry<'a>> = entries.collect();
    // The parser sorts keys.
    entries.sort_by_key(|entry| entry.key_span.start);
    Value::Table(entries)
}

fn node<'a>(
    value: Spanned<DeValue<'a>>,
    source: &Source,
    depth: usize,
    errors: &mut Vec<SourceError>,
) -> Node<'a> {
    let span = value.span();
    if depth > MAXIMUM_DEPTH {
        errors.push(too_deep(source, span.clone()));
        return nothing(span);
    }
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Text(text),
        DeValue::Boolean(flag) => Value::Boolean(flag),
        DeValue::Integer(number) => Value::Bare(number.as_str().replace('_', "").into()),
        DeValue::Float(number) => Value::Bare(number.as_str().to_owned().into()),
        DeValue::Datetime(time) => Value::Bare(time.to_string().into()),
        DeValue::Array(items) => Value::List(
            items.into_iter().map(|item| node(item, source, depth + 1, errors)).collect(),
        ),
        DeValue::Table(entries) => table(entries, source, depth, errors),
    };
    Node { value, span }
}
