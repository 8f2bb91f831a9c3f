//! The arrows of ARCHITECTURE.md, as cargo sees them: who may depend on whom, and what the crates
//! below the line must not depend on.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Each crate with the crates of this workspace that it may use, tests left out.
const ARROWS: &[(&str, &[&str])] = &[
    ("countermark-packaging", &[]),
    ("countermark-trust", &["countermark-packaging"]),
    ("countermark-audit", &["countermark-packaging", "countermark-trust"]),
    ("countermark-client", &["countermark-audit", "countermark-packaging", "countermark-trust"]),
    (
        "countermark-service",
        &["countermark-audit", "countermark-client", "countermark-packaging", "countermark-trust"],
    ),
    (
        "countermark",
        &[
            "countermark-audit",
            "countermark-client",
            "countermark-packaging",
            "countermark-service",
            "countermark-trust",
        ],
    ),
    ("countermark-testkit", &["countermark-packaging"]),
];

/// Crates of effects, which nothing below the line may use in any way.
const EFFECTS: &[&str] = &["reqwest", "tokio", "rustix", "tempfile", "mio", "hyper", "socket2"];

/// Crates under the LGPL: with the feature `openpgp` only, see `deny.toml`.
const COPYLEFT: &[&str] = &["sequoia-openpgp", "buffered-reader"];

fn metadata(features: &[&str]) -> serde_json::Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline"])
        .args(features)
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo writes JSON")
}

/// For each package of the graph its normal and build dependencies.
fn dependencies(metadata: &serde_json::Value) -> BTreeMap<String, BTreeSet<String>> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let empty = Vec::new();
    let list =
        |value: &serde_json::Value| value.as_array().cloned().unwrap_or_else(|| empty.clone());
    let names: BTreeMap<String, String> = list(&metadata["packages"])
        .iter()
        .map(|package| (text(&package["id"]), text(&package["name"])))
        .collect();
    let mut graph = BTreeMap::new();
    for node in list(&metadata["resolve"]["nodes"]) {
        let used = list(&node["deps"])
            .iter()
            .filter(|dependency| {
                list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"] != "dev")
            })
            .filter_map(|dependency| names.get(&text(&dependency["pkg"])).cloned())
            .collect();
        if let Some(name) = names.get(&text(&node["id"])) {
            graph.insert(name.clone(), used);
        }
    }
    graph
}

#[test]
fn crates_depend_downwards_only() {
    let graph = dependencies(&metadata(&["--all-features"]));
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
    let graph = dependencies(&metadata(&["--all-features"]));
    for name in ["countermark-packaging", "countermark-trust", "countermark-audit"] {
        let mut seen = BTreeSet::new();
        let mut open = vec![name.to_owned()];
        while let Some(next) = open.pop() {
            if seen.insert(next.clone()) {
                open.extend(graph.get(&next).into_iter().flatten().cloned());
            }
        }
        for effect in EFFECTS {
            assert!(!seen.contains(*effect), "{name} reaches {effect}");
        }
    }
    assert!(graph["countermark-client"].contains("reqwest"), "the test sees no dependencies");
}

#[test]
fn the_default_build_has_no_copyleft() {
    let named = |graph: &BTreeMap<String, BTreeSet<String>>| {
        COPYLEFT.iter().filter(|name| graph.contains_key(**name)).count()
    };
    assert_eq!(named(&dependencies(&metadata(&[]))), 0, "the default build has them");
    let all = dependencies(&metadata(&["--all-features"]));
    assert_eq!(named(&all), COPYLEFT.len(), "the test looks for crates that nobody uses");
}
