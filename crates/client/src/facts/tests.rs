//! Facts from the index that can lie.

use std::sync::Mutex;
use std::time::SystemTime;

use countermark_audit::fact::{FileKind, RoleKind, snapshot as snapshots};
use countermark_testkit::index::{Behaviour, Format, IndexServer, Scenario, ServedFile};
use countermark_trust::Class;

use super::*;
use crate::credentials::{CredentialStore, Keyring, Netrc, split_userinfo};
use crate::http::{self, Effects, Proxies};
use crate::report::Silent;
use crate::settings::Origin;

/// Takes down what it is told.
#[derive(Default)]
struct Told {
    notes: Mutex<Vec<Note>>,
    asked: Mutex<Vec<String>>,
}

impl Reporter for Told {
    fn note(&self, note: Note) {
        self.notes.lock().unwrap().push(note);
    }

    fn progress(&self, progress: Progress<'_>) {
        self.asked.lock().unwrap().push(format!("{progress:?}"));
    }
}

impl Told {
    fn codes(&self) -> Vec<&'static str> {
        self.notes.lock().unwrap().iter().map(|note| note.code).collect()
    }
}

/// A client that does not wait, and what it would have waited.
struct World {
    http: Client,
    waits: Arc<Mutex<Vec<f64>>>,
    index: Index,
    told: Told,
    options: Options,
    folder: tempfile::TempDir,
}

fn at(text: &str) -> Timestamp {
    format!("2026-11-22T{text}:00Z").parse().unwrap()
}

fn name(text: &str) -> ProjectName {
    ProjectName::parse(text).unwrap()
}

fn world_at(url: &str) -> World {
    let (url, known) = split_userinfo(&url.parse().unwrap());
    let known = known.into_iter().collect();
    let credentials = CredentialStore::new(known, Netrc::default(), Keyring::default());
    let waits = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&waits);
    let effects = Effects {
        now: Arc::new(|| SystemTime::UNIX_EPOCH),
        jitter: Arc::new(|| 1.0),
        sleep: Arc::new(move |time| {
            seen.lock().unwrap().push(time.as_secs_f64());
            Box::pin(std::future::ready(()))
        }),
    };
    let options = http::Options { proxies: Proxies::Off, ..http::Options::default() };
    let http = Client::with_effects(options, Arc::new(credentials), effects);
    let index = Index { name: None, url, explicit: false, origin: Origin::Default };
    let folder = tempfile::tempdir().unwrap();
    // One at a time, so that the order of requests is known.
    let options = Options { at_once: 1, ..Options::new(at("01:00")) };
    World { http, waits, index, told: Told::default(), options, folder }
}

fn world(server: &IndexServer) -> World {
    world_at(&server.simple_url())
}

impl World {
    fn with_cache(mut self) -> Self {
        self.options.cache = Some(self.folder.path().join("cache"));
        self
    }

    fn try_gather(&self, names: &[&str]) -> Result<Gathered, FactsError> {
        let names: Vec<_> = names.iter().map(|text| name(text)).collect();
        gather(&names, &self.options, &self.index, &self.http, &self.told)
    }

    fn gather(&self, names: &[&str]) -> Gathered {
        self.try_gather(names).unwrap()
    }

    fn one(&self, text: &str) -> ProjectFacts {
        self.gather(&[text]).facts.remove(0)
    }

    fn waits(&self) -> Vec<f64> {
        self.waits.lock().unwrap().clone()
    }
}

fn file(filename: &str) -> ServedFile {
    ServedFile::honest(filename, filename)
        .advertise(|said| said.upload_time = Some("2024-02-03T04:05:06.5Z".into()))
}

/// A project with a release, a placeholder and two holders.
fn scenario() -> Scenario {
    Scenario::new()
        .file("tea-pot", file("tea_pot-1.0-py3-none-any.whl"))
        .file("tea-pot", file("tea-pot-1.0.tar.gz"))
        .project("tea-pot", |project| {
            project.versions = Some(vec!["0.1".into(), "1.0".into()]);
            project.shown_name = Some("Tea.Pot".into());
            project.last_serial = Some(7);
        })
        .role("tea-pot", "Owner", "bot")
        .role("tea-pot", "Maintainer", "Ann")
}

fn status(code: u16, retry_after: Option<&str>) -> Behaviour {
    Behaviour::Status { code, retry_after: retry_after.map(str::to_owned) }
}

fn unread(facts: &ProjectFacts) -> &str {
    match &facts.presence {
        Presence::Unread(reason) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_page_and_a_document_are_the_facts() {
    let server = IndexServer::start(scenario());
    let world = world(&server);
    let gathered = world.gather(&["Tea_Pot", "tea.pot"]);
    assert_eq!(server.request_lines(), ["GET /simple/tea-pot/", "GET /pypi/tea-pot/json"]);
    let accept = server.requests()[0].header("accept").unwrap().to_owned();
    assert!(accept.starts_with("application/vnd.pypi.simple.v1+json"), "{accept}");
    assert!(server.requests()[0].header("user-agent").unwrap().starts_with("countermark/"));
    assert_eq!(gathered.index, server.simple_url());
    let [facts] = &gathered.facts[..] else { panic!("{:?}", gathered.facts) };
    assert_eq!((facts.name.as_str(), facts.shown_name.as_deref()), ("tea-pot", Some("Tea.Pot")));
    assert_eq!((&facts.presence, facts.last_serial), (&Presence::Present, Some(7)));
    let shape: Vec<_> =
        facts.releases.iter().map(|it| (it.version.as_str(), it.files.len())).collect();
    assert_eq!(shape, [("0.1", 0), ("1.0", 2)]);
    let wheel = &facts.releases[1].files[0];
    assert_eq!((wheel.kind, wheel.size), (FileKind::Wheel, Some(28)));
    assert_eq!(wheel.uploaded.unwrap().to_string(), "2024-02-03T04:05:06.5Z");
    let roles: Vec<_> =
        facts.roles.iter().flatten().map(|it| (it.kind.name(), it.account.as_str())).collect();
    assert_eq!(roles, [("Owner", "bot"), ("Maintainer", "Ann")]);
    assert_eq!(facts.unusable, [] as [&str; 0]);
    assert_eq!((gathered.traffic.requests, gathered.traffic.retried), (2, 0));
    assert!(gathered.traffic.bytes > 500, "{:?}", gathered.traffic);
    assert_eq!(world.told.codes(), [] as [&str; 0]);
    let asked = world.told.asked.lock().unwrap().clone();
    assert_eq!(asked, ["Reading { projects: 1 }", "Asked", "Done"]);
}

#[test]
fn absent_is_not_unread() {
    let server = IndexServer::start(
        scenario()
            .on("/simple/gone/", status(410, None))
            .on("/simple/forbidden/", status(403, None))
            .on("/simple/broken/", Behaviour::Truncated { send: 10 })
            .serve("/simple/half/", "application/vnd.pypi.simple.v1+json", "{\"meta\": {")
            .serve("/simple/text/", "application/pdf", "x")
            .file("broken", file("broken-1.zip")),
    );
    let world = world(&server);
    let names = ["tea-pot", "nobody", "gone", "forbidden", "broken", "half", "text"];
    let gathered = world.gather(&names);
    let fact = |text: &str| gathered.facts.iter().find(|it| it.name == name(text)).unwrap();
    assert_eq!(gathered.facts.len(), names.len());
    assert_eq!(fact("tea-pot").presence, Presence::Present);
    for absent in ["nobody", "gone"] {
        assert_eq!(fact(absent).presence, Presence::Absent);
        assert_eq!(fact(absent).roles, None);
    }
    for (project, reason) in [
        ("forbidden", "answered with status 403"),
        ("broken", "was cut off after 10 bytes"),
        ("half", "its page cannot be used: the page is not json"),
        ("text", "expected a project page in json or html, found content type `application/pdf`"),
    ] {
        let found = unread(fact(project));
        assert!(found.contains(reason), "{project}: {found}");
    }
    assert_eq!(world.told.codes(), [] as [&str; 0]);
    // A broken body is asked for again before it is given up.
    assert_eq!(gathered.traffic.retried, 4);
}

#[test]
fn an_address_that_is_no_index_is_said() {
    let server = IndexServer::start(Scenario::new());
    let world = world(&server);
    let gathered = world.gather(&["a", "b"]);
    let presences: Vec<&Presence> = gathered.facts.iter().map(|facts| &facts.presence).collect();
    assert_eq!(presences, [&Presence::Absent, &Presence::Absent]);
    assert_eq!(world.told.codes(), ["nothing-there"]);
}

#[test]
fn html_is_an_equal_where_json_is_not_to_be_had() {
    let server = IndexServer::start(
        scenario().format(Format::Html).file("cup", file("cup-1.zip")).role("cup", "Owner", "bot"),
    );
    let world = world(&server);
    let gathered = world.gather(&["cup", "tea-pot"]);
    let lines = server.request_lines();
    // JSON alone is asked for once, and then no more.
    let expect = [
        "GET /simple/cup/",
        "GET /simple/cup/",
        "GET /pypi/cup/json",
        "GET /simple/tea-pot/",
        "GET /pypi/tea-pot/json",
    ];
    assert_eq!(lines, expect);
    let facts = &gathered.facts[1];
    assert_eq!(facts.shown_name.as_deref(), Some("Tea.Pot"));
    assert_eq!((facts.releases.len(), facts.releases[0].files.len()), (1, 2));
    assert!(facts.releases[0].files[0].sha256.is_some());
    assert_eq!(facts.roles.as_ref().unwrap().len(), 2);
    assert_eq!(world.told.codes(), ["html-only"]);
}

#[test]
fn html_by_accident_is_asked_for_again() {
    let html = || Behaviour::Replace {
        content_type: "text/html".into(),
        body: "<!DOCTYPE html><a href='/files/tea-pot-1.0.tar.gz'>x</a>".into(),
    };
    let server = IndexServer::start(scenario().on_first(1, "/simple/tea-pot/", html()));
    let world1 = world(&server);
    assert_eq!(world1.one("tea-pot").releases.len(), 2);
    let accept: Vec<_> =
        server.requests().iter().map(|it| it.header("accept").unwrap().len()).collect();
    assert_eq!(accept.len(), 3);
    assert!(accept[1] < accept[0]);
    assert_eq!(world1.told.codes(), [] as [&str; 0]);
    // An index that has JSON for others: what is missing is said of this project.
    let server = IndexServer::start(
        scenario()
            .file("a", file("a-1.zip"))
            .role("a", "Owner", "x")
            .on("/simple/tea-pot/", html()),
    );
    let world = world(&server).with_cache();
    let gathered = world.gather(&["a", "tea-pot"]);
    let note =
        "the page came in html: sizes, upload times and versions without files are not known";
    assert!(gathered.facts[1].unusable.iter().any(|line| line == note));
    assert_eq!(gathered.facts[1].presence, Presence::Present);
    assert_eq!(world.told.codes(), [] as [&str; 0]);
}

#[test]
fn pages_of_others_are_not_taken() {
    let moved = Behaviour::Redirect { code: 301, location: "{base}/simple/tea-pot/".into() };
    let server = IndexServer::start(
        scenario()
            .project("kettle", |project| project.shown_name = Some("Cattle".into()))
            .on("/simple/moved/", moved),
    );
    let world1 = world(&server);
    assert_eq!(unread(&world1.one("kettle")), "the page is that of `Cattle`, not of `kettle`");
    assert_eq!(unread(&world1.one("moved")), "the page is that of `Tea.Pot`, not of `moved`");
    server.change(|scenario| scenario.format(Format::Html));
    let html = world(&server);
    assert!(unread(&html.one("moved")).contains("the index leads from `moved` to `tea-pot`"));
    // Nobody's roles are taken from another project's document.
    server.change(|scenario| {
        scenario.format(Format::Json).serve(
            "/pypi/tea-pot/json",
            "application/json",
            r#"{"info":{"name":"kettle"},"ownership":{"roles":[{"role":"Owner","user":"eve"}]}}"#,
        )
    });
    let facts = world(&server).one("tea-pot");
    assert_eq!(facts.roles, None);
    assert!(facts.unusable[0].ends_with("the json document is that of `kettle`"));
}

#[test]
fn without_a_document_nobody_knows_the_roles() {
    let check = |change: fn(Scenario) -> Scenario, reason: &str| {
        let server = IndexServer::start(change(scenario()));
        let facts = world(&server).one("tea-pot");
        assert_eq!((facts.roles.as_ref(), facts.releases.len()), (None, 2), "{reason}");
        assert_eq!(facts.unusable.len(), 1, "{:?}", facts.unusable);
        let note = &facts.unusable[0];
        assert!(note.starts_with("who holds roles is not known: "), "{note}");
        assert!(note.contains(reason), "{note}");
    };
    check(|it| it.project("tea-pot", |project| project.document = None), "has no json document");
    check(|it| it.on("/pypi/tea-pot/json", status(403, None)), "could not be had: ");
    check(|it| it.on("/pypi/tea-pot/json", Behaviour::Truncated { send: 9 }), "cut off");
    check(
        |it| it.serve("/pypi/tea-pot/json", "text/html", "<html>"),
        "its json document cannot be used: expected the json document",
    );
    let no_roles = |it: Scenario| {
        it.project("tea-pot", |project| project.document.as_mut().unwrap().roles = None)
    };
    check(no_roles, "the json document has no `ownership`");
    let server = IndexServer::start(scenario());
    let elsewhere = world_at(&format!("{}/simple/x/../", server.url()));
    assert_eq!(elsewhere.one("tea-pot").roles.unwrap().len(), 2);
    let mirror = scenario().serve(
        "/root/tea-pot/",
        "text/html",
        "<!DOCTYPE html><a href='/files/tea-pot-1.0.tar.gz'>x</a>",
    );
    let server = IndexServer::start(mirror);
    let facts = world_at(&format!("{}/root/", server.url())).one("tea-pot");
    let reason = "the address of the index does not end with `/simple/`";
    assert!(facts.unusable.iter().any(|line| line.ends_with(reason)), "{:?}", facts.unusable);
    assert!(server.request_lines().iter().all(|line| !line.contains("json")));
}

#[test]
fn an_index_without_documents_is_not_asked_for_ever() {
    let projects: Vec<String> = (0..12).map(|number| format!("p{number:02}")).collect();
    let mut scenario = Scenario::new();
    for project in &projects {
        scenario = scenario.file(project, file(&format!("{project}-1.zip")));
    }
    let server = IndexServer::start(scenario);
    let world = world(&server);
    let names: Vec<&str> = projects.iter().map(String::as_str).collect();
    let gathered = world.gather(&names);
    let documents = server.request_lines().iter().filter(|line| line.ends_with("json")).count();
    assert_eq!((documents, gathered.traffic.requests), (8, 20));
    assert!(gathered.facts.iter().all(|facts| facts.roles.is_none() && !facts.unusable.is_empty()));
    assert_eq!(world.told.codes(), ["no-roles"]);
}

#[test]
fn what_has_not_changed_is_not_sent_again() {
    let server = IndexServer::start(scenario().with_etags());
    let mut world = world(&server).with_cache();
    world.options.trust_serial = Duration::ZERO;
    let first = world.gather(&["tea-pot", "nobody"]);
    assert_eq!((first.traffic.requests, first.traffic.not_modified), (3, 0));
    server.forget_requests();
    world.options.now = at("01:05");
    let second = world.gather(&["tea-pot", "nobody"]);
    assert_eq!(second.facts, first.facts);
    let traffic = second.traffic;
    assert_eq!((traffic.requests, traffic.not_modified), (3, 2));
    assert!(traffic.bytes < 50, "{traffic:?}");
    let requests = server.requests();
    let with_etag = |at: usize| requests[at].header("if-none-match").is_some();
    assert_eq!([with_etag(0), with_etag(1), with_etag(2)], [false, true, true]);
    // A change comes through.
    server.change(|it| it.role("tea-pot", "Owner", "eve").file("tea-pot", file("tea-pot-2.0.zip")));
    let third = world.gather(&["tea-pot"]);
    assert_eq!(third.traffic.not_modified, 0);
    assert_eq!(third.facts[0].roles.as_ref().unwrap()[2].account, "eve");
    assert_eq!(third.facts[0].releases.len(), 3);
}

#[test]
fn the_serial_number_saves_the_document() {
    let server = IndexServer::start(scenario());
    let mut world = world(&server).with_cache();
    let first = world.gather(&["tea-pot"]);
    let mut again = |time: &str| {
        world.options.now = at(time);
        server.forget_requests();
        let gathered = world.gather(&["tea-pot"]);
        (gathered.facts, server.request_lines().len())
    };
    assert_eq!(again("01:30"), (first.facts.clone(), 1));
    assert_eq!(again("02:00"), (first.facts.clone(), 1));
    // It is not trusted for longer than was said, and not by a clock that was set back.
    assert_eq!(again("02:01"), (first.facts.clone(), 2));
    assert_eq!(again("03:01"), (first.facts.clone(), 1));
    assert_eq!(again("02:00"), (first.facts.clone(), 2));
    // Another number: somebody did something.
    server.change(|it| {
        it.project("tea-pot", |project| project.last_serial = Some(8))
            .role("tea-pot", "Owner", "eve")
    });
    let (facts, requests) = again("03:00");
    assert_eq!((facts[0].roles.as_ref().unwrap().len(), requests), (3, 2));
    // A document that is older than the page is asked for again until it is not.
    server.change(|it| {
        it.project("tea-pot", |project| {
            project.last_serial = Some(9);
            project.document.as_mut().unwrap().last_serial = Some(8);
        })
    });
    assert_eq!(again("03:01").1, 2);
    assert_eq!(again("03:02").1, 2);
}

#[test]
fn a_run_that_was_broken_off_is_gone_on_with() {
    let server = IndexServer::start(scenario().file("a", file("a-1.zip")).role("a", "Owner", "x"));
    let mut world = world(&server).with_cache();
    // Stopped when the first project was there: the second is never asked for.
    let interrupted = Arc::clone(&world.options.interrupted);
    let names = [name("a"), name("tea-pot")];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stop = |_| interrupted.store(true, Ordering::Relaxed);
    let record = world.folder.path().join("facts.jsonl");
    world.options.record = Some(record.clone());
    server.change(|it| it.on("/simple/tea-pot/", Behaviour::Stall));
    let broken = runtime.block_on(gather_each(
        &names,
        &world.options,
        &world.index,
        &world.http,
        &world.told,
        stop,
    ));
    let error = broken.unwrap_err();
    assert_eq!((error.code(), error.class()), ("interrupted", Class::Unavailable));
    assert!(!record.exists(), "half a snapshot");
    assert_eq!(std::fs::read_dir(world.folder.path()).unwrap().count(), 1, "only the cache");
    world.options.interrupted = Arc::default();
    world.options.now = at("01:20");
    server.change(|_| scenario());
    server.forget_requests();
    let gathered = world.gather(&["a", "tea-pot"]);
    assert_eq!(server.request_lines(), ["GET /simple/tea-pot/", "GET /pypi/tea-pot/json"]);
    assert_eq!(gathered.facts[0].roles.as_ref().unwrap().len(), 1);
    assert_eq!(gathered.facts[1].releases.len(), 2);
    // It is over now: everything is asked for, and what is gone is seen.
    server.forget_requests();
    assert_eq!(world.gather(&["a", "tea-pot"]).facts[0].presence, Presence::Absent);
    assert_eq!(server.request_lines().len(), 2);
}

#[test]
fn busy_indexes_get_their_pause() {
    let path = "/simple/tea-pot/";
    let server = IndexServer::start(scenario().on_first(1, path, status(429, Some("7"))).on_first(
        1,
        path,
        status(503, None),
    ));
    let world = world(&server);
    let gathered = world.gather(&["tea-pot"]);
    assert_eq!(gathered.facts[0].releases.len(), 2);
    assert_eq!((gathered.traffic.requests, gathered.traffic.retried), (4, 2));
    // The pauses, and the turns of those who come after: no clock moves here.
    assert_eq!(world.waits(), [7.0, 7.0, 1.0, 7.0, 7.0]);
}

#[test]
fn an_index_that_wants_to_be_left_alone_is() {
    let server = IndexServer::start(scenario().on("/simple/b/", status(429, Some("3600"))));
    let world1 = world(&server);
    let gathered = world1.gather(&["a", "b", "c", "tea-pot"]);
    assert_eq!(server.request_lines(), ["GET /simple/a/", "GET /simple/b/"]);
    assert_eq!(gathered.facts[0].presence, Presence::Absent);
    let reason = unread(&gathered.facts[2]).to_owned();
    assert!(reason.starts_with("not asked for: "), "{reason}");
    assert!(reason.ends_with("answered with status 429, and asked to be left alone for 3600 s"));
    assert_eq!(world1.told.codes(), ["index-gave-up"]);
    // One that only fails is left alone too.
    let names: Vec<String> = (0..40).map(|number| format!("p{number:02}")).collect();
    let failing = names.iter().fold(Scenario::new(), |scenario, project| {
        scenario.on(&format!("/simple/{project}/"), status(403, None))
    });
    let server = IndexServer::start(failing);
    let world2 = world(&server);
    let gathered = world2.gather(&names.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(server.request_lines().len(), MAX_FAILURES);
    assert!(gathered.facts.iter().all(|facts| matches!(facts.presence, Presence::Unread(_))));
    assert_eq!((gathered.facts.len(), world2.told.codes()), (40, vec!["index-gave-up"]));
}

#[test]
fn requests_are_no_faster_than_was_said() {
    let server = IndexServer::start(scenario().file("a", file("a-1.zip")).role("a", "Owner", "x"));
    let mut world = world(&server);
    world.options.rate = Some(2.0);
    world.gather(&["a", "tea-pot"]);
    assert_eq!(world.waits(), [0.5, 1.0, 1.5]);
}

#[test]
fn no_more_than_a_few_at_a_time_and_in_order() {
    let names: Vec<String> = (0..30).map(|number| format!("p{number:02}")).collect();
    let mut many = names.iter().fold(Scenario::new(), |scenario, project| {
        let scenario = scenario.file(project, file(&format!("{project}-1.zip")));
        scenario.role(project, "Owner", project)
    });
    many = many.format(Format::Json);
    let server = IndexServer::start(many);
    let mut world = world(&server);
    world.options.at_once = 8;
    let gathered = world.gather(&names.iter().rev().map(String::as_str).collect::<Vec<_>>());
    let found: Vec<_> = gathered.facts.iter().map(|facts| facts.name.as_str()).collect();
    assert_eq!(found, names.iter().map(String::as_str).collect::<Vec<_>>());
    for facts in &gathered.facts {
        assert_eq!(facts.roles.as_ref().unwrap()[0].account, facts.name.as_str());
        assert_eq!(facts.roles.as_ref().unwrap()[0].kind, RoleKind::Owner);
    }
    assert_eq!(gathered.traffic.requests, 60);
}

#[test]
fn a_snapshot_gives_the_same_facts() {
    let server = IndexServer::start(
        scenario()
            .status("tea-pot", "archived", Some("old"))
            .file("odd", file("read me.bin"))
            .on("/simple/sad/", status(403, None)),
    );
    let mut world = world(&server);
    let path = world.folder.path().join("facts.jsonl");
    world.options.record = Some(path.clone());
    let names = ["tea-pot", "odd", "sad", "nobody"];
    let gathered = world.gather(&names);
    let replayed = replay(&path).unwrap();
    assert_eq!(replayed.facts, gathered.facts);
    assert_eq!(replayed.problems, []);
    let header = replayed.header.unwrap();
    assert_eq!((header.index.as_str(), header.read), (gathered.index.as_str(), at("01:00")));
    // Written again from what was replayed, and recorded again: the same bytes.
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(snapshots::write(&header, &replayed.facts), bytes);
    world.gather(&names);
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    let one_by_one: Vec<_> = open_snapshot(&path).unwrap().map(Result::unwrap).collect();
    assert_eq!(one_by_one, gathered.facts);
}

#[test]
fn snapshots_that_cannot_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.jsonl");
    let check = |text: Option<&str>, code: &str, class: Class| {
        if let Some(text) = text {
            std::fs::write(&path, text).unwrap();
        }
        let error = replay(&path).unwrap_err();
        assert_eq!((error.code(), error.class()), (code, class), "{error}");
    };
    check(None, "unreadable-snapshot", Class::Usage);
    check(Some(""), "bad-snapshot", Class::Usage);
    check(Some("{\"format\":\"countermark-facts/9\"}"), "bad-snapshot", Class::Usage);
    std::fs::write(
        &path,
        "{\"pkg\":\"b\",\"http\":404}\n{\"pkg\":\"a\"}\n{\"pkg\":\"a\",\"files\":{}}",
    )
    .unwrap();
    let replayed = replay(&path).unwrap();
    let names: Vec<_> = replayed.facts.iter().map(|facts| facts.name.as_str()).collect();
    assert_eq!((names, replayed.header), (vec!["a", "b"], None));
    let [problem] = &replayed.problems[..] else { panic!("{:?}", replayed.problems) };
    assert_eq!(problem.file, path.display().to_string());
    assert_eq!(
        (problem.position, problem.message.as_str()),
        (Some((2, 1)), "missing field `files`")
    );
    let server = IndexServer::start(scenario());
    let mut world = world(&server);
    world.options.record = Some(folder.path().join("no/such/folder/x.jsonl"));
    let error = world.try_gather(&["tea-pot"]).unwrap_err();
    assert_eq!((error.code(), error.class()), ("cannot-record", Class::Unavailable));
    assert_eq!(server.request_lines().len(), 0);
}

#[test]
fn a_folder_is_no_index() {
    let error = world_at("file:///srv/simple/").try_gather(&["a"]).unwrap_err();
    assert_eq!((error.code(), error.class()), ("not-an-index", Class::Usage));
    assert!(error.hint().is_some());
}

#[test]
fn secrets_stay_where_they_are() {
    let server = IndexServer::start(
        scenario().basic_auth("/", "user", "sesame").on("/simple/sad/", status(403, None)),
    );
    let url = server.simple_url().replace("http://", "http://user:sesame@");
    let mut world = world_at(&url).with_cache();
    let path = world.folder.path().join("facts.jsonl");
    world.options.record = Some(path.clone());
    let gathered = world.gather(&["tea-pot", "sad"]);
    assert_eq!(gathered.facts[1].releases.len(), 2, "the password was used");
    // Whoever configured the index, its userinfo must not come out here either.
    let named = Index { url: url.parse().unwrap(), ..world.index.clone() };
    let again =
        gather(&[name("tea-pot"), name("sad")], &world.options, &named, &world.http, &world.told);
    let mut all = format!("{gathered:?}{:?}{:?}", again.unwrap(), world.told.notes.lock().unwrap());
    all += &std::fs::read_to_string(&path).unwrap();
    let mut files = 0;
    let mut folders = vec![world.folder.path().join("cache")];
    while let Some(folder) = folders.pop() {
        for item in std::fs::read_dir(folder).unwrap() {
            let path = item.unwrap().path();
            all += &path.display().to_string();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    files += 1;
                    all += &std::fs::read_to_string(&path).unwrap();
                }
            }
        }
    }
    assert_eq!(files, 1);
    assert!(!all.contains("sesame"), "{all}");
}

#[test]
fn the_index_of_an_audit_is_the_main_one() {
    let index = |text: &str, explicit: bool| Index {
        name: None,
        url: text.parse().unwrap(),
        explicit,
        origin: Origin::Default,
    };
    let further = index("https://private.example/simple/", false);
    let main = index("https://index.example/simple/", false);
    let bound = index("https://bound.example/simple/", true);
    let sources = |indexes: Vec<Index>| Sources { indexes, ..Sources::default() };
    let found = sources(vec![further, main.clone(), bound.clone()]);
    assert_eq!(audited_index(&found), Some(&main));
    assert_eq!(audited_index(&sources(vec![bound])), None);
}

#[test]
fn a_service_can_wait_for_it_in_any_thread() {
    fn in_any_thread<F: Future + Send>(future: F) -> F {
        future
    }
    let server = IndexServer::start(scenario());
    let world = world(&server);
    let (names, mut count) = ([name("tea-pot")], 0);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let traffic = runtime.block_on(in_any_thread(gather_each(
        &names,
        &world.options,
        &world.index,
        &world.http,
        &Silent,
        |_| count += 1,
    )));
    assert_eq!((traffic.unwrap().requests, count), (2, 1));
}

#[test]
fn a_page_without_an_end_holds_up_no_other_project() {
    let slow = Behaviour::SlowDrip { bytes: 1, every: Duration::from_millis(20) };
    let scenario = Scenario::new()
        .file("kettle", ServedFile::honest("kettle-1.0.tar.gz", "bytes"))
        .file("teapot", ServedFile::honest("teapot-1.0.tar.gz", "bytes"))
        .on("/simple/kettle/", slow);
    let server = IndexServer::start(scenario);
    let mut world = world(&server);
    world.options.longest = Duration::from_secs(1);
    let names = [name("kettle"), name("teapot")];
    let gathered = gather(&names, &world.options, &world.index, &world.http, &world.told).unwrap();
    let reason = "the index gave no whole answer within 1 s".to_owned();
    assert_eq!(gathered.facts[0].presence, Presence::Unread(reason));
    assert_eq!(gathered.facts[1].presence, Presence::Present);
}
