//! Files of an environment are changed after they were installed.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use super::scene::{EVIL, GOOD, Scene, append, edit_unseen};

#[test]
fn what_runs_at_each_start_is_reported() {
    for name in ["stray.pth", "sitecustomize.py", "usercustomize.py"] {
        let scene = Scene::installed();
        fs::write(scene.site("a").join(name), "import os\n").unwrap();
        let run = scene.verify("a");
        run.expect(1).says("extra `lib/").says(name).says("it runs at each start of Python");
        let run = scene.install("a", &[]);
        run.expect(0).says("note[stray-file]").says(name);
        scene.install("a", &["--strict"]).expect(1).says("error[stray-file]").says(name);
        scene.install("a", &["--dry-run"]).expect(0).says("note[stray-file]");
    }
}

#[test]
fn a_stray_pth_that_a_record_claims() {
    let scene = Scene::installed();
    fs::write(scene.site("a").join("stray.pth"), "import os\n").unwrap();
    append(&scene.site("a").join("alpha-1.0.dist-info/RECORD"), "stray.pth,,\n");
    scene.verify("a").expect(1).says("extra `lib/").says("stray.pth").says("RECORD");
    scene.install("a", &[]).expect(1).says("error[environment-changed]").says("RECORD");
}

#[test]
fn an_edit_in_one_environment_is_seen_in_the_other() {
    let scene = Scene::installed();
    scene.install("b", &[]).expect(0);
    append(&scene.module("a"), "import os\n");
    assert_ne!(scene.says("b"), GOOD, "hard links");
    for venv in ["a", "b"] {
        scene.verify(venv).expect(1).says("changed alpha").says("alpha/__init__.py");
        let run = scene.install(venv, &[]);
        run.expect(1).says("error[environment-changed]").says("alpha/__init__.py");
        run.says("hint").says("--reinstall");
    }
    scene.installs_what_is_pinned("c", &[]).says("note[store-altered]");
    for venv in ["a", "b"] {
        scene.install(venv, &["--reinstall"]).expect(0).says("put back");
        scene.verify(venv).expect(0);
    }
}

#[test]
fn copies_are_isolated() {
    let scene = Scene::new();
    let copy = ["--link-mode", "copy"];
    for venv in ["a", "b"] {
        scene.install(venv, &copy).expect(0);
    }
    append(&scene.module("a"), "import os\n");
    scene.verify("a").expect(1).says("changed alpha");
    scene.install("a", &copy).expect(1).says("error[environment-changed]");
    scene.verify("b").expect(0);
    scene.install("b", &copy).expect(0).says("nothing to change");
    scene.world.run(&["cache", "verify"]).expect(0);
    // A copy has an inode of its own, which no seal vouches for: its bytes are read.
    scene.install("a", &["--link-mode", "copy", "--reinstall"]).expect(0);
    edit_unseen(&scene.module("a"), EVIL);
    scene.install("a", &copy).expect(1).says("its bytes differ");
}

/// A change, and the path that is named for it.
type Change = (&'static str, &'static str, fn(&Path));

#[test]
fn an_edited_environment_is_not_installed_into() {
    let changes: [Change; 12] = [
        ("appended", "alpha/data.txt", |path| append(path, "x")),
        ("gone", "alpha/data.txt", |path| fs::remove_file(path).unwrap()),
        ("replaced by a link", "alpha/data.txt", |path| {
            fs::rename(path, path.with_extension("aside")).unwrap();
            symlink(path.with_extension("aside"), path).unwrap();
        }),
        ("executable", "alpha/data.txt", |path| {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }),
        ("set-uid", "alpha/data.txt", |path| {
            fs::set_permissions(path, fs::Permissions::from_mode(0o4644)).unwrap();
        }),
        ("its folder is a link", "alpha/data.txt", |path| {
            let folder = path.parent().unwrap();
            fs::rename(folder, folder.with_extension("aside")).unwrap();
            symlink(folder.with_extension("aside"), folder).unwrap();
        }),
        ("metadata", "alpha-1.0.dist-info/METADATA", |path| append(path, "Requires-Dist: x\n")),
        ("record", "alpha-1.0.dist-info/RECORD", |path| append(path, "other.py,,\n")),
        ("entry points", "alpha-1.0.dist-info/entry_points.txt", |path| append(path, "x = y\n")),
        ("a launcher", "../../../bin/alpha-run", |path| append(path, "import os\n")),
        ("a launcher that cannot run", "../../../bin/alpha-run", |path| {
            fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
        }),
        ("a script", "../../../bin/alpha-script", |path| append(path, "import os\n")),
    ];
    for (what, path, change) in changes {
        let scene = Scene::new();
        scene.install("a", &["--link-mode", "copy"]).expect(0);
        change(&scene.site("a").join(path));
        let name = path.rsplit('/').next().unwrap();
        let verified = scene.verify("a");
        assert_eq!(verified.code, 1, "{what}: {}", verified.stdout);
        verified.says(name);
        let run = scene.install("a", &[]);
        assert_eq!(run.code, 1, "{what}: {}", run.stderr);
        run.says("error[environment-changed]").says(name);
    }
}

#[test]
fn records_of_the_origin_are_compared_and_never_believed() {
    let record = |scene: &Scene| scene.site("a").join("alpha-1.0.dist-info/countermark.json");
    let scene = Scene::installed();
    fs::remove_file(record(&scene)).unwrap();
    scene.verify("a").expect(1).says("unproven alpha").says("missing alpha");
    scene.install("a", &["--strict"]).expect(1).says("error[unproven]");
    scene.install("a", &[]).expect(0).says("note[unproven]");
    scene.verify("a").expect(0).says("as installed");
    for (from, to) in [("\"format\": 1", "\"format\": 2"), ("/files/", "/other/")] {
        let scene = Scene::installed();
        let text = fs::read_to_string(record(&scene)).unwrap();
        assert!(text.contains(from));
        fs::write(record(&scene), text.replace(from, to)).unwrap();
        let verified = scene.verify("a");
        assert!(verified.stdout.contains("alpha"), "{from}: {}", verified.stdout);
    }
}

#[test]
fn an_origin_that_is_another_artifact_is_told_by_the_lock() {
    let scene = Scene::installed();
    // The attacker's wheel was seen and sealed here, under a pin of its own.
    let evil = super::scene::wheel(EVIL);
    let bytes = evil.build();
    scene.world.write(&evil.filename(), &bytes);
    scene.world.write(
        "evil.txt",
        format!("./{} --hash=sha256:{}\n", evil.filename(), crate::support::sha256(&bytes)),
    );
    let install = ["install", "-r", "evil.txt", "--venv", "e"];
    scene.world.run(&install).expect(0);
    for name in ["alpha", "alpha-1.0.dist-info"] {
        fs::remove_dir_all(scene.site("a").join(name)).unwrap();
        let mut copy = Command::new("cp");
        copy.arg("-a").arg(scene.site("e").join(name)).arg(scene.site("a"));
        assert!(copy.status().unwrap().success());
    }
    fs::remove_file(scene.site("a").join("alpha-1.0.dist-info/direct_url.json")).unwrap();
    let url = scene.index.simple_url();
    let against_lock = ["verify", "--python", "a", "-r", "requirements.txt", "-i", &url];
    scene.world.run(&against_lock).expect(1).says("not locked alpha");
    scene.installs_what_is_pinned("a", &[]).says(" ~ alpha 1.0");
}

fn import(scene: &Scene, module: &str) {
    let python = scene.world.path("a/bin/python");
    let import = format!("import {module}");
    let mut command = scene.world.program(python.to_str().unwrap(), &["-c", &import]);
    assert!(command.status().unwrap().success());
}

#[test]
fn bytecode_of_a_real_import_passes_and_another_does_not() {
    let scene = Scene::installed();
    import(&scene, "alpha.other");
    let cache = scene.site("a").join("alpha/__pycache__");
    let mut files: Vec<_> = fs::read_dir(&cache).unwrap().map(|it| it.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len(), 2);
    scene.verify("a").expect(0).says("as installed");
    // The header of the one, which makes Python load it, and the code of the other.
    let (good, other) = (fs::read(&files[0]).unwrap(), fs::read(&files[1]).unwrap());
    fs::write(&files[0], [&good[..16], &other[16..]].concat()).unwrap();
    let run = scene.verify("a");
    run.expect(1).says("changed `lib/").says("it is not what its source compiles to");
    fs::write(&files[0], &good).unwrap();
    scene.verify("a").expect(0);
    // Bytecode without a source beside it, which Python would import.
    fs::copy(&files[0], scene.site("a").join("alpha/hidden.pyc")).unwrap();
    scene.verify("a").expect(1).says("extra `lib/").says("hidden.pyc");
    fs::rename(scene.site("a").join("alpha/hidden.pyc"), cache.join("hidden.cpython-311.pyc"))
        .unwrap();
    scene.verify("a").expect(1).says("no package has its source");
}

#[test]
fn modules_that_no_package_has() {
    let scene = Scene::installed();
    fs::write(scene.site("a").join("json.py"), "").unwrap();
    fs::write(scene.site("a").join("alpha/plugin.py"), "").unwrap();
    fs::write(scene.world.path("a/bin/git"), "").unwrap();
    let run = scene.verify("a");
    run.expect(1).says("json.py`: no package has it").says("plugin.py`").says("bin/git`");
}

#[test]
fn an_interpreter_of_the_environment_is_never_run_and_is_compared() {
    let scene = Scene::installed();
    let python = scene.world.path("a/bin/python");
    let marker = scene.world.path("it ran");
    fs::remove_file(&python).unwrap();
    fs::write(&python, format!("#!/bin/sh\ntouch '{}'\n", marker.display())).unwrap();
    fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
    let run = scene.verify("a");
    assert!(!marker.exists());
    run.expect(1).says("changed `bin/python`");
    // It leads to the first, and the first is named.
    run.never_says("bin/python3`");
    // A copy of the program, as `venv --copies` makes, is fine.
    fs::remove_file(&python).unwrap();
    let real = fs::canonicalize(which("python3")).unwrap();
    fs::copy(real, &python).unwrap();
    scene.verify("a").expect(0);
}

/// What a name on the path stands for, behind the scripts of version managers.
fn which(name: &str) -> std::path::PathBuf {
    let output = Command::new(name).args(["-c", "import sys; print(sys.executable)"]).output();
    String::from_utf8(output.unwrap().stdout).unwrap().trim().into()
}
