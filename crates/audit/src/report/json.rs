//! The report as JSON, format `countermark-audit/1`: everything that was found, whatever is asked to
//! be shown, so that programs choose for themselves.
//!
//! The schema is `schema/report.schema.json`. The structs here are frozen: what they write may only
//! become more, in a way that the schema allows; anything else is a new format.

use countermark_packaging::name::ProjectName;
use serde::Serialize;

use super::{EventKind, Options, Report};
use crate::finding::{Finding, Severity};

/// The name of the format.
pub const FORMAT: &str = "countermark-audit/1";

/// The JSON Schema of the format.
pub const SCHEMA: &str = include_str!("../../schema/report.schema.json");

/// Writes the report, with a line end at its end. Of the options none matters.
#[must_use]
pub fn write(report: &Report, options: Options) -> String {
    let _ = options;
    countermark_report::json::write(&Document::of(report))
}

#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    federation: Option<&'a str>,
    at: String,
    facts: &'a str,
    sources: &'a [String],
    records_until: Option<&'a str>,
    assumptions: &'a [String],
    problems: Vec<ProblemJson<'a>>,
    unread: Vec<UnreadJson<'a>>,
    counts: CountsJson,
    findings: Vec<FindingJson<'a>>,
    accepted: Vec<AcceptedJson<'a>>,
    timelines: Vec<TimelineJson<'a>>,
}

#[derive(Serialize)]
struct ProblemJson<'a> {
    file: &'a str,
    line: Option<u32>,
    column: Option<u32>,
    message: &'a str,
}

#[derive(Serialize)]
struct UnreadJson<'a> {
    project: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
struct CountsJson {
    projects: usize,
    releases: usize,
    files: usize,
    official: usize,
    high: usize,
    medium: usize,
    low: usize,
    note: usize,
    explained: usize,
    accepted: usize,
}

#[derive(Serialize)]
struct FindingJson<'a> {
    key: String,
    rule: &'static str,
    severity: &'static str,
    projects: Vec<&'a str>,
    versions: &'a [String],
    files: &'a [String],
    accounts: &'a [String],
    message: &'a str,
    evidence: Vec<EvidenceJson<'a>>,
    next: &'a str,
    explained: Option<&'a str>,
}

#[derive(Serialize)]
struct EvidenceJson<'a> {
    source: &'a str,
    text: &'a str,
}

#[derive(Serialize)]
struct AcceptedJson<'a> {
    finding: FindingJson<'a>,
    reason: &'a str,
}

#[derive(Serialize)]
struct TimelineJson<'a> {
    project: &'a str,
    events: Vec<EventJson<'a>>,
}

#[derive(Serialize)]
struct EventJson<'a> {
    at: String,
    kind: &'static str,
    label: &'a str,
}

impl<'a> Document<'a> {
    fn of(report: &'a Report) -> Self {
        let problems = report.problems.iter().map(|problem| ProblemJson {
            file: &problem.file,
            line: problem.position.map(|(line, _)| line),
            column: problem.position.map(|(_, column)| column),
            message: &problem.message,
        });
        let unread = report.unread.iter();
        let accepted = report.accepted.iter();
        let timelines = report.timelines.iter().map(|timeline| TimelineJson {
            project: timeline.project.as_str(),
            events: timeline
                .events
                .iter()
                .map(|event| EventJson {
                    at: event.at.to_string(),
                    kind: event_kind(event.kind),
                    label: &event.label,
                })
                .collect(),
        });
        Self {
            format: FORMAT,
            federation: report.federation.as_deref(),
            at: report.at.to_string(),
            facts: &report.facts,
            sources: &report.sources,
            records_until: report.records_until.as_deref(),
            assumptions: &report.assumptions,
            problems: problems.collect(),
            unread: unread
                .map(|(name, reason)| UnreadJson { project: name.as_str(), reason })
                .collect(),
            counts: CountsJson::of(report),
            findings: report.findings.iter().map(FindingJson::of).collect(),
            accepted: accepted
                .map(|(finding, reason)| AcceptedJson { finding: FindingJson::of(finding), reason })
                .collect(),
            timelines: timelines.collect(),
        }
    }
}

impl CountsJson {
    fn of(report: &Report) -> Self {
        let of = |severity: Severity| {
            let unexplained = report.findings.iter().filter(|finding| finding.explained.is_none());
            unexplained.filter(|finding| finding.severity == severity).count()
        };
        Self {
            projects: report.counts.projects,
            releases: report.counts.releases,
            files: report.counts.files,
            official: report.counts.official,
            high: of(Severity::High),
            medium: of(Severity::Medium),
            low: of(Severity::Low),
            note: of(Severity::Note),
            explained: report.findings.iter().filter(|finding| finding.explained.is_some()).count(),
            accepted: report.accepted.len(),
        }
    }
}

impl<'a> FindingJson<'a> {
    fn of(finding: &'a Finding) -> Self {
        let evidence = finding.evidence.iter();
        Self {
            key: finding.key(),
            rule: finding.rule,
            severity: finding.severity.name(),
            projects: finding.projects.iter().map(ProjectName::as_str).collect(),
            versions: &finding.versions,
            files: &finding.files,
            accounts: &finding.accounts,
            message: &finding.message,
            evidence: evidence
                .map(|evidence| EvidenceJson { source: &evidence.source, text: &evidence.text })
                .collect(),
            next: &finding.next,
            explained: finding.explained.as_deref(),
        }
    }
}

const fn event_kind(kind: EventKind) -> &'static str {
    match kind {
        EventKind::OfficialUpload => "official-upload",
        EventKind::ExplainedUpload => "explained-upload",
        EventKind::UnexplainedUpload => "unexplained-upload",
        EventKind::Approval => "approval",
        EventKind::RoleChange => "role-change",
        EventKind::Custody => "custody",
    }
}

#[cfg(test)]
mod tests;
