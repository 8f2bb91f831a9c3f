//! Several runs at once.

use std::fs;
use std::path::Path;

use countermark_testkit::index::{Behaviour, IndexServer};
use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use std::os::fd::OwnedFd;
use std::time::Duration;

use super::big::{BIG, WHEELS};
use super::stepped::{End, Stepped};
use crate::support::{World, snapshot};

/// The lock that a run would take.
fn hold(folder: &Path) -> OwnedFd {
    let opened = rustix::fs::open(folder, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
    let opened = opened.unwrap();
    flock(&opened, FlockOperation::LockExclusive).unwrap();
    opened
}

fn start(world: &World, index: &IndexServer, file: &str, venv: &str, said: &str) -> Stepped {
    let url = index.simple_url();
    let command = world.command(&["install", "-r", file, "--venv", venv, "-i", &url]);
    Stepped::start(command, world.path(said))
}

fn world() -> World {
    let world = World::new();
    world.write("old.txt", &BIG.old);
    world.write("new.txt", &BIG.new);
    world
}

/// Both wait for us, and then one of them for the other.
fn both_wait(runs: &mut [Stepped; 2], held: OwnedFd) {
    for run in runs.iter() {
        while !run.said().contains("note[waiting]") {
            std::thread::yield_now();
        }
    }
    drop(held);
    for run in runs {
        run.expect(End::Exit(0));
    }
}

#[test]
fn two_runs_on_one_environment_take_turns() {
    let (world, index) = (world(), BIG.serve());
    start(&world, &index, "new.txt", "env", "said").expect(End::Exit(0));
    let new = snapshot(&world.path("env"));
    start(&world, &index, "old.txt", "env", "said").expect(End::Exit(0));
    let held = hold(&world.path("env"));
    let mut runs = ["a", "b"].map(|said| start(&world, &index, "new.txt", "env", said));
    both_wait(&mut runs, held);
    assert!(snapshot(&world.path("env")) == new);
    let changed = runs.iter().filter(|run| run.said().contains(" ~ p00 1.0 -> 2.0")).count();
    let idle = runs.iter().filter(|run| run.said().contains("nothing to change")).count();
    assert_eq!((changed, idle), (1, 1), "{}\n{}", runs[0].said(), runs[1].said());
}

#[test]
fn two_runs_that_make_one_environment_take_turns() {
    let (world, index) = (world(), BIG.serve());
    start(&world, &index, "new.txt", "env", "said").expect(End::Exit(0));
    let new = snapshot(&world.path("env"));
    fs::remove_dir_all(world.path("env")).unwrap();
    let staging = world.path(".env.countermark");
    fs::create_dir(&staging).unwrap();
    let held = hold(&staging);
    let mut runs = ["a", "b"].map(|said| start(&world, &index, "new.txt", "env", said));
    both_wait(&mut runs, held);
    assert!(snapshot(&world.path("env")) == new && !staging.exists());
    let made = runs.iter().filter(|run| run.said().contains(" + p00 2.0")).count();
    let idle = runs.iter().filter(|run| run.said().contains("nothing to change")).count();
    assert_eq!((made, idle), (1, 1), "{}\n{}", runs[0].said(), runs[1].said());
}

#[test]
fn two_runs_fill_one_store_with_the_same_wheels() {
    let shared: Vec<String> = BIG.new_files().map(|name| format!("/files/{name}")).collect();
    // Both have asked for the largest one before either has it.
    let largest = shared.last().unwrap();
    let drip = Behaviour::SlowDrip { bytes: 2 << 20, every: Duration::from_millis(40) };
    let index = IndexServer::start(BIG.scenario().on_first(2, largest, drip));
    let world = world();
    let mut runs =
        ["a", "b"].map(|name| start(&world, &index, "new.txt", &format!("env-{name}"), name));
    for run in &mut runs {
        run.expect(End::Exit(0));
    }
    let asked = index.request_lines().iter().filter(|line| line.ends_with(largest)).count();
    assert_eq!(asked, 2, "they were not at work together");
    world.run(&["cache", "verify"]).expect(0).says(&format!("{WHEELS} wheels"));
    for name in ["env-a", "env-b"] {
        world.run(&["verify", "--python", name]).expect(0).says("as installed");
    }
}
