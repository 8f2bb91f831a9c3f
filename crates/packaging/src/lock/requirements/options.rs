//! The options of a line: which there are, and what they mean.

use std::ops::Range;

use super::FileKind;
use super::lines::LogicalLine;
use crate::lock::source::Source;
use crate::lock::{Setting, SourceError, codes};

/// A line taken apart.
pub(super) struct ParsedLine {
    /// What stands before the options, in the line's text; empty on a line of options.
    pub(super) requirement: Range<usize>,
    /// The options that may be used where they stand, each with its place in the line's text.
    pub(super) options: Vec<(LineOption, Range<usize>)>,
    pub(super) errors: Vec<SourceError>,
}

impl ParsedLine {
    pub(super) fn is_editable(&self) -> bool {
        self.options.iter().any(|(option, _)| matches!(option, LineOption::Editable(_)))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LineOption {
    Setting(Setting),
    Include(FileKind, String),
    /// The value of `--hash`, not looked into.
    Hash(String),
    /// For building; wheels are not built.
    ConfigSettings,
    Editable(String),
}

/// What an option is, by its name.
enum Known {
    Flag(fn() -> LineOption),
    Value(fn(String) -> LineOption),
    Weakens,
}

/// The options of `pip._internal.req.req_file`, and those of pip, peep and uv, past or present,
/// that switch a check off.
fn look_up(name: &str) -> Option<Known> {
    use LineOption as O;
    Some(match name {
        "-i" | "--index-url" | "--pypi-url" => Known::Value(|v| O::Setting(Setting::IndexUrl(v))),
        "--extra-index-url" => Known::Value(|v| O::Setting(Setting::ExtraIndexUrl(v))),
        "-f" | "--find-links" => Known::Value(|v| O::Setting(Setting::FindLinks(v))),
        "--no-index" => Known::Flag(|| O::Setting(Setting::NoIndex)),
        "--only-binary" => Known::Value(|v| O::Setting(Setting::OnlyBinary(v))),
        "--no-binary" => Known::Value(|v| O::Setting(Setting::NoBinary(v))),
        "--prefer-binary" => Known::Flag(|| O::Setting(Setting::PreferBinary)),
        "--pre" => Known::Flag(|| O::Setting(Setting::Pre)),
        "--all-releases" => Known::Value(|v| O::Setting(Setting::AllReleases(v))),
        "--only-final" => Known::Value(|v| O::Setting(Setting::OnlyFinal(v))),
        "--require-hashes" => Known::Flag(|| O::Setting(Setting::RequireHashes)),
        "--use-feature" => Known::Value(|v| O::Setting(Setting::UseFeature(v))),
        "-r" | "--requirement" => Known::Value(|v| O::Include(FileKind::Requirements, v)),
        "-c" | "--constraint" => Known::Value(|v| O::Include(FileKind::Constraints, v)),
        "-e" | "--editable" => Known::Value(O::Editable),
        "--hash" => Known::Value(O::Hash),
        "-C" | "--config-settings" | "--config-setting" => Known::Value(|_| O::ConfigSettings),
        "--trusted-host"
        | "--allow-insecure-host"
        | "--no-require-hashes"
        | "--no-verify-hashes"
        | "--no-verify"
        | "--allow-unverified"
        | "--allow-insecure"
        | "--allow-external"
        | "--allow-all-external"
        | "--process-dependency-links" => Known::Weakens,
        _ => return None,
    })
}

/// Takes a line apart. As in pip, options begin at the first word that begins with `-`.
pub(super) fn parse(source: &Source, line: &LogicalLine) -> ParsedLine {
    let text = line.text.as_str();
    let first = text.char_indices().find(|&(at, character)| {
        character == '-' && text[..at].chars().next_back().is_none_or(char::is_whitespace)
    });
    let options_start = first.map_or(text.len(), |(at, _)| at);
    let mut parsed = ParsedLine {
        requirement: 0..text[..options_start].trim_end().len(),
        options: Vec::new(),
        errors: Vec::new(),
    };
    match split_words(text, options_start) {
        Ok(words) => parse_words(source, line, &words, &mut parsed),
        Err(span) => {
            let message = "this quotation mark or backslash is not closed";
            parsed.errors.push(source.error(codes::SYNTAX, message, line.in_file(span)));
        }
    }
    if !parsed.requirement.is_empty() || parsed.is_editable() {
        refuse_line_options(source, line, &mut parsed);
    }
    parsed
}

fn parse_words(source: &Source, line: &LogicalLine, words: &[Word], parsed: &mut ParsedLine) {
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        let mut error = |code, message: String, span: &Range<usize>| {
            parsed.errors.push(source.error(code, message, line.in_file(span.clone())));
        };
        let Some((name, attached)) = split_option(&word.value) else {
            let message = "expected an option; a requirement stands before its options".to_owned();
            error(codes::SYNTAX, message, &word.span);
            continue;
        };
        let known = look_up(name);
        let mut span = word.span.clone();
        match known {
            None => error(codes::UNKNOWN_OPTION, format!("unknown option `{name}`"), &span),
            Some(Known::Weakens) => {
                error(codes::WEAKENS_CHECK, format!("`{name}` would weaken a check"), &span);
                // Its value, if it takes one.
                words.next_if(|next| !next.value.starts_with('-'));
            }
            Some(Known::Flag(_)) if attached.is_some() => {
                error(codes::OPTION_VALUE, format!("`{name}` takes no value"), &span);
            }
            Some(Known::Flag(make)) => parsed.options.push((make(), span)),
            Some(Known::Value(make)) => {
                let value = attached.map(str::to_owned).or_else(|| {
                    let next = words.next_if(|next| !next.value.starts_with('-'))?;
                    span.end = next.span.end;
                    Some(next.value.clone())
                });
                match value {
                    Some(value)
                        if !value.is_empty() && (name.len() != 2 || !value.starts_with('=')) =>
                    {
                        parsed.options.push((make(value), span));
                    }
                    _ => error(codes::OPTION_VALUE, format!("`{name}` asks for a value"), &span),
                }
            }
        }
    }
}

/// Name and attached value: `--name=value`, `--name`, `-nvalue`, `-n`.
fn split_option(word: &str) -> Option<(&str, Option<&str>)> {
    if word.strip_prefix("--").is_some_and(|name| !name.is_empty()) {
        return Some(match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word, None),
        });
    }
    let letter = word.strip_prefix('-')?.chars().next()?;
    let (name, value) = word.split_at(1 + letter.len_utf8());
    Some((name, (!value.is_empty()).then_some(value)))
}

/// On a requirement's line only options about it may stand; pip passes over the others.
fn refuse_line_options(source: &Source, line: &LogicalLine, parsed: &mut ParsedLine) {
    let has_requirement = !parsed.requirement.is_empty();
    parsed.options.retain(|(option, span)| {
        let refused = match option {
            LineOption::Setting(_) | LineOption::Include(..) => true,
            LineOption::Editable(_) => has_requirement,
            LineOption::Hash(_) | LineOption::ConfigSettings => false,
        };
        if refused {
            let message = "this option must stand on a line of its own";
            let span = line.in_file(span.clone());
            parsed.errors.push(source.error(codes::MISPLACED_OPTION, message, span));
        }
        !refused
    });
}

/// A word of a line, quotation marks and backslashes taken off.
#[derive(Debug, PartialEq, Eq)]
struct Word {
    value: String,
    span: Range<usize>,
}

/// Splits into words as a shell does (`shlex.split`). The error is the place of what is not
/// closed.
fn split_words(text: &str, from: usize) -> Result<Vec<Word>, Range<usize>> {
    let mut words = Vec::new();
    let mut characters = text[from..].char_indices().map(|(at, c)| (from + at, c)).peekable();
    while let Some((start, first)) = characters.next() {
        if first.is_whitespace() {
            continue;
        }
        let mut value = String::new();
        let mut quote: Option<(usize, char)> = None;
        let mut next = Some((start, first));
        let mut end = start;
        while let Some((at, character)) = next {
            end = at + character.len_utf8();
            match (quote, character) {
                (None, '\'' | '"') => quote = Some((at, character)),
                (Some((_, open)), close) if open == close => quote = None,
                (None, '\\') | (Some((_, '"')), '\\') => {
                    let (after, escaped) = characters.next().ok_or(at..end)?;
                    if quote.is_some() && !matches!(escaped, '"' | '\\') {
                        value.push('\\');
                    }
                    value.push(escaped);
                    end = after + escaped.len_utf8();
                }
                (_, other) => value.push(other),
            }
            next = characters.next_if(|&(_, c)| quote.is_some() || !c.is_whitespace());
        }
        if let Some((at, _)) = quote {
            return Err(at..end);
        }
        words.push(Word { value, span: start..end });
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_in_a_shell() {
        let check = |text: &str, expect: Result<&[&str], Range<usize>>| {
            let words = split_words(text, 0);
            let found =
                words.as_ref().map(|w| w.iter().map(|w| w.value.as_str()).collect::<Vec<_>>());
            assert_eq!(found.as_deref().map_err(|span| (*span).clone()), expect, "{text}");
        };
        check("", Ok(&[]));
        check(" a  b\tc ", Ok(&["a", "b", "c"]));
        check("a'b c'd", Ok(&["ab cd"]));
        check("\"a b\" ''", Ok(&["a b", ""]));
        check(r#"a\ b "c\"d\e" 'f\g'"#, Ok(&["a b", r#"c"d\e"#, r"f\g"]));
        check("a 'b", Err(2..4));
        check("a \\", Err(2..3));
        check("a \"b\\", Err(4..5));
        let words = split_words("x ab  'c d'", 1).unwrap();
        assert_eq!(words.iter().map(|word| word.span.clone()).collect::<Vec<_>>(), [2..4, 6..11]);
    }

    #[test]
    fn options_are_split_into_name_and_value() {
        let check = |word: &str, expect| assert_eq!(split_option(word), expect, "{word}");
        check("--hash=a=b", Some(("--hash", Some("a=b"))));
        check("--hash", Some(("--hash", None)));
        check("--hash=", Some(("--hash", Some(""))));
        check("-rfile", Some(("-r", Some("file"))));
        check("-r", Some(("-r", None)));
        check("-é", Some(("-é", None)));
        check("-", None);
        check("--", Some(("--", None)));
        check("x", None);
    }
}
