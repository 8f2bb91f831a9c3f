//! Lists of files that somebody else wrote: a journal that waits in the environment, a RECORD.
//! They lead nowhere outside of the environment.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::scene::Scene;
use crate::support::snapshot;

/// A folder beside the environment with everything that a journal could want to move.
fn victim(scene: &Scene) -> PathBuf {
    for (path, text) in [
        ("victim/precious", "1"),
        ("victim/stage/precious", "2"),
        ("victim/old/0", "3"),
        ("victim/old/1", "4"),
        ("victim/journal", "5"),
        ("precious", "6"),
    ] {
        scene.world.write(path, text);
    }
    scene.world.path("victim")
}

type Snapshot = BTreeMap<PathBuf, (u32, Vec<u8>)>;

/// Everything but the environment, in which there may be pipes.
fn outside(scene: &Scene) -> Vec<(PathBuf, Snapshot, Vec<u8>)> {
    let items = fs::read_dir(scene.world.path("")).unwrap().map(|item| item.unwrap().path());
    let mut paths: Vec<PathBuf> = items.filter(|path| !path.ends_with("a")).collect();
    paths.sort();
    let look = |path: PathBuf| {
        let bytes = fs::read(&path).unwrap_or_default();
        (path.clone(), snapshot(&path), bytes)
    };
    paths.into_iter().map(look).collect()
}

/// What a run of each command does to the world outside, after `prepare` wrote into the
/// environment's `.countermark`.
fn check(what: &str, prepare: &dyn Fn(&Path, &Path)) {
    let commands: [&[&str]; 3] = [
        &["list", "--python", "a"],
        &["uninstall", "--python", "a", "alpha"],
        &["install", "-r", "requirements.txt", "--venv", "a", "--offline"],
    ];
    for command in commands {
        let scene = Scene::installed();
        let victim = victim(&scene);
        prepare(&scene.world.path("a/.countermark"), &victim);
        let before = outside(&scene);
        scene.verify("a").expect(1).says("interrupted `.countermark`");
        let run = scene.world.run(command);
        assert!(before == outside(&scene), "{what}: {command:?}: {}", run.stderr);
        let said = run.stderr.contains("recovered") || run.code != 0;
        assert!(said, "{what}: {command:?}: {}", run.stderr);
    }
}

fn journal(folder: &Path, name: &str, steps: &str, empty: &str) {
    for place in ["stage", "old"] {
        fs::create_dir_all(folder.join(place)).unwrap();
    }
    for (place, file) in [("stage", "precious"), ("old", "0"), ("old", "1")] {
        fs::write(folder.join(place).join(file), "poison").unwrap();
    }
    let text = format!("{{\"format\":1,\"steps\":[{steps}],\"empty\":[{empty}]}}");
    fs::write(folder.join(name), text).unwrap();
}

#[test]
fn journals_of_others_stay_inside() {
    let paths = [
        "../precious",
        "../victim/precious",
        "lib/../../precious",
        "a/../../../precious",
        "..",
        ".",
        "",
        "/",
        "link/precious",
        "link",
    ];
    let scratch = Scene::new();
    let absolute = scratch.world.write("absolute", "7");
    let before = snapshot(&scratch.world.path(""));
    for path in paths.into_iter().chain([absolute.to_str().unwrap()]) {
        for (name, steps, empty) in [
            ("journal", format!("{{\"out\":\"{path}\"}}"), String::new()),
            ("journal", format!("{{\"in\":\"{path}\"}}"), String::new()),
            ("done", String::new(), format!("\"{path}\"")),
        ] {
            check(path, &|folder, victim| {
                journal(folder, name, &steps, &empty);
                symlink(victim, folder.parent().unwrap().join("link")).unwrap();
            });
        }
    }
    assert!(before == snapshot(&scratch.world.path("")));
}

#[test]
fn links_in_place_of_the_folders_are_not_followed() {
    check("the folder itself", &|folder, victim| symlink(victim, folder).unwrap());
    for link in ["stage", "old"] {
        for name in ["journal", "done", "nothing"] {
            check(link, &|folder, victim| {
                journal(folder, name, "{\"out\":\"x\"},{\"in\":\"precious\"}", "\"x\"");
                fs::remove_dir_all(folder.join(link)).unwrap();
                symlink(victim.join(link), folder.join(link)).unwrap();
            });
        }
    }
    for name in ["journal", "done"] {
        check("the list", &|folder, victim| {
            journal(folder, "nothing", "", "");
            symlink(victim.join("journal"), folder.join(name)).unwrap();
        });
        check("a pipe", &|folder, _| {
            journal(folder, "nothing", "", "");
            let made = std::process::Command::new("mkfifo").arg(folder.join(name)).status();
            assert!(made.unwrap().success());
        });
    }
}

#[test]
fn journals_that_are_none() {
    for text in ["", "{}", "{\"format\":2,\"steps\":[],\"empty\":[]}", "[]", "\0", "{\"format\":1"]
    {
        check(text, &|folder, _| {
            journal(folder, "nothing", "", "");
            fs::write(folder.join("journal"), text).unwrap();
        });
    }
}

#[test]
fn a_record_that_leaves_the_environment_removes_nothing() {
    let scratch = Scene::new();
    let absolute = scratch.world.write("absolute", "7");
    let lines = [
        "../../../../precious".to_owned(),
        "../../../../victim/precious".to_owned(),
        "alpha/../../../../../precious".to_owned(),
        absolute.display().to_string(),
        "link/precious".to_owned(),
        "../../../bin/python".to_owned(),
        "../../../pyvenv.cfg".to_owned(),
    ];
    for line in lines {
        let scene = Scene::installed();
        let victim = victim(&scene);
        symlink(&victim, scene.site("a").join("link")).unwrap();
        super::scene::append(
            &scene.site("a").join("alpha-1.0.dist-info/RECORD"),
            &format!("{line},,\n"),
        );
        let before = snapshot(&scene.world.path(""));
        let uninstall = ["uninstall", "--python", "a", "alpha"];
        scene.world.run(&uninstall).expect(1).says("error[cannot-uninstall]").says(&line);
        // A replacement would remove the old files as well.
        scene.install("a", &["--reinstall"]).expect(1).says("error[cannot-uninstall]");
        let after = snapshot(&scene.world.path(""));
        assert!(before == after, "{line}");
    }
    assert!(absolute.exists());
}
