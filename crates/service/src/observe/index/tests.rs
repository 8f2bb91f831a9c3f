//! An index on the loopback interface, looked at again and again.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use countermark_client::http::{self, Proxies};
use countermark_client::report::Silent;
use countermark_client::settings::Origin;
use countermark_testkit::index::{Behaviour, IndexServer, Scenario, ServedFile};

use super::*;
use crate::observe::db::sqlite::Sqlite;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn name(text: &str) -> ProjectName {
    ProjectName::parse(text).unwrap()
}

struct World {
    runtime: tokio::runtime::Runtime,
    db: Sqlite,
    index: Index,
    http: Client,
    options: Options,
    observer: Observer,
    folder: tempfile::TempDir,
}

fn world(server: &IndexServer) -> World {
    let folder = tempfile::tempdir().unwrap();
    let url = server.simple_url().parse().unwrap();
    let options = http::Options { proxies: Proxies::Off, ..http::Options::default() };
    World {
        runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
        db: Sqlite::open(&folder.path().join("db")).unwrap(),
        index: Index { name: None, url, explicit: false, origin: Origin::Default },
        http: Client::new(options, Arc::default()),
        options: Options { at_once: 1, resume: std::time::Duration::ZERO, ..Options::new(at(0)) },
        observer: Observer::parse("index:example.org/crawler").unwrap(),
        folder,
    }
}

impl World {
    fn with<T>(&self, holder: &str, run: impl AsyncFnOnce(&IndexObserver<'_>) -> T) -> T {
        let observer = IndexObserver {
            db: &self.db,
            observer: &self.observer,
            holder,
            index: &self.index,
            http: &self.http,
            options: &self.options,
            interval: SignedDuration::from_secs(100),
        };
        self.runtime.block_on(run(&observer))
    }

    fn plan(&self, names: &[&str], second: i64) {
        let names: Vec<_> = names.iter().map(|text| name(text)).collect();
        self.with("x", async |it| it.plan(&names, at(second)).await).unwrap();
    }

    fn step(&self, second: i64) -> Option<Step> {
        self.with("x", async |it| it.step(at(second), &Silent).await).unwrap()
    }

    /// File and digest of everything that was seen of a project, in the order of time.
    fn seen(&self, project: &str) -> Vec<(String, String)> {
        use crate::observe::db::Search;
        let search = Search::Project(name(project));
        let found = self.db.sightings(&search, 100);
        let found = self.runtime.block_on(found).unwrap();
        let pair = |it: crate::observe::db::Sighting| {
            let it = it.observation;
            (it.file().to_owned(), it.digest().hex()[..6].to_owned())
        };
        found.into_iter().map(pair).collect()
    }
}

fn file(filename: &str, bytes: &str) -> ServedFile {
    ServedFile::honest(filename, bytes)
}

fn scenario() -> Scenario {
    Scenario::new()
        .file("tea-pot", file("tea_pot-1.0-py3-none-any.whl", "wheel"))
        .file("tea-pot", file("tea-pot-1.0.tar.gz", "sdist"))
        .file("lid", file("lid-1.0.tar.gz", "lid"))
        .with_etags()
}

#[test]
fn what_an_index_lists_is_seen_once() {
    let server = IndexServer::start(scenario());
    let mut world = world(&server);
    world.options.cache = Some(world.folder.path().join("cache"));
    world.plan(&["Tea.Pot", "lid", "absent"], 0);
    let step = world.step(1).unwrap();
    assert_eq!((step.projects, step.unread, step.files, step.new), (3, 0, 3, 3));
    assert_eq!(step.absent, 1);
    assert_eq!(world.seen("tea-pot").len(), 2);
    // Pages only: roles are none of our business.
    assert!(server.requests().iter().all(|it| it.path().starts_with("/simple/")));
    assert_eq!(world.step(2), None);
    // The next look costs a request a project and says nothing new.
    server.forget_requests();
    let step = world.step(101).unwrap();
    assert_eq!((step.projects, step.new, step.traffic.not_modified), (3, 0, 2));
    // What did not change is looked at more rarely.
    assert_eq!(world.step(250), None);
    assert!(world.step(501).is_some());
}

#[test]
fn a_file_that_changed_is_a_second_observation() {
    let server = IndexServer::start(scenario());
    let world = world(&server);
    world.plan(&["lid", "tea-pot"], 0);
    world.step(1);
    server.change(|_| {
        Scenario::new()
            .file("lid", file("lid-1.0.tar.gz", "other"))
            .file("lid", file("lid-1.1.tar.gz", "new"))
            .file("tea-pot", file("tea-pot-1.0.tar.gz", "sdist"))
    });
    let step = world.step(101).unwrap();
    assert_eq!((step.new, step.alarms), (2, 1));
    let alarms = world.runtime.block_on(world.db.alarms(0, 9)).unwrap();
    assert_eq!((alarms.len(), alarms[0].alarm.file.as_str()), (1, "lid-1.0.tar.gz"));
    let seen = world.seen("lid");
    assert_eq!(seen.len(), 3);
    assert_eq!((seen[0].0.as_str(), seen[1].0.as_str()), ("lid-1.0.tar.gz", "lid-1.0.tar.gz"));
    assert_ne!(seen[0].1, seen[1].1);
    // What changes is looked at before what nobody looked at, and that before the rest.
    world.plan(&["lid", "tea-pot", "absent"], 102);
    let kind = world.observer.to_string();
    let taken = world.db.take_work(&kind, "y", 9, at(9000), SignedDuration::from_secs(1));
    let taken = world.runtime.block_on(taken).unwrap();
    let names: Vec<_> = taken.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names[0], "lid");
    assert_eq!(names.len(), 3);
}

#[test]
fn the_first_look_of_one_observer_is_held_against_what_another_one_saw() {
    let server = IndexServer::start(scenario());
    let mut world = world(&server);
    world.plan(&["lid"], 0);
    assert_eq!(world.step(1).unwrap().alarms, 0);
    server.change(|_| Scenario::new().file("lid", file("lid-1.0.tar.gz", "other")));
    world.observer = Observer::parse("index:example.net/second").unwrap();
    world.plan(&["lid"], 2);
    let step = world.step(3).unwrap();
    assert_eq!((step.new, step.alarms), (1, 1));
}

#[test]
fn projects_that_nobody_wants_are_not_asked_for() {
    let server = IndexServer::start(scenario());
    let world = world(&server);
    world.plan(&["lid", "tea-pot"], 0);
    world.plan(&["lid"], 0);
    assert_eq!(world.step(1).unwrap().projects, 1);
    assert_eq!(world.step(1), None);
    assert_eq!(world.seen("tea-pot"), []);
}

#[test]
fn a_page_that_cannot_be_read_comes_back_later() {
    let refuse = Behaviour::Status { code: 500, retry_after: None };
    let server = IndexServer::start(scenario().on("/simple/lid/", refuse));
    let mut world = world(&server);
    world.options.longest = std::time::Duration::from_millis(300);
    world.plan(&["lid"], 0);
    let step = world.step(1).unwrap();
    assert_eq!((step.projects, step.unread, step.new), (1, 1, 0));
    assert_eq!(world.step(60), None);
    server.change(|_| scenario());
    assert_eq!(world.step(61).unwrap().new, 1);
}

#[test]
fn a_run_that_is_stopped_gives_everything_back() {
    let server = IndexServer::start(scenario());
    let mut world = world(&server);
    world.options.interrupted = Arc::new(AtomicBool::new(true));
    world.plan(&["lid", "tea-pot"], 0);
    let stopped = world.with("x", async |it| it.step(at(1), &Silent).await);
    assert!(matches!(stopped, Err(IndexError::Facts(FactsError::Interrupted))), "{stopped:?}");
    world.options.interrupted = Arc::default();
    // Nobody has to wait for a lease.
    let all = world.step(1).unwrap();
    assert_eq!(world.seen("lid").len() + world.seen("tea-pot").len(), 3, "{all:?}");
}

#[test]
fn a_run_that_was_killed_is_gone_on_with_after_its_lease() {
    let server = IndexServer::start(scenario());
    let world = world(&server);
    world.plan(&["lid", "tea-pot"], 0);
    let kind = world.observer.to_string();
    let taken = world.runtime.block_on(world.db.take_work(&kind, "dead", 1, at(0), LEASE)).unwrap();
    assert_eq!(taken[0].name, "lid");
    assert_eq!(world.step(1).unwrap().projects, 1);
    assert_eq!(world.seen("lid"), []);
    let later = LEASE.as_secs();
    world.step(later);
    assert_eq!(world.seen("lid").len(), 1);
}

#[test]
fn what_no_record_can_hold_is_counted() {
    let scenario = Scenario::new()
        .file("lid", file("lid-1.0.tar.gz", "a").advertise(|said| said.digests.clear()))
        .file("lid", file("lid-1.1.tar.gz", "b"));
    let server = IndexServer::start(scenario);
    let world = world(&server);
    world.plan(&["lid"], 0);
    let step = world.step(1).unwrap();
    assert_eq!((step.files, step.unusable), (1, 1));
}
