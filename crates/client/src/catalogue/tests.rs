//! The catalogue against the index that can lie.

mod files;
mod kept;
mod urls;

use std::collections::BTreeSet;

use countermark_lock::catalogue::Files;
use countermark_testkit::index::{Behaviour, Format, IndexServer, Scenario, ServedFile};
use countermark_testkit::wheel::Wheel;
use countermark_trust::Class;

use super::*;
use crate::http::{Client, Options, Proxies, Retries, Timeouts};
use crate::settings::{Binding, FindLinks, Index, LinksPlace, NamePattern, Origin, Sources};

const NOW: &str = "2026-05-01T12:00:00Z";

fn project(name: &str) -> ProjectName {
    ProjectName::parse(name).unwrap()
}

fn index(name: &str, server: &IndexServer) -> Index {
    let url = ::url::Url::parse(&server.simple_url()).unwrap();
    Index { name: Some(name.into()), url, explicit: false, origin: Origin::Default }
}

fn sources(servers: &[(&str, &IndexServer)]) -> Sources {
    let indexes = servers.iter().map(|(name, server)| index(name, server)).collect();
    Sources { indexes, ..Sources::default() }
}

fn client() -> Arc<Client> {
    let retries = Retries { count: 0, ..Retries::default() };
    // Only an index that never answers takes so long.
    let timeouts = Timeouts { idle: Duration::from_millis(300), ..Timeouts::default() };
    let options = Options { proxies: Proxies::Off, retries, timeouts, ..Options::default() };
    Arc::new(Client::new(options, Arc::default()))
}

fn options() -> CatalogueOptions {
    CatalogueOptions::new(NOW.parse().unwrap())
}

fn catalogue(sources: Sources, folder: Option<&Path>, options: CatalogueOptions) -> IndexCatalogue {
    let http = client();
    let index = Arc::new(IndexClient::new(Arc::clone(&http), sources));
    IndexCatalogue::new(http, index, folder, options)
}

fn over(server: &IndexServer) -> IndexCatalogue {
    catalogue(sources(&[("it", server)]), None, options())
}

fn wheel(name: &str, version: &str) -> Wheel {
    Wheel::new(name, version).requires("six>=1")
}

fn served(name: &str, version: &str) -> ServedFile {
    let wheel = wheel(name, version);
    ServedFile::honest(&wheel.filename(), wheel.build())
}

fn metadata(name: &str, version: &str) -> String {
    wheel(name, version).metadata.unwrap()
}

fn only_file(catalogue: &IndexCatalogue, name: &str) -> (Version, ReleaseFile) {
    let releases = catalogue.releases(&project(name)).unwrap();
    let (version, release) = releases.versions.iter().next_back().unwrap();
    (version.clone(), release.files[0].clone())
}

fn requires(catalogue: &IndexCatalogue, name: &str) -> Result<Vec<String>, CatalogueError> {
    let (version, file) = only_file(catalogue, name);
    let requires = catalogue.requires(&project(name), &version, &file)?;
    Ok(requires.requires_dist.iter().map(ToString::to_string).collect())
}

/// Code and class of an error that ends a resolution.
fn unavailable<T>(answer: Result<T, CatalogueError>) -> (&'static str, Class, String) {
    match answer {
        Err(CatalogueError::Unavailable { code, class, message, .. }) => (code, class, message),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it is there"),
    }
}

fn names(releases: &Releases) -> Vec<String> {
    let files = releases.versions.values().flat_map(|release| &release.files);
    files.map(|file| file.filename.as_str().to_owned()).collect()
}

#[test]
fn a_page_in_either_form() {
    for format in [Format::Json, Format::Html, Format::Negotiated] {
        let odd = ServedFile::honest("x-1.0.egg", "egg");
        let other = ServedFile::honest("y-1.0-py3-none-any.whl", "another project's");
        let sdist = ServedFile::honest("x-1.0.tar.gz", "sdist").advertise(|said| {
            said.yanked = Some("broken".into());
            said.requires_python = Some(">=3.8, oops".into());
        });
        let scenario = Scenario::new()
            .file(
                "x",
                served("x", "1.0").advertise(|said| {
                    said.upload_time = Some("2026-04-01T00:00:00Z".into());
                    said.requires_python = Some(">=3.9".into());
                }),
            )
            .file("x", sdist)
            .file("x", served("x", "0.9"))
            .file("x", odd)
            .file("x", other)
            .format(format);
        let server = IndexServer::start(scenario);
        let catalogue = over(&server);
        let releases = catalogue.releases(&project("X")).unwrap();
        assert!(releases.index.starts_with("it (http://127.0.0.1"), "{}", releases.index);
        let expect = ["x-0.9-py3-none-any.whl", "x-1.0-py3-none-any.whl", "x-1.0.tar.gz"];
        assert_eq!(names(&releases), expect);
        assert_eq!(releases.unusable, ["x-1.0.egg", "y-1.0-py3-none-any.whl"]);
        let one = &releases.versions[&"1.0".parse().unwrap()].files;
        assert_eq!(one[0].requires_python.as_ref().unwrap().to_string(), ">=3.9");
        assert_eq!(one[0].url, server.file_url(expect[1]));
        assert_eq!((one[1].yanked.as_deref(), &one[1].requires_python), (Some("broken"), &None));
        let asked = match format {
            Format::Html => {
                assert_eq!((one[0].uploaded, one[0].size), (None, None));
                // Once more for JSON, and never again at this index.
                let _ = catalogue.releases(&project("nobody"));
                3
            }
            _ => {
                assert_eq!(one[0].uploaded.unwrap().to_string(), "2026-04-01T00:00:00Z");
                assert!(one[0].size.is_some());
                1
            }
        };
        assert_eq!(server.requests().len(), asked, "{:?}", server.request_lines());
    }
}

#[test]
fn html_in_answer_to_json_once_is_asked_for_again() {
    let html = "<html><a href='/files/x-1.0-py3-none-any.whl'>x</a>";
    let replaced =
        Behaviour::Replace { content_type: "text/html".into(), body: html.as_bytes().into() };
    let scenario = Scenario::new().file("x", served("x", "1.0"));
    let server = IndexServer::start(scenario.on_first(1, "/simple/x/", replaced));
    let (_, file) = only_file(&over(&server), "x");
    assert!(file.size.is_some() && !file.digests.is_empty());
    assert_eq!(server.request_lines(), ["GET /simple/x/", "GET /simple/x/"]);
}

#[test]
fn each_question_is_asked_once() {
    let scenario = Scenario::new()
        .file("x", served("x", "1.0").with_metadata(metadata("x", "1.0")))
        .file("y", served("y", "2.0").with_metadata(metadata("y", "2.0")));
    let server = IndexServer::start(scenario);
    let catalogue = over(&server);
    catalogue.expect(&[project("x"), project("y"), project("x")]);
    for _ in 0..3 {
        for name in ["x", "y"] {
            let (version, file) = only_file(&catalogue, name);
            catalogue.expect_requires(&project(name), &version, &file);
            assert_eq!(requires(&catalogue, name).unwrap(), ["six>=1"]);
        }
        assert!(matches!(
            catalogue.releases(&project("absent")),
            Err(CatalogueError::Absent { .. })
        ));
    }
    let mut lines = server.request_lines();
    lines.sort();
    let expect = [
        "GET /files/x-1.0-py3-none-any.whl.metadata",
        "GET /files/y-2.0-py3-none-any.whl.metadata",
        "GET /simple/absent/",
        "GET /simple/x/",
        "GET /simple/y/",
    ];
    assert_eq!(lines, expect);
    let reading = catalogue.reading();
    assert_eq!((reading.projects, reading.releases, reading.requests), (3, 2, 3));
}

#[test]
fn the_first_index_that_has_the_name_wins_and_later_ones_do_not_hear_of_it() {
    let private = IndexServer::start(Scenario::new().file("x", served("x", "1.0")));
    let public = IndexServer::start(
        Scenario::new().file("x", served("x", "9.0")).file("y", served("y", "1.0")),
    );
    let catalogue =
        catalogue(sources(&[("private", &private), ("public", &public)]), None, options());
    assert_eq!(names(&catalogue.releases(&project("x")).unwrap()), ["x-1.0-py3-none-any.whl"]);
    assert_eq!(public.requests().len(), 0);
    assert_eq!(names(&catalogue.releases(&project("y")).unwrap()), ["y-1.0-py3-none-any.whl"]);
    let absent = catalogue.releases(&project("z")).unwrap_err().to_string();
    assert!(absent.starts_with("`z` is not on private (http"), "{absent}");
    assert!(absent.contains(", public (http"), "{absent}");
    // Others are told of a name only when that is asked for.
    let also = catalogue.also_on(&project("x")).unwrap();
    assert_eq!(also, [index("public", &public).to_string()]);
    assert_eq!(catalogue.also_on(&project("y")).unwrap(), Vec::<String>::new());
    assert_eq!(catalogue.also_on(&project("z")).unwrap(), Vec::<String>::new());
    let of_x = |line: &&String| line.contains("/x/");
    assert_eq!(private.request_lines().iter().filter(of_x).count(), 1);
    assert_eq!(public.request_lines().iter().filter(of_x).count(), 1);
}

#[test]
fn an_outage_does_not_open_the_next_index() {
    let status = |code| Behaviour::Status { code, retry_after: None };
    let check = |behaviour: Behaviour, code: &str| {
        let scenario = Scenario::new().file("x", served("x", "1.0"));
        let private = IndexServer::start(scenario.clone().on("/simple/x/", behaviour));
        let public = IndexServer::start(scenario);
        let catalogue =
            catalogue(sources(&[("private", &private), ("public", &public)]), None, options());
        let (found, class, message) = unavailable(catalogue.releases(&project("x")));
        assert_eq!((found, class), (code, Class::Unavailable), "{message}");
        assert!(unavailable(catalogue.also_on(&project("x"))).0 == code);
        assert_eq!(public.requests().len(), 0);
    };
    check(status(503), "http-status");
    check(status(403), "http-status");
    check(Behaviour::Drop, "unreachable");
    check(Behaviour::Truncated { send: 10 }, "truncated");
    check(Behaviour::Stall, "timeout");
    let page = |content_type: &str, body: &str| Behaviour::Replace {
        content_type: content_type.into(),
        body: body.as_bytes().to_vec().into(),
    };
    check(page("application/json", "{\"meta\": {\"api-version\": \"1.0\"}, \"files\""), "bad-page");
    check(page("image/png", "x"), "bad-page");
    let other = "{\"meta\": {\"api-version\": \"1.0\"}, \"name\": \"y\", \"files\": []}";
    check(page("application/json", other), "other-project");
}

#[test]
fn bound_names_and_links() {
    let private = IndexServer::start(Scenario::new().file("x", served("x", "1.0")));
    let public = IndexServer::start(
        Scenario::new().file("x", served("x", "9.0")).file("y", served("y", "1.0")),
    );
    let folder = tempfile::tempdir().unwrap();
    for (name, version) in [("x", "3.0"), ("y", "1.0"), ("y", "2.0")] {
        let wheel = wheel(name, version);
        std::fs::write(folder.path().join(wheel.filename()), wheel.build()).unwrap();
    }
    let place = LinksPlace::Path(folder.path().to_owned());
    let bound = Binding {
        names: NamePattern::parse("x").unwrap(),
        index: Index { explicit: true, ..index("private", &private) },
        origin: Origin::Default,
    };
    let sources = Sources {
        bindings: vec![bound],
        find_links: vec![FindLinks { place, origin: Origin::Default }],
        ..sources(&[("public", &public)])
    };
    let catalogue = catalogue(sources, None, options());
    let x = catalogue.releases(&project("x")).unwrap();
    assert_eq!((names(&x), public.requests().len()), (vec!["x-1.0-py3-none-any.whl".into()], 0));
    assert_eq!(catalogue.also_on(&project("x")).unwrap(), Vec::<String>::new());
    assert_eq!(public.requests().len(), 0);
    // What the user has comes before what the index has.
    let y = catalogue.releases(&project("y")).unwrap();
    assert!(y.index.starts_with("public "), "{}", y.index);
    let one: Vec<&str> =
        y.versions[&"1.0".parse().unwrap()].files.iter().map(|it| &it.url[..5]).collect();
    assert_eq!(one, ["file:", "http:"]);
    assert_eq!(y.versions.len(), 2);
    assert_eq!(requires(&catalogue, "y").unwrap(), ["six>=1"]);
}

#[test]
fn statuses() {
    let scenario = Scenario::new()
        .file("x", served("x", "1.0"))
        .file("y", served("y", "1.0"))
        .status("x", "quarantined", Some("malware"))
        .status("y", "archived", Some("no time"));
    let server = IndexServer::start(scenario);
    let catalogue = over(&server);
    let refused = catalogue.releases(&project("x")).unwrap_err();
    assert!(refused.to_string().ends_with("has put `x` into quarantine"), "{refused}");
    assert!(matches!(refused, CatalogueError::Quarantined { .. }));
    let releases = catalogue.releases(&project("y")).unwrap();
    assert_eq!(releases.status.marker.name(), "archived");
    assert_eq!(releases.status.reason.as_deref(), Some("no time"));
}

#[test]
fn roles_of_a_project() {
    let scenario = Scenario::new()
        .file("x", served("x", "1.0"))
        .role("x", "Owner", "bob")
        .role("x", "Maintainer", "alice")
        .file("y", served("y", "1.0"));
    let server = IndexServer::start(scenario);
    let catalogue = over(&server);
    catalogue.expect_roles(&[project("x")]);
    let expect = vec!["maintainer alice".to_owned(), "owner bob".to_owned()];
    assert_eq!(catalogue.roles(&project("x")), Ok(Some(expect)));
    assert_eq!(catalogue.roles(&project("y")), Ok(None));
    assert!(matches!(catalogue.roles(&project("z")), Err(CatalogueError::Absent { .. })));
}

#[test]
fn nobody_waits_for_an_index_that_hangs_after_saying_stop() {
    let scenario = Scenario::new().file("x", served("x", "1.0"));
    let server = IndexServer::start(scenario.on("/simple/x/", Behaviour::Stall));
    let http = Arc::new(Client::new(
        Options { proxies: Proxies::Off, ..Options::default() },
        Arc::default(),
    ));
    let index = Arc::new(IndexClient::new(Arc::clone(&http), sources(&[("it", &server)])));
    let options = options();
    let interrupted = Arc::clone(&options.interrupted);
    let catalogue = IndexCatalogue::new(http, index, None, options);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| catalogue.releases(&project("x")));
        while server.requests().is_empty() {
            std::thread::yield_now();
        }
        interrupted.store(true, Ordering::Relaxed);
        assert_eq!(unavailable(waiting.join().unwrap()).0, "interrupted");
    });
    drop(catalogue);
}

#[test]
fn somebody_may_watch() {
    let server = IndexServer::start(Scenario::new().file("x", served("x", "1.0")));
    let catalogue = over(&server);
    let last = Mutex::new(Reading::default());
    let tell = |reading| *last.lock().unwrap() = reading;
    let version = catalogue.watched(tell, || only_file(&catalogue, "x").0);
    assert_eq!(version.to_string(), "1.0");
    let expect = Reading { projects: 1, releases: 0, requests: 1 };
    assert_eq!(*last.lock().unwrap(), expect);
    // A panic comes through, and nobody waits.
    let panicking = || catalogue.watched(|_| {}, || -> u32 { panic!("on purpose") });
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(panicking)).is_err());
}

/// The type that a release's files have here is that of the contract.
#[test]
fn files_are_read_when_they_are_looked_at() {
    let server = IndexServer::start(Scenario::new().file("x", served("x", "1.0")));
    let releases = over(&server).releases(&project("x")).unwrap();
    // The catalogue is gone, and what it said can still be read.
    let files: BTreeSet<usize> =
        releases.versions.values().map(|it| Files::clone(&it.files).len()).collect();
    assert_eq!(files, BTreeSet::from([1]));
}
