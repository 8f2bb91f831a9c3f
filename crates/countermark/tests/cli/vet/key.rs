//! `vet key`: keys are made for one person, and count because a ledger names them.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use super::scene::{ALICE, Scene, wheel};
use crate::support::World;

const BOB: &str = "bob@example.org";

/// The public half that `vet key new` prints.
fn public(stdout: &str) -> String {
    let line = stdout.lines().find(|line| line.starts_with("  ") && line.contains('+'));
    line.expect("a key").trim().to_owned()
}

fn mode(path: &std::path::Path) -> u32 {
    std::fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

#[test]
fn a_key_is_made_once_for_its_owner_and_its_secret_is_never_shown() {
    let world = World::new();
    let made = world.run(&["vet", "key", "new", "--author", ALICE]);
    made.expect(0).says("next:\n  countermark vet key add --author alice@example.org\n");
    let path = world.home(".config/countermark/keys/alice@example.org.key");
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    let secret = std::fs::read_to_string(&path).unwrap();
    assert!(secret.starts_with("PRIVATE+KEY+alice@example.org+"), "another form");
    let seed = secret.trim().rsplit('+').next().unwrap();
    made.never_says(seed);
    let public = public(&made.stdout);

    let shown = world.run(&["vet", "key", "show"]);
    shown.expect(0).says(&public).never_says(seed);
    let again = world.run(&["vet", "key", "new", "--author", ALICE]);
    again.expect(2).says("error[key-not-written]: `").says("is there already");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), secret);

    let elsewhere = world.path("keys/alice.key").display().to_string();
    let other = world.run(&["vet", "key", "new", "--author", ALICE, "--output", &elsewhere]);
    other.expect(0).says(&format!("countermark vet key add --author {ALICE} {elsewhere}"));
    assert_eq!(mode(std::path::Path::new(&elsewhere)), 0o600);

    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let open = world.run(&["vet", "key", "show"]);
    open.expect(2)
        .says("error[signing-key]: others can read the secret key")
        .says("hint: `chmod 600 ");
    open.never_says(seed);
    world.run(&["vet", "key", "show", "nowhere"]).expect(2).says("cannot read `nowhere`");
}

#[test]
fn a_key_counts_when_the_ledger_names_it() {
    let scene = Scene::begun(&[wheel("kettle", "1.0", 3)]);
    let before = scene.world.read("ledger/ledger.toml");
    scene.world.run(&["vet", "key", "new", "--author", BOB]).expect(0);
    let add = ["key", "add", "--author", BOB, "--account", "bob", "--until", "2027-11-22"];
    scene.vet(&add).expect(0).says("is a key of bob@example.org in ledger/ledger.toml from now on");
    let after = scene.world.read("ledger/ledger.toml");
    assert!(after.starts_with(before.trim_end()), "what was there stays:\n{after}");
    let added = &after[before.trim_end().len()..];
    for line in ["author = \"bob@example.org\"", "accounts = [\"bob\"]", "until = 2027-11-22"] {
        assert!(added.contains(line), "{line}:\n{added}");
    }
    assert!(!after.contains("PRIVATE"), "{after}");

    // The same key again, and as somebody else's.
    scene.vet(&add).expect(2);
    let path = scene.world.home(".config/countermark/keys/bob@example.org.key");
    let path = path.display().to_string();
    let stolen = scene.vet(&["key", "add", "--author", "eve@example.org", &path]);
    stolen.expect(2).says(
        "error[ledger-key-shared]: the key of `eve@example.org` is also the key of `bob@example.org`",
    );
    assert_eq!(scene.world.read("ledger/ledger.toml"), after);
}

#[test]
fn keys_that_people_have_are_taken_and_secrets_are_not() {
    let scene = Scene::begun(&[wheel("kettle", "1.0", 3)]);
    let before = scene.world.read("ledger/ledger.toml");
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", "ed25519", "-N", "", "-C", "bob at work", "-f"]);
    let made = command.arg(scene.world.path("bob")).status();
    assert!(made.is_ok_and(|it| it.success()), "this test needs ssh-keygen, which makes SSH keys");
    let secret = scene.vet(&["key", "add", "--author", BOB, "bob"]);
    secret.expect(2).says("error[ledger-key-secret]").never_says("b3BlbnNzaC1rZXktdjE");
    scene.world.write("armored", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n");
    scene.vet(&["key", "add", "--author", BOB, "armored"]).expect(2).says("ledger-key-secret");
    scene.world.write("nothing", "nothing\n");
    scene.vet(&["key", "add", "--author", BOB, "nothing"]).expect(2).says("error[ledger-key]");
    assert_eq!(scene.world.read("ledger/ledger.toml"), before);

    scene.vet(&["key", "add", "--author", BOB, "bob.pub"]).expect(0);
    let after = scene.world.read("ledger/ledger.toml");
    let line = scene.world.read("bob.pub");
    let line: Vec<&str> = line.split(' ').take(2).collect();
    assert!(after.contains(&format!("key = \"{}\"", line.join(" "))), "{after}");
    let days = ["--from", "2027-01-01", "--until", "2026-01-01"];
    let twisted = scene.vet(&[&["key", "add", "--author", "x", "bob.pub"], &days[..]].concat());
    twisted.expect(2).says("is before");
}
