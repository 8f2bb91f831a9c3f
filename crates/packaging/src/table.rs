//! Typed access to the tables of TOML files that people write (`federation.toml`, the policy), with
//! places. What is wrong is put away and reading goes on, so that one run shows everything.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::{Range, RangeInclusive};

use jiff::civil::Date;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::lock::codes::{CONTROL_CHARACTER, INVALID_VALUE, MISSING_KEY, TOO_LARGE};
use crate::lock::source::Source;
use crate::lock::{Place, SourceError};
use crate::name::ProjectName;

pub mod codes;
mod syntax;

pub use syntax::{collect_mistakes, parse_utf8};

/// The most mistakes that are told of one file.
pub const MOST_MISTAKES: usize = 200;

/// The longest message, in characters: what is quoted may be of any length.
const LONGEST_MESSAGE: usize = 300;

/// The longest text for which a similar one is looked for, in bytes.
const LONGEST_GUESS: usize = 64;

/// What is read, and what was wrong so far.
pub struct Reader<'a> {
    source: &'a Source,
    /// What was wrong so far, in the order in which it was found.
    pub errors: Vec<SourceError>,
}

/// A table and what it is called in messages: `[accounts]`, `[[accept]]`.
#[derive(Clone, Copy)]
pub struct Table<'a> {
    /// Its keys and values.
    pub table: &'a DeTable<'a>,
    /// What messages call it.
    pub title: &'static str,
    start: usize,
    end: usize,
}

/// A value, with its bytes.
#[derive(Clone, Debug)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Its bytes in the file.
    pub span: Range<usize>,
}

/// A value, with its bytes.
pub type Item<'a> = &'a Spanned<DeValue<'a>>;

impl<'a> Table<'a> {
    /// A table, what it is called, and its bytes in the file.
    #[must_use]
    pub fn new(table: &'a DeTable<'a>, title: &'static str, span: Range<usize>) -> Self {
        Self { table, title, start: span.start, end: span.end }
    }

    /// Its bytes in the file.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.start..self.end
    }

    /// Whether it has a key.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }
}

impl<'a> Reader<'a> {
    /// Reads from this text.
    #[must_use]
    pub fn new(source: &'a Source) -> Self {
        Self { source, errors: Vec::new() }
    }

    /// Where some bytes are.
    #[must_use]
    pub fn place(&self, span: Range<usize>) -> Place {
        self.source.place(span)
    }

    /// Puts a mistake away.
    pub fn error(&mut self, code: &'static str, message: String, span: Range<usize>) {
        self.push(code, message, span, None);
    }

    /// Adds a mistake; of too many one more, which says so.
    fn push(
        &mut self,
        code: &'static str,
        mut message: String,
        span: Range<usize>,
        hint: Option<String>,
    ) {
        match self.errors.len().cmp(&MOST_MISTAKES) {
            Ordering::Greater => {}
            Ordering::Equal => {
                let message = format!("there are more mistakes than the {MOST_MISTAKES} shown");
                self.errors.push(self.source.error(TOO_LARGE, message, span));
            }
            Ordering::Less => {
                if let Some((end, _)) = message.char_indices().nth(LONGEST_MESSAGE) {
                    message.truncate(end);
                    message.push('…');
                }
                let mut error = self.source.error(code, message, span);
                error.hint = hint;
                self.errors.push(error);
            }
        }
    }

    /// Puts a mistake away, with what to do about it.
    pub fn hinted(
        &mut self,
        code: &'static str,
        message: String,
        span: Range<usize>,
        hint: impl Into<String>,
    ) {
        self.push(code, message, span, Some(hint.into()));
    }

    /// Reports every key that is none of these.
    pub fn only(&mut self, table: Table<'a>, keys: &[&str]) {
        for key in table.table.keys() {
            if !keys.contains(&&**key.get_ref()) {
                let message = format!("`{}` is not a key of {}", key.get_ref(), table.title);
                let hint = did_you_mean(key.get_ref(), keys, "the keys are");
                self.hinted(codes::UNKNOWN_KEY, message, key.span(), hint);
            }
        }
    }

    /// A table of a table.
    pub fn table(
        &mut self,
        within: Table<'a>,
        key: &str,
        title: &'static str,
    ) -> Option<Table<'a>> {
        let item = within.table.get(key)?;
        self.expect_table(key, item, title)
    }

    /// A value that has to be a table.
    pub fn expect_table(
        &mut self,
        key: &str,
        item: Item<'a>,
        title: &'static str,
    ) -> Option<Table<'a>> {
        let Some(table) = item.get_ref().as_table() else {
            self.wrong_type(key, "a table", item, Some(format!("write {title} above its keys")));
            return None;
        };
        Some(Table::new(table, title, item.span()))
    }

    /// A list of tables, `[[title]]`.
    pub fn tables(&mut self, within: Table<'a>, key: &str, title: &'static str) -> Vec<Table<'a>> {
        let Some(item) = within.table.get(key) else { return Vec::new() };
        let Some(items) = item.get_ref().as_array() else {
            let hint = format!("write {title}, with two brackets, above each of them");
            self.wrong_type(key, "a list of tables", item, Some(hint));
            return Vec::new();
        };
        items.iter().filter_map(|item| self.expect_table(key, item, title)).collect()
    }

    /// A text that says something.
    pub fn text(&mut self, table: Table<'a>, key: &str) -> Option<At<&'a str>> {
        let item = table.table.get(key)?;
        self.expect_text(key, item)
    }

    /// The same, owned.
    pub fn owned(&mut self, table: Table<'a>, key: &str) -> Option<String> {
        self.text(table, key).map(|text| text.value.to_owned())
    }

    /// A text that has to be there; `hint` says what to write.
    pub fn required(&mut self, table: Table<'a>, key: &str, hint: &str) -> Option<At<&'a str>> {
        if !table.has(key) {
            self.missing(table, key, hint);
        }
        self.text(table, key)
    }

    /// Tells that a key is missing.
    pub fn missing(&mut self, table: Table<'a>, key: &str, hint: &str) {
        let message = format!("`{key}` is missing from {}", table.title);
        self.hinted(MISSING_KEY, message, table.span(), hint);
    }

    /// A text that somebody answers for: not the placeholder of a draft.
    pub fn answered(&mut self, table: Table<'a>, key: &str, hint: &str) -> Option<String> {
        let text = self.required(table, key, hint)?;
        if text.value.trim_start().starts_with("TODO") {
            let message = format!("`{key}` still has to be written");
            self.hinted(codes::PLACEHOLDER, message, text.span, hint);
            return None;
        }
        Some(text.value.to_owned())
    }

    /// A value that has to be a text that says something.
    pub fn expect_text(&mut self, key: &str, item: Item<'a>) -> Option<At<&'a str>> {
        let Some(value) = item.get_ref().as_str() else {
            self.wrong_type(key, "a text in quotes", item, None);
            return None;
        };
        let acts = |c: &char| {
            c.is_control() && !matches!(c, '\n' | '\t')
                || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        if value.trim().is_empty() {
            self.error(INVALID_VALUE, format!("`{key}` is empty"), item.span());
            return None;
        }
        // A text over several lines keeps the line ends of the file.
        let lines = value.replace("\r\n", "\n");
        if let Some(found) = lines.chars().find(acts) {
            let message = format!("`{key}` contains {found:?}");
            self.error(CONTROL_CHARACTER, message, item.span());
            return None;
        }
        Some(At { value, span: item.span() })
    }

    /// A setting of a source as a text: quotes make no difference.
    pub fn setting(&mut self, key: &str, item: Item<'a>) -> Option<String> {
        match item.get_ref() {
            DeValue::Boolean(flag) => Some(flag.to_string()),
            DeValue::Integer(number) if number.radix() == 10 => {
                Some(number.as_str().replace('_', ""))
            }
            DeValue::Datetime(value) if value.date.is_some() => Some(value.to_string()),
            _ => self.expect_text(key, item).map(|text| text.value.to_owned()),
        }
    }

    /// A list of texts. The same text twice is told, in any case of letters.
    pub fn texts(&mut self, table: Table<'a>, key: &str) -> Option<Vec<At<&'a str>>> {
        let item = table.table.get(key)?;
        let Some(items) = item.get_ref().as_array() else {
            let hint = item.get_ref().as_str().map(|text| bracketed(key, text));
            self.wrong_type(key, "a list of texts", item, hint);
            return None;
        };
        let mut texts: Vec<At<&'a str>> = Vec::with_capacity(items.len());
        let mut seen = BTreeMap::new();
        for item in items {
            let Some(text) = self.expect_text(key, item) else { continue };
            if let Some(first) = seen.insert(text.value.to_lowercase(), text.span.clone()) {
                self.twice(text.value, None, text.span, first);
            } else {
                texts.push(text);
            }
        }
        Some(texts)
    }

    /// Tells that something is listed a second time; `as_name` when another spelling was used.
    pub fn twice(
        &mut self,
        text: &str,
        as_name: Option<&ProjectName>,
        span: Range<usize>,
        first: Range<usize>,
    ) {
        let mut message = format!("`{text}` is listed already");
        if let Some(name) = as_name.filter(|name| name.as_str() != text) {
            let _ = write!(message, ", as `{name}`");
        }
        let first = self.place(first);
        let hint = format!("it is at line {}, column {}", first.line, first.column);
        self.hinted(codes::LISTED_TWICE, message, span, hint);
    }

    /// The name of a project.
    pub fn name(&mut self, text: &At<&'a str>) -> Option<ProjectName> {
        match ProjectName::parse(text.value) {
            Ok(name) => Some(name),
            Err(error) => {
                self.error(codes::BAD_NAME, error.to_string(), text.span.clone());
                None
            }
        }
    }

    /// A list of names of projects. Two spellings of one name are told.
    pub fn names(&mut self, table: Table<'a>, key: &str) -> Option<Vec<At<ProjectName>>> {
        let item = table.table.get(key)?;
        let Some(items) = item.get_ref().as_array() else {
            let hint = item.get_ref().as_str().map(|text| bracketed(key, text));
            self.wrong_type(key, "a list of names of projects", item, hint);
            return None;
        };
        let mut names: Vec<At<ProjectName>> = Vec::with_capacity(items.len());
        let mut seen = BTreeMap::new();
        for item in items {
            let Some(text) = self.expect_text(key, item) else { continue };
            let Some(name) = self.name(&text) else { continue };
            if let Some(first) = seen.insert(name.clone(), text.span.clone()) {
                self.twice(text.value, Some(&name), text.span, first);
            } else {
                names.push(At { value: name, span: text.span });
            }
        }
        Some(names)
    }

    /// A day, with or without quotes.
    pub fn date(&mut self, table: Table<'a>, key: &str) -> Option<At<Date>> {
        let item = table.table.get(key)?;
        let found = match item.get_ref() {
            DeValue::Datetime(value) if value.time.is_some() || value.offset.is_some() => {
                Err("a day without a time of day")
            }
            DeValue::Datetime(value) => value
                .date
                .and_then(|date| {
                    let year = i16::try_from(date.year).ok()?;
                    let (month, day) = (i8::try_from(date.month), i8::try_from(date.day));
                    Date::new(year, month.ok()?, day.ok()?).ok()
                })
                .ok_or("a day of the calendar"),
            DeValue::String(text) => parse_day(text).ok_or("a day of the calendar"),
            _ => Err("a day"),
        };
        match found {
            Ok(date) => Some(At { value: date, span: item.span() }),
            Err(expected) => {
                let found = self.source.text().get(item.span()).unwrap_or_default();
                let found: String = found.trim().chars().take(40).collect();
                let found = found.trim_end_matches(['.', ' ']);
                let message = format!("`{key}` must be {expected}, found {found}");
                self.hinted(
                    codes::BAD_DATE,
                    message,
                    item.span(),
                    "write year-month-day: 2027-06-30",
                );
                None
            }
        }
    }

    /// A whole number in a range.
    pub fn number(
        &mut self,
        table: Table<'a>,
        key: &str,
        range: RangeInclusive<i64>,
    ) -> Option<i64> {
        let item = table.table.get(key)?;
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let Some(number) = item.get_ref().as_integer() else {
            self.wrong_type(key, &expected, item, None);
            return None;
        };
        let digits = number.as_str().replace('_', "");
        let number = i64::from_str_radix(&digits, number.radix()).ok();
        let Some(number) = number.filter(|number| range.contains(number)) else {
            let message = format!("`{key}` must be {expected}, found {digits}");
            self.error(INVALID_VALUE, message, item.span());
            return None;
        };
        Some(number)
    }

    /// One of some words; `what` they are, with an article.
    pub fn word<T: Copy>(
        &mut self,
        text: &At<&'a str>,
        what: &str,
        words: &[(&str, T)],
    ) -> Option<T> {
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text.value) {
            return Some(*value);
        }
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let message = format!("`{}` is not {what}", text.value);
        let hint = did_you_mean(text.value, &names, "it is one of");
        self.hinted(codes::UNKNOWN_WORD, message, text.span.clone(), hint);
        None
    }

    /// Tells that a value is of the wrong type.
    pub fn wrong_type(&mut self, key: &str, expected: &str, item: Item<'a>, hint: Option<String>) {
        let found = described(item.get_ref());
        let message = format!("`{key}` must be {expected}, found {found}");
        self.push(INVALID_VALUE, message, item.span(), hint);
    }
}

/// How one value of a list is written.
fn bracketed(key: &str, text: &str) -> String {
    let shown = if text.len() > LONGEST_GUESS { "…" } else { text };
    format!("write {key} = [\"{shown}\"]")
}

/// What somebody probably meant, or else everything that there is.
#[must_use]
pub fn did_you_mean(text: &str, choices: &[&str], all: &str) -> String {
    let plain = text.to_lowercase().replace('_', "-");
    let distance = |choice: &&&str| strsim::damerau_levenshtein(&plain, choice);
    let nearest = choices.iter().filter(|_| plain.len() <= LONGEST_GUESS).min_by_key(distance);
    // A third of the letters may be wrong; beyond that a guess is noise.
    match nearest.filter(|choice| distance(choice) <= choice.len().div_ceil(3)) {
        Some(choice) => format!("did you mean `{choice}`?"),
        None => format!("{all} `{}`", choices.join("`, `")),
    }
}

/// Year, month and day with their zeroes, and nothing else.
fn parse_day(text: &str) -> Option<Date> {
    let digits = |range: Range<usize>| {
        let part = text.get(range)?;
        part.bytes().all(|byte| byte.is_ascii_digit()).then_some(part)
    };
    let separated = text.len() == 10 && text.get(4..5)? == "-" && text.get(7..8)? == "-";
    let (year, month, day) = (digits(0..4)?, digits(5..7)?, digits(8..10)?);
    separated.then_some(())?;
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

fn described(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
