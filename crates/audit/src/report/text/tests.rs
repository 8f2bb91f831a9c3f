use proptest::prelude::*;

use super::*;
use crate::finding::Severity;
use crate::report::fixture::{self, assert_harmless};

fn at(width: usize, details: bool) -> String {
    let options = Options { width, details, ..Options::default() };
    write(&fixture::report(), options, false)
}

/// Twenty findings, as a release manager sees them on a bad day.
fn long() -> Report {
    let mut report = fixture::report();
    let findings = report.findings.clone();
    report.findings = findings.iter().cycle().take(20).cloned().collect();
    for (number, finding) in report.findings.iter_mut().enumerate() {
        finding.explained = None;
        finding.severity = if number < 6 { Severity::High } else { Severity::Medium };
        finding.message = format!("{} of the records and of the index", finding.message);
    }
    report
}

#[test]
fn a_wide_terminal_has_a_table() {
    insta::assert_snapshot!(at(200, false));
}

#[test]
fn a_usual_terminal_has_messages_below_projects() {
    insta::assert_snapshot!(at(80, false));
}

#[test]
fn a_narrow_terminal() {
    insta::assert_snapshot!(at(60, false));
}

#[test]
fn all_details() {
    let options = Options { width: 100, details: true, all: true, ..Options::default() };
    insta::assert_snapshot!(write(&fixture::report(), options, false));
}

#[test]
fn a_long_report_has_a_line_for_each_finding() {
    for width in [80, 100, 120, 160, 200] {
        let text = write(&long(), Options { width, ..Options::default() }, false);
        assert!(text.lines().count() < 40, "{text}");
        let findings = text.lines().filter(|line| line.ends_with("-release")).count();
        assert_eq!(findings, 11, "{text}");
    }
    insta::assert_snapshot!(write(&long(), Options { width: 100, ..Options::default() }, false));
}

#[test]
fn nothing_found_is_said() {
    insta::assert_snapshot!(write(&fixture::empty(), Options::default(), false));
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for options in fixture::all_options() {
        for report in [fixture::report(), long(), fixture::report_of(fixture::HOSTILE)] {
            let text = write(&report, options, false);
            let wide = text.lines().find(|line| width(line) > options.width);
            assert_eq!(wide, None, "{options:?}\n{text}");
        }
    }
}

#[test]
fn colors_change_nothing_but_colors() {
    for options in fixture::all_options() {
        let plain = write(&fixture::report(), options, false);
        let colored = write(&fixture::report(), options, true);
        let stripped: Vec<String> = anstream::adapter::strip_str(&colored)
            .to_string()
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect();
        assert_ne!(plain, colored);
        assert_eq!(plain.lines().collect::<Vec<_>>(), stripped);
    }
}

#[test]
fn explained_findings_are_shown_with_all() {
    let options = Options { all: true, ..Options::default() };
    let text = write(&fixture::report(), options, false);
    assert!(text.contains("explained (1)") && text.contains("note (1)"), "{text}");
    assert!(text.contains("explained: the name was given to its authors in 2017"), "{text}");
    assert!(!text.contains("not shown"), "{text}");
    let mut report = long();
    report.findings[3].explained = Some("it is so long ago that nobody remembers ".repeat(4));
    let text = write(&report, options, false);
    assert_eq!(text.matches('…').count(), report.findings.len() / 7, "only of versions: {text}");
}

proptest! {
    #[test]
    fn nothing_acts_on_the_terminal(text in fixture::any_text(), number in 0usize..20) {
        let options = fixture::all_options().nth(number).unwrap();
        assert_harmless(&write(&fixture::report_of(&text), options, false));
    }
}
