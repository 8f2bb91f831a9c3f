//! Whether an answer of a log is true under a policy, and what it says.
//!
//! An answer is used as a whole or not at all. The root is that of a checkpoint that is signed,
//! cosigned, young enough and continues what was seen before; every record is proved against it; every
//! record is canonical, was asked for, and is there once. The three mistakes of a well-known client are
//! refused by name: an answer without content (CVE-2026-42501) is no yes, records that nobody asked for
//! (CVE-2026-56864) are refused, and nothing is believed before it is proved (CVE-2026-56865).

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use countermark_packaging::digest::Digest;
use countermark_tlog::hash::{Hash, leaf_hash};
use countermark_tlog::note::VerifierKey;
use countermark_tlog::proof::batch;
use jiff::Timestamp;

use super::evidence::{Evidence, Ours};
use super::head::Head;
use super::judge::{Contradiction, Judgement, judge};
use super::memory::Seen;
use super::paths::Paths;
use super::policy::LogPolicy;
use super::record::Observation;
use super::refused::Refused;
use super::wire::{Entry, LookupAnswer, LookupRequest, WireError};

/// A record, and its number in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// The number of its entry.
    pub index: u64,
    /// The record.
    pub observation: Observation,
}

/// An answer that is true under a policy. Only [`verify`] makes one.
#[derive(Clone, Debug)]
pub struct Checked {
    head: Head,
    keys: Vec<VerifierKey>,
    files: BTreeMap<String, Vec<Logged>>,
    leaves: Vec<(u64, Hash)>,
    proof: Vec<Hash>,
    /// Made when the first proof is asked for: a look-up that only judges needs none.
    paths: OnceLock<Paths>,
}

/// Holds an answer against the policy, what was seen before, and what was asked.
///
/// # Errors
/// [`Refused`]; nothing of the answer may be used then, and what was seen before stays.
pub fn verify(
    policy: &LogPolicy,
    seen: Option<&Seen>,
    request: &LookupRequest,
    answer: &[u8],
    now: Timestamp,
) -> Result<Checked, Refused> {
    let answer = LookupAnswer::parse(answer).map_err(|error| match error {
        WireError::Empty { .. } => Refused::EmptyAnswer,
        error => Refused::BadAnswer(error),
    })?;
    let head = Head::open(policy, answer.checkpoint.as_bytes(), now)?;
    head.check_follows(policy, seen, &answer.consistency, now)?;
    let origin = || head.origin().to_owned();
    let leaves: Vec<(u64, Hash)> = answer
        .records
        .iter()
        .map(|entry| (entry.index, leaf_hash(entry.record.as_bytes())))
        .collect();
    if !leaves.is_empty() {
        batch::verify(&leaves, head.size(), &answer.proof, head.root())
            .map_err(|source| Refused::NotIncluded { origin: origin(), source })?;
    } else if !answer.proof.is_empty() {
        return Err(Refused::ProofOfNothing { origin: origin() });
    }
    let files = read_records(&answer.records, request, &origin())?;
    let keys = policy.keys.iter().map(|key| key.vkey.clone()).collect();
    Ok(Checked { head, keys, files, leaves, proof: answer.proof, paths: OnceLock::new() })
}

/// The records by file, each canonical, asked for, and there once.
fn read_records(
    entries: &[Entry],
    request: &LookupRequest,
    origin: &str,
) -> Result<BTreeMap<String, Vec<Logged>>, Refused> {
    let origin = || origin.to_owned();
    let mut files: BTreeMap<String, Vec<Logged>> = BTreeMap::new();
    let mut keys = HashMap::with_capacity(entries.len());
    for Entry { index, record } in entries {
        let index = *index;
        let observation = Observation::parse(record.as_bytes())
            .map_err(|source| Refused::BadRecord { origin: origin(), index, source })?;
        let file = observation.file().to_owned();
        if !request.asks_for(&observation) {
            return Err(Refused::UnrelatedRecord { origin: origin(), index, file });
        }
        let key = (file.clone(), observation.digest().clone(), observation.observer().clone());
        if let Some(first) = keys.insert(key, index) {
            return Err(Refused::DuplicateRecord { origin: origin(), first, second: index, file });
        }
        files.entry(file).or_default().push(Logged { index, observation });
    }
    Ok(files)
}

impl Checked {
    /// The checkpoint that it rests on.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// What to remember instead of what was seen before.
    #[must_use]
    pub fn to_seen(&self) -> Seen {
        self.head.to_seen()
    }

    /// The files of which the log has records, in the order of their names.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[Logged])> {
        self.files.iter().map(|(file, records)| (file.as_str(), records.as_slice()))
    }

    /// The records of a file, in the order of the log.
    #[must_use]
    pub fn records(&self, file: &str) -> &[Logged] {
        self.files.get(file).map_or(&[], Vec::as_slice)
    }

    /// What the log says about a file that is about to be pinned.
    #[must_use]
    pub fn judge(&self, file: &str, digests: &[Digest]) -> Judgement<'_> {
        judge(file, digests, self.records(file))
    }

    /// The proof that a record stands in the log: hashes from its sibling up to the child of the root.
    /// None for a record of another answer.
    #[must_use]
    pub fn inclusion(&self, record: &Logged) -> Option<Vec<Hash>> {
        let known = self.records(record.observation.file()).contains(record);
        known.then(|| self.paths().inclusion(record.index)).flatten()
    }

    fn paths(&self) -> &Paths {
        self.paths.get_or_init(|| Paths::new(&self.leaves, self.head.size(), &self.proof))
    }

    /// The proof of a contradiction, for anybody. `ours` is what we downloaded, where it is one of the
    /// two sides.
    #[must_use]
    pub fn evidence(
        &self,
        contradiction: &Contradiction<'_>,
        ours: Option<Ours>,
        now: Timestamp,
    ) -> Option<Evidence> {
        let (records, ours) = match contradiction {
            Contradiction::Records { first, second } => (vec![*first, *second], None),
            Contradiction::Ours { record } => (vec![*record], ours),
        };
        let mut records: Vec<Entry> = records
            .into_iter()
            .map(|it| Entry { index: it.index, record: it.observation.text() })
            .collect();
        records.sort_by_key(|entry| entry.index);
        let indices: Vec<u64> = records.iter().map(|entry| entry.index).collect();
        let proof = self.paths().batch(&indices)?;
        let (log, note) = (self.head.origin(), self.head.note());
        Evidence::equivocation(log, &self.keys, note, records, proof, ours, now)
    }
}
