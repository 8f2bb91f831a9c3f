//! The example federation and the page about the file are what they say they are.

use std::fs;
use std::path::PathBuf;

use countermark_audit::federation::parse::parse;
use countermark_audit::federation::{CustodyState, Federation, SCHEMA};

#[expect(clippy::disallowed_methods, reason = "a test of files of the repository")]
fn read(path: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(path)).expect("a file of the repository")
}

fn example() -> Federation {
    let path = "examples/federation/federation.toml";
    match parse(path, &read(path)) {
        Ok(federation) => federation,
        Err(errors) => panic!("{errors:#?}"),
    }
}

#[test]
fn the_example_is_read() {
    let federation = example();
    assert_eq!(federation.records.len(), 3);
    assert_eq!(federation.records[1].settings["official"], "false");
    assert_eq!(federation.custody.len(), 4);
    assert_eq!(federation.custody[1].state, CustodyState::Theirs);
    assert_eq!(federation.accounts.exceptions.len(), 2);
    assert_eq!((federation.accepted.len(), federation.kept.len()), (1, 1));
    assert_eq!((federation.services.len(), federation.people.len()), (3, 3));
}

/// It is the one from which the page is learnt, so it has everything.
#[test]
fn the_example_uses_every_key() {
    let schema: serde_json::Value = serde_json::from_str(SCHEMA).expect("JSON");
    let text = read("examples/federation/federation.toml");
    let definitions = schema["$defs"].as_object().expect("definitions").values();
    for object in
        definitions.chain([&schema]).chain(schema["properties"].as_object().expect("it").values())
    {
        let Some(properties) = object["properties"].as_object() else { continue };
        for key in properties.keys() {
            let unused_here = ["files", "accounts", "projects", "project"].contains(&key.as_str());
            let is_used = text.contains(&format!("{key} = "))
                || text.contains(&format!("[{key}"))
                || text.contains(&format!(".{key}]"));
            assert!(is_used || unused_here, "`{key}` is not in the example");
        }
    }
}

/// The blocks of a page with this file name.
fn blocks(page: &str, name: &str) -> Vec<String> {
    let start = format!("```toml {name}\n");
    let block = |rest: &str| rest.split("```").next().unwrap_or_default().to_owned();
    read(page).split(&start).skip(1).map(block).collect()
}

#[test]
fn the_page_about_the_file_is_right() {
    let [complete] = &blocks("docs/federation.md", "federation.toml")[..] else {
        panic!("one block")
    };
    let federation = parse("federation.toml", complete).unwrap_or_else(|it| panic!("{it:#?}"));
    assert_eq!(federation.thresholds.late_hours, 12);
    let [wrong] = &blocks("docs/federation.md", "wrong.toml")[..] else { panic!("one block") };
    let errors = parse("wrong.toml", wrong).expect_err("it is wrong");
    let found: Vec<(&str, u32, u32)> =
        errors.iter().map(|it| (it.code, it.place.line, it.place.column)).collect();
    assert_eq!(
        found,
        [
            ("unknown-key", 2, 1),
            ("unknown-word", 6, 9),
            ("bad-date", 7, 6),
            ("unknown-rule", 11, 8),
            ("placeholder", 13, 10),
        ]
    );
}

/// Every key of the file is explained on the page.
#[test]
fn the_page_about_the_file_has_every_key() {
    fn keys(schema: &serde_json::Value, found: &mut Vec<String>) {
        let Some(fields) = schema.as_object() else { return };
        for (name, value) in fields {
            if let (true, Some(properties)) = (name == "properties", value.as_object()) {
                found.extend(properties.keys().cloned());
            }
            keys(value, found);
        }
    }
    let mut found = Vec::new();
    keys(&serde_json::from_str(SCHEMA).expect("JSON"), &mut found);
    assert!(found.len() > 40);
    let page = read("docs/federation.md");
    let (_, page) = page.split_once("## Keys").expect("a section");
    for key in found {
        let forms = [format!("`{key}`"), format!("[{key}"), format!(".{key}]")];
        assert!(forms.iter().any(|form| page.contains(form)), "`{key}` is not on the page");
    }
}
