//! The four lists of rules agree: files, registry, documentation, fixtures.
//!
//! `UPDATE_DOCS=1 cargo test -p countermark-audit --test rules` writes docs/rules.md anew.
#![expect(clippy::disallowed_methods, reason = "the sources and the documentation are read")]
#![expect(clippy::unwrap_used, reason = "all of it is a test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use countermark_audit::report::explain::rules_page;
use countermark_audit::rule::RULES;

/// A file of `src/rule` that has a rule in it.
struct RuleFile {
    code: String,
    /// What comes before its tests, and its tests, also those in a folder of the same name.
    source: String,
    tests: String,
}

fn rule_files() -> Vec<RuleFile> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/rule");
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let (source, mut tests) = match text.split_once("#[cfg(test)]\nmod tests") {
            Some((source, tests)) => (source.to_owned(), tests.to_owned()),
            None => (text, String::new()),
        };
        if !source.contains("impl Rule for ") {
            continue;
        }
        if let Ok(more) = fs::read_to_string(path.with_extension("").join("tests.rs")) {
            tests.push_str(&more);
        }
        let stem = path.file_stem().unwrap().to_str().unwrap();
        files.push(RuleFile { code: stem.replace('_', "-"), source, tests });
    }
    assert!(files.len() > 20, "the rules are somewhere else");
    files
}

fn codes() -> BTreeSet<String> {
    RULES.iter().map(|rule| rule.code().to_owned()).collect()
}

#[test]
fn every_file_is_registered_and_every_rule_has_a_file() {
    let files: BTreeSet<String> = rule_files().into_iter().map(|file| file.code).collect();
    assert_eq!(files, codes());
    assert_eq!(codes().len(), RULES.len(), "a code is there twice");
}

#[test]
fn a_file_has_one_rule_and_its_fixtures() {
    for RuleFile { code, source, tests } in rule_files() {
        assert_eq!(source.matches("impl Rule for ").count(), 1, "{code}");
        let name = source.split_once("impl Rule for ").unwrap().1;
        let name = name.split_once(' ').unwrap().0;
        assert_eq!(name.to_lowercase(), code.replace('-', ""), "{code}");
        assert!(tests.contains("#[test]"), "{code} has no test");
        assert!(tests.contains(name), "the tests of {code} do not use {name}");
    }
}

#[test]
fn codes_and_documents_are_well_formed() {
    for rule in RULES {
        let code = rule.code();
        let is_word =
            |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
        assert!(code.split('-').all(is_word), "{code}");
        let document = rule.document();
        assert!(!document.title.is_empty() && !document.title.ends_with('.'), "{code}");
        assert!(!document.title.contains('\n') && document.title.len() <= 90, "{code}");
        for text in [document.what, document.why, document.remedy] {
            assert!(text.ends_with('.') && text.len() > 30, "{code}: {text}");
            assert!(text.starts_with(|c: char| !c.is_lowercase()), "{code}: {text}");
        }
        assert!(!document.example.is_empty(), "{code}");
        for text in [document.what, document.why, document.remedy, document.example] {
            assert!(!text.contains("  ") || text == document.example, "{code}: {text}");
            assert_eq!(text.matches('`').count() % 2, 0, "{code}: {text}");
        }
    }
}

#[test]
fn the_documentation_is_made_from_the_rules() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/rules.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, rules_page()).unwrap();
    }
    let text = fs::read_to_string(&path).unwrap();
    let sections: Vec<&str> = text
        .split_once("\n## The rules\n")
        .unwrap()
        .1
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .collect();
    let codes: Vec<&str> = RULES.iter().map(|rule| rule.code()).collect();
    assert_eq!(sections, codes);
    let hint = "docs/rules.md is old: run this test with UPDATE_DOCS=1";
    assert!(text == rules_page(), "{hint}");
}
