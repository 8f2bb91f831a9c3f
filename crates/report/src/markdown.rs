//! Texts of others inside of Markdown: what is read there is what was written here, so that no name
//! breaks a table, becomes a link, an image or HTML, or calls people.

use crate::harmless::harmless;

/// A text that is only a text. Names that a rule put between backticks stay code when there is
/// nothing in them but what names are made of.
#[must_use]
pub fn plain(text: &str) -> String {
    let text = harmless(text);
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest: &str = &text;
    while let Some((before, after)) = rest.split_once('`') {
        let span = after.split_once('`').filter(|(span, _)| is_name(span));
        escape_into(&mut out, before);
        rest = if let Some((span, after)) = span {
            out.push_str(&format!("`{span}`"));
            after
        } else {
            out.push_str("\\`");
            after
        };
    }
    escape_into(&mut out, rest);
    out
}

fn is_name(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"._-=+/ ".contains(&byte);
    !text.is_empty() && text.trim() == text && text.bytes().all(inner)
}

/// What is escaped is what CommonMark, its extensions for tables, strikethrough, bare links and
/// mathematics, and mentions of people would act on.
fn escape_into(out: &mut String, text: &str) {
    let mut before = ' ';
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        let after = letters.peek().copied().unwrap_or(' ');
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // Entities are put in before links and mentions are looked for; what stands between
            // the letter and the name is seen by nobody.
            '@' => out.push_str("&#64;&#8203;"),
            '\\' | '`' | '*' | '[' | ']' | '|' | '~' | '#' | '$' => out.extend(['\\', c]),
            '_' if !(before.is_alphanumeric() && after.is_alphanumeric()) => out.push_str("\\_"),
            // `://` and `www.` would become links.
            ':' if after == '/' => out.push_str("&#58;"),
            '.' if ends_with_www(out) => out.push_str("&#46;"),
            _ => out.push(c),
        }
        before = c;
    }
}

fn ends_with_www(text: &str) -> bool {
    let start = text.len().saturating_sub(3);
    text.get(start..).is_some_and(|end| end.eq_ignore_ascii_case("www"))
}

/// A text between backticks, which nothing in it ends. A pipe would end the cell of a table all the
/// same, and a code span cannot hold it outside of one without a stroke before it: it is shown as
/// the letter that looks like it.
#[must_use]
pub fn code(text: &str) -> String {
    let text = harmless(text).replace('|', "¦");
    if text.is_empty() {
        return String::new();
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) {
        format!("{fence} {text} {fence}")
    } else {
        format!("{fence}{text}{fence}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stay_texts() {
        let check = |text: &str, expect: &str| assert_eq!(plain(text), expect);
        check("a | b", "a \\| b");
        check("<b>", "&lt;b&gt;");
        check("`name`, `a]b`", "`name`, \\`a\\]b\\`");
        check("@all", "&#64;&#8203;all");
        check("https://x www.y", "https&#58;//x www&#46;y");
        assert_eq!(code("a|b"), "`a¦b`");
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code(""), "");
    }
}
