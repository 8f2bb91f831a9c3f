//! What the store keeps and throws away, and whom it believes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use countermark_client::store::{Entry, Lookup, Store, StoreError};
use countermark_packaging::digest::{Algorithm, Digest, Sha256};
use countermark_packaging::filename::WheelFilename;
use countermark_testkit::wheel::Wheel;
use countermark_trust::{Pin, Rejection};
use sha2::Digest as _;

const SOURCE: &str = "https://example.org/alpha-1.0-py3-none-any.whl";

/// Nobody, on every Linux.
const OTHER: u32 = 65534;

struct Scene {
    folder: tempfile::TempDir,
    bytes: Vec<u8>,
    filename: String,
}

impl Scene {
    /// A store with one wheel.
    fn new() -> Self {
        let wheel = Wheel::new("alpha", "1.0").file("alpha.py", b"VERSION = '1.0'\n");
        let (bytes, filename) = (wheel.build(), wheel.filename());
        let scene = Self { folder: tempfile::tempdir().unwrap(), bytes, filename };
        scene.admit();
        scene
    }

    fn admit(&self) -> Entry {
        let (store, pin) = (self.store(), self.pin());
        let filename = WheelFilename::parse(&self.filename).unwrap();
        let mut download = store.begin(filename.as_str(), Some(&pin), None).unwrap();
        download.write(&self.bytes).unwrap();
        store.admit(download, &pin, filename, SOURCE.to_owned()).unwrap()
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn store(&self) -> Store {
        Store::open(&self.folder.path().join("cache"), &self.state()).unwrap()
    }

    fn sha256(&self) -> Sha256 {
        Sha256(sha2::Sha256::digest(&self.bytes).into())
    }

    fn pin(&self) -> Pin {
        Pin::new([self.sha256().into()]).unwrap()
    }

    fn entry(&self) -> PathBuf {
        self.store().folder(self.sha256())
    }

    fn archive(&self) -> PathBuf {
        self.entry().join(&self.filename)
    }

    fn look_up(&self, pin: &Pin) -> Result<Lookup, StoreError> {
        self.store().look_up(pin, self.sha256())
    }

    #[track_caller]
    fn ready(&self) -> Entry {
        match self.look_up(&self.pin()).unwrap() {
            Lookup::Ready(entry) => *entry,
            other => panic!("{other:?}"),
        }
    }

    fn forget_seals(&self) {
        fs::remove_dir_all(self.state().join("seals")).unwrap();
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Only root can give files away; elsewhere the reason is printed.
fn can_give_away() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("skipped: only root can give a file to somebody else");
    }
    root
}

#[test]
fn a_wrong_line_of_a_lock_leaves_a_good_entry() {
    let check = |prepare: fn(&Scene)| {
        let scene = Scene::new();
        prepare(&scene);
        let wrong = Digest::new(Algorithm::Sha512, &[7; 64]).unwrap();
        let pin = Pin::new([scene.sha256().into(), wrong]).unwrap();
        match scene.look_up(&pin) {
            Err(StoreError::Rejected(Rejection::DigestMismatch { found, .. })) => {
                assert_eq!(found.algorithm(), Algorithm::Sha512);
            }
            other => panic!("{other:?}"),
        }
        assert!(scene.archive().is_file() && scene.entry().join("f/0").is_file());
        scene.look_up(&scene.pin()).unwrap();
        let right = Digest::new(Algorithm::Sha512, &sha2::Sha512::digest(&scene.bytes)).unwrap();
        let pin = Pin::new([scene.sha256().into(), right]).unwrap();
        assert!(matches!(scene.look_up(&pin).unwrap(), Lookup::Ready(_)));
    };
    check(|_| {});
    check(Scene::forget_seals);
    check(|scene| {
        scene.forget_seals();
        fs::remove_file(scene.entry().join("tree")).unwrap();
    });
}

#[test]
fn an_archive_that_is_not_what_its_folder_says_is_evicted() {
    let check = |what: &str, change: fn(&Path)| {
        let scene = Scene::new();
        scene.forget_seals();
        change(&scene.archive());
        let found = scene.look_up(&scene.pin()).unwrap();
        assert!(matches!(found, Lookup::Evicted(_)), "{what}: {found:?}");
        assert!(!scene.entry().exists(), "{what}");
    };
    check("gone", |archive| fs::remove_file(archive).unwrap());
    check("other bytes", |archive| fs::write(archive, b"other").unwrap());
    check("a second wheel", |archive| {
        fs::write(archive.with_file_name("beta-1.0-py3-none-any.whl"), b"").unwrap();
    });
    check("a link", |archive| {
        fs::remove_file(archive).unwrap();
        std::os::unix::fs::symlink("/dev/zero", archive).unwrap();
    });
    check("a socket", |archive| {
        fs::remove_file(archive).unwrap();
        // The path of the archive is too long for a socket to be made there.
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
        fs::rename(socket, archive).unwrap();
    });
}

#[test]
fn where_an_artifact_came_from_outlives_a_repair() {
    let scene = Scene::new();
    fs::write(scene.entry().join("tree"), "nothing\n").unwrap();
    match scene.look_up(&scene.pin()).unwrap() {
        Lookup::Rebuilt(entry, _) => assert_eq!(entry.facts.source, SOURCE),
        other => panic!("{other:?}"),
    }
    assert_eq!(scene.ready().facts.source, SOURCE);
    scene.forget_seals();
    assert_eq!(scene.ready().facts.source, "the store");
}

#[test]
fn a_state_that_others_can_write_is_not_believed() {
    let check = |what: &str, change: &dyn Fn(&Path), back: &dyn Fn(&Path)| {
        let scene = Scene::new();
        assert!(!scene.store().distrusts_state(), "{what}");
        assert_eq!(scene.ready().files.len(), scene.ready().tree.files().len());
        change(&scene.state());
        let store = scene.store();
        assert!(store.distrusts_state(), "{what}");
        // Nothing is sealed, so every byte is looked at; a lie in the state is not even read.
        let Lookup::Ready(entry) = store.look_up(&scene.pin(), scene.sha256()).unwrap() else {
            panic!("{what}");
        };
        assert!(entry.files.is_empty(), "{what}");
        assert_eq!(entry.facts.source, "the store", "{what}");
        store.seal(&entry, Vec::new()).unwrap();
        back(&scene.state());
        assert_eq!(scene.ready().facts.source, SOURCE, "{what}: a seal was written");
    };
    check("the group", &|state| set_mode(state, 0o770), &|state| set_mode(state, 0o700));
    check("everybody", &|state| set_mode(state, 0o707), &|state| set_mode(state, 0o700));
    let seals = |state: &Path| state.join("seals");
    check("the seals", &|state| set_mode(&seals(state), 0o777), &|state| {
        set_mode(&seals(state), 0o700);
    });
    if can_give_away() {
        let give = |path: &Path, owner| chown(path, Some(owner), None).unwrap();
        check("another owner", &|state| give(state, OTHER), &|state| give(state, 0));
        check("another owner of the seals", &|state| give(&seals(state), OTHER), &|state| {
            give(&seals(state), 0);
        });
    }
}

#[test]
fn what_others_can_write_is_foreign() {
    let check = |what: &str, change: &dyn Fn(&Scene)| {
        let scene = Scene::new();
        assert!(!scene.ready().foreign, "{what}");
        change(&scene);
        assert!(scene.ready().foreign, "{what}");
        scene.forget_seals();
        assert!(scene.ready().foreign, "{what}, without a seal");
    };
    check("the store", &|scene| set_mode(scene.store().root(), 0o770));
    check("the entry", &|scene| set_mode(&scene.entry(), 0o707));
    check("its files", &|scene| set_mode(&scene.entry().join("f"), 0o775));
    if can_give_away() {
        let give = |path: &Path| chown(path, Some(OTHER), None).unwrap();
        check("another's store", &|scene| give(scene.store().root()));
        check("another's entry", &|scene| give(&scene.entry()));
        check("another's files", &|scene| give(&scene.entry().join("f")));
    }
}

#[test]
fn compiled_forms_count() {
    let scene = Scene::new();
    let before = scene.store().size().unwrap();
    let compiled = scene.entry().join("c-x");
    fs::create_dir_all(compiled.join("deep")).unwrap();
    fs::write(compiled.join("0"), [0; 1000]).unwrap();
    fs::write(compiled.join("deep/1"), [0; 234]).unwrap();
    let after = scene.store().size().unwrap();
    assert_eq!(after.unpacked, before.unpacked + 1234);
    assert_eq!(after.archives, scene.bytes.len() as u64);
    let list = fs::metadata(scene.entry().join("tree")).unwrap().len();
    let pruned = scene.store().prune(Some(0), SystemTime::now()).unwrap();
    assert_eq!((pruned.wheels, pruned.bytes), (1, after.unpacked + after.archives + list));
}
