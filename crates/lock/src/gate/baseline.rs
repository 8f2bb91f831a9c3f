//! `countermark-gate.toml`: what the gate lets pass, finding by finding. A list that can only shrink:
//! what it names and is not found any more is reported, and with the list of an older revision at
//! hand, so is what was added. A line may be added with a last day, after which it counts for nothing.
//!
//! It is a file of the project, reviewed with it. Unlike an exception of the policy, an entry is
//! about one finding in one lock, and ends when that entry of the lock moves.

use std::fmt::Write as _;

use countermark_packaging::lock::codes::INVALID_VALUE;
use countermark_packaging::lock::source::Source;
use countermark_packaging::lock::{Place, SourceError};
use countermark_packaging::table::{Reader, Table, collect_mistakes, parse_utf8};
use countermark_trust::policy::rule as policy_rule;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use toml::de::DeTable;

use super::finding::{Finding, Key};
use super::rule;

/// The most bytes of the file.
pub const MAXIMUM_SIZE: usize = 16 << 20;

/// What is let pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    /// In the order of the file.
    pub passed: Vec<Passed>,
}

/// One finding that is let pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Which.
    pub key: Key,
    /// Why.
    pub because: String,
    /// The last day on which it counts, in UTC; without one until the entry of the lock moves.
    pub until: Option<Date>,
    /// Where it stands.
    pub place: Place,
}

impl Passed {
    /// Whether its last day has passed.
    #[must_use]
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| now.to_zoned(TimeZone::UTC).date() > until)
    }

    /// For people: the reason and the date.
    #[must_use]
    pub fn describe(&self) -> String {
        match self.until {
            Some(until) => format!("{}, until {until}", self.because),
            None => self.because.clone(),
        }
    }
}

impl Baseline {
    /// Reads the file; `file` is what it is called in messages.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the file.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, Vec<SourceError>> {
        let text = parse_utf8(file, bytes, MAXIMUM_SIZE).map_err(|error| vec![error])?;
        let source = Source::new(file, text.to_owned());
        let (document, broken) = DeTable::parse_recoverable(source.text());
        let document = Table::new(document.get_ref(), "the file", 0..0);
        let mut reader = Reader::new(&source);
        let passed = read(&mut reader, document);
        let errors = collect_mistakes(&source, document.table, &broken, reader.errors);
        if errors.is_empty() { Ok(Self { passed }) } else { Err(errors) }
    }

    /// The text of a file that lets these findings pass.
    #[must_use]
    pub fn render(findings: &[&Finding], because: &str) -> String {
        let mut text = String::from(
            "# What `countermark gate` lets pass. This list can only shrink: remove a line when the gate\n\
             # says that it is not needed any more. A line may be added only with a last day (`until`).\n\
             passed = [\n",
        );
        for finding in findings {
            text.push_str("  ");
            text.push_str(&line(&finding.key(), because, None));
            text.push('\n');
        }
        text.push_str("]\n");
        text
    }

    /// What stands here without an end and did not before. A line with a last day ends by itself.
    #[must_use]
    pub fn grown_since(&self, before: &Self) -> Vec<Key> {
        let is_new = |passed: &&Passed| {
            passed.until.is_none() && !before.passed.iter().any(|old| old.key == passed.key)
        };
        self.passed.iter().filter(is_new).map(|passed| passed.key.clone()).collect()
    }
}

/// A line of the list.
pub(super) fn line(key: &Key, because: &str, until: Option<Date>) -> String {
    let mut line = format!("{{ lock = {}, rule = {}", quoted(&key.lock), quoted(&key.rule));
    // Writing to a string cannot fail.
    let _ = write!(line, ", project = {}", quoted(key.project.as_str()));
    if let Some(version) = &key.version {
        let _ = write!(line, ", version = {}", quoted(version));
    }
    if !key.file.is_empty() {
        let _ = write!(line, ", file = {}", quoted(&key.file));
    }
    let _ = write!(line, ", because = {}", quoted(because));
    if let Some(until) = until {
        let _ = write!(line, ", until = {until}");
    }
    line.push_str(" },");
    line
}

/// A text of TOML on one line.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            _ if countermark_report::harmless::acts(c) => {
                let _ = write!(out, "\\U{:08X}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

fn read<'a>(reader: &mut Reader<'a>, document: Table<'a>) -> Vec<Passed> {
    reader.only(document, &["passed"]);
    let tables = reader.tables(document, "passed", "[[passed]]");
    let mut passed: Vec<Passed> = Vec::new();
    for table in tables {
        let Some(one) = entry(reader, table) else { continue };
        if passed.iter().any(|other| other.key == one.key) {
            let message = "this finding is listed already".to_owned();
            reader.error(countermark_packaging::table::codes::LISTED_TWICE, message, table.span());
            continue;
        }
        passed.push(one);
    }
    passed
}

fn entry<'a>(reader: &mut Reader<'a>, table: Table<'a>) -> Option<Passed> {
    reader.only(table, &["lock", "rule", "project", "version", "file", "because", "until"]);
    let lock =
        reader.required(table, "lock", "write the path of the lock, as it is given to the gate");
    let rule = reader.required(table, "rule", "write the code of the rule, as reports show it");
    if let Some(rule) = &rule
        && rule::find(rule.value).is_none()
        && policy_rule::find(rule.value).is_none()
    {
        let message = format!("`{}` is not a rule of the gate", rule.value);
        reader.error(INVALID_VALUE, message, rule.span.clone());
    }
    let name = reader.required(table, "project", "write the name of the project");
    let project = name.and_then(|name| reader.name(&name));
    let version = reader.text(table, "version").map(|text| text.value.to_owned());
    let file = reader.text(table, "file").map(|text| text.value.to_owned());
    let because = reader.answered(table, "because", "write why, for whoever reads it in a year");
    let until = reader.date(table, "until").map(|date| date.value);
    Some(Passed {
        place: reader.place(table.span()),
        key: Key {
            lock: lock?.value.to_owned(),
            rule: rule?.value.to_owned(),
            project: project?,
            version,
            file: file.unwrap_or_default(),
        },
        because: because?,
        until,
    })
}
