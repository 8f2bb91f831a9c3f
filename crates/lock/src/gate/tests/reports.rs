use std::path::PathBuf;
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::super::report::text::Options;
use super::super::report::{json as json_report, junit, markdown, sarif, text};
use super::*;
use countermark_report::harmless::acts;

/// Texts that act on terminals, break tables and call people.
const HOSTILE: &str = "a\u{1b}[2J | <img src=x> [x](y) @all `b` \u{202e} ]]> {0} \"q\" \\";

/// Findings of every kind and severity.
fn full() -> Report {
    let mut case = Case::good().page(|page| {
        page.files[0].digests = vec![digest(99)];
        page.files[1].yanked = Some("it leaks".to_owned());
        page.status.marker = StatusMarker::Archived;
    });
    let mut vcs = package("cup", "1.0");
    vcs.files.clear();
    vcs.source = LockSource::Vcs {
        url: "https://code.example.org/cup".to_owned(),
        commit: Some("1f".repeat(20)),
    };
    case.locks[0].packages.push(vcs);
    let mut base = case.locks[0].clone();
    base.packages[0].version = Some("1.1".parse().unwrap());
    base.packages.pop();
    case.base = Some(base);
    case.judge()
}

fn hostile() -> Report {
    let mut case = Case::good().page(|page| page.files[0].yanked = Some(HOSTILE.to_owned()));
    case.locks[0].file = HOSTILE.to_owned();
    case.locks[0].notes = vec![HOSTILE.to_owned()];
    let package = &mut case.locks[0].packages[0];
    package.place.file = HOSTILE.to_owned();
    package.files[0].name = Some(HOSTILE.to_owned());
    package.files[0].place.file = HOSTILE.to_owned();
    let mut branch = package.clone();
    branch.source = LockSource::Vcs { url: HOSTILE.to_owned(), commit: Some(HOSTILE.to_owned()) };
    case.locks[0].packages.push(branch);
    let mut report = case.judge();
    let passed = report.findings[0].clone();
    report.stale.push(passed.key());
    report.let_pass.push((passed, HOSTILE.to_owned()));
    report.unchecked.push(Unchecked {
        project: ProjectName::parse("teapot").unwrap(),
        version: None,
        what: "index",
        why: HOSTILE.to_owned(),
        place: Place { file: HOSTILE.to_owned(), ..place(1) },
        is_asked_for: false,
    });
    report
}

fn reports() -> [Report; 4] {
    [Case::good().judge(), Case::offline().judge(), full(), hostile()]
}

fn errors(validator: &jsonschema::Validator, text: &str) -> Vec<String> {
    let value: Value = serde_json::from_str(text).unwrap();
    let errors = validator.iter_errors(&value);
    errors.map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn nothing_that_acts_leaves() {
    for report in reports() {
        for text in [
            text::write(&report, Options { colors: false, all: true }),
            json_report::write(&report),
            sarif::write(&report),
            junit::write(&report, Some(Severity::Low)),
            markdown::write(&report, Some(Severity::Low)),
        ] {
            let found = text.chars().find(|&c| c != '\n' && acts(c));
            assert_eq!(found, None, "{text}");
        }
    }
}

#[test]
fn the_schema_says_what_is_written() {
    let schema: Value = serde_json::from_str(json_report::SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for report in reports() {
        assert_eq!(errors(&validator, &json_report::write(&report)), [""; 0]);
    }
    let good: Value = serde_json::from_str(&json_report::write(&full())).unwrap();
    let refused = |pointer: &str, value: Value| {
        let mut report = good.clone();
        *report.pointer_mut(pointer).unwrap() = value;
        assert!(!validator.is_valid(&report), "{pointer}");
    };
    refused("/format", json!("countermark-gate/2"));
    refused("/findings/0/severity", json!("urgent"));
    refused("/findings/0/kind", json!("attack"));
    refused("/findings/0/line", json!(0));
    refused("/findings/0/project", json!("Not_Normalised"));
    refused("/locks/0/format", json!("npm"));
    refused("/counts/high", json!(-1));
    refused("/baseline/stale", json!({}));
    for name in good.as_object().unwrap().keys() {
        let mut report = good.clone();
        report.as_object_mut().unwrap().remove(name);
        assert!(!validator.is_valid(&report), "{name}");
    }
    for name in good["findings"][0].as_object().unwrap().keys() {
        let mut report = good.clone();
        report["findings"][0].as_object_mut().unwrap().remove(name);
        assert!(!validator.is_valid(&report), "{name}");
    }
}

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

/// The official schema, as the crate `serde-sarif` brings it.
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
    jsonschema::validator_for(&schema).unwrap()
});

#[test]
fn the_official_schema_of_sarif_accepts_it() {
    for report in reports() {
        assert_eq!(errors(&OFFICIAL, &sarif::write(&report)), [""; 0]);
    }
}

#[test]
fn sarif_has_the_line_of_each_finding() {
    let value: Value = serde_json::from_str(&sarif::write(&full())).unwrap();
    let run = &value["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), full().findings.len());
    for (result, finding) in results.iter().zip(full().findings) {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], finding.rule);
        let at = &result["locations"][0]["physicalLocation"];
        assert_eq!(at["artifactLocation"]["uri"], "uv.lock");
        assert_eq!(at["region"]["startLine"], finding.place.line);
    }
    assert_eq!(results[0]["level"], "error");
}

#[test]
fn junit_is_well_formed_and_counts() {
    use quick_xml::events::Event;
    for report in reports() {
        let text = junit::write(&report, Some(Severity::Medium));
        let mut reader = quick_xml::Reader::from_str(&text);
        reader.config_mut().check_end_names = true;
        let mut failures = 0;
        loop {
            match reader.read_event().unwrap() {
                Event::Start(element) if element.name().as_ref() == "failure" => failures += 1,
                Event::Eof => break,
                _ => {}
            }
        }
        let fails = |finding: &&Finding| finding.severity >= Severity::Medium;
        assert_eq!(failures, report.findings.iter().filter(fails).count());
    }
}

#[test]
fn the_report_as_text() {
    insta::assert_snapshot!(text::write(&full(), Options { colors: false, all: true }));
}

#[test]
fn the_report_as_a_comment() {
    insta::assert_snapshot!(markdown::write(&full(), Some(Severity::Medium)));
}

#[test]
fn hostile_texts_stay_texts_in_a_comment() {
    let text = markdown::write(&hostile(), Some(Severity::Medium));
    for line in text.lines().filter(|line| line.starts_with('|')) {
        // Five strokes that are no text.
        let bare = line.replace("\\|", "").matches('|').count();
        assert_eq!(bare, 5, "{line}");
    }
    // What is between backticks is shown as it is.
    let text: String = text.replace("\\]", "").split("``").step_by(2).collect();
    assert!(!text.contains("<img") && !text.contains("@all") && !text.contains("](y)"), "{text}");
}

#[test]
fn verdicts_of_a_comment() {
    let first = |report: &Report| {
        let text = markdown::write(report, Some(Severity::Medium));
        assert!(text.starts_with(markdown::MARK));
        text.lines().nth(1).unwrap().to_owned()
    };
    assert!(first(&Case::good().judge()).contains("The lock passes"));
    assert!(first(&full()).contains("does not pass"));
    let mut down = Case::good();
    let project = ProjectName::parse("teapot").unwrap();
    let reason = "it is down".to_owned();
    down.facts = Some(Facts::from([(project, ProjectFacts::Unavailable { reason })]));
    assert!(first(&down.judge()).contains("Not everything could be checked"));
}
