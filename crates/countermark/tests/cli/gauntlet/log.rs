//! 66 and 67: the log.

use countermark_testkit::log::{Lie, LogScenario, LogServer, observation};
use jiff::Timestamp;

use super::*;

const OBSERVER: &str = "index:example.org/crawler";

/// A log that has seen `alpha` with these bytes, and the gauntlet with a policy that requires it.
fn with_log(g: &mut Gauntlet, bytes: &[u8], lie: Option<Lie>) -> LogServer {
    let record = observation(OBSERVER, "alpha", &alpha().filename(), bytes);
    let scenario = LogScenario::new("log.example.org", Timestamp::now()).record(record);
    let log = LogServer::start(lie.into_iter().fold(scenario, LogScenario::lie));
    let public = g.index.simple_url();
    let policy = log.policy(&format!("mode = \"require\"\npublic-indexes = [\"{public}\"]"));
    g.world.write("countermark.toml", policy);
    g.world.set("COUNTERMARK_INDEX_URL", &public);
    log
}

/// The one path that was named as evidence.
fn evidence(run: &Run) -> PathBuf {
    let lead = "the evidence is in `";
    let start = run.stderr.find(lead).expect("evidence") + lead.len();
    let rest = &run.stderr[start..];
    PathBuf::from(&rest[..rest.find('`').expect("an end")])
}

#[test]
fn g66_one_file_name_seen_with_two_digests() {
    let mut g = Gauntlet::with(&[&alpha()]);
    let log = with_log(&mut g, b"what everybody else got", None);
    g.world.write("requirements.in", "alpha\n");
    let lock = || g.world.run(&["lock", "requirements.in"]);
    let install = || g.world.run(&["install", "alpha", "--venv", "env"]);
    for run in [g.unchanged_by(4, lock), g.unchanged_by(4, install)] {
        run.says("error[equivocation]").says(&sha256(&alpha().build())).says(OBSERVER);
        let saved = evidence(&run);
        let key = log.vkey();
        let convict = ["log", "convict", saved.to_str().expect("UTF-8"), "--key", &key];
        g.world.run(&convict).expect(0).says("two digests of one file");
    }
    // Also of what somebody else pinned.
    g.requirements(pinned("alpha", "1.0", &alpha().build()));
    g.refuses(4).says("error[equivocation]");
}

#[test]
fn g67_the_log_cannot_be_reached() {
    for lie in [Lie::Down, Lie::Status(503)] {
        let mut g = Gauntlet::with(&[&alpha()]);
        let _log = with_log(&mut g, &alpha().build(), Some(lie));
        g.world.write("requirements.in", "alpha\n");
        let lock = || g.world.run(&["lock", "requirements.in"]);
        g.unchanged_by(3, lock).says("error[log-unreachable]");
        let install = || g.world.run(&["install", "alpha", "--venv", "env"]);
        g.unchanged_by(3, install).says("error[log-unreachable]");
        // Pins in the file still verify: nothing of a log was ever seen on this machine.
        assert!(!g.world.home(".local/state/countermark/log/seen").exists());
        g.requirements(pinned("alpha", "1.0", &alpha().build()));
        g.accepts().says("the log was not asked");
        g.has("alpha", "1.0");
        // And a wrong one is as wrong as before.
        g.requirements(format!("alpha==1.0 --hash=sha256:{WRONG}\n"));
        g.refuses_with(1, &["--refresh"]);
    }
}
