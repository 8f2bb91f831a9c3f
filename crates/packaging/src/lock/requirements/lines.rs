//! From the text of a file to logical lines: continuations joined, comments taken off, variables
//! replaced, and every byte still knowing where in the file it stood.

use std::ops::Range;

use crate::lock::source::Source;
use crate::lock::{SourceError, codes};

/// What a file consists of. Blank lines are left out.
#[derive(Debug)]
pub(super) enum Item {
    Comment(Comment),
    Line(LogicalLine),
    Error(SourceError),
}

/// A line that holds nothing but a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Comment {
    /// From `#` to the end of the line.
    pub(super) span: Range<usize>,
    /// Whether the line above it ends with a backslash. pip ends a requirement there.
    pub(super) ends_continuation: bool,
}

/// One or more lines of the file that are read as one, without comment and white space around.
#[derive(Debug, Clone)]
pub(super) struct LogicalLine {
    pub(super) text: String,
    chunks: Vec<Chunk>,
    /// All of it in the file: from the first character to the last one, trailing comment and
    /// white space left out.
    pub(super) span: Range<usize>,
    /// The comment behind it, from `#`.
    pub(super) comment: Option<Range<usize>>,
}

/// A part of a logical line, and where in the file it is from.
#[derive(Debug, Clone)]
struct Chunk {
    text: Range<usize>,
    file: Range<usize>,
    /// False for the value of a variable.
    verbatim: bool,
}

impl LogicalLine {
    /// Where a part of the text stands in the file.
    pub(super) fn in_file(&self, span: Range<usize>) -> Range<usize> {
        let start = self.file_position(span.start, false);
        let end = if span.is_empty() { start } else { self.file_position(span.end, true) };
        start..end.max(start)
    }

    fn file_position(&self, at: usize, end: bool) -> usize {
        let holds = |chunk: &&Chunk| {
            if end {
                chunk.text.start < at && at <= chunk.text.end
            } else {
                chunk.text.contains(&at)
            }
        };
        match self.chunks.iter().find(holds) {
            Some(chunk) if chunk.verbatim => chunk.file.start + (at - chunk.text.start),
            Some(chunk) if end => chunk.file.end,
            Some(chunk) => chunk.file.start,
            None => self.span.end,
        }
    }

    /// An error about the whole line.
    pub(super) fn error(
        &self,
        source: &Source,
        code: &'static str,
        message: impl Into<String>,
    ) -> SourceError {
        source.error(code, message, self.span.clone())
    }

    /// The line with `${NAME}` replaced. Names consist of capitals, digits and `_`, as in pip;
    /// anything else in braces stays as it is.
    pub(super) fn expanded(
        self,
        source: &Source,
        variables: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, SourceError> {
        if !self.text.contains("${") {
            return Ok(self);
        }
        let mut expanded = Builder::default();
        let mut at = 0;
        while let Some(found) = find_variable(&self.text, at) {
            self.copy(at..found.start, &mut expanded);
            let name = &self.text[found.start + 2..found.end - 1];
            let file = self.in_file(found.clone());
            // pip leaves an unset or empty variable as it stands, and so sends it to the index.
            let value = variables(name).filter(|value| !value.is_empty()).ok_or_else(|| {
                let message = format!("the environment variable `{name}` is not set");
                source.error(codes::UNSET_VARIABLE, message, file.clone())
            })?;
            if let Some(character) = value.chars().find(|c| c.is_control()) {
                let message = format!("the environment variable `{name}` contains {character:?}");
                return Err(source.error(codes::CONTROL_CHARACTER, message, file));
            }
            expanded.push(&value, file, false);
            at = found.end;
        }
        self.copy(at..self.text.len(), &mut expanded);
        Ok(Self { text: expanded.text, chunks: expanded.chunks, ..self })
    }

    fn copy(&self, range: Range<usize>, to: &mut Builder) {
        for chunk in &self.chunks {
            let start = chunk.text.start.max(range.start);
            let end = chunk.text.end.min(range.end);
            if start < end {
                to.push(&self.text[start..end], self.in_file(start..end), true);
            }
        }
    }
}

/// The next `${NAME}`.
fn find_variable(text: &str, from: usize) -> Option<Range<usize>> {
    text[from..].match_indices("${").find_map(|(at, _)| {
        let start = from + at;
        let name = &text[start + 2..];
        let allowed = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
        let length = name.bytes().take_while(|&b| allowed(b)).count();
        (length > 0 && name[length..].starts_with('}')).then_some(start..start + length + 3)
    })
}

#[derive(Default)]
struct Builder {
    text: String,
    chunks: Vec<Chunk>,
}

impl Builder {
    fn push(&mut self, text: &str, file: Range<usize>, verbatim: bool) {
        let start = self.text.len();
        self.text.push_str(text);
        self.chunks.push(Chunk { text: start..self.text.len(), file, verbatim });
    }
}

/// Splits a file. Comments and lines come in the order in which they stand.
pub(super) fn split(source: &Source) -> Vec<Item> {
    let mut items = Vec::new();
    let mut pending: Vec<Range<usize>> = Vec::new();
    for line in physical_lines(&source.text) {
        let text = &source.text[line.clone()];
        if let Some((at, character)) = text.char_indices().find(|&(_, c)| is_hidden(c)) {
            let start = line.start + at;
            let message = format!("a requirements file cannot contain {character:?}");
            let span = start..start + character.len_utf8();
            items.push(Item::Error(source.error(codes::CONTROL_CHARACTER, message, span)));
            pending.clear();
            continue;
        }
        let content = text.trim_start();
        if content.starts_with('#') {
            let ends_continuation = !pending.is_empty();
            finish(source, &mut pending, &mut items);
            let span = line.end - content.len()..line.end;
            items.push(Item::Comment(Comment { span, ends_continuation }));
        } else if text.ends_with('\\') {
            let length = text.trim_end_matches('\\').len();
            pending.push(line.start..line.start + length);
        } else {
            pending.push(line.clone());
            finish(source, &mut pending, &mut items);
        }
    }
    finish(source, &mut pending, &mut items);
    items
}

/// Lines without their ends: LF, CR LF or CR.
fn physical_lines(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut start = Some(0);
    std::iter::from_fn(move || {
        let from = start?;
        match text[from..].find(['\n', '\r']) {
            None => {
                start = None;
                Some(from..text.len())
            }
            Some(length) => {
                let end = from + length;
                let width = if text[end..].starts_with("\r\n") { 2 } else { 1 };
                start = Some(end + width);
                Some(from..end)
            }
        }
    })
}

/// Characters at which Python ends a line and most editors do not, NUL, and marks that reverse
/// the order in which text is shown.
fn is_hidden(character: char) -> bool {
    matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{9f}')
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Makes a logical line of pieces of the file.
fn finish(source: &Source, pending: &mut Vec<Range<usize>>, items: &mut Vec<Item>) {
    let pieces = std::mem::take(pending);
    let Some(last_end) = pieces.last().map(|piece| piece.end) else { return };
    let mut joined = Builder::default();
    for piece in &pieces {
        joined.push(&source.text[piece.clone()], piece.clone(), true);
    }
    let comment_at = find_comment(&joined.text);
    let line = LogicalLine { text: joined.text, chunks: joined.chunks, span: 0..0, comment: None };
    let content_end = comment_at.unwrap_or(line.text.len());
    let content = &line.text[..content_end];
    let start = content.len() - content.trim_start().len();
    let stop = content.trim_end().len();
    let comment = comment_at.map(|at| line.file_position(at, false)..last_end);
    if let Some(comment) = &comment {
        let swallowed = pieces.iter().find(|piece| {
            piece.start > comment.start && !source.text[(*piece).clone()].trim().is_empty()
        });
        if let Some(swallowed) = swallowed {
            let message = "this line belongs to the comment above it, which ends with a backslash";
            let error = source.error(codes::CONTINUED_COMMENT, message, swallowed.clone());
            items.push(Item::Error(error.with_hint("take the backslash off the comment")));
            return;
        }
    }
    if start >= stop {
        return;
    }
    let mut trimmed = Builder::default();
    line.copy(start..stop, &mut trimmed);
    let span = line.in_file(start..stop);
    let (text, chunks) = (trimmed.text, trimmed.chunks);
    items.push(Item::Line(LogicalLine { text, chunks, span, comment }));
}

/// A comment begins at a `#` that stands first or behind white space.
fn find_comment(text: &str) -> Option<usize> {
    let begins = |at: usize| text[..at].chars().next_back().is_none_or(char::is_whitespace);
    text.match_indices('#').map(|(at, _)| at).find(|&at| begins(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines as `first line: text`, comments as `# …`, errors as `! code`.
    fn check(text: &str, expect: &[&str]) {
        let source = Source::new("f", text.to_owned());
        let found: Vec<String> = split(&source)
            .into_iter()
            .map(|item| match item {
                Item::Comment(comment) => source.text[comment.span].to_owned(),
                Item::Error(error) => format!("! {} {}", error.code, error.place.line),
                Item::Line(line) => {
                    format!("{}: {}", source.place(line.span.clone()).line, line.text)
                }
            })
            .collect();
        assert_eq!(found, expect, "{text:?}");
    }

    #[test]
    fn lines_are_joined_as_in_pip() {
        check("a\nb\r\nc\rd", &["1: a", "2: b", "3: c", "4: d"]);
        check("\n\n  a  \n", &["3: a"]);
        check("a \\\n  b\\\nc", &["1: a   bc"]);
        check("a\\\\\nb", &["1: ab"]);
        check("a \\", &["1: a"]);
        check("a \\\n", &["1: a"]);
        check("a \\\n\nb", &["1: a", "3: b"]);
        check("a # x\n#y\n  # z \\\nb", &["1: a", "#y", "# z \\", "4: b"]);
        check("a#b # c", &["1: a#b"]);
        check("a \\\n# c\n--hash", &["1: a", "# c", "3: --hash"]);
        check("a # c \\\n\n", &["1: a"]);
        check("a # c \\\nb\nd", &["! continued-comment 2", "3: d"]);
        check("a \\\nb # c", &["1: a b"]);
        check("a\u{c}b\nc", &["! control-character 1", "2: c"]);
        check("# \u{202e}\n", &["! control-character 1"]);
        check("", &[]);
    }

    #[test]
    fn each_byte_knows_where_it_stood() {
        let source = Source::new("f", "x\n  ab \\\r\n\tcd  # e".to_owned());
        let Some(Item::Line(line)) = split(&source).pop() else { panic!() };
        assert_eq!(line.text, "ab \tcd");
        let at = line.text.find("cd").unwrap();
        assert_eq!(source.text[line.in_file(at..at + 2)], *"cd");
        assert_eq!(source.text[line.in_file(0..2)], *"ab");
        assert_eq!(source.text[line.in_file(1..5)], *"b \\\r\n\tc");
        assert_eq!(source.text[line.span.clone()], *"ab \\\r\n\tcd");
        assert_eq!(source.text[line.comment.clone().unwrap()], *"# e");
    }

    #[test]
    fn variables_are_replaced_once() {
        let variables = |name: &str| match name {
            "A_1" => Some("value".to_owned()),
            "B" => Some("${A_1}".to_owned()),
            "EMPTY" => Some(String::new()),
            "LINES" => Some("a\nb".to_owned()),
            _ => None,
        };
        let check = |text: &str, expect: Result<&str, &str>| {
            let source = Source::new("f", text.to_owned());
            let Some(Item::Line(line)) = split(&source).pop() else { panic!() };
            let found = line.expanded(&source, &variables);
            let found = found.as_ref().map(|line| line.text.as_str());
            assert_eq!(found.map_err(|error| error.code), expect, "{text}");
        };
        check("x${A_1}y${B}z", Ok("xvaluey${A_1}z"));
        check("$A_1 ${a} ${} ${A_1", Ok("$A_1 ${a} ${} ${A_1"));
        check("${${A_1}", Ok("${value"));
        check("${C}", Err("unset-variable"));
        check("${EMPTY}", Err("unset-variable"));
        check("${LINES}", Err("control-character"));
        let source = Source::new("f", "a ${A_1}b c".to_owned());
        let Some(Item::Line(line)) = split(&source).pop() else { panic!() };
        let line = line.expanded(&source, &variables).unwrap();
        assert_eq!(source.text[line.in_file(3..5)], *"${A_1}");
        assert_eq!(source.text[line.in_file(9..10)], *"c");
    }
}
