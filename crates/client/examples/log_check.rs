//! How much time a client spends on a look-up of many pins, with a log on loopback:
//! `cargo run --release -p countermark-client --example log_check -- 1000`.
//!
//! Prints the time of this process for one check, from the pins to the judgement, and the requests that it
//! took. The log is in another thread, whose time is not counted.

#![expect(clippy::unwrap_used, reason = "an example that cannot go on says so")]

use std::sync::Arc;
use std::time::Instant;

use countermark_client::http::{Client, Options, Proxies};
use countermark_client::log::{LogClient, Occasion, PinToCheck, ServedBy};
use countermark_testkit::log::{LogScenario, LogServer, observation};
use countermark_trust::policy::{Policy, Section};
use jiff::Timestamp;

const INDEX: &str = "https://index.example.org/simple/";

fn main() {
    let count: usize = std::env::args().nth(1).map_or(1000, |text| text.parse().unwrap());
    let now = Timestamp::now();
    let record = |number: usize| {
        let file = format!("project_{number}-1.0-py3-none-any.whl");
        observation(
            "index:example.org/crawler",
            &format!("project-{number}"),
            &file,
            file.as_bytes(),
        )
    };
    let records: Vec<_> = (0..count * 10).map(record).collect();
    let pins: Vec<PinToCheck> = records
        .iter()
        .step_by(10)
        .map(|record| PinToCheck {
            project: record.project().clone(),
            filename: record.file().to_owned(),
            digests: vec![record.digest().clone()],
            served_by: ServedBy::Index(INDEX.to_owned()),
            stands: false,
        })
        .collect();
    let log =
        LogServer::start(LogScenario::new("log.example.org", now).witnesses(3).records(records));
    let lines = format!("mode = \"require\"\npublic-indexes = [\"{INDEX}\"]");
    let policy = Policy::parse("policy", log.policy(&lines).as_bytes(), Section::File).unwrap();
    let http = Client::new(Options { proxies: Proxies::Off, ..Options::default() }, Arc::default());
    for run in 1..=5 {
        let state = tempfile::tempdir().unwrap();
        let client =
            LogClient { http: &http, policy: &policy, state: state.path(), evidence: None, now };
        log.forget_requests();
        let (wall, before) = (Instant::now(), cpu());
        let outcome = client.check(&pins, Occasion::Writing);
        let (cpu, wall) = (cpu() - before, wall.elapsed());
        assert_eq!(outcome.known, count, "{:?}", outcome.problems);
        println!(
            "run {run}: {count} pins, {} request(s), {:.1} ms of this thread, {:.1} ms in all",
            log.request_lines().len(),
            cpu * 1e3,
            wall.as_secs_f64() * 1e3
        );
    }
}

/// Seconds that this thread has worked, by the kernel's count; the network waits in it too.
fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split_whitespace().next().and_then(|word| word.parse::<f64>().ok());
    nanoseconds.unwrap_or_default() / 1e9
}
