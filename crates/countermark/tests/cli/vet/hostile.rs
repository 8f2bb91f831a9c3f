//! Imports that are not what they should be: each is refused with a code and a place, and leaves what was
//! there as it was.

use std::process::Stdio;
use std::time::Duration;

use countermark_ledger::format;
use countermark_testkit::index::{Behaviour, IndexServer, Scenario};

use super::import::{Friends, head, violation};
use super::scene::{ALICE, DAY, key, key_table, review, wheel};
use crate::support::snapshot;

/// Takes in what stands in `theirs`, and expects the code; nothing is there afterwards.
#[track_caller]
fn refused(friends: &Friends, code: &str, exit: i32) -> crate::support::Run {
    let before = snapshot(&friends.scene.world.path("ledger"));
    let run = friends.add(&["--map-builtin", "--accept-keys"]);
    run.expect(exit).says(&format!("error[{code}]"));
    assert_eq!(snapshot(&friends.scene.world.path("ledger")), before);
    run
}

#[test]
fn files_that_cannot_be_read_whole_are_not_stored() {
    let friends = Friends::new();
    let good = format::write(&[friends.review()]);
    let reviews = |text: &str| drop(friends.scene.world.write("theirs/reviews.toml", text));
    for (from, to, code, line) in [
        ("\"jug\"", "\"Jug\"", "not-normal", 5),
        ("\"jug\"", "\"jug.\"", "bad-name", 5),
        ("2.1\"", "2.2\"", "other-release", 8),
        ("sha256:", "sha512:", "bad-file", 8),
        ("2026-11-22", "2026-13-22", "bad-date", 13),
        ("\non = ", "\nnotes = \"\"\"x\"\"\"\non = ", "text-form", 13),
        ("how = \"full\"", "how = \"delta\"", "missing-key", 4),
        ("safe-to-deploy", "Safe", "bad-criterion", 10),
        ("author", "writer", "unknown-key", 12),
    ] {
        let broken = good.replacen(from, to, 1);
        assert_ne!(broken, good, "{from}");
        reviews(&broken);
        let run = refused(&friends, code, 2);
        run.says(&format!("theirs/reviews.toml:{line}:"));
    }
    reviews(&(good.clone() + good.split_once("\n\n").expect("blocks").1));
    refused(&friends, "duplicate-review", 2);
    reviews("<<<<<<< ours\n");
    refused(&friends, "merge-conflict", 2);
    reviews(&good);
    friends.ledger("");
    refused(&friends, "missing-key", 2);
}

#[test]
fn criteria_bombs_are_refused() {
    let friends = Friends::new();
    let criterion = |number: usize| {
        let implies = if number == 0 { String::new() } else { format!("\"c{}\"", number - 1) };
        format!(
            "\n[[criteria]]\nname = \"c{number}\"\ndescription = \"x\"\nimplies = [{implies}]\n"
        )
    };
    let bomb: String = (0..10_000).map(criterion).collect();
    friends.ledger(&(friends.standing() + &bomb));
    refused(&friends, "too-large", 2).says("theirs/ledger.toml:");
    // A circle is no bomb: what is on it implies each other.
    let circle = "\n[[criteria]]\nname = \"a\"\ndescription = \"x\"\nimplies = [\"b\"]\n\
                  \n[[criteria]]\nname = \"b\"\ndescription = \"x\"\nimplies = [\"a\"]\n";
    friends.ledger(&(friends.standing() + circle));
    friends.add(&["--map-builtin", "--accept-keys"]).expect(0);
}

#[test]
fn forged_signatures_count_for_nothing_and_are_said() {
    let friends = Friends::new();
    // Under the friend's name, by somebody else's key; and with other words than were signed.
    let mut altered = friends.review();
    altered.notes = "not what was signed".to_owned();
    for forged in [review(&friends.wheel, None, &key(66)), altered] {
        friends.reviews(&[forged]);
        let run = friends.add(&["--map-builtin", "--accept-keys"]);
        run.expect(0).says("note[import-not-counting]: 1 of 1 review of `acme` do not count");
        friends.scene.vet(&[]).expect(1).says("does not count");
        friends.scene.vet(&["import", "remove", "acme"]).expect(0);
    }
}

#[test]
fn our_own_ledger_is_not_taken_in() {
    let friends = Friends::new();
    let name = friends.ours();
    let name = name.lines().find_map(|line| line.strip_prefix("name = ")).expect("a name");
    friends.ledger(&(head(name.trim_matches('"')) + &key_table(ALICE, &friends.key)));
    refused(&friends, "import-self", 2);
}

#[test]
fn circles_of_imports_end() {
    let friends = Friends::new();
    // They take in a ledger that takes in them and us.
    let import =
        |name: &str, url: &str| format!("\n[[import]]\nname = \"{name}\"\nurl = \"{url}\"\n");
    let circle = import("us", "https://example.org/ledger") + &import("zeta", "../zeta");
    friends.ledger(&(friends.standing() + &circle));
    friends
        .add(&["--map-builtin", "--accept-keys"])
        .expect(0)
        .says("it takes in 2 other ledgers, which count for nothing here");
    friends.scene.vet(&["import"]).expect(0);
    friends.scene.vet(&[]).expect(0);
}

#[test]
fn an_import_that_was_altered_on_disk_is_refused() {
    let friends = Friends::taken_in();
    let file = "ledger/imports/acme/reviews.toml";
    let good = friends.scene.world.read(file);
    friends.scene.world.write(file, good.clone() + "\n");
    friends.scene.vet(&[]).expect(1).says("error[import-changed-on-disk]").says(file);
    // The same comes again and takes its place.
    friends.scene.vet(&["import"]).expect(0);
    assert_eq!(friends.scene.world.read(file), good);
    friends.scene.vet(&[]).expect(0);
    // What comes now is something else again: nobody can say that it continues.
    friends.scene.world.write(file, "");
    friends.reviews(&[]);
    friends.scene.vet(&["import"]).expect(1).says("error[import-changed-on-disk]");
    friends.scene.vet(&["import", "--accept-changes", "we lost ours"]).expect(0);
    friends.scene.vet(&[]).expect(1);
}

/// A server with their files, on which something is wrong with the second one.
fn server(friends: &Friends, behaviour: Behaviour) -> IndexServer {
    let scenario = Scenario::new()
        .serve("/l/ledger.toml", "text/plain", friends.standing().as_str())
        .serve("/l/reviews.toml", "text/plain", format::write(&[friends.review()]).as_str());
    IndexServer::start(scenario.on("/l/reviews.toml", behaviour))
}

#[test]
fn servers_that_lie_store_nothing() {
    let friends = Friends::new();
    let before = snapshot(&friends.scene.world.path("ledger"));
    let page = || Behaviour::Replace {
        content_type: "text/html".to_owned(),
        body: countermark_testkit::index::Body::Bytes((*b"<p>log in").into()),
    };
    let elsewhere = Behaviour::Redirect { code: 302, location: "https://192.0.2.1/x".to_owned() };
    for (behaviour, code, exit) in [
        (Behaviour::Endless { declared: true }, "import-too-large", 3),
        (Behaviour::Stall, "import-too-slow", 3),
        (Behaviour::Truncated { send: 10 }, "import-unreachable", 3),
        (page(), "import-unreachable", 3),
        (elsewhere, "import-unreachable", 1),
        (Behaviour::Status { code: 404, retry_after: None }, "import-not-there", 3),
    ] {
        let server = server(&friends, behaviour);
        let url = format!("{}/l", server.url());
        let run = friends.scene.vet(&[
            "import",
            "add",
            &url,
            "--name",
            "acme",
            "--timeout",
            "1",
            "--accept-keys",
        ]);
        run.expect(exit).says(&format!("error[{code}]")).says("/l/reviews.toml");
        assert_eq!(snapshot(&friends.scene.world.path("ledger")), before);
    }
    for url in ["http://example.org/ledger", "https://a:secret@example.org/ledger", "ftp://x/y"] {
        let run = friends.scene.vet(&["import", "add", url, "--name", "acme"]);
        run.expect(2).says("error[import-address]").never_says("secret");
    }
    let run = friends.scene.vet(&[
        "import",
        "add",
        "https://example.org/l",
        "--name",
        "acme",
        "--offline",
    ]);
    run.expect(3).says("error[offline]");
}

#[test]
fn only_what_changed_is_sent_again() {
    let friends = Friends::new();
    let scenario = Scenario::new()
        .with_etags()
        .serve("/l/ledger.toml", "text/plain", friends.standing().as_str())
        .serve("/l/reviews.toml", "text/plain", format::write(&[friends.review()]).as_str());
    let server = IndexServer::start(scenario);
    let url = format!("{}/l/reviews.toml", server.url());
    let add = ["import", "add", &url, "--name", "acme", "--map-builtin", "--accept-keys"];
    friends.scene.vet(&add).expect(0);
    friends.scene.vet(&[]).expect(0);
    friends.scene.vet(&["import"]).expect(0).says("nothing is new");
    let asked = server.requests();
    assert_eq!(asked.len(), 4, "{asked:?}");
    assert!(asked[2..].iter().all(|it| it.header("if-none-match").is_some()));
}

/// A run that is stopped while the second file is on its way leaves nothing of the first one.
#[test]
fn a_run_that_is_stopped_stores_nothing() {
    let friends = Friends::new();
    let before = snapshot(&friends.scene.world.path("ledger"));
    let server = server(&friends, Behaviour::Stall);
    let url = format!("{}/l", server.url());
    let arguments = ["vet", "import", "add", &url, "--name", "acme", "--date", DAY];
    let mut child =
        friends.scene.world.command(&arguments).stderr(Stdio::null()).spawn().expect("it runs");
    let mut waits = 0;
    while server.requests().len() < 2 {
        waits += 1;
        assert!(waits < 3000, "the second file was never asked for");
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().expect("it is there");
    child.wait().expect("it ends");
    assert_eq!(snapshot(&friends.scene.world.path("ledger")), before);
}

/// Whoever comes second waits for the first and reads what that one wrote.
#[test]
fn two_at_once_do_not_undo_each_other() {
    let friends = Friends::new();
    let names = ["one", "two", "three", "four"];
    let start = |name: &&str| {
        let arguments = ["vet", "import", "add", "theirs", "--name", name, "--date", DAY];
        friends.scene.world.command(&arguments).stderr(Stdio::null()).spawn().expect("it runs")
    };
    let children: Vec<_> = names.iter().map(start).collect();
    for mut child in children {
        assert!(child.wait().expect("it ends").success());
    }
    let ours = friends.ours();
    for name in names {
        assert!(ours.contains(&format!("name = \"{name}\"\n")), "{name} is lost\n{ours}");
    }
    friends.scene.vet(&["import"]).expect(0);
}

#[test]
fn what_acts_on_a_terminal_does_not_get_there() {
    let friends = Friends::new();
    let bad = violation(&friends.wheel).replace("sends keys away", "\\u001b[2J and more");
    friends.ledger(&(friends.standing() + &bad));
    refused(&friends, "control-character", 2).never_says("\u{1b}[2J");
}

/// A ledger that a friend takes in is an offer, and nothing but what the friend may name is asked.
#[test]
fn the_friends_of_friends_are_offers() {
    let friends = Friends::new();
    let zeta_key = key(21);
    let zeta = head("example.org/zeta") + &key_table(ALICE, &zeta_key);
    let read = review(&friends.wheel, None, &zeta_key);
    let other = IndexServer::start(Scenario::new());
    let import =
        |name: &str, url: &str| format!("\n[[import]]\nname = \"{name}\"\nurl = \"{url}\"\n");
    let start = |base: &str| {
        let secret = format!("file://{}", friends.scene.world.path("theirs").display());
        friends.standing()
            + &import("zeta", &format!("{base}/z"))
            + &import("local", &secret)
            + &import("elsewhere", &format!("{}/l", other.url()))
    };
    // The address of the server is known once it runs, so one that knows it is put before it.
    let hidden = IndexServer::start(
        Scenario::new().serve("/z/ledger.toml", "text/plain", zeta.as_str()).serve(
            "/z/reviews.toml",
            "text/plain",
            format::write(&[read]).as_str(),
        ),
    );
    friends.ledger(&start(&hidden.url()));
    friends.reviews(&[]);
    friends.add(&["--map-builtin", "--accept-keys"]).expect(0);
    // The friend is a folder here: another host over plain http is not asked for it.
    friends.scene.vet(&["suggest"]).expect(0).never_says("zeta");
    assert!(other.requests().is_empty() && hidden.requests().is_empty());
    let text = friends
        .ours()
        .replace("url = \"../theirs\"", &format!("url = \"{}/theirs\"", hidden.url()));
    friends.scene.world.write("ledger/ledger.toml", text);
    friends.scene.vet(&["suggest"]).expect(0).says("example.org/zeta");
    assert!(other.requests().is_empty());
    // It is an offer and counts for nothing.
    friends.scene.vet(&[]).expect(1);
}

/// From a repository; a review that says that its commit signs it counts for nothing when none does.
#[test]
fn a_repository_is_taken_in_and_runs_nothing() {
    let friends = Friends::new();
    let hook = "#!/bin/sh\ntouch ran\n";
    let theirs = friends.scene.world.path("theirs");
    let git = |arguments: &[&str]| {
        let who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-C"];
        let folder = theirs.to_str().expect("a path");
        let all = [&who[..], &[folder], arguments].concat();
        let run = friends.scene.world.program("git", &all).output().expect("git runs");
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    };
    git(&["init", "-q", "-b", "main", "."]);
    friends.scene.world.write("theirs/.git/hooks/post-checkout", hook);
    friends
        .scene
        .world
        .write("theirs/.gitmodules", "[submodule \"x\"]\npath = x\nurl = file:///\n");
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "ours"]);
    let url = format!("git+file://{}@main#subdirectory=.", theirs.display());
    let add = ["import", "add", &url, "--name", "acme", "--map-builtin", "--accept-keys"];
    friends.scene.vet(&add).expect(0);
    friends.scene.vet(&[]).expect(0);
    // What is not committed is not there.
    let mut by_commit = review(&wheel("cup", "1.0", 4), None, &friends.key);
    by_commit.signature = Some("git".to_owned());
    friends.reviews(&[friends.review(), by_commit]);
    friends.scene.vet(&["import"]).expect(0).says("nothing is new");
    git(&["commit", "-q", "-a", "-m", "more"]);
    let run = friends.scene.vet(&["import"]);
    run.expect(0).says("+ review of cup 1.0 by alice@example.org").says("does not count:");
    friends.scene.vet(&["import", "--offline"]).expect(3).says("error[offline]");
    let gone = format!("git+file://{}@gone", theirs.display());
    let run = friends.scene.vet(&["import", "add", &gone, "--name", "gone"]);
    run.expect(3).says("error[import-not-there]").says("neither branch nor tag `gone`");
    let run = friends.scene.vet(&["import", "add", "git+https://example.org/a@-x", "--name", "x"]);
    run.expect(2).says("error[import-address]");
}
