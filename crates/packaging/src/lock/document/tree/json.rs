//! JSON.
//!
//! `serde_json` reads without places; what it borrows from the text tells by its address where it
//! stood. Each level is read once more for its parts, so the depth has a limit of its own.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Entry, Node, Value, nothing, too_deep};
use crate::lock::source::Source;
use crate::lock::{SourceError, codes};

/// How deep values may nest; each level costs a pass over what is in it.
const MAXIMUM_DEPTH: usize = 16;

pub(super) fn parse(source: &Source) -> (Node<'_>, Vec<SourceError>) {
    match serde_json::from_str::<&RawValue>(source.text()) {
        Ok(raw) => {
            let mut errors = Vec::new();
            let node = node(raw, source, 0, &mut errors);
            (node, errors)
        }
        Err(error) => {
            let at = position(source.text(), error.line(), error.column());
            (nothing(0..0), vec![source.error(codes::SYNTAX, message(&error), at..at)])
        }
    }
}

/// The message without the place, which is told apart from it.
fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or("no JSON").to_owned()
}

/// `serde_json` counts lines by LF and columns in bytes, from 1; column 0 is the line end before.
fn position(text: &str, line: usize, column: usize) -> usize {
    let mut start = 0;
    for _ in 1..line {
        start += text[start..].find('\n').map_or(0, |at| at + 1);
    }
    let mut at = (start + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Where a part of the text stands; `None` for a text that is not part of it.
fn span_of(source: &Source, part: &str) -> Option<Range<usize>> {
    let (base, length) = (source.text().as_ptr() as usize, source.text().len());
    let start = (part.as_ptr() as usize).checked_sub(base)?;
    (start + part.len() <= length).then(|| start..start + part.len())
}

fn node<'a>(
    raw: &'a RawValue,
    source: &Source,
    depth: usize,
    errors: &mut Vec<SourceError>,
) -> Node<'a> {
    let text = raw.get();
    let span = span_of(source, text).unwrap_or(0..0);
    if depth > MAXIMUM_DEPTH {
        errors.push(too_deep(source, span.clone()));
        return nothing(span);
    }
    let read = || -> Result<Parts<'a>, serde_json::Error> {
        Ok(match text.as_bytes().first() {
            Some(b'{') => Parts::Table(serde_json::from_str(text)?),
            Some(b'[') => Parts::List(serde_json::from_str(text)?),
            Some(b'"') => Parts::Text(serde_json::from_str::<Text<'a>>(text)?.0),
            Some(b't') => Parts::Plain(Value::Boolean(true)),
            Some(b'f') => Parts::Plain(Value::Boolean(false)),
            Some(b'n') => Parts::Plain(Value::Null),
            _ => Parts::Plain(Value::Bare(Cow::Borrowed(text))),
        })
    };
    let value = match read() {
        Err(error) => {
            errors.push(source.error(codes::SYNTAX, message(&error), span.clone()));
            Value::Null
        }
        Ok(Parts::Plain(value)) => value,
        Ok(Parts::Text(text)) => Value::Text(text),
        Ok(Parts::List(items)) => Value::List(
            items.into_iter().map(|item| node(item, source, depth + 1, errors)).collect(),
        ),
        Ok(Parts::Table(Pairs(pairs))) => Value::Table(
            pairs
                .into_iter()
                .map(|(Text(key), raw)| {
                    let node = node(raw, source, depth + 1, errors);
                    // A key with escapes is not part of the text; then its value tells the place.
                    let key_span = span_of(source, &key).unwrap_or(node.span.clone());
                    Entry { key, key_span, node }
                })
                .collect(),
        ),
    };
    Node { value, span }
}

enum Parts<'a> {
    Plain(Value<'a>),
    Text(Cow<'a, str>),
    List(Vec<&'a RawValue>),
    Table(Pairs<'a>),
}

/// A string, borrowed where it has no escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

/// The entries of an object in their order, also those whose key stands twice.
struct Pairs<'a>(Vec<(Text<'a>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;
        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(PairsVisitor)
    }
}
