//! The ledger in the commands that write, install and judge pins, and the facts that it rests on.

use countermark_ledger::review::Review;
use countermark_ledger::signature;
use countermark_testkit::index::{Advertised, IndexServer, Scenario};
use countermark_testkit::provenance;
use countermark_testkit::wheel::Wheel;

use super::scene::{ALICE, file_of, index, key, key_table, review, served, wheel};
use crate::support::{Run, World, sha256};

const REQUIRE: &str = "[policy]\nledger = \"require\"\n";

/// A project that pins `cup` 1.0, with a ledger in which that passes, and an index that has 1.1 too.
struct Team {
    world: World,
    server: IndexServer,
}

impl Team {
    fn new(policy: &str) -> Self {
        Self::of(policy, &wheel("cup", "1.0", 5), index)
    }

    fn of(policy: &str, old: &Wheel, serve: impl Fn(&[Wheel]) -> Scenario) -> Self {
        let server = IndexServer::start(serve(std::slice::from_ref(old)));
        let mut world = World::new();
        world.set("COUNTERMARK_INDEX_URL", &server.simple_url());
        world.write("requirements.in", "cup\n");
        world.run(&["lock", "requirements.in"]).expect(0);
        world.run(&["vet", "init", "requirements.txt"]).expect(0);
        let ledger = world.read("ledger/ledger.toml");
        world.write("ledger/ledger.toml", ledger + &key_table(ALICE, &key(7)));
        world.write("countermark.toml", policy);
        Self { world, server }
    }

    fn serve(&self, wheel: &Wheel) {
        self.server.change(|scenario| scenario.file(&wheel.name, served(wheel)));
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.world.run(arguments)
    }

    /// A review of the wheel, of a day long past, so that it is of no day to come.
    fn vouch(&self, wheel: &Wheel, from: Option<&Wheel>) {
        let mut review: Review = review(wheel, from, &key(7));
        review.on = "2024-01-01".parse().expect("a day");
        review.signature = Some(signature::sign(&review, &key(7)).expect("a signature"));
        let text = countermark_ledger::format::write([&review]);
        self.world.write("ledger/reviews.toml", text);
    }

    fn decide(&self, more: &str) {
        let ledger = self.world.read("ledger/ledger.toml");
        self.world.write("ledger/ledger.toml", format!("{ledger}\n{more}"));
    }

    fn version(&self) -> String {
        let lock = self.world.read("requirements.txt");
        let line = lock.lines().find_map(|line| line.strip_prefix("cup==")).expect("a pin");
        line.split([' ', '\\']).next().expect("a version").to_owned()
    }
}

fn violation(wheel: &Wheel) -> String {
    format!(
        "[[violation]]\nproject = \"cup\"\nversion = \"{}\"\nfiles = [\n    \"{}\",\n]\n\
         on = 2024-01-01\nreason = \"steals tea\"\n",
        wheel.version,
        file_of(wheel)
    )
}

/// The line that a refusal printed.
fn line(run: &Run) -> String {
    let text = format!("{}{}", run.stdout, run.stderr);
    text.lines().find(|line| line.starts_with("{ rule = ")).expect("a line").to_owned()
}

#[test]
fn a_pin_moves_once_somebody_read_what_it_moves_to() {
    let team = Team::new(REQUIRE);
    let [old, new] = [wheel("cup", "1.0", 5), wheel("cup", "1.1", 6)];
    team.serve(&new);
    let before = team.world.read("requirements.txt");
    for command in [
        &["update", "--refresh"][..],
        &["lock", "requirements.in", "-U", "--refresh"],
        &["add", "cup==1.1", "--refresh"],
        &["install", "cup==1.1", "--venv", "env", "--refresh"],
        &["install", "cup==1.1", "--venv", "env", "--refresh", "--save"],
    ] {
        let run = team.run(command);
        run.expect(1).says("error[ledger]").says("cup 1.1 has a file that nobody vouches for");
        run.says("expected safe-to-deploy, found no review");
        let is_locked = command[0] != "install" || command.contains(&"--save");
        run.says(if is_locked {
            "countermark vet explain cup==1.1 --proposed"
        } else {
            "reviews are of what a lock has"
        });
        assert_eq!(team.world.read("requirements.txt"), before, "{command:?}");
    }
    assert!(!team.world.path("env").exists());
    team.vouch(&new, Some(&old));
    team.run(&["update", "--refresh"]).expect(0).says("cup 1.0 → 1.1");
    assert_eq!(team.version(), "1.1");
    team.run(&["install", "cup", "--venv", "env"]).expect(0);
    // Another signature, and it counts for nothing again; that is said.
    let reviews = team.world.read("ledger/reviews.toml").replace("2024-01-01", "2024-01-02");
    team.world.write("ledger/reviews.toml", reviews);
    let run = team.run(&["install", "cup", "--venv", "other"]);
    run.expect(1).says("found a review by alice@example.org");
}

#[test]
fn a_pin_that_stands_is_not_asked_about_again_and_the_gate_asks_about_all() {
    let team = Team::new(REQUIRE);
    team.serve(&wheel("jug", "2.0", 5));
    let ledger = team.world.read("ledger/ledger.toml");
    let without = ledger.split("[[exemption]]").next().expect("a head").to_owned();
    team.world.write("ledger/ledger.toml", without);
    team.run(&["lock", "requirements.in", "--refresh"]).expect(0);
    team.run(&["gate", "requirements.txt", "--offline"]).expect(1).says("[ledger]");
    team.world.write("ledger/ledger.toml", ledger);
    team.run(&["gate", "requirements.txt", "--offline"]).expect(0);
}

#[test]
fn warn_tells_and_lets_it_pass() {
    let team = Team::new("[policy.ledger]\nmode = \"warn\"\n");
    let new = wheel("cup", "1.1", 6);
    team.serve(&new);
    let run = team.run(&["update", "--refresh"]);
    run.expect(0).says("cup 1.1 has a file that nobody vouches for").says("warning[ledger]");
    assert_eq!(team.version(), "1.1");
    team.run(&["gate", "requirements.txt", "--offline"]).expect(0).says("low");
    team.run(&["gate", "requirements.txt", "--offline", "--fail-on", "low"]).expect(1);
    let install = ["install", "-r", "requirements.txt", "--venv", "env"];
    team.run(&install).expect(0).says("cup 1.1 has a file that nobody vouches for");
    // What is known to be bad is refused all the same.
    team.decide(&violation(&new));
    std::fs::remove_dir_all(team.world.path("env")).expect("an environment");
    team.run(&install).expect(1).says("error[ledger]").says("steals tea");
    assert!(!team.world.path("env/lib").exists());
    team.run(&["gate", "requirements.txt", "--offline"]).expect(1).says("steals tea");
    team.run(&["lock", "requirements.in", "--refresh", "-o", "other.txt"]).expect(1);
}

#[test]
fn install_asks_about_the_file_that_it_chose_before_anything_is_installed() {
    let team = Team::new(REQUIRE);
    let install = ["install", "-r", "requirements.txt", "--venv", "env"];
    team.run(&install).expect(0);
    let new = wheel("cup", "1.1", 6);
    team.serve(&new);
    let digest = sha256(&new.build());
    team.world.write("requirements.txt", format!("cup==1.1 --hash=sha256:{digest}\n"));
    let before = crate::support::snapshot(&team.world.path("env"));
    let run = team.run(&install);
    run.expect(1).says("error[ledger]").says("cup-1.1-py3-none-any.whl").says("requirements.txt:1");
    assert_eq!(crate::support::snapshot(&team.world.path("env")), before);
    team.vouch(&new, None);
    team.run(&install).expect(0).says("cup 1.0 -> 1.1");
}

#[test]
fn an_exception_lets_a_lack_of_reviews_pass_and_no_violation() {
    let team = Team::new(REQUIRE);
    let new = wheel("cup", "1.1", 6);
    team.serve(&new);
    let run = team.run(&["update", "--refresh"]);
    let pasted = format!("{REQUIRE}allow = [\n{}\n]\n", line(run.expect(1)));
    team.world.write("countermark.toml", &pasted);
    let before = team.world.read("requirements.txt");
    team.decide(&violation(&new));
    let run = team.run(&["update", "--refresh"]);
    run.expect(1).says("cup 1.1 is known to be bad").says("steals tea");
    run.says("nothing lets it pass").never_says("{ rule = ");
    assert_eq!(team.world.read("requirements.txt"), before);
    // A review does not help either.
    team.vouch(&new, None);
    team.run(&["update", "--refresh"]).expect(1).says("known to be bad");
    let ledger = team.world.read("ledger/ledger.toml");
    let without = ledger.split("[[violation]]").next().expect("a head").to_owned();
    team.world.write("ledger/ledger.toml", without);
    team.world.write("ledger/reviews.toml", "");
    team.run(&["update", "--refresh"]).expect(0).says("let pass");
    team.run(&["gate", "requirements.txt", "--offline"]).expect(0);
    let install = ["install", "-r", "requirements.txt", "--venv", "env"];
    team.run(&install).expect(0).says("let pass");
    team.world.write("countermark.toml", REQUIRE);
    team.run(&install).expect(1);
}

#[test]
fn the_gate_shows_it_in_every_form() {
    let team = Team::new(REQUIRE);
    let new = wheel("cup", "1.1", 6);
    let digest = sha256(&new.build());
    team.world.write("requirements.txt", format!("cup==1.1 --hash=sha256:{digest}\n"));
    for format in ["text", "json", "sarif", "junit", "markdown"] {
        let run = team.run(&["gate", "requirements.txt", "--offline", "--format", format]);
        run.expect(1).says("ledger").says("found no review").says("countermark vet explain cup");
    }
    team.vouch(&new, None);
    for format in ["text", "json", "sarif", "junit", "markdown"] {
        let run = team.run(&["gate", "requirements.txt", "--offline", "--format", format]);
        run.expect(0).never_says("found no review");
    }
}

#[test]
fn the_question_makes_no_request() {
    let team = Team::new(REQUIRE);
    team.run(&["install", "-r", "requirements.txt", "--venv", "first"]).expect(0);
    team.server.forget_requests();
    team.run(&["gate", "requirements.txt", "--offline"]).expect(0);
    team.run(&["install", "-r", "requirements.txt", "--venv", "second", "--offline"]).expect(0);
    team.run(&["lock", "requirements.in", "--offline", "-o", "other.txt"]).expect(0);
    assert_eq!(team.server.request_lines(), [""; 0]);
}

#[test]
fn a_ledger_that_is_asked_and_not_there_is_a_mistake() {
    let team = Team::new(REQUIRE);
    std::fs::rename(team.world.path("ledger"), team.world.path("team")).expect("a rename");
    let commands = [
        &["update", "--refresh"][..],
        &["gate", "requirements.txt", "--offline"],
        &["install", "-r", "requirements.txt", "--venv", "env"],
        &["install", "cup", "--venv", "env"],
    ];
    for command in commands {
        team.run(command).expect(2).says("error[no-ledger]").says("countermark vet init");
    }
    assert!(!team.world.path("env").exists());
    let named = "[policy.ledger]\nmode = \"require\"\nfolder = \"team\"\n";
    team.world.write("countermark.toml", named);
    for command in commands {
        team.run(command).expect(0);
    }
    team.world.write("countermark.toml", format!("{named}criteria = [\"safe-to-fly\"]\n"));
    let run = team.run(commands[1]);
    run.expect(2).says("error[unknown-criterion]").says("safe-to-fly").says("safe-to-run");
    team.world.write("countermark.toml", format!("{named}criteria = [\"safe-to-run\"]\n"));
    team.run(commands[1]).expect(0);
    // Where nobody asks, nobody misses it.
    team.world.write("countermark.toml", "[policy]\n");
    std::fs::remove_dir_all(team.world.path("team")).expect("a folder");
    team.run(commands[1]).expect(0);
}

#[test]
fn init_asks_the_ledger_where_there_is_one() {
    let team = Team::new("");
    for (has_ledger, expect) in [(true, "\nledger = \"require\""), (false, "\n# ledger = ")] {
        std::fs::remove_file(team.world.path("countermark.toml")).expect("a file");
        if !has_ledger {
            std::fs::remove_dir_all(team.world.path("ledger")).expect("a folder");
        }
        let run = team.run(&["init", "--offline", "--no-ci", "--no-pre-commit"]);
        assert!(run.code <= 3, "{run:?}");
        assert!(team.world.read("countermark.toml").contains(expect));
    }
}

// What `update` and `vet facts` write down.

const REPOSITORY: &str = "acme/cup";

/// An index that says of each wheel that the workflow published it, and who holds the project.
fn attested(wheels: &[Wheel]) -> Scenario {
    let scenario = Scenario::new().role("cup", "Owner", "bob");
    wheels.iter().fold(scenario, |scenario, wheel| publish(scenario, wheel, "release.yml", wheel))
}

/// One more wheel, with provenance that may be about another one.
fn publish(scenario: Scenario, wheel: &Wheel, workflow: &str, said_of: &Wheel) -> Scenario {
    let (name, bytes) = (said_of.filename(), said_of.build());
    let object = provenance::of_workflow(REPOSITORY, workflow, &name, &bytes);
    scenario.file_with_provenance("cup", served(wheel), object)
}

const TRUSTED: &str = "[[trusted]]\npublisher = \"github:acme/cup/release.yml\"\nprojects = [\"cup\"]\n\
                       criteria = [\"safe-to-deploy\"]\nfrom = 2024-01-01\nuntil = 2099-12-31\n\
                       reason = \"we watch it\"\n";

fn trusting() -> Team {
    let team = Team::of(REQUIRE, &wheel("cup", "1.0", 5), attested);
    team.decide(TRUSTED);
    team
}

fn facts(team: &Team) -> String {
    std::fs::read_to_string(team.world.path("ledger/facts.toml")).unwrap_or_default()
}

#[test]
fn a_trusted_publisher_covers_a_release_like_the_one_before() {
    let team = trusting();
    let new = wheel("cup", "1.1", 6);
    team.server.change(|scenario| publish(scenario, &new, "release.yml", &new));
    team.run(&["update", "--refresh"]).expect(0);
    assert_eq!(team.version(), "1.1");
    let written = facts(&team);
    for expect in [
        "accounts = [\"bob\"]",
        &format!("file = \"{}\"", file_of(&new)),
        "uploaded = 2026-03-01",
        "publisher = \"github:acme/cup/release.yml\"",
        &format!("before = \"{}\"", file_of(&wheel("cup", "1.0", 5))),
        "publisher-before = \"github:acme/cup/release.yml\"",
        "adds = []",
    ] {
        assert!(written.contains(expect), "{expect}\n{written}");
    }
    // From then on the question needs nobody.
    team.run(&["gate", "requirements.txt", "--offline"]).expect(0);
    // The same again says the same.
    team.run(&["update", "--refresh"]).expect(0);
    team.run(&["vet", "facts", "requirements.txt"]).expect(0);
    team.run(&["vet", "facts", "requirements.txt", "--check"]).expect(0).says("nothing differs");
    assert_eq!(facts(&team), written);
}

#[test]
fn trust_ends_where_a_release_is_not_like_the_one_before() {
    let plain = wheel("cup", "1.1", 6);
    let native = plain.clone().file("cup/fast.so", b"\x7fELF\x02\x01\x01\0rest");
    let pth = plain.clone().file("cup.pth", b"import cup\n");
    type Serve = Box<dyn Fn(Scenario) -> Scenario>;
    let cases: Vec<(Wheel, Serve, &str)> = vec![
        (
            plain.clone(),
            Box::new({
                let wheel = plain.clone();
                move |scenario| scenario.file("cup", served(&wheel))
            }),
            "the file has no provenance",
        ),
        (
            plain.clone(),
            Box::new({
                let wheel = plain.clone();
                move |scenario| publish(scenario, &wheel, "other.yml", &wheel)
            }),
            "published by github:acme/cup/other.yml",
        ),
        (
            native.clone(),
            Box::new(move |scenario| publish(scenario, &native, "release.yml", &native)),
            "cup/fast.so",
        ),
        (
            pth.clone(),
            Box::new(move |scenario| publish(scenario, &pth, "release.yml", &pth)),
            "cup.pth",
        ),
    ];
    for (_, serve, says) in cases {
        let team = trusting();
        team.server.change(serve);
        team.run(&["update", "--refresh"]).expect(1).says("error[ledger]").says(says);
        assert_eq!(team.version(), "1.0");
        assert_eq!(facts(&team), "", "nothing is recorded of what was refused");
    }
}

#[test]
fn an_index_that_lies_about_provenance_gives_no_fact() {
    let [new, other] = [wheel("cup", "1.1", 6), wheel("cup", "1.1", 7)];
    let team = trusting();
    team.server.change(|scenario| publish(scenario, &new, "release.yml", &other));
    let run = team.run(&["update", "--refresh"]);
    run.expect(1).says("facts-contradicted").says("its attestations are about another file");
    let team = trusting();
    let nowhere = |claims: &mut Advertised| claims.provenance = Some("../../nowhere".to_owned());
    team.server.change(|scenario| scenario.file("cup", served(&new).advertise(nowhere)));
    team.run(&["update", "--refresh"]).expect(1).says("facts-contradicted").says("does not give");
}

#[test]
fn facts_are_held_against_what_was_recorded() {
    let team = trusting();
    team.run(&["vet", "facts", "requirements.txt", "--check"]).expect(1).says("roles of cup: bob");
    assert_eq!(facts(&team), "");
    team.run(&["vet", "facts", "requirements.txt"]).expect(0).says("is written");
    let written = facts(&team);
    assert!(written.contains("publisher = \"github:acme/cup/release.yml\""), "{written}");
    assert!(!written.contains("before ="), "{written}");
    team.run(&["vet", "facts", "--check", "requirements.txt"]).expect(0);
    // Other roles are news; another publisher of the same bytes is a lie, now or then.
    let old = wheel("cup", "1.0", 5);
    team.server
        .change(|_| publish(Scenario::new().role("cup", "Owner", "eve"), &old, "other.yml", &old));
    let run = team.run(&["vet", "facts", "requirements.txt", "--refresh"]);
    run.expect(1).says("roles of cup: eve; recorded: bob").says("facts-contradicted");
    run.says("expected github:acme/cup/release.yml").says("found github:acme/cup/other.yml");
    let after = facts(&team);
    assert!(after.contains("accounts = [\"eve\"]") && !after.contains("other.yml"), "{after}");
    // An index that is down decides nothing, and nothing is lost.
    team.server.change(|_| Scenario::new());
    team.run(&["vet", "facts", "requirements.txt", "--refresh"]).expect(3).says("facts-unknown");
    assert_eq!(facts(&team), after);
    team.run(&["vet", "facts", "requirements.txt", "--offline"]).expect(2).says("offline");
}

#[test]
fn somebody_who_may_release_a_project_does_not_vouch_for_it() {
    let new = wheel("cup", "1.1", 6);
    let team = Team::of(REQUIRE, &wheel("cup", "1.0", 5), attested);
    let ledger = team.world.read("ledger/ledger.toml");
    let own = ledger.replace(
        &format!("author = \"{ALICE}\"\n"),
        &format!("author = \"{ALICE}\"\naccounts = [\"bob\"]\n"),
    );
    assert_ne!(own, ledger);
    team.world.write("ledger/ledger.toml", own);
    team.serve(&new);
    team.vouch(&new, None);
    team.run(&["update", "--refresh"]).expect(1).says("holds a role on cup at the index, as `bob`");
    team.world.write("ledger/ledger.toml", ledger);
    team.run(&["update", "--refresh"]).expect(0);
}

#[test]
fn a_file_that_comes_in_place_of_one_that_the_store_lost_is_asked_about_too() {
    let known = wheel("cup", "1.0", 5);
    let team = Team::of(REQUIRE, &known, index);
    let other = Wheel { tag: "py2.py3-none-any".to_owned(), ..wheel("cup", "1.0", 6) };
    let [one, two] = [&known, &other].map(|it| sha256(&it.build()));
    let lines = format!("cup==1.0 --hash=sha256:{one} --hash=sha256:{two}\n");
    team.world.write("requirements.txt", lines);
    let install = |folder| team.run(&["install", "-r", "requirements.txt", "--venv", folder]);
    install("one").expect(0);
    // The store is damaged, archive and all, and the index has nothing but the other file any more.
    let entry = team.world.home(".cache/countermark/store").join(sha256(&known.build()));
    let mut files = vec![entry.join(known.filename())];
    files.extend(
        std::fs::read_dir(entry.join("f")).expect("files").map(|it| it.expect("one").path()),
    );
    for file in files {
        let mut bytes = std::fs::read(&file).expect("bytes");
        bytes.extend(b"x = 1\n");
        std::fs::remove_file(&file).expect("gone");
        std::fs::write(&file, bytes).expect("changed");
    }
    team.server.change(|_| index(std::slice::from_ref(&other)));
    let run = install("two");
    run.expect(1).says("store-altered").says("cup 1.0 has a file that nobody vouches for");
    assert!(!team.world.path("two").exists());
}
