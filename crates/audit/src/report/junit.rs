//! The report as JUnit XML, for CI servers that show tests: a suite for each project, a failing case
//! for each finding.
//!
//! There is no standard; written is what the usual readers have in common. Suites without cases are
//! not written, and the suite `audit` always has one, as some readers take an empty report for an
//! error.

use countermark_report::junit::{self, Case, Outcome, Suites};

use super::harmless::harmless;
use super::phrase::{count, problem_line, projects, versions};
use super::{Options, Report};
use crate::finding::{Finding, Severity};

/// Writes the findings that these options show; what is accepted or explained is skipped there, and
/// what could not be judged is an error.
#[must_use]
pub fn write(report: &Report, options: Options) -> String {
    let name =
        report.federation.as_deref().map_or("audit".to_owned(), |name| format!("audit of {name}"));
    let timestamp = report.at.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    junit::write(&name, &timestamp, &suites(report, options))
}

fn suites(report: &Report, options: Options) -> Suites {
    let mut suites = Suites::new();
    let judged = count(report.counts.projects, "project was judged", "projects were judged");
    suites.entry("audit".to_owned()).or_default().push(Case {
        class: "audit".to_owned(),
        name: judged,
        outcome: Outcome::Passed,
    });
    let mut add = |finding: &Finding, outcome| {
        let suite = match finding.projects.as_slice() {
            [] => "federation".to_owned(),
            [name] => name.to_string(),
            _ => "several projects".to_owned(),
        };
        let case =
            Case { class: format!("{suite}.{}", finding.rule), name: case_name(finding), outcome };
        suites.entry(suite).or_default().push(case);
    };
    for finding in report.shown(options) {
        let outcome = match &finding.explained {
            Some(reason) => Outcome::Skipped(format!("explained: {reason}")),
            None if finding.severity == Severity::Note => Outcome::Skipped(finding.message.clone()),
            None => Outcome::Failed {
                message: format!("{}: {}", finding.severity, finding.message),
                kind: finding.rule.to_owned(),
                body: body(finding),
            },
        };
        add(finding, outcome);
    }
    for (finding, reason) in &report.accepted {
        add(finding, Outcome::Skipped(format!("accepted: {reason}")));
    }
    for (name, reason) in &report.unread {
        suites.entry(name.to_string()).or_default().push(Case {
            class: name.to_string(),
            name: "the index answers".to_owned(),
            outcome: Outcome::Error { message: reason.clone(), kind: "unread" },
        });
    }
    for problem in &report.problems {
        suites.entry("records".to_owned()).or_default().push(Case {
            class: "records".to_owned(),
            name: format!("{} can be used", problem.file),
            outcome: Outcome::Error { message: problem_line(problem), kind: "unusable-record" },
        });
    }
    suites
}

/// Unlike in its suite for as long as it is about other things, and the same from run to run.
fn case_name(finding: &Finding) -> String {
    let mut name = finding.rule.to_owned();
    let accounts = finding.accounts.join(", ");
    let subject = match finding.projects.as_slice() {
        [_] if finding.versions.is_empty() => few(&finding.files),
        [_] => few(&finding.versions),
        [] => String::new(),
        _ => projects(finding),
    };
    for part in [subject, accounts] {
        if !part.is_empty() {
            name = format!("{name} {part}");
        }
    }
    name
}

/// The first and the last of many, so that a list of cases can be read.
fn few(names: &[String]) -> String {
    match names {
        [first, .., last] if names.len() > 6 => format!("{first} … {last} ({})", names.len()),
        _ => names.join(", "),
    }
}

fn body(finding: &Finding) -> String {
    let mut lines = vec![format!("{} {}", projects(finding), versions(finding))];
    let evidence = finding.evidence.iter();
    lines.extend(evidence.map(|one| format!("{}: {}", harmless(&one.source), harmless(&one.text))));
    if !finding.next.is_empty() {
        lines.push(format!("next: {}", harmless(&finding.next)));
    }
    lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
