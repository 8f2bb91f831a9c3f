//! `vet init`: a ledger in which everything that is there passes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::scene::{DAY, Scene, pylock, requirements, wheel};
use crate::support::{sha256, snapshot};

#[test]
fn the_first_run_is_green_in_every_format_of_lock() {
    let [cup, jug] = [wheel("cup", "1.0", 9), wheel("jug", "2.0", 9)];
    let wheels = [cup, jug];
    for (lock, text) in
        [("pylock.toml", pylock(&wheels)), ("requirements.txt", requirements(&wheels))]
    {
        let scene = Scene::new(&wheels);
        scene.world.write(lock, text);
        let run = scene.vet(&["init"]);
        run.expect(0).says("lets 2 releases with 2 files").says("git add ledger");
        scene.vet(&["--since", "HEAD"]).expect(2);
        scene.vet(&[]).expect(0).says("2 of 2 files meet the criteria: 2 exempt");
        let ledger = scene.world.read("ledger/ledger.toml");
        assert_eq!(ledger.matches("[[exemption]]").count(), 2);
        for wheel in &wheels {
            let line = format!("\"sha256:{} {}\"", sha256(&wheel.build()), wheel.filename());
            assert!(ledger.contains(&line), "{ledger}");
        }
        assert!(ledger.contains(&format!("initialised = {DAY}")), "{ledger}");
        assert!(ledger.contains("# "), "a person finds what may stand here");
        assert!(scene.world.read("ledger/reviews.toml").starts_with('#'));
    }
}

#[test]
fn nothing_is_written_over() {
    let scene = Scene::begun(&[wheel("cup", "1.0", 9)]);
    let before = snapshot(&scene.world.path("ledger"));
    scene.vet(&["init"]).expect(2).says("error[ledger-exists]").says("ledger/ledger.toml");
    assert_eq!(snapshot(&scene.world.path("ledger")), before);
    scene.vet(&["init", "--ledger", "second", "--name", "example.org/second"]).expect(0);
    assert!(scene.world.read("second/ledger.toml").contains("example.org/second"));
    scene.vet(&["--ledger", "second"]).expect(0);
}

#[test]
fn digests_alone_need_the_index_once() {
    let cup = wheel("cup", "1.0", 9);
    let scene = Scene::new(std::slice::from_ref(&cup));
    scene.world.write("requirements.txt", requirements(&[cup]));
    let run = scene.vet(&["init", "--offline"]);
    run.expect(3).says("error[vet-no-name]").says("requirements.txt:1");
    assert!(!scene.world.path("ledger/ledger.toml").exists());
    scene.vet(&["init"]).expect(0);
    scene.server.forget_requests();
    scene.vet(&[]).expect(0);
    // What was asked is remembered, and a check asks nobody.
    scene.vet(&["init", "--ledger", "again", "--offline"]).expect(0);
    assert_eq!(scene.server.request_lines(), Vec::<String>::new());
    // A digest that no index has is nobody's.
    scene.world.write("requirements.txt", format!("cup==1.0 --hash=sha256:{}\n", "0".repeat(64)));
    scene.vet(&["init", "--ledger", "third"]).expect(1).says("error[vet-no-name]").says("0000");
}

#[test]
fn a_folder_that_cannot_be_written_is_told() {
    let scene = Scene::new(&[wheel("cup", "1.0", 9)]);
    scene.world.write("pylock.toml", pylock(&[wheel("cup", "1.0", 9)]));
    scene.world.write("taken", "a file");
    scene.vet(&["init", "--ledger", "taken/ledger"]).expect(3).says("error[file-not-written]");
    let closed = scene.world.path("closed");
    fs::create_dir(&closed).expect("a folder");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).expect("a mode");
    let run = scene.vet(&["init", "--ledger", "closed/ledger"]);
    // Root may write everywhere.
    let may_write = fs::File::create(closed.join("probe")).is_ok();
    run.expect(if may_write { 0 } else { 3 });
}

#[test]
fn what_has_no_digest_is_told_at_the_beginning() {
    let cup = wheel("cup", "1.0", 9);
    let scene = Scene::new(std::slice::from_ref(&cup));
    let text = format!("{}jug==2.0\n", requirements(&[cup]));
    scene.world.write("requirements.txt", text);
    scene.vet(&["init"]).expect(0).says("note[vet-no-digest]").says("jug 2.0 has no digest");
    scene.vet(&["init", "--criteria", "fine", "--ledger", "x"]).expect(2).says("unknown-criterion");
}
