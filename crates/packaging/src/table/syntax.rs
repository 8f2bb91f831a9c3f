//! Broken syntax beside other mistakes, and files that are not texts.

use std::collections::BTreeSet;

use toml::de::{DeTable, DeValue};

use super::MOST_MISTAKES;
use crate::lock::SourceError;
use crate::lock::codes::{ENCODING, MISSING_KEY, SYNTAX, TOO_LARGE};
use crate::lock::source::Source;

/// The text of a file of at most `limit` bytes, without its byte order mark.
///
/// # Errors
/// When it is larger, or not UTF-8.
pub fn parse_utf8<'a>(file: &str, bytes: &'a [u8], limit: usize) -> Result<&'a str, SourceError> {
    let length = bytes.len();
    if length > limit {
        let message = format!("the file has {length} bytes, at most {limit} are read");
        return Err(Source::new(file, String::new()).error(TOO_LARGE, message, 0..0));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let at = error.valid_up_to();
            let before = String::from_utf8_lossy(&bytes[..at]).into_owned();
            Err(Source::new(file, before).error(ENCODING, "the file is not UTF-8", at..at))
        }
    }
}

/// Mistakes of both kinds in the order of the file.
///
/// The parser goes on after broken syntax, so that other mistakes are seen too; but it may have
/// lost a key there, and whatever stands on a broken line is not what was meant.
#[must_use]
pub fn collect_mistakes(
    source: &Source,
    document: &DeTable<'_>,
    broken: &[toml::de::Error],
    mistakes: Vec<SourceError>,
) -> Vec<SourceError> {
    let mut dates = BTreeSet::new();
    collect_dates(document, &mut dates);
    let mut errors = Vec::new();
    let mut lines = BTreeSet::new();
    // One mistake in a quotation mark may break every line after it.
    for error in broken.iter().take(MOST_MISTAKES) {
        let span = error.span().unwrap_or(0..0);
        // A day that the calendar does not have is told with the name of its key.
        if dates.contains(&(span.start, span.end)) {
            continue;
        }
        let error = source.error(SYNTAX, error.message().to_owned(), span);
        lines.insert(error.place.line);
        errors.push(error);
    }
    let counts = |error: &SourceError| {
        lines.is_empty() || (error.code != MISSING_KEY && !lines.contains(&error.place.line))
    };
    errors.extend(mistakes.into_iter().filter(counts));
    errors.sort_by_key(|error| (error.place.span.start, error.place.span.end));
    errors.dedup();
    errors
}

fn collect_dates(table: &DeTable<'_>, dates: &mut BTreeSet<(usize, usize)>) {
    let mut values: Vec<&toml::Spanned<DeValue<'_>>> = table.values().collect();
    while let Some(value) = values.pop() {
        match value.get_ref() {
            DeValue::Datetime(_) => {
                dates.insert((value.span().start, value.span().end));
            }
            DeValue::Array(items) => values.extend(items.iter()),
            DeValue::Table(table) => values.extend(table.values()),
            _ => {}
        }
    }
}
