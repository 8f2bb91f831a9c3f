//! The report as JSON, format `countermark-gate/1`: everything that was found, so that programs
//! choose for themselves.
//!
//! The schema is `schema/gate.schema.json`. The structs here are frozen: what they write may only
//! become more, in a way that the schema allows; anything else is a new format.

use countermark_report::Severity;
use serde::Serialize;

use super::{LockSummary, Report};
use crate::gate::finding::{Finding, Key, Unchecked};

/// The name of the format.
pub const FORMAT: &str = "countermark-gate/1";

/// The JSON Schema of the format.
pub const SCHEMA: &str = include_str!("../../../schema/gate.schema.json");

/// Writes the report, with a line end at its end.
#[must_use]
pub fn write(report: &Report) -> String {
    countermark_report::json::write(&Document {
        format: FORMAT,
        at: report.at.to_string(),
        indexes: report.indexes.as_deref(),
        policy: report.policy.as_deref(),
        locks: report.locks.iter().map(lock).collect(),
        counts: Counts {
            high: report.count(Severity::High),
            medium: report.count(Severity::Medium),
            low: report.count(Severity::Low),
            note: report.count(Severity::Note),
            let_pass: report.let_pass.len(),
        },
        findings: report.findings.iter().map(finding).collect(),
        let_pass: report
            .let_pass
            .iter()
            .map(|(one, reason)| LetPassJson { finding: finding(one), reason })
            .collect(),
        unchecked: report.unchecked.iter().map(unchecked).collect(),
        baseline: BaselineJson {
            stale: report.stale.iter().map(key).collect(),
            grown: report.grown.iter().map(key).collect(),
        },
    })
}

#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    at: String,
    indexes: Option<&'a [String]>,
    policy: Option<&'a str>,
    locks: Vec<LockJson<'a>>,
    counts: Counts,
    findings: Vec<FindingJson<'a>>,
    let_pass: Vec<LetPassJson<'a>>,
    unchecked: Vec<UncheckedJson<'a>>,
    baseline: BaselineJson<'a>,
}

#[derive(Serialize)]
struct Counts {
    high: usize,
    medium: usize,
    low: usize,
    note: usize,
    let_pass: usize,
}

#[derive(Serialize)]
struct LockJson<'a> {
    file: &'a str,
    format: &'static str,
    entries: usize,
    judged: usize,
    moves: Option<Vec<MoveJson<'a>>>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct MoveJson<'a> {
    project: &'a str,
    before: &'a [String],
    after: &'a [String],
}

#[derive(Serialize)]
struct FindingJson<'a> {
    rule: &'static str,
    severity: &'static str,
    kind: &'static str,
    project: &'a str,
    version: Option<&'a str>,
    file: Option<&'a str>,
    message: &'a str,
    expected: Option<&'a str>,
    found: Option<&'a str>,
    hint: Option<&'a str>,
    allow: Option<&'a str>,
    lock: &'a str,
    line: u32,
    column: u32,
    key: String,
}

#[derive(Serialize)]
struct LetPassJson<'a> {
    finding: FindingJson<'a>,
    reason: &'a str,
}

#[derive(Serialize)]
struct UncheckedJson<'a> {
    project: &'a str,
    version: Option<&'a str>,
    what: &'static str,
    why: &'a str,
    lock: &'a str,
    line: u32,
    column: u32,
    asked_for: bool,
}

#[derive(Serialize)]
struct BaselineJson<'a> {
    stale: Vec<KeyJson<'a>>,
    grown: Vec<KeyJson<'a>>,
}

#[derive(Serialize)]
struct KeyJson<'a> {
    lock: &'a str,
    rule: &'a str,
    project: &'a str,
    version: Option<&'a str>,
    file: Option<&'a str>,
}

fn lock(lock: &LockSummary) -> LockJson<'_> {
    let moves = lock.moves.as_ref().map(|moves| {
        let moves = moves.iter();
        moves
            .map(|one| MoveJson {
                project: one.project.as_str(),
                before: &one.before,
                after: &one.after,
            })
            .collect()
    });
    LockJson {
        file: &lock.file,
        format: lock.format.name(),
        entries: lock.entries,
        judged: lock.judged,
        moves,
        notes: &lock.notes,
    }
}

/// Nothing is `null`, so that programs need not know of empty texts.
fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn finding(finding: &Finding) -> FindingJson<'_> {
    FindingJson {
        rule: finding.rule,
        severity: finding.severity.name(),
        kind: finding.kind.name(),
        project: finding.project.as_str(),
        version: finding.version.as_deref(),
        file: some(&finding.file),
        message: &finding.message,
        expected: some(&finding.expected),
        found: some(&finding.found),
        hint: some(&finding.hint),
        allow: some(&finding.allow),
        lock: &finding.place.file,
        line: finding.place.line,
        column: finding.place.column,
        key: finding.key().to_string(),
    }
}

fn unchecked(one: &Unchecked) -> UncheckedJson<'_> {
    UncheckedJson {
        project: one.project.as_str(),
        version: one.version.as_deref(),
        what: one.what,
        why: &one.why,
        lock: &one.place.file,
        line: one.place.line,
        column: one.place.column,
        asked_for: one.is_asked_for,
    }
}

fn key(key: &Key) -> KeyJson<'_> {
    KeyJson {
        lock: &key.lock,
        rule: &key.rule,
        project: key.project.as_str(),
        version: key.version.as_deref(),
        file: some(&key.file),
    }
}
