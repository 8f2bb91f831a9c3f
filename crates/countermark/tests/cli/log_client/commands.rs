//! `log use`, `lookup` and `monitor`.

use countermark_testkit::log::{Lie, second_digest};

use super::{OBSERVER, Place, others, seen, wheels};

#[test]
fn the_first_key_is_shown_and_written_only_when_it_was_compared() {
    let place = Place::honest();
    let (url, key) = (place.log.url(), place.log.vkey());
    place.run(&["log", "use", &url]).expect(0).says(&key).says("note[blind-first-use]");
    assert!(!place.has("countermark.toml"));
    place.run(&["log", "use", &url, "--key", "nonsense"]).expect(2).says("error[bad-log-key]");
    let other = "log.example.org+65ca920a+AfpINBR/bmkMNpPv9hM2BGQDzYrioU8xs8QHNYVpI5Vl";
    let run = place.run(&["log", "use", &url, "--key", other]);
    assert!(matches!(run.code, 1 | 2), "{}", run.stderr);
    assert!(!place.has("countermark.toml"));
    place.run(&["log", "use", &url, "--key", &key, "--mode", "require"]).expect(0);
    assert!(place.world.read("countermark.toml").contains("mode = \"require\""));
    place.run(&["log", "lookup", "alpha==1.0"]).expect(0);
    place.log.change(|log| log.lie(Lie::Down));
    place.run(&["log", "use", &url]).expect(3);
}

#[test]
fn a_lookup_shows_who_saw_what() {
    let place = Place::honest().mode("warn");
    let run = place.run(&["log", "lookup", "beta==2.0", "alpha-1.0-py3-none-any.whl"]);
    run.expect(0).says("beta-2.0-py3-none-any.whl: one digest, 1 observer").says(OBSERVER);
    run.says("alpha-1.0-py3-none-any.whl: one digest").says("log.example.org: 23 entries");
    assert_eq!(place.log.request_lines(), ["POST /lookup"]);
    place.run(&["log", "lookup", "beta==9"]).expect(1).says("error[not-in-log]");
    place.run(&["log", "lookup", "gone.whl.x"]).expect(2).says("error[bad-release]");
    let json = place.run(&["log", "lookup", "beta==2.0", "--json"]);
    json.expect(0).says("\"agreement\": \"agreed\"").says("\"first_seen\"");
    // A file that is here is hashed and compared.
    let file = place.world.write("alpha-1.0-py3-none-any.whl", wheels()[0].build());
    let file = file.to_str().expect("UTF-8");
    place.run(&["log", "lookup", file]).expect(0).says("this file");
    place.world.write("alpha-1.0-py3-none-any.whl", b"something else");
    let run = place.run(&["log", "lookup", file]);
    run.expect(4).says("TWO DIGESTS").says("error[equivocation]");
    place.log.change(|log| log.lie(Lie::Down));
    place.run(&["log", "lookup", "beta==2.0"]).expect(3).says("error[log-unreachable]");
}

const MONITOR: [&str; 4] = ["log", "monitor", "--project", "beta"];

#[test]
fn the_monitor_reads_everything_once_and_tells_what_is_new() {
    let place = Place::with(|log| log.records(others(300)).record(seen(&wheels()[1]))).mode("warn");
    place.run(&MONITOR).expect(0).says("first run").says("beta-1.0").says("301 entries read");
    place.log.forget_requests();
    place.run(&MONITOR).expect(0).says("nothing new").says("0 entries read");
    assert_eq!(place.log.request_lines(), ["GET /checkpoint"]);
    place.log.change(|log| log.records(others(310)[300..].to_vec()).record(seen(&wheels()[2])));
    let run = place.run(&[&MONITOR[..], &["--json"]].concat());
    run.expect(1).says("beta-2.0").says("\"from\": 301").never_says("beta-1.0");
    // Nothing of what was read before is read again, but for the file that was not full.
    place.run(&MONITOR).expect(0).says("nothing new");
    // Other names begin at the beginning.
    place.run(&["log", "monitor", "--project", "other-*"]).expect(0).says("first run");
    place.log.change(|log| log.record(second_digest(&seen(&wheels()[1]))));
    let run = place.run(&MONITOR);
    run.expect(4).says("ANOTHER DIGEST").says("error[equivocation]");
    place.convicts(&place.evidence(&run), "two digests of one file");
}

#[test]
fn forged_tiles_and_forks_are_refused_by_the_monitor() {
    let place = Place::with(|log| log.records(others(300))).mode("warn");
    place.run(&MONITOR).expect(0);
    place.log.change(|log| log.records(others(400)[300..].to_vec()).lie(Lie::ForgedTile));
    let run = place.run(&MONITOR);
    assert_eq!(run.code, 1, "{}", run.stderr);
    run.says("error[log-forged-");
    place.log.change(countermark_testkit::log::LogScenario::honest);
    place.run(&MONITOR).expect(0).says("100 entries read");
    // Another history, longer than what was seen.
    let mut records = others(420);
    records.swap(1, 2);
    place.log.change(|log| log.lie(Lie::Fork { after: 0, records }));
    let run = place.run(&MONITOR);
    run.expect(4).says("error[log-fork]");
    place.convicts(&place.evidence(&run), "signed two histories");
    place.log.change(|log| log.honest().lie(Lie::Rollback { after: 0, size: 10 }));
    place.run(&MONITOR).expect(1).says("error[log-rolled-back]");
}

#[test]
fn the_names_of_a_federation_are_watched() {
    let place = Place::with(|log| log.records(wheels()[..2].iter().map(seen))).mode("warn");
    let monitor = ["log", "monitor", "--federation", "federation.toml"];
    place.world.write("federation.toml", "[projects]\nnames = []\n");
    place.run(&monitor).expect(2).says("names no project");
    place.world.write("federation.toml", "[projects]\nnames = [\"beta\"]\n");
    place.run(&monitor).expect(0).says("beta-1.0").never_says("alpha");
    // Those of the records as well.
    let text =
        "[[records]]\nkind = \"table\"\npath = \"releases.csv\"\n[projects]\nnames = [\"beta\"]\n";
    place.world.write("federation.toml", text);
    place.world.write("releases.csv", "project,version,date\nalpha,1.0,2026-01-01\n");
    place.run(&monitor).expect(0).says("alpha-1.0").says("beta-1.0");
    place.log.change(|log| log.record(seen(&wheels()[2])));
    place.run(&monitor).expect(1).says("beta-2.0").never_says("alpha");
}
