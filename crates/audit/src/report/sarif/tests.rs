use std::path::PathBuf;
use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::finding::Severity;
use crate::report::fixture::{self, assert_harmless};

/// What cargo prints.
fn cargo(arguments: &[&str]) -> Vec<u8> {
    #[expect(clippy::disallowed_methods, reason = "cargo knows where the sources of others are")]
    let output = std::process::Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The official schema, as the crate `serde-sarif` brings it. Only this platform is asked about: crates
/// of others were never downloaded.
static OFFICIAL: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let about = String::from_utf8(cargo(&["-vV"])).unwrap();
    let host = about.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let options = ["metadata", "--format-version", "1", "--offline", "--filter-platform", host];
    let metadata: Value = serde_json::from_slice(&cargo(&options)).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "serde-sarif").unwrap();
    let manifest = PathBuf::from(package["manifest_path"].as_str().unwrap());
    #[expect(clippy::disallowed_methods, reason = "the schema of others is not in this repository")]
    let schema = std::fs::read(manifest.with_file_name("src").join("schema.json")).unwrap();
    let mut schema: Value = serde_json::from_slice(&schema).unwrap();
    // Its pattern of languages is no regular expression; nothing here has a language.
    for at in ["run", "toolComponent"] {
        let language = schema.pointer_mut(&format!("/definitions/{at}/properties/language"));
        language.unwrap().as_object_mut().unwrap().remove("pattern").unwrap();
    }
    assert_eq!(schema["properties"]["version"]["enum"], json!(["2.1.0"]));
    jsonschema::validator_for(&schema).unwrap()
});

fn written(report: &Report, options: Options) -> Value {
    serde_json::from_str(&write(report, options)).unwrap()
}

fn errors(value: &Value) -> Vec<String> {
    let errors = OFFICIAL.iter_errors(value);
    errors.map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn the_official_schema_accepts_it() {
    for report in [fixture::empty(), fixture::report(), fixture::report_of(fixture::HOSTILE)] {
        for options in fixture::all_options() {
            assert_eq!(errors(&written(&report, options)), [""; 0]);
        }
    }
}

#[test]
fn the_official_schema_refuses_changes() {
    let value = written(&fixture::report(), Options::default());
    let check = |pointer: &str, wrong: Value| {
        let mut value = value.clone();
        *value.pointer_mut(pointer).unwrap() = wrong;
        assert!(!errors(&value).is_empty(), "{pointer}");
    };
    check("/version", json!("2.2.0"));
    check("/runs/0/results/0/level", json!("high"));
    check("/runs/0/results/0/message", json!("text"));
    check("/runs/0/results/0/ruleIndex", json!("first"));
    check("/runs/0/results/0/suppressions", json!([{ "justification": "no kind" }]));
    check("/runs/0/results/0/locations/0/physicalLocation/region/startLine", json!(0));
    check("/runs/0/invocations/0/executionSuccessful", json!("yes"));
}

#[test]
fn results_are_what_is_shown_and_what_is_accepted() {
    let report = fixture::report();
    let value = written(&report, Options::default());
    let run = &value["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), report.shown(Options::default()).count() + report.accepted.len());
    let levels: Vec<&str> =
        results.iter().map(|result| result["level"].as_str().unwrap()).collect();
    assert_eq!(levels, ["error", "error", "warning", "warning", "note", "note"]);
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
    }
    let suppressed: Vec<bool> = results
        .iter()
        .map(|result| !result["suppressions"].as_array().unwrap().is_empty())
        .collect();
    assert_eq!(suppressed, [false, false, false, false, false, true]);
    assert_eq!(
        results[5]["suppressions"][0]["justification"],
        "Ada, until 2027-01-31: a second account is on its way"
    );
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    let all = written(&report, Options { all: true, ..Options::default() });
    let explained = &all["runs"][0]["results"][6];
    assert_eq!(explained["kind"], "informational");
    assert_eq!(explained["suppressions"][0]["status"], "accepted");
}

#[test]
fn a_finding_is_found_at_its_record() {
    let value = written(&fixture::report(), Options::default());
    let results = &value["runs"][0]["results"];
    let physical = |number: usize| results[number]["locations"][0]["physicalLocation"].clone();
    assert_eq!(
        physical(0),
        json!({
            "artifactLocation": { "uri": "deliverables/blue/teapot-lid.yaml" },
            "region": { "startLine": 12 }
        })
    );
    assert_eq!(physical(1), Value::Null);
    assert_eq!(physical(2)["region"], json!({ "startLine": 40, "startColumn": 5 }));
    assert_eq!(
        results[2]["locations"][0]["logicalLocations"],
        json!([{ "name": "2.0.2", "fullyQualifiedName": "kettle/2.0.2", "kind": "release" }])
    );
}

#[test]
fn places() {
    let check = |source: &str, expect: Option<(&str, u32, Option<u32>)>| {
        let found = place(source);
        let found = found.as_ref().map(|place| (place.path.as_str(), place.line, place.column));
        assert_eq!(found, expect, "{source}");
    };
    check("a/b.yaml:3", Some(("a/b.yaml", 3, None)));
    check("a/b.yaml:3:7", Some(("a/b.yaml", 3, Some(7))));
    check("a/b.yaml:3:0", Some(("a/b.yaml", 3, None)));
    check("a b/ü:x.yaml:3", Some(("a b/ü:x.yaml", 3, None)));
    check("//host/x:3", Some(("//host/x", 3, None)));
    check("javascript:alert(1):3", Some(("javascript:alert(1)", 3, None)));
    check("index", None);
    check("a/b.yaml:0", None);
    check("a/b.yaml:-1", None);
    check(":3", None);
}

#[test]
fn fingerprints_stay_when_wording_changes() {
    let prints = |report: &Report| -> Vec<Value> {
        let value = written(report, Options::default());
        let results = value["runs"][0]["results"].as_array().unwrap().clone();
        results.into_iter().map(|result| result["partialFingerprints"].clone()).collect()
    };
    let before = prints(&fixture::report());
    let mut report = fixture::report();
    report.findings[0].message = "said otherwise".to_owned();
    report.findings[0].severity = Severity::Medium;
    report.findings[0].evidence.clear();
    assert_eq!(prints(&report), before);
    report.findings[0].versions.push("7".to_owned());
    assert_ne!(prints(&report), before);
    let print = before[0]["countermarkFinding/v1"].as_str().unwrap();
    assert_eq!(print.len(), 64);
}

#[test]
fn the_report() {
    let mut value = written(&fixture::report(), Options::default());
    // The rules are described elsewhere, and the version is another one with each release.
    value["runs"][0]["tool"]["driver"]["rules"] = json!([]);
    value["runs"][0]["tool"]["driver"]["semanticVersion"] = json!("0.0.0");
    for result in value["runs"][0]["results"].as_array_mut().unwrap() {
        result["ruleIndex"] = json!(0);
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&value).unwrap());
}

proptest! {
    #[test]
    fn any_text_is_taken(text in fixture::any_text()) {
        let written = write(&fixture::report_of(&text), Options { all: true, ..Options::default() });
        assert_harmless(&written);
        let value: Value = serde_json::from_str(&written).unwrap();
        prop_assert_eq!(errors(&value), Vec::<String>::new());
    }
}
