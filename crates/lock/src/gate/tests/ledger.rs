//! What the ledger says of the files of a lock is shown by the gate, and what it calls bad passes nowhere.

use countermark_trust::policy::{FileAnswer, LedgerAnswers};

use super::super::report::text::Options;
use super::super::report::{json, junit, markdown, sarif, text};
use super::*;

const REQUIRE: &str = "[policy]\nledger = \"require\"\n";

fn not_met() -> FileAnswer {
    FileAnswer::NotMet { expected: "safe-to-deploy".to_owned(), found: "no review".to_owned() }
}

fn bad() -> FileAnswer {
    FileAnswer::Violation { reason: "steals tea".to_owned() }
}

/// The answers about the two files of `teapot`.
fn answers(wheel: FileAnswer, sdist: FileAnswer) -> LedgerAnswers {
    let mut answers = LedgerAnswers::default();
    for (seed, answer) in [(1, wheel), (2, sdist)] {
        let project = ProjectName::parse("teapot").unwrap();
        answers.insert(project, digest(seed).as_sha256().unwrap(), answer);
    }
    answers
}

fn case(policy: &str, wheel: FileAnswer, sdist: FileAnswer) -> Case {
    let case = Case::offline().policy(policy);
    Case { ledger: Some(answers(wheel, sdist)), ..case }
}

#[test]
fn every_entry_is_judged_offline_too() {
    assert_eq!(case(REQUIRE, FileAnswer::Met, FileAnswer::Met).finds(), [""; 0]);
    assert_eq!(case(REQUIRE, FileAnswer::Met, not_met()).finds(), ["medium ledger"]);
    let warned = case("[policy]\nledger = \"warn\"\n", not_met(), not_met());
    assert_eq!(warned.finds(), ["low ledger"]);
    assert_eq!(case("[policy]\n", not_met(), bad()).finds(), [""; 0]);
}

#[test]
fn all_reports_show_it_with_the_next_step() {
    let report = case(REQUIRE, FileAnswer::Met, not_met()).judge();
    let found = &report.findings[0];
    assert_eq!(
        found.message,
        "has a file that nobody vouches for: expected safe-to-deploy, found no review \
         (`teapot-1.2.tar.gz`)"
    );
    assert!(found.allow.contains("rule = \"ledger\", project = \"teapot\", version = \"1.2\""));
    for text in [
        text::write(&report, Options { colors: false, all: false }),
        json::write(&report),
        sarif::write(&report),
        junit::write(&report, Some(Severity::Low)),
        markdown::write(&report, Some(Severity::Low)),
    ] {
        assert!(text.contains("found no review"), "{text}");
        assert!(text.contains("countermark vet explain teapot"), "{text}");
    }
}

#[test]
fn nothing_lets_a_violation_pass() {
    let allow = "allow = [{ rule = \"ledger\", project = \"teapot\", because = \"x\", until = \
                 2027-01-01 }]\n";
    for mode in ["warn", "require"] {
        let policy = format!("[policy]\nledger = \"{mode}\"\n{allow}");
        let mut case = case(&policy, FileAnswer::Met, bad());
        assert_eq!(case.finds(), ["high ledger"]);
        let finding = case.judge().findings.remove(0);
        assert!(finding.is_final && finding.allow.is_empty(), "{finding:?}");
        assert_eq!(finding.message, "is known to be bad: `teapot-1.2.tar.gz`: steals tea");
        // The list of what is let pass does not count either.
        let list = Baseline::render(&[&finding], "there when the gate was set up");
        case.baseline = Baseline::parse("countermark-gate.toml", list.as_bytes()).unwrap();
        assert_eq!(case.finds(), ["high ledger"]);
        // A lack of reviews passes by both.
        case.ledger = Some(answers(FileAnswer::Met, not_met()));
        assert_eq!(case.finds(), [""; 0]);
    }
    let mut listed = case(REQUIRE, FileAnswer::Met, not_met());
    let list = Baseline::render(&[&listed.judge().findings[0]], "because");
    listed.baseline = Baseline::parse("countermark-gate.toml", list.as_bytes()).unwrap();
    assert_eq!(listed.finds(), [""; 0]);
}

#[test]
fn what_nobody_asked_about_is_not_known() {
    let unasked = Case::offline().policy(REQUIRE);
    let report = unasked.judge();
    assert!(report.findings.is_empty() && report.is_undecided());
    let whats: Vec<&str> = report.unchecked.iter().map(|one| one.what).collect();
    assert!(whats.contains(&"ledger"), "{whats:?}");
    // A file of which the lock has no SHA-256 meets nothing.
    let no_digest = case(REQUIRE, FileAnswer::Met, FileAnswer::Met)
        .entry(|entry| entry.files[1].digests.clear())
        .judge();
    let found = no_digest.findings.iter().find(|it| it.rule == "ledger").unwrap();
    assert!(found.message.contains("found no SHA-256"), "{}", found.message);
}

#[test]
fn an_entry_without_a_version_has_bytes_all_the_same() {
    let direct = |wheel: FileAnswer| {
        case(REQUIRE, wheel, FileAnswer::Met).entry(|entry| {
            entry.version = None;
            entry.source = LockSource::Url("https://files.example.org/teapot-1.2.tar.gz".into());
        })
    };
    let ledger =
        |case: &Case| case.judge().findings.iter().filter(|it| it.rule == "ledger").count();
    assert_eq!(ledger(&direct(FileAnswer::Met)), 0);
    assert_eq!(ledger(&direct(not_met())), 1);
    assert_eq!(ledger(&direct(bad())), 1);
}
