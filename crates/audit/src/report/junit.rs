//! The report as JUnit XML, for CI servers that show tests: a suite for each project, a failing case
//! for each finding.
//!
//! There is no standard; written is what the usual readers have in common. Suites without cases are
//! not written, and the suite `audit` always has one, as some readers take an empty report for an
//! error.

use std::collections::BTreeMap;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::harmless::harmless;
use super::phrase::{count, problem_line, projects, versions};
use super::{Options, Report};
use crate::finding::{Finding, Severity};

/// Writes the findings that these options show; what is accepted or explained is skipped there, and
/// what could not be judged is an error.
#[must_use]
pub fn write(report: &Report, options: Options) -> String {
    let suites = suites(report, options);
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    // A vector takes everything that is written to it.
    let _ = write_all(&mut writer, &suites, report);
    let mut text = String::from_utf8(writer.into_inner()).unwrap_or_default();
    text.push('\n');
    text
}

struct Case {
    class: String,
    name: String,
    outcome: Outcome,
}

enum Outcome {
    Passed,
    Failed { message: String, kind: String, body: String },
    Skipped(String),
    Error { message: String, kind: &'static str },
}

/// By name, so that the order is the same whatever was found first.
type Suites = BTreeMap<String, Vec<Case>>;

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

#[derive(Default)]
struct Tally {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

impl Tally {
    fn of<'a>(cases: impl Iterator<Item = &'a Case>) -> Self {
        let mut tally = Self::default();
        for case in cases {
            tally.tests += 1;
            match case.outcome {
                Outcome::Passed => {}
                Outcome::Failed { .. } => tally.failures += 1,
                Outcome::Skipped(_) => tally.skipped += 1,
                Outcome::Error { .. } => tally.errors += 1,
            }
        }
        tally
    }

    fn on<'a>(&self, element: BytesStart<'a>) -> BytesStart<'a> {
        let with = |element, name, number: usize| attribute(element, name, &number.to_string());
        let element = with(element, "tests", self.tests);
        let element = with(element, "failures", self.failures);
        let element = with(element, "errors", self.errors);
        let element = with(element, "skipped", self.skipped);
        attribute(element, "time", "0")
    }
}

type Xml = Writer<Vec<u8>>;

fn write_all(xml: &mut Xml, suites: &Suites, report: &Report) -> std::io::Result<()> {
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let name =
        report.federation.as_deref().map_or("audit".to_owned(), |name| format!("audit of {name}"));
    let root = attribute(BytesStart::new("testsuites"), "name", &name);
    xml.write_event(Event::Start(Tally::of(suites.values().flatten()).on(root)))?;
    let timestamp = report.at.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    for (name, cases) in suites {
        let suite = attribute(BytesStart::new("testsuite"), "name", name);
        let suite = attribute(Tally::of(cases.iter()).on(suite), "timestamp", &timestamp);
        xml.write_event(Event::Start(suite))?;
        for case in cases {
            write_case(xml, case)?;
        }
        xml.write_event(Event::End(BytesEnd::new("testsuite")))?;
    }
    xml.write_event(Event::End(BytesEnd::new("testsuites")))
}

fn write_case(xml: &mut Xml, case: &Case) -> std::io::Result<()> {
    let element = attribute(BytesStart::new("testcase"), "classname", &case.class);
    let element = attribute(attribute(element, "name", &case.name), "time", "0");
    if matches!(case.outcome, Outcome::Passed) {
        return xml.write_event(Event::Empty(element));
    }
    xml.write_event(Event::Start(element))?;
    match &case.outcome {
        Outcome::Passed => {}
        Outcome::Failed { message, kind, body } => {
            let failure = attribute(BytesStart::new("failure"), "message", message);
            xml.write_event(Event::Start(attribute(failure, "type", kind)))?;
            xml.write_event(Event::Text(BytesText::new(body)))?;
            xml.write_event(Event::End(BytesEnd::new("failure")))?;
        }
        Outcome::Skipped(message) => {
            let skipped = attribute(BytesStart::new("skipped"), "message", message);
            xml.write_event(Event::Empty(skipped))?;
        }
        Outcome::Error { message, kind } => {
            let error = attribute(BytesStart::new("error"), "message", message);
            xml.write_event(Event::Empty(attribute(error, "type", kind)))?;
        }
    }
    xml.write_event(Event::End(BytesEnd::new("testcase")))
}

/// Names come from an index: XML cannot hold all of what they can.
fn attribute<'a>(mut element: BytesStart<'a>, name: &str, value: &str) -> BytesStart<'a> {
    element.push_attribute((name, harmless(value).as_ref()));
    element
}

#[cfg(test)]
mod tests;
