//! A made-up report, and one in which every text is hostile.

use countermark_packaging::name::ProjectName;
use proptest::prelude::*;

use super::{Counts, Event, EventKind, Options, Report, Timeline};
use crate::finding::{Evidence, Finding, Severity};
use crate::record::RecordProblem;

pub(super) fn name(text: &str) -> ProjectName {
    ProjectName::parse(text).unwrap()
}

fn event(at: &str, kind: EventKind, label: &str) -> Event {
    Event { at: at.parse().unwrap(), kind, label: label.to_owned() }
}

/// Everything that a report can hold, of a federation that makes things for tea.
pub(super) fn report() -> Report {
    let mut report = empty();
    report.findings = findings();
    let accepted = Finding::new(
        "single-holder",
        Severity::Low,
        &name("saucer"),
        "`tea-release` is the only holder and uploads too",
    )
    .accounts(["tea-release"])
    .evidence("index", "Owner: tea-release")
    .next("add a second owner");
    let why = "Ada, until 2027-01-31: a second account is on its way";
    report.accepted = vec![(accepted, why.to_owned())];
    report.problems = vec![RecordProblem {
        file: "deliverables/green/sieve.yaml".to_owned(),
        position: Some((3, 7)),
        message: "`releases` is a text, a list was expected".to_owned(),
    }];
    report.unread = vec![(name("strainer"), "the index answered 503".to_owned())];
    report.assumptions = vec![
        "the account `tea-release` uploads releases: it holds a role on 9 of 11 projects"
            .to_owned(),
        "projects are those that a file of deliverables names".to_owned(),
    ];
    report.timelines = timelines();
    report
}

/// Nothing was found, everything was read.
pub(super) fn empty() -> Report {
    Report {
        federation: Some("Tea Works".to_owned()),
        at: "2026-11-21T09:30:00Z".parse().unwrap(),
        facts: "https://index.example.org/simple/".to_owned(),
        sources: vec!["the releases tree at ../releases".to_owned()],
        records_until: Some("2026-08-21 (commit 02df7c9a3cc3)".to_owned()),
        assumptions: Vec::new(),
        problems: Vec::new(),
        unread: Vec::new(),
        findings: Vec::new(),
        accepted: Vec::new(),
        counts: Counts { projects: 11, releases: 214, files: 420, official: 206 },
        timelines: Vec::new(),
    }
}

fn findings() -> Vec<Finding> {
    let left: Vec<String> = (0..29).map(|minor| format!("2.{minor}.0")).collect();
    vec![
        Finding::new(
            "rogue-release",
            Severity::High,
            &name("teapot-lid"),
            "3 releases that no record knows, uploaded while strangers held the role",
        )
        .versions(["6.2.1.0", "6.2.1.1", "6.2.1.2"])
        .files(["teapot_lid-6.2.1.0-py3-none-any.whl", "teapot_lid-6.2.1.0.tar.gz"])
        .evidence("index", "6.2.1.0 was uploaded on 2022-11-02, 6.2.1.2 on 2024-03-09")
        .evidence("deliverables/blue/teapot-lid.yaml:12", "the last release is 4.7.0.0")
        .evidence("upper-constraints.txt:88", "`teapot-lid===6.2.1.2` is pinned")
        .next("compare the files with the repository, and yank those that nobody can explain"),
        Finding::new(
            "stranger-holds-role",
            Severity::High,
            &name("teapot-lid"),
            "3 accounts that nobody expects are owners, and `tea-release` has no role",
        )
        .accounts(["mallory", "trent", "walter"])
        .evidence("index", "Owner: mallory, trent, walter")
        .next("ask one of them to make `tea-release` an owner"),
        Finding::new(
            "incomplete-release",
            Severity::Medium,
            &name("kettle"),
            "a wheel without an sdist; all other releases have both",
        )
        .versions(["2.0.2"])
        .files(["kettle-2.0.2-py3-none-any.whl"])
        .evidence("index", "one file, uploaded on 2016-10-05")
        .evidence("deliverables/green/kettle.yaml:40:5", "approved on 2016-10-05")
        .next("upload the sdist that the release job made, or yank the release"),
        Finding::new(
            "missing-release",
            Severity::Medium,
            &name("infuser"),
            "4 official releases are not on the index",
        )
        .versions(["9.0.6", "9.0.7", "10.0.3", "11.0.1"])
        .evidence("deliverables/green/infuser.yaml:61", "9.0.6 was approved on 2018-09-24")
        .next("look at the release job of each, and run it again"),
        Finding {
            projects: ["cup", "kettle", "ladle", "saucer", "spoon", "tray"].map(name).into(),
            ..Finding::new(
                "single-holder",
                Severity::Low,
                &name("cup"),
                "one account is the only holder of each and uploads too",
            )
        }
        .accounts(["tea-release"])
        .evidence("index", "Owner: tea-release, on 6 projects")
        .next("add an owner besides the account that uploads"),
        Finding {
            projects: Vec::new(),
            ..Finding::new(
                "records-old",
                Severity::Note,
                &name("cup"),
                "the records end 92 days before the index was looked at",
            )
        }
        .evidence("records", "commit 02df7c9a3cc3 of 2026-08-21")
        .next("read a newer tree"),
        Finding::new(
            "rogue-release",
            Severity::Low,
            &name("samovar"),
            "29 releases that no record knows",
        )
        .versions(left)
        .evidence("federation.toml:31", "theirs since 2017-06-01")
        .next("nothing")
        .explained("the name was given to its authors in 2017"),
    ]
}

fn timelines() -> Vec<Timeline> {
    use EventKind::*;
    vec![
        Timeline {
            project: name("kettle"),
            events: vec![event("2016-10-05T12:00:00Z", OfficialUpload, "2.0.2")],
        },
        Timeline {
            project: name("teapot-lid"),
            events: vec![
                event("2014-05-19T09:00:00Z", Approval, "4.6.0.0"),
                event("2014-05-19T09:10:00Z", OfficialUpload, "4.6.0.0"),
                event("2014-05-19T09:11:00Z", OfficialUpload, "4.6.0.1"),
                event("2016-06-14T09:00:00Z", Approval, "4.7.0.0"),
                event("2016-06-14T09:10:00Z", OfficialUpload, "4.7.0.0"),
                event("2019-02-01T00:00:00Z", ExplainedUpload, "4.7.0.1: only a tag knows it"),
                event("2021-01-01T00:00:00Z", Custody, "retired"),
                event("2022-11-02T10:00:00Z", UnexplainedUpload, "6.2.1.0"),
                event("2022-11-03T10:00:00Z", UnexplainedUpload, "6.2.1.1"),
                event("2024-03-09T10:00:00Z", UnexplainedUpload, "6.2.1.2"),
                event("2026-11-20T08:00:00Z", RoleChange, "mallory became an owner"),
            ],
        },
    ]
}

/// What somebody would write who wants to break out of a document or a terminal.
pub(super) const HOSTILE: &str = "<script>alert(1)</script> \" ' & ]]> <!-- --> | ` ** [x](//evil) \
    https://evil.example/ @everyone \u{1b}[2J\u{9b}31m\r\n# a \u{202e}txt.exe\u{200b}\u{0}\u{ffff}\
    {{ 7 * 7 }} \\ $x$ ~~~ www.evil.example";

/// A report in which everything that others can write is this text.
pub(super) fn report_of(text: &str) -> Report {
    let hostile = || text.to_owned();
    let mut report = report();
    report.federation = Some(hostile());
    report.facts = hostile();
    report.sources = vec![hostile()];
    report.records_until = Some(hostile());
    report.assumptions = vec![hostile()];
    for problem in &mut report.problems {
        problem.file = hostile();
        problem.message = hostile();
    }
    for (_, reason) in &mut report.unread {
        *reason = hostile();
    }
    for finding in report.findings.iter_mut().chain(report.accepted.iter_mut().map(|(f, _)| f)) {
        finding.message = hostile();
        finding.next = hostile();
        finding.versions.iter_mut().for_each(|version| *version = hostile());
        finding.files.push(hostile());
        finding.accounts.push(hostile());
        finding.evidence.push(Evidence { source: hostile(), text: hostile() });
        finding.evidence.push(Evidence { source: format!("{text}:12"), text: hostile() });
        finding.explained = finding.explained.as_ref().map(|_| hostile());
    }
    for (_, reason) in &mut report.accepted {
        *reason = hostile();
    }
    for event in report.timelines.iter_mut().flat_map(|timeline| &mut timeline.events) {
        event.label = hostile();
    }
    report
}

/// Texts with more than a fair share of characters that mean something somewhere.
pub(super) fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,40}",
        proptest::collection::vec(any::<char>(), 0..40).prop_map(String::from_iter),
        "[-a-z0-9 \\\\<>&\"'`*_|~@#$!\\[\\](){}:/.\u{1b}\u{7}\n\r\t\u{202e}\u{2066}\u{200b}\u{feff}]{0,40}",
    ]
}

/// Every combination of what can be asked for.
pub(super) fn all_options() -> impl Iterator<Item = Options> {
    [40, 60, 80, 100, 200].into_iter().flat_map(|width| {
        [false, true].into_iter().flat_map(move |all| {
            [false, true].into_iter().map(move |details| Options {
                all,
                least: Severity::Low,
                width,
                details,
            })
        })
    })
}

/// No writer may let a character through that acts; a line end is what remains.
pub(super) fn assert_harmless(text: &str) {
    if let Some(c) = text.chars().find(|&c| c != '\n' && super::harmless::acts(c)) {
        panic!("{c:?} in {text}");
    }
}
