//! Python, cut into tokens.
//!
//! Errs on the side of code: of a text that is no Python a fault is told with its line, and reading goes
//! on behind it. Lines are counted as people and patches count them, by line feeds; a carriage return that
//! stands alone ends a line for Python and for nobody else, and is told.

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization as _, is_nfkc};

/// Replacement fields in format strings in replacement fields …; deeper ones are a fault.
const MAX_NESTING: usize = 8;

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A name or a keyword, as Python compares it (NFKC).
    Name(Cow<'a, str>),
    /// A whole literal, with its escapes read.
    Text(Cow<'a, str>),
    /// A part of a format string; the rest is known at run time.
    Piece(Cow<'a, str>),
    /// A number.
    Number,
    /// Anything else: operators, brackets.
    Op(char),
    /// The end of a statement.
    End,
    /// Between a format string and the code in it.
    Border,
}

/// A token with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placed<'a> {
    pub(super) token: Token<'a>,
    pub(super) line: usize,
    /// Bytes of blanks before it where it is the first of its line; else the place in the line.
    pub(super) column: usize,
}

/// What a text consists of.
#[derive(Debug, Default)]
pub(super) struct Tokens<'a> {
    pub(super) tokens: Vec<Placed<'a>>,
    /// Lines where it is no Python.
    pub(super) faults: Vec<usize>,
    /// Lines with a carriage return inside.
    pub(super) returns: Vec<usize>,
    /// Lines with a name that is spelled with other letters than it looks.
    pub(super) disguised: Vec<(usize, String)>,
    /// Escapes in literals: the line, and how many there are.
    pub(super) escapes: Vec<(usize, usize)>,
}

/// Cuts a text.
pub(super) fn tokens(text: &str) -> Tokens<'_> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lexer = Lexer {
        text,
        bytes: text.as_bytes(),
        at: 0,
        line: 1,
        begin: 0,
        depth: 0,
        out: Tokens::default(),
    };
    lexer.code(None, 0);
    lexer.push(Token::End);
    lexer.out
}

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    line: usize,
    /// Where the line begins.
    begin: usize,
    /// Open brackets.
    depth: usize,
    out: Tokens<'a>,
}

/// How a literal is written.
#[derive(Clone, Copy)]
struct Quote {
    mark: u8,
    is_triple: bool,
    is_raw: bool,
}

impl<'a> Lexer<'a> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn push(&mut self, token: Token<'a>) {
        self.push_at(token, self.line, self.at);
    }

    fn push_at(&mut self, token: Token<'a>, line: usize, start: usize) {
        let column = start.saturating_sub(self.begin);
        self.out.tokens.push(Placed { token, line, column });
    }

    fn fault(&mut self) {
        self.out.faults.push(self.line);
    }

    /// Steps over a line end, whichever it is; false where there is none.
    fn line_end(&mut self) -> bool {
        match self.peek(0) {
            b'\n' => self.at += 1,
            b'\r' if self.peek(1) == b'\n' => self.at += 2,
            b'\r' => {
                self.at += 1;
                self.begin = self.at;
                if self.at < self.bytes.len() {
                    self.out.returns.push(self.line);
                }
                return true;
            }
            _ => return false,
        }
        self.line += 1;
        self.begin = self.at;
        true
    }

    /// Code, up to the end or, in a replacement field, up to what ends it.
    fn code(&mut self, field: Option<usize>, nesting: usize) {
        while let Some(&byte) = self.bytes.get(self.at) {
            let is_outside = field.is_some_and(|base| self.depth <= base);
            match byte {
                b' ' | b'\t' => self.at += 1,
                // Python counts columns anew behind a form feed.
                0x0c => {
                    self.at += 1;
                    self.begin = self.at;
                }
                b'\n' | b'\r' => {
                    if self.depth == 0 && field.is_none() {
                        self.push(Token::End);
                    }
                    self.line_end();
                }
                b'\\' => {
                    self.at += 1;
                    if !self.line_end() {
                        self.fault();
                    }
                }
                b'#' => self.comment(),
                b'}' if is_outside => return,
                b'!' if is_outside && self.peek(1) != b'=' => return,
                b':' if is_outside => return,
                b'"' | b'\'' => self.literal("", nesting),
                b'0'..=b'9' => self.number(),
                b'.' if self.peek(1).is_ascii_digit() => {
                    self.at += 1;
                    self.number();
                }
                byte if byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80 => {
                    self.name(nesting);
                }
                _ => self.operator(byte),
            }
        }
        if field.is_some() {
            self.fault();
        }
    }

    fn comment(&mut self) {
        while self.at < self.bytes.len() && !matches!(self.bytes[self.at], b'\n' | b'\r') {
            self.at += 1;
        }
    }

    /// Letters behind digits are a keyword that was written without a blank, or a part of the number.
    fn number(&mut self) {
        let start = self.at;
        while self.peek(0).is_ascii_alphanumeric() || self.peek(0) == b'_' {
            self.at += 1;
        }
        if self.peek(0) == b'.' && self.peek(1).is_ascii_digit() {
            self.at += 1;
            while self.peek(0).is_ascii_alphanumeric() || self.peek(0) == b'_' {
                self.at += 1;
            }
        }
        self.push_at(Token::Number, self.line, start);
    }

    fn operator(&mut self, byte: u8) {
        match byte {
            b'(' | b'[' | b'{' => self.depth += 1,
            b')' | b']' | b'}' => self.depth = self.depth.saturating_sub(1),
            b';' if self.depth == 0 => {
                self.push(Token::End);
                self.at += 1;
                return;
            }
            // Neither is a part of Python outside of literals and comments.
            0 | b'$' | b'?' => self.fault(),
            _ => {}
        }
        self.push(Token::Op(char::from(byte)));
        self.at += 1;
    }

    fn name(&mut self, nesting: usize) {
        let start = self.at;
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
        while is_part(self.peek(0)) {
            self.at += 1;
        }
        let name = &self.text[start..self.at];
        if matches!(self.peek(0), b'"' | b'\'') && is_prefix(name) {
            self.literal(name, nesting);
            return;
        }
        let name = if name.is_ascii() || is_nfkc(name) {
            Cow::Borrowed(name)
        } else {
            let spelled: String = name.nfkc().collect();
            if spelled.is_ascii() {
                self.out.disguised.push((self.line, spelled.clone()));
            }
            Cow::Owned(spelled)
        };
        self.push_at(Token::Name(name), self.line, start);
    }

    fn literal(&mut self, prefix: &str, nesting: usize) {
        let has = |letter: u8| prefix.bytes().any(|byte| byte.eq_ignore_ascii_case(&letter));
        let (line, start) = (self.line, self.at - prefix.len());
        let mark = self.peek(0);
        let is_triple = self.peek(1) == mark && self.peek(2) == mark;
        let quote = Quote { mark, is_triple, is_raw: has(b'r') };
        self.at += if is_triple { 3 } else { 1 };
        if has(b'f') || has(b't') {
            if nesting >= MAX_NESTING {
                self.fault();
            }
            self.format(quote, nesting);
            return;
        }
        let from = self.at;
        let mut to = from;
        let column = start.saturating_sub(self.begin);
        while self.at < self.bytes.len() && !self.closes(quote) {
            if !self.step(quote) {
                break;
            }
            to = self.at;
        }
        self.close(quote);
        let value = self.value(from..to, quote, line);
        self.out.tokens.push(Placed { token: Token::Text(value), line, column });
    }

    /// The text of a literal, with its escapes read.
    fn value(&mut self, range: std::ops::Range<usize>, quote: Quote, line: usize) -> Cow<'a, str> {
        // A step goes over whole characters, but a backslash may stand before a part of one.
        let raw = self.text.get(range).unwrap_or_default();
        if quote.is_raw || !raw.contains('\\') {
            return Cow::Borrowed(raw);
        }
        let (value, escapes) = unescaped(raw);
        if escapes > 0 {
            self.out.escapes.push((line, escapes));
        }
        Cow::Owned(value)
    }

    fn closes(&self, quote: Quote) -> bool {
        self.peek(0) == quote.mark
            && (!quote.is_triple || self.peek(1) == quote.mark && self.peek(2) == quote.mark)
    }

    fn close(&mut self, quote: Quote) {
        if self.closes(quote) {
            self.at += if quote.is_triple { 3 } else { 1 };
        } else {
            self.fault();
        }
    }

    /// One character of a literal; false where the line ends too early.
    fn step(&mut self, quote: Quote) -> bool {
        match self.peek(0) {
            b'\n' | b'\r' if !quote.is_triple => return false,
            b'\n' | b'\r' => {
                self.line_end();
            }
            b'\\' => {
                self.at += 1;
                if !self.line_end() && self.at < self.bytes.len() {
                    self.at += self.width();
                }
            }
            _ => self.at += self.width(),
        }
        true
    }

    fn width(&self) -> usize {
        self.text.get(self.at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
    }

    /// A format string: texts, and code in braces (PEP 701; older versions take less).
    fn format(&mut self, quote: Quote, nesting: usize) {
        self.push(Token::Border);
        self.pieces(quote, nesting, false);
        self.close(quote);
        self.push(Token::Border);
    }

    /// The texts and fields up to the closing quote, or of a format specification up to its brace.
    fn pieces(&mut self, quote: Quote, nesting: usize, is_specification: bool) {
        let (mut from, mut line) = (self.at, self.line);
        while self.at < self.bytes.len() && !self.closes(quote) {
            let byte = self.peek(0);
            let next = self.peek(1);
            if byte == b'}' && is_specification {
                break;
            }
            match byte {
                b'{' if next == b'{' && !is_specification => self.at += 2,
                b'{' => {
                    self.piece(from, quote, line);
                    self.field(quote, nesting);
                    (from, line) = (self.at, self.line);
                }
                // A backslash does not take its meaning from a brace.
                b'\\' if matches!(next, b'{' | b'}') => self.at += 1,
                b'\\' if next == b'N' && self.peek(2) == b'{' && !quote.is_raw => {
                    while self.at < self.bytes.len() && !matches!(self.peek(0), b'}' | b'\n') {
                        self.at += 1;
                    }
                }
                _ => {
                    if !self.step(quote) {
                        break;
                    }
                }
            }
        }
        self.piece(from, quote, line);
    }

    fn piece(&mut self, from: usize, quote: Quote, line: usize) {
        if from < self.at {
            let value = self.value(from..self.at, quote, line);
            self.push_at(Token::Piece(value), line, from);
        }
    }

    fn field(&mut self, quote: Quote, nesting: usize) {
        self.at += 1;
        self.push(Token::Border);
        if nesting >= MAX_NESTING {
            self.fault();
            return;
        }
        let base = self.depth;
        self.code(Some(base), nesting + 1);
        self.depth = base;
        if self.peek(0) == b'!' {
            while self.at < self.bytes.len() && !matches!(self.peek(0), b':' | b'}' | b'\n') {
                self.at += 1;
            }
        }
        if self.peek(0) == b':' {
            self.at += 1;
            self.push(Token::Border);
            self.pieces(quote, nesting + 1, true);
        }
        if self.peek(0) == b'}' {
            self.at += 1;
        }
        self.push(Token::Border);
    }
}

fn is_prefix(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    matches!(
        lower.as_str(),
        "r" | "u" | "b" | "f" | "t" | "br" | "rb" | "fr" | "rf" | "tr" | "rt" | "ur"
    )
}

/// The text that escapes stand for, and the number of those that stand for a code.
fn unescaped(raw: &str) -> (String, usize) {
    let (mut text, mut escapes) = (String::with_capacity(raw.len()), 0);
    let mut rest = raw;
    while let Some(position) = rest.find('\\') {
        text.push_str(&rest[..position]);
        rest = &rest[position + 1..];
        let Some(letter) = rest.chars().next() else { break };
        let (digits, radix) = match letter {
            'x' => (2, 16),
            'u' => (4, 16),
            'U' => (8, 16),
            '0'..='7' => (3, 8),
            _ => (0, 0),
        };
        if digits == 0 {
            rest = &rest[letter.len_utf8()..];
            match letter {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                'r' => text.push('\r'),
                '\n' => {}
                '\\' | '\'' | '"' => text.push(letter),
                other => {
                    text.push('\\');
                    text.push(other);
                }
            }
            continue;
        }
        escapes += 1;
        let body = if radix == 8 { rest } else { &rest[1..] };
        let length =
            body.bytes().take(digits).take_while(|it| char::from(*it).is_digit(radix)).count();
        let code = u32::from_str_radix(&body[..length], radix).ok().and_then(char::from_u32);
        text.push(code.unwrap_or('\u{fffd}'));
        rest = &body[length..];
    }
    text.push_str(rest);
    (text, escapes)
}
