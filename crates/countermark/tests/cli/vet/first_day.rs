//! The first day and the first week of a project with 60 dependencies: green at once, and a week later
//! only what moved has to be looked at.

use std::time::{Duration, Instant};

use countermark_testkit::wheel::Wheel;
use serde_json::Value;

use super::scene::{ALICE, Scene, served, wheel};

/// So many projects, and of them so many that move within the week.
const PROJECTS: usize = 60;
const MOVED: usize = 5;

fn name(number: usize) -> String {
    format!("part{number:02}")
}

fn wants(scene: &Scene, names: &[String]) {
    scene.world.write("requirements.in", names.join("\n") + "\n");
    // A week later no page is fresh; here it is told.
    let lock = ["lock", "--upgrade", "--refresh", "requirements.in", "-o", "requirements.txt"];
    scene.world.run(&lock).expect(0);
}

fn vet(scene: &Scene, arguments: &[&str]) -> crate::support::Run {
    scene.world.run(&[&["vet"], arguments].concat())
}

fn report(run: &crate::support::Run) -> Value {
    serde_json::from_str(&run.stdout).expect("JSON")
}

/// The projects that fail, sorted.
fn failing(scene: &Scene) -> Vec<String> {
    let run = vet(scene, &["--format", "json"]);
    let report = report(run.expect(1));
    let files = report["files"].as_array().expect("files").iter();
    let failing = files.filter(|file| file["passes"] == false);
    let mut names: Vec<String> =
        failing.map(|file| file["project"].as_str().expect("a name").to_owned()).collect();
    names.sort();
    names
}

#[test]
fn green_on_the_first_day_and_a_week_later_only_what_moved() {
    let first: Vec<Wheel> =
        (0..PROJECTS).map(|number| wheel(&name(number), "1.0", 100 + number)).collect();
    let scene = Scene::new(&first);
    let mut names: Vec<String> = (0..PROJECTS).map(name).collect();
    let begun = Instant::now();
    wants(&scene, &names);
    vet(&scene, &["init"]).expect(0).says("60 releases with 60 files");
    vet(&scene, &[]).expect(0).says("60 of 60 files meet the criteria: 60 exempt");
    // The measure is a minute of a person's work; of ours it is a part. Far above what it takes, so
    // that a busy machine does not fail it.
    assert!(begun.elapsed() < Duration::from_mins(1), "{:?}", begun.elapsed());
    for arguments in [["key", "new", "--author", ALICE], ["key", "add", "--author", ALICE]] {
        vet(&scene, &arguments).expect(0);
    }

    // A week later five have moved, one is new and one is gone.
    let gone = names.pop().expect("a name");
    let moved: Vec<Wheel> =
        (0..MOVED).map(|number| wheel(&name(number), "1.1", 103 + number)).collect();
    let new = wheel("newcomer", "0.1", 30);
    scene.server.change(|index| {
        let index = index.file("newcomer", served(&new));
        moved.iter().fold(index, |index, wheel| index.file(&wheel.name, served(wheel)))
    });
    names.push("newcomer".to_owned());
    wants(&scene, &names);
    assert_eq!(
        failing(&scene),
        ["newcomer", "part00", "part01", "part02", "part03", "part04"],
        "what did not move passes as before"
    );

    // Differences where there are any: 5 times 3 new lines, and the newcomer in full.
    let run = vet(&scene, &["suggest", "--format", "json"]);
    let plan = report(run.expect(0));
    assert_eq!(plan["lines"], 5 * 3 + 30);
    let steps = plan["steps"].as_array().expect("steps");
    assert_eq!(steps.iter().filter(|step| step["how"] == "delta").count(), MOVED);
    assert_eq!(steps.len(), MOVED + 1);
    for step in steps {
        let text = |key: &str| step[key].as_str().map(str::to_owned);
        let release = format!("{}=={}", text("project").expect("it"), text("version").expect("it"));
        let from = text("from_version");
        let from: Vec<&str> = from.iter().flat_map(|from| ["--from", from.as_str()]).collect();
        let run = vet(&scene, &[&["certify", &release, "--yes"], &from[..]].concat());
        run.expect(0);
    }
    let run = vet(&scene, &[]);
    run.expect(0)
        .says("60 of 60 files meet the criteria")
        .says("54 exempt")
        .says("5 by differences");

    // What went is not needed; where differences begin is.
    let run = vet(&scene, &["prune"]);
    run.expect(0).says(&gone);
    let ledger = scene.world.read("ledger/ledger.toml");
    assert!(!ledger.contains(&format!("project = \"{gone}\"")), "{gone} went");
    assert_eq!(ledger.matches("[[exemption]]").count(), PROJECTS - 1);
    vet(&scene, &["--all-reviews"]).expect(0);

    // A byte of what was read, and it is not what was read.
    let lock = scene.world.read("requirements.txt");
    let other = crate::support::sha256(&wheel("newcomer", "0.1", 31).build());
    let read = crate::support::sha256(&new.build());
    scene.world.write("requirements.txt", lock.replace(&read, &other));
    assert_eq!(failing(&scene), ["newcomer"]);
}
