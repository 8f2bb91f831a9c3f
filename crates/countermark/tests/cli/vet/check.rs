//! `vet` alone: does every file meet its criteria?

use serde_json::Value;

use super::import::{Friends, violation};
use super::scene::{ALICE, DAY, Scene, key, pylock, requirements, review, served, wheel};
use crate::support::{World, pinned, sha256};

#[test]
fn a_folder_without_a_lock_or_a_ledger_is_told() {
    let world = World::new();
    world.run(&["vet"]).expect(2).says("error[no-lock]");
    world.write("requirements.txt", pinned("cup", "1.0", b"cup"));
    let run = world.run(&["vet"]);
    run.expect(2).says("error[no-ledger]").says("countermark vet init");
    run.never_says("/work");
    world.run(&["vet", "--ledger", "elsewhere"]).expect(2).says("elsewhere");
}

#[test]
fn only_what_moved_is_named_until_somebody_read_it() {
    let [cup, jug, newer] =
        [wheel("cup", "1.0", 9), wheel("jug", "2.0", 9), wheel("jug", "2.1", 10)];
    let scene = Scene::begun(&[cup.clone(), jug.clone()]);
    scene.vet(&[]).expect(0).says("2 of 2 files meet the criteria: 2 exempt");
    scene.lock(&[cup.clone(), newer.clone()]);
    let run = scene.vet(&[]);
    run.expect(1).says("jug 2.1 does not meet safe-to-deploy").says("pylock.toml:");
    run.never_says("cup").says("vet explain jug");
    // The same bytes under another key, without a signature, or one byte of it changed: nothing.
    let good = review(&newer, Some(&jug), &scene.key);
    let mut unsigned = good.clone();
    unsigned.signature = None;
    let mut other = good.clone();
    other.notes = "not what was signed".to_owned();
    for (bad, code) in [
        (unsigned, "no signature"),
        (review(&newer, Some(&jug), &key(8)), "is not a key of"),
        (other, "is not of this review"),
    ] {
        scene.world.write("ledger/reviews.toml", "");
        scene.add(&[bad]);
        scene.vet(&[]).expect(1).says("does not count").says(code);
        scene.vet(&["--all-reviews"]).expect(1).says("counts for nothing");
    }
    scene.world.write("ledger/reviews.toml", "");
    scene.add(&[good]);
    scene.vet(&[]).expect(0).says("2 of 2 files meet the criteria: 1 by differences, 1 exempt");
    scene.vet(&["check", "--all", "--all-reviews"]).expect(0).says(ALICE);
    scene.vet(&["-q"]).expect(0).never_says("criteria");
    // A review is of bytes: another file of the same name and version is another one.
    scene.lock(&[cup, wheel("jug", "2.1", 11)]);
    scene.vet(&[]).expect(1).says("jug 2.1 does not meet");
}

#[test]
fn reports_are_for_programs_too() {
    let [cup, newer] = [wheel("cup", "1.0", 9), wheel("cup", "1.1", 9)];
    let scene = Scene::begun(std::slice::from_ref(&cup));
    scene.lock(std::slice::from_ref(&newer));
    let run = scene.vet(&["--format", "json"]);
    let report: Value = serde_json::from_str(&run.expect(1).stdout).expect("JSON");
    assert_eq!(report["format"], "countermark-vet/1");
    assert_eq!((&report["passes"], &report["on"]), (&false.into(), &DAY.into()));
    assert_eq!(report["files"][0]["project"], "cup");
    scene.vet(&["--format", "sarif", "--output", "vet.sarif"]).expect(1).never_says("cup");
    let sarif: Value = serde_json::from_str(&scene.world.read("vet.sarif")).expect("JSON");
    let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "pylock.toml");
    scene.lock(&[cup]);
    let run = scene.vet(&["--format", "json"]);
    let report: Value = serde_json::from_str(&run.expect(0).stdout).expect("JSON");
    assert_eq!(report["passes"], true);
}

#[test]
fn every_lock_that_is_named_is_judged_with_what_it_takes_in() {
    let [cup, jug] = [wheel("cup", "1.0", 9), wheel("jug", "2.0", 9)];
    let scene = Scene::begun(std::slice::from_ref(&cup));
    scene.world.write("base.txt", requirements(std::slice::from_ref(&jug)));
    scene.world.write("all.txt", format!("-r base.txt\n{}", requirements(&[cup])));
    scene.vet(&["all.txt"]).expect(1).says("jug 2.0 does not meet").says("base.txt:1:");
    scene.vet(&["pylock.toml", "-r", "base.txt"]).expect(1).says("1 of 2 files");
    scene.vet(&["pylock.toml"]).expect(0);
    scene.vet(&["nowhere.txt"]).expect(2).says("nowhere.txt");
}

#[test]
fn what_has_no_sha256_is_told_and_never_passes() {
    let scene = Scene::begun(&[wheel("cup", "1.0", 9)]);
    let sha512 = "0".repeat(128);
    let locks = [
        ("cup==1.0\n".to_owned(), "cup 1.0 has no digest"),
        (format!("cup==1.0 --hash=sha512:{sha512}\n"), "has a sha512 only"),
        ("cup @ git+https://git.example.org/cup@v1\n".to_owned(), "comes from the repository"),
    ];
    for (lock, says) in locks {
        scene.world.write("other.txt", lock);
        let run = scene.vet(&["other.txt"]);
        run.expect(1).says("error[vet-no-digest]").says(says).says("other.txt:1");
        let run = scene.vet(&["other.txt", "--format", "json"]);
        let report: Value = serde_json::from_str(&run.expect(1).stdout).expect("JSON");
        assert!(report["notes"][0].as_str().expect("a note").contains(says), "{report}");
        assert_eq!(report["passes"], false);
        let run = scene.vet(&["other.txt", "--format", "sarif"]);
        let report: Value = serde_json::from_str(&run.expect(1).stdout).expect("JSON");
        let result = &report["runs"][0]["results"][0];
        assert_eq!(result["ruleId"], "vet-no-digest", "{report}");
        assert!(result["message"]["text"].as_str().expect("a text").contains(says), "{result}");
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "other.txt");
        assert_eq!(place["region"]["startLine"], 1);
    }
}

#[test]
fn criteria_can_be_asked_for_and_are_never_guessed() {
    let scene = Scene::new(&[wheel("cup", "1.0", 9)]);
    scene.world.write("pylock.toml", pylock(&[wheel("cup", "1.0", 9)]));
    scene.vet(&["init", "--criteria", "safe-to-run"]).expect(0);
    scene.vet(&[]).expect(0);
    scene.vet(&["--criteria", "safe-to-run"]).expect(0);
    scene.vet(&["--criteria", "safe-to-deploy"]).expect(1).says("safe-to-deploy");
    let run = scene.vet(&["--criteria", "safe-to-rum"]);
    run.expect(2).says("error[unknown-criterion]").says("did you mean `safe-to-run`");
}

/// Makes the folder a git repository and commits everything that is in it.
fn commit(scene: &Scene) {
    let git = |arguments: &[&str]| {
        let mut command = scene.world.program("git", arguments);
        let done = command
            .envs([("GIT_AUTHOR_NAME", "a"), ("GIT_AUTHOR_EMAIL", "a@example.org")])
            .envs([("GIT_COMMITTER_NAME", "a"), ("GIT_COMMITTER_EMAIL", "a@example.org")])
            .output();
        assert!(done.expect("git runs").status.success(), "{arguments:?}");
    };
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "begin"]);
}

#[test]
fn what_was_bad_stays_bad_since_a_revision() {
    let friends = Friends::taken_in();
    let ours = friends.ours();
    let own = violation(&wheel("mug", "3.0", 3));
    friends.scene.world.write("ledger/ledger.toml", format!("{ours}{own}"));
    commit(&friends.scene);
    let since = |code: i32| {
        let run = friends.scene.vet(&["--since", "HEAD"]);
        run.expect(code);
        run
    };
    since(0);
    // One of ours is gone.
    friends.scene.world.write("ledger/ledger.toml", &ours);
    let run = since(1);
    run.says("error[violation-gone]").says("mug-3.0").says("by our ledger").says("HEAD:");
    friends.scene.world.write("ledger/ledger.toml", format!("{ours}{own}"));
    // One of an import is gone, because somebody took the import out by hand.
    let begin = ours.find("[[import]]").expect("an import");
    let end = ours[begin + 1..].find("\n[[exemption]]").map_or(ours.len(), |it| begin + 1 + it);
    let less = format!("{}{}{own}", &ours[..begin], &ours[end..]);
    friends.scene.world.write("ledger/ledger.toml", &less);
    std::fs::remove_dir_all(friends.scene.world.path("ledger/imports")).expect("a folder");
    let run = since(1);
    run.says("error[violation-gone]").says("evil-1.0").says("by the import `acme`");
    run.says("HEAD:").says("imports/acme/ledger.toml:").never_says("mug-3.0");
    // Written down again it is as before.
    let evil = violation(&wheel("evil", "1.0", 3));
    friends.scene.world.write("ledger/ledger.toml", format!("{less}{evil}"));
    since(1).never_says("violation-gone");
}

#[test]
fn what_was_bad_stays_bad_against_another_file() {
    let friends = Friends::taken_in();
    let copy = |name: &str| {
        let text = friends.scene.world.read(&format!("ledger/{name}"));
        friends.scene.world.write(&format!("old/{name}"), text);
    };
    copy("ledger.toml");
    copy("imports/acme/ledger.toml");
    friends.scene.vet(&["--base", "old/ledger.toml"]).expect(0);
    // As `vet import remove` does it, nothing is lost.
    friends.scene.vet(&["import", "remove", "acme"]).expect(0);
    friends.scene.vet(&["--base", "old/ledger.toml"]).expect(1).never_says("violation-gone");
    let ours = friends.ours();
    let at = ours.find("[[violation]]").expect("a violation");
    friends.scene.world.write("ledger/ledger.toml", &ours[..at]);
    let run = friends.scene.vet(&["--base", "old/ledger.toml"]);
    run.expect(1).says("error[violation-gone]").says("old/imports/acme/ledger.toml:");
    // A file with another digest than the recorded one is not what was imported.
    friends.scene.world.write("old/imports/acme/ledger.toml", "other");
    friends.scene.vet(&["--base", "old/ledger.toml"]).expect(1).never_says("violation-gone");
}

#[test]
fn the_list_only_shrinks_without_a_reason() {
    let [cup, jug] = [wheel("cup", "1.0", 9), wheel("jug", "2.0", 9)];
    let scene = Scene::begun(std::slice::from_ref(&cup));
    commit(&scene);
    let before = scene.world.read("ledger/ledger.toml");
    scene.world.write("old.toml", &before);
    scene.vet(&["--since", "HEAD"]).expect(0);
    let exemption = format!(
        "\n[[exemption]]\nproject = \"jug\"\nversion = \"2.0\"\nfiles = [\n    \"{}\",\n]\n\
         criteria = [\"safe-to-deploy\"]\non = {DAY}\n",
        super::scene::file_of(&jug)
    );
    scene.world.write("ledger/ledger.toml", format!("{before}{exemption}"));
    scene.lock(&[cup, jug]);
    scene.vet(&[]).expect(0);
    for asked in [["--since", "HEAD"], ["--base", "old.toml"]] {
        let run = scene.vet(&asked);
        run.expect(1).says("error[exemption-without-reason]").says("jug 2.0").says("ledger.toml:");
    }
    let reason = format!("{before}{exemption}reason = \"read by the neighbours\"\n");
    scene.world.write("ledger/ledger.toml", reason);
    scene.vet(&["--since", "HEAD"]).expect(0);
    // Less is always right, and before the ledger there was nothing to compare with.
    scene.vet(&["--base", "ledger/ledger.toml"]).expect(0);
    scene.vet(&["--since", "nowhere"]).expect(2).says("error[revision]");
}

#[test]
fn mistakes_in_the_ledger_are_told_at_their_places() {
    let scene = Scene::begun(&[wheel("cup", "1.0", 9)]);
    let good = scene.world.read("ledger/ledger.toml");
    let bad = good.replace("safe-to-deploy", "safe-to-fly").replace("[ledger]", "[ledger]\nx = 1");
    scene.world.write("ledger/ledger.toml", bad);
    scene.world.write("ledger/reviews.toml", "[[review]]\nproject = \"Cup\"\n");
    let run = scene.vet(&[]);
    run.expect(2).says("safe-to-fly").says("ledger/reviews.toml").says("ledger/ledger.toml");
    assert!(run.stderr.matches("error[").count() >= 3, "{}", run.stderr);
    scene
        .world
        .write("ledger/ledger.toml", good.replace(&key(7).verifier().to_string(), "nonsense"));
    scene.world.write("ledger/reviews.toml", "");
    scene.vet(&[]).expect(2).says("ledger/ledger.toml");
}

#[test]
fn what_is_installed_is_judged_by_the_records_of_the_installer() {
    let [cup, jug] = [wheel("cup", "1.0", 9), wheel("jug", "2.0", 9)];
    let scene = Scene::begun(std::slice::from_ref(&cup));
    scene.server.change(|index| index.file("jug", served(&jug)));
    scene.world.write("requirements.txt", requirements(std::slice::from_ref(&cup)));
    scene.world.install(&scene.server.simple_url(), &[]).expect(0);
    scene.vet(&["--environment", "env"]).expect(0).says("1 of 1 file meets");
    scene.world.write("requirements.txt", requirements(&[cup, jug]));
    scene.world.install(&scene.server.simple_url(), &[]).expect(0);
    scene.vet(&["--environment", "env"]).expect(1).says("jug 2.0 does not meet");
    // Without a record nobody knows which file it came from.
    let record = scene.world.site().join("cup-1.0.dist-info/countermark.json");
    std::fs::remove_file(record).expect("a record");
    let run = scene.vet(&["--environment", "env"]);
    run.expect(1).says("error[vet-no-record]").says("cup 1.0");
    scene.vet(&["--environment", "nowhere"]).expect(2);
}

#[test]
fn only_files_that_the_interpreter_takes_can_be_asked_for() {
    let cup = wheel("cup", "1.0", 9);
    let scene = Scene::begun(std::slice::from_ref(&cup));
    let more = format!(
        "\n[[packages.wheels]]\nname = \"cup-1.0-cp27-cp27m-win32.whl\"\n\
         url = \"https://index.example.org/x\"\nhashes = {{ sha256 = \"{}\" }}\n\
         \n[[packages]]\nname = \"jug\"\nversion = \"2.0\"\nmarker = \"python_version < '3'\"\n\
         \n[[packages.wheels]]\nname = \"jug-2.0-py3-none-any.whl\"\n\
         url = \"https://index.example.org/y\"\nhashes = {{ sha256 = \"{}\" }}\n",
        sha256(b"another"),
        sha256(b"jug"),
    );
    scene.world.write("pylock.toml", pylock(&[cup]) + &more);
    scene.vet(&[]).expect(1).says("1 of 3 files").says("cp27").says("jug");
    scene.vet(&["--usable"]).expect(0).says("1 of 1 file");
}
