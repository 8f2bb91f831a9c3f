use proptest::prelude::*;

use super::*;
use crate::report::fixture::{self, assert_harmless};

#[test]
fn the_report() {
    insta::assert_snapshot!(write(&fixture::report(), Options::default()));
}

#[test]
fn nothing_found() {
    insta::assert_snapshot!(write(&fixture::empty(), Options::default()));
}

#[test]
fn hostile_texts() {
    let written = write(&fixture::report_of(fixture::HOSTILE), Options::default());
    let row = written.lines().find(|line| line.starts_with("| medium")).unwrap();
    insta::assert_snapshot!(row);
}

#[test]
fn texts_are_only_texts() {
    let check = |text: &str, expect: &str| assert_eq!(plain(text), expect);
    check("a wheel without an sdist (2.0.2)", "a wheel without an sdist (2.0.2)");
    check("oslo_config __init__", "oslo_config \\_\\_init\\_\\_");
    check("<b>", "&lt;b&gt;");
    check("a|b", "a\\|b");
    check("![x](y)", "!\\[x\\](y)");
    check("https://evil.example", "https&#58;//evil.example");
    check("WWW.evil.example", "WWW&#46;evil.example");
    check("@everyone", "&#64;&#8203;everyone");
    check("the account `tea-release`", "the account `tea-release`");
    check("`a<b`", "\\`a&lt;b\\`");
    check("`a`b`", "`a`b\\`");
    check("``a", "\\`\\`a");
    check("a\n# b", "a\\\\n\\# b");
    check("&lt;", "&amp;lt;");
}

#[test]
fn code_is_ended_by_nothing_in_it() {
    let check = |text: &str, expect: &str| assert_eq!(code(text), expect);
    check("1.0", "`1.0`");
    check("a`b", "``a`b``");
    check("`a``", "``` `a`` ```");
    check("a|b", "`a¦b`");
    check("", "");
    check(" ", "`   `");
}

/// Whether any of these stands in the text without an escape before it.
fn unescaped(line: &str, wanted: char) -> usize {
    let mut number = 0;
    let mut escaped = false;
    for c in line.chars() {
        number += usize::from(c == wanted && !escaped);
        escaped = c == '\\' && !escaped;
    }
    number
}

proptest! {
    #[test]
    fn any_text_stays_in_its_place(text in fixture::any_text()) {
        let options = Options { all: true, ..Options::default() };
        let report = fixture::report_of(&text);
        let written = write(&report, options);
        assert_harmless(&written);
        // As many lines, rows and cells as with harmless texts.
        let usual = write(&fixture::report_of("text"), options);
        prop_assert!(text.is_empty() || written.lines().count() == usual.lines().count());
        for line in written.lines().filter(|line| line.starts_with('|')) {
            prop_assert_eq!(unescaped(line, '|'), 6, "{}", line);
        }
        let text = plain(&text);
        prop_assert_eq!(unescaped(&text, '`') % 2, 0, "{}", text);
        for c in ['<', '>', '*', '[', ']', '~', '@', '$'] {
            prop_assert_eq!(unescaped(&text, c), 0, "{} in {}", c, text);
        }
        prop_assert!(!text.contains("://"));
    }
}
