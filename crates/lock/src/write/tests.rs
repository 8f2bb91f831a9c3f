//! What is written is what was meant: both formats are read back by the readers of the installer.

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::digest::Sha256;
use countermark_packaging::lock::requirements::{FileKind, LoadError, Loaded, Loader, Root};
use countermark_packaging::lock::{Place, Wanted};
use countermark_packaging::marker::{Marker, MarkerEnvironment};
use countermark_packaging::name::{ExtraName, ProjectName};
use countermark_packaging::version::Version;
use countermark_trust::tree::TreeDigest;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::{pylock, recorded, requirements};
use crate::pins::{PinnedFile, PinnedRelease, PinnedSource, Pins};
use crate::resolution::Via;

fn project(text: &str) -> ProjectName {
    ProjectName::parse(text).unwrap()
}

fn file(name: &str, number: u8) -> PinnedFile {
    PinnedFile {
        filename: name.to_owned(),
        url: Some(format!("https://files.example.org/{name}")),
        size: 100 + u64::from(number),
        uploaded: Some("2024-01-02T03:04:05.678901Z".parse().unwrap()),
        sha256: Sha256([number; 32]),
        tree: name.ends_with(".whl").then_some(TreeDigest([number + 1; 32])),
    }
}

fn release(name: &str, version: &str, files: Vec<PinnedFile>) -> PinnedRelease {
    PinnedRelease {
        project: project(name),
        version: version.parse().unwrap(),
        source: PinnedSource::Index("https://index.example.org/simple/".to_owned()),
        extras: BTreeSet::new(),
        marker: None,
        requires_python: None,
        dependencies: Vec::new(),
        via: BTreeSet::new(),
        files,
        roles: Vec::new(),
    }
}

/// One of everything.
fn sample() -> Pins {
    let wheel = |name: &str, version: &str| format!("{name}-{version}-py3-none-any.whl");
    let mut flask =
        release("flask", "3.0", vec![file("flask-3.0.tar.gz", 2), file(&wheel("flask", "3.0"), 1)]);
    flask.extras = [ExtraName::parse("Async").unwrap(), ExtraName::parse("dotenv").unwrap()].into();
    flask.via = [
        Via::Release(project("web")),
        Via::Wish("-r requirements.in".to_owned()),
        Via::Wish("pyproject.toml ([\"x\"])".to_owned()),
    ]
    .into();
    flask.requires_python = Some(">=3.8".parse().unwrap());
    flask.dependencies = vec![
        (project("werkzeug"), "3.1".parse().unwrap()),
        (project("click"), "8.1".parse().unwrap()),
    ];
    flask.roles = vec!["owner bob".to_owned(), "owner alice".to_owned()];
    let mut click = release("click", "8.1", vec![file(&wheel("click", "8.1"), 3)]);
    click.via = [Via::Release(project("flask"))].into();
    click.marker = Some(Marker::parse("sys_platform == 'win32'").unwrap());
    let new = release("werkzeug", "3.1", vec![file(&wheel("werkzeug", "3.1"), 5)]);
    let mut old = release("werkzeug", "3.0", vec![file(&wheel("werkzeug", "3.0"), 7)]);
    old.marker = Some(Marker::parse("python_version < '3.9'").unwrap());
    let mut url = release("by-url", "1", vec![file(&wheel("by_url", "1"), 9)]);
    url.source =
        PinnedSource::Url(format!("https://me:secret@h.example.org/{}", wheel("by_url", "1")));
    url.marker = Some(Marker::parse("os_name == 'posix'").unwrap());
    let mut path = release("local", "1", vec![file(&wheel("local", "1"), 11)]);
    path.source = PinnedSource::Path(format!("wheels/{}", wheel("local", "1")));
    Pins {
        requires_python: Some(">=3.8".parse().unwrap()),
        environments: vec![
            Marker::parse("sys_platform == 'linux'").unwrap(),
            Marker::parse("sys_platform == 'darwin'").unwrap(),
        ],
        extras: vec![ExtraName::parse("dev").unwrap()],
        groups: vec!["test".to_owned(), "docs".to_owned()],
        default_groups: vec!["test".to_owned()],
        releases: vec![flask, click, new, old, url, path],
    }
}

#[test]
fn a_requirements_file() {
    let options = requirements::Options {
        command: Some("countermark lock requirements.in".to_owned()),
        index_url: Some("https://me:secret@index.example.org/simple/".to_owned()),
        extra_index_urls: vec!["https://other.example.org/simple/".to_owned()],
        ..requirements::Options::default()
    };
    insta::assert_snapshot!(requirements::write(&sample(), &options));
    let bare = requirements::Options { annotate: false, ..requirements::Options::default() };
    let text = requirements::write(&sample(), &bare);
    assert!(!text.contains("# via") && !text.contains("--index-url"), "{text}");
}

#[test]
fn a_pylock() {
    let options = pylock::Options {
        command: Some("countermark lock --format pylock".to_owned()),
        ..pylock::Options::default()
    };
    insta::assert_snapshot!(pylock::write(&sample(), &options));
    let bare = pylock::Options { annotate: false, ..pylock::Options::default() };
    assert!(!pylock::write(&sample(), &bare).contains("wanted-by"));
}

#[test]
fn nothing_is_a_lock_too() {
    let text = pylock::write(&Pins::default(), &pylock::Options::default());
    assert!(text.ends_with("created-by = \"countermark\"\npackages = []\n"), "{text}");
    read_pylock(&text, &environment());
}

#[test]
fn what_is_written_holds_no_secret() {
    let text = pylock::write(&sample(), &pylock::Options::default())
        + &requirements::write(&sample(), &requirements::Options::default());
    assert!(text.contains("h.example.org") && !text.contains("secret"), "{text}");
}

#[test]
fn texts_of_others_stay_on_their_line() {
    let mut pins = sample();
    pins.releases[0].via = [Via::Wish("-r a\n-e evil \\".to_owned())].into();
    pins.releases[0].roles = vec!["owner \"\u{7f}\\\n'".to_owned()];
    let command = Some("countermark lock 'a\rb\u{85}' \\".to_owned());
    let options = requirements::Options { command: command.clone(), ..Default::default() };
    let text = requirements::write(&pins, &options);
    assert_eq!(read_requirements(&text, &environment()).len(), 4);
    assert!(!text.contains("\n-e"), "{text}");
    let text = pylock::write(&pins, &pylock::Options { command, annotate: true });
    let flask = recorded::read(&text).into_iter().find(|found| found.project.as_str() == "flask");
    let flask = flask.unwrap();
    assert_eq!(flask.roles, pins.releases[0].roles);
    assert_eq!(flask.wanted_by, ["-r a\n-e evil \\"]);
}

#[test]
fn times_that_the_format_does_not_have_are_left_out() {
    let mut pins = sample();
    pins.releases.truncate(1);
    pins.releases[0].files[0].uploaded = Some("-000001-01-01T00:00:00Z".parse().unwrap());
    let text = pylock::write(&pins, &pylock::Options::default());
    assert_eq!(text.matches("upload-time").count(), 1, "{text}");
}

#[test]
fn of_several_source_archives_the_usual_one_is_kept() {
    let files = ["a-1.zip", "a-1.tar.gz", "a-1.tar.bz2"];
    let files = files.iter().zip(1..).map(|(name, number)| file(name, number)).collect();
    let pins = Pins { releases: vec![release("a", "1", files)], ..Pins::default() };
    let text = pylock::write(&pins, &pylock::Options::default());
    assert!(text.contains("sdist = { name = \"a-1.tar.gz\""), "{text}");
    let text = requirements::write(&pins, &requirements::Options::default());
    assert_eq!(text.matches("--hash=").count(), 3, "{text}");
}

#[test]
fn what_is_recorded_comes_back() {
    let text = pylock::write(&sample(), &pylock::Options::default());
    let recorded = recorded::read(&text);
    let flask = recorded.iter().find(|found| found.project.as_str() == "flask").unwrap();
    assert_eq!(flask.roles, ["owner alice", "owner bob"]);
    assert_eq!(flask.wanted_by, ["-r requirements.in", "pyproject.toml ([\"x\"])"]);
    let expect = [("flask-3.0-py3-none-any.whl".to_owned(), TreeDigest([2; 32]))];
    assert_eq!(flask.trees, BTreeMap::from(expect));
    let newer = text.replace("[tool.countermark]\nversion = 1", "[tool.countermark]\nversion = 2");
    assert_ne!(newer, text);
    assert_eq!(recorded::read(&newer), []);
    assert_eq!(recorded::read("no lock"), []);
}

#[test]
fn a_requirements_file_records_roles_too() {
    let mut pins = sample();
    pins.releases[2].roles = vec!["owner a, b".to_owned(), "\n-e evil".to_owned(), " ".to_owned()];
    // Of two releases of one project each has its own.
    pins.releases[3].roles = vec!["maintainer old".to_owned()];
    for annotate in [true, false] {
        let options = requirements::Options { annotate, ..requirements::Options::default() };
        let text = requirements::write(&pins, &options);
        let recorded = recorded::read(&text);
        let shown: Vec<String> = recorded
            .iter()
            .map(|one| format!("{} {}: {}", one.project, one.version, one.roles.join("; ")))
            .collect();
        let expect = [
            "flask 3.0: owner alice; owner bob",
            "werkzeug 3.0: maintainer old",
            "werkzeug 3.1: owner a\u{fffd} b; \u{fffd}-e evil",
        ];
        assert_eq!(shown, expect, "{text}");
        assert_eq!(read_requirements(&text, &environment()).len(), 4, "{text}");
        // What others wrote, and what stands below no entry, is a comment like any other.
        assert_eq!(recorded::read(&text.replacen("countermark", "somebody", 1)), []);
    }
    let stray = "# This file was made by countermark\n    # roles: owner alice\nflask>=3\n    # roles: owner bob\n";
    assert_eq!(recorded::read(stray), []);
}

/// The interpreter of the tests.
fn environment() -> MarkerEnvironment {
    MarkerEnvironment {
        implementation_name: "cpython".to_owned(),
        implementation_version: "3.12.1".to_owned(),
        os_name: "posix".to_owned(),
        platform_machine: "x86_64".to_owned(),
        platform_python_implementation: "CPython".to_owned(),
        platform_release: "6".to_owned(),
        platform_system: "Linux".to_owned(),
        platform_version: "1".to_owned(),
        python_full_version: "3.12.1".to_owned(),
        python_version: "3.12".to_owned(),
        sys_platform: "linux".to_owned(),
    }
}

struct One<'a>(&'a str);

impl Loader for One<'_> {
    fn load(
        &mut self,
        location: &str,
        _: FileKind,
        _: Option<&Place>,
    ) -> Result<Loaded, LoadError> {
        Ok(Loaded { location: location.to_owned(), text: self.0.as_bytes().to_vec() })
    }
}

fn read_requirements(text: &str, environment: &MarkerEnvironment) -> Vec<Wanted> {
    use countermark_packaging::lock::requirements::read;
    let root = Root { location: "r.txt".to_owned(), kind: FileKind::Requirements };
    let found = read(&[root], &mut One(text), environment, &|_| None);
    found.unwrap_or_else(|errors| panic!("{errors:?}\n{text}")).wanted
}

fn read_pylock(text: &str, environment: &MarkerEnvironment) -> Vec<Wanted> {
    use countermark_packaging::lock::pylock::{Selection, read};
    let found = read("pylock.toml", text.as_bytes(), environment, &Selection::default());
    found.unwrap_or_else(|errors| panic!("{errors:?}\n{text}")).wanted
}

/// What both readers have to find: name, version, digests.
type Found = BTreeMap<ProjectName, (Version, BTreeSet<String>)>;

fn expected(pins: &Pins, environment: &MarkerEnvironment) -> Found {
    let holds = |release: &&PinnedRelease| {
        let marker = release.marker.as_ref();
        marker.is_none_or(|marker| marker.evaluate(environment, &[]).unwrap())
    };
    let digests = |release: &PinnedRelease| {
        release.files.iter().map(|file| format!("sha256:{}", file.sha256.hex())).collect()
    };
    let releases = pins.releases.iter().filter(holds);
    releases
        .map(|release| (release.project.clone(), (release.version.clone(), digests(release))))
        .collect()
}

fn found(wanted: &[Wanted]) -> Found {
    wanted
        .iter()
        .map(|wanted| {
            let of_files = wanted.files.iter().flat_map(|file| &file.digests);
            let digests = wanted.digests.iter().chain(of_files).map(ToString::to_string).collect();
            (wanted.project.clone(), (wanted.version().unwrap().clone(), digests))
        })
        .collect()
}

/// Two markers that are never true together: what a lock for several targets has.
const MARKERS: [(&str, &str); 3] = [
    ("sys_platform == 'linux'", "sys_platform != 'linux'"),
    ("python_version < '3.10' or os_name == 'nt'", "python_version >= '3.10' and os_name != 'nt'"),
    ("platform_machine == 'x86_64'", "platform_machine == 'aarch64'"),
];

fn any_release(name: String, split: bool) -> impl Strategy<Value = Vec<PinnedRelease>> {
    let versions = vec!["1.0", "2.1rc1", "1!3.post1", "2024.5+local.1", "0.9"];
    let parts = (
        subsequence(versions, if split { 2 } else { 1 }),
        select(&MARKERS[..]),
        btree_map("[a-z]{3}", any::<u8>(), 1..5),
        btree_set(select(vec!["a", "b-c"]), 0..3),
        btree_set(select(vec!["-r a.in", "the command line"]), 0..3),
        option::of(select(vec!["https://x.example.org/simple/", "http://localhost:1/"])),
        vec("[ -~]{0,20}", 0..3),
    );
    parts.prop_map(move |(versions, markers, files, extras, via, index, roles)| {
        let markers = [markers.0, markers.1];
        let make = |(number, version): (usize, &&str)| {
            let file_name = name.replace('-', "_");
            let version: Version = version.parse().unwrap();
            let mut pinned: Vec<PinnedFile> = files
                .iter()
                .map(|(tag, byte)| {
                    let mut file =
                        file(&format!("{file_name}-{version}-py3-none-{tag}.whl"), *byte % 200);
                    // Two files of one release are never the same bytes under one digest.
                    file.sha256.0[..3].copy_from_slice(tag.as_bytes());
                    file
                })
                .collect();
            pinned.push(file(&format!("{file_name}-{version}.tar.gz"), 250));
            let mut release = release(&name, &version.to_string(), pinned);
            release.extras = extras.iter().map(|text| ExtraName::parse(text).unwrap()).collect();
            release.via = via.iter().map(|text| Via::Wish((*text).to_owned())).collect();
            release.marker = split.then(|| Marker::parse(markers[number]).unwrap());
            release.roles.clone_from(&roles);
            if let Some(index) = index {
                release.source = PinnedSource::Index(index.to_owned());
            }
            release
        };
        versions.iter().enumerate().map(make).collect()
    })
}

prop_compose! {
    fn any_pins()(names in btree_map("[a-z][a-z0-9]{0,5}(-[a-z]{1,3})?", any::<bool>(), 1..8))(
        releases in names.into_iter().map(|(name, split)| any_release(name, split)).collect::<Vec<_>>(),
        environments in btree_set(select(vec!["sys_platform == 'linux'", "os_name == 'posix'"]), 0..3),
    ) -> Pins {
        Pins {
            environments: environments.iter().map(|text| Marker::parse(text).unwrap()).collect(),
            releases: releases.into_iter().flatten().collect(),
            ..Pins::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn both_formats_say_the_same_pins(pins in any_pins()) {
        let environment = environment();
        let expected = expected(&pins, &environment);
        let text = requirements::write(&pins, &requirements::Options::default());
        prop_assert_eq!(&found(&read_requirements(&text, &environment)), &expected);
        let text = pylock::write(&pins, &pylock::Options::default());
        prop_assert_eq!(&found(&read_pylock(&text, &environment)), &expected);
        let recorded = recorded::read(&text);
        for release in &pins.releases {
            let of = |found: &&recorded::Recorded| {
                (&found.project, &found.version) == (&release.project, &release.version)
            };
            let trees = recorded.iter().find(of).map(|found| found.trees.len());
            let expected = release.files.iter().filter(|file| file.tree.is_some()).count();
            prop_assert_eq!(trees, Some(expected));
        }
    }

    #[test]
    fn the_order_of_pins_makes_no_difference(pins in any_pins(), seed in any::<u64>()) {
        let mut shuffled = pins.clone();
        let length = shuffled.releases.len() as u64;
        shuffled.releases.sort_by_cached_key(|release| {
            let text = format!("{}{}", release.project, release.version);
            text.bytes().fold(seed, |sum, byte| sum.rotate_left(7) ^ (u64::from(byte) * length))
        });
        shuffled.environments.reverse();
        for release in &mut shuffled.releases {
            release.files.reverse();
            release.roles.reverse();
            release.dependencies.reverse();
        }
        let options = requirements::Options::default();
        prop_assert_eq!(requirements::write(&pins, &options), requirements::write(&shuffled, &options));
        let options = pylock::Options::default();
        prop_assert_eq!(pylock::write(&pins, &options), pylock::write(&shuffled, &options));
    }
}
