use std::collections::BTreeSet;

use countermark_packaging::digest::Digest;
use countermark_packaging::lock::Place;
use countermark_packaging::lock::document::{
    FileEntry, LockDocument, LockFormat, LockPackage, LockSource,
};
use countermark_packaging::name::ProjectName;
use countermark_packaging::simple::StatusMarker;
use countermark_trust::change::Change;
use countermark_trust::policy::{Policy, Section};
use jiff::Timestamp;

use super::evidence::{Evidence, Judged, judge};
use super::*;

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

/// `name version [index] file=digest…`; an index that has no `=`.
fn pin(text: &str) -> Pin {
    let mut words = text.split(' ');
    let project = ProjectName::parse(words.next().unwrap()).unwrap();
    let version = words.next().unwrap();
    let mut pin = Pin {
        project,
        version: (version != "-").then(|| version.parse().unwrap()),
        source: Source::Index(None),
        files: BTreeSet::new(),
        roles: Vec::new(),
    };
    for word in words {
        match word.split_once('=') {
            Some((name, digest)) => {
                let name = (!name.is_empty()).then(|| name.to_owned());
                let digest =
                    if digest.is_empty() { String::new() } else { format!("sha256:{digest}") };
                pin.files.insert(FileId { name, digest });
            }
            None if word.starts_with("direct:") => pin.source = Source::Direct(word.to_owned()),
            None => pin.source = Source::Index(Some(word.to_owned())),
        }
    }
    pin
}

fn pins(texts: &[&str]) -> Vec<Pin> {
    texts.iter().map(|text| pin(text)).collect()
}

#[track_caller]
fn check(before: &[&str], after: &[&str], expect: &[&str]) {
    let found = moves(&pins(before), &pins(after));
    let found: Vec<String> =
        found.iter().map(|it| format!("{}: {}", it.kind.name(), it.describe())).collect();
    assert_eq!(found, expect, "{before:?} {after:?}");
}

#[test]
fn pins_move_in_these_ways() {
    check(&["a 1"], &["a 1"], &[]);
    check(&[], &["a 1"], &["added: a 1 is new"]);
    check(&["a 1"], &[], &["removed: a 1 is not pinned any more"]);
    check(&["a 1"], &["a 2"], &["upgraded: a 1 → 2"]);
    check(&["a 2"], &["a 2rc1"], &["downgraded: a 2 → 2rc1, which is lower"]);
    check(&["a 1.0"], &["a 1"], &[]);
    check(
        &["a 1 w=x"],
        &["a 1 w=x v=y"],
        &["files-changed: a 1 may be installed from other files: 1 more"],
    );
    check(
        &["a 1 w=x v=y"],
        &["a 1 w=x"],
        &["files-changed: a 1 may be installed from other files: 1 fewer"],
    );
    check(
        &["a 1 w=x"],
        &["a 1 w=z"],
        &["replaced: a 1 has a file with other bytes under the same name"],
    );
    check(&["a 1 https://one.example.org/simple"], &["a 1 https://one.example.org/simple/"], &[]);
    check(
        &["a 1 https://one.example.org/"],
        &["a 1 https://two.example.org/"],
        &[
            "source-changed: a 1 comes from https://two.example.org/, not from https://one.example.org/",
        ],
    );
    check(
        &["a 1"],
        &["a 1 direct:x"],
        &["source-changed: a 1 comes from direct:x, not from an index"],
    );
    // A lock without names, or without digests, is held against one that has them.
    check(&["a 1 =x =y"], &["a 1 w=x v=y"], &[]);
    check(&["a 1 w="], &["a 1 w=x"], &[]);
    check(
        &["a 1 =x"],
        &["a 1 w=z"],
        &["files-changed: a 1 may be installed from other files: 1 more, 1 fewer"],
    );
    check(&["a -"], &["a -"], &[]);
}

#[test]
fn several_pins_of_a_project_are_paired() {
    check(&["a 1", "a 2"], &["a 1", "a 3"], &["upgraded: a 2 → 3"]);
    check(&["a 1"], &["a 1", "a 2"], &["added: a 2 is pinned besides"]);
    check(&["a 1", "a 2"], &["a 2"], &["removed: a 1 is not pinned any more"]);
    check(&["a 2", "a 1"], &["a 4", "a 3"], &["upgraded: a 1 → 3", "upgraded: a 2 → 4"]);
    check(&["a 1", "a 1"], &["a 1"], &["removed: a 1 is not pinned any more"]);
    check(
        &["a 1 w=x", "a 1 v=y"],
        &["a 1 w=x", "a 1 v=z"],
        &["replaced: a 1 has a file with other bytes under the same name"],
    );
    check(
        &["b 1", "a 1"],
        &["c 1", "a 2"],
        &["upgraded: a 1 → 2", "removed: b 1 is not pinned any more", "added: c 1 is new"],
    );
}

#[test]
fn a_document_gives_its_pins() {
    let place = Place { file: "l".into(), line: 1, column: 1, span: 0..0 };
    let package = |project: &str, source: LockSource, digests: &[&str]| LockPackage {
        project: ProjectName::parse(project).unwrap(),
        version: Some("1".parse().unwrap()),
        source,
        files: vec![FileEntry {
            name: Some(format!("{project}-1.tar.gz")),
            url: None,
            digests: digests.iter().map(|text| Digest::parse(text).unwrap()).collect(),
            size: None,
            uploaded: None,
            place: place.clone(),
        }],
        marker: None,
        extras: vec![],
        dependencies: vec![],
        groups: vec![],
        place: place.clone(),
    };
    let (md5, sha256) = (format!("md5:{}", "a".repeat(32)), format!("sha256:{}", "b".repeat(64)));
    let own = LockSource::Directory { path: ".".into(), editable: true };
    let vcs = LockSource::Vcs { url: "https://example.org/x".into(), commit: Some("abc".into()) };
    let mut document = LockDocument {
        format: LockFormat::Uv,
        format_version: None,
        file: "l".into(),
        requires_python: None,
        packages: vec![
            package("a", LockSource::Index(None), &[&md5, &sha256]),
            package("own", own, &[]),
            package("v", vcs, &[]),
        ],
        indexes: vec!["https://index.example.org/simple/".into()],
        includes: vec![],
        notes: vec![],
    };
    let found = pins_of_document(&document);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].source, Source::Index(Some("https://index.example.org/simple/".into())));
    assert_eq!(found[0].files.first().map(|it| it.digest.as_str()), Some(sha256.as_str()));
    assert_eq!(found[0].has_source(), Some(true));
    assert_eq!(found[1].source, Source::Direct("https://example.org/x@abc".into()));
    // Of two indexes nobody knows which.
    document.indexes.push("https://other.example.org/simple/".into());
    assert_eq!(pins_of_document(&document)[0].source, Source::Index(None));
}

fn judged(before: &[&str], after: &[&str], evidence: &Evidence) -> Vec<Judged> {
    let text = "[policy]\nminimum-age = '7 days'\nnew-pth = 'refuse'\n";
    let policy = Policy::parse("countermark.toml", text.as_bytes(), Section::File).unwrap();
    judge(moves(&pins(before), &pins(after)), |_| Some(evidence), &policy, now())
}

fn evidence() -> Evidence {
    Evidence {
        uploaded: Some("2026-11-20T12:00:00Z".parse().unwrap()),
        status: Some(StatusMarker::Active),
        change: Some(Change {
            before: Some("1".parse().unwrap()),
            pth: vec!["a-setup.pth".into()],
            sizes: Some((1000, 4000)),
            ..Change::default()
        }),
        ..Evidence::default()
    }
}

#[test]
fn moves_are_judged_and_shown() {
    let judged = judged(&["a 1", "gone 1"], &["a 2"], &evidence());
    assert!(judged[0].is_rejected() && !judged[1].is_rejected());
    assert!(judged[1].lines.is_empty() && judged[1].verdicts.is_empty());
    assert_eq!(
        text::write(&judged),
        "a 1 → 2\n  ! age       uploaded 1 day ago\n  ! size      1.0 kB → 4.0 kB\n    files     the \
         same\n  ! .pth      new: a-setup.pth\n    roles     unknown\n    status    active\n  \
         refused[minimum-age]: a 2 was uploaded 1 day ago; the policy wants 7 days\n    to allow it: \
         { rule = \"minimum-age\", project = \"a\", version = \"2\", because = \"uploaded 1 day \
         ago\", until = 2026-11-27 },\n  refused[new-pth]: a 2 brings new `.pth` files: \
         `a-setup.pth`; 1 had none of them\n    to allow it: { rule = \"new-pth\", project = \"a\", \
         version = \"2\", because = \"new `.pth` files: `a-setup.pth`\", until = 2026-12-21 },\ngone 1 \
         is not pinned any more\n"
    );
    let markdown = markdown::write(&judged);
    assert!(
        markdown.starts_with("| | what moved | look at |\n|---|---|---|\n| ⛔ | a 1 → 2 |"),
        "{markdown}"
    );
    assert!(markdown.contains("\n- refused, `new-pth`: "), "{markdown}");
    let json = json::write(&judged, now());
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["format"], "countermark-moves/1");
    assert_eq!(json["counts"]["rejected"], 1);
    assert_eq!(json["moves"][0]["verdicts"][1]["rule"], "new-pth");
    assert_eq!(json["moves"][1]["kind"], "removed");
}

#[test]
fn what_brings_no_new_bytes_is_not_held_against_the_rules_of_moves() {
    // Fewer files of the same version: nothing new, so that nobody needs to compare.
    let unknown = Evidence { change: None, ..evidence() };
    let found = judged(&["a 1 w=x v=y"], &["a 1 w=x"], &unknown);
    assert!(!found[0].is_undecided());
    let found = judged(&["a 1 w=x"], &["a 1 w=x v=y"], &unknown);
    assert!(found[0].is_undecided());
    // At first use there is nothing to compare with.
    assert!(!judged(&[], &["a 1"], &unknown)[0].is_undecided());
    assert!(judged(&["a 2"], &["a 2", "a 1"], &unknown)[0].is_undecided());
}

#[test]
fn hostile_names_do_nothing() {
    let mut pin = pin("a 2");
    pin.source = Source::Direct("https://example.org/\u{1b}[2J|<img>@everyone\u{202e}".into());
    let moved = moves(&[super::tests::pin("a 2")], &[pin]);
    let judged = judge(moved, |_| None, &Policy::default(), now());
    for text in [text::write(&judged), json::write(&judged, now()), markdown::write(&judged)] {
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    }
    let markdown = markdown::write(&judged);
    assert!(!markdown.contains("<img>"), "{markdown}");
}

#[test]
fn roles_are_held_against_those_of_the_lock() {
    let mut before = pin("a 1");
    let now = ["owner alice".to_owned(), "owner mallory".to_owned()];
    assert_eq!(evidence::roles(&before, Some(&now)), None);
    before.roles = vec!["owner alice".into(), "maintainer bob".into()];
    assert_eq!(evidence::roles(&before, None), None);
    assert_eq!(
        evidence::roles(&before, Some(&now)),
        Some((vec!["owner mallory".into()], vec!["maintainer bob".into()]))
    );
}
