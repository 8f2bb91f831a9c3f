//! Typed access to the tables of `watch.toml`, with places. What is wrong is put away and reading
//! goes on, so that one run shows everything.

use std::ops::Range;

use countermark_audit::federation::codes::{UNKNOWN_KEY, UNKNOWN_WORD};
use countermark_packaging::lock::SourceError;
use countermark_packaging::lock::codes::{CONTROL_CHARACTER, INVALID_VALUE, MISSING_KEY};
use countermark_packaging::lock::source::Source;
use jiff::SignedDuration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What is read, and what was wrong so far.
pub(crate) struct Reader<'a> {
    source: &'a Source,
    pub(crate) errors: Vec<SourceError>,
}

/// A table and what it is called in messages.
#[derive(Clone)]
pub(crate) struct Table<'a> {
    table: &'a DeTable<'a>,
    title: String,
    span: Range<usize>,
}

type Item<'a> = &'a Spanned<DeValue<'a>>;

impl<'a> Table<'a> {
    pub(crate) fn new(table: &'a DeTable<'a>, title: &str, span: Range<usize>) -> Self {
        Self { table, title: title.to_owned(), span }
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }
}

impl<'a> Reader<'a> {
    pub(crate) fn new(source: &'a Source) -> Self {
        Self { source, errors: Vec::new() }
    }

    pub(crate) fn error(&mut self, code: &'static str, message: String, span: Range<usize>) {
        self.errors.push(self.source.error(code, message, span));
    }

    fn invalid(&mut self, key: &str, expected: &str, item: Item<'a>) {
        let message = format!("`{key}` must be {expected}");
        self.error(INVALID_VALUE, message, item.span());
    }

    /// Something is wrong with the value of a key.
    pub(crate) fn refuse(&mut self, table: &Table<'a>, key: &str, message: String) {
        let span = table.table.get(key).map_or_else(|| table.span.clone(), Spanned::span);
        self.error(INVALID_VALUE, message, span);
    }

    pub(crate) fn only(&mut self, table: &Table<'a>, keys: &[&str]) {
        for key in table.table.keys().filter(|key| !keys.contains(&&**key.get_ref())) {
            let message = format!("`{}` is not a key of {}", key.get_ref(), table.title);
            let hint = format!("the keys are `{}`", keys.join("`, `"));
            let error = self.source.error(UNKNOWN_KEY, message, key.span());
            self.errors.push(error.with_hint(hint));
        }
    }

    pub(crate) fn missing(&mut self, table: &Table<'a>, key: &str, hint: &str) {
        let message = format!("`{key}` is missing from {}", table.title);
        let error = self.source.error(MISSING_KEY, message, table.span.clone());
        self.errors.push(error.with_hint(hint));
    }

    pub(crate) fn table(&mut self, within: &Table<'a>, key: &str) -> Option<Table<'a>> {
        let item = within.table.get(key)?;
        let Some(table) = item.get_ref().as_table() else {
            self.invalid(key, "a table", item);
            return None;
        };
        Some(Table::new(table, &format!("[{key}]"), item.span()))
    }

    /// The tables `[key.NAME]`, with their names.
    pub(crate) fn named(&mut self, within: &Table<'a>, key: &str) -> Vec<(String, Table<'a>)> {
        let Some(table) = self.table(within, key) else { return Vec::new() };
        let mut found = Vec::new();
        for (name, item) in table.table {
            let text = name.get_ref();
            let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            let Some(inner) = item.get_ref().as_table() else {
                let message = format!("`{key}` holds tables with names, write [{key}.NAME]");
                self.error(INVALID_VALUE, message, name.span());
                continue;
            };
            if text.is_empty() || text.len() > 60 || !text.chars().all(is_name) {
                let message = "a name has at most 60 ASCII letters, digits, `-` and `_`";
                self.error(INVALID_VALUE, message.to_owned(), name.span());
                continue;
            }
            let title = format!("[{key}.{text}]");
            found.push((text.to_string(), Table::new(inner, &title, name.span())));
        }
        found
    }

    pub(crate) fn text(&mut self, table: &Table<'a>, key: &str) -> Option<&'a str> {
        let item = table.table.get(key)?;
        self.expect_text(key, item)
    }

    pub(crate) fn required(&mut self, table: &Table<'a>, key: &str, hint: &str) -> Option<&'a str> {
        if !table.has(key) {
            self.missing(table, key, hint);
        }
        self.text(table, key)
    }

    pub(crate) fn texts(&mut self, table: &Table<'a>, key: &str) -> Vec<&'a str> {
        let Some(item) = table.table.get(key) else { return Vec::new() };
        let Some(items) = item.get_ref().as_array() else {
            self.invalid(key, "a list of texts", item);
            return Vec::new();
        };
        items.iter().filter_map(|item| self.expect_text(key, item)).collect()
    }

    fn expect_text(&mut self, key: &str, item: Item<'a>) -> Option<&'a str> {
        let Some(value) = item.get_ref().as_str() else {
            self.invalid(key, "a text in quotes", item);
            return None;
        };
        if value.trim().is_empty() {
            self.error(INVALID_VALUE, format!("`{key}` is empty"), item.span());
            return None;
        }
        if let Some(found) = value.chars().find(|c| c.is_control()) {
            self.error(CONTROL_CHARACTER, format!("`{key}` contains {found:?}"), item.span());
            return None;
        }
        Some(value)
    }

    pub(crate) fn flag(&mut self, table: &Table<'a>, key: &str) -> bool {
        let Some(item) = table.table.get(key) else { return false };
        match item.get_ref() {
            DeValue::Boolean(value) => *value,
            _ => {
                self.invalid(key, "true or false", item);
                false
            }
        }
    }

    pub(crate) fn number(&mut self, table: &Table<'a>, key: &str, most: u32) -> Option<u32> {
        let item = table.table.get(key)?;
        let number = item.get_ref().as_integer().and_then(|number| {
            u32::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok()
        });
        let Some(number) = number.filter(|number| (1..=most).contains(number)) else {
            self.invalid(key, &format!("a whole number from 1 to {most}"), item);
            return None;
        };
        Some(number)
    }

    /// `90s`, `4m`, `1h`, `2d`, within limits.
    pub(crate) fn duration(
        &mut self,
        table: &Table<'a>,
        key: &str,
        (least, most): (SignedDuration, SignedDuration),
    ) -> Option<SignedDuration> {
        let item = table.table.get(key)?;
        let found = item.get_ref().as_str().and_then(parse_duration);
        let Some(found) = found.filter(|it| (least..=most).contains(it)) else {
            let shown = |it: SignedDuration| shown_duration(it);
            let expected = format!(
                "a time from \"{}\" to \"{}\", such as \"90s\", \"4m\" or \"1h\"",
                shown(least),
                shown(most)
            );
            self.invalid(key, &expected, item);
            return None;
        };
        Some(found)
    }

    /// One of some words.
    pub(crate) fn word<T: Copy>(
        &mut self,
        table: &Table<'a>,
        key: &str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let text = self.text(table, key)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let span = table.table.get(key).map_or(0..0, Spanned::span);
        let message = format!("`{key}` is none of `{}`", names.join("`, `"));
        self.error(UNKNOWN_WORD, message, span);
        None
    }
}

fn parse_duration(text: &str) -> Option<SignedDuration> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let seconds = match unit.trim() {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    Some(SignedDuration::from_secs(number.parse::<i64>().ok()?.checked_mul(seconds)?))
}

/// `90s`, `4m`, `1h`, `2d`: the largest unit that fits.
pub(crate) fn shown_duration(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    for (unit, length) in [("d", 86_400), ("h", 3600), ("m", 60)] {
        if seconds >= length && seconds % length == 0 {
            return format!("{}{unit}", seconds / length);
        }
    }
    format!("{seconds}s")
}
