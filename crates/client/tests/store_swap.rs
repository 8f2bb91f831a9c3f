//! Row 53 of the gauntlet where the moment can be chosen: names in the store come to mean other
//! files between the check and the use. What was checked is what is used.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use countermark_client::store::{Lookup, Store};
use countermark_packaging::digest::Sha256;
use countermark_packaging::filename::WheelFilename;
use countermark_testkit::wheel::Wheel;
use countermark_trust::Pin;
use sha2::Digest as _;

fn good() -> Wheel {
    Wheel::new("alpha", "1.0").file("alpha.py", b"VERSION = '1.0'\n")
}

fn evil() -> Wheel {
    Wheel::new("alpha", "1.0").file("alpha.py", b"VERSION = '6.6'\n")
}

fn digest(bytes: &[u8]) -> Sha256 {
    Sha256(sha2::Sha256::digest(bytes).into())
}

/// The path of the one download that is on its way.
fn downloading(store: &Store) -> PathBuf {
    let mut folders = fs::read_dir(store.root()).unwrap().map(|item| item.unwrap().path());
    let folder = folders.find(|path| path.to_string_lossy().contains(".tmp-")).unwrap();
    fs::read_dir(folder).unwrap().next().unwrap().unwrap().path()
}

/// Every file below `f/`, joined.
fn unpacked(store: &Store, artifact: Sha256) -> String {
    let items = fs::read_dir(store.folder(artifact).join("f")).unwrap();
    items.map(|item| fs::read_to_string(item.unwrap().path()).unwrap()).collect()
}

fn swapped_before_it_is_unpacked(swap: fn(&Path)) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("cache"), &folder.path().join("state")).unwrap();
    let bytes = good().build();
    let pin = Pin::new([digest(&bytes).into()]).unwrap();
    let filename = WheelFilename::parse(&good().filename()).unwrap();
    let mut download = store.begin(filename.as_str(), Some(&pin), None).unwrap();
    download.write(&bytes).unwrap();
    // All bytes were hashed; now the name is another file.
    swap(&downloading(&store));
    let entry = store.admit(download, &pin, filename, "somewhere".to_owned()).unwrap();
    assert_eq!(entry.tree.artifact().sha256(), digest(&bytes));
    let text = unpacked(&store, digest(&bytes));
    assert!(text.contains("VERSION = '1.0'") && !text.contains("6.6"), "{text}");
    // Whatever was kept as the archive, it is hashed before it is used again.
    let seals = folder.path().join("state/seals");
    fs::remove_dir_all(&seals).unwrap();
    let store = Store::open(&folder.path().join("cache"), &folder.path().join("state")).unwrap();
    match store.look_up(&pin, digest(&bytes)).unwrap() {
        Lookup::Ready(entry) => assert_eq!(entry.tree.artifact().sha256(), digest(&bytes)),
        Lookup::Evicted(_) => assert!(!store.folder(digest(&bytes)).exists()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn another_file_in_the_place_of_a_download() {
    swapped_before_it_is_unpacked(|path| {
        let other = path.with_extension("other");
        fs::write(&other, evil().build()).unwrap();
        fs::rename(other, path).unwrap();
    });
}

#[test]
fn a_link_in_the_place_of_a_download() {
    swapped_before_it_is_unpacked(|path| {
        let other = path.parent().unwrap().parent().unwrap().join("evil.whl");
        fs::write(&other, evil().build()).unwrap();
        fs::remove_file(path).unwrap();
        symlink(other, path).unwrap();
    });
}

#[test]
fn nothing_in_the_place_of_a_download() {
    swapped_before_it_is_unpacked(|path| fs::remove_file(path).unwrap());
}
