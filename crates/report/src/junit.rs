//! JUnit XML, for CI servers that show tests: a suite for each subject, a failing case for each
//! finding.
//!
//! There is no standard; written is what the usual readers have in common.

use std::collections::BTreeMap;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use crate::harmless::harmless;

/// A case of a suite.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its class.
    pub class: String,
    /// Its name, unlike any other in its suite.
    pub name: String,
    /// What came out.
    pub outcome: Outcome,
}

/// What came out of a case.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Good.
    Passed,
    /// A finding.
    Failed {
        /// One line.
        message: String,
        /// The rule.
        kind: String,
        /// Lines that are harmless already.
        body: String,
    },
    /// Let pass, and why.
    Skipped(String),
    /// Could not be looked at.
    Error {
        /// Why.
        message: String,
        /// What kind of thing went wrong.
        kind: &'static str,
    },
}

/// By name, so that the order is the same whatever was found first.
pub type Suites = BTreeMap<String, Vec<Case>>;

/// Writes the suites. `timestamp` is ISO 8601 without a zone.
#[must_use]
pub fn write(name: &str, timestamp: &str, suites: &Suites) -> String {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    // A vector takes everything that is written to it.
    let _ = write_all(&mut writer, name, timestamp, suites);
    let mut text = String::from_utf8(writer.into_inner()).unwrap_or_default();
    text.push('\n');
    text
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

fn write_all(xml: &mut Xml, name: &str, timestamp: &str, suites: &Suites) -> std::io::Result<()> {
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let root = attribute(BytesStart::new("testsuites"), "name", name);
    xml.write_event(Event::Start(Tally::of(suites.values().flatten()).on(root)))?;
    for (name, cases) in suites {
        let suite = attribute(BytesStart::new("testsuite"), "name", name);
        let suite = attribute(Tally::of(cases.iter()).on(suite), "timestamp", timestamp);
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
            let body: Vec<_> = body.lines().map(harmless).collect();
            xml.write_event(Event::Text(BytesText::new(&body.join("\n"))))?;
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
