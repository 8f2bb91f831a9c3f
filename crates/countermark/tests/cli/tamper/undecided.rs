//! What cannot be decided is not passed over: files with unusual names, folders that cannot be
//! read, packages that nothing proves, and what these claim to have.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;

use super::scene::{EVIL, Scene};

#[test]
fn names_that_are_not_utf8_are_seen() {
    let scene = Scene::installed();
    let name = OsStr::from_bytes(b"\xff.pth");
    fs::write(scene.site("a").join(name), "import os\n").unwrap();
    scene.verify("a").expect(1).says(r"site-packages/\xff.pth`: it runs at each start of Python");
    scene.install("a", &[]).expect(0).says("note[stray-file]").says(r"\xff.pth");
    scene.install("a", &["--strict"]).expect(1).says("error[stray-file]").says(r"\xff.pth");
    fs::remove_file(scene.site("a").join(name)).unwrap();
    scene.verify("a").expect(0);

    // A claim on what the name looks like when it is shown is no claim on the file.
    let shown = String::from(r"\xff.pth");
    claim(&scene, &shown);
    fs::remove_file(scene.site("a").join(&shown)).unwrap();
    fs::write(scene.site("a").join(name), "import os\n").unwrap();
    scene.verify("a").expect(1).says(r"extra `lib/").says("it runs at each start of Python");

    for place in ["alpha", "../../../bin"] {
        let scene = Scene::installed();
        let folder = scene.site("a").join(place);
        fs::write(folder.join(OsStr::from_bytes(b"x\xfe.py")), "").unwrap();
        scene.verify("a").expect(1).says(r"/x\xfe.py`: no package has it");
    }
    let scene = Scene::installed();
    let folder = scene.site("a").join(OsStr::from_bytes(b"\xfd"));
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("x.py"), "").unwrap();
    scene.verify("a").expect(1).says(r"/\xfd/x.py`: no package has it");
}

#[test]
fn folders_that_cannot_be_read_leave_it_undecided() {
    let scene = Scene::installed();
    let folder = scene.site("a").join("hidden");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o0)).unwrap();
    // Nothing is hidden from root.
    if fs::read_dir(&folder).is_err() {
        scene.verify("a").expect(3).says("unreadable `lib/").says("site-packages/hidden`");
    }
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    scene.verify("a").expect(0);
}

#[test]
fn a_wheel_that_is_gone_from_the_store_proves_nothing() {
    let scene = Scene::installed();
    fs::remove_dir_all(scene.entry()).unwrap();
    let run = scene.verify("a");
    run.expect(3).says("unreadable alpha: could not check: the store has no sha256:");
    run.says("1 package, 0 of 1 proved").never_says("every byte checked");
    let json = scene.world.run(&["verify", "--python", "a", "--format", "json"]);
    json.expect(3).says("\"verdict\": \"undecided\"").says("\"proved\": 0");
    // With the lock it is fetched.
    let url = scene.index.simple_url();
    let against_lock = ["verify", "--python", "a", "-r", "requirements.txt", "-i", &url];
    scene.world.run(&against_lock).expect(0).says("every byte checked");
    // A "no" goes before it.
    fs::remove_dir_all(scene.entry()).unwrap();
    fs::write(scene.module("a"), EVIL).unwrap();
    scene.verify("a").expect(1).says("its bytes differ from its RECORD");
}

#[test]
fn a_record_that_contradicts_its_artifact_is_a_change() {
    let scene = Scene::installed();
    let record = scene.site("a").join("alpha-1.0.dist-info/countermark.json");
    let text = fs::read_to_string(&record).unwrap();
    let (head, tail) = text.split_once("\"tree\": \"sha256:").unwrap();
    let other = format!("{head}\"tree\": \"sha256:{}{}", "0".repeat(64), &tail[64..]);
    fs::write(&record, &other).unwrap();
    // The attacker keeps RECORD in step.
    let list = scene.site("a").join("alpha-1.0.dist-info/RECORD");
    let lines = fs::read_to_string(&list).unwrap();
    let lines: Vec<_> = lines.lines().filter(|line| !line.contains("countermark.json")).collect();
    fs::write(&list, lines.join("\n") + "\nalpha-1.0.dist-info/countermark.json,,\n").unwrap();
    let run = scene.verify("a");
    run.expect(1).says("changed alpha: its record names another tree than its artifact has");
}

#[test]
fn what_runs_at_each_start_needs_a_proved_owner() {
    let scene = Scene::installed();
    claim(&scene, "beta.pth");
    let run = scene.verify("a");
    run.expect(0).says("unproven beta: pip installed it without a record");
    run.says("unproven beta `lib/").says("beta.pth`: it runs at each start of Python");
    run.says("2 packages, 1 of 2 proved").never_says("every byte checked");
    let strict = scene.world.run(&["verify", "--python", "a", "--strict"]);
    strict.expect(1).says("beta.pth");
    // A proved package's files do not become doubtful because another lists them.
    let scene = Scene::installed();
    claim(&scene, "beta.txt");
    scene.verify("a").expect(0).never_says("beta.txt");
}

#[test]
fn a_report_claims_only_what_was_checked() {
    let scene = Scene::installed();
    for (more, expect) in [(&[][..], true), (&["--no-deps"], false)] {
        let run = scene.install("a", &[&["-q", "--report", "-"], more].concat());
        run.expect(0).says("\"tree\"");
        assert_eq!(run.stdout.contains("\"dependencies\""), expect, "{}", run.stdout);
    }
}

/// A package as pip leaves it, with one file besides its metadata.
fn claim(scene: &Scene, name: &str) {
    let site = scene.site("a");
    fs::write(site.join(name), "import os\n").unwrap();
    let folder = site.join("beta-1.0.dist-info");
    fs::create_dir_all(&folder).unwrap();
    let metadata = "Metadata-Version: 2.1\nName: beta\nVersion: 1.0\n";
    let record = format!(
        "{name},,\nbeta-1.0.dist-info/METADATA,,\nbeta-1.0.dist-info/INSTALLER,,\n\
         beta-1.0.dist-info/RECORD,,\n"
    );
    for (file, text) in [("METADATA", metadata), ("INSTALLER", "pip\n"), ("RECORD", &record)] {
        fs::write(folder.join(file), text).unwrap();
    }
}
