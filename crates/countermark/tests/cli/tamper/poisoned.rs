//! A cache that somebody else made: restored on a fresh machine, whose private state is empty.
//! Everything in it agrees with everything else in it, and nothing with the pin.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use super::scene::{EVIL, GOOD, Scene, stored_in, wheel};
use crate::support::{pinned, sha256, snapshot};

/// A machine without state, whose cache has our entry; and the attacker's entry beside it, made
/// by countermark itself from the attacker's wheel: every size is the same.
fn restored() -> (Scene, std::path::PathBuf) {
    let scene = Scene::installed();
    let evil = wheel(EVIL);
    let bytes = evil.build();
    assert_eq!(bytes.len(), scene.bytes.len());
    scene.world.write(&format!("evil/{}", evil.filename()), &bytes);
    let line = format!("./evil/{} --hash=sha256:{}\n", evil.filename(), sha256(&bytes));
    scene.world.write("evil.txt", line);
    scene.world.run(&["install", "-r", "evil.txt", "--venv", "e"]).expect(0);
    let entry = scene.world.home(".cache/countermark/store").join(sha256(&bytes));
    for path in ["a", "e"] {
        fs::remove_dir_all(scene.world.path(path)).unwrap();
    }
    fs::remove_dir_all(scene.world.home(".local")).unwrap();
    (scene, entry)
}

fn replace(from: &Path, to: &Path) {
    if to.is_dir() {
        fs::remove_dir_all(to).unwrap();
    }
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(copied.success());
}

#[test]
fn a_consistent_entry_of_another_wheel_is_thrown_away() {
    let (scene, evil) = restored();
    replace(&evil, &scene.entry());
    assert_eq!(fs::read_to_string(scene.stored("alpha/__init__.py")).unwrap(), EVIL);
    let offline = scene.install("b", &["--offline"]);
    offline.expect(3);
    assert!(!scene.world.path("b").exists());
    replace(&evil, &scene.entry());
    let run = scene.installs_what_is_pinned("b", &[]);
    run.says("note[store-altered]").says("its archive is not the pinned one");
}

#[test]
fn a_list_and_files_of_another_wheel_beside_our_archive() {
    let (scene, evil) = restored();
    for name in ["tree", "f"] {
        replace(&evil.join(name), &scene.entry().join(name));
    }
    let run = scene.installs_what_is_pinned("b", &[]);
    run.says("note[store-altered]").says("its list of files is not that of its archive");
}

#[test]
fn files_of_another_wheel_below_our_list() {
    let (scene, evil) = restored();
    replace(&evil.join("f"), &scene.entry().join("f"));
    scene.installs_what_is_pinned("b", &[]).says("note[store-altered]");
}

#[test]
fn our_list_without_an_archive_is_not_enough() {
    let (scene, _) = restored();
    fs::remove_file(scene.archive()).unwrap();
    scene.installs_what_is_pinned("b", &[]).says("note[store-altered]");
    // With a state that has seen it, it is.
    fs::remove_file(scene.archive()).unwrap();
    scene.index.forget_requests();
    scene.installs_what_is_pinned("c", &[]);
    assert!(scene.index.requests().is_empty());
}

#[test]
fn an_honest_restored_cache_is_used_without_a_download() {
    let (scene, _) = restored();
    scene.index.forget_requests();
    scene.installs_what_is_pinned("b", &[]);
    assert!(scene.index.request_lines().iter().all(|line| !line.contains("/files/")));
}

#[test]
fn bytecode_that_came_with_a_cache_is_made_again() {
    let scene = Scene::new();
    scene.install("a", &["--compile"]).expect(0);
    let items = fs::read_dir(scene.entry()).unwrap().map(|item| item.unwrap().path());
    let folder = items.into_iter().find(|path| path.to_str().unwrap().contains("/c-")).unwrap();
    for file in fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        let at = bytes.windows(5).position(|it| it == b"hones").unwrap_or(bytes.len() - 5);
        bytes[at..at + 5].copy_from_slice(b"robbe");
        fs::write(&path, bytes).unwrap();
    }
    fs::remove_dir_all(scene.world.path("a")).unwrap();
    fs::remove_dir_all(scene.world.home(".local")).unwrap();
    scene.installs_what_is_pinned("b", &["--compile"]);
    assert!(scene.site("b").join("alpha/__pycache__").is_dir());
}

#[test]
fn links_pipes_and_devices_in_a_cache_lead_nowhere() {
    let change = |what: &str, change: &dyn Fn(&Scene, &Path)| {
        let (scene, evil) = restored();
        let outside = scene.world.path("outside");
        replace(&evil, &outside);
        for name in ["stage", "old", "c-x"] {
            fs::create_dir(outside.join(name)).unwrap();
        }
        let before = snapshot(&outside);
        change(&scene, &outside);
        let run = scene.installs_what_is_pinned("b", &["--compile"]);
        assert!(run.stderr.contains("note[store-altered]"), "{what}: {}", run.stderr);
        assert!(before == snapshot(&outside), "{what}");
    };
    let pipe = |path: &Path| {
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    };
    change("the entry is a link", &|scene, outside| {
        fs::remove_dir_all(scene.entry()).unwrap();
        symlink(outside, scene.entry()).unwrap();
    });
    change("its files are a link", &|scene, outside| {
        fs::remove_dir_all(scene.entry().join("f")).unwrap();
        symlink(outside.join("f"), scene.entry().join("f")).unwrap();
    });
    change("one file is a link", &|scene, outside| {
        let stored = scene.stored("alpha/__init__.py");
        fs::remove_file(&stored).unwrap();
        symlink(stored_in(outside, "alpha/__init__.py"), &stored).unwrap();
    });
    for name in ["tree", "archive"] {
        let path = |scene: &Scene| match name {
            "tree" => scene.entry().join("tree"),
            _ => scene.archive(),
        };
        change("a pipe that nobody writes to", &|scene, _| {
            fs::remove_file(path(scene)).unwrap();
            pipe(&path(scene));
        });
        change("a device without end", &|scene, _| {
            fs::remove_file(path(scene)).unwrap();
            symlink("/dev/zero", path(scene)).unwrap();
        });
    }
}

#[test]
fn names_that_were_remembered_wrong() {
    let (scene, evil) = restored();
    let pin = sha256(&scene.bytes);
    let evil = evil.file_name().unwrap().to_str().unwrap().to_owned();
    // Names are asked for when there is a choice: a second digest, of a file that nobody has.
    let other = "f".repeat(64);
    let line = pinned("alpha", "1.0", &scene.bytes);
    let line = format!("{} --hash=sha256:{other}\n", line.trim_end());
    scene.world.write("requirements.txt", line);
    scene.installs_what_is_pinned("b", &[]);
    let names = scene.state("names", "alpha");
    let filename = wheel(GOOD).filename();
    // Another name for the pinned digest, no name, a name of another project, and nonsense.
    for (number, text) in [
        format!("sha256:{pin} alpha-1.0-py2.py3-none-any.whl {pin}\n"),
        format!("sha256:{pin}\n"),
        format!("sha256:{pin} beta-1.0-py3-none-any.whl {pin}\n"),
        format!("sha256:{pin} ../../../etc/passwd {pin}\n"),
        "nonsense".to_owned(),
        "\0".repeat(100),
    ]
    .iter()
    .enumerate()
    {
        fs::write(&names, format!("{text}sha256:{other}\n")).unwrap();
        scene.installs_what_is_pinned(&format!("c{number}"), &[]);
    }
    // The attacker's entry under the pinned digest: what the entry is decides.
    fs::write(&names, format!("sha256:{pin} {filename} {evil}\nsha256:{other}\n")).unwrap();
    let run = scene.install("d", &[]);
    assert!(run.code != 0 || scene.says("d") == GOOD, "{}", run.stderr);
    assert!(run.code == 0 || !scene.world.path("d").exists());
}
