//! What an honest log never sends, and what a policy says about keys, witnesses and times. That every
//! lie of a whole log is refused by name is tested with the log of the testkit.

mod convict;
mod heads;
mod records;

use countermark_tlog::checkpoint::Checkpoint;
use countermark_tlog::cosignature;
use countermark_tlog::hash::Hash;
use countermark_tlog::note::{KeyType, SignerKey, VerifierKey};
use countermark_tlog::proof::batch;
use countermark_tlog::proof::memory::MemoryNodes;
use jiff::Timestamp;

use super::lookup::{self, Checked};
use super::memory::Seen;
use super::policy::{LogKey, LogPolicy, Mode};
use super::refused::Refused;
use super::wire::{Entry, LookupAnswer, LookupRequest};

const ORIGIN: &str = "log.example.org";

fn now() -> Timestamp {
    "2026-11-22T08:00:00Z".parse().unwrap()
}

/// So many seconds after [`now`].
fn seconds(offset: i64) -> u64 {
    u64::try_from(now().as_second() + offset).unwrap()
}

fn log_key(seed: u8) -> SignerKey {
    SignerKey::from_seed(ORIGIN, KeyType::Ed25519, &[seed; 32]).unwrap()
}

fn witness(number: u8) -> SignerKey {
    let name = format!("witness.example.org/{number}");
    SignerKey::from_seed(&name, KeyType::Cosignature, &[100 + number; 32]).unwrap()
}

/// The policy that trusts the key of the seed 1, without witnesses and without a limit of age.
fn policy() -> LogPolicy {
    let vkey = log_key(1).verifier().clone();
    let keys = vec![LogKey { vkey, from: None, until: None }];
    LogPolicy { mode: Mode::Require, keys, ..LogPolicy::default() }
}

fn with_witnesses(count: u8, quorum: usize) -> LogPolicy {
    let witnesses = (1..=count).map(|number| witness(number).verifier().clone()).collect();
    LogPolicy { witnesses, quorum, ..policy() }
}

/// A checkpoint by these keys, with cosignatures of witnesses at so many seconds after [`now`].
fn note(checkpoint: Checkpoint, keys: &[u8], cosigned: &[(u8, i64)]) -> String {
    let keys: Vec<SignerKey> = keys.iter().map(|seed| log_key(*seed)).collect();
    let text = checkpoint.to_text();
    let signed = checkpoint.sign(&keys.iter().collect::<Vec<_>>()).unwrap();
    let mut note = signed.note().clone();
    for (number, offset) in cosigned {
        note.add(cosignature::sign(&text, &witness(*number), seconds(*offset)).unwrap()).unwrap();
    }
    note.to_text()
}

fn checkpoint(size: u64, root: Hash) -> Checkpoint {
    Checkpoint::new(ORIGIN, size, root).unwrap()
}

/// A tree of records of `f0`, `f1`, …, of which the first `count` have this size in bytes.
fn texts(count: u64, size: u64) -> Vec<String> {
    let text = |number: u64| {
        format!(
            "observation/v1\nproject p\nfile f{number}\ndigest sha256:{}\nsize {size}\nuploaded -\n\
             observer index:example.org\nfirst-seen 2026-11-22T08:00:00Z\n",
            "ab".repeat(32)
        )
    };
    (0..count).map(text).collect()
}

/// An honest answer about these entries of a log with these texts.
fn answer(texts: &[String], wanted: &[u64]) -> LookupAnswer {
    let tree = MemoryNodes::of(texts);
    let record = |index: &u64| Entry { index: *index, record: texts[*index as usize].clone() };
    LookupAnswer {
        checkpoint: note(checkpoint(tree.size(), tree.root()), &[1], &[]),
        consistency: Vec::new(),
        records: wanted.iter().map(record).collect(),
        proof: batch::prove(wanted, tree.size(), &tree).unwrap(),
    }
}

fn request(files: &[&str]) -> LookupRequest {
    let files = files.iter().map(|file| (*file).to_owned()).collect();
    LookupRequest { files, ..LookupRequest::default() }
}

fn verify(answer: &LookupAnswer, files: &[&str]) -> Result<Checked, Refused> {
    lookup::verify(&policy(), None, &request(files), &answer.write(), now())
}

fn vkeys(keys: &[SignerKey]) -> Vec<VerifierKey> {
    keys.iter().map(|key| key.verifier().clone()).collect()
}

fn seen(note: &str) -> Seen {
    Seen::parse(ORIGIN, note.as_bytes()).unwrap()
}
