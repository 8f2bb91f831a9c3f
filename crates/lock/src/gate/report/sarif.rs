//! The report in SARIF 2.1.0, for code hosts that show findings at their lines.

use std::collections::BTreeSet;

use countermark_packaging::lock::Place;
use countermark_report::Document;
use countermark_report::sarif::{self, At, Found, Notice, Run, Subject, clean};
use countermark_trust::policy::rule as policy_rule;
use serde::Serialize;

use super::{Report, unchecked};
use crate::gate::finding::Finding;
use crate::gate::rule::RULES;

/// Writes all findings, and those that are let pass as suppressed, with a line end at the end.
#[must_use]
pub fn write(report: &Report) -> String {
    let shown = report.findings.iter().map(|finding| found(finding, None));
    let passed = report.let_pass.iter().map(|(finding, reason)| found(finding, Some(reason)));
    let notices = unchecked(report, false).into_iter().map(|(what, number, first)| Notice {
        level: "error",
        message: format!("{what} of {number} could not be checked: {}", first.why),
        place: Some(at(&first.place)),
    });
    let skipped = unchecked(report, true).into_iter().map(|(what, number, first)| Notice {
        level: "note",
        message: format!("{what} of {number} was not looked at: {}", first.why),
        place: None,
    });
    sarif::write(Run {
        version: env!("CARGO_PKG_VERSION"),
        automation: "countermark-gate/",
        rules: rules(),
        results: shown.chain(passed).collect(),
        is_complete: !report.is_undecided(),
        notices: notices.chain(skipped).collect(),
        properties: RunProperties {
            at: report.at.to_string(),
            indexes: report
                .indexes
                .as_ref()
                .map(|indexes| indexes.iter().map(|index| clean(index)).collect()),
            policy: report.policy.as_deref().map(clean),
        },
    })
}

/// The gate's own rules, and those of the policy.
fn rules() -> Vec<(&'static str, Option<Document>)> {
    let own = RULES.iter().map(|rule| (rule.code(), Some(rule.document())));
    let of_policy = policy_rule::RULES.iter().map(|rule| {
        let document = rule.document();
        let document = Document {
            title: document.title,
            what: document.what,
            why: document.why,
            remedy: document.stops,
            example: document.example,
        };
        (rule.code(), Some(document))
    });
    own.chain(of_policy).collect()
}

fn found(finding: &Finding, suppressed: Option<&str>) -> Found<ResultProperties> {
    let mut message = format!("{}: {}", finding.release(), finding.message);
    for (label, text) in [("expected", &finding.expected), ("found", &finding.found)] {
        if !text.is_empty() {
            message.push_str(&format!("; {label} {text}"));
        }
    }
    if !finding.hint.is_empty() {
        message.push_str(&format!(". Next: {}", finding.hint));
    }
    let project = finding.project.as_str();
    let subject = match &finding.version {
        Some(version) => Subject {
            qualified: format!("{project}/{version}"),
            name: version.clone(),
            kind: "release",
        },
        None => {
            Subject { qualified: project.to_owned(), name: project.to_owned(), kind: "package" }
        }
    };
    Found {
        rule: finding.rule,
        severity: finding.severity,
        message,
        place: Some(at(&finding.place)),
        subjects: BTreeSet::from([subject]),
        key: finding.key().to_string(),
        suppressed: suppressed.map(str::to_owned),
        properties: ResultProperties {
            severity: finding.severity.name(),
            kind: finding.kind.name(),
            file: clean(&finding.file),
            allow: clean(&finding.allow),
        },
    }
}

fn at(place: &Place) -> At {
    At { path: place.file.clone(), line: place.line, column: Some(place.column) }
}

#[derive(Serialize)]
struct RunProperties {
    at: String,
    indexes: Option<Vec<String>>,
    policy: Option<String>,
}

#[derive(Serialize)]
struct ResultProperties {
    severity: &'static str,
    kind: &'static str,
    file: String,
    allow: String,
}
