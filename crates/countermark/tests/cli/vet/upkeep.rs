//! `vet exempt`, `trust`, `violation`, `renew`, `prune`: what people decide, and what is needed no more.

use super::scene::{ALICE, Scene, file_of, pylock, review, wheel};

/// A scene whose lock moved to a new version.
fn moved() -> Scene {
    let scene = Scene::begun(&[wheel("cup", "1.0", 5), wheel("jug", "2.0", 9)]);
    scene.lock(&[wheel("cup", "1.0", 5), wheel("jug", "2.1", 10)]);
    scene
}

fn ours(scene: &Scene) -> String {
    scene.world.read("ledger/ledger.toml")
}

#[test]
fn a_release_is_exempt_for_a_reason() {
    let scene = moved();
    scene.vet(&[]).expect(1);
    scene.vet(&["exempt", "jug==2.1"]).expect(2).says("--reason");
    scene.vet(&["exempt", "jug==2.1", "--reason", " "]).expect(2).says("error[bad-option]");
    scene.vet(&["exempt", "jug", "--reason", "x"]).expect(2).says("is not NAME==VERSION");
    let run = scene.vet(&["exempt", "jug==2.2", "--reason", "x"]);
    run.expect(2).says("error[not-locked]").says("it has jug 2.1");
    let run = scene.vet(&["exempt", "jugg==2.1", "--reason", "x"]);
    run.expect(2).says("error[not-locked]").says("did you mean `jug`?");
    let run = scene.vet(&["exempt", "JUG==2.1", "--reason", "read next week"]);
    run.expect(0).says("passes as safe-to-deploy: 1 file");
    assert!(ours(&scene).contains("reason = \"read next week\""));
    scene.vet(&[]).expect(0);
    let before = ours(&scene);
    scene.vet(&["exempt", "jug==2.1", "--reason", "again"]).expect(0).says("exempt already");
    assert_eq!(ours(&scene), before);
    // For more than it passes as it is another one.
    let run = scene.vet(&["exempt", "cup==1.0", "--reason", "x", "--criteria", "safe-to-run"]);
    run.expect(0).says("exempt already");
    let run = scene.vet(&["exempt", "cup==1.0", "--reason", "x", "--criteria", "fast"]);
    run.expect(2).says("`fast` is no criterion");
}

#[test]
fn a_violation_stands_over_everything() {
    let scene = moved();
    let jug = wheel("jug", "2.1", 10);
    scene.add(&[review(&jug, None, &scene.key)]);
    scene.vet(&[]).expect(0);
    let run = scene.vet(&["violation", "jug==2.1", "--reason", "sends keys away"]);
    run.expect(0)
        .says("alice@example.org of our ledger vouches for jug-2.1")
        .says("reviews.toml:4:1");
    run.says("1 file is known to be bad from now on").says("note[violation-locked]");
    scene.vet(&[]).expect(1).says("sends keys away");
    let before = ours(&scene);
    let run = scene.vet(&["violation", "jug==2.1", "--reason", "x"]);
    run.expect(0).says("is known to be bad already");
    assert_eq!(ours(&scene), before);
    // An exemption changes nothing, and that is said.
    let run = scene.vet(&["exempt", "jug==2.1", "--reason", "x"]);
    run.expect(0).says("note[exempt-known-bad]");
    scene.vet(&[]).expect(1);
}

#[test]
fn a_digest_alone_is_bad_too() {
    let scene = moved();
    let file = file_of(&wheel("jug", "2.0", 9));
    let digest = file.digest.to_string();
    // It is exempt, and so the ledger knows what it is.
    let run = scene.vet(&["violation", &digest, "--reason", "x"]);
    run.expect(0).says("our ledger lets jug-2.0").never_says("violation-locked");
    assert!(ours(&scene).contains("[[violation]]\nproject = \"jug\"\nversion = \"2.0\"\n"));
    let unknown = format!("sha256:{}", "ab".repeat(32));
    let run = scene.vet(&["violation", &unknown, "--reason", "x"]);
    run.expect(2).says("error[not-locked]").says("--project NAME --file FILENAME");
    let more = ["--project", "acme", "--file", "acme-1.0.tar.gz"];
    let with =
        |more: &[&str]| scene.vet(&[&["violation", &unknown, "--reason", "x"], more].concat());
    with(&["--project", "acme", "--file", "other-1.0.tar.gz"]).expect(2).says("is no file of acme");
    with(&more).expect(0).says("nobody vouches for it");
    let run = scene.vet(&["violation", "sha256:xyz", "--reason", "x"]);
    run.expect(2).says("is no SHA-256");
    let run = scene.vet(&["violation", "plate==1.0", "--reason", "x"]);
    run.expect(2).says("error[not-locked]");
}

const PUBLISHER: &str = "github:acme/jug/release.yml";

/// Facts of jug 2.1, with something that it adds.
fn facts(adds: &str) -> String {
    format!(
        "[[file]]\nproject = \"jug\"\nversion = \"2.1\"\nfile = \"{}\"\nuploaded = 2026-11-21\n\
         publisher = \"{PUBLISHER}\"\nadds = [{adds}]\n",
        file_of(&wheel("jug", "2.1", 10))
    )
}

fn trust(scene: &Scene, more: &[&str]) -> crate::support::Run {
    let arguments = ["trust", PUBLISHER, "--project", "jug", "--from", "2026-11-01"];
    scene.vet(&[&arguments[..], &["--reason", "we know them"], more].concat())
}

#[test]
fn a_publisher_is_trusted_for_a_time() {
    let scene = moved();
    scene.world.write("ledger/facts.toml", facts(""));
    let until = ["--until", "2027-05-01"];
    trust(&scene, &["--until", "2027-11-23"]).expect(2).says("is no last day for trust");
    trust(&scene, &["--until", "2026-11-21"]).expect(2).says("is no last day for trust");
    let run = trust(&scene, &[&until[..], &["--dry-run"]].concat());
    run.expect(0).says("jug: 1 of 1 known file are from").says("1 locked file passes with it");
    run.says("  jug 2.1\n").says("nothing was written");
    scene.vet(&[]).expect(1);
    trust(&scene, &until).expect(0);
    scene.vet(&[]).expect(0);
    trust(&scene, &until).expect(2).says("error[trust-known]").says("vet renew");
    for pattern in ["github:acme/*", "acme", "github:"] {
        let run = scene.vet(&[
            "trust",
            pattern,
            "--project",
            "jug",
            "--until",
            "2027-01-01",
            "--reason",
            "x",
        ]);
        run.expect(2).says("is no publisher as provenance names it");
    }
    // What starts by itself is read, whoever published it.
    scene.world.write("ledger/facts.toml", facts("\"jug.pth\""));
    scene.vet(&[]).expect(1).says("jug.pth");
}

#[test]
fn what_ends_soon_is_shown_and_trust_goes_on() {
    let scene = moved();
    scene.world.write("ledger/facts.toml", facts(""));
    scene.vet(&["renew"]).expect(0).says("nothing ends before 2026-12-22");
    trust(&scene, &["--until", "2026-12-01"]).expect(0);
    let mut ending = review(&wheel("cup", "1.0", 5), None, &scene.key);
    ending.until = Some("2026-12-10".parse().expect("a day"));
    scene.add(&[ending]);
    let run = scene.vet(&["renew"]);
    run.expect(0).says("2026-12-01 ends: trust in github:acme/jug/release.yml for jug");
    run.says("countermark vet renew 'github:acme/jug/release.yml' --until DATE --reason TEXT");
    run.says(&format!("2026-12-10 ends: review of cup==1.0 by {ALICE}"));
    run.says("countermark vet certify cup==1.0");
    let run = scene.vet(&["renew", "--expiring", "10"]);
    run.expect(0).says("2026-12-01").never_says("2026-12-10");
    let renew = |name, until| scene.vet(&["renew", name, "--until", until, "--reason", "still"]);
    renew("jug", "2028-01-01").expect(2).says("is no last day for trust");
    renew("jug", "2026-11-30").expect(2).says("error[trust-known]");
    renew("plate", "2027-01-01").expect(2).says("error[trust-unknown]");
    let ours_before =
        ours(&scene).replace("until = 2026-12-01", "until = 2026-12-01  # look again");
    scene.world.write("ledger/ledger.toml", &ours_before);
    renew("jug", "2027-10-01").expect(0).says("is trusted until 2027-10-01, was 2026-12-01");
    assert!(ours(&scene).contains("until = 2027-10-01  # look again"), "{}", ours(&scene));
    scene.vet(&["renew", "jug", "--until", "2027-11-01"]).expect(2).says("--reason");
}

#[test]
fn what_is_needed_no_more_goes() {
    let scene = moved();
    let text = ours(&scene).replace("[[key]]", "# Alice reads.\n[[key]]");
    scene.world.write("ledger/ledger.toml", &text);
    let jug = wheel("jug", "2.1", 10);
    // Nobody has read the difference yet, and so what it starts from stays.
    let unread = ours(&scene);
    let run = scene.vet(&["prune"]);
    run.expect(0).says("of 1 project a file does not pass yet").says("vet suggest");
    assert_eq!(ours(&scene), unread);
    // The chain begins at an exemption of what nobody locks.
    scene.add(&[review(&jug, Some(&wheel("jug", "2.0", 9)), &scene.key)]);
    scene.vet(&[]).expect(0);
    let before = ours(&scene);
    scene.vet(&["prune"]).expect(0).says("all of it is needed for `pylock.toml`");
    assert_eq!(ours(&scene), before);
    scene.add(&[review(&jug, None, &scene.key)]);
    let run = scene.vet(&["prune", "--dry-run"]);
    run.expect(0).says("- exemption of jug 2.0: jug-2.0").says("nothing was written");
    assert_eq!(ours(&scene), before);
    scene.vet(&["prune"]).expect(0);
    let after = ours(&scene);
    assert!(!after.contains("jug-2.0") && after.contains("cup-1.0"), "{after}");
    assert!(after.contains("# Alice reads.\n[[key]]"), "{after}");
    scene.vet(&[]).expect(0);
    scene.vet(&["prune"]).expect(0).says("all of it is needed");
    assert_eq!(ours(&scene), after);
}

#[test]
fn reviews_go_only_when_they_are_named() {
    let scene = moved();
    let (cup, plate) = (wheel("cup", "1.0", 5), wheel("plate", "1.0", 5));
    scene.add(&[review(&cup, None, &scene.key), review(&plate, None, &scene.key)]);
    scene.world.write("pylock.toml", pylock(&[cup]));
    scene.vet(&["prune"]).expect(0);
    let reviews = || scene.world.read("ledger/reviews.toml");
    assert!(reviews().contains("plate"));
    let run = scene.vet(&["prune", "--reviews"]);
    run.expect(0).says("- 1 review of projects nobody locks");
    assert!(!reviews().contains("plate") && reviews().contains("cup"));
}
