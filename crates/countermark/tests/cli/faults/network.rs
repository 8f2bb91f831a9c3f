//! An index that goes away or hardly moves: it could not be decided, and nothing was changed.

use std::time::Duration;

use countermark_testkit::index::{Behaviour, IndexServer};

use super::big::BIG;
use super::stepped::{End, Stepped};
use crate::support::{Run, World, snapshot};

/// An environment of the old release, and a list of the new one.
fn world() -> World {
    let (world, index) = (World::new(), BIG.serve());
    world.write("requirements.txt", &BIG.old);
    world.install(&index.simple_url(), &[]).expect(0);
    world.write("requirements.txt", &BIG.new);
    world
}

/// What the run says when a file of the new release is sent like this.
fn with(behaviour: Behaviour, more: &[&str]) -> Run {
    let world = world();
    let before = snapshot(&world.path("env"));
    let path = format!("/files/{}", BIG.new_files().nth(30).unwrap());
    let index = IndexServer::start(BIG.scenario().on(&path, behaviour));
    let run = world.install(&index.simple_url(), more);
    run.expect(3).says(path.rsplit('/').next().unwrap());
    assert!(before == snapshot(&world.path("env")));
    assert!(!world.path("env/.countermark").exists());
    run
}

#[test]
fn an_index_that_goes_down_half_way() {
    let world = world();
    let before = snapshot(&world.path("env"));
    let index = BIG.serve();
    let url = index.simple_url();
    let arguments = ["install", "-r", "requirements.txt", "--venv", "env", "--retries", "1"];
    let command = world.command(&[&arguments[..], &["-i", &url]].concat());
    let mut run = Stepped::start(command, world.path("said"));
    assert!(run.run_until(|| index.requests().len() >= 90));
    drop(index);
    assert_eq!(run.end_with(rustix::process::Signal::CONT), End::Exit(3), "{}", run.said());
    assert!(run.said().contains("error[unreachable]"), "{}", run.said());
    assert!(before == snapshot(&world.path("env")));
    // What came before is not lost.
    let index = BIG.serve();
    world.install(&index.simple_url(), &[]).expect(0);
    assert!(index.requests().len() < 120, "{}", index.requests().len());
}

#[test]
fn connections_that_are_dropped() {
    with(Behaviour::Drop, &["--retries", "0"]);
}

#[test]
fn a_slow_drip_ends() {
    let drip = Behaviour::SlowDrip { bytes: 1, every: Duration::from_millis(100) };
    with(drip, &["--timeout", "1", "--retries", "0"]).says("error[too-slow]");
}

#[test]
fn an_answer_that_stalls_ends() {
    with(Behaviour::Stall, &["--timeout", "1", "--retries", "0"]).says("1 s");
}
