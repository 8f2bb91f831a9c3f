//! The store or the state belongs to somebody else, or others can write to it.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use countermark_packaging::digest::{Algorithm, Digest};

use super::scene::{GOOD, Scene};

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

fn is_linked(scene: &Scene, venv: &str) -> bool {
    inode(&scene.module(venv)) == inode(&scene.stored("alpha/__init__.py"))
}

#[test]
fn what_others_can_write_is_copied() {
    let check = |what: &str, change: &dyn Fn(&Scene), back: &dyn Fn(&Scene)| {
        let scene = Scene::installed();
        scene.installs_what_is_pinned("b", &[]);
        assert!(is_linked(&scene, "b"), "{what}");
        change(&scene);
        scene.installs_what_is_pinned("c", &[]);
        assert!(!is_linked(&scene, "c"), "{what}");
        scene.installs_what_is_pinned("d", &["--check", "auto", "--link-mode", "hardlink"]);
        assert!(!is_linked(&scene, "d"), "{what}");
        back(&scene);
        scene.installs_what_is_pinned("e", &[]);
        assert!(is_linked(&scene, "e"), "{what}");
    };
    let store = |scene: &Scene| scene.entry().parent().unwrap().to_owned();
    let modes = |what: &str, path: &dyn Fn(&Scene) -> PathBuf| {
        let (open, closed) = (|scene: &Scene| set_mode(&path(scene), 0o777), 0o755);
        check(what, &open, &|scene| set_mode(&path(scene), closed));
    };
    modes("the store", &store);
    modes("the entry", &|scene| scene.entry());
    modes("its files", &|scene| scene.entry().join("f"));
    let entry = |scene: &Scene, owner| chown(scene.entry(), Some(owner), None).unwrap();
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        check("another's entry", &|scene| entry(scene, 65534), &|scene| entry(scene, 0));
    } else {
        eprintln!("skipped: only root can give a folder to somebody else");
    }
}

#[test]
fn a_state_that_others_can_write_is_not_used() {
    let scene = Scene::installed();
    scene.installs_what_is_pinned("b", &[]).never_says("foreign-state");
    let state = scene.world.home(".local/state/countermark");
    set_mode(&state, 0o777);
    let run = scene.install("c", &[]);
    run.expect(0).says("note[foreign-state]").says("every byte checked");
    assert_eq!(scene.says("c"), GOOD);
    set_mode(&state, 0o700);
    scene.installs_what_is_pinned("d", &[]).never_says("foreign-state");
}

#[test]
fn a_wrong_digest_in_a_lock_costs_no_entry() {
    let scene = Scene::installed();
    let sha256 = crate::support::sha256(&scene.bytes);
    let wrong = Digest::new(Algorithm::Sha512, &[7; 64]).unwrap().hex();
    let filename = super::scene::wheel(GOOD).filename();
    let lock = format!(
        "lock-version = \"1.0\"\ncreated-by = \"test\"\n[[packages]]\nname = \"alpha\"\n\
         version = \"1.0\"\n[[packages.wheels]]\nname = \"{filename}\"\n\
         url = \"http://127.0.0.1:9/{filename}\"\n\
         hashes = {{ sha256 = \"{sha256}\", sha512 = \"{wrong}\" }}\n"
    );
    scene.world.write("pylock.toml", lock);
    let run = scene.world.run(&["install", "-r", "pylock.toml", "--venv", "b"]);
    run.expect(1).says("error[digest-mismatch]").says(&wrong).never_says("store-altered");
    scene.index.forget_requests();
    scene.installs_what_is_pinned("c", &[]);
    assert!(scene.index.requests().is_empty());
}
