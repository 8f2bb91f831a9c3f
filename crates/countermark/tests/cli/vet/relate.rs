//! `vet relate`: what the files of a release share, from the index to `relations.toml`.

use countermark_testkit::index::{IndexServer, Scenario, ServedFile};
use countermark_testkit::sdist::{gzip, sdist};
use countermark_testkit::wheel::Wheel;
use serde_json::Value;

use crate::support::{World, sha256};

const MODULE: &[u8] = b"def pour():\n    return 1\n";

fn source() -> Vec<u8> {
    let info = b"Metadata-Version: 2.1\nName: tea\nVersion: 1.0\n";
    sdist(&[("tea-1.0/PKG-INFO", info), ("tea-1.0/src/tea/__init__.py", MODULE)])
}

fn wheel() -> Wheel {
    Wheel::new("tea", "1.0").file("tea/__init__.py", MODULE)
}

/// The same with a file that starts by itself, for one platform.
fn evil() -> Wheel {
    let mut wheel = wheel().file("tea.pth", b"import tea\n");
    wheel.tag = "py3-none-win_amd64".to_owned();
    wheel
}

struct Scene {
    world: World,
    index: IndexServer,
}

impl Scene {
    fn new() -> Self {
        let scenario = Scenario::new()
            .file("tea", ServedFile::honest("tea-1.0.tar.gz", source()))
            .file("tea", ServedFile::honest(&wheel().filename(), wheel().build()))
            .file("tea", ServedFile::honest(&evil().filename(), evil().build()));
        let world = World::new();
        world.write(
            "ledger/ledger.toml",
            "[ledger]\nversion = 1\nname = \"example.org/team\"\ninitialised = 2026-11-22\n\
             criteria = [\"safe-to-deploy\"]\n",
        );
        Self { world, index: IndexServer::start(scenario) }
    }

    fn relate(&self, more: &[&str]) -> crate::support::Run {
        let index = self.index.simple_url();
        let mut arguments = vec!["vet", "relate", "--index-url", &index];
        arguments.extend(more);
        self.world.run(&arguments)
    }

    /// A lock with these files.
    fn lock(&self, files: &[&[u8]]) {
        let digests: String =
            files.iter().map(|bytes| format!(" \\\n    --hash=sha256:{}", sha256(bytes))).collect();
        self.world.write("requirements.txt", format!("tea==1.0{digests}\n"));
    }
}

#[test]
fn a_release_is_shown_and_written_down() {
    let scene = Scene::new();
    let run = scene.relate(&["tea==1.0"]);
    run.expect(0).says("tea-1.0.tar.gz → tea-1.0-py3-none-any.whl: covered");
    run.says("tea-1.0.tar.gz → tea-1.0-py3-none-win_amd64.whl: not covered");
    run.says("      starts-by-itself tea.pth").says("`tea` comes from `src/`");
    // From the wheel without it to the one that has it, and not the other way.
    run.says("tea-1.0-py3-none-any.whl → tea-1.0-py3-none-win_amd64.whl: not covered");
    run.says("      dropped tea.pth").says("4 pairs of files: 1 covered");
    let written = scene.world.read("ledger/relations.toml");
    assert_eq!(written.matches("[[relation]]").count(), 4, "{written}");
    assert!(written.contains(&format!("sha256:{} tea-1.0.tar.gz", sha256(&source()))), "{written}");
    // Once more it is the same file.
    scene.relate(&["tea==1.0"]).expect(0);
    assert_eq!(scene.world.read("ledger/relations.toml"), written);
    scene.relate(&["--check"]).expect(0).says("4 pairs of files");
}

#[test]
fn what_is_written_down_is_held_against_what_comes_out() {
    let scene = Scene::new();
    scene.relate(&["tea==1.0"]).expect(0);
    let written = scene.world.read("ledger/relations.toml");
    // Somebody would like the evil wheel to be covered.
    let better = written.replace("\"starts-by-itself tea.pth\"", "").replace("[\n    ,\n]", "[]");
    assert_ne!(better, written);
    scene.world.write("ledger/relations.toml", &better);
    let run = scene.relate(&["--check"]);
    run.expect(1).says("differs from what is written down: tea-1.0.tar.gz → tea-1.0-py3-none-win");
    assert_eq!(scene.world.read("ledger/relations.toml"), better);
    let run = scene.relate(&["--check", "--format", "json"]);
    let report: Value = serde_json::from_str(&run.expect(1).stdout).expect("JSON");
    let to = &report["releases"][0]["differs"][0]["to"]["name"];
    assert_eq!(to, "tea-1.0-py3-none-win_amd64.whl");
    // A file that is gone can be neither confirmed nor denied.
    let other = "f".repeat(64);
    scene.world.write("ledger/relations.toml", written.replace(&sha256(&source()), &other));
    scene.relate(&["--check"]).expect(3).says("that are written down are not listed");
}

#[test]
fn the_digests_of_a_lock_decide() {
    let scene = Scene::new();
    scene.lock(&[&source(), &wheel().build()]);
    let run = scene.relate(&["--dry-run"]);
    run.expect(0).says("1 pair of files: 1 covered").never_says("win_amd64");
    assert!(!scene.world.path("ledger/relations.toml").exists());
    scene.relate(&["--lock", "requirements.txt"]).expect(0).says("covered");
    assert!(scene.world.path("ledger/relations.toml").exists());
    scene
        .relate(&["--lock", "requirements.txt", "cup==1.0"])
        .expect(2)
        .says("the lock has no cup 1.0");
    // One file has nothing to be compared with.
    scene.lock(&[&wheel().build()]);
    scene.relate(&[]).expect(0).says("0 releases");
    scene.lock(&[&source(), b"another file"]);
    scene.relate(&[]).expect(0).says("note[relate-not-listed]").says("nothing to compare");
}

#[test]
fn a_lock_beside_decides_without_being_named() {
    let scene = Scene::new();
    // Without a lock it is the index that says which files there are.
    scene.relate(&["tea==1.0", "--dry-run"]).expect(0).says("win_amd64");
    scene.lock(&[&source(), &wheel().build()]);
    let run = scene.relate(&["tea==1.0", "--dry-run"]);
    run.expect(0).says("1 pair of files: 1 covered").never_says("win_amd64");
    // Bytes that the lock does not name are not compared, whatever the index says of them.
    scene.lock(&[&source(), b"another file"]);
    let run = scene.relate(&["tea==1.0", "--dry-run"]);
    run.expect(0).says("note[relate-not-listed]").never_says("covered\n").never_says(".whl");
    // One file has nothing to be compared with.
    scene.lock(&[&wheel().build()]);
    let run = scene.relate(&["tea==1.0", "--dry-run"]);
    run.expect(0).says("note[relate-one-locked]").says("win_amd64");
    let run = scene.relate(&["tea==1.0", "--dry-run", "--lock", "requirements.txt"]);
    run.expect(2).says("error[relate-too-few]").says("the lock has one file of tea 1.0");
    // It has nothing to say of other releases.
    scene.world.write("requirements.txt", "cup==1.0\n");
    scene.relate(&["tea==1.0", "--dry-run"]).expect(0).says("win_amd64");
}

#[test]
fn the_ledger_is_where_the_policy_says() {
    let scene = Scene::new();
    let ledger = scene.world.read("ledger/ledger.toml");
    scene.world.write("reviews/ours/ledger.toml", ledger);
    scene
        .world
        .write("countermark.toml", "[policy.ledger]\nmode = \"warn\"\nfolder = \"reviews/ours\"\n");
    scene.relate(&["tea==1.0"]).expect(0);
    assert!(scene.world.path("reviews/ours/relations.toml").exists());
    assert!(!scene.world.path("ledger/relations.toml").exists());
    scene.relate(&["--check"]).expect(0).says("4 pairs of files");
    // What the command line names goes before it, and a policy that is named before the one beside.
    scene.world.write("other.toml", "[policy.ledger]\nmode = \"warn\"\nfolder = \"ledger\"\n");
    scene.relate(&["tea==1.0", "--policy", "other.toml"]).expect(0);
    assert!(scene.world.path("ledger/relations.toml").exists());
    scene.relate(&["--check", "--ledger", "ledger"]).expect(0).says("4 pairs of files");
    // A folder that the policy names has to be there.
    scene.world.write("countermark.toml", "[policy.ledger]\nmode = \"warn\"\nfolder = \"gone\"\n");
    scene.relate(&["tea==1.0"]).expect(2).says("error[no-ledger]");
    scene.world.write("countermark.toml", "[policy.ledger]\nmode = \"warn\"\nfolder = 3\n");
    scene.relate(&["tea==1.0"]).expect(2).says("countermark.toml:3");
}

#[test]
fn other_bytes_than_those_that_are_listed_are_refused() {
    let served =
        ServedFile::honest(&wheel().filename(), wheel().build()).but_serves(evil().build());
    let scenario = Scenario::new()
        .file("tea", ServedFile::honest("tea-1.0.tar.gz", source()))
        .file("tea", served);
    let scene = Scene { index: IndexServer::start(scenario), ..Scene::new() };
    let run = scene.relate(&["tea==1.0"]);
    run.expect(1).says("not compared").never_says("→");
    scene.relate(&["tea==2.0"]).expect(3).says("the index has no files of tea 2.0");
    scene.relate(&["tea"]).expect(2).says("error[bad-release]");
}

#[test]
fn downloads_are_kept_where_that_is_wanted() {
    let scene = Scene::new();
    scene.relate(&["tea==1.0", "--keep", "files"]).expect(0);
    assert_eq!(std::fs::read(scene.world.path("files/tea-1.0.tar.gz")).expect("a file"), source());
    // What is kept and is no longer the same is fetched again.
    scene.world.write("files/tea-1.0.tar.gz", b"something else");
    scene.relate(&["tea==1.0", "--keep", "files"]).expect(0).says(": covered");
    assert_eq!(std::fs::read(scene.world.path("files/tea-1.0.tar.gz")).expect("a file"), source());
}

#[test]
fn files_on_disk_are_shown_only() {
    let scene = Scene::new();
    scene.world.write("tea-1.0.tar.gz", source());
    scene.world.write(&wheel().filename(), wheel().build());
    let run = scene.relate(&["tea-1.0.tar.gz", "tea-1.0-py3-none-any.whl", "--all"]);
    run.expect(0).says("covered").says("record .dist-info/RECORD");
    assert!(!scene.world.path("ledger/relations.toml").exists());
    let run = scene.relate(&["tea-1.0.tar.gz", "tea-1.0-py3-none-any.whl", "--format", "json"]);
    let report: Value = serde_json::from_str(&run.expect(0).stdout).expect("JSON");
    let relation = &report["releases"][0]["relations"][0];
    assert_eq!((&relation["covers"], &relation["same"]), (&true.into(), &1.into()));
    assert_eq!(relation["roots"][0]["folder"], "src/");
    scene.relate(&["tea-1.0.tar.gz"]).expect(2).says("error[relate-too-few]");
    scene.relate(&["tea-1.0.tar.gz", "cup==1.0"]).expect(2).says("error[relate-mixed]");
    scene.relate(&["tea-1.0.tar.gz", "cup.whl"]).expect(2).says("error[bad-release]");
    scene.world.write("cup-1.0-py3-none-any.whl", Wheel::new("cup", "1.0").build());
    let run = scene.relate(&["tea-1.0.tar.gz", "cup-1.0-py3-none-any.whl"]);
    run.expect(2).says("are not of one release");
}

#[test]
fn an_archive_that_two_readers_take_differently_is_refused() {
    let scene = Scene::new();
    scene.world.write(&wheel().filename(), wheel().build());
    let info: &[u8] = b"Metadata-Version: 2.1\nName: tea\nVersion: 1.0\n";
    let two = [("tea-1.0/PKG-INFO", info), ("other/src/tea/__init__.py", MODULE)];
    let twice = [
        ("tea-1.0/PKG-INFO", info),
        ("tea-1.0/src/tea/__init__.py", MODULE),
        ("tea-1.0/src/tea/__init__.py", b"import evil\n"),
    ];
    for (files, said) in [(&two[..], "at the top; expected one"), (&twice[..], "twice")] {
        scene.world.write("tea-1.0.tar.gz", sdist(files));
        let run = scene.relate(&["tea-1.0.tar.gz", "tea-1.0-py3-none-any.whl"]);
        run.expect(1).says(said);
    }
}

#[test]
fn data_may_be_compressed_and_nothing_else_with_it() {
    let scene = Scene::new();
    let info: &[u8] = b"Metadata-Version: 2.1\nName: tea\nVersion: 1.0\n";
    let source = sdist(&[
        ("tea-1.0/PKG-INFO", info),
        ("tea-1.0/src/tea/__init__.py", MODULE),
        ("tea-1.0/src/tea/a.json", b"{}\n"),
    ]);
    scene.world.write("tea-1.0.tar.gz", source);
    let trailing = [gzip(b"{}\n"), gzip(b"more\n")].concat();
    for (inner, said) in [
        (gzip(b"{}\n"), "compressed tea/a.json.gz"),
        (gzip(b"{ }\n"), "added tea/a.json.gz"),
        (trailing, "added tea/a.json.gz"),
        (b"{}\n".to_vec(), "moved tea/a.json.gz"),
    ] {
        scene.world.write(&wheel().filename(), wheel().file("tea/a.json.gz", &inner).build());
        let run = scene.relate(&["tea-1.0.tar.gz", "tea-1.0-py3-none-any.whl", "--all"]);
        run.expect(0).says(said);
    }
}
