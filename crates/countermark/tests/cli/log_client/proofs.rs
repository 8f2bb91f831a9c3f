//! Proofs beside a lock.

use super::{Place, seen, wheels};
use crate::support::snapshot;

const PROOF: &str = "requirements.txt.proofs/alpha-1.0-py3-none-any.whl.tlog-proof";
const INSTALL: [&str; 5] = ["install", "-r", "requirements.txt", "--venv", "env"];

#[test]
fn proofs_verify_without_any_network_and_stay_the_same() {
    let place = Place::honest().mode("require");
    place.lock("alpha\nbeta\n", &["--proofs"]).expect(0);
    let before = snapshot(&place.world.path("requirements.txt.proofs"));
    assert_eq!(before.len(), 2);
    place.log.forget_requests();
    place.lock("alpha\nbeta\n", &["--proofs"]).expect(0);
    place.run(&["log", "verify", "requirements.txt"]).expect(0).says("2 files proved");
    place.run(&INSTALL).expect(0);
    assert_eq!(place.log.request_lines(), [""; 0]);
    assert_eq!(snapshot(&place.world.path("requirements.txt.proofs")), before);
    // A lock that has proofs keeps them up to date, and what it does not pin any more goes away.
    place.lock("alpha\nbeta<2\n", &["-P", "beta"]).expect(0);
    let names: Vec<_> =
        snapshot(&place.world.path("requirements.txt.proofs")).into_keys().collect();
    let names: Vec<&str> = names.iter().filter_map(|name| name.to_str()).collect();
    assert_eq!(
        names,
        ["alpha-1.0-py3-none-any.whl.tlog-proof", "beta-1.0-py3-none-any.whl.tlog-proof"]
    );
    place.run(&["log", "verify", "requirements.txt", "--json"]).expect(0).says("\"lacking\": []");
}

/// Neither the log nor the index is there any more, and every way out leads nowhere.
#[test]
fn proofs_verify_after_everything_else_is_gone() {
    let place = Place::honest().mode("require");
    place.lock("alpha\nbeta\n", &["--proofs"]).expect(0);
    let Place { mut world, index, log } = place;
    drop((index, log));
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"]
    {
        world.set(name, "http://127.0.0.1:1");
    }
    // What was seen of the log is gone as well: on another machine nothing of it was there.
    std::fs::remove_dir_all(world.home(".local/state/countermark")).expect("a memory");
    world.run(&["log", "verify", "requirements.txt"]).expect(0).says("2 files proved");
    let text = world.read("requirements.txt");
    let digest = text.split("sha256:").nth(1).expect("a digest").get(..64).expect("64 digits");
    world.write("requirements.txt", text.replace(digest, &"0".repeat(64)));
    world.run(&["log", "verify", "requirements.txt"]).expect(1);
}

#[test]
fn a_changed_proof_proves_nothing() {
    let place = Place::honest().mode("require");
    place.lock("alpha\n", &["--proofs"]).expect(0);
    let good = place.world.read(PROOF);
    let other = "a".repeat(16);
    for (from, to) in [
        ("index ", "index 1"),
        ("log.example.org", "log.example.com"),
        ("\u{2014} log", "\u{2014} lag"),
        ("tlog-proof@v1", "tlog-proof@v2"),
        (&good[good.len() - 20..good.len() - 4], &other),
    ] {
        let changed = good.replacen(from, to, 1);
        assert_ne!(changed, good, "{from}");
        place.world.write(PROOF, changed);
        place.run(&["log", "verify", "requirements.txt"]).expect(1);
    }
    // Another file's proof is no proof of this one.
    let record = place.log.url();
    assert!(!record.is_empty());
    place.lock("beta\n", &["-o", "beta.txt", "--proofs"]).expect(0);
    let beta = place.world.read("beta.txt.proofs/beta-2.0-py3-none-any.whl.tlog-proof");
    place.world.write(PROOF, beta);
    place.run(&["log", "verify", "requirements.txt"]).expect(1).says("error[no-proof]");
    // What does not verify is asked for again.
    place.lock("alpha\n", &["--proofs"]).expect(0);
    assert!(place.world.read(PROOF).contains("log.example.org"));
    place.run(&["log", "verify", "requirements.txt"]).expect(0);
}

#[test]
fn a_lock_without_proofs_has_none() {
    let place = Place::with(|log| log.record(seen(&wheels()[0]))).mode("warn");
    place.lock("alpha\n", &[]).expect(0);
    place.run(&["log", "verify", "requirements.txt"]).expect(1).says("error[no-proof]");
    place.lock("alpha\n", &["-o", "-", "--proofs"]).expect(2).says("--proofs");
}

#[test]
fn proofs_of_what_stands_are_no_reason_to_stop() {
    let place = Place::honest().mode("require");
    place.lock("alpha\n", &[]).expect(0);
    place.log.change(|log| log.lie(countermark_testkit::log::Lie::Down));
    place.lock("alpha\n", &["--proofs"]).expect(0).says("note[log-unreachable]");
    place.log.change(countermark_testkit::log::LogScenario::honest);
    place.lock("alpha\n", &["--proofs"]).expect(0);
    place.run(&["log", "verify", "requirements.txt"]).expect(0);
}
