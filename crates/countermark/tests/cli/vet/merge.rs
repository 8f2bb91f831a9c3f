//! `vet merge`: as git's merge driver, and after git gave up.

use countermark_client::ledger::unmerged::ATTRIBUTES;

use crate::support::{World, pinned};

const HEAD: &str = "# Ours.\n[ledger]\nversion = 1\nname = \"example.org/team\"\n\
                    initialised = 2026-11-22\ncriteria = [\"safe-to-deploy\"]\n";

fn review(project: &str) -> String {
    format!(
        "[[review]]\nproject = \"{project}\"\nversion = \"1.0\"\nfiles = [\n    \
         \"sha256:{} {project}-1.0.zip\",\n]\ncriteria = [\"safe-to-run\"]\nhow = \"full\"\n\
         author = \"alice@example.org\"\non = 2026-11-22\n\n",
        "a".repeat(64)
    )
}

fn exemption(project: &str) -> String {
    format!(
        "\n[[exemption]]\nproject = \"{project}\"\nversion = \"1.0\"\nfiles = [\n    \
         \"sha256:{} {project}-1.0.zip\",\n]\ncriteria = [\"safe-to-deploy\"]\non = 2026-11-22\n",
        "b".repeat(64)
    )
}

fn git(world: &World, arguments: &[&str]) -> bool {
    let who = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgSign=false"];
    world.program("git", &[&who, arguments].concat()).output().expect("git").status.success()
}

fn commit(world: &World, files: &[(&str, &str)]) {
    for (name, text) in files {
        world.write(name, text);
    }
    assert!(git(world, &["add", "."]) && git(world, &["commit", "-q", "-m", "m"]));
}

/// A repository in which git asks us where `driver` says so.
fn repository(driver: bool) -> World {
    let world = World::new();
    assert!(git(&world, &["init", "-q", "-b", "main"]));
    world.write("ledger/.gitattributes", ATTRIBUTES);
    if driver {
        let program = env!("CARGO_BIN_EXE_countermark");
        let command = format!("'{program}' vet merge %O %A %B %P");
        assert!(git(&world, &["config", "merge.countermark.driver", &command]));
    }
    world
}

/// Both sides change a base; whether git could merge them.
fn merged(world: &World, base: [&str; 2], ours: [&str; 2], theirs: [&str; 2]) -> bool {
    let files = |texts: [&str; 2]| {
        let [ledger, reviews] = texts.map(str::to_owned);
        [("ledger/ledger.toml", ledger), ("ledger/reviews.toml", reviews)]
    };
    let commit_all = |texts: [&str; 2]| {
        let files = files(texts);
        commit(world, &files.each_ref().map(|(name, text)| (*name, text.as_str())));
    };
    commit_all(base);
    assert!(git(world, &["checkout", "-q", "-b", "other"]));
    commit_all(theirs);
    assert!(git(world, &["checkout", "-q", "main"]));
    commit_all(ours);
    git(world, &["merge", "-q", "--no-edit", "other"])
}

fn count(world: &World, text: &str) -> usize {
    let files = ["ledger/ledger.toml", "ledger/reviews.toml"].map(|name| world.read(name));
    files.iter().map(|file| file.matches(text).count()).sum()
}

#[test]
fn git_asks_and_neighbouring_entries_of_two_branches_are_all_there() {
    let [a, b, c, d] = ["a", "b", "c", "d"].map(review);
    let base = [format!("{HEAD}{}", exemption("old")), format!("{a}{d}")];
    let both = format!("{HEAD}{}{}", exemption("new-a"), exemption("old"));
    let ours = [both, format!("{a}{b}{c}{d}")];
    let theirs = [format!("{HEAD}{}", exemption("new-b")), format!("{a}{c}")];
    let [base, ours, theirs] =
        [&base, &ours, &theirs].map(|files| files.each_ref().map(String::as_str));
    let world = repository(true);
    assert!(merged(&world, base, ours, theirs), "no conflict");
    for (project, expect) in
        [("a", 1), ("b", 1), ("c", 1), ("d", 0), ("new-a", 1), ("new-b", 1), ("old", 0)]
    {
        assert_eq!(count(&world, &format!("project = \"{project}\"")), expect, "{project}");
    }
    assert_eq!(count(&world, "# Ours."), 1);
    // Without the driver git gives up, and the command says the same afterwards.
    let [ledger, reviews] =
        ["ledger/ledger.toml", "ledger/reviews.toml"].map(|name| world.read(name));
    let world = repository(false);
    assert!(!merged(&world, base, ours, theirs));
    world.write("requirements.txt", pinned("cup", "1.0", b"cup"));
    world.run(&["vet"]).expect(2).says("merge-conflict").says("countermark vet merge");
    world.run(&["vet", "merge"]).expect(0).says("ledger/reviews.toml is merged");
    assert_eq!(world.read("ledger/ledger.toml"), ledger);
    assert_eq!(world.read("ledger/reviews.toml"), reviews);
    assert!(git(&world, &["commit", "-q", "--no-edit"]));
    world.run(&["vet", "merge"]).expect(0).says("nothing of the ledger is in conflict");
}

#[test]
fn what_people_have_to_decide_is_left_to_them() {
    let name = |name: &str| HEAD.replace("example.org/team", name);
    let world = repository(true);
    assert!(!merged(
        &world,
        [HEAD, ""],
        [&name("one"), &review("a")],
        [&name("two"), &review("b")]
    ));
    let text = world.read("ledger/ledger.toml");
    assert!(
        text.contains("<<<<<<< ours\nname = \"one\"\n=======\nname = \"two\"\n>>>>>>> theirs"),
        "{text}"
    );
    assert_eq!(count(&world, "[[review]]"), 2, "what needs nobody is done");
    let run = world.run(&["vet", "merge"]);
    run.expect(1).says("error[vet-conflict]").says("`name` of [ledger]");
    world.write("ledger/ledger.toml", name("three"));
    world.run(&["vet", "merge"]).expect(0).says("as it was resolved by hand");
    assert!(git(&world, &["commit", "-q", "--no-edit"]));
    assert_eq!(world.read("ledger/ledger.toml"), name("three"));
}

#[test]
fn files_that_are_no_ledger_are_refused_and_left_alone() {
    let world = World::new();
    for (name, text) in [("base", ""), ("ours", "x = 1\n"), ("theirs", "y = 1\n")] {
        world.write(name, text);
    }
    world.run(&["vet", "merge", "base", "ours", "theirs"]).expect(2).says("not-a-ledger-file");
    let run = world.run(&["vet", "merge", "base", "ours", "theirs", "ledger/reviews.toml"]);
    run.expect(2).says("outside-a-block").says("our side");
    assert_eq!(world.read("ours"), "x = 1\n");
    world.run(&["vet", "merge", "base", "ours"]).expect(2);
}
