//! The words of a file that tells the version.

/// A word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Name(&'a str),
    /// Between its quotes; there are no escapes in it.
    Text(&'a str),
    Number(&'a str),
    Mark(char),
}

/// A logical line.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) indented: bool,
    pub(super) tokens: Vec<Token<'a>>,
}

/// The lines of a file without comments; none where it holds anything that this small part of the
/// language has not: other letters than ASCII, control characters, escapes, prefixes of texts,
/// continued lines, another encoding.
pub(super) fn lines(bytes: &[u8]) -> Option<Vec<Line<'_>>> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| is_plain(text))?;
    let (mut lines, mut depth) = (Vec::<Line<'_>>::new(), 0_usize);
    let (mut rest, mut is_new) = (text, true);
    while let Some(first) = rest.chars().next() {
        if first == '\n' {
            is_new |= depth == 0;
            rest = &rest[1..];
            continue;
        }
        if first == '#' {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
            continue;
        }
        if matches!(first, ' ' | '\r') {
            let blanks = rest.len() - rest.trim_start_matches([' ', '\r']).len();
            let after = &rest[blanks..];
            if is_new && !after.starts_with(['\n', '#']) && !after.is_empty() {
                lines.push(Line { indented: true, tokens: Vec::new() });
                is_new = false;
            }
            rest = after;
            continue;
        }
        if is_new {
            lines.push(Line { indented: false, tokens: Vec::new() });
            is_new = false;
        }
        let (token, after) = token(rest)?;
        match token {
            Token::Mark('(' | '[') => depth += 1,
            Token::Mark(')' | ']') => depth = depth.checked_sub(1)?,
            _ => {}
        }
        lines.last_mut()?.tokens.push(token);
        rest = after;
    }
    (depth == 0).then_some(lines)
}

/// ASCII that every reader takes alike: a declared encoding could turn comments into programs.
fn is_plain(text: &str) -> bool {
    let plain = |byte: u8| matches!(byte, b'\n' | b' '..=b'~');
    let bytes_are = text.replace("\r\n", "\n").bytes().all(plain);
    bytes_are && declares_utf8(text)
}

/// PEP 263: a comment in the first two lines may name the encoding.
pub(in crate::relate) fn declares_utf8(text: &str) -> bool {
    let is_fine = |rest: &str| {
        let Some(name) = rest.strip_prefix([':', '=']) else { return true };
        let name = name.trim_start().to_ascii_lowercase();
        let end = name.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.'));
        matches!(&name[..end.unwrap_or(name.len())], "utf-8" | "utf8" | "ascii" | "us-ascii")
    };
    let comments = text.split(['\n', '\r']).take(3).filter(|line| line.contains('#'));
    let mut named = comments.flat_map(|line| line.split("coding").skip(1));
    named.all(is_fine)
}

fn token(text: &str) -> Option<(Token<'_>, &str)> {
    let first = text.chars().next()?;
    if matches!(first, '"' | '\'') {
        return quoted(text, first);
    }
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if is_word(first) {
        let end = text.find(|c| !is_word(c)).unwrap_or(text.len());
        let (word, after) = text.split_at(end);
        // A letter before a quote gives the text another meaning.
        if after.starts_with(['"', '\'']) {
            return None;
        }
        if first.is_ascii_digit() {
            let digits = word.bytes().all(|byte| byte.is_ascii_digit()) && !after.starts_with('.');
            return digits.then_some((Token::Number(word), after));
        }
        return Some((Token::Name(word), after));
    }
    matches!(first, '=' | ':' | ',' | '(' | ')' | '[' | ']' | '|' | '.')
        .then(|| (Token::Mark(first), &text[1..]))
}

fn quoted(text: &str, quote: char) -> Option<(Token<'_>, &str)> {
    let three = [quote; 3].iter().collect::<String>();
    let (inner, after, may_break) = match text.strip_prefix(three.as_str()) {
        Some(rest) => {
            let (inner, after) = rest.split_once(three.as_str())?;
            (inner, after, true)
        }
        None => {
            let (inner, after) = text[1..].split_once(quote)?;
            (inner, after, false)
        }
    };
    // Two texts side by side are one; a quote right behind is such a pair.
    let is_plain = !inner.contains('\\') && (may_break || !inner.contains('\n'));
    let is_alone = !after.starts_with(['"', '\'']);
    (is_plain && is_alone).then_some((Token::Text(inner), after))
}
