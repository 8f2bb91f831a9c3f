//! One requirements file as it lies there, for editors: where each line begins and ends.
//!
//! Includes are not followed, and variables are not replaced: a line that needs them is none that
//! can be edited here, and is left as it is.

use std::ops::Range;

use super::lines::{self, Item};
use super::options::{self, LineOption};
use super::statements::{self, Statement};
use super::{Encoding, FileKind, decode};
use crate::lock::SourceError;
use crate::lock::source::Source;

/// A file, taken apart.
#[derive(Debug)]
pub struct Outline {
    source: Source,
    encoding: Encoding,
    /// The lines that state something, in their order.
    pub lines: Vec<Line>,
    /// What is wrong with other lines.
    pub errors: Vec<SourceError>,
}

/// A line of a requirement, with what is continued below it. Ranges are bytes of the text.
#[derive(Debug)]
pub struct Line {
    /// What it states.
    pub statement: Statement,
    /// The requirement, up to its options.
    pub requirement: Range<usize>,
    /// From its first character to its last one, a comment behind it left out.
    pub content: Range<usize>,
    /// The comment behind it, from `#`.
    pub comment: Option<Range<usize>>,
    /// Whether it has other options than digests.
    pub has_options: bool,
}

impl Outline {
    /// Takes a file apart.
    ///
    /// # Errors
    /// When the bytes cannot be decoded; everything else is in [`Self::errors`].
    pub fn parse(location: &str, bytes: &[u8], kind: FileKind) -> Result<Self, SourceError> {
        let decoded = decode(bytes).map_err(|error| error.at(location))?;
        let mut outline = Self {
            source: Source::new(location, decoded.text),
            encoding: decoded.encoding,
            lines: Vec::new(),
            errors: Vec::new(),
        };
        for item in lines::split(&outline.source) {
            match item {
                Item::Comment(_) => {}
                Item::Error(error) => outline.errors.push(error),
                Item::Line(line) => {
                    let parsed = options::parse(&outline.source, &line);
                    if parsed.requirement.is_empty() && !parsed.is_editable() {
                        outline.errors.extend(parsed.errors);
                        continue;
                    }
                    if !parsed.errors.is_empty() {
                        outline.errors.extend(parsed.errors);
                        continue;
                    }
                    let (span, options) = (&parsed.requirement, &parsed.options);
                    match statements::parse(&outline.source, &line, kind, span, options) {
                        Err(error) => outline.errors.push(error),
                        Ok(statement) => outline.lines.push(Line {
                            requirement: statement.place.span.clone(),
                            statement,
                            content: line.span.clone(),
                            comment: line.comment.clone(),
                            has_options: options
                                .iter()
                                .any(|(option, _)| !matches!(option, LineOption::Hash(_))),
                        }),
                    }
                }
            }
        }
        Ok(outline)
    }

    /// The text, decoded.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.source.text
    }

    /// Something wrong at a place in the text.
    pub fn error(
        &self,
        code: &'static str,
        message: impl Into<String>,
        span: Range<usize>,
    ) -> SourceError {
        self.source.error(code, message, span)
    }

    /// The line end that is used at a place, or else in the file.
    #[must_use]
    pub fn line_end(&self, at: usize) -> &'static str {
        let text = self.text();
        let found = text[at..].find(['\n', '\r']).map(|found| at + found);
        match found.or_else(|| text.find(['\n', '\r'])).map(|found| &text[found..]) {
            Some(rest) if rest.starts_with("\r\n") => "\r\n",
            Some(rest) if rest.starts_with('\r') => "\r",
            _ => "\n",
        }
    }

    /// The bytes with ranges of the text replaced, in the encoding of the file; `None` when that
    /// does not have a character of what was added. Ranges do not overlap.
    #[must_use]
    pub fn edited(&self, mut edits: Vec<(Range<usize>, String)>) -> Option<Vec<u8>> {
        edits.sort_by_key(|(range, _)| (range.start, range.end));
        let mut text = String::with_capacity(self.text().len());
        let mut at = 0;
        for (range, added) in edits {
            text.push_str(&self.text()[at..range.start]);
            text.push_str(&added);
            at = range.end;
        }
        text.push_str(&self.text()[at..]);
        self.encoding.encode(&text)
    }
}
