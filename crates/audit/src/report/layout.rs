//! Lines of a terminal: how wide a text is, where it is cut, where it is wrapped.

use unicode_width::UnicodeWidthStr as _;

/// Columns that a text takes. Of two texts together it may be another number than the sum: letters
/// of some scripts join.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// A text that fits into some columns, cut at the border of a word where there is one not too far
/// back, with `…` in place of the rest.
pub(super) fn shorten(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    if columns == 0 {
        return String::new();
    }
    let kept = head(text, columns - 1);
    let goes_on = text[kept.len()..].starts_with(' ');
    let border = if goes_on { Some(kept.len()) } else { kept.rfind(' ') };
    let kept = match border {
        Some(end) if end * 3 >= kept.len() * 2 => &kept[..end],
        _ => kept,
    };
    format!("{}…", kept.trim_end_matches([' ', ',', ';', ':', '(']))
}

/// Lines of at most some columns, broken at spaces; a word that is too long is broken where the line
/// ends. Never empty. The first line has `first` columns, the others `rest`.
pub(super) fn wrap(text: &str, first: usize, rest: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let columns = |lines: &Vec<String>| if lines.is_empty() { first } else { rest }.max(4);
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let mut word = word;
        let gap = usize::from(!line.is_empty());
        if width(&line) + gap + width(word) <= columns(&lines) {
            line.push_str(if gap == 1 { " " } else { "" });
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        while width(word) > columns(&lines) {
            let part = head(word, columns(&lines));
            lines.push(part.to_owned());
            word = &word[part.len()..];
        }
        line.push_str(word);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// As many letters from the start as fit, and at least one, so that whoever cuts gets on.
fn head(text: &str, columns: usize) -> &str {
    let mut ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
    let mut end = ends.next().unwrap_or(0);
    for next in ends {
        if width(&text[..next]) > columns {
            break;
        }
        end = next;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_are_cut_at_words() {
        let check = |text: &str, columns, expect: &str| assert_eq!(shorten(text, columns), expect);
        check("three strangers are owners", 26, "three strangers are owners");
        check("three strangers are owners", 25, "three strangers are…");
        check("three strangers are owners", 20, "three strangers are…");
        check("three, strangers", 8, "three…");
        check("supercalifragilistic", 6, "super…");
        check("a supercalifragilistic", 9, "a superc…");
        check("版本版本", 5, "版本…");
        check("abc", 1, "a…");
        check("abc", 0, "");
    }

    #[test]
    fn texts_are_wrapped_at_words() {
        let check = |text: &str, first, rest, expect: &[&str]| {
            assert_eq!(wrap(text, first, rest), expect);
        };
        check("one two three four", 7, 10, &["one two", "three four"]);
        check("one  two", 80, 80, &["one two"]);
        check("", 10, 10, &[""]);
        check("abcdefghij kl", 4, 6, &["abcd", "efghij", "kl"]);
        check("版本版本", 4, 4, &["版本", "版本"]);
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_asked(text in "[a-z 版…,\u{301}]{0,60}", columns in 4usize..40) {
            prop_assert!(width(&shorten(&text, columns)) <= columns);
            let lines = wrap(&text, columns, columns);
            prop_assert!(lines.iter().all(|line| width(line) <= columns), "{:?}", lines);
            let joined: String = lines.concat().replace(' ', "");
            prop_assert_eq!(joined, text.replace(' ', ""));
        }
    }
}
