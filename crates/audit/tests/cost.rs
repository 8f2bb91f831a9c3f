//! What indexes and records list may be as long as they like: the cost of judging one project grows
//! with it, and not with its square. Each case here takes a second or two; with one loop inside the
//! other it takes many minutes.
#![expect(clippy::unwrap_used, reason = "all of it is a test")]
#![expect(clippy::disallowed_methods, reason = "how long it takes is what is tested")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use countermark_audit::dossier::Context;
use countermark_audit::engine::{Glimpse, Judge, Survey, Tally};
use countermark_audit::fact::{
    FileKind, IndexFile, IndexRelease, Inside, Presence, ProjectFacts, Role, RoleKind,
};
use countermark_audit::federation::{Acceptance, Federation, RecordsEntry};
use countermark_audit::record::{OfficialFile, OfficialRelease, Records, Signature};
use countermark_audit::report::Report;
use countermark_audit::source::{Documents, SourceError, open, openpgp};
use countermark_packaging::digest::Sha256;
use countermark_packaging::lock::Place;
use countermark_packaging::name::ProjectName;
use jiff::{SignedDuration, Timestamp};

/// So many of everything.
const MANY: usize = 10_000;

/// Far more than a loaded machine needs for a linear cost, and far less than a square one takes.
const PATIENCE: Duration = Duration::from_secs(60);

fn name(text: &str) -> ProjectName {
    ProjectName::parse(text).unwrap()
}

fn hour(number: usize) -> Timestamp {
    let start: Timestamp = "2015-01-01T00:00:00Z".parse().unwrap();
    start + SignedDuration::from_hours(i64::try_from(number).unwrap())
}

fn version(number: usize) -> String {
    format!("{}.{}.{}", number / 10_000, number / 100 % 100, number % 100)
}

fn file(filename: &str, at: Timestamp) -> IndexFile {
    IndexFile {
        filename: filename.to_owned(),
        kind: FileKind::Sdist,
        size: Some(7),
        uploaded: Some(at),
        sha256: Some(Sha256([1; 32])),
        yanked: None,
        inside: None,
    }
}

fn release(version: &str, at: Timestamp) -> IndexRelease {
    let files = vec![file(&format!("teapot-{version}.tar.gz"), at)];
    IndexRelease { version: version.to_owned(), files }
}

fn facts(releases: Vec<IndexRelease>) -> ProjectFacts {
    let role = Role { kind: RoleKind::Owner, account: "robot".to_owned() };
    let facts = ProjectFacts::new(name("teapot"), Presence::Present);
    ProjectFacts { releases, roles: Some(vec![role]), ..facts }
}

fn federation() -> Federation {
    let mut federation = Federation::default();
    federation.accounts.release.insert("robot".to_owned());
    federation
}

fn judge(
    facts: &ProjectFacts,
    previous: Option<&ProjectFacts>,
    records: &Records,
    federation: &Federation,
) -> Report {
    let start = Instant::now();
    let mut survey = Survey::default();
    survey.add(Glimpse::of(facts, records));
    let (release_accounts, accounts_assumed) = survey.release_accounts(federation);
    let context = Context {
        federation,
        records,
        now: "2026-01-01T00:00:00Z".parse().unwrap(),
        release_accounts,
        accounts_assumed,
        constraints: BTreeMap::new(),
        other_names: BTreeSet::new(),
        name_uses: BTreeMap::new(),
    };
    let mut tally = Tally::default();
    tally.add(Judge { context: &context, survey: &survey }.judge(facts, previous));
    let report = tally.finish(&context, "a test".to_owned(), true);
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    report
}

fn count(report: &Report, rule: &str) -> usize {
    let of_rule = report.findings.iter().filter(|it| it.rule == rule && it.explained.is_none());
    of_rule.map(|it| it.versions.len()).sum()
}

fn official(version: &str) -> OfficialRelease {
    OfficialRelease::new(version)
}

#[test]
fn releases_that_are_missing_and_have_no_day() {
    let facts = facts(vec![release("900.0", hour(0))]);
    let mut records = Records::default();
    let releases = &mut records.project(&name("teapot")).releases;
    releases.extend((0..MANY).map(|number| official(&version(number))));
    releases.push(official("900.0"));
    releases.push(official("900.1"));
    let report = judge(&facts, None, &records, &federation());
    // Only the last one stands behind one that is there.
    assert_eq!(count(&report, "missing-release"), 1);
}

#[test]
fn releases_that_were_uploaded_before_their_approval() {
    let facts = facts((0..MANY).map(|number| release(&version(number), hour(number))).collect());
    let mut records = Records::default();
    let releases = &mut records.project(&name("teapot")).releases;
    for number in 0..MANY {
        // Three on a day, which are no import; one on the first day of all.
        let approved = Some(hour(MANY + 8 * number));
        releases.push(OfficialRelease { approved, ..official(&version(number)) });
    }
    let report = judge(&facts, None, &records, &federation());
    assert_eq!(count(&report, "upload-window"), MANY - 1);
}

#[test]
fn releases_of_a_repository_with_another_name() {
    let mut releases = vec![release("900.0", hour(0))];
    releases.extend((0..MANY).map(|number| release(&version(number), hour(number + 1))));
    let facts = facts(releases);
    let repository: Arc<str> = "tea/pot".into();
    let mut records = Records::default();
    let of = |version: &str| {
        let approved = Some(hour(0));
        OfficialRelease { repository: Some(Arc::clone(&repository)), approved, ..official(version) }
    };
    for project in ["teapot", "kettle"] {
        records.connect(&repository, &name(project));
    }
    let teapot = &mut records.project(&name("teapot")).releases;
    teapot.push(of("900.0"));
    teapot.extend((0..MANY).map(|number| of(&format!("{}.2", version(number)))));
    let kettle = &mut records.project(&name("kettle")).releases;
    kettle.extend((0..MANY).map(|number| of(&format!("{}.1", version(number)))));
    let report = judge(&facts, None, &records, &federation());
    assert_eq!(count(&report, "rogue-release"), MANY);
    assert_eq!(count(&report, "missing-release"), MANY);
}

#[test]
fn files_of_one_release() {
    let filename = |number: usize| format!("teapot-1.0-{number}-py3-none-any.whl");
    let seen = Some(Inside { sha256: Some(Sha256([3; 32])), ..Inside::default() });
    let wheel = |number: usize| IndexFile {
        kind: FileKind::Wheel,
        inside: seen.clone(),
        ..file(&filename(number), hour(0))
    };
    let files: Vec<IndexFile> = (0..MANY + 1).map(wheel).collect();
    let facts = facts(vec![IndexRelease { version: "1.0".to_owned(), files }]);
    let named = |number: usize| OfficialFile {
        filename: filename(number).into(),
        sha256: Some(Sha256([2; 32])),
        size: None,
        signature: Signature::NotLooked,
    };
    let mut records = Records::default();
    let release = OfficialRelease { files: (0..MANY).map(named).collect(), ..official("1.0") };
    records.project(&name("teapot")).releases.push(release);
    let report = judge(&facts, None, &records, &federation());
    let files = |rule: &str| {
        let of_rule = report.findings.iter().filter(|it| it.rule == rule);
        of_rule.map(|it| it.files.len()).sum::<usize>()
    };
    assert_eq!(files("rogue-file"), 1);
    assert_eq!(files("digest-differs"), MANY);
    assert_eq!(files("bytes-differ"), MANY + 1);
}

#[test]
fn releases_that_are_gone_and_accounts_that_came() {
    let before = facts((0..MANY).map(|number| release(&version(number), hour(number))).collect());
    let mut after = facts(vec![release("900.0", hour(0))]);
    let account = |number| Role { kind: RoleKind::Maintainer, account: format!("user{number}") };
    after.roles.as_mut().unwrap().extend((0..MANY).map(account));
    let mut records = Records::default();
    records.project(&name("teapot")).releases.push(official("900.0"));
    let report = judge(&after, Some(&before), &records, &federation());
    assert_eq!(count(&report, "release-change"), MANY);
    let strangers = report.findings.iter().find(|it| it.rule == "stranger-role").unwrap();
    assert_eq!(strangers.accounts.len(), MANY);
    let changed = report.findings.iter().find(|it| it.rule == "role-change").unwrap();
    assert_eq!(changed.accounts.len(), MANY);
}

#[test]
fn an_acceptance_of_one_of_many_releases() {
    let mut releases = vec![release("900.0", hour(0))];
    releases.extend((0..MANY).map(|number| release(&version(number), hour(number + 1))));
    let facts = facts(releases);
    let mut records = Records::default();
    records.project(&name("teapot")).releases.push(official("900.0"));
    let mut federation = federation();
    federation.accepted.push(Acceptance {
        rule: "rogue-release".to_owned(),
        project: Some(name("teapot")),
        versions: vec![version(7)],
        files: Vec::new(),
        accounts: Vec::new(),
        approved_by: "ann".to_owned(),
        expires: "2030-01-01".parse().unwrap(),
        reason: "made by hand".to_owned(),
        place: Place { file: "federation.toml".to_owned(), line: 1, column: 1, span: 0..0 },
    });
    let report = judge(&facts, None, &records, &federation);
    assert_eq!(count(&report, "rogue-release"), MANY - 1);
    assert_eq!(report.accepted.len(), 1);
}

/// One file.
struct Table(String);

impl Documents for Table {
    fn root(&self) -> &str {
        "releases.csv"
    }

    fn list(&self, _: &str, _: &str) -> Result<Vec<String>, SourceError> {
        Ok(vec!["releases.csv".to_owned()])
    }

    fn read(&self, _: &str, _: u64) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(Some(self.0.clone().into_bytes()))
    }
}

#[test]
fn rows_of_one_version_that_contradict_each_other() {
    let mut text = "project,version,commit\n".to_owned();
    for number in 0..5 * MANY {
        text.push_str(&format!("teapot,1.0,{number:040}\n"));
    }
    let entry = RecordsEntry {
        kind: "table".to_owned(),
        path: Some("releases.csv".to_owned()),
        url: None,
        project: None,
        settings: BTreeMap::new(),
        place: Place { file: "federation.toml".to_owned(), line: 1, column: 1, span: 0..0 },
    };
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let judge = openpgp::judge(&[], None, now).unwrap();
    let mut records = Records::default();
    let start = Instant::now();
    open::open(&entry, judge.as_ref()).unwrap().read(&Table(text), &mut records).unwrap();
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    assert_eq!(records.projects[&name("teapot")].releases.len(), 5 * MANY);
    // And they are judged.
    judge_one(&records);
}

fn judge_one(records: &Records) {
    let facts = facts(vec![release("1.0", hour(0))]);
    let report = judge(&facts, None, records, &federation());
    assert_eq!(count(&report, "rogue-release"), 0);
}
