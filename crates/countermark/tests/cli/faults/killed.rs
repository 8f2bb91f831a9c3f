//! `kill -9` and SIGINT at many moments of a big install. The moments are counted: requests that
//! the index has received, packages that are staged, renames that are taken.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use countermark_testkit::index::{Behaviour, IndexServer};
use rustix::process::Signal;

use super::big::{BIG, WHEELS};
use super::stepped::{End, Stepped};
use crate::support::{World, snapshot};

type Snapshot = BTreeMap<PathBuf, (u32, Vec<u8>)>;

const KILLED: End = End::Killed(9);

/// A world whose store has both releases, and what an environment of each looks like.
struct Scene {
    world: World,
    index: IndexServer,
    /// From the environment to the folder of packages.
    site: PathBuf,
    old: Snapshot,
    new: Snapshot,
}

impl Scene {
    /// `env` has the old release.
    fn new() -> Self {
        let (world, index) = (World::new(), BIG.serve());
        world.write("old.txt", &BIG.old);
        world.write("new.txt", &BIG.new);
        let install = |file| {
            let url = index.simple_url();
            world.run(&["install", "-r", file, "--venv", "env", "--index-url", &url]).expect(0);
            snapshot(&world.path("env"))
        };
        let new = install("new.txt");
        fs::remove_dir_all(world.path("env")).unwrap();
        let old = install("old.txt");
        let site = world.site().strip_prefix(world.path("env")).unwrap().to_owned();
        Self { world, index, site, old, new }
    }

    fn start(&self, requirements: &str) -> Stepped {
        let url = self.index.simple_url();
        let arguments =
            ["install", "-r", requirements, "--venv", "env", "--offline", "--index-url", &url];
        Stepped::start(self.world.command(&arguments), self.world.path("said"))
    }

    fn now(&self) -> Snapshot {
        snapshot(&self.world.path("env"))
    }

    /// Fails unless the environment is one of the two; is it the new one?
    #[track_caller]
    fn is_new(&self, after: &str) -> bool {
        let now = self.now();
        let differs = |from: &Snapshot| {
            let paths: Vec<&PathBuf> = from.keys().chain(now.keys()).collect();
            paths.into_iter().find(|path| from.get(*path) != now.get(*path)).cloned()
        };
        match (differs(&self.old), differs(&self.new)) {
            (None, _) => false,
            (_, None) => true,
            (old, new) => panic!("a mixture after {after}: {old:?} is not old, {new:?} not new"),
        }
    }
}

/// Entries of a folder, none when it is not there.
fn count(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}

/// Entries whose name ends so.
fn count_of(folder: &Path, ending: &str) -> usize {
    fs::read_dir(folder).map_or(0, |items| {
        let names = items.filter_map(|item| item.ok()?.file_name().into_string().ok());
        names.filter(|name| name.ends_with(ending)).count()
    })
}

/// When a change of an environment is stopped.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// So many packages are staged.
    Staged(usize),
    /// So many files went out.
    Out(usize),
    /// So many packages came in.
    In(usize),
    /// The change stands, and is not cleaned up.
    Done,
}

impl Moment {
    /// Spread over staging, the renames, and what comes after.
    fn twenty() -> Vec<Self> {
        let staged = [1, 30, 60, 100].map(Self::Staged);
        let out = [1, 50, 400, 900, 1300, 1800, 2200, 2600].map(Self::Out);
        let into = [1, 8, 16, 24, 33, 42, 51].map(Self::In);
        staged.into_iter().chain(out).chain(into).chain([Self::Done]).collect()
    }

    fn is_reached(self, scene: &Scene, version: &str) -> bool {
        let environment = scene.world.path("env");
        let folder = environment.join(".countermark");
        match self {
            Self::Staged(least) => count(&folder.join("stage").join(&scene.site)) >= least,
            // What went out has the number of its step as its name.
            Self::Out(least) => folder.join("old").join((least - 1).to_string()).exists(),
            Self::In(least) => {
                let ending = format!("-{version}.dist-info");
                count_of(&environment.join(&scene.site), &ending) >= least
            }
            Self::Done => folder.join("done").exists(),
        }
    }
}

/// Which of the two releases is next.
fn other(new: bool) -> (&'static str, &'static str) {
    if new { ("old.txt", "1.0") } else { ("new.txt", "2.0") }
}

#[test]
fn a_change_stopped_at_any_moment_leaves_the_old_or_the_new_one() {
    let scene = Scene::new();
    let new = killed_changes(&scene);
    interrupted_changes(&scene, new);
}

/// What is left is reported until the next run undoes or finishes it. Gives which release is
/// there at the end.
fn killed_changes(scene: &Scene) -> bool {
    let (mut new, mut unfinished, mut undone) = (false, 0, 0);
    for moment in Moment::twenty() {
        let (requirements, version) = other(new);
        let mut run = scene.start(requirements);
        let stands = run.run_until(|| moment.is_reached(scene, version));
        let end = run.end_with(Signal::KILL);
        assert_eq!(end, if stands { KILLED } else { End::Exit(0) }, "{}", run.said());
        let left = scene.world.path("env/.countermark").exists();
        let before = scene.now();
        let verified = scene.world.run(&["verify", "--python", "env"]);
        if left {
            unfinished += 1;
            undone += usize::from(scene.world.path("env/.countermark/journal").exists());
            verified.expect(1).says("interrupted `.countermark`");
        } else {
            verified.expect(0).says("as installed");
            scene.is_new("a run that was not stopped in time");
        }
        assert!(before == scene.now(), "verify changed something at {moment:?}");
        let listed = scene.world.run(&["list", "--python", "env"]);
        listed.expect(0);
        if left {
            listed.says("note[recovered]").says("interrupted");
        }
        assert!(!scene.world.path("env/.countermark").exists(), "{moment:?}");
        new = scene.is_new(&format!("{moment:?}"));
        scene.world.run(&["verify", "--python", "env"]).expect(0).says("as installed");
    }
    // A machine so busy that the run got away each time would have shown nothing.
    assert!(unfinished >= 10 && undone >= 5, "{unfinished} unfinished, {undone} in the renames");
    new
}

/// Nothing is left.
fn interrupted_changes(scene: &Scene, mut new: bool) {
    let mut interrupted = 0;
    for moment in Moment::twenty() {
        let (requirements, version) = other(new);
        let mut run = scene.start(requirements);
        run.run_until(|| moment.is_reached(scene, version));
        let end = run.end_with(Signal::INT);
        let now = scene.is_new(&format!("{moment:?}"));
        assert!(!scene.world.path("env/.countermark").exists(), "{moment:?}");
        match end {
            End::Exit(3) => {
                interrupted += 1;
                assert!(run.said().contains("error[interrupted]"), "{}", run.said());
                assert_eq!(now, new, "undone at {moment:?}");
            }
            End::Exit(0) => assert_ne!(now, new, "finished at {moment:?}"),
            end => panic!("{end:?} at {moment:?}: {}", run.said()),
        }
        new = now;
    }
    assert!(interrupted >= 10, "{interrupted} of twenty");
}

/// When the making of an environment is stopped.
#[derive(Clone, Copy, Debug)]
enum Birth {
    /// So many requests were made, nothing being in the store at first.
    Requests(usize),
    /// So many packages are staged.
    Staged(usize),
}

impl Birth {
    fn twenty() -> Vec<Self> {
        let requests = [1, 5, 20, 40, 58, 61, 70, 80, 90, 100, 110].map(Self::Requests);
        let staged = [1, 5, 20, 35, 50, 65, 80, 95, 115].map(Self::Staged);
        requests.into_iter().chain(staged).collect()
    }
}

/// A world with an empty store that makes an environment of the new release.
struct Nursery {
    world: World,
    index: IndexServer,
    site: PathBuf,
    new: Snapshot,
}

impl Nursery {
    fn new() -> Self {
        let Scene { world, index, site, new, .. } = Scene::new();
        fs::remove_dir_all(world.path("env")).unwrap();
        let nursery = Self { world, index, site, new };
        nursery.empty_store();
        nursery
    }

    fn empty_store(&self) {
        fs::remove_dir_all(self.world.home(".cache")).unwrap();
        fs::remove_dir_all(self.world.home(".local")).unwrap();
    }

    fn start(&self) -> Stepped {
        self.index.forget_requests();
        let url = self.index.simple_url();
        let arguments = ["install", "-r", "new.txt", "--venv", "env", "--index-url", &url];
        Stepped::start(self.world.command(&arguments), self.world.path("said"))
    }

    fn staging(&self) -> PathBuf {
        self.world.path(".env.countermark")
    }

    fn is_reached(&self, moment: Birth) -> bool {
        match moment {
            Birth::Requests(least) => self.index.requests().len() >= least,
            Birth::Staged(least) => count(&self.staging().join(&self.site)) >= least,
        }
    }

    /// The next run makes the environment whole; then it is removed again.
    fn finish(&self) -> String {
        let mut run = self.start();
        run.expect(End::Exit(0));
        assert!(snapshot(&self.world.path("env")) == self.new, "not the new one");
        assert!(!self.staging().exists());
        fs::remove_dir_all(self.world.path("env")).unwrap();
        run.said()
    }
}

#[test]
fn a_new_environment_is_there_whole_or_not_at_all() {
    let nursery = Nursery::new();
    killed_births(&nursery);
    nursery.empty_store();
    interrupted_births(&nursery);
}

fn killed_births(nursery: &Nursery) {
    let mut stopped = 0;
    for moment in Birth::twenty() {
        let mut run = nursery.start();
        let stands = run.run_until(|| nursery.is_reached(moment));
        let end = run.end_with(Signal::KILL);
        assert_eq!(end, if stands { KILLED } else { End::Exit(0) }, "{}", run.said());
        let environment = nursery.world.path("env");
        if end == KILLED && !environment.exists() {
            stopped += 1;
            let left = count(&nursery.staging()) > 0;
            if matches!(moment, Birth::Staged(_)) {
                assert!(left, "{moment:?}");
                let said = nursery.finish();
                assert!(said.contains("removed what an interrupted run left"), "{said}");
            }
        } else {
            assert!(snapshot(&environment) == nursery.new, "{moment:?}");
            fs::remove_dir_all(environment).unwrap();
        }
    }
    assert!(stopped >= 10, "{stopped} of twenty");
    nursery.finish();
    nursery.world.run(&["cache", "verify"]).expect(0).says(&format!("{WHEELS} wheels"));
}

/// An interrupt leaves nothing at all.
fn interrupted_births(nursery: &Nursery) {
    let mut stopped = 0;
    for moment in Birth::twenty() {
        let mut run = nursery.start();
        run.run_until(|| nursery.is_reached(moment));
        let environment = nursery.world.path("env");
        match run.end_with(Signal::INT) {
            End::Exit(3) => {
                stopped += 1;
                assert!(run.said().contains("error[interrupted]"), "{}", run.said());
                assert!(!environment.exists() && !nursery.staging().exists(), "{moment:?}");
            }
            End::Exit(0) => {
                assert!(snapshot(&environment) == nursery.new, "{moment:?}");
                fs::remove_dir_all(environment).unwrap();
            }
            end => panic!("{end:?} at {moment:?}: {}", run.said()),
        }
    }
    assert!(stopped >= 10, "{stopped} of twenty");
    nursery.finish();
}

#[test]
fn an_interrupt_does_not_wait_for_an_index_that_says_nothing() {
    let stalled = format!("/files/{}", BIG.new_files().next().unwrap());
    let index = IndexServer::start(BIG.scenario().on(&stalled, Behaviour::Stall));
    let world = World::new();
    world.write("new.txt", &BIG.new);
    let url = index.simple_url();
    let arguments = ["install", "-r", "new.txt", "--venv", "env", "--timeout", "600", "-i", &url];
    let mut run = Stepped::start(world.command(&arguments), world.path("said"));
    let began = Instant::now();
    let asked = format!("GET {stalled}");
    assert!(run.run_until(|| index.request_lines().contains(&asked)));
    assert_eq!(run.end_with(Signal::INT), End::Exit(3), "{}", run.said());
    assert!(run.said().contains("error[interrupted]"), "{}", run.said());
    assert!(!world.path("env").exists());
    // The server would say something after half a minute.
    assert!(began.elapsed() < Duration::from_secs(20));
}
