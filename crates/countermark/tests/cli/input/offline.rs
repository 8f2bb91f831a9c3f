//! Without an index: a folder of wheels, a bundle for another machine.

use std::fs;

use super::Shelf;
use crate::support::World;

#[test]
fn a_bundle_installs_where_there_is_no_network() {
    let shelf = Shelf::new();
    let text = shelf.pin("alpha") + &shelf.pin("beta").replace("beta==", "beta[x]==");
    shelf.world.write("requirements.txt", text);
    let url = shelf.index.simple_url();
    let download = ["download", "-r", "requirements.txt", "-d", "bundle", "--bundle", "-i", &url];
    shelf.world.run(&download).expect(0).says("2 files").says("every byte checked");
    let sums = shelf.world.read("bundle/SHA256SUMS");
    assert_eq!(sums.lines().count(), 2);
    // Another machine: nothing but the folder.
    let other = World::new();
    for item in fs::read_dir(shelf.world.path("bundle")).unwrap() {
        let item = item.unwrap();
        let name = format!("bundle/{}", item.file_name().to_str().unwrap());
        other.write(&name, fs::read(item.path()).unwrap());
    }
    drop(shelf);
    let install = [
        "install",
        "--no-index",
        "--find-links",
        "bundle",
        "-r",
        "bundle/requirements.txt",
        "--venv",
        "env",
    ];
    other.run(&install).expect(0).says(" + alpha 1.0").says(" + beta 1.0");
    other.run(&["verify", "--python", "env"]).expect(0).says("as installed");
    let lock = ["verify", "--python", "env", "-r", "bundle/requirements.txt", "--no-index"];
    other.run(&lock).expect(0);
    // A wheel of the bundle that was changed on the way.
    fs::remove_dir_all(other.home(".cache")).unwrap();
    let mut bytes = fs::read(other.path("bundle/alpha-1.0-py3-none-any.whl")).unwrap();
    bytes[40] ^= 1;
    other.write("bundle/alpha-1.0-py3-none-any.whl", bytes);
    let again: Vec<&str> =
        install.iter().map(|word| if *word == "env" { "new" } else { word }).collect();
    other.run(&again).expect(1).says("error[digest-mismatch]").says("alpha");
    assert!(!other.path("new").exists());
}

#[test]
fn no_index_asks_nobody() {
    let shelf = Shelf::new();
    shelf.world.write("requirements.txt", shelf.pin("alpha"));
    fs::create_dir(shelf.world.path("empty")).unwrap();
    let url = shelf.index.simple_url();
    let run = shelf.world.install(&url, &["--no-index", "--find-links", "empty"]);
    run.expect(3).says("alpha");
    shelf.world.install(&url, &["--offline"]).expect(3).says("hint");
    assert!(shelf.index.requests().is_empty());
}

#[test]
fn download_for_another_platform() {
    let shelf = Shelf::new();
    shelf.world.write("requirements.txt", shelf.pin("alpha"));
    let url = shelf.index.simple_url();
    let run = shelf.world.run(&[
        "download",
        "-r",
        "requirements.txt",
        "-d",
        "wheels",
        "-i",
        &url,
        "--python-version",
        "3.12",
        "--platform",
        "manylinux_2_28_aarch64",
    ]);
    run.expect(0);
    let bytes = fs::read(shelf.world.path("wheels/alpha-1.0-py3-none-any.whl")).unwrap();
    assert_eq!(bytes, shelf.bytes("alpha", "1.0"));
    // What does not fit is not downloaded, and nothing else is taken in its place.
    shelf.world.write("requirements.txt", "alpha==1.0 --hash=sha256:".to_owned() + &"0".repeat(64));
    let run = shelf.world.run(&["download", "-r", "requirements.txt", "-d", "other", "-i", &url]);
    run.expect(1).says("error[digest-mismatch]");
    assert!(!shelf.world.path("other/alpha-1.0-py3-none-any.whl").exists());
}
