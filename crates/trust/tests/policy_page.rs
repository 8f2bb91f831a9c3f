//! The page of the policy is made from its rules.
//!
//! `UPDATE_DOCS=1 cargo test -p countermark-trust --test policy_page` writes docs/policy.md anew.
#![expect(clippy::disallowed_methods, reason = "a test reads and writes a page")]

use std::fs;
use std::path::PathBuf;

use countermark_trust::policy::page::policy_page;
use countermark_trust::policy::{Policy, Section};

#[test]
fn the_page_is_made_from_the_rules() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/policy.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, policy_page()).unwrap();
    }
    let text = fs::read_to_string(&path).unwrap();
    assert!(text == policy_page(), "docs/policy.md is old: run this test with UPDATE_DOCS=1");
}

#[test]
fn every_example_on_the_page_loads() {
    let page = policy_page();
    let examples: Vec<&str> =
        page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(examples.len() > 13);
    for example in examples {
        let loaded = Policy::parse("countermark.toml", example.as_bytes(), Section::File);
        assert!(loaded.is_ok(), "{example}\n{loaded:?}");
    }
}
