//! Texts that others wrote, made fit to be shown: a version, a file name or an account of an index
//! must not move a cursor, hide or turn round what stands beside it, or break out of a document.

use std::borrow::Cow;

/// The same text with everything written as an escape (`\u{1b}`) that acts on what shows it instead
/// of being shown: control characters, line ends, marks of direction, invisible characters, and
/// those that XML cannot hold.
#[must_use]
pub fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if acts(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Whether a character acts instead of being seen, or is not seen at all: with it a name can look
/// like another one.
#[must_use]
pub fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{fdd0}'..='\u{fdef}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
        || u32::from(c) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_becomes_an_escape() {
        let check = |text: &str, expect: &str| assert_eq!(harmless(text), expect);
        check("1.2.0", "1.2.0");
        check("Grüße, 版本, 🫖", "Grüße, 版本, 🫖");
        check("1.0\u{1b}[2J", "1.0\\u{1b}[2J");
        check("a\nb\tc\r", "a\\nb\\tc\\r");
        check("\u{9b}31m", "\\u{9b}31m");
        check("abc\u{202e}gnp.exe", "abc\\u{202e}gnp.exe");
        check("tea\u{200b}pot", "tea\\u{200b}pot");
        check("a\u{2028}b", "a\\u{2028}b");
        check("\u{ffff}\u{1fffe}", "\\u{ffff}\\u{1fffe}");
        check("\u{e0041}", "\\u{e0041}");
    }
}
