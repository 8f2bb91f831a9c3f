//! `vet certify`: what was read is said, signed, verified and asked about again.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use countermark_ledger::format::ReviewFile;
use countermark_ledger::review::{How, Review};
use countermark_testkit::wheel::Wheel;

use super::scene::{ALICE, DAY, Scene, file_of, key_table, wheel};
use crate::support::Run;

/// A ledger of yesterday and a lock of today.
fn moved() -> (Scene, Wheel, Wheel) {
    let (old, new) = (wheel("kettle", "1.0", 3), wheel("kettle", "1.1", 4));
    let scene = Scene::begun(std::slice::from_ref(&old));
    scene.lock(std::slice::from_ref(&new));
    scene.vet(&[]).expect(1);
    (scene, old, new)
}

/// The key of the ledger as a file of its owner.
fn key_file(scene: &Scene) -> PathBuf {
    let path = scene.world.write("alice.key", format!("{}\n", scene.key.to_secret_text()));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("a mode");
    path
}

fn certify(scene: &Scene, more: &[&str]) -> Run {
    scene.vet(&[&["certify", "kettle==1.1", "--key", "alice.key"], more].concat())
}

fn reviews(scene: &Scene) -> Vec<Review> {
    let bytes = std::fs::read(scene.world.path("ledger/reviews.toml")).unwrap_or_default();
    let read = ReviewFile::parse("reviews.toml", bytes).expect("reviews");
    read.iter().map(|it| it.review).collect()
}

/// An editor that does this with the text.
fn editor(scene: &mut Scene, script: &str) {
    let path = scene.world.write("editor", format!("#!/bin/sh\n{script}\n"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    scene.world.set("EDITOR", &path.display().to_string());
}

#[test]
fn what_was_read_is_signed_and_passes() {
    let (scene, _, new) = moved();
    key_file(&scene);
    let shown = certify(&scene, &["--dry-run", "--notes", "all of it"]);
    shown.expect(0).says("countermark.review/v1\nproject kettle\nversion 1.1\n");
    assert_eq!(reviews(&scene), []);

    let signed = certify(&scene, &["--notes", "all of it", "--until", "2027-11-22"]);
    signed.expect(0).says("notes \"all of it\"").says("into ledger/reviews.toml");
    signed.says("kettle 1.1 meets its criteria\nnext:\n  countermark vet\n");
    let review = reviews(&scene).remove(0);
    assert_eq!((&*review.author, &review.how), (ALICE, &How::Full));
    assert_eq!(review.files, [file_of(&new)]);
    assert_eq!((review.on.to_string(), &*review.notes), (DAY.to_owned(), "all of it"));
    assert_eq!(review.until, Some("2027-11-22".parse().unwrap()));
    scene.vet(&[]).expect(0);

    // Again: nothing needs it, and it stands there once.
    certify(&scene, &["--notes", "all of it", "--until", "2027-11-22"])
        .expect(0)
        .says("note[certify-not-needed]");
    assert_eq!(reviews(&scene).len(), 1);
}

#[test]
fn a_changed_word_or_signature_counts_for_nothing() {
    let (scene, ..) = moved();
    key_file(&scene);
    certify(&scene, &["--notes", "all of it"]).expect(0);
    let good = scene.world.read("ledger/reviews.toml");
    let signature = good.lines().find(|line| line.starts_with("signature")).unwrap();
    let at = signature.len() - 20;
    let other = if &signature[at..=at] == "A" { "B" } else { "A" };
    let flipped = format!("{}{other}{}", &signature[..at], &signature[at + 1..]);
    for (changed, says) in [
        (good.replace("all of it", "all of it!"), "is not of this review"),
        (good.replace(signature, &flipped), "is not of this review"),
        (good.replace(&format!("{signature}\n"), ""), "it has no signature of alice@example.org"),
        (good.replace(ALICE, "mallory@example.org"), "no key of `mallory@example.org`"),
    ] {
        assert_ne!(changed, good);
        scene.world.write("ledger/reviews.toml", &changed);
        scene.vet(&["--all"]).expect(1).says(says);
    }
    scene.world.write("ledger/reviews.toml", good);
    scene.vet(&[]).expect(0);
}

#[test]
fn a_difference_starts_from_files_that_the_ledger_knows() {
    let (scene, old, new) = moved();
    key_file(&scene);
    certify(&scene, &["--from", "0.9"])
        .expect(2)
        .says("error[certify-no-counterpart]: no file of kettle 0.9 is known");
    certify(&scene, &["--from", "1.1"]).expect(2).says("a difference is from another release");
    certify(&scene, &["--from", "1.0"]).expect(0).says("how delta 1.0");
    let review = reviews(&scene).remove(0);
    let from = "1.0".parse().unwrap();
    assert_eq!(review.how, How::Delta { from, files: vec![file_of(&old)] });
    assert_eq!(review.files, [file_of(&new)]);
    scene.vet(&[]).expect(0);
}

#[test]
fn files_of_disk_are_hashed_and_have_to_be_of_the_release() {
    let (scene, old, new) = moved();
    key_file(&scene);
    let (path, other) = (new.filename(), old.filename());
    scene.world.write(&path, new.build());
    scene.world.write(&other, old.build());
    certify(&scene, &["--file", &other]).expect(2).says("is no file of kettle 1.1");
    certify(&scene, &["--file", &path, "--from", "1.0", "--from-file", &other]).expect(0);
    assert_eq!(reviews(&scene)[0].files, [file_of(&new)]);
    scene.vet(&[]).expect(0);
    let compiled = certify(&scene, &["--compiled"]);
    compiled
        .expect(2)
        .says("error[certify-nothing]: no file of kettle 1.1 has compiled extensions");
}

#[test]
fn what_would_not_count_is_said() {
    let (scene, ..) = moved();
    // Nobody's key, by the name of a person whom the ledger does not know.
    scene.world.run(&["vet", "key", "new", "--author", "bob@example.org"]).expect(0);
    let unknown = scene.vet(&["certify", "kettle==1.1"]);
    unknown
        .expect(0)
        .says("note[certify-unknown-key]")
        .says("vet key add --author bob@example.org '");
    unknown.says("note[review-unknown-author]: it does not count");
    unknown.says("kettle-1.1-py3-none-any.whl still lacks safe-to-deploy");
    // What the hint says makes it count.
    scene.vet(&["key", "add", "--author", "bob@example.org"]).expect(0);
    scene.vet(&[]).expect(0);

    // In Alice's name with Bob's key.
    let forged = scene.vet(&["certify", "kettle==1.1", "--author", ALICE]);
    forged.expect(2).says("there is no key of alice@example.org");
    let key = scene.world.home(".config/countermark/keys/bob@example.org.key");
    let key = key.display().to_string();
    let forged = scene.vet(&["certify", "kettle==1.1", "--author", ALICE, "--key", &key]);
    forged.expect(1).says("error[review-other-author]: the review would not count");
    assert_eq!(reviews(&scene).len(), 1);

    // Others can read the key.
    let open = scene.world.write("alice.key", scene.key.to_secret_text());
    std::fs::set_permissions(open, std::fs::Permissions::from_mode(0o640)).unwrap();
    certify(&scene, &[]).expect(2).says("others can read the secret key `alice.key`");
    assert_eq!(reviews(&scene).len(), 1);
}

#[test]
fn reviews_of_own_projects_and_of_expired_keys_are_told() {
    let (scene, ..) = moved();
    key_file(&scene);
    let ledger = scene.world.read("ledger/ledger.toml");
    let table = key_table(ALICE, &scene.key);
    assert!(ledger.contains(&table), "{ledger}");
    let with = |more: &str| {
        scene
            .world
            .write("ledger/ledger.toml", ledger.replace(&table, &format!("{table}{more}\n")));
    };
    with("until = 2026-11-21");
    certify(&scene, &[]).expect(1).says("error[review-key-expired]: the review would not count");
    assert_eq!(reviews(&scene), []);
    with("accounts = [\"alice\"]");
    let facts = "[[roles]]\nproject = \"kettle\"\naccounts = [\"alice\"]\non = 2026-11-22\n";
    scene.world.write("ledger/facts.toml", facts);
    let own = certify(&scene, &[]);
    own.expect(0)
        .says("note[review-own-project]: it does not count: alice@example.org holds a role");
    scene.vet(&[]).expect(1);
}

#[test]
fn what_is_known_to_be_bad_is_told_before_it_is_signed() {
    let (scene, _, new) = moved();
    key_file(&scene);
    let ledger = scene.world.read("ledger/ledger.toml");
    let violation = format!(
        "\n[[violation]]\nproject = \"kettle\"\nversion = \"1.1\"\nfiles = [\n    \"{}\",\n]\non = {DAY}\n\
         reason = \"steals tea\"\n",
        file_of(&new)
    );
    scene.world.write("ledger/ledger.toml", ledger + &violation);
    let told = certify(&scene, &[]);
    told.expect(0).says("note[certify-known-bad]: kettle-1.1-py3-none-any.whl is known to be bad");
    told.says("steals tea").says("still lacks safe-to-deploy");
    scene.vet(&[]).expect(1);
}

#[test]
fn an_editor_shows_what_is_missing_and_decides() {
    let (mut scene, ..) = moved();
    key_file(&scene);
    editor(
        &mut scene,
        "cp \"$1\" seen; printf 'criterion safe-to-run\\n' >text; grep ^file \"$1\" >>text\nprintf '\\nread it,\\nall of it\\n' >>text; cat text >\"$1\"",
    );
    certify(&scene, &["--edit"]).expect(0).says("notes \"read it,\\nall of it\"");
    let seen = scene.world.read("seen");
    assert!(
        seen.starts_with("# The review of kettle 1.1 by alice@example.org, read in full.\n"),
        "{seen}"
    );
    for line in [
        "criterion safe-to-deploy",
        "until -",
        "# kettle-1.1-py3-none-any.whl lacks safe-to-deploy",
        "#   safe-to-run: runs on one's own machine or in a test without harm",
    ] {
        assert!(seen.lines().any(|it| it == line), "{line}:\n{seen}");
    }
    assert_eq!(reviews(&scene)[0].criteria[0].as_str(), "safe-to-run");
    scene.vet(&[]).expect(1);

    editor(&mut scene, ": >\"$1\"");
    certify(&scene, &["--edit"]).expect(1).says("nothing was signed");
    editor(&mut scene, "exit 3");
    certify(&scene, &["--edit"]).expect(3).says("error[editor]: the editor `");
    editor(&mut scene, "printf 'criterion perfect\\n' >\"$1\"");
    let wrong = certify(&scene, &["--edit"]);
    wrong
        .expect(2)
        .says("error[certify-text]: `perfect` is no criterion")
        .says("hint: the text is kept in");
    assert_eq!(reviews(&scene).len(), 1);
}

#[test]
fn ssh_keys_sign() {
    let (scene, ..) = moved();
    let mut command =
        scene.world.program("ssh-keygen", &["-q", "-t", "ecdsa", "-N", "", "-f", "id"]);
    let made = command.status();
    assert!(
        made.is_ok_and(|it| it.success()),
        "this test needs ssh-keygen, which signs with SSH keys"
    );
    let bob = "bob@example.org";
    let nobody = scene.vet(&["certify", "kettle==1.1", "--ssh", "id"]);
    nobody.expect(2).says("it is not known whose review it is");
    scene.vet(&["key", "add", "--author", bob, "id.pub"]).expect(0);
    scene.vet(&["certify", "kettle==1.1", "--ssh", "id"]).expect(0).says("meets its criteria");
    assert_eq!(reviews(&scene)[0].author, bob);
    assert!(reviews(&scene)[0].signature.as_deref().unwrap().starts_with("ssh "));
    scene.vet(&[]).expect(0);
    // Somebody else's key under Alice's name.
    let forged = scene.vet(&["certify", "kettle==1.1", "--ssh", "id", "--author", ALICE]);
    forged.expect(1).says("error[review-other-author]");
}

#[test]
fn a_signed_commit_signs() {
    let (scene, ..) = moved();
    let run = |program: &str, arguments: &[&str]| {
        let mut command = scene.world.program(program, arguments);
        command.envs([("GIT_AUTHOR_NAME", "A"), ("GIT_AUTHOR_EMAIL", "a@example.org")]);
        command.envs([("GIT_COMMITTER_NAME", "A"), ("GIT_COMMITTER_EMAIL", "a@example.org")]);
        let output =
            command.output().unwrap_or_else(|it| panic!("this test needs {program}: {it}"));
        assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
    };
    run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", "id"]);
    scene.vet(&["key", "add", "--author", "bob@example.org", "id.pub"]).expect(0);
    run("git", &["init", "-q"]);
    scene.world.write(".gitignore", "id\n");
    // An empty file, as `vet init` leaves it.
    let path = scene.world.path("ledger/reviews.toml");
    if !path.exists() {
        std::fs::write(&path, "").unwrap();
    }
    run("git", &["add", "-A"]);
    run("git", &["commit", "-q", "-m", "ledger"]);
    scene.vet(&["certify", "kettle==1.1", "--git"]).expect(2).says("it is not known whose");
    let said = scene.vet(&["certify", "kettle==1.1", "--git", "--author", "bob@example.org"]);
    said.expect(0).says("git commit -S -m \"review of kettle 1.1\"");
    scene.vet(&["--all"]).expect(1).says("no commit of this repository added it");
    run("git", &["add", "-A"]);
    run("git", &["commit", "-q", "-m", "unsigned"]);
    scene.vet(&["--all"]).expect(1).says("that added it is not signed");
    let signing = ["-c", "gpg.format=ssh", "-c", "user.signingKey=id", "commit", "-q", "-S"];
    run("git", &[&signing[..], &["--amend", "-m", "signed"]].concat());
    scene.vet(&[]).expect(0);
}
