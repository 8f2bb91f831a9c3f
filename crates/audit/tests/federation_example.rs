//! The example federation and the page about the file are what they say they are.

use std::fs;
use std::path::PathBuf;

use countermark_audit::federation::parse::parse;
use countermark_audit::federation::{CustodyState, Federation, SCHEMA};

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
