use countermark_packaging::digest::Sha256;
use countermark_packaging::project_json;
use countermark_packaging::simple::{self, StatusMarker};

use super::*;

const SHA256: &str = "770e607624d689265ca6c44884d0807d9b054d23c473c106c72be9de08b7376c";

fn name(text: &str) -> ProjectName {
    ProjectName::parse(text).unwrap()
}

/// A page of the simple API in JSON, with versions where they are given.
fn page(project: &str, versions: Option<&[&str]>, files: &[&str]) -> ProjectPage {
    let file = |filename: &&str| {
        format!(
            r#"{{"filename":"{filename}","url":"../../files/x","hashes":{{"sha256":"{SHA256}"}},
                "size":7,"upload-time":"2024-02-03T04:05:06.123456Z","yanked":false}}"#
        )
    };
    let files = files.iter().map(file).collect::<Vec<_>>().join(",");
    let versions = versions.map(|them| format!(r#","versions":{them:?}"#)).unwrap_or_default();
    read(&format!(
        r#"{{"meta":{{"api-version":"1.1","_last-serial":9}},"name":"{project}","files":[{files}]{versions}}}"#
    ))
}

fn read(text: &str) -> ProjectPage {
    let base = "https://index.example/simple/x/".parse().unwrap();
    simple::parse(text.as_bytes(), Some("application/vnd.pypi.simple.v1+json"), &base).unwrap()
}

/// Each release with the names of its files.
fn shape(facts: &ProjectFacts) -> Vec<(&str, Vec<&str>)> {
    facts
        .releases
        .iter()
        .map(|release| {
            let files = release.files.iter().map(|file| file.filename.as_str()).collect();
            (release.version.as_str(), files)
        })
        .collect()
}

#[test]
fn files_become_releases() {
    let listed: &[&str] = &["0.1", "0.1.0", "1.0rc1", "2.0"];
    let files: &[&str] = &[
        "Oslo.Thing-0.1.0.tar.gz",
        "oslo_thing-0.1.0-py3-none-any.whl",
        "oslo.thing-1.0-rc1.tar.gz",
        "oslo_thing-1.0rc1-py3-none-any.whl",
        "oslo.thing-2.0.0.tar.gz",
    ];
    let facts = project_facts(&name("oslo.thing"), &page("Oslo.Thing", Some(listed), files));
    assert_eq!(facts.presence, Presence::Present);
    assert_eq!(facts.shown_name.as_deref(), Some("Oslo.Thing"));
    assert_eq!((facts.last_serial, facts.roles.as_ref()), (Some(9), None));
    let expect: Vec<(&str, Vec<&str>)> = vec![
        ("0.1", vec![]),
        ("0.1.0", files[..2].to_vec()),
        ("1.0rc1", files[2..4].to_vec()),
        ("2.0", files[4..].to_vec()),
    ];
    assert_eq!(shape(&facts), expect);
    assert_eq!(facts.unusable, [] as [&str; 0]);
    let file = &facts.releases[1].files[1];
    assert_eq!(file.kind, FileKind::Wheel);
    assert_eq!((file.size, file.yanked.as_ref()), (Some(7), None));
    assert_eq!(file.sha256, Sha256::parse_hex(SHA256).ok());
    assert_eq!(file.uploaded.unwrap().to_string(), "2024-02-03T04:05:06.123456Z");
}

#[test]
fn without_a_list_the_names_decide() {
    let files = ["x-1.0.tar.gz", "x-1.0.0-py3-none-any.whl", "x-1.0-py3-none-any.whl", "x-v2.zip"];
    let facts = project_facts(&name("x"), &page("x", None, &files));
    let expect = [
        ("1.0", vec!["x-1.0.tar.gz", "x-1.0-py3-none-any.whl"]),
        ("1.0.0", vec!["x-1.0.0-py3-none-any.whl"]),
        ("v2", vec!["x-v2.zip"]),
    ];
    assert_eq!(shape(&facts), expect);
    assert_eq!(facts.unusable, [] as [&str; 0]);
}

#[test]
fn odd_names_find_their_release() {
    use FileKind::{Other, Sdist, Wheel};
    let check = |filename: &str, version: &str, kind: FileKind| {
        let facts = project_facts(&name("a-b"), &page("a-b", None, &[filename]));
        assert_eq!(shape(&facts), [(version, vec![filename])], "{filename}");
        assert_eq!(facts.releases[0].files[0].kind, kind, "{filename}");
        assert_eq!(facts.unusable, [] as [&str; 0], "{filename}");
    };
    check("a_b-1.0-py2.7.egg", "1.0", Other);
    check("a-b-1.0.win32-py2.7.exe", "1.0", Other);
    check("a-b-1.0.win-amd64.msi", "1.0", Other);
    check("A.B-1.0.linux-x86_64.tar.gz", "1.0", Other);
    check("a-b-1.0-1.noarch.rpm", "1.0", Other);
    check("a-b-1.0.tar.bz2", "1.0", Sdist);
    check("a-b-1.0.tgz", "1.0", Sdist);
    check("a-b-1.0-1.tar.gz", "1.0-1", Sdist);
    // Invalid versions are shown as they are.
    check("a-b-2015.x.tar.gz", "2015.x", Sdist);
    check("a-b-1.0-final-2.tar.gz", "1.0-final-2", Sdist);
    check("a_b-2015.x-py3-none-any.whl", "2015.x", Wheel);
    // Files of other projects, under this name.
    check("other-1.2.tar.gz", "1.2", Sdist);
    check("a-b-extras-1.2.tar.gz", "1.2", Sdist);
    check("other-1.2-py3-none-any.whl", "1.2", Wheel);
}

#[test]
fn nothing_is_dropped() {
    let check = |page: &ProjectPage, releases: &[(&str, Vec<&str>)], notes: &[&str]| {
        let facts = project_facts(&name("x"), page);
        assert_eq!(shape(&facts), releases);
        assert_eq!(facts.unusable.len(), notes.len(), "{:?}", facts.unusable);
        for (found, expect) in facts.unusable.iter().zip(notes) {
            assert!(found.contains(expect), "{found}: {expect}");
        }
    };
    let no_version = format!("sha256 {SHA256}, uploaded 2024-02-03T04:05:06.123456Z");
    check(&page("x", None, &["readme.bin"]), &[], &[&no_version]);
    check(&page("x", None, &["x-.tar.gz"]), &[], &["says neither the project nor a version"]);
    check(
        &page("x", Some(&["1.0", "1.0"]), &["x-1.1.zip"]),
        &[("1.0", vec![]), ("1.1", vec!["x-1.1.zip"])],
        &["version `1.0` is listed more than once", "version `1.1`, which the page does not list"],
    );
    check(
        &page("x", None, &["x-1.zip", "x-1.zip"]),
        &[("1", vec!["x-1.zip", "x-1.zip"])],
        &["`x-1.zip` is listed more than once"],
    );
    let file = |fields: &str| {
        read(&format!(
            r#"{{"meta":{{"api-version":"1.1"}},"name":"x","versions":["1"],"files":[{{{fields}}}]}}"#
        ))
    };
    let one = [("1", vec!["x-1.zip"])];
    let good = r#""filename":"x-1.zip","url":"a""#;
    check(&file(&format!(r#"{good},"hashes":{{}}"#)), &one, &["1 of the files have no sha256"]);
    let time = format!(r#"{good},"hashes":{{"sha256":"{SHA256}"}},"upload-time":"\u001b[2Jsoon""#);
    check(&file(&time), &one, &[r"the upload time of `x-1.zip`, `\u{1b}[2Jsoon`, is none"]);
    // What an installer could not use is a file of the release all the same.
    let digest = format!(r#"{good},"hashes":{{"sha256":"12"}}"#);
    check(&file(&digest), &one, &["`x-1.zip` cannot be used: `12` is not a sha256 digest"]);
    let slash = r#""filename":"a/x-1.zip","url":"a","hashes":{}"#;
    check(&file(slash), &[("1", vec![])], &["`a/x-1.zip` cannot be used: the file name is not"]);
}

#[test]
fn a_page_of_another_project_gives_no_facts() {
    let facts = project_facts(&name("heat"), &page("openstack-heat", None, &["heat-1.0.zip"]));
    let reason = "the page is that of `openstack-heat`, not of `heat`".to_owned();
    assert_eq!(facts.presence, Presence::Unread(reason.clone()));
    assert_eq!((facts.releases, facts.unusable), (vec![], vec![reason]));
    let same = project_facts(&name("heat"), &page("Heat", None, &["heat-1.0.zip"]));
    assert_eq!(same.presence, Presence::Present);
}

#[test]
fn a_status_is_kept() {
    let facts = project_facts(
        &name("x"),
        &read(
            r#"{"meta":{"api-version":"1.4"},"name":"x","files":[],
                "project-status":{"status":"quarantined","reason":"stolen"}}"#,
        ),
    );
    assert_eq!(facts.status, StatusMarker::Quarantined);
    assert_eq!(facts.status_reason.as_deref(), Some("stolen"));
}

#[test]
fn roles_come_from_the_document() {
    let with = |document: Result<&str, &str>| {
        let mut facts = project_facts(&name("x"), &page("x", None, &[]));
        let document = document.map(|text| project_json::parse(text.as_bytes()).unwrap());
        add_document(&mut facts, document.as_ref().map_err(|reason| *reason));
        facts
    };
    let facts =
        with(Ok(r#"{"info":{"name":"X"},"last_serial":11,"ownership":{"organization":"acme",
        "roles":[{"role":"owner","user":"Ann"},{"role":"Caretaker","user":"bob"}]}}"#));
    let role = |kind, account: &str| Role { kind, account: account.into() };
    let caretaker = RoleKind::Other("Caretaker".into());
    assert_eq!(facts.roles, Some(vec![role(RoleKind::Owner, "Ann"), role(caretaker, "bob")]));
    assert_eq!(facts.organization.as_deref(), Some("acme"));
    assert_eq!((facts.shown_name.as_deref(), facts.last_serial), (Some("X"), Some(11)));
    assert_eq!(facts.unusable, [] as [&str; 0]);
    let check = |document: Result<&str, &str>, reason: &str| {
        let facts = with(document);
        let expect = format!("who holds roles is not known: {reason}");
        assert_eq!((facts.roles, facts.unusable), (None, vec![expect]), "{document:?}");
    };
    check(Ok("{}"), "the json document has no `ownership`");
    check(Err("status 404"), "status 404");
    let other = r#"{"info":{"name":"y"},"ownership":{"roles":[{"role":"Owner","user":"eve"}]}}"#;
    check(Ok(other), "the json document is that of `y`");
    let nobody = with(Ok(r#"{"ownership":{"roles":[]}}"#));
    assert_eq!((nobody.roles, nobody.unusable), (Some(vec![]), vec![]));
}
