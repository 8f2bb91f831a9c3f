//! What a file says of its release, and from where.

use countermark_testkit::index::ClaimedMetadata;
use countermark_testkit::wheel::{Archive, Member};

use super::*;

/// A `.tar.gz` with these files in one folder.
pub(super) fn sdist(root: &str, files: &[(&str, &str)]) -> Vec<u8> {
    let below = |(name, content): &(&str, &str)| (format!("{root}/{name}"), (*content).to_owned());
    archive(&files.iter().map(below).collect::<Vec<_>>())
}

fn archive(files: &[(String, String)]) -> Vec<u8> {
    let mut archive =
        tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, content.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

fn check(scenario: Scenario, lines: &[&str]) -> Vec<String> {
    let server = IndexServer::start(scenario);
    let requires = requires(&over(&server), "x").unwrap();
    assert_eq!(server.request_lines()[1..], *lines);
    requires
}

fn refused(scenario: Scenario) -> CatalogueError {
    let server = IndexServer::start(scenario);
    requires(&over(&server), "x").unwrap_err()
}

const FILE: &str = "GET /files/x-1.0-py3-none-any.whl";
const BESIDE: &str = "GET /files/x-1.0-py3-none-any.whl.metadata";

#[test]
fn the_cheapest_source_is_asked() {
    let offered = served("x", "1.0").with_metadata(metadata("x", "1.0"));
    assert_eq!(check(Scenario::new().file("x", offered.clone()), &[BESIDE]), ["six>=1"]);
    // There without being offered.
    let silent = offered.clone().advertise(|said| said.core_metadata = ClaimedMetadata::Silent);
    assert_eq!(check(Scenario::new().file("x", silent), &[BESIDE]), ["six>=1"]);
    // Not there: the end of the wheel, which is all of a small one.
    let plain = served("x", "1.0");
    assert_eq!(check(Scenario::new().file("x", plain.clone()), &[BESIDE, FILE]), ["six>=1"]);
    // Offered and not there.
    let gone = ServedFile { metadata: None, ..offered };
    assert_eq!(check(Scenario::new().file("x", gone), &[BESIDE, FILE]), ["six>=1"]);
    // No parts: the question, and the whole file.
    let whole = Scenario::new().file("x", plain).without_ranges();
    assert_eq!(check(whole, &[BESIDE, FILE, FILE]), ["six>=1"]);
}

#[test]
fn metadata_far_from_the_end_is_found_by_parts() {
    // A wheel whose metadata stands first, before more than the parts that are read.
    let mut wheel = wheel("x", "1.0");
    let mut noise = 1_u32;
    let content: Vec<u8> = (0..300_000)
        .map(|_| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (noise >> 24) as u8
        })
        .collect();
    wheel.members.push(Member::file("x/data.bin", &content));
    let mut archive = wheel.archive();
    archive.members.rotate_left(1);
    let bytes = archive.write();
    let size = bytes.len();
    let server =
        IndexServer::start(Scenario::new().file("x", ServedFile::honest(&wheel.filename(), bytes)));
    assert_eq!(requires(&over(&server), "x").unwrap(), ["six>=1"]);
    let requests = server.requests();
    let ranges: Vec<&str> = requests.iter().filter_map(|it| it.header("range")).collect();
    assert!((2..=4).contains(&ranges.len()), "{ranges:?}");
    let asked: u64 = ranges
        .iter()
        .map(|range| match range.strip_prefix("bytes=").unwrap().split_once('-').unwrap() {
            ("", last) => last.parse::<u64>().unwrap(),
            (first, last) => last.parse::<u64>().unwrap() - first.parse::<u64>().unwrap() + 1,
        })
        .sum();
    assert!(asked < size as u64 / 2, "{ranges:?}");
}

#[test]
fn a_host_without_metadata_is_not_asked_for_it_for_ever() {
    let names: Vec<String> = (0..6).map(|number| format!("p{number}")).collect();
    let scenario =
        names.iter().fold(Scenario::new(), |it, name| it.file(name, served(name, "1.0")));
    let server = IndexServer::start(scenario);
    let catalogue = over(&server);
    for name in &names {
        assert_eq!(requires(&catalogue, name).unwrap(), ["six>=1"]);
    }
    let probes = server.request_lines().iter().filter(|it| it.ends_with(".metadata")).count();
    assert_eq!(probes, 3);
}

#[test]
fn metadata_that_is_not_what_was_promised_is_refused() {
    let offered = served("x", "1.0").with_metadata(metadata("x", "1.0"));
    let changed = ServedFile {
        metadata: Some(metadata("x", "1.0").replace("six", "evil").into_bytes()),
        ..offered.clone()
    };
    let (code, class, message) =
        unavailable(Err::<(), _>(refused(Scenario::new().file("x", changed))));
    assert_eq!((code, class), ("false-claim", Class::Rejected));
    assert!(message.contains("`x-1.0-py3-none-any.whl` is not what the index claims"), "{message}");
    assert_eq!(message.matches("sha256:").count(), 2, "{message}");
    // The digest is right, and it is another release's.
    for (name, version, found) in [("y", "1.0", "y 1.0"), ("x", "1.1", "x 1.1")] {
        let other = served("x", "1.0").with_metadata(metadata(name, version));
        let error = refused(Scenario::new().file("x", other));
        assert!(error.to_string().ends_with(&format!("it is that of {found}")), "{error}");
        assert!(error.concerns_one_release());
    }
    // The same of the wheel's own.
    let mut inner = wheel("x", "1.0");
    inner.metadata = Some(metadata("y", "1.0"));
    let bytes = inner.build();
    for scenario in [Scenario::new(), Scenario::new().without_ranges()] {
        let file = ServedFile::honest("x-1.0-py3-none-any.whl", bytes.clone());
        let error = refused(scenario.file("x", file));
        assert!(error.to_string().ends_with("it is that of y 1.0"), "{error}");
    }
    let failing = Behaviour::Status { code: 500, retry_after: None };
    let path = "/files/x-1.0-py3-none-any.whl.metadata";
    let error = refused(Scenario::new().file("x", offered.clone()).on(path, failing));
    assert_eq!(unavailable(Err::<(), _>(error)).0, "http-status");
    let error = refused(Scenario::new().file("x", offered).on(path, Behaviour::Stall));
    assert_eq!(unavailable(Err::<(), _>(error)).0, "timeout");
}

#[test]
fn what_was_not_offered_and_is_nothing_is_passed_over() {
    let path = "/files/x-1.0-py3-none-any.whl.metadata";
    for (content_type, body) in [
        ("text/html", "<html>please log in</html>".to_owned()),
        ("text/plain", metadata("y", "1.0")),
    ] {
        let body = body.into_bytes().into();
        let replaced = Behaviour::Replace { content_type: content_type.into(), body };
        let scenario = Scenario::new().file("x", served("x", "1.0")).on(path, replaced);
        assert_eq!(check(scenario, &[BESIDE, FILE]), ["six>=1"]);
    }
}

#[test]
fn a_whole_file_has_to_be_the_claimed_one() {
    let file = served("x", "1.0").but_serves(wheel("x", "1.0").file("x.py", b"evil").build());
    let error = refused(Scenario::new().file("x", file).without_ranges());
    let (code, class, message) = unavailable(Err::<(), _>(error));
    assert_eq!((code, class), ("false-claim", Class::Rejected));
    assert_eq!(message.matches("sha256:").count(), 2, "{message}");
    let broken = ServedFile::honest("x-1.0-py3-none-any.whl", "no archive");
    for scenario in [Scenario::new(), Scenario::new().without_ranges()] {
        let error = refused(scenario.file("x", broken.clone()));
        assert!(error.to_string().contains("is not a sound archive"), "{error}");
        assert!(error.concerns_one_release());
    }
    let truncated = Behaviour::Truncated { send: 30 };
    let scenario = Scenario::new().file("x", served("x", "1.0")).without_ranges();
    let error = refused(scenario.on("/files/x-1.0-py3-none-any.whl", truncated));
    assert_eq!(unavailable(Err::<(), _>(error)).0, "truncated");
}

#[test]
fn source_distributions_count_where_they_are_static() {
    let good = "Metadata-Version: 2.2\nName: x\nVersion: 1.0\nRequires-Dist: six\n";
    let serve = |bytes: Vec<u8>| ServedFile::honest("x-1.0.tar.gz", bytes);
    let scenario = Scenario::new().file("x", serve(sdist("x-1.0", &[("PKG-INFO", good)])));
    assert_eq!(check(scenario, &["GET /files/x-1.0.tar.gz"]), ["six"]);
    let old = good.replace("2.2", "2.1");
    let project = "[project]\nname = 'x'\nversion = '1.0'\ndependencies = ['seven']\n";
    let both = sdist("x-1.0", &[("PKG-INFO", &old), ("pyproject.toml", project)]);
    let scenario = Scenario::new().file("x", serve(both));
    assert_eq!(check(scenario, &["GET /files/x-1.0.tar.gz"]), ["seven"]);
    let error = refused(Scenario::new().file("x", serve(sdist("x-1.0", &[("PKG-INFO", &old)]))));
    assert!(matches!(error, CatalogueError::NotStatic { .. }), "{error}");
    let two = ["x-1.0/PKG-INFO", "y/PKG-INFO"].map(|path| (path.to_owned(), good.to_owned()));
    let two = archive(&two);
    let error = refused(Scenario::new().file("x", serve(two)));
    assert!(matches!(error, CatalogueError::Metadata { .. }), "{error}");
}

#[test]
fn a_wheel_that_lies_is_refused_by_its_parts() {
    let check = |change: &dyn Fn(&mut Archive), expect: &str| {
        let mut archive = wheel("x", "1.0").file("x.py", b"pass").archive();
        change(&mut archive);
        let file = ServedFile::honest("x-1.0-py3-none-any.whl", archive.write());
        let server = IndexServer::start(Scenario::new().file("x", file));
        let error = requires(&over(&server), "x").unwrap_err();
        assert!(error.to_string().contains(expect), "{error}");
        assert!(error.concerns_one_release(), "{error:?}");
        // The whole file was never asked for.
        let files = server.requests().into_iter().filter(|it| it.path().ends_with(".whl"));
        assert!(files.into_iter().all(|it| it.header("range").is_some()));
    };
    const PATH: &str = "x-1.0.dist-info/METADATA";
    check(&|it| it.member(PATH).local.name = Some(b"y".repeat(PATH.len())), "METADATA");
    check(&|it| it.member(PATH).local.method = Some(0), "method");
    check(&|it| it.member(PATH).data = Some(b"nonsense".to_vec()), "not a sound archive");
    check(&|it| it.member(PATH).name = "x-1.0.dist-info/OTHER".into(), "has no `METADATA`");
    check(
        &|it| it.members.push(Member::file("y-1.0.dist-info/METADATA", b"Name: y\n")),
        "contradicts itself",
    );
    check(&|it| it.members.push(Member::file(PATH, b"Name: y\n")), "not a sound archive");
    check(&|it| it.member(PATH).content = vec![b' '; 5 << 20], "5242880");
}
