//! Formulae of Homebrew: `url "…"` with `sha256 "…"`, of the formula itself and of its resources
//! (Formula Cookbook, "Specifying Python dependencies as resources").
//!
//! A formula is a program. It is not run and not parsed as one: only lines of the two forms count, a
//! digest belongs to the address before it in the same block, and blocks of patches and bottles
//! are left out. What cannot be read that way is passed over.

use countermark_packaging::digest::Algorithm;
use countermark_packaging::lock::codes;

use super::{Line, Reader, Stated, lines, of_url, shown};

/// The deepest nesting of blocks.
const MAXIMUM_DEPTH: usize = 64;

/// One `… do` to its `end`.
struct Block<'a> {
    resource: Option<&'a str>,
    is_left_out: bool,
    url: Option<(&'a str, Line<'a>)>,
}

pub(super) fn read(reader: &mut Reader<'_>) {
    let mut blocks = vec![Block { resource: None, is_left_out: false, url: None }];
    for line in lines(reader.text()) {
        let text = without_comment(line.text).trim();
        if text == "__END__" {
            break;
        }
        let word = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next();
        let is_nested = blocks.len() > 1;
        let Some(innermost) = blocks.last_mut() else { break };
        match word.unwrap_or_default() {
            "end" if is_nested => {
                let block = blocks.pop();
                warn_without_digest(reader, block.and_then(|it| it.url));
            }
            "url" if !innermost.is_left_out => {
                let before = innermost.url.take();
                warn_without_digest(reader, before);
                match quoted(text, "url") {
                    Some((address, _)) => innermost.url = Some((address, line)),
                    None => reader.pass_over("an address that is not a plain text", line.span()),
                }
            }
            "sha256" if !innermost.is_left_out => add(reader, innermost, &line, text),
            _ if opens_block(text) => {
                let resource = quoted(text, "resource").map(|(name, _)| name);
                let is_left_out = innermost.is_left_out
                    || matches!(word, Some("patch" | "bottle" | "test" | "livecheck" | "head"));
                blocks.push(Block { resource, is_left_out, url: None });
                if blocks.len() > MAXIMUM_DEPTH {
                    let message = format!("blocks are nested more than {MAXIMUM_DEPTH} deep");
                    return reader.mistake(codes::TOO_LARGE, message, line.span());
                }
            }
            _ => {}
        }
    }
    for block in blocks {
        warn_without_digest(reader, block.url);
    }
}

fn warn_without_digest(reader: &mut Reader<'_>, url: Option<(&str, Line<'_>)>) {
    if let Some((address, line)) = url {
        reader.pass_over(format!("`{}` has no sha256", shown(address)), line.span());
    }
}

fn add(reader: &mut Reader<'_>, block: &mut Block<'_>, line: &Line<'_>, text: &str) {
    // `sha256 arm64_sonoma: "…"` is a bottle's.
    let Some((hexadecimal, _)) = quoted(text, "sha256") else { return };
    let Some((address, at)) = block.url.take() else {
        return reader.mistake(codes::ORPHAN_DIGEST, "a digest without an address", line.span());
    };
    if address.contains("#{") {
        return reader.pass_over("an address that only Ruby can evaluate", at.span());
    }
    let Some((file, origin)) = of_url(address) else {
        return reader.pass_over(format!("`{}` leads to no file", shown(address)), at.span());
    };
    if file.is_empty() {
        return reader.pass_over(format!("`{}` names no file", shown(address)), at.span());
    }
    let stated = Stated {
        file,
        algorithm: Algorithm::Sha256,
        hexadecimal,
        size: None,
        url: Some(address.to_owned()),
        origin,
        package: block.resource.map(str::to_owned),
    };
    reader.add(stated, line.span_of(hexadecimal));
}

/// The text in `word "text"`, and what follows it.
fn quoted<'a>(text: &'a str, word: &str) -> Option<(&'a str, &'a str)> {
    let rest = text.strip_prefix(word)?.trim_start_matches([' ', '(']);
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    rest[1..].split_once(quote)
}

/// Whether a line opens what an `end` closes.
fn opens_block(text: &str) -> bool {
    let first = text.split_ascii_whitespace().next().unwrap_or_default();
    let is_statement = matches!(
        first,
        "class" | "module" | "def" | "if" | "unless" | "case" | "while" | "until" | "begin" | "for"
    );
    // `def name = value` has no end.
    let is_whole = first == "def" && text.contains(" = ");
    let is_do = text.ends_with(" do") || (text.ends_with('|') && text.contains(" do |"));
    // `x = if …` and `x = case …` have one too.
    let is_value = text.contains("= if ") || text.contains("= case ") || text.ends_with("= begin");
    (is_statement && !is_whole && !text.ends_with(" end")) || is_do || is_value
}

/// Ruby's comment begins at a `#` that stands in no text and begins no interpolation.
fn without_comment(text: &str) -> &str {
    let mut quote = None;
    let mut is_escaped = false;
    for (at, c) in text.char_indices() {
        match quote {
            Some(_) if is_escaped => is_escaped = false,
            Some(_) if c == '\\' => is_escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None if c == '#' => return &text[..at],
            None => {}
        }
    }
    text
}
