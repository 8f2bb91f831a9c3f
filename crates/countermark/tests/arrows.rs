//! The arrows of ARCHITECTURE.md, by manifests and `Cargo.lock`: who may depend on whom, and what the crates
//! below the line must not depend on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use toml::{Table, Value};

/// Each crate with the crates of this workspace that it may use, tests left out.
const ARROWS: &[(&str, &[&str])] = &[
    ("countermark-packaging", &[]),
    ("countermark-tlog", &[]),
    ("countermark-trust", &["countermark-packaging", "countermark-tlog"]),
    ("countermark-report", &[]),
    ("countermark-audit", &["countermark-packaging", "countermark-report", "countermark-trust"]),
    ("countermark-lock", &["countermark-packaging", "countermark-report", "countermark-trust"]),
    (
        "countermark-ledger",
        &["countermark-packaging", "countermark-report", "countermark-tlog", "countermark-trust"],
    ),
    (
        "countermark-client",
        &[
            "countermark-audit",
            "countermark-ledger",
            "countermark-lock",
            "countermark-packaging",
            "countermark-report",
            "countermark-tlog",
            "countermark-trust",
        ],
    ),
    (
        "countermark-service",
        &[
            "countermark-audit",
            "countermark-client",
            "countermark-ledger",
            "countermark-lock",
            "countermark-packaging",
            "countermark-report",
            "countermark-tlog",
            "countermark-trust",
        ],
    ),
    (
        "countermark",
        &[
            "countermark-audit",
            "countermark-client",
            "countermark-ledger",
            "countermark-lock",
            "countermark-packaging",
            "countermark-report",
            "countermark-service",
            "countermark-tlog",
            "countermark-trust",
        ],
    ),
    ("countermark-testkit", &["countermark-packaging", "countermark-tlog", "countermark-trust"]),
];

/// Crates of effects, which nothing below the line may use in any way.
const EFFECTS: &[&str] = &["reqwest", "tokio", "rustix", "tempfile", "mio", "hyper", "socket2"];

/// Crates under the LGPL: with the feature `openpgp` only, see `deny.toml`.
const COPYLEFT: &[&str] = &["sequoia-openpgp", "buffered-reader"];

/// Which features of our crates count.
#[derive(Clone, Copy, PartialEq)]
enum Features {
    Default,
    All,
}

type Graph = BTreeMap<String, BTreeSet<String>>;

/// For each package what it uses, tests left out: for ours by their manifests, for all others by
/// `Cargo.lock`, which has them for every platform. Nothing has to be downloaded for that; a machine
/// that only ran the tests has no crate of a feature that it did not build.
fn dependencies(features: Features) -> Graph {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |path: &Path| -> Table {
        let text = std::fs::read_to_string(path).expect("a file of the workspace");
        text.parse().expect("TOML")
    };
    let mut graph = Graph::new();
    for package in list(&read(&root.join("Cargo.lock")), "package") {
        let used: &mut BTreeSet<String> =
            graph.entry(text(package, "name").to_owned()).or_default();
        let names = package.get("dependencies").and_then(Value::as_array).into_iter().flatten();
        // `name`, or `name version` where there are several.
        let names = names.filter_map(Value::as_str);
        used.extend(names.filter_map(|it| it.split(' ').next()).map(str::to_owned));
    }
    for folder in std::fs::read_dir(root.join("crates")).expect("crates") {
        let manifest = read(&folder.expect("a folder").path().join("Cargo.toml"));
        let name = manifest["package"].as_table().map(|table| text(table, "name").to_owned());
        graph.insert(name.expect("a package"), used_by(&manifest, features));
    }
    graph
}

fn list<'a>(table: &'a Table, key: &str) -> Vec<&'a Table> {
    let items = table.get(key).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_table).collect()
}

fn text<'a>(table: &'a Table, key: &str) -> &'a str {
    table.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// What a manifest of ours names, without what only a feature brings that does not count.
fn used_by(manifest: &Table, features: Features) -> BTreeSet<String> {
    let enabled = enabled_by_default(manifest);
    let kinds = ["dependencies", "build-dependencies"];
    let tables = kinds.iter().filter_map(|kind| manifest.get(*kind)?.as_table());
    let is_used = |(name, value): &(&String, &Value)| {
        let optional = value.get("optional").and_then(Value::as_bool).unwrap_or(false);
        !optional || features == Features::All || enabled.contains(&format!("dep:{name}"))
    };
    tables.flatten().filter(is_used).map(|(name, _)| name.clone()).collect()
}

/// The default feature, and all that follows from it in the same manifest.
fn enabled_by_default(manifest: &Table) -> BTreeSet<String> {
    let (mut enabled, mut open) = (BTreeSet::new(), vec!["default".to_owned()]);
    while let Some(feature) = open.pop() {
        assert!(!feature.contains('/'), "`{feature}`: default features reach into no other crate");
        let follows = manifest.get("features").and_then(|it| it.get(&feature)?.as_array());
        if enabled.insert(feature) {
            let names = follows.into_iter().flatten().filter_map(Value::as_str);
            open.extend(names.map(str::to_owned));
        }
    }
    enabled
}

/// Everything that a crate uses, directly or not.
fn reached(graph: &Graph, from: &str) -> BTreeSet<String> {
    let (mut seen, mut open) = (BTreeSet::new(), vec![from.to_owned()]);
    while let Some(next) = open.pop() {
        if !seen.contains(&next) {
            open.extend(graph.get(&next).into_iter().flatten().cloned());
            seen.insert(next);
        }
    }
    seen
}

#[test]
fn crates_depend_downwards_only() {
    let graph = dependencies(Features::All);
    let ours: BTreeSet<&String> =
        graph.keys().filter(|name| name.starts_with("countermark")).collect();
    let listed: BTreeSet<String> = ARROWS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(
        ours.into_iter().cloned().collect::<BTreeSet<_>>(),
        listed,
        "a crate without arrows"
    );
    for (name, allowed) in ARROWS {
        let used = graph[*name].iter().filter(|used| used.starts_with("countermark"));
        for used in used {
            assert!(allowed.contains(&used.as_str()), "{name} must not use {used}");
        }
    }
}

#[test]
fn nothing_below_the_line_can_reach_an_effect() {
    let graph = dependencies(Features::All);
    for name in [
        "countermark-packaging",
        "countermark-report",
        "countermark-trust",
        "countermark-audit",
        "countermark-lock",
    ] {
        let seen = reached(&graph, name);
        for effect in EFFECTS {
            assert!(!seen.contains(*effect), "{name} reaches {effect}");
        }
    }
    assert!(reached(&graph, "countermark-client").contains("hyper"), "the test sees too little");
}

#[test]
fn the_default_build_has_no_copyleft() {
    let named = |features| {
        let seen = reached(&dependencies(features), "countermark");
        COPYLEFT.iter().filter(|name| seen.contains(**name)).count()
    };
    assert_eq!(named(Features::Default), 0, "the default build has them");
    assert_eq!(named(Features::All), COPYLEFT.len(), "the test looks for crates that nobody uses");
}
