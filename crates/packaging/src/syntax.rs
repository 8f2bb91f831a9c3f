//! A position in a text, and the error that names one. The parsers of requirements, markers and
//! specifiers are written with it.

use std::ops::Range;

/// A text that does not follow its grammar, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// What was expected against what was found; lower case, no full stop.
    pub message: String,
    /// The place, in bytes of the text that was parsed. Empty at the end of the text.
    pub span: Range<usize>,
}

impl SyntaxError {
    /// An error at a place.
    pub(crate) fn new(message: impl Into<String>, span: Range<usize>) -> Self {
        Self { message: message.into(), span }
    }

    /// The same error in a text in which this one begins at `offset`.
    #[must_use]
    pub(crate) fn shifted(self, offset: usize) -> Self {
        Self { span: self.span.start + offset..self.span.end + offset, ..self }
    }
}

/// A place in a text that moves forward only.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    position: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, position: 0 }
    }

    /// Bytes from the beginning of the text.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    pub(crate) fn rest(&self) -> &'a str {
        &self.text[self.position..]
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(crate) fn at_end(&self) -> bool {
        self.position == self.text.len()
    }

    /// Skips spaces and tabs; true when there was one.
    pub(crate) fn skip_space(&mut self) -> bool {
        !self.take_while(|c| matches!(c, ' ' | '\t')).is_empty()
    }

    /// Takes the token if the text goes on with it.
    pub(crate) fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.position += token.len();
        }
        found
    }

    /// Takes the longest run of characters that satisfy the condition.
    pub(crate) fn take_while(&mut self, condition: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !condition(c)).unwrap_or(rest.len());
        self.position += end;
        &rest[..end]
    }

    /// Takes a whole word of letters, digits and `_` if it is this one.
    pub(crate) fn take_word(&mut self, word: &str) -> bool {
        let mut ahead = self.clone();
        let found = ahead.take_while(|c| c.is_alphanumeric() || c == '_') == word;
        if found {
            *self = ahead;
        }
        found
    }

    /// An error at the next character.
    pub(crate) fn error(&self, expected: &str) -> SyntaxError {
        let found = self.peek().map_or("the end".to_owned(), |c| format!("{c:?}"));
        let width = self.peek().map_or(0, char::len_utf8);
        let span = self.position..self.position + width;
        SyntaxError::new(format!("expected {expected}, found {found}"), span)
    }
}
