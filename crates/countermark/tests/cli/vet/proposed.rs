//! The lock as it would be: what the ledger refused is read and vouched for before it is pinned.

use std::fs;
use std::path::PathBuf;

use countermark_testkit::index::{IndexServer, Scenario};
use countermark_testkit::provenance;
use countermark_testkit::wheel::Wheel;
use serde_json::Value;

use super::scene::{index, served, wheel};
use crate::support::{Run, World};

const REQUIRE: &str = "[policy]\nledger = \"require\"\n";

/// A project that pins `cup` 1.0, which its ledger lets pass, and a member whose reviews count.
struct Team {
    world: World,
    server: IndexServer,
}

impl Team {
    fn new(policy: &str) -> Self {
        Self::of(policy, &wheel("cup", "1.0", 200), index)
    }

    fn of(policy: &str, old: &Wheel, serve: impl Fn(&[Wheel]) -> Scenario) -> Self {
        let server = IndexServer::start(serve(std::slice::from_ref(old)));
        let mut world = World::new();
        world.set("COUNTERMARK_INDEX_URL", &server.simple_url());
        world.write("requirements.in", "cup\n");
        world.run(&["lock", "requirements.in"]).expect(0);
        world.run(&["vet", "init", "requirements.txt"]).expect(0);
        for does in ["new", "add"] {
            world.run(&["vet", "key", does, "--author", "alice@example.org"]).expect(0);
        }
        world.write("countermark.toml", policy);
        Self { world, server }
    }

    fn serve(&self, wheel: &Wheel) {
        self.server.change(|scenario| scenario.file(&wheel.name, served(wheel)));
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.world.run(arguments)
    }

    fn lock(&self) -> String {
        self.world.read("requirements.txt")
    }
}

/// The commands that a run names, without their quotes.
fn commands(run: &Run, starting: &str) -> Vec<Vec<String>> {
    let text = format!("{}{}", run.stdout, run.stderr);
    let lines = text.lines().map(str::trim).filter(|line| line.starts_with(starting));
    let words = |line: &str| line.split(' ').skip(1).map(str::to_owned).collect();
    let mut found: Vec<Vec<String>> = lines.map(words).collect();
    found.dedup();
    found
}

fn follow(team: &Team, commands: &[Vec<String>], more: &[&str]) -> Run {
    let [one] = commands else { panic!("one command: {commands:?}") };
    let words: Vec<&str> = one.iter().map(String::as_str).chain(more.iter().copied()).collect();
    team.run(&words)
}

#[test]
fn what_a_refusal_names_leads_to_the_update() {
    let team = Team::new(REQUIRE);
    team.serve(&wheel("cup", "1.1", 203));
    let before = team.lock();
    let refused = team.run(&["update", "--refresh"]);
    refused.expect(1).says("error[ledger]").says("note[lock-proposed]");
    refused.says("`countermark vet suggest --proposed` says the least that has to be read");
    refused.says("countermark vet explain cup==1.1 --proposed");
    assert_eq!(team.lock(), before);
    // The lock on disk passes as before, and the other one is told to be the other one.
    team.run(&["vet"]).expect(0).never_says("as it would be");
    let check = team.run(&["vet", "--proposed"]);
    check.expect(1).says("this is the lock as it would be in place of `requirements.txt`");
    check.says("countermark vet suggest --proposed").says("vet explain cup --proposed");
    team.run(&["vet", "explain", "cup", "--proposed"])
        .expect(1)
        .says("1.1")
        .says("vet suggest --proposed");
    let suggest = team.run(&["vet", "suggest", "--proposed"]);
    suggest.expect(0).says("3 lines instead of 203").never_says("proposed-stale");
    let certify = commands(&suggest, "countermark vet certify");
    assert_eq!(certify, commands(&refused, "countermark vet certify"));
    assert_eq!(certify, [["vet", "certify", "cup==1.1", "--from", "1.0", "--proposed"]]);
    follow(&team, &commands(&refused, "countermark vet diff"), &["--list"])
        .expect(0)
        .says("as in `requirements.txt (proposed)`")
        .says("countermark vet certify cup==1.1 --from 1.0");
    let certified = follow(&team, &certify, &["--yes"]);
    certified.expect(0).says("cup 1.1 meets its criteria").says("countermark vet --proposed");
    team.run(&["vet", "--proposed"]).expect(0);
    assert_eq!(team.lock(), before);
    team.run(&["update", "--refresh"]).expect(0);
    assert!(team.lock().contains("cup==1.1"));
    // What is written is not proposed any more.
    let gone = team.run(&["vet", "suggest", "--proposed"]);
    gone.expect(2).says("error[no-proposed-lock]").says("in this folder").says("hint");
    team.run(&["vet"]).expect(0);
}

#[test]
fn a_new_project_has_no_release_before_and_is_read_whole() {
    let team = Team::new(REQUIRE);
    team.serve(&wheel("jug", "2.0", 50));
    let refused = team.run(&["add", "jug", "--refresh"]);
    refused.expect(1).says("countermark vet inspect jug==2.0 --proposed");
    assert_eq!(team.world.read("requirements.in"), "cup\n");
    follow(&team, &commands(&refused, "countermark vet inspect"), &["--list"]).expect(0);
    let certify = commands(&refused, "countermark vet certify");
    assert_eq!(certify, [["vet", "certify", "jug==2.0", "--proposed"]]);
    follow(&team, &certify, &["--yes"]).expect(0);
    team.run(&["add", "jug", "--refresh"]).expect(0);
    assert!(team.lock().contains("jug==2.0"));
}

#[test]
fn an_exemption_can_be_of_the_lock_as_it_would_be() {
    let team = Team::new(REQUIRE);
    team.serve(&wheel("cup", "1.1", 203));
    team.run(&["update", "--refresh"]).expect(1);
    let exempt = ["vet", "exempt", "cup==1.1", "--reason", "read next week"];
    team.run(&exempt).expect(2).says("error[not-locked]");
    team.run(&[&exempt[..], &["--proposed"]].concat()).expect(0);
    team.run(&["update", "--refresh"]).expect(0);
}

#[test]
fn a_lock_that_was_changed_since_is_said_and_a_later_refusal_takes_its_place() {
    let team = Team::new(REQUIRE);
    team.serve(&wheel("cup", "1.1", 203));
    team.run(&["update", "--refresh"]).expect(1);
    team.run(&["vet", "--proposed"]).expect(1).never_says("proposed-stale");
    let lock = team.lock();
    team.world.write("requirements.txt", format!("{lock}# by hand\n"));
    let stale = team.run(&["vet", "--proposed"]);
    stale.expect(1).says("note[proposed-stale]").says("run `countermark update` again");
    team.serve(&wheel("cup", "1.2", 204));
    team.run(&["update", "--refresh"]).expect(1);
    let fresh = team.run(&["vet", "--proposed"]);
    fresh.expect(1).says("cup 1.2").never_says("proposed-stale").never_says("cup 1.1");
}

#[test]
fn warn_keeps_it_as_long_as_nothing_is_written() {
    let team = Team::new("[policy]\nledger = \"warn\"\n");
    team.serve(&wheel("cup", "1.1", 203));
    let dry = team.run(&["update", "--refresh", "--dry-run"]);
    dry.expect(0).says("note[lock-proposed]").says("warning[ledger]");
    team.run(&["vet", "suggest", "--proposed"])
        .expect(0)
        .says("certify cup==1.1 --from 1.0 --proposed");
    team.run(&["update", "--refresh"]).expect(0).never_says("note[lock-proposed]");
    team.run(&["vet", "suggest", "--proposed"]).expect(2).says("error[no-proposed-lock]");
    // Now it is the lock on disk that is asked about.
    team.run(&["vet", "suggest"]).expect(0).says("certify cup==1.1 --from 1.0");
}

#[test]
fn a_file_of_ones_own_is_never_the_lock_or_an_input() {
    let team = Team::new(REQUIRE);
    team.serve(&wheel("cup", "1.1", 203));
    let before = team.lock();
    for place in ["requirements.txt", "./requirements.txt", "requirements.in", "ledger/ledger.toml"]
    {
        let kept = fs::read(team.world.path(place)).expect("a file");
        for command in [&["update"][..], &["add", "cup>=1.1"], &["lock", "requirements.in", "-U"]] {
            let run = team.run(&[command, &["--refresh", "--proposed", place]].concat());
            run.expect(2);
        }
        assert_eq!(fs::read(team.world.path(place)).expect("a file"), kept, "{place}");
    }
    team.run(&["update", "--refresh", "--proposed", "new.txt"]).expect(1);
    assert_eq!(team.lock(), before);
    assert!(team.world.read("new.txt").contains("cup==1.1"));
    team.run(&["vet", "suggest", "new.txt"]).expect(0).says("certify cup==1.1 --from 1.0");
    // On standard output there is no lock that one could be kept for.
    let run = team.run(&["lock", "cup", "-o", "-", "--refresh"]);
    run.expect(1).says("with `--proposed FILE`").never_says("note[lock-proposed]");
}

#[test]
fn of_several_locks_the_one_that_is_named_is_looked_at() {
    let team = Team::new(REQUIRE);
    team.serve(&wheel("cup", "1.1", 203));
    team.run(&["update", "--refresh"]).expect(1);
    let second = ["lock", "requirements.in", "-o", "pylock.toml", "--refresh"];
    let refused = team.run(&second);
    refused.expect(1).says("-r pylock.toml --proposed");
    team.run(&["vet", "--proposed"]).expect(2).says("error[several-locks]").says("pylock.toml");
    team.run(&["vet", "pylock.toml", "--proposed"]).expect(1).says("pylock.toml (proposed)");
    let certify = commands(&refused, "countermark vet certify");
    follow(&team, &certify, &["--yes"]).expect(0).says("vet -r pylock.toml --proposed");
    team.run(&second).expect(0);
    team.run(&["vet", "--proposed"]).expect(0).says("requirements.txt");
    team.run(&["vet", "other.txt", "--proposed"]).expect(2).says("for `other.txt`");
}

#[test]
fn names_without_a_lock_get_an_honest_hint() {
    let team = Team::new(REQUIRE);
    team.serve(&wheel("jug", "2.0", 50));
    let run = team.run(&["install", "jug", "--venv", "env", "--refresh"]);
    run.expect(1).says("reviews are of what a lock has").never_says("vet explain");
    team.run(&["vet", "suggest", "--proposed"]).expect(2).says("error[no-proposed-lock]");
    let saved = ["install", "jug", "--venv", "env", "--refresh", "--save"];
    let refused = team.run(&saved);
    refused.expect(1).says("vet certify jug==2.0 --proposed");
    follow(&team, &commands(&refused, "countermark vet certify"), &["--yes"]).expect(0);
    team.run(&saved).expect(0);
}

/// Everything that is kept in the state folder for proposed locks.
fn kept(team: &Team) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut pending = vec![team.world.home("")];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                pending.push(path);
            } else if path.components().any(|part| part.as_os_str() == "proposed") {
                found.push((path.clone(), fs::read_to_string(path).expect("a text")));
            }
        }
    }
    found
}

#[test]
fn what_is_kept_has_no_secrets() {
    let mut team = Team::new(REQUIRE);
    team.serve(&wheel("cup", "1.1", 203));
    let url = team.server.simple_url().replace("http://", "http://bob:hunter2@");
    team.world.set("COUNTERMARK_INDEX_URL", &url);
    team.world.write("requirements.in", format!("--index-url {url}\ncup\n"));
    let run = team.run(&["update", "--refresh"]);
    run.expect(1).says("note[lock-proposed]").never_says("hunter2");
    let kept = kept(&team);
    assert_eq!(kept.len(), 1);
    assert!(!kept[0].1.contains("hunter2"), "{}", kept[0].1);
    team.run(&["vet", "--proposed"]).expect(1).never_says("hunter2");
}

#[test]
fn what_is_kept_and_is_none_is_told_with_its_place() {
    let team = Team::new(REQUIRE);
    team.serve(&wheel("cup", "1.1", 203));
    team.run(&["update", "--refresh"]).expect(1);
    let (path, text) = kept(&team).pop().expect("a file");
    fs::write(&path, &text[..text.len() / 2]).expect("a file");
    let run = team.run(&["vet", "requirements.txt", "--proposed"]);
    run.expect(2).says("error[proposed-unusable]").says("proposed").says("run the command");
    team.run(&["update", "--refresh"]).expect(1);
    team.run(&["vet", "requirements.txt", "--proposed"]).expect(1).says("cup 1.1");
}

const TRUSTED: &str = "[[trusted]]\npublisher = \"github:acme/cup/release.yml\"\nprojects = [\"cup\"]\n\
                       criteria = [\"safe-to-deploy\"]\nfrom = 2024-01-01\nuntil = 2099-01-01\n\
                       reason = \"they are careful\"\n";

/// An index that says of `cup` that its workflow published it.
fn attested(wheels: &[Wheel]) -> Scenario {
    wheels.iter().fold(Scenario::new(), publish)
}

fn publish(scenario: Scenario, wheel: &Wheel) -> Scenario {
    if wheel.name != "cup" {
        return scenario.file(&wheel.name, served(wheel));
    }
    let (name, bytes) = (wheel.filename(), wheel.build());
    let object = provenance::of_workflow("acme/cup", "release.yml", &name, &bytes);
    scenario.file_with_provenance("cup", served(wheel), object)
}

#[test]
fn facts_of_a_refused_update_are_in_it() {
    let team = Team::of(REQUIRE, &wheel("cup", "1.0", 20), attested);
    let ledger = team.world.read("ledger/ledger.toml");
    team.world.write("ledger/ledger.toml", format!("{ledger}\n{TRUSTED}"));
    team.run(&["vet", "facts"]).expect(0);
    let recorded = team.world.read("ledger/facts.toml");
    team.server.change(|scenario| {
        [wheel("cup", "1.1", 21), wheel("jug", "2.0", 5)].iter().fold(scenario, publish)
    });
    // One is accepted because of its publisher, in the very run in which that is asked for the first
    // time; the other one stands in the way.
    let run = team.run(&["add", "jug", "cup>=1.1", "--refresh"]);
    run.expect(1).says("error[ledger]: jug 2.0").never_says("error[ledger]: cup");
    assert_eq!(team.world.read("ledger/facts.toml"), recorded);
    let json = team.run(&["vet", "--proposed", "--format", "json"]);
    let report: Value = serde_json::from_str(&json.expect(1).stdout).expect("JSON");
    assert!(report.to_string().contains("requirements.txt (proposed)"));
    let suggest = team.run(&["vet", "suggest", "--proposed"]);
    suggest.expect(0).says("certify jug==2.0 --proposed").never_says("certify cup");
    team.run(&["vet", "certify", "jug==2.0", "--proposed", "--yes"]).expect(0);
    team.run(&["vet", "--proposed"]).expect(0);
    // And they can be written down before.
    team.run(&["vet", "facts", "--proposed"]).expect(0);
    assert_ne!(team.world.read("ledger/facts.toml"), recorded);
    team.run(&["add", "jug", "cup>=1.1", "--refresh"]).expect(0);
}
