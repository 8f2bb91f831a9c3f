//! Reads `federation.toml`. Every mistake is told at its line and column, all of them at once: the
//! file decides what is an alarm, so nothing of it is guessed or skipped.

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::lock::SourceError;
use countermark_packaging::lock::codes::{ENCODING, INVALID_VALUE, MISSING_KEY, SYNTAX, TOO_LARGE};
use countermark_packaging::lock::source::Source;
use countermark_packaging::name::ProjectName;
use toml::de::{DeTable, DeValue};

use super::Federation;
use super::consistency::{self, Marks};
use super::reader::{At, MOST_MISTAKES, Reader, Table};
use super::sections;

/// The most bytes of a `federation.toml`.
pub const MAXIMUM_SIZE: usize = 1 << 20;

const TITLE: &str = "a federation.toml";
const KEYS: [&str; 10] = [
    "federation",
    "records",
    "projects",
    "accounts",
    "people",
    "custody",
    "accept",
    "keep",
    "service",
    "thresholds",
];

/// Reads the file; `file` is what it is called in messages. Acceptances may name the rules that
/// there are.
///
/// # Errors
/// Everything that is wrong, in the order of the file.
pub fn parse(file: &str, text: &str) -> Result<Federation, Vec<SourceError>> {
    let rules: Vec<&str> = crate::rule::RULES.iter().map(|rule| rule.code()).collect();
    parse_with(file, text, &rules)
}

/// The same, from bytes that may not be UTF-8.
///
/// # Errors
/// As [`parse`].
pub fn parse_bytes(file: &str, bytes: &[u8]) -> Result<Federation, Vec<SourceError>> {
    match std::str::from_utf8(bytes) {
        Ok(text) => parse(file, text),
        // Whatever its encoding: a text of this size is not looked at.
        Err(_) if bytes.len() > MAXIMUM_SIZE => Err(vec![too_large(file, bytes.len())]),
        Err(error) => {
            let at = error.valid_up_to();
            let before = String::from_utf8_lossy(&bytes[..at]).into_owned();
            Err(vec![Source::new(file, before).error(ENCODING, "the file is not UTF-8", at..at)])
        }
    }
}

/// The same, with these codes of rules.
///
/// # Errors
/// As [`parse`].
pub fn parse_with(
    file: &str,
    text: &str,
    known_rules: &[&str],
) -> Result<Federation, Vec<SourceError>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > MAXIMUM_SIZE {
        return Err(vec![too_large(file, text.len())]);
    }
    let source = Source::new(file, text.to_owned());
    let (document, broken) = DeTable::parse_recoverable(source.text());
    let document = Table::new(document.get_ref(), TITLE, 0..0);
    let mut reader = Reader::new(&source);
    let federation = read(&mut reader, document, known_rules);
    let errors = with_syntax(&source, document.table, &broken, reader.errors);
    if errors.is_empty() { Ok(federation) } else { Err(errors) }
}

fn too_large(file: &str, length: usize) -> SourceError {
    let message = format!("the file has {length} bytes, at most {MAXIMUM_SIZE} are read");
    Source::new(file, String::new()).error(TOO_LARGE, message, 0..0)
}

fn read<'a>(reader: &mut Reader<'a>, document: Table<'a>, rules: &[&str]) -> Federation {
    reader.only(document, &KEYS);
    let mut marks = Marks::default();
    let mut federation = Federation::default();
    if let Some(table) = reader.table(document, "federation", "[federation]") {
        reader.only(table, &["name", "contact"]);
        federation.name = reader.owned(table, "name");
        federation.contact = reader.owned(table, "contact");
    }
    for table in reader.tables(document, "records", "[[records]]") {
        federation.records.extend(sections::records(reader, table));
    }
    if let Some(table) = reader.table(document, "projects", "[projects]") {
        reader.only(table, &["names", "exclude"]);
        marks.names = reader.names(table, "names").unwrap_or_default();
        marks.excluded = reader.names(table, "exclude").unwrap_or_default();
        let values =
            |names: &[At<ProjectName>]| names.iter().map(|name| name.value.clone()).collect();
        federation.names = values(&marks.names);
        federation.excluded = values(&marks.excluded);
    }
    if let Some(table) = reader.table(document, "accounts", "[accounts]") {
        federation.accounts = sections::accounts(reader, table, &mut marks);
    }
    if let Some(table) = reader.table(document, "people", "[people]") {
        federation.people = sections::people(reader, table, &mut marks);
    }
    for table in reader.tables(document, "custody", "[[custody]]") {
        federation.custody.extend(sections::custody(reader, table, &mut marks));
    }
    for table in reader.tables(document, "accept", "[[accept]]") {
        federation.accepted.extend(sections::acceptance(reader, table, rules));
    }
    for table in reader.tables(document, "keep", "[[keep]]") {
        federation.kept.extend(sections::kept_role(reader, table));
    }
    for table in reader.tables(document, "service", "[[service]]") {
        federation.services.extend(sections::service(reader, table));
    }
    if let Some(table) = reader.table(document, "thresholds", "[thresholds]") {
        federation.thresholds = sections::thresholds(reader, table);
    }
    consistency::check(reader, &marks);
    federation
}

/// Mistakes of both kinds in the order of the file.
///
/// The parser goes on after broken syntax, so that other mistakes are seen too; but it may have
/// lost a key there, and whatever stands on a broken line is not what was meant.
fn with_syntax(
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

/// The keys of a table beside the fixed ones: the settings of a source.
pub(super) fn free_settings<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    fixed: &[&str],
) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::new();
    for (key, item) in table.table {
        let key_text = &**key.get_ref();
        if fixed.contains(&key_text) {
            continue;
        }
        let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let well_formed = key_text.bytes().all(plain);
        if !well_formed || key_text.is_empty() {
            let message = format!("`{key_text}` is not the name of a setting");
            let hint = "settings are written in lower case with hyphens: tag-prefix";
            reader.hinted(INVALID_VALUE, message, key.span(), hint);
        } else if let Some(text) = reader.setting(key_text, item) {
            settings.insert(key_text.to_owned(), text);
        }
    }
    settings
}

#[cfg(test)]
mod tests;
