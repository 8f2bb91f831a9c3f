//! Measure 4: every way in which a log can lie, by name. Nothing is written, and what is proof is saved.

use std::time::Duration;

use countermark_testkit::log::{Lie, LogScenario, observation};
use countermark_trust::log::record::Observation;

use super::{OBSERVER, Place, others, seen, wheels};

/// A log with this lie refuses a lock with this code and this name, in the mode that requires it.
#[track_caller]
fn refused(lie: &Lie, lines: &str, code: i32, name: &str) {
    let place =
        Place::with(|log| log.witnesses(3).records(others(20)).records(wheels().iter().map(seen)));
    let public = place.public();
    place.policy(&format!("mode = \"require\"\n{public}\n{lines}"));
    place.log.change(|log| log.lie(lie.clone()));
    let run = place.lock("alpha\nbeta\n", &[]);
    run.expect(code).says(&format!("error[{name}]"));
    assert!(!place.has("requirements.txt"), "{lie:?}");
    // Where it is no alarm it is told, and the lock is written.
    place.policy(&format!("mode = \"warn\"\n{public}\n{lines}"));
    place.lock("alpha\nbeta\n", &[]).expect(0).says(&format!("note[{name}]"));
}

#[test]
fn answers_that_prove_nothing_are_refused_by_name() {
    refused(&Lie::SwappedRecord, "", 1, "log-bad-proof");
    refused(&Lie::RenamedRecord, "", 1, "log-bad-proof");
    refused(&Lie::UnrelatedRecord, "", 1, "log-unrelated-record");
    refused(&Lie::ShortAnswer, "", 1, "log-bad-proof");
    refused(&Lie::MissingProof, "", 1, "log-bad-proof");
    refused(&Lie::LongProof, "", 1, "log-bad-proof");
    refused(&Lie::EmptyAnswer, "", 1, "log-empty-answer");
}

#[test]
fn signatures_and_ages_that_do_not_do_are_refused_by_name() {
    refused(&Lie::BadSignature, "", 1, "log-bad-signature");
    refused(&Lie::UnknownKey, "", 1, "log-bad-signature");
    refused(&Lie::FewWitnesses(1), "quorum = 2", 1, "log-too-few-witnesses");
    refused(&Lie::Stale(Duration::from_secs(3 * 86400)), "maximum-age = \"1 day\"", 3, "log-stale");
    refused(&Lie::Future(Duration::from_secs(86400)), "", 3, "log-from-future");
    refused(&Lie::Status(500), "", 3, "log-unreachable");
    refused(&Lie::Oversized, "", 3, "log-unreachable");
}

#[test]
fn a_log_that_goes_back_is_refused() {
    let place = Place::honest().mode("require");
    place.lock("alpha\n", &[]).expect(0);
    place.log.change(|log| log.lie(Lie::Rollback { after: 0, size: 21 }));
    let run = place.lock("alpha\nbeta\n", &["-o", "new.txt"]);
    run.expect(1).says("error[log-rolled-back]");
    assert!(!place.has("new.txt"));
}

#[test]
fn a_log_that_does_not_prove_that_it_grew_is_refused() {
    let place = Place::honest().mode("require");
    place.lock("alpha\n", &[]).expect(0);
    place.log.change(|log| log.records(others(40)[20..].to_vec()).lie(Lie::MissingConsistency));
    place.lock("beta\n", &["-o", "new.txt"]).expect(1).says("error[log-bad-proof]");
}

/// Two clients are shown two histories; the second one comes back to the first one's.
fn forked(other: &[Observation], lines: &str) {
    let place =
        Place::with(|log| log.witnesses(3).records(others(20)).records(wheels().iter().map(seen)));
    let public = place.public();
    for mode in ["warn", "require"] {
        place.policy(&format!("mode = \"{mode}\"\n{public}\n{lines}"));
        place.log.change(LogScenario::honest);
        let _ = std::fs::remove_dir_all(place.world.home(".local/state/countermark/log"));
        place.lock("alpha\n", &["-o", "first.txt"]).expect(0);
        let fork = Lie::Fork { after: 0, records: other.to_vec() };
        place.log.change(|log| log.lie(fork).lie(Lie::LyingWitness(2)));
        let run = place.lock("beta\n", &["-o", "second.txt"]);
        run.expect(4).says("error[log-fork]");
        assert!(!place.has("second.txt"));
        place.convicts(&place.evidence(&run), "signed two histories");
        // The witnesses that cosigned both are convicted as well.
        let convicted = run.stderr.matches("the evidence is in").count();
        assert_eq!(convicted, 3, "{}", run.stderr);
        // What was seen first stays what was seen.
        place.log.change(LogScenario::honest);
        place.lock("beta\n", &["-o", "third.txt"]).expect(0);
        for name in ["first.txt", "third.txt"] {
            std::fs::remove_file(place.world.path(name)).expect("a lock");
        }
    }
}

#[test]
fn a_fork_at_one_size_is_an_alarm_in_every_mode() {
    let mut records = others(20);
    records.extend(wheels().iter().map(seen));
    records[3] = observation(OBSERVER, "other-3", "other_3-2.0-py3-none-any.whl", b"changed");
    forked(&records, "quorum = 2");
}

#[test]
fn a_fork_that_grew_is_an_alarm_in_every_mode() {
    let mut records = others(30);
    records.extend(wheels().iter().map(seen));
    records[3] = observation(OBSERVER, "other-3", "other_3-2.0-py3-none-any.whl", b"changed");
    forked(&records, "quorum = 2");
}

#[test]
fn two_digests_of_one_file_are_an_alarm_in_every_mode() {
    let file = "alpha-1.0-py3-none-any.whl";
    for mode in ["warn", "require"] {
        let place =
            Place::with(|log| log.record(seen(&wheels()[0])).second_digest(file)).mode(mode);
        let run = place.lock("alpha\n", &[]);
        run.expect(4).says("error[equivocation]").says(OBSERVER).says("second.example.org");
        assert!(!place.has("requirements.txt"));
        place.convicts(&place.evidence(&run), "two digests of one file");
        // Into a file that is named.
        let run = place.lock("alpha\n", &["--evidence", "proof.json"]);
        run.expect(4).says("`proof.json`");
        place.run(&["log", "convict", "proof.json"]).expect(0).never_says("note[");
        std::fs::remove_file(place.world.path("countermark.toml")).expect("a policy");
        place.run(&["log", "convict", "proof.json"]).expect(0).says("note[keys-of-the-file]");
    }
    // What was downloaded here is the other side.
    let other = observation(OBSERVER, "alpha", file, b"what the world got");
    let place = Place::with(|log| log.record(other)).mode("warn");
    let run = place.lock("alpha\n", &[]);
    run.expect(4).says("error[equivocation]").says("downloaded here");
    place.run(&["install", "alpha", "--venv", "env"]).expect(4);
    place.run(&["add", "alpha"]).expect(4);
    assert!(!place.has("env") && !place.has("requirements.txt"));
}

#[test]
fn a_key_counts_on_its_days_and_another_one_follows() {
    let place = Place::honest();
    let (public, url, old) = (place.public(), place.log.url(), place.log.vkey());
    let policy = |keys: &str| {
        let text = format!(
            "[policy.log]\nmode = \"require\"\nurl = \"{url}\"\n{public}\nkeys = [{keys}]\n"
        );
        place.world.write("countermark.toml", text);
    };
    policy(&format!("{{ key = \"{old}\", until = 2020-01-31 }}"));
    place.lock("alpha\n", &[]).expect(1).says("error[log-bad-signature]").says("does not count");
    assert!(!place.has("requirements.txt"));
    // The log signs with another key, which the policy has as well.
    place.log.change(|log| log.signed_by(9));
    let new = place.log.vkey();
    policy(&format!(
        "{{ key = \"{old}\", until = 2020-01-31 }}, {{ key = \"{new}\", from = 2020-01-01 }}"
    ));
    place.lock("alpha\n", &[]).expect(0);
    policy(&format!("{{ key = \"{old}\" }}"));
    place.lock("beta\n", &["-o", "new.txt"]).expect(1).says("error[log-bad-signature]");
}
