//! Facts against an index that serves provenance, and against indexes that lie.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use countermark_testkit::index::{IndexServer, Scenario, ServedFile};
use countermark_testkit::provenance;
use countermark_testkit::wheel::Wheel;
use serde_json::json;
use sha2::Digest as _;
use url::Url;

use super::*;
use crate::http::{Client, Options, Proxies};
use crate::settings::{Index, Origin, Sources};
use crate::store::Store;

struct Silent;

impl crate::report::Reporter for Silent {
    fn note(&self, _: Note) {}
    fn progress(&self, _: crate::report::Progress<'_>) {}
}

fn name() -> ProjectName {
    ProjectName::parse("tea").unwrap()
}

/// A wheel of a release, with these files besides a module.
fn wheel(version: &str, more: &[(&str, &[u8])]) -> (String, Vec<u8>) {
    let mut wheel =
        Wheel::new("tea", version).file("tea.py", format!("v = '{version}'\n").as_bytes());
    for (path, bytes) in more {
        wheel = wheel.file(path, bytes);
    }
    (wheel.filename(), wheel.build())
}

fn served((filename, bytes): &(String, Vec<u8>), day: &str) -> ServedFile {
    ServedFile::honest(filename, bytes.clone())
        .advertise(|claims| claims.upload_time = Some(format!("{day}T23:30:00Z")))
}

fn file((filename, bytes): &(String, Vec<u8>)) -> FileId {
    FileId { name: filename.clone(), digest: Sha256(sha2::Sha256::digest(bytes).into()) }
}

fn pinned(version: &str, wheel: &(String, Vec<u8>)) -> PinnedFiles {
    PinnedFiles { project: name(), version: version.parse().unwrap(), files: vec![file(wheel)] }
}

const REPOSITORY: &str = "acme/tea";

/// `of_workflow` of the repository that everybody trusts here.
fn attested(wheel: &(String, Vec<u8>)) -> Vec<u8> {
    provenance::of_workflow(REPOSITORY, "release.yml", &wheel.0, &wheel.1)
}

const PUBLISHER: &str = "github:acme/tea/release.yml";

fn gather(
    server: &IndexServer,
    recorded: &Facts,
    after: &PinnedFiles,
    before: Option<&PinnedFiles>,
) -> Gathered {
    let folder = tempfile::tempdir().unwrap();
    let [cache, state] = ["cache", "state"].map(|name| folder.path().join(name));
    let store = Arc::new(Store::open(&cache, &state).unwrap());
    let options = Options { proxies: Proxies::Off, ..Options::default() };
    let http = Arc::new(Client::new(options, Arc::default()));
    let url = Url::parse(&server.simple_url()).unwrap();
    let index = Index { name: None, url, explicit: false, origin: Origin::Default };
    let sources = Sources { indexes: vec![index], ..Sources::default() };
    let index = IndexClient::new(Arc::clone(&http), sources);
    let interrupted = AtomicBool::new(false);
    let sight = Context {
        store: &store,
        http: &http,
        reporter: &Silent,
        interrupted: &interrupted,
        offline: false,
    };
    Gatherer { index: &index, sight, recorded }.files(&[Question { after, before }])
}

/// The only fact.
fn fact(gathered: Gathered) -> FileFact {
    assert_eq!(gathered.notes, []);
    let [fact] = <[FileFact; 1]>::try_from(gathered.files).unwrap();
    fact
}

/// The only note, and that there is no fact.
fn refused(gathered: Gathered) -> Note {
    assert_eq!(gathered.files, []);
    let [note] = <[Note; 1]>::try_from(gathered.notes).unwrap();
    note
}

#[test]
fn a_release_like_the_one_before_adds_nothing() {
    let (old, new) = (wheel("1.0", &[]), wheel("1.1", &[]));
    let server = IndexServer::start(
        Scenario::new()
            .file_with_provenance("tea", served(&old, "2026-01-01"), attested(&old))
            .file_with_provenance("tea", served(&new, "2026-06-01"), attested(&new)),
    );
    let (after, before) = (pinned("1.1", &new), pinned("1.0", &old));
    let found = fact(gather(&server, &Facts::default(), &after, Some(&before)));
    assert_eq!(
        found,
        FileFact {
            project: name(),
            version: "1.1".parse().unwrap(),
            file: file(&new),
            uploaded: Some("2026-06-01".parse().unwrap()),
            publisher: Some(PUBLISHER.to_owned()),
            before: Some(file(&old)),
            publisher_before: Some(PUBLISHER.to_owned()),
            adds: Vec::new(),
        }
    );
}

#[test]
fn names_of_the_files_before_are_found_by_their_digests() {
    let (old, new) = (wheel("1.0", &[]), wheel("1.1", &[]));
    let server = IndexServer::start(
        Scenario::new()
            .file("tea", served(&old, "2026-01-01"))
            .file("tea", served(&new, "2026-06-01")),
    );
    let mut before = pinned("1.0", &old);
    before.files[0].name.clear();
    let found = fact(gather(&server, &Facts::default(), &pinned("1.1", &new), Some(&before)));
    assert_eq!(found.before, Some(file(&old)));
    assert_eq!((found.publisher, found.publisher_before), (None, None));
}

#[test]
fn what_starts_by_itself_is_told() {
    let native = [b"\x7fELF\x02\x01\x01\0", [7; 400].as_slice()].concat();
    let old = wheel("1.0", &[("tea/_old.so", &native)]);
    let new = wheel(
        "1.1",
        &[("tea/_old.so", &native), ("tea/_new.so", &native), ("tea.pth", b"import tea\n")],
    );
    let server = IndexServer::start(
        Scenario::new()
            .file("tea", served(&old, "2026-01-01"))
            .file("tea", served(&new, "2026-06-01")),
    );
    let (after, before) = (pinned("1.1", &new), pinned("1.0", &old));
    let found = fact(gather(&server, &Facts::default(), &after, Some(&before)));
    assert_eq!(found.adds, ["tea.pth", "tea/_new.so"]);
    // Without a file before, all of it is new.
    let found = fact(gather(&server, &Facts::default(), &after, None));
    assert_eq!((found.before, found.publisher_before), (None, None));
    assert_eq!(found.adds, ["tea.pth", "tea/_new.so", "tea/_old.so"]);
}

#[test]
fn an_index_cannot_unsay_who_published_a_file() {
    let (old, new) = (wheel("1.0", &[]), wheel("1.1", &[]));
    let other = json!({ "kind": "GitHub", "repository": "evil/tea", "workflow": "release.yml" });
    let said = provenance::object(&other, &old.0, &old.1);
    let server = IndexServer::start(
        Scenario::new()
            .file_with_provenance("tea", served(&old, "2026-01-01"), said)
            .file_with_provenance("tea", served(&new, "2026-06-01"), attested(&new)),
    );
    let (after, before) = (pinned("1.1", &new), pinned("1.0", &old));
    let found = fact(gather(&server, &Facts::default(), &after, Some(&before)));
    assert_eq!(found.publisher_before.as_deref(), Some("github:evil/tea/release.yml"));
    let recorded = FileFact {
        project: name(),
        version: "1.0".parse().unwrap(),
        file: file(&old),
        uploaded: None,
        publisher: Some(PUBLISHER.to_owned()),
        before: None,
        publisher_before: None,
        adds: Vec::new(),
    };
    let recorded = Facts { roles: Vec::new(), files: vec![recorded] };
    let found = fact(gather(&server, &recorded, &after, Some(&before)));
    assert_eq!(found.publisher_before.as_deref(), Some(PUBLISHER));
}

#[test]
fn an_index_that_speaks_of_other_bytes_says_nothing_of_these() {
    let (old, new, evil) = (wheel("1.0", &[]), wheel("1.1", &[]), wheel("1.1", &[("x.py", b"")]));
    let (after, before) = (pinned("1.1", &new), pinned("1.0", &old));
    let ask = |scenario: Scenario| {
        let server = IndexServer::start(scenario.file("tea", served(&old, "2026-01-01")));
        refused(gather(&server, &Facts::default(), &after, Some(&before)))
    };
    let check = |note: Note, code: &str, expect: &str| {
        assert_eq!(note.code, code, "{}", note.message);
        assert!(note.message.contains(expect), "{}", note.message);
    };
    let base = || Scenario::new();
    // Other bytes under this name.
    let note = ask(base().file("tea", served(&evil, "2026-06-01")));
    check(note, codes::CONTRADICTED, "with another digest than the lock");
    // These bytes under another name.
    let renamed = (new.0.replace("py3", "py2"), new.1.clone());
    let note = ask(base().file("tea", served(&renamed, "2026-06-01")));
    check(note, codes::CONTRADICTED, "lists the bytes of");
    // The claim is right and the bytes are others: nothing of them is looked into.
    let note = ask(base().file("tea", served(&new, "2026-06-01").but_serves(evil.1.clone())));
    check(note, codes::UNKNOWN, "cannot be compared");
    // Provenance of another file, none where some is announced, and none that can be read.
    let of_other = base().file_with_provenance("tea", served(&new, "2026-06-01"), attested(&evil));
    check(ask(of_other), codes::CONTRADICTED, "its attestations are about another file");
    let announced = served(&new, "2026-06-01")
        .advertise(|claims| claims.provenance = Some("../../integrity/none".to_owned()));
    check(ask(base().file("tea", announced)), codes::CONTRADICTED, "does not give it");
    let broken = base().file_with_provenance("tea", served(&new, "2026-06-01"), b"{}".to_vec());
    check(ask(broken), codes::CONTRADICTED, "expected a provenance object");
    // Not listed any more.
    check(ask(base()), codes::UNKNOWN, "does not list");
    check(
        ask(base().file("tea", served(&new, "2026-06-01")).status("tea", "quarantined", None)),
        codes::UNKNOWN,
        "quarantine",
    );
}

#[test]
fn a_file_before_that_nobody_has_leaves_nothing_to_compare() {
    let (old, new) = (wheel("1.0", &[]), wheel("1.1", &[]));
    let server = IndexServer::start(Scenario::new().file("tea", served(&new, "2026-06-01")));
    let (after, before) = (pinned("1.1", &new), pinned("1.0", &old));
    let note = refused(gather(&server, &Facts::default(), &after, Some(&before)));
    assert_eq!(note.code, codes::UNKNOWN);
    assert!(note.message.contains("cannot be compared"), "{}", note.message);
}

#[test]
fn paths_of_an_archive_become_plain_text() {
    assert_eq!(shown("tea/a.pth"), "tea/a.pth");
    assert_eq!(shown("tea/\u{202e}a\n\"b"), "tea/\\u{202e}a\\u{a}\"b");
    assert_eq!(shown(&"x".repeat(300)).chars().count(), LONGEST_PATH + 1);
}

#[test]
fn facts_are_merged_by_digest_and_roles_keep_their_day() {
    let day = |text: &str| text.parse::<Date>().unwrap();
    let said = ["owner bob", "maintainer alice", "owner alice", "organization acme"];
    let said: Vec<String> = said.map(str::to_owned).to_vec();
    let first = roles(&name(), &said, day("2026-01-01"));
    assert_eq!(first.accounts, ["acme", "alice", "bob"]);
    let recorded = Facts { roles: vec![first.clone()], files: Vec::new() };
    let same = merged(&recorded, Vec::new(), vec![roles(&name(), &said, day("2026-02-01"))]);
    assert_eq!(same, recorded);
    let fewer = merged(&recorded, Vec::new(), vec![roles(&name(), &said[..1], day("2026-02-01"))]);
    assert_eq!(fewer.roles[0].accounts, ["bob"]);
    assert_eq!(fewer.roles[0].on, day("2026-02-01"));
    // What is written reads as what it was.
    assert_eq!(Facts::parse("facts.toml", fewer.write().as_bytes()).unwrap(), fewer);
}
