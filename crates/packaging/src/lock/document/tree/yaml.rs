//! YAML.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::{Entry, MAXIMUM_DEPTH, Node, Value, nothing, too_deep};
use crate::lock::source::Source;
use crate::lock::{SourceError, codes};

/// The most values; a lock of a hundred thousand entries has about thirty for each.
const MAXIMUM_NODES: usize = 4_000_000;

pub(super) fn parse(source: &Source) -> (Node<'_>, Vec<SourceError>) {
    // No tool writes aliases, which would make a small file a large one.
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_nodes: MAXIMUM_NODES,
            max_events: 2 * MAXIMUM_NODES,
            max_aliases: 0,
        },
    };
    match serde_saphyr::from_str_with_options::<Spanned<Parsed>>(source.text(), options) {
        Ok(parsed) => {
            let mut errors = Vec::new();
            let node = node(parsed, source, 0, &mut errors);
            (node, errors)
        }
        Err(error) => {
            let span = error.location().map_or(0..0, |at| {
                let at = position(source.text(), at.line(), at.column());
                at..at
            });
            let text = error.without_snippet().to_string();
            let message = text.lines().next().unwrap_or("no YAML");
            let message = message.split(" at line ").next().unwrap_or(message).to_owned();
            (nothing(0..0), vec![source.error(codes::SYNTAX, message, span)])
        }
    }
}

/// Lines and columns count characters from 1.
fn position(text: &str, line: u64, column: u64) -> usize {
    let mut start = 0;
    for _ in 1..line {
        start += text[start..].find('\n').map_or(0, |at| at + 1);
    }
    let skipped = usize::try_from(column.saturating_sub(1)).unwrap_or(usize::MAX);
    text[start..].char_indices().nth(skipped).map_or(text.len(), |(at, _)| start + at)
}

/// What the parser gives; scalars are read from the text once more, as they are written.
enum Parsed {
    Null,
    Boolean(bool),
    Number,
    Text(String),
    List(Vec<Spanned<Parsed>>),
    Table(Vec<(Spanned<String>, Spanned<Parsed>)>),
}

impl<'de> Deserialize<'de> for Parsed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ParsedVisitor)
    }
}

struct ParsedVisitor;

impl<'de> Visitor<'de> for ParsedVisitor {
    type Value = Parsed;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Parsed, E> {
        Ok(Parsed::Null)
    }

    fn visit_none<E>(self) -> Result<Parsed, E> {
        Ok(Parsed::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Parsed, D::Error> {
        inner.deserialize_any(self)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Parsed, E> {
        Ok(Parsed::Boolean(flag))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Parsed, E> {
        Ok(Parsed::Number)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Parsed, E> {
        Ok(Parsed::Number)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Parsed, E> {
        Ok(Parsed::Number)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Parsed, E> {
        Ok(Parsed::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Parsed, E> {
        Ok(Parsed::Number)
    }

    fn visit_str<E>(self, text: &str) -> Result<Parsed, E> {
        Ok(Parsed::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Parsed, E> {
        Ok(Parsed::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Parsed, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Parsed::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parsed, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Parsed::Table(pairs))
    }
}

fn span_of<T>(spanned: &Spanned<T>, text: &str) -> Range<usize> {
    let span = spanned.referenced.span();
    let bytes = || {
        let start = usize::try_from(span.byte_offset()?).ok()?;
        let end = start + usize::try_from(span.byte_len()?).ok()?;
        text.get(start..end).map(|_| start..end)
    };
    bytes().unwrap_or_else(|| {
        let at = position(text, spanned.referenced.line(), spanned.referenced.column());
        at..at
    })
}

fn node<'a>(
    parsed: Spanned<Parsed>,
    source: &'a Source,
    depth: usize,
    errors: &mut Vec<SourceError>,
) -> Node<'a> {
    let span = span_of(&parsed, source.text());
    if depth > MAXIMUM_DEPTH {
        errors.push(too_deep(source, span.clone()));
        return nothing(span);
    }
    let value = match parsed.value {
        Parsed::Null => Value::Null,
        Parsed::Boolean(flag) => Value::Boolean(flag),
        Parsed::Number => Value::Bare(Cow::Borrowed(source.text()[span.clone()].trim())),
        Parsed::Text(text) => Value::Text(text.into()),
        Parsed::List(items) => Value::List(
            items.into_iter().map(|item| node(item, source, depth + 1, errors)).collect(),
        ),
        Parsed::Table(pairs) => Value::Table(
            pairs
                .into_iter()
                .map(|(key, value)| Entry {
                    key_span: span_of(&key, source.text()),
                    key: key.value.into(),
                    node: node(value, source, depth + 1, errors),
                })
                .collect(),
        ),
    };
    Node { value, span }
}
