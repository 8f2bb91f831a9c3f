//! The report as JSON, format `countermark-observe/1`: every finding with its evidence.
//!
//! The structs here are frozen: what they write may only become more.

use serde::Serialize;

use super::Report;
use crate::observe::finding::{Finding, Pinned};

/// The name of the format.
pub const FORMAT: &str = "countermark-observe/1";

/// Writes the report, with a line end at its end.
#[must_use]
pub fn write(report: &Report) -> String {
    let tally = &report.tally;
    countermark_report::json::write(&Document {
        format: FORMAT,
        read: TallyJson {
            repositories: tally.repositories,
            locks: tally.locks,
            pins: tally.pins,
            releases: tally.releases,
            files: tally.files,
            shared: tally.shared,
        },
        alarms: report.alarms(),
        classes: report
            .shares()
            .map(|share| ShareJson {
                class: share.class.code(),
                alarm: share.class.is_alarm(),
                doubtful: share.class.is_doubtful(),
                number: share.number,
                percent: (share.percent * 10.0).round() / 10.0,
            })
            .collect(),
        findings: report.findings.iter().map(finding).collect(),
        unread_count: report.unread_count,
        unread: report
            .unread
            .iter()
            .map(|unread| UnreadJson { place: &unread.place, reason: &unread.reason })
            .collect(),
        notes: &report.notes,
    })
}

#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    read: TallyJson,
    alarms: usize,
    classes: Vec<ShareJson>,
    findings: Vec<FindingJson<'a>>,
    unread_count: usize,
    unread: Vec<UnreadJson<'a>>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct TallyJson {
    repositories: usize,
    locks: usize,
    pins: usize,
    releases: usize,
    files: usize,
    shared: usize,
}

#[derive(Serialize)]
struct ShareJson {
    class: &'static str,
    alarm: bool,
    doubtful: bool,
    number: usize,
    percent: f64,
}

#[derive(Serialize)]
struct FindingJson<'a> {
    class: &'static str,
    project: &'a str,
    version: Option<&'a str>,
    file: Option<&'a str>,
    evidence: &'a str,
    sides: Vec<SideJson<'a>>,
}

#[derive(Serialize)]
struct SideJson<'a> {
    digests: Vec<String>,
    locks: usize,
    pins: Vec<PinJson<'a>>,
}

#[derive(Serialize)]
struct PinJson<'a> {
    repository: &'a str,
    path: &'a str,
    line: u32,
    commit: Option<&'a str>,
    date: Option<String>,
    format: &'a str,
    origin: &'a str,
}

#[derive(Serialize)]
struct UnreadJson<'a> {
    place: &'a str,
    reason: &'a str,
}

fn finding(finding: &Finding) -> FindingJson<'_> {
    let sides = finding.sides.iter().map(|side| SideJson {
        digests: side.digests.iter().map(ToString::to_string).collect(),
        locks: side.locks,
        pins: side.pins.iter().map(pin).collect(),
    });
    FindingJson {
        class: finding.class,
        project: finding.project.as_str(),
        version: finding.version.as_deref(),
        file: finding.file.as_deref(),
        evidence: &finding.evidence,
        sides: sides.collect(),
    }
}

fn pin(pin: &Pinned) -> PinJson<'_> {
    PinJson {
        repository: &pin.lock.repository,
        path: &pin.lock.path,
        line: pin.at.line,
        commit: pin.at.commit.as_deref(),
        date: pin.at.date.map(|date| date.to_string()),
        format: &pin.format,
        origin: &pin.origin,
    }
}
