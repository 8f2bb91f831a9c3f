//! Files that tell the version and do nothing else, as builders generate them.
//!
//! Decides by a grammar that has no call, no attribute but of annotations, no import but of `typing`, no
//! escape and no letter beyond ASCII; names and values are those that say a version. What is not in the
//! grammar is refused, whatever it would do.
//!
//! Syntax: <https://docs.python.org/3/reference/simple_stmts.html>, a small part of it.

use countermark_packaging::version::Version;

mod lexer;

use lexer::{Token, lines};

pub(super) use lexer::declares_utf8;

/// The longest such file, in bytes.
const MAX_BYTES: usize = 16 << 10;

/// Names that hold the version as a text.
const VERSIONS: [&str; 6] =
    ["__version__", "version", "VERSION", "full_version", "__full_version__", "short_version"];
/// Names that hold it in parts.
const TUPLES: [&str; 4] =
    ["__version_tuple__", "version_tuple", "version_info", "__version_info__"];
/// Names that hold a commit, a date of it, or nothing.
const COMMITS: [&str; 7] = [
    "__commit_id__",
    "commit_id",
    "git_revision",
    "__git_version__",
    "__git_commit__",
    "git_commit",
    "__commit__",
];
/// Names of types that these files define for their annotations.
const ALIASES: [&str; 2] = ["VERSION_TUPLE", "COMMIT_ID"];
/// What an annotation may name.
const TYPES: [&str; 12] = [
    "str", "int", "bool", "tuple", "list", "object", "None", "Tuple", "Union", "Optional", "List",
    "Final",
];

/// Whether a name is that of such a file. Another one may be imported in place of something else.
#[must_use]
pub(super) fn is_version_name(name: &str) -> bool {
    let stem = name.strip_suffix(".py").unwrap_or_default().to_ascii_lowercase();
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    // `conversion` is another word.
    plain(&stem) && (stem.split('_').any(|word| word == "version") || stem == "__about__")
}

/// Whether a file only says a version: this one, or any where none is given.
#[must_use]
pub(super) fn is_version_file(bytes: &[u8], version: Option<&Version>) -> bool {
    if bytes.len() > MAX_BYTES {
        return false;
    }
    let Some(lines) = lines(bytes) else { return false };
    let mut reader = Reader { version, block: Block::None };
    let mut says = false;
    for (number, line) in lines.iter().enumerate() {
        match reader.line(line.indented, &line.tokens, number == 0) {
            Some(is_version) => says |= is_version,
            None => return false,
        }
    }
    says && reader.block != Block::Opened
}

/// Where the reader is: types are imported in a block that never runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    None,
    /// After `if TYPE_CHECKING:` or its `else:`, before its first line.
    Opened,
    Inside,
}

struct Reader<'a> {
    version: Option<&'a Version>,
    block: Block,
}

impl Reader<'_> {
    /// Whether a line is of the grammar, and whether it says the version.
    fn line(&mut self, indented: bool, tokens: &[Token<'_>], is_first: bool) -> Option<bool> {
        use Token::{Mark, Name, Text};
        if indented {
            if self.block == Block::None {
                return None;
            }
            self.block = Block::Inside;
            return (is_typing(tokens) || is_alias(tokens)).then_some(false);
        }
        if self.block == Block::Opened {
            return None;
        }
        let was_inside = self.block == Block::Inside;
        self.block = Block::None;
        match tokens {
            [Text(_)] => is_first.then_some(false),
            [Name("if"), Name("TYPE_CHECKING"), Mark(':')] => {
                self.block = Block::Opened;
                Some(false)
            }
            [Name("else"), Mark(':')] if was_inside => {
                self.block = Block::Opened;
                Some(false)
            }
            [Name("TYPE_CHECKING"), Mark('='), Name("False")] => Some(false),
            [Name("from"), Name("__future__"), Name("import"), Name("annotations")] => Some(false),
            _ if is_typing(tokens) || is_alias(tokens) => Some(false),
            _ => self.assignment(tokens),
        }
    }

    /// `a = b = VALUE`, `a: TYPE = VALUE`, `a: TYPE`.
    fn assignment(&self, tokens: &[Token<'_>]) -> Option<bool> {
        let mut parts = tokens.split(|token| *token == Token::Mark('='));
        let mut names = Vec::new();
        let first = parts.next()?;
        let rest: Vec<&[Token<'_>]> = parts.collect();
        let (value, others) = match rest.split_last() {
            Some((value, others)) => (Some(*value), others),
            None => (None, &[][..]),
        };
        match first {
            [Token::Name(name)] => names.push(*name),
            [Token::Name(name), Token::Mark(':'), annotation @ ..] if is_type(annotation) => {
                names.push(name);
            }
            _ => return None,
        }
        for other in others {
            match other {
                [Token::Name(name)] => names.push(name),
                _ => return None,
            }
        }
        let Some(value) = value else {
            // An annotation alone does nothing; without one it is the use of a name.
            return (first.len() > 1 && names.iter().all(|name| is_known(name))).then_some(false);
        };
        let fits = names.iter().all(|name| self.fits(name, value));
        fits.then(|| names.iter().any(|name| VERSIONS.contains(name)))
    }

    fn fits(&self, name: &str, value: &[Token<'_>]) -> bool {
        if VERSIONS.contains(&name) {
            return matches!(value, [Token::Text(text)] if self.is_this(text));
        }
        if TUPLES.contains(&name) {
            return self.is_tuple(value);
        }
        if COMMITS.contains(&name) {
            return match value {
                [Token::Name("None")] => true,
                [Token::Text(text)] => is_commit(text),
                _ => false,
            };
        }
        match name {
            "release" => matches!(value, [Token::Name("True" | "False")]),
            "__all__" => is_list_of_names(value),
            _ => false,
        }
    }

    fn is_this(&self, text: &str) -> bool {
        let found = text.parse::<Version>();
        found.is_ok_and(|found| self.version.is_none_or(|version| found == *version))
    }

    /// `(1, 2, 3)`, with texts behind the numbers; the numbers are those of the version.
    fn is_tuple(&self, value: &[Token<'_>]) -> bool {
        let [Token::Mark('('), inner @ .., Token::Mark(')')] = value else { return false };
        let expected = |position: usize| {
            self.version.map(|it| it.release().get(position).copied().unwrap_or_default())
        };
        let mut at_numbers = true;
        let inner = inner.strip_suffix(&[Token::Mark(',')]).unwrap_or(inner);
        for (position, part) in inner.split(|token| *token == Token::Mark(',')).enumerate() {
            match part {
                [Token::Number(number)] => {
                    let Ok(number) = number.parse::<u64>() else { return false };
                    if !at_numbers || expected(position).is_some_and(|it| it != number) {
                        return false;
                    }
                }
                [Token::Text(text)] if is_word(text) => at_numbers = false,
                _ => return false,
            }
        }
        true
    }
}

fn is_known(name: &str) -> bool {
    VERSIONS.contains(&name) || TUPLES.contains(&name) || COMMITS.contains(&name)
}

/// A hash, `g` before it as `git describe` writes it, or that it is not known.
fn is_commit(text: &str) -> bool {
    let hex = text.strip_prefix('g').unwrap_or(text);
    hex.len() <= 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
        || text.eq_ignore_ascii_case("unknown")
}

fn is_word(text: &str) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+' | b'_');
    text.len() <= 64 && text.bytes().all(plain)
}

fn is_list_of_names(value: &[Token<'_>]) -> bool {
    let ([Token::Mark('['), inner @ .., Token::Mark(']')]
    | [Token::Mark('('), inner @ .., Token::Mark(')')]) = value
    else {
        return false;
    };
    let inner = inner.strip_suffix(&[Token::Mark(',')]).unwrap_or(inner);
    inner
        .split(|token| *token == Token::Mark(','))
        .all(|part| matches!(part, [Token::Text(text)] if is_known(text)))
}

/// `from typing import A, B`.
fn is_typing(tokens: &[Token<'_>]) -> bool {
    let [Token::Name("from"), Token::Name("typing"), Token::Name("import"), names @ ..] = tokens
    else {
        return false;
    };
    let names = match names {
        [Token::Mark('('), inner @ .., Token::Mark(')')] => {
            inner.strip_suffix(&[Token::Mark(',')]).unwrap_or(inner)
        }
        names => names,
    };
    names.split(|token| *token == Token::Mark(',')).all(|part| {
        matches!(part, [Token::Name(name)] if TYPES.contains(name) || *name == "TYPE_CHECKING")
    })
}

/// `VERSION_TUPLE = Tuple[Union[int, str], ...]`.
fn is_alias(tokens: &[Token<'_>]) -> bool {
    match tokens {
        [Token::Name(name), Token::Mark('='), definition @ ..] => {
            ALIASES.contains(name) && is_type(definition)
        }
        _ => false,
    }
}

/// Names of types, subscripts, `|` and `...`: looking them up does nothing.
fn is_type(tokens: &[Token<'_>]) -> bool {
    let is_part = |token: &Token<'_>| match token {
        Token::Name(name) => TYPES.contains(name) || ALIASES.contains(name),
        Token::Mark(mark) => matches!(mark, '[' | ']' | ',' | '|' | '.'),
        Token::Text(_) | Token::Number(_) => false,
    };
    matches!(tokens.first(), Some(Token::Name(_))) && tokens.iter().all(is_part)
}

#[cfg(test)]
mod tests;
