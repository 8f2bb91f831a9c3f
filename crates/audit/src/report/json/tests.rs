use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::report::fixture::{self, assert_harmless};

fn validator() -> jsonschema::Validator {
    jsonschema::validator_for(&serde_json::from_str(SCHEMA).unwrap()).unwrap()
}

fn written(report: &Report) -> Value {
    serde_json::from_str(&write(report, Options::default())).unwrap()
}

#[test]
fn the_report() {
    insta::assert_snapshot!(write(&fixture::report(), Options::default()));
}

#[test]
fn the_schema_says_what_is_written() {
    let validator = validator();
    for report in [fixture::empty(), fixture::report(), fixture::report_of(fixture::HOSTILE)] {
        let value = written(&report);
        let errors: Vec<String> =
            validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert_eq!(errors, [""; 0]);
    }
}

#[test]
fn the_schema_refuses_what_is_not_written() {
    let validator = validator();
    let check = |pointer: &str, value: Value| {
        let mut report = written(&fixture::report());
        *report.pointer_mut(pointer).unwrap() = value;
        assert!(!validator.is_valid(&report), "{pointer}");
    };
    check("/format", json!("countermark-audit/2"));
    check("/at", json!("yesterday"));
    check("/findings/0/severity", json!("urgent"));
    check("/findings/0/rule", json!("Rogue Release"));
    check("/findings/0/key", json!(""));
    check("/findings/0/evidence/0", json!("index"));
    check("/counts/high", json!(-1));
    check("/timelines/0/events/0/kind", json!("party"));
    check("/unread/0/project", json!("Not_Normalised"));
    check("/problems/0/line", json!("3"));
    let value = written(&fixture::report());
    for name in value.as_object().unwrap().keys() {
        let mut report = value.clone();
        report.as_object_mut().unwrap().remove(name);
        assert!(!validator.is_valid(&report), "{name}");
    }
    for name in value["findings"][0].as_object().unwrap().keys() {
        let mut report = value.clone();
        report["findings"][0].as_object_mut().unwrap().remove(name);
        assert!(!validator.is_valid(&report), "{name}");
    }
}

#[test]
fn options_hide_nothing() {
    for options in fixture::all_options() {
        assert_eq!(
            write(&fixture::report(), options),
            write(&fixture::report(), Options::default())
        );
    }
}

proptest! {
    #[test]
    fn every_text_comes_back(text in fixture::any_text()) {
        let report = fixture::report_of(&text);
        let written = write(&report, Options::default());
        assert_harmless(&written);
        let value: Value = serde_json::from_str(&written).unwrap();
        prop_assert_eq!(&value["findings"][0]["message"], &text);
        prop_assert_eq!(&value["accepted"][0]["reason"], &text);
    }
}
