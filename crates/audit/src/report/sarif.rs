//! The report in SARIF 2.1.0 (OASIS, 27 March 2020), for code hosts and viewers that read it.
//!
//! A finding is about a project of an index, not about a line of a file: its logical location is
//! always there, and the physical one where a record with a line stands behind it.

use std::collections::BTreeSet;

use countermark_report::sarif::{self, At, Found, Notice, Run, Subject, clean};
use serde::Serialize;

use super::phrase::{projects, versions};
use super::{Options, Report};
use crate::finding::Finding;
use crate::rule::{self, Document, RULES};

/// Writes the findings that these options show, and the accepted ones as suppressed, with a line end
/// at the end.
#[must_use]
pub fn write(report: &Report, options: Options) -> String {
    let result = |finding: &Finding, reason: Option<&str>| {
        result(finding, reason.or(finding.explained.as_deref()))
    };
    let shown = report.shown(options).map(|finding| result(finding, None));
    let accepted = report.accepted.iter().map(|(finding, reason)| result(finding, Some(reason)));
    sarif::write(Run {
        version: env!("CARGO_PKG_VERSION"),
        automation: "countermark-audit/",
        rules: rules(report),
        results: shown.chain(accepted).collect(),
        is_complete: report.unread.is_empty() && report.problems.is_empty(),
        notices: notices(report),
        properties: RunProperties {
            federation: report.federation.as_deref().map(clean),
            at: report.at.to_string(),
            facts: clean(&report.facts),
            sources: report.sources.iter().map(|source| clean(source)).collect(),
            records_until: report.records_until.as_deref().map(clean),
            assumptions: report.assumptions.iter().map(|text| clean(text)).collect(),
        },
    })
}

/// All rules, and after them those of findings that are not registered, sorted: a viewer looks
/// results up by their index.
fn rules(report: &Report) -> Vec<(&'static str, Option<Document>)> {
    let mut rules: Vec<_> = RULES.iter().map(|rule| (rule.code(), Some(rule.document()))).collect();
    let findings = report.findings.iter().chain(report.accepted.iter().map(|(finding, _)| finding));
    let mut others: Vec<&'static str> =
        findings.map(|finding| finding.rule).filter(|code| rule::find(code).is_none()).collect();
    others.sort_unstable();
    others.dedup();
    rules.extend(others.into_iter().map(|code| (code, None)));
    rules
}

fn result(finding: &Finding, suppressed: Option<&str>) -> Found<ResultProperties> {
    let of = match versions(finding) {
        versions if versions.is_empty() => projects(finding),
        versions => format!("{} {versions}", projects(finding)),
    };
    let mut message = format!("{of}: {}", finding.message);
    if !finding.next.is_empty() {
        message.push_str(&format!(". Next: {}", finding.next));
    }
    Found {
        rule: finding.rule,
        severity: finding.severity,
        message,
        place: finding.evidence.iter().find_map(|evidence| place(&evidence.source)),
        subjects: subjects(finding),
        key: finding.key(),
        suppressed: suppressed.map(str::to_owned),
        properties: ResultProperties {
            severity: finding.severity.name(),
            projects: finding.projects.iter().map(|name| name.as_str().to_owned()).collect(),
            versions: finding.versions.iter().map(|text| clean(text)).collect(),
            files: finding.files.iter().map(|text| clean(text)).collect(),
            accounts: finding.accounts.iter().map(|text| clean(text)).collect(),
            evidence: finding
                .evidence
                .iter()
                .map(|one| format!("{}: {}", clean(&one.source), clean(&one.text)))
                .collect(),
            next: clean(&finding.next),
        },
    }
}

/// The schema wants no two alike.
fn subjects(finding: &Finding) -> BTreeSet<Subject> {
    let mut subjects = BTreeSet::new();
    for project in &finding.projects {
        let project = project.as_str();
        if finding.projects.len() > 1 || finding.versions.is_empty() {
            let (qualified, name) = (project.to_owned(), project.to_owned());
            subjects.insert(Subject { qualified, name, kind: "package" });
            continue;
        }
        subjects.extend(finding.versions.iter().map(|version| Subject {
            qualified: format!("{project}/{version}"),
            name: version.clone(),
            kind: "release",
        }));
    }
    subjects
}

/// The place in `path:line` or `path:line:column`.
fn place(source: &str) -> Option<At> {
    let (head, last) = source.rsplit_once(':')?;
    let last = last.parse::<u32>().ok()?;
    let with_column = head
        .rsplit_once(':')
        .and_then(|(path, line)| Some((path, line.parse::<u32>().ok()?, Some(last))));
    let (path, line, column) = with_column.unwrap_or((head, last, None));
    if path.is_empty() || line == 0 {
        return None;
    }
    Some(At { path: path.to_owned(), line, column: column.filter(|&column| column > 0) })
}

fn notices(report: &Report) -> Vec<Notice> {
    let problems = report.problems.iter().map(|problem| Notice {
        level: "warning",
        message: problem.message.clone(),
        place: Some(At {
            path: problem.file.clone(),
            line: problem.position.map_or(1, |(line, _)| line.max(1)),
            column: problem.position.map(|(_, column)| column.max(1)),
        }),
    });
    let unread = report.unread.iter().map(|(name, reason)| Notice {
        level: "error",
        message: format!("{name} was not judged: {reason}"),
        place: None,
    });
    problems.chain(unread).collect()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunProperties {
    federation: Option<String>,
    at: String,
    facts: String,
    sources: Vec<String>,
    records_until: Option<String>,
    assumptions: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultProperties {
    severity: &'static str,
    projects: Vec<String>,
    versions: Vec<String>,
    files: Vec<String>,
    accounts: Vec<String>,
    evidence: Vec<String>,
    next: String,
}

#[cfg(test)]
mod tests;
