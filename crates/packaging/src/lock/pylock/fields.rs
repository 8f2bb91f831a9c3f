//! Typed access to the tables of a lock, with places.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::lock::source::Source;
use crate::lock::{Place, SourceError, codes};
use crate::syntax::SyntaxError;

/// A table.
#[derive(Clone)]
pub(super) struct Fields<'a> {
    source: &'a Source,
    table: &'a DeTable<'a>,
    span: Range<usize>,
}

/// A string, with its place.
#[derive(Clone)]
pub(super) struct Text<'a> {
    pub(super) value: &'a str,
    source: &'a Source,
    span: Range<usize>,
}

/// The value, or its default with the error put away.
pub(super) fn keep<T: Default>(errors: &mut Vec<SourceError>, found: Result<T, SourceError>) -> T {
    found.unwrap_or_else(|error| {
        errors.push(error);
        T::default()
    })
}

impl<'a> Fields<'a> {
    pub(super) fn new(source: &'a Source, table: &'a DeTable<'a>, span: Range<usize>) -> Self {
        Self { source, table, span }
    }

    pub(super) fn place(&self) -> Place {
        self.source.place(self.span.clone())
    }

    pub(super) fn error(&self, code: &'static str, message: impl Into<String>) -> SourceError {
        self.source.error(code, message, self.span.clone())
    }

    /// Every key with its value.
    pub(super) fn strings_by_key(
        &self,
    ) -> impl Iterator<Item = Result<(Text<'a>, Text<'a>), SourceError>> {
        let fields = self.clone();
        self.table.iter().map(move |(key, value)| {
            let key_text = Text { value: key.get_ref(), source: fields.source, span: key.span() };
            Ok((key_text, fields.expect_string(key.get_ref(), value)?))
        })
    }

    pub(super) fn string(&self, key: &str) -> Result<Option<Text<'a>>, SourceError> {
        self.table.get(key).map(|value| self.expect_string(key, value)).transpose()
    }

    pub(super) fn required_string(&self, key: &str) -> Result<Text<'a>, SourceError> {
        self.string(key)?.ok_or_else(|| self.missing(key))
    }

    pub(super) fn strings(&self, key: &str) -> Result<Option<Vec<Text<'a>>>, SourceError> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        let items =
            value.get_ref().as_array().ok_or_else(|| self.wrong_type(key, "an array", value))?;
        items.iter().map(|item| self.expect_string(key, item)).collect::<Result<_, _>>().map(Some)
    }

    /// A number of bytes.
    pub(super) fn size(&self, key: &str) -> Result<Option<u64>, SourceError> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        let size = value.get_ref().as_integer().and_then(|number| {
            u64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok()
        });
        size.map(Some).ok_or_else(|| self.wrong_type(key, "a size in bytes", value))
    }

    pub(super) fn boolean(&self, key: &str) -> Result<Option<bool>, SourceError> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        let found = value.get_ref().as_bool();
        found.map(Some).ok_or_else(|| self.wrong_type(key, "true or false", value))
    }

    pub(super) fn table(&self, key: &str) -> Result<Option<Self>, SourceError> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        self.expect_table(key, value).map(Some)
    }

    pub(super) fn tables(&self, key: &str) -> Result<Option<Vec<Self>>, SourceError> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        let items = value
            .get_ref()
            .as_array()
            .ok_or_else(|| self.wrong_type(key, "an array of tables", value))?;
        items.iter().map(|item| self.expect_table(key, item)).collect::<Result<_, _>>().map(Some)
    }

    pub(super) fn required_tables(&self, key: &str) -> Result<Vec<Self>, SourceError> {
        self.tables(key)?.ok_or_else(|| self.missing(key))
    }

    fn expect_string(
        &self,
        key: &str,
        value: &'a Spanned<DeValue<'a>>,
    ) -> Result<Text<'a>, SourceError> {
        let text = value.get_ref().as_str();
        let text = text.ok_or_else(|| self.wrong_type(key, "a string", value))?;
        Ok(Text { value: text, source: self.source, span: value.span() })
    }

    fn expect_table(
        &self,
        key: &str,
        value: &'a Spanned<DeValue<'a>>,
    ) -> Result<Self, SourceError> {
        let table = value.get_ref().as_table();
        let table = table.ok_or_else(|| self.wrong_type(key, "a table", value))?;
        Ok(Self { source: self.source, table, span: value.span() })
    }

    pub(super) fn missing(&self, key: &str) -> SourceError {
        self.error(codes::MISSING_KEY, format!("`{key}` is missing"))
    }

    fn wrong_type(&self, key: &str, expected: &str, value: &Spanned<DeValue<'_>>) -> SourceError {
        let found = value.get_ref().type_str();
        let message = format!("`{key}` must be {expected}, found {found}");
        self.source.error(codes::INVALID_VALUE, message, value.span())
    }
}

impl Text<'_> {
    pub(super) fn place(&self) -> Place {
        self.source.place(self.span.clone())
    }

    pub(super) fn error(&self, code: &'static str, message: impl Into<String>) -> SourceError {
        self.source.error(code, message, self.span.clone())
    }

    /// Reads the string; an error gets its place inside the string where that is known.
    pub(super) fn parse<T>(
        &self,
        parse: impl FnOnce(&str) -> Result<T, SyntaxError>,
    ) -> Result<T, SourceError> {
        parse(self.value).map_err(|error| {
            let raw = &self.source.text[self.span.clone()];
            // One quotation mark on each side, and no escapes between them.
            let plain = raw.len() == self.value.len() + 2 && raw[1..].starts_with(self.value);
            let span = if plain {
                let start = self.span.start + 1;
                error.span.start + start..error.span.end + start
            } else {
                self.span.clone()
            };
            self.source.error(codes::INVALID_VALUE, error.message, span)
        })
    }
}
