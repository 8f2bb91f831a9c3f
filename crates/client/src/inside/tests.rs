//! Artifacts that say who they are, and what else may come.

use std::io::Write as _;
use std::sync::Arc;

use countermark_audit::fact::{FileKind, IndexFile, IndexRelease, Presence, ProjectFacts};
use countermark_packaging::name::ProjectName;
use countermark_packaging::simple;
use countermark_testkit::index::{IndexServer, Scenario, ServedFile};
use countermark_testkit::wheel::{Archive, Member, Wheel};
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use tar::{EntryType, Header};

mod readers;

use super::*;
use crate::http::{Client, Options, Proxies};

const COMMIT: &str = "1ab2c3d4e5f60718293a4b5c6d7e8f9012345678";
const SDIST: &str = "my-tool-1.0.tar.gz";
const INFO: &[u8] =
    b"Metadata-Version: 1.1\nName: my-tool\nVersion: 1.0\nSummary: x\n\nName: evil\n";

fn pbr(commit: &str) -> Vec<u8> {
    format!(r#"{{"git_version": "{commit}", "is_release": true}}"#).into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A tar archive with these entries, in order.
struct Tar(tar::Builder<Vec<u8>>);

impl Tar {
    fn new() -> Self {
        Self(tar::Builder::new(Vec::new()))
    }

    fn entry(mut self, kind: EntryType, path: &str, content: &[u8]) -> Self {
        let mut header = Header::new_gnu();
        // Written as it is: the library would refuse to make what is tried here.
        let name = &mut header.as_old_mut().name;
        name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_size(content.len() as u64);
        header.set_entry_type(kind);
        header.set_mode(0o644);
        header.set_cksum();
        self.0.append(&header, content).unwrap();
        self
    }

    fn file(self, path: &str, content: &[u8]) -> Self {
        self.entry(EntryType::Regular, path, content)
    }

    fn raw(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }

    fn gz(self) -> Vec<u8> {
        gzip(&self.raw())
    }
}

fn sdist() -> Tar {
    Tar::new()
        .entry(EntryType::Directory, "my-tool-1.0/", b"")
        .file("my-tool-1.0/setup.py", b"raise SystemExit")
        .file("my-tool-1.0/PKG-INFO", INFO)
}

/// What is said, or the code of the fault.
fn check(bytes: &[u8], filename: &str, expect: Result<(&str, &str, Option<&str>), &str>) {
    let look = look_inside(&bytes, filename).unwrap();
    assert_eq!(look.inside.sha256, Some(Sha256(sha2::Sha256::digest(bytes).into())));
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (name, version) = (text(&look.inside.name), text(&look.inside.version));
    let found = match &look.fault {
        None => Ok((name.as_str(), version.as_str(), look.inside.commit.as_deref())),
        Some(fault) => Err(fault.code()),
    };
    assert_eq!(found, expect, "{filename}: {:?}", look.fault);
    assert_eq!(look.inside.commit.is_some(), look.inside.commit_from.is_some());
}

#[test]
fn wheels_say_who_they_are() {
    let mut wheel = Wheel::new("my_tool", "1.0").file("my_tool.py", b"raise SystemExit");
    let name = wheel.filename();
    check(&wheel.build(), &name, Ok(("my_tool", "1.0", None)));
    wheel.more.push(("pbr.json".to_owned(), pbr("1ab2c3d")));
    check(&wheel.build(), &name, Ok(("my_tool", "1.0", Some("1ab2c3d"))));
    let direct =
        format!(r#"{{"url": "x", "vcs_info": {{"vcs": "git", "commit_id": "{COMMIT}"}}}}"#);
    wheel.more.push(("direct_url.json".to_owned(), direct.into_bytes()));
    check(&wheel.build(), &name, Ok(("my_tool", "1.0", Some(COMMIT))));
    let look = look_inside(&wheel.build(), &name).unwrap();
    assert_eq!(look.inside.commit_from.as_deref(), Some("my_tool-1.0.dist-info/direct_url.json"));
    wheel.more[0].1 = pbr("77c0a1b");
    check(&wheel.build(), &name, Err("inside-contradiction"));
    wheel.more[1].1 = b"{}".to_vec();
    check(&wheel.build(), &name, Ok(("my_tool", "1.0", Some("77c0a1b"))));
}

#[test]
fn wheels_with_two_minds_or_none_are_faults() {
    let wheel = Wheel::new("my_tool", "1.0");
    let name = wheel.filename();
    let also = |path: &str| wheel.clone().file(path, INFO).build();
    check(&also("other-1.0.dist-info/METADATA"), &name, Err("inside-contradiction"));
    check(&also("other-1.0.dist-info/top_level.txt"), &name, Ok(("my_tool", "1.0", None)));
    check(&also("vendor/other-1.0.dist-info/METADATA"), &name, Ok(("my_tool", "1.0", None)));
    let silent = Wheel { metadata: None, ..wheel.clone() };
    check(&silent.build(), &name, Err("inside-silent"));
    let mut twice = wheel.archive();
    let again = twice.member("my_tool-1.0.dist-info/METADATA").clone();
    twice.members.push(again);
    check(&twice.write(), &name, Err("inside-not-an-archive"));
    let mut large = wheel.archive();
    large.member("my_tool-1.0.dist-info/METADATA").content = vec![b' '; MAX_SAYING as usize + 1];
    check(&large.write(), &name, Err("inside-not-an-archive"));
    let good = wheel.build();
    for length in 0..good.len() {
        check(&good[..length], &name, Err("inside-not-an-archive"));
    }
}

#[test]
fn source_distributions_say_who_they_are() {
    check(&sdist().gz(), SDIST, Ok(("my-tool", "1.0", None)));
    check(&sdist().gz(), "my-tool-1.0.TGZ", Ok(("my-tool", "1.0", None)));
    for path in
        ["my-tool-1.0/my_tool.egg-info/pbr.json", "my-tool-1.0/src/my_tool.egg-info/pbr.json"]
    {
        let bytes = sdist().file(path, &pbr("1AB2C3D")).gz();
        check(&bytes, SDIST, Ok(("my-tool", "1.0", Some("1ab2c3d"))));
        assert_eq!(look_inside(&bytes, SDIST).unwrap().inside.commit_from.as_deref(), Some(path));
    }
    // Too deep to be the project's own.
    let deep = "my-tool-1.0/tests/data/other.egg-info/pbr.json";
    check(&sdist().file(deep, &pbr("1ab2c3d")).gz(), SDIST, Ok(("my-tool", "1.0", None)));
    // Without one in the root, that of the folder counts; `./` says nothing.
    let inner = Tar::new().file("./my-tool-1.0/my_tool.egg-info/PKG-INFO", INFO).gz();
    check(&inner, SDIST, Ok(("my-tool", "1.0", None)));
    check(&Tar::new().file("my-tool-1.0/setup.py", b"").gz(), SDIST, Err("inside-silent"));
}

#[test]
fn of_several_folders_the_own_one_counts() {
    let own = "my-tool-1.0/My_Tool.egg-info/pbr.json";
    let other = "my-tool-1.0/fixture.egg-info/pbr.json";
    let third = "my-tool-1.0/third.egg-info/pbr.json";
    let both = sdist().file(other, &pbr("77c0a1b")).file(own, &pbr("1ab2c3d")).gz();
    check(&both, SDIST, Ok(("my-tool", "1.0", Some("1ab2c3d"))));
    let strangers = sdist().file(other, &pbr("77c0a1b")).file(third, &pbr("1ab2c3d")).gz();
    check(&strangers, SDIST, Err("inside-contradiction"));
    let outer = sdist()
        .file("my-tool-1.0/tests/my_tool.egg-info/pbr.json", &pbr("77c0a1b"))
        .file(own, &pbr("1ab2c3d"));
    check(&outer.gz(), SDIST, Ok(("my-tool", "1.0", Some("1ab2c3d"))));
    let roots = sdist().file("other-1.0/PKG-INFO", INFO).gz();
    check(&roots, SDIST, Err("inside-contradiction"));
}

#[test]
fn what_readers_of_tar_see_differently_is_refused() {
    let path = "my-tool-1.0/my_tool.egg-info/pbr.json";
    let twice = sdist().file(path, &pbr("1ab2c3d")).file(path, &pbr("1ab2c3d")).gz();
    check(&twice, SDIST, Err("inside-contradiction"));
    for kind in [EntryType::Symlink, EntryType::Link, EntryType::Directory, EntryType::Fifo] {
        let bytes = Tar::new().entry(kind, "my-tool-1.0/PKG-INFO", b"").gz();
        check(&bytes, SDIST, Err("inside-not-an-archive"));
    }
    let up = Tar::new().file("../PKG-INFO", INFO).gz();
    check(&up, SDIST, Err("inside-not-an-archive"));
    let sparse = sdist().entry(EntryType::GNUSparse, "my-tool-1.0/x", b"").gz();
    check(&sparse, SDIST, Err("inside-not-an-archive"));
}

/// A record of an extended header, with its own length in front.
fn record(text: &str) -> Vec<u8> {
    let mut length = text.len() + 3;
    while format!("{length} {text}\n").len() != length {
        length += 1;
    }
    format!("{length} {text}\n").into_bytes()
}

#[test]
fn extended_headers_are_read_with_their_names() {
    let extended = |header: &[u8]| {
        Tar::new().entry(EntryType::XHeader, "PaxHeader", header).file("x", INFO).gz()
    };
    let named = record("path=my-tool-1.0/PKG-INFO");
    check(&extended(&named), SDIST, Ok(("my-tool", "1.0", None)));
    // A value with line feeds does not end the header.
    let odd = [record("comment=\n\nx"), named.clone()].concat();
    check(&extended(&odd), SDIST, Ok(("my-tool", "1.0", None)));
    let times = [record("mtime=1.5"), named.clone()].concat();
    check(&extended(&times), SDIST, Ok(("my-tool", "1.0", None)));
    for bad in [
        [named.clone(), named.clone()].concat(),
        [named.clone(), record("GNU.sparse.major=1")].concat(),
        b"8 path=x\n".to_vec(),
        b"x".to_vec(),
        b"999999 path=x\n".to_vec(),
        b"3 \n".to_vec(),
    ] {
        check(&extended(&bad), SDIST, Err("inside-not-an-archive"));
    }
    let long = Tar::new()
        .entry(EntryType::GNULongName, "././@LongLink", b"my-tool-1.0/PKG-INFO\0")
        .file("x", INFO)
        .gz();
    check(&long, SDIST, Ok(("my-tool", "1.0", None)));
    let global = |header: &[u8]| sdist().entry(EntryType::XGlobalHeader, "g", header).gz();
    check(&global(&record("comment=1ab2c3d")), SDIST, Ok(("my-tool", "1.0", None)));
    check(&global(&named), SDIST, Err("inside-not-an-archive"));
}

#[test]
fn bombs_are_put_out() {
    let zeros = vec![0; 70 << 20];
    let bomb = sdist().file("my-tool-1.0/zeros", &zeros).gz();
    assert!(bomb.len() < 100 << 10);
    check(&bomb, SDIST, Err("inside-limit"));
    let below = sdist().file("my-tool-1.0/zeros", &zeros[..60 << 20]).gz();
    check(&below, SDIST, Ok(("my-tool", "1.0", None)));
    let name = Tar::new().entry(EntryType::GNULongName, "L", &zeros[..=64 << 10]).gz();
    check(&name, SDIST, Err("inside-limit"));
    let large = Tar::new().file("my-tool-1.0/PKG-INFO", &zeros[..=MAX_SAYING as usize]).gz();
    check(&large, SDIST, Err("inside-limit"));
    let deep = "a/".repeat(65);
    check(&sdist().file(&deep[..99], b"").gz(), SDIST, Ok(("my-tool", "1.0", None)));
    let pax = record(&format!("path={deep}x"));
    let deep = sdist().entry(EntryType::XHeader, "p", &pax).file("x", b"").gz();
    check(&deep, SDIST, Err("inside-limit"));
    let many = (0..65).fold(sdist(), |tar, count| {
        tar.file(&format!("my-tool-1.0/{count}.egg-info/pbr.json"), b"{}")
    });
    check(&many.gz(), SDIST, Err("inside-limit"));
    // Nesting is bounded by the reader of JSON.
    let nested = "[".repeat(100_000);
    let nested = format!(r#"{{"git_version": "1ab2c3d", "x": {nested}"#);
    let path = "my-tool-1.0/my_tool.egg-info/pbr.json";
    check(&sdist().file(path, nested.as_bytes()).gz(), SDIST, Err("inside-malformed"));
}

#[test]
fn what_is_cut_off_or_changed_is_noticed() {
    let good = sdist().file("my-tool-1.0/my_tool.egg-info/pbr.json", &pbr("1ab2c3d")).gz();
    for length in 0..good.len() {
        check(&good[..length], SDIST, Err("inside-not-an-archive"));
    }
    let last = good.len() - 6;
    let mut changed = good;
    changed[last] ^= 1;
    check(&changed, SDIST, Err("inside-not-an-archive"));
    check(b"<!DOCTYPE html>", SDIST, Err("inside-not-an-archive"));
    check(b"", SDIST, Err("inside-not-an-archive"));
    let raw = sdist().raw();
    check(&gzip(&raw[..raw.len() - 1500]), SDIST, Err("inside-not-an-archive"));
}

#[test]
fn small_files_that_cannot_be_read_are_faults() {
    let path = "my-tool-1.0/my_tool.egg-info/pbr.json";
    let with = |content: &[u8]| sdist().file(path, content).gz();
    check(&with(b"{}"), SDIST, Ok(("my-tool", "1.0", None)));
    check(&with(br#"{"git_version": ""}"#), SDIST, Ok(("my-tool", "1.0", None)));
    check(&with(br#"{"git_version": null}"#), SDIST, Ok(("my-tool", "1.0", None)));
    for bad in [
        &b"{"[..],
        b"[]x",
        b"\xff",
        br#"{"git_version": 7}"#,
        br#"{"git_version": "1ab2c3"}"#,
        br#"{"git_version": "not a commit"}"#,
        br#"{"git_version": "1ab2c3d", "git_version": "77c0a1b"}"#,
    ] {
        check(&with(bad), SDIST, Err("inside-malformed"));
    }
    let info = |content: &[u8]| Tar::new().file("my-tool-1.0/PKG-INFO", content).gz();
    check(&info(b"Name: a\nname: b\n"), SDIST, Err("inside-contradiction"));
    check(&info(b"Name: a\r\nno field\nNAME: a\nVersion:2\n"), SDIST, Ok(("a", "2", None)));
    check(&info(b"Name: \xff\n"), SDIST, Err("inside-malformed"));
    check(&info(b"Version: 1\x1b[31m\n"), SDIST, Err("inside-malformed"));
    check(&info(format!("Name: {}\n", "a".repeat(256)).as_bytes()), SDIST, Err("inside-malformed"));
    check(&info(b""), SDIST, Ok(("", "", None)));
}

#[test]
fn zipped_sources_and_eggs_are_read() {
    let zip = |members: &[(&str, &[u8])]| {
        let members = members.iter().map(|(name, content)| Member::file(name, content)).collect();
        Archive { members, ..Archive::default() }.write()
    };
    let commit = pbr("1ab2c3d");
    let bytes =
        zip(&[("my-tool-1.0/PKG-INFO", INFO), ("my-tool-1.0/my_tool.egg-info/pbr.json", &commit)]);
    check(&bytes, "my-tool-1.0.zip", Ok(("my-tool", "1.0", Some("1ab2c3d"))));
    check(&bytes, SDIST, Err("inside-not-an-archive"));
    let egg = zip(&[("EGG-INFO/PKG-INFO", INFO), ("EGG-INFO/pbr.json", &commit)]);
    check(&egg, "my_tool-1.0-py2.7.egg", Ok(("my-tool", "1.0", Some("1ab2c3d"))));
    check(&bytes, "my_tool-1.0-py2.7.egg", Err("inside-silent"));
    for other in ["my-tool-1.0.tar.bz2", "my-tool-1.0.exe", "x"] {
        check(b"anything", other, Ok(("", "", None)));
    }
}

#[test]
fn what_the_system_refuses_is_no_fault_of_the_artifact() {
    struct Broken;
    impl ReadAt for Broken {
        fn size(&self) -> io::Result<u64> {
            Ok(100)
        }
        fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<()> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    for filename in [SDIST, "a-1-py3-none-any.whl", "x.exe"] {
        let error = look_inside(&Broken, filename).unwrap_err();
        assert_eq!((error.code(), error.class()), ("inside-unreadable", Class::Unavailable));
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_fail(
        bytes in proptest::collection::vec(any::<u8>(), 0..2000),
        at in any::<prop::sample::Index>(),
        value in any::<u8>(),
    ) {
        let _ = look_inside(&gzip(&bytes), SDIST);
        let mut raw = sdist().file("my-tool-1.0/a.egg-info/pbr.json", &pbr("1ab2c3d")).raw();
        let at = at.index(raw.len());
        raw[at] = value;
        let _ = look_inside(&gzip(&raw), SDIST);
    }
}

fn facts(files: &[(&str, Option<Sha256>)]) -> ProjectFacts {
    let mut facts = ProjectFacts::new(ProjectName::parse("my-tool").unwrap(), Presence::Present);
    let file = |(filename, sha256): &(&str, Option<Sha256>)| IndexFile {
        filename: (*filename).to_owned(),
        kind: FileKind::of(filename),
        size: None,
        uploaded: None,
        sha256: *sha256,
        yanked: None,
        inside: None,
    };
    let files = files.iter().map(file).collect();
    facts.releases.push(IndexRelease { version: "1.0".to_owned(), files });
    facts
}

fn sha256(bytes: &[u8]) -> Sha256 {
    Sha256(sha2::Sha256::digest(bytes).into())
}

#[test]
fn a_folder_is_put_beside_the_facts() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = sdist().gz();
    std::fs::write(folder.path().join(SDIST), &bytes).unwrap();
    std::fs::write(folder.path().join("my_tool-1.0-py3-none-any.whl"), b"no archive").unwrap();
    std::fs::write(folder.path().join("other.txt"), b"").unwrap();
    std::fs::create_dir(folder.path().join("my-tool-1.0.zip")).unwrap();
    let outside = folder.path().parent().unwrap().join("countermark-outside.tar.gz");
    assert!(!outside.exists());
    let mut facts = facts(&[
        (SDIST, None),
        ("my_tool-1.0-py3-none-any.whl", None),
        ("my-tool-1.0.zip", None),
        ("my-tool-0.9.tar.gz", None),
        ("../my-tool-1.0.tar.gz", None),
        ("", None),
    ]);
    let attached = attach(&mut facts, folder.path());
    assert_eq!(attached.looked, 2);
    assert_eq!(attached.faults.len(), 1);
    assert_eq!(attached.faults[0].code(), "inside-not-an-archive");
    let inside: Vec<_> = facts.releases[0].files.iter().map(|file| file.inside.as_ref()).collect();
    assert_eq!(inside[0].unwrap().sha256, Some(sha256(&bytes)));
    assert_eq!(inside[0].unwrap().version.as_deref(), Some("1.0"));
    assert_eq!(inside[1].unwrap().sha256, Some(sha256(b"no archive")));
    assert!(inside[2..].iter().all(Option::is_none));
    assert_eq!(attach(&mut facts, &folder.path().join("missing")).looked, 0);
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn files_of_an_index_are_downloaded_and_compared_before_they_are_looked_into() {
    let (bytes, wheel) = (sdist().gz(), Wheel::new("my_tool", "1.0"));
    let other = Wheel::new("my_tool", "2.0").build();
    let name = wheel.filename();
    let scenario = Scenario::new()
        .file("my-tool", ServedFile::honest(SDIST, bytes.clone()))
        .file("my-tool", ServedFile::honest(&name, wheel.build()).but_serves(other.clone()));
    let server = IndexServer::start(scenario);
    let url = |filename: &str| server.file_url(filename).parse().unwrap();
    let wanted = |filename: &str, sha256: Option<Sha256>| Wanted {
        url: url(filename),
        filename: filename.to_owned(),
        sha256,
        size: None,
    };
    let options = Options { proxies: Proxies::Off, ..Options::default() };
    let client = Client::new(options, Arc::default());
    let files = [
        wanted(SDIST, Some(sha256(&bytes))),
        wanted(&name, Some(sha256(&wheel.build()))),
        wanted("my-tool-3.0.tar.gz", None),
        wanted(&name, None),
    ];
    let found = run(inspect(&client, &files));
    let codes: Vec<_> =
        found.iter().map(|one| one.fault.as_ref().map(InspectError::code)).collect();
    assert_eq!(codes, [None, Some("digest-mismatch"), Some("http-status"), None]);
    let inside: Vec<_> = found.iter().map(|one| one.inside.clone()).collect();
    assert_eq!(inside[0].as_ref().unwrap().name.as_deref(), Some("my-tool"));
    // Only hashed: nobody looks into bytes that were refused.
    let refused = Inside { sha256: Some(sha256(&other)), ..Inside::default() };
    assert_eq!(inside[1], Some(refused));
    assert_eq!(inside[2], None);
    assert_eq!(inside[3].as_ref().unwrap().version.as_deref(), Some("2.0"));
    let short = Wanted { size: Some(3), ..files[0].clone() };
    let found = run(inspect(&client, &[short]));
    assert_eq!(found[0].fault.as_ref().map(InspectError::code), Some("size-mismatch"));
}

#[test]
fn the_page_of_a_project_tells_where_its_files_are() {
    let bytes = sdist().gz();
    let server = IndexServer::start(
        Scenario::new().file("my-tool", ServedFile::honest(SDIST, bytes.clone())),
    );
    let html = format!(r#"<a href="{}">{SDIST}</a>"#, server.file_url(SDIST));
    let base = server.simple_url().parse().unwrap();
    let page = simple::parse(html.as_bytes(), Some("text/html"), &base).unwrap();
    let mut facts = facts(&[(SDIST, Some(sha256(&bytes))), ("my-tool-0.9.tar.gz", None)]);
    let client =
        Client::new(Options { proxies: Proxies::Off, ..Options::default() }, Arc::default());
    let found = run(inspect_project(&client, &page, &mut facts, |_| true));
    let codes: Vec<_> =
        found.iter().map(|one| one.fault.as_ref().map(InspectError::code)).collect();
    assert_eq!(codes, [None, Some("inside-no-url")]);
    let files = &facts.releases[0].files;
    assert_eq!(files[0].inside.as_ref().unwrap().name.as_deref(), Some("my-tool"));
    assert_eq!(files[1].inside, None);
    let found = run(inspect_project(&client, &page, &mut facts, |_| false));
    assert!(found.is_empty());
}
