use crate::source::memory::{Memory, entry, problems, read, release, releases};

use super::*;

const GITHUB: &str = r#"[
  {"tag_name": "v1.0", "draft": false, "prerelease": false, "target_commitish": "main",
   "created_at": "2020-01-01T00:00:00Z", "published_at": "2020-01-02T00:00:00Z",
   "html_url": "https://forge.example.org/tower/lamp/releases/tag/v1.0",
   "assets": [
     {"name": "lamp-1.0.tar.gz", "size": 7, "state": "uploaded", "digest": "sha256:DIGEST"},
     {"name": "lamp-1.0-py3-none-any.whl", "size": 8, "state": "uploaded", "digest": null},
     {"name": "bell-1.0.tar.gz", "size": 8, "state": "uploaded"},
     {"name": "lamp-1.0.zip", "size": 0, "state": "starter"},
     {"name": "notes.txt", "size": 9, "state": "uploaded"}]},
  {"tag_name": "v2.0", "draft": true, "prerelease": false, "assets": []},
  {"tag_name": "v3.0rc1", "draft": false, "prerelease": true, "created_at": "2021-01-01T00:00:00Z",
   "target_commitish": "cccccccccccccccccccccccccccccccccccccccc", "published_at": null,
   "html_url": "https://forge.example.org/tower/lamp/releases/tag/v3.0rc1", "assets": []},
  {"tag_name": "nightly", "draft": false, "prerelease": false, "assets": [],
   "html_url": "https://forge.example.org/tower/lamp/releases/tag/nightly"}
]"#;

const GITLAB: &str = r#"{"tag_name": "1.0", "created_at": "2020-01-01T00:00:00.000Z",
  "released_at": "2020-01-03T00:00:00.000+01:00", "upcoming_release": false,
  "commit": {"id": "dddddddddddddddddddddddddddddddddddddddd"},
  "_links": {"self": "https://lab.example.org/tower/lamp/-/releases/1.0"},
  "assets": {"count": 3, "sources": [{"format": "zip", "url": "https://lab.example.org/x.zip"}],
    "links": [
      {"name": "the sdist", "url": "https://files.example.org/lamp-1.0.tar.gz?x=1"},
      {"name": "lamp-1.0-py3-none-any.whl", "url": "https://files.example.org/5"},
      {"name": "manual", "url": "https://files.example.org/manual.pdf"}]}}"#;

fn github() -> String {
    GITHUB.replace("DIGEST", &"a".repeat(64))
}

fn saved(text: impl Into<Vec<u8>>) -> Memory {
    Memory::default().file("releases.json", text)
}

fn at(settings: &[(&str, &str)]) -> crate::federation::RecordsEntry {
    entry("forge", &[&[("path", "releases.json")], settings].concat())
}

#[test]
fn releases_of_github() {
    let records = read(&at(&[]), &saved(github())).unwrap();
    assert_eq!(releases(&records), ["lamp v1.0", "lamp v3.0rc1"]);
    let first = release(&records, "lamp", "v1.0");
    assert_eq!(first.approved, Some("2020-01-02T00:00:00Z".parse().unwrap()));
    assert_eq!((first.commit, first.repository.as_deref()), (None, Some("tower/lamp")));
    let [sdist, wheel] = &first.files[..] else { panic!("two files") };
    assert_eq!((&*sdist.filename, sdist.size), ("lamp-1.0.tar.gz", Some(7)));
    assert_eq!(sdist.sha256.unwrap().hex(), "a".repeat(64));
    assert_eq!((&*wheel.filename, wheel.sha256), ("lamp-1.0-py3-none-any.whl", None));
    let second = release(&records, "lamp", "v3.0rc1");
    assert_eq!(second.commit, Commit::parse(&"c".repeat(40)));
    assert_eq!(second.approved, Some("2021-01-01T00:00:00Z".parse().unwrap()));
    assert_eq!(
        records.assumptions[..4],
        [
            "releases without files in releases.json are of `lamp`, as the repository is named",
            "drafts in releases.json, which are no releases (1): `v2.0`",
            "releases in releases.json whose tags are no versions, left out (1): `nightly`",
            "assets in releases.json that are no wheel or sdist of their project, left out (2): \
             `bell-1.0.tar.gz`, `notes.txt`",
        ]
    );
    assert_eq!(problems(&records), [""; 0]);
}

#[test]
fn releases_of_gitlab() {
    let records = read(&at(&[]), &saved(GITLAB)).unwrap();
    assert_eq!(releases(&records), ["lamp 1.0"]);
    let found = release(&records, "lamp", "1.0");
    assert_eq!(found.commit, Commit::parse(&"d".repeat(40)));
    assert_eq!(found.approved, Some("2020-01-02T23:00:00Z".parse().unwrap()));
    assert_eq!(found.repository.as_deref(), Some("tower/lamp"));
    let names: Vec<&str> = found.files.iter().map(|file| &*file.filename).collect();
    assert_eq!(names, ["lamp-1.0.tar.gz", "lamp-1.0-py3-none-any.whl"]);
    let coming = GITLAB.replace("\"upcoming_release\": false", "\"upcoming_release\": true");
    let records = read(&at(&[]), &saved(coming)).unwrap();
    assert_eq!(releases(&records), [""; 0]);
}

#[test]
fn pages_in_every_form() {
    let other = GITLAB.replace("1.0", "2.0");
    let check = |memory: &Memory| {
        let records = read(&at(&[]), memory).unwrap();
        assert_eq!(releases(&records), ["lamp 1.0", "lamp 2.0"]);
        assert_eq!(problems(&records), [""; 0]);
    };
    check(&saved(format!("[{GITLAB},{other}]")));
    check(&saved(format!("[{GITLAB}]\n[{other}]")));
    check(&saved(format!("[[{GITLAB}],[{other}]]")));
    check(&saved(format!("\u{feff}{GITLAB}\n{other}")));
    check(&Memory::default().file("page1.json", GITLAB).file("page2.json", other));
}

#[test]
fn settings_choose() {
    let found = |settings| releases(&read(&at(settings), &saved(github())).unwrap());
    assert_eq!(found(&[("prefix", "v")]), ["lamp 1.0", "lamp 3.0rc1"]);
    assert_eq!(found(&[("prefix", "lamp-")]), [""; 0]);
    assert_eq!(found(&[("prereleases", "no")]), ["lamp v1.0"]);
    assert_eq!(found(&[("project", "bell")]), ["bell v1.0", "bell v3.0rc1"]);
    let records =
        read(&at(&[("project", "bell"), ("repository", "a/b")]), &saved(github())).unwrap();
    let bell = release(&records, "bell", "v1.0");
    assert_eq!(bell.repository.as_deref(), Some("a/b"));
    assert_eq!(bell.files.len(), 1);
}

#[test]
fn what_cannot_be_used_is_said() {
    let check = |text: String, kept: usize, expect: &str| {
        let records = read(&at(&[]), &saved(text)).unwrap();
        assert_eq!(problems(&records), [expect]);
        assert_eq!(records.projects.values().map(|it| it.releases.len()).sum::<usize>(), kept);
    };
    let with = |from: &str, to: &str| format!("[{GITLAB},{}]", GITLAB.replace(from, to));
    check(with("tag_name", "tagname"), 1, "releases.json: release 2: it has no `tag_name`");
    check(
        with("2020-01-03T00:00:00.000+01:00", "soon"),
        1,
        "releases.json: release 2: `soon` of `1.0` is no time",
    );
    check(
        format!("[{GITLAB}, 7]"),
        1,
        "releases.json: release 2: expected an object, found a number",
    );
    check(
        format!("[{GITLAB}, {{\"message\": \"Not Found\"}}]"),
        1,
        "releases.json: release 2: the forge answered with an error: Not Found",
    );
    check(
        format!("{GITLAB}\n{{\"tag_name\""),
        1,
        "releases.json:10:11: the rest is not read: it is no JSON: EOF while parsing an object",
    );
    check(
        github().replace("sha256:", "sha256:x"),
        2,
        "releases.json: the digest of `lamp-1.0.tar.gz` cannot be used: a digest in hexadecimal cannot contain 'x'",
    );
    check(
        "[{\"tag_name\": \"1.0\", \"assets\": []}]".into(),
        0,
        "releases.json: release 1: the project of `1.0` is not known; the entry can name it with \
         `project`",
    );
}

#[test]
fn a_file_of_which_nothing_can_be_used_is_an_error() {
    let refused = |text: &str| read(&at(&[]), &saved(text)).unwrap_err();
    assert_eq!(refused(""), "could not read releases.json:1:1: the file is empty");
    assert!(
        refused("<html>").starts_with("could not read releases.json:1:1: it is no JSON: expected")
    );
    let none = read(&entry("forge", &[("path", "x")]), &Memory::default().file("a.txt", ""));
    assert_eq!(none.unwrap_err(), "x is not a `.json` file, nor a folder with some");
}
