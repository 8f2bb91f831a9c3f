//! What a log has, and how it lies: data only.

use std::time::Duration;

use countermark_packaging::digest::{Digest, Sha256};
use countermark_tlog::note::{KeyType, SignerKey};
use countermark_trust::log::record::{Fields, Observation, Observer};
use jiff::Timestamp;

/// How a log misbehaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lie {
    /// After so many look-ups and checkpoints it shows a tree of these records instead of its own, signed
    /// by its own key; no witness cosigns it but those of [`Lie::LyingWitness`]. With as many records as
    /// the honest tree it is another root of one size, with more it is a tree that does not contain the
    /// first one.
    Fork {
        /// How many requests are answered honestly.
        after: usize,
        /// What the other view has.
        records: Vec<Observation>,
    },
    /// After so many look-ups and checkpoints it shows the tree as it was with fewer entries.
    Rollback {
        /// How many requests are answered honestly.
        after: usize,
        /// The size that is shown then.
        size: u64,
    },
    /// Checkpoints and cosignatures are older by this.
    Stale(Duration),
    /// Checkpoints and cosignatures are from the future by this.
    Future(Duration),
    /// Checkpoints do not say their time.
    NoTime,
    /// The first record of an answer has another digest than its entry.
    SwappedRecord,
    /// The first record of an answer says another file than its entry.
    RenamedRecord,
    /// A byte of every tile and of every bundle of entries is another one.
    ForgedTile,
    /// Look-ups are answered with nothing at all.
    EmptyAnswer,
    /// Look-ups are answered as if the log had no record.
    NoRecords,
    /// Answers have a record more, which nobody asked for, with a right proof.
    UnrelatedRecord,
    /// The last record of each answer is left out, with a proof that still has it.
    ShortAnswer,
    /// Answers have no proof of their records.
    MissingProof,
    /// The proof of the records has a hash more.
    LongProof,
    /// Answers do not prove that the log has only grown.
    MissingConsistency,
    /// The log's signature is wrong.
    BadSignature,
    /// Another key of the same name signs.
    UnknownKey,
    /// Only the first so many witnesses cosign.
    FewWitnesses(usize),
    /// The first so many witnesses cosign whatever is shown.
    LyingWitness(usize),
    /// The connection is closed without an answer.
    Down,
    /// Every request is answered with this status.
    Status(u16),
    /// So much time passes before each answer.
    Slow(Duration),
    /// Answers never end.
    Oversized,
}

/// A log, as data.
#[derive(Debug)]
pub struct LogScenario {
    pub(super) origin: String,
    pub(super) key: SignerKey,
    pub(super) also: Option<SignerKey>,
    pub(super) witnesses: Vec<SignerKey>,
    pub(super) records: Vec<Observation>,
    pub(super) now: Timestamp,
    pub(super) lies: Vec<Lie>,
}

fn key(name: &str, kind: KeyType, seed: u8) -> SignerKey {
    SignerKey::from_seed(name, kind, &[seed; 32]).expect("a name without spaces")
}

impl LogScenario {
    /// An honest log without records, witnesses and lies, at this time.
    ///
    /// # Panics
    /// Where the origin is no name of a key: the test cannot run.
    #[must_use]
    pub fn new(origin: &str, now: Timestamp) -> Self {
        Self {
            origin: origin.to_owned(),
            key: key(origin, KeyType::Ed25519, 1),
            also: None,
            witnesses: Vec::new(),
            records: Vec::new(),
            now,
            lies: Vec::new(),
        }
    }

    /// With so many witnesses: `witness.example.org/1` and so on.
    #[must_use]
    pub fn witnesses(mut self, count: u8) -> Self {
        let name = |number: u8| format!("witness.example.org/{number}");
        self.witnesses =
            (1..=count).map(|it| key(&name(it), KeyType::Cosignature, 100 + it)).collect();
        self
    }

    /// With another key, made from this seed; the first one is made from 1.
    #[must_use]
    pub fn signed_by(mut self, seed: u8) -> Self {
        self.key = key(&self.origin, KeyType::Ed25519, seed);
        self
    }

    /// With a second key that signs beside the first one, as while one follows the other.
    #[must_use]
    pub fn also_signed_by(mut self, seed: u8) -> Self {
        self.also = Some(key(&self.origin, KeyType::Ed25519, seed));
        self
    }

    /// With one record more.
    #[must_use]
    pub fn record(mut self, record: Observation) -> Self {
        self.records.push(record);
        self
    }

    /// With more records.
    #[must_use]
    pub fn records(mut self, records: impl IntoIterator<Item = Observation>) -> Self {
        self.records.extend(records);
        self
    }

    /// With a second digest for each record of this file, by another observer of an index. The log is
    /// honest with that: it is the index that has lied.
    #[must_use]
    pub fn second_digest(mut self, file: &str) -> Self {
        let more: Vec<Observation> =
            self.records.iter().filter(|it| it.file() == file).map(second_digest).collect();
        self.records.extend(more);
        self
    }

    /// At another time.
    #[must_use]
    pub fn at(mut self, now: Timestamp) -> Self {
        self.now = now;
        self
    }

    /// With one lie more.
    #[must_use]
    pub fn lie(mut self, lie: Lie) -> Self {
        self.lies.push(lie);
        self
    }

    /// Without any lie.
    #[must_use]
    pub fn honest(mut self) -> Self {
        self.lies.clear();
        self
    }

    /// Its name.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The key that a policy lists.
    #[must_use]
    pub fn vkey(&self) -> String {
        self.key.verifier().to_string()
    }

    /// The key that this log would have with another seed.
    #[must_use]
    pub fn vkey_of(&self, seed: u8) -> String {
        key(&self.origin, KeyType::Ed25519, seed).verifier().to_string()
    }

    /// The keys of its witnesses.
    #[must_use]
    pub fn witness_vkeys(&self) -> Vec<String> {
        self.witnesses.iter().map(|it| it.verifier().to_string()).collect()
    }

    /// The lines below `[policy.log]` for a log at this address, all but those of the mode, the age and
    /// private names.
    #[must_use]
    pub fn policy_lines(&self, url: &str) -> String {
        let mut lines = format!("url = \"{url}\"\nkey = \"{}\"\n", self.vkey());
        if !self.witnesses.is_empty() {
            let witnesses: Vec<String> =
                self.witness_vkeys().iter().map(|it| format!("\"{it}\"")).collect();
            lines += &format!("witnesses = [{}]\n", witnesses.join(", "));
        }
        lines
    }
}

/// A record of an observer (`index:example.org/crawler`) that saw a file with these bytes.
///
/// # Panics
/// Where one of the texts is not what a record can have: the test is wrong.
#[must_use]
pub fn observation(observer: &str, project: &str, file: &str, bytes: &[u8]) -> Observation {
    use sha2::Digest as _;
    let digest = Digest::from(Sha256(sha2::Sha256::digest(bytes).into()));
    Observation::new(Fields {
        project: project.parse().expect("a name of a project"),
        file: file.to_owned(),
        digest,
        size: Some(bytes.len() as u64),
        uploaded: None,
        observer: Observer::parse(observer).expect("an observer"),
        first_seen: Timestamp::from_second(1_790_000_000).expect("a time"),
    })
    .expect("a record")
}

/// The same file with another digest, as another observer of an index saw it.
#[must_use]
pub fn second_digest(record: &Observation) -> Observation {
    observation(
        "index:second.example.org/crawler",
        record.project().as_str(),
        record.file(),
        format!("not {}", record.digest()).as_bytes(),
    )
}
