use std::collections::BTreeMap;

use proptest::prelude::*;
use quick_xml::Reader;
use quick_xml::events::Event;

use super::*;
use crate::report::fixture::{self, assert_harmless};

/// What a reader of the usual kind sees: for each element its name and attributes, in order.
fn elements(text: &str) -> Vec<(String, BTreeMap<String, String>)> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    let mut seen = Vec::new();
    let mut depth = 0;
    loop {
        let event = reader.read_event().unwrap();
        let (Event::Start(element) | Event::Empty(element)) = &event else {
            match event {
                Event::End(_) => depth -= 1,
                Event::Eof => break,
                _ => {}
            }
            continue;
        };
        depth += i32::from(matches!(event, Event::Start(_)));
        let attributes = element.attributes().map(|attribute| {
            let attribute = attribute.unwrap();
            let name = attribute.key.as_ref().to_owned();
            (name, quick_xml::escape::unescape(&attribute.value).unwrap().into_owned())
        });
        let name = element.name().as_ref().to_owned();
        seen.push((name, attributes.collect()));
    }
    assert_eq!(depth, 0);
    seen
}

fn assert_usual(text: &str) {
    let elements = elements(text);
    let number = |at: &BTreeMap<String, String>, name: &str| at[name].parse::<usize>().unwrap();
    assert_eq!(elements[0].0, "testsuites");
    let (_, root) = &elements[0];
    let count = |name: &str| elements.iter().filter(|(element, _)| element == name).count();
    assert_eq!(number(root, "tests"), count("testcase"));
    assert_eq!(number(root, "failures"), count("failure"));
    assert_eq!(number(root, "errors"), count("error"));
    assert_eq!(number(root, "skipped"), count("skipped"));
    let suites = || elements.iter().filter(|(element, _)| element == "testsuite");
    assert_eq!(suites().map(|(_, at)| number(at, "tests")).sum::<usize>(), count("testcase"));
    for (_, suite) in suites() {
        assert!(!suite["name"].is_empty() && number(suite, "tests") > 0);
        assert_eq!(suite["timestamp"], "2026-11-21T09:30:00");
    }
    for (_, case) in elements.iter().filter(|(element, _)| element == "testcase") {
        assert!(!case["name"].is_empty() && !case["classname"].is_empty() && case["time"] == "0");
    }
    for (_, failure) in elements.iter().filter(|(element, _)| element == "failure") {
        assert!(!failure["type"].is_empty() && failure.contains_key("message"));
    }
}

#[test]
fn the_report() {
    let options = Options { all: true, ..Options::default() };
    insta::assert_snapshot!(write(&fixture::report(), options));
}

#[test]
fn an_empty_report_has_a_case_that_passes() {
    let text = write(&fixture::empty(), Options::default());
    assert_usual(&text);
    let names: Vec<String> = elements(&text).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["testsuites", "testsuite", "testcase"]);
}

#[test]
fn what_is_shown_fails() {
    let failures = |options: Options| {
        let text = write(&fixture::report(), options);
        assert_usual(&text);
        elements(&text).iter().filter(|(name, _)| name == "failure").count()
    };
    assert_eq!(failures(Options::default()), 5);
    assert_eq!(failures(Options { least: Severity::Medium, ..Options::default() }), 4);
    assert_eq!(failures(Options { all: true, ..Options::default() }), 5);
}

#[test]
fn hostile_texts_stay_texts() {
    let text = write(&fixture::report_of(fixture::HOSTILE), Options::default());
    assert_usual(&text);
    assert!(!text.contains("<script") && !text.contains("]]>"), "{text}");
    let elements = elements(&text);
    let message = format!("high: {}", harmless(fixture::HOSTILE));
    let is_there = |(name, at): &(String, BTreeMap<String, String>)| {
        name == "failure" && at["message"] == message
    };
    assert!(elements.iter().any(is_there), "{text}");
}

proptest! {
    #[test]
    fn any_text_is_well_formed(text in fixture::any_text()) {
        let written = write(&fixture::report_of(&text), Options { all: true, ..Options::default() });
        assert_harmless(&written);
        assert_usual(&written);
    }
}
