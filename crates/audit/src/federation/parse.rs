//! Reads `federation.toml`. Every mistake is told at its line and column, all of them at once: the
//! file decides what is an alarm, so nothing of it is guessed or skipped.

use std::collections::BTreeMap;

use countermark_packaging::lock::SourceError;
use countermark_packaging::lock::codes::INVALID_VALUE;
use countermark_packaging::lock::source::Source;
use countermark_packaging::name::ProjectName;
use countermark_packaging::table::{At, Reader, Table, collect_mistakes, parse_utf8};
use toml::de::DeTable;

use super::Federation;
use super::consistency::{self, Marks};
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
    parse(file, parse_utf8(file, bytes, MAXIMUM_SIZE).map_err(|error| vec![error])?)
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
    let text = parse_utf8(file, text.as_bytes(), MAXIMUM_SIZE).map_err(|error| vec![error])?;
    let source = Source::new(file, text.to_owned());
    let (document, broken) = DeTable::parse_recoverable(source.text());
    let document = Table::new(document.get_ref(), TITLE, 0..0);
    let mut reader = Reader::new(&source);
    let federation = read(&mut reader, document, known_rules);
    let errors = collect_mistakes(&source, document.table, &broken, reader.errors);
    if errors.is_empty() { Ok(federation) } else { Err(errors) }
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
