//! What a look-up costs the client: parses and verifies one answer for many pins, and prints one JSON
//! object with the CPU time of this process's one thread, taken as wall time of many rounds.
//!
//! ```text
//! verify_pins ENTRIES PINS FILES
//! ```
//!
//! A tree of ENTRIES records, a lock of PINS releases with FILES files each.

use std::error::Error;
use std::time::Instant;

use countermark_packaging::digest::{Algorithm, Digest};
use countermark_packaging::name::ProjectName;
use countermark_tlog::checkpoint::Checkpoint;
use countermark_tlog::note::{KeyType, SignerKey};
use countermark_tlog::proof::batch;
use countermark_tlog::proof::memory::MemoryNodes;
use countermark_trust::log::lookup;
use countermark_trust::log::policy::{LogKey, LogPolicy, Mode};
use countermark_trust::log::record::{Fields, Observation, Observer};
use countermark_trust::log::wire::{Entry, LookupAnswer, LookupRequest};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

const ROUNDS: u32 = 20;
const NOW: i64 = 1_780_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let numbers: Vec<u64> =
        std::env::args().skip(1).map(|it| it.parse()).collect::<Result<_, _>>()?;
    let &[entries, pins, files] = &numbers[..] else {
        return Err("verify_pins ENTRIES PINS FILES".into());
    };
    let now = Timestamp::from_second(NOW)?;
    let observer = Observer::parse("index:example.org/crawler")?;
    let mut tree = MemoryNodes::default();
    for number in 0..entries {
        tree.append(record(number, files, &observer)?.text().as_bytes());
    }
    let key = SignerKey::from_seed("log.example.org", KeyType::Ed25519, &[1; 32])?;
    let checkpoint = Checkpoint::new("log.example.org", entries, tree.root())?;
    let seconds = u64::try_from(NOW)?;
    let checkpoint = checkpoint.with_time(seconds).sign(&[&key])?.note().to_text();
    // Releases far apart, their files side by side, as observers append them.
    let step = entries / files / pins;
    let indices: Vec<u64> =
        (0..pins).flat_map(|pin| (0..files).map(move |file| pin * step * files + file)).collect();
    let mut records = Vec::new();
    let mut request = LookupRequest::default();
    for &index in &indices {
        let observation = record(index, files, &observer)?;
        request.files.insert(observation.file().to_owned());
        records.push(Entry { index, record: observation.text() });
    }
    let proof = batch::prove(&indices, entries, &tree).map_err(|_| "no proof")?;
    let hashes = proof.len();
    let answer = LookupAnswer { checkpoint, consistency: Vec::new(), records, proof }.write();
    let policy = LogPolicy {
        mode: Mode::Require,
        keys: vec![LogKey { vkey: key.verifier().clone(), from: None, until: None }],
        ..LogPolicy::default()
    };
    let started = Instant::now();
    for _ in 0..ROUNDS {
        let checked = lookup::verify(&policy, None, &request, &answer, now)
            .map_err(|refused| format!("{refused:?}"))?;
        if checked.files().count() != request.files.len() {
            return Err("not every file was found".into());
        }
    }
    let milliseconds = started.elapsed().as_secs_f64() * 1000.0 / f64::from(ROUNDS);
    println!(
        "{{\"entries\": {entries}, \"pins\": {pins}, \"files\": {}, \"request_bytes\": {}, \
         \"answer_bytes\": {}, \"proof_hashes\": {hashes}, \"milliseconds\": {milliseconds:.2}}}",
        request.files.len(),
        request.write()?.len(),
        answer.len(),
    );
    Ok(())
}

fn record(number: u64, files: u64, observer: &Observer) -> Result<Observation, Box<dyn Error>> {
    let (release, file) = (number / files, number % files);
    Ok(Observation::new(Fields {
        project: ProjectName::parse(&format!("project-{release}"))?,
        file: format!("project_{release}-1.0-cp3{file}-none-any.whl"),
        digest: Digest::new(Algorithm::Sha256, &Sha256::digest(number.to_be_bytes()))?,
        size: Some(100_000 + number),
        uploaded: Some(Timestamp::from_second(1_700_000_000)?),
        observer: observer.clone(),
        first_seen: Timestamp::from_second(1_700_000_060)?,
    })?)
}
