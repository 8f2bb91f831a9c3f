//! The report as JUnit XML: a suite for each lock, a failing case for each finding. What could not
//! be checked is an error; what was not to be looked at is skipped.

use std::collections::BTreeMap;

use countermark_report::Severity;
use countermark_report::junit::{self, Case, Outcome, Suites};

use super::{Report, count, unchecked};
use crate::gate::finding::Finding;

/// Writes the report; findings below `least` are skipped cases.
#[must_use]
pub fn write(report: &Report, least: Option<Severity>) -> String {
    let mut suites = Suites::new();
    for lock in &report.locks {
        // A suite is never empty: some readers take that for an error.
        suites.entry(lock.file.clone()).or_default().push(Case {
            class: lock.file.clone(),
            name: format!("{} judged", count(lock.judged, "entry was", "entries were")),
            outcome: Outcome::Passed,
        });
    }
    for finding in &report.findings {
        let fails = least.is_some_and(|least| finding.severity >= least);
        let message = format!("{}: {}", finding.severity, finding.message);
        let outcome = if fails {
            Outcome::Failed { message, kind: finding.rule.to_owned(), body: body(finding) }
        } else {
            Outcome::Skipped(message)
        };
        add(&mut suites, finding, outcome);
    }
    for (finding, reason) in &report.let_pass {
        add(&mut suites, finding, Outcome::Skipped(format!("let pass: {reason}")));
    }
    for is_asked_for in [false, true] {
        for (what, number, first) in unchecked(report, is_asked_for) {
            let name = format!("{what} of {}", count(number, "entry", "entries"));
            let outcome = if is_asked_for {
                Outcome::Skipped(format!("not looked at: {}", first.why))
            } else {
                Outcome::Error { message: first.why.clone(), kind: "unchecked" }
            };
            let suite = first.place.file.clone();
            let case = Case { class: format!("{suite}.{what}"), name, outcome };
            suites.entry(suite).or_default().push(case);
        }
    }
    unlike(&mut suites);
    let timestamp = report.at.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    junit::write("gate", &timestamp, &suites)
}

fn add(suites: &mut Suites, finding: &Finding, outcome: Outcome) {
    let suite = finding.place.file.clone();
    let name = format!("{} {} {}", finding.rule, finding.release(), finding.file);
    let case = Case {
        class: format!("{suite}.{}", finding.rule),
        name: name.trim_end().to_owned(),
        outcome,
    };
    suites.entry(suite).or_default().push(case);
}

/// Cases of one name would be taken for one: later ones get a number.
fn unlike(suites: &mut Suites) {
    for cases in suites.values_mut() {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for case in cases {
            let times = seen.entry(case.name.clone()).or_default();
            *times += 1;
            if *times > 1 {
                case.name.push_str(&format!(" ({times})"));
            }
        }
    }
}

fn body(finding: &Finding) -> String {
    let mut lines = vec![finding.place.to_string()];
    let facts = [
        ("expected", &finding.expected),
        ("found", &finding.found),
        ("hint", &finding.hint),
        ("allow", &finding.allow),
    ];
    for (label, text) in facts.into_iter().filter(|(_, text)| !text.is_empty()) {
        lines.push(format!("{label}: {}", text.replace('\n', " ")));
    }
    lines.join("\n")
}
