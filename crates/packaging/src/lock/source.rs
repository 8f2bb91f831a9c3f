//! A file that people write, and places in it.

use std::ops::Range;

use super::{Place, SourceError};

/// The text of a file, with what is needed to say where in it something is.
#[derive(Debug)]
pub struct Source {
    pub(crate) location: String,
    pub(crate) text: String,
    /// Where each line begins, in bytes.
    line_starts: Vec<usize>,
    /// How many characters there are before each multiple of [`STEP`] bytes. A file can be one
    /// line of many megabytes, which must not be counted through for every place in it.
    characters: Vec<usize>,
}

/// Bytes between two counts.
const STEP: usize = 2048;

impl Source {
    /// A text, and what it is called in messages.
    #[must_use]
    pub fn new(location: &str, text: String) -> Self {
        let line_starts = [0].into_iter().chain(line_ends(&text)).collect();
        let counted = text.as_bytes().chunks(STEP).scan(0, |sum, chunk| {
            *sum += begun(chunk);
            Some(*sum)
        });
        let characters = [0].into_iter().chain(counted).collect();
        Self { location: location.to_owned(), text, line_starts, characters }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where some bytes of the text are, for people.
    #[must_use]
    pub fn place(&self, span: Range<usize>) -> Place {
        let index = self.line_starts.partition_point(|&start| start <= span.start) - 1;
        let start = self.line_starts[index];
        let before = if span.start.saturating_sub(start) < STEP {
            begun(self.text.as_bytes().get(start..span.start).unwrap_or_default())
        } else {
            self.characters_before(span.start) - self.characters_before(start)
        };
        let number = |count: usize| u32::try_from(count + 1).unwrap_or(u32::MAX);
        Place { file: self.location.clone(), line: number(index), column: number(before), span }
    }

    fn characters_before(&self, at: usize) -> usize {
        let at = at.min(self.text.len());
        let step = at / STEP;
        self.characters[step] + begun(&self.text.as_bytes()[step * STEP..at])
    }

    /// Something that cannot be used, and where it stands.
    pub fn error(
        &self,
        code: &'static str,
        message: impl Into<String>,
        span: Range<usize>,
    ) -> SourceError {
        SourceError::new(code, message, self.place(span))
    }
}

/// How many characters begin among these bytes.
fn begun(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte & 0xc0 != 0x80).count()
}

/// The position after each line end: LF, CR LF or CR.
fn line_ends(text: &str) -> impl Iterator<Item = usize> {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().filter_map(|(at, &byte)| {
        let ends = byte == b'\n' || (byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
        ends.then_some(at + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters() {
        let source = Source::new("f", "a\r\nbé c\rd\n".to_owned());
        let check = |at: usize, expect: (u32, u32)| {
            let place = source.place(at..at);
            assert_eq!((place.line, place.column), expect, "{at}");
        };
        check(0, (1, 1));
        check(3, (2, 1));
        check(6, (2, 3));
        check(9, (3, 1));
        check(11, (4, 1));
        assert_eq!(source.place(3..4).to_string(), "f:2:1");
    }

    #[test]
    fn columns_of_a_long_line_are_counted_from_its_beginning() {
        let text = format!("x\n{}", "aé𝄞".repeat(3 * STEP));
        let source = Source::new("f", text.clone());
        for (number, (at, _)) in text.char_indices().skip(2).enumerate().step_by(101) {
            let place = source.place(at..at);
            assert_eq!((place.line, place.column as usize), (2, number + 1), "{at}");
        }
        let end = source.place(text.len()..text.len());
        assert_eq!(end.column as usize, 9 * STEP + 1);
    }
}
