use super::*;

fn check(specifiers: &str, yes: &[&str], no: &[&str]) {
    let parsed: VersionSpecifiers = specifiers.parse().unwrap();
    for version in yes {
        assert!(parsed.contains(&version.parse().unwrap()), "{version} in {specifiers}");
    }
    for version in no {
        assert!(!parsed.contains(&version.parse().unwrap()), "{version} not in {specifiers}");
    }
}

#[test]
fn clauses_match_as_in_packaging() {
    check("", &["0", "1.0a1", "1+x"], &[]);
    check("==1.1.*", &["1.1", "1.1.5", "1.1a1", "1.1+x", "1.1.dev0"], &["1", "1.10", "1!1.1"]);
    check("==1.0.*", &["1", "1.0.3"], &["1.1"]);
    check("!=1.1.*", &["1", "1.2"], &["1.1", "1.1.post1"]);
    check("==1.0", &["1", "1.0.0", "1.0+x"], &["1.0.post1", "1.0a1"]);
    check("==1.0+x", &["1.0+X"], &["1.0", "1.0+y"]);
    check("!=1.0", &["1.1"], &["1.0+x"]);
    check("~=1.4.2", &["1.4.2", "1.4.9", "1.4.2.post1"], &["1.5", "1.4.2a1", "2"]);
    check("~=1.4", &["1.4", "1.9"], &["2.0", "2.0.dev0"]);
    check(">1.0", &["1.0.1", "1.1a1"], &["1.0.post1", "1.0+x", "1.0"]);
    check(">1.0.post1", &["1.0.post2"], &["1.0.post1", "1.0.post1+x"]);
    check(">1.0.dev1", &["1.0.dev2", "1.0"], &["1.0.dev1+x"]);
    check(">1.0a1", &["1.0a2", "1.0"], &["1.0a1.post1"]);
    check("<1.0", &["0.9"], &["1.0a1", "1.0.dev0", "1.0"]);
    check("<1.0a2", &["1.0a1", "1.0.dev0"], &["1.0a2"]);
    check("<1.0.post1", &["1.0"], &["1.0.post1.dev0", "1.0.post1"]);
    check("<=1.0", &["1.0+x", "1.0a1"], &["1.0.post1"]);
    check(">=1.0", &["1.0", "1.0+x"], &["1.0a1"]);
    check("===1.0", &["1.0"], &["1.0.0", "1.0+x"]);
    check("===1.0+Ubuntu", &["1.0+ubuntu"], &["1.0"]);
    check("===whatever", &[], &["1.0"]);
    check(">=1,<2,!=1.5", &["1.4"], &["1.5", "2", "0.9"]);
    check("==1!1.0", &["1!1"], &["1.0"]);
}

#[test]
fn texts_that_are_no_versions_match_only_themselves() {
    let contains = |specifier: &str, text: &str| {
        specifier.parse::<VersionSpecifier>().unwrap().contains_text(text)
    };
    assert!(contains("===6.1-generic", "6.1-Generic"));
    assert!(!contains("!=5", "6.1-generic"));
    assert!(contains("!=5", "6.1"));
    assert!(!contains("===1.0", "1.0.0"));
}

#[test]
fn texts_are_read() {
    let check = |text: &str, expect: &str| {
        let parsed: VersionSpecifiers = text.parse().unwrap();
        assert_eq!(parsed.to_string(), expect);
        assert_eq!(expect.parse::<VersionSpecifiers>().unwrap(), parsed);
    };
    check("", "");
    check(" ", "");
    check(">= 1.0 , < 2", ">=1.0,<2");
    check(">=1.0,", ">=1.0");
    check(",>=1.0,,<2", ">=1.0,<2");
    check("==V1.0-ALPHA1", "==1.0a1");
    check("==1!2.0.*", "==1!2.0.*");
    check("===Foo_1!", "===Foo_1!");
}

#[test]
fn texts_are_refused_where_they_go_wrong() {
    let check = |text: &str, message: &str, span| {
        let error = text.parse::<VersionSpecifiers>().unwrap_err();
        assert_eq!((error.message.as_str(), error.span), (message, span), "{text}");
    };
    check(">=", "expected a version, found the end", 2..2);
    check("1.0", "expected one of ==, !=, <=, >=, <, >, ~=, ===, found '1'", 0..1);
    check(">=1 <2", "expected the end, found '<'", 4..5);
    check("=1.0", "expected one of ==, !=, <=, >=, <, >, ~=, ===, found '='", 0..1);
    check(">=1.0.*", "`>=` does not take a `.*`", 0..7);
    check("==1.0a1.*", "`.*` stands only after numbers, not as in `1.0a1.*`", 0..9);
    check("==1.0+x.*", "`.*` stands only after numbers, not as in `1.0+x.*`", 0..9);
    check(">=1, <2+x", "`<` does not take a local version such as `2+x`", 5..9);
    check("~=1", "`~=` asks for at least two numbers, found `1`", 0..3);
    check(">=1.0-foo", "`1.0-foo` is no version according to PEP 440", 0..9);
}

#[test]
fn pins_are_exact_and_consistent() {
    let check = |text: &str, expect: Option<&str>| {
        let parsed: VersionSpecifiers = text.parse().unwrap();
        assert_eq!(parsed.pinned().map(Version::to_string).as_deref(), expect, "{text}");
    };
    check("==1.0", Some("1.0"));
    check("===1.0", Some("1.0"));
    check("==1.0,>=0.5", Some("1.0"));
    check("==1.0,==1.0+x", Some("1.0+x"));
    check("==1.*", None);
    check(">=1.0", None);
    check("==1.0,>=2", None);
    check("===nonsense", None);
    check("", None);
}
