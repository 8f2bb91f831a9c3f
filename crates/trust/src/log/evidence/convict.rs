//! Whether evidence proves what it says.

use std::fmt;

use countermark_tlog::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
use countermark_tlog::cosignature;
use countermark_tlog::hash::{Hash, leaf_hash};
use countermark_tlog::note::{KeyType, Note, NoteError, VerifierKey};
use countermark_tlog::proof::{ProofError, batch, roots_of_consistency};

use super::{Evidence, Kind, Ours};
use crate::Class;
use crate::log::record::{Observation, ObserverKind, RecordError};

/// Evidence that proves what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conviction {
    /// What is proved.
    pub kind: Kind,
    /// The log that it is about.
    pub log: String,
    /// The keys on which it rests: each signed a part of it.
    pub keys: Vec<VerifierKey>,
    /// Whether the reader brought them. Otherwise they stand in the evidence, and have to be compared
    /// with those that their owner publishes.
    pub keys_are_given: bool,
    /// What exactly.
    pub statement: Statement,
}

/// A view of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// How many entries it had.
    pub size: u64,
    /// Its root.
    pub root: Hash,
}

/// What is proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// Two views of one log that exclude each other.
    Views {
        /// The smaller one.
        first: View,
        /// The larger one, or another one of the same size.
        second: View,
    },
    /// A tree that was smaller when it was signed later.
    Shrunk {
        /// The smaller one, and when the log says that it signed it, in seconds since 1970.
        smaller: (View, u64),
        /// The larger one, signed before.
        larger: (View, u64),
    },
    /// Two digests of one file.
    Digests {
        /// What observers of an index saw.
        records: Vec<Observation>,
        /// What whoever wrote the evidence got himself. That this is so, it does not prove.
        ours: Option<Ours>,
    },
}

/// Why evidence proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum Unproven {
    /// Another number of notes than such a proof has.
    #[error("such evidence has {expected} signed checkpoints, found {found}")]
    Notes {
        /// The number of such a proof.
        expected: usize,
        /// The number found.
        found: usize,
    },
    /// Something that does not belong to the proof, and would mislead its readers.
    #[error("such evidence has no `{field}`")]
    Superfluous {
        /// What is there.
        field: &'static str,
    },
    /// No key that could have signed.
    #[error("there is no key of the accused")]
    NoKey,
    /// The keys that were given signed none of it.
    #[error("none of the given keys signed the evidence, which names {named}")]
    OtherKey {
        /// The keys that the evidence names.
        named: String,
    },
    /// A checkpoint that is none, or not signed.
    #[error("a signed checkpoint of the evidence cannot be used: {0}")]
    Checkpoint(#[source] CheckpointError),
    /// A cosignature that is none.
    #[error("`{witness}` did not cosign both checkpoints of the evidence")]
    Cosignature {
        /// The witness.
        witness: String,
    },
    /// Two views that go together.
    #[error("both checkpoints of the evidence say the same: {size} entries with one root")]
    Same {
        /// Their size.
        size: u64,
    },
    /// Not in order.
    #[error("the smaller checkpoint of the evidence has to be the first one")]
    Order,
    /// A proof from which nothing follows.
    #[error("nothing follows from the proof in the evidence: {0}")]
    Proof(#[source] ProofError),
    /// A log that has only grown.
    #[error("the log has only grown from {first} to {second} entries")]
    Consistent {
        /// The size of the smaller tree.
        first: u64,
        /// The size of the larger tree.
        second: u64,
    },
    /// A smaller tree that the log does not say to be later.
    #[error("the smaller checkpoint of the evidence does not say a later time than the larger one")]
    NotLater,
    /// The kind says another thing than the notes.
    #[error("the evidence says `{kind}`, which its checkpoints are not")]
    Kind {
        /// The word in the evidence.
        kind: &'static str,
    },
    /// A record that is none.
    #[error("a record of the evidence cannot be used: {0}")]
    Record(#[source] RecordError),
    /// Records that can all be true.
    #[error("the records of the evidence do not contradict each other, nor what was downloaded")]
    NoContradiction,
}

impl Unproven {
    /// Evidence that proves nothing is a check that said no.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Notes { .. }
            | Self::Superfluous { .. }
            | Self::NoKey
            | Self::OtherKey { .. }
            | Self::Checkpoint(_)
            | Self::Cosignature { .. }
            | Self::Same { .. }
            | Self::Order
            | Self::Proof(_)
            | Self::Consistent { .. }
            | Self::NotLater
            | Self::Kind { .. }
            | Self::Record(_)
            | Self::NoContradiction => Class::Rejected,
        }
    }
}

/// Whether evidence proves what it says, with the keys that the reader brings; with none, with those in
/// the evidence.
///
/// # Errors
/// [`Unproven`].
pub fn convict(evidence: &Evidence, given: &[VerifierKey]) -> Result<Conviction, Unproven> {
    let kind =
        if evidence.kind == Kind::BadCosignature { KeyType::Cosignature } else { KeyType::Ed25519 };
    let brought = if given.is_empty() { &evidence.keys } else { given };
    let keys: Vec<VerifierKey> = brought.iter().filter(|key| key.kind() == kind).cloned().collect();
    if keys.is_empty() {
        return Err(Unproven::NoKey);
    }
    let (keys, statement) = match evidence.kind {
        Kind::ForkSameSize | Kind::ForkInconsistent => fork(evidence, &keys)?,
        Kind::RolledBack => rolled_back(evidence, &keys)?,
        Kind::BadCosignature => bad_cosignature(evidence, &keys)?,
        Kind::Equivocation => equivocation(evidence, &keys)?,
    };
    Ok(Conviction {
        kind: evidence.kind,
        log: evidence.log.clone(),
        keys,
        keys_are_given: !given.is_empty(),
        statement,
    })
}

fn fork(
    evidence: &Evidence,
    keys: &[VerifierKey],
) -> Result<(Vec<VerifierKey>, Statement), Unproven> {
    let [first, second] = two_notes(evidence)?;
    let [first, second] = [open(evidence, first, keys)?, open(evidence, second, keys)?];
    let statement = views(first.checkpoint(), second.checkpoint(), &evidence.consistency)?;
    let same_size = first.size() == second.size();
    if same_size != (evidence.kind == Kind::ForkSameSize) {
        return Err(Unproven::Kind { kind: evidence.kind.name() });
    }
    Ok((rests_on(&first, &second), statement))
}

/// The keys that signed one of two checkpoints.
fn rests_on(first: &SignedCheckpoint, second: &SignedCheckpoint) -> Vec<VerifierKey> {
    let mut keys: Vec<VerifierKey> = Vec::new();
    for signed in first.signed().iter().chain(second.signed()) {
        if !keys.contains(&signed.key) {
            keys.push(signed.key.clone());
        }
    }
    keys
}

/// The times are the log's own: one that says a later time of a smaller tree says that it forgot entries.
fn rolled_back(
    evidence: &Evidence,
    keys: &[VerifierKey],
) -> Result<(Vec<VerifierKey>, Statement), Unproven> {
    let [smaller, larger] = two_notes(evidence)?;
    if !evidence.consistency.is_empty() {
        return Err(Unproven::Superfluous { field: "consistency" });
    }
    let [smaller, larger] = [open(evidence, smaller, keys)?, open(evidence, larger, keys)?];
    if smaller.size() >= larger.size() {
        return Err(Unproven::Order);
    }
    let time = |it: &SignedCheckpoint| it.checkpoint().stated_time();
    let (Some(later), Some(before)) = (time(&smaller), time(&larger)) else {
        return Err(Unproven::NotLater);
    };
    if later <= before {
        return Err(Unproven::NotLater);
    }
    let statement = Statement::Shrunk {
        smaller: (view(smaller.checkpoint()), later),
        larger: (view(larger.checkpoint()), before),
    };
    Ok((rests_on(&smaller, &larger), statement))
}

fn view(checkpoint: &Checkpoint) -> View {
    View { size: checkpoint.size(), root: *checkpoint.root() }
}

fn bad_cosignature(
    evidence: &Evidence,
    keys: &[VerifierKey],
) -> Result<(Vec<VerifierKey>, Statement), Unproven> {
    let notes = two_notes(evidence)?;
    let malformed = |error| Unproven::Checkpoint(CheckpointError::Note(error));
    let mut checkpoints = Vec::with_capacity(2);
    // One key has to have cosigned both: two witnesses with two opinions prove nothing about either.
    let mut both = keys.to_vec();
    for text in notes {
        let note = Note::parse(text.as_bytes()).map_err(malformed)?;
        let checkpoint = Checkpoint::parse(note.text()).map_err(Unproven::Checkpoint)?;
        if checkpoint.origin() != evidence.log {
            let (expected, found) = (evidence.log.clone(), checkpoint.origin().to_owned());
            return Err(Unproven::Checkpoint(CheckpointError::OtherOrigin { expected, found }));
        }
        let cosigned = cosignature::verify(&note, keys).map_err(malformed)?;
        both.retain(|key| cosigned.iter().any(|it| it.key == *key));
        checkpoints.push(checkpoint);
    }
    if both.is_empty() {
        let witness = keys.first().map_or_else(String::new, |key| key.name().to_owned());
        return Err(Unproven::Cosignature { witness });
    }
    let [first, second] = checkpoints.as_slice() else {
        return Err(Unproven::Notes { expected: 2, found: checkpoints.len() });
    };
    Ok((both, views(first, second, &evidence.consistency)?))
}

fn equivocation(
    evidence: &Evidence,
    keys: &[VerifierKey],
) -> Result<(Vec<VerifierKey>, Statement), Unproven> {
    let [note] = evidence.notes.as_slice() else {
        return Err(Unproven::Notes { expected: 1, found: evidence.notes.len() });
    };
    if !evidence.consistency.is_empty() {
        return Err(Unproven::Superfluous { field: "consistency" });
    }
    let head = open(evidence, note, keys)?;
    let leaves: Vec<(u64, Hash)> = evidence
        .records
        .iter()
        .map(|entry| (entry.index, leaf_hash(entry.record.as_bytes())))
        .collect();
    batch::verify(&leaves, head.size(), &evidence.proof, head.root()).map_err(Unproven::Proof)?;
    let records: Vec<Observation> = evidence
        .records
        .iter()
        .map(|entry| Observation::parse(entry.record.as_bytes()).map_err(Unproven::Record))
        .collect::<Result<_, _>>()?;
    let of_index = |it: &Observation| it.observer().kind() == ObserverKind::Index;
    let contradicted = |record: &Observation| match &evidence.ours {
        Some(ours) => {
            of_index(record) && record.file() == ours.file && record.differs(&ours.digest)
        }
        None => records.iter().any(|other| record.contradicts(other)),
    };
    // Each of them: a record that only stands beside would be accused as well.
    if !records.iter().all(contradicted) {
        return Err(Unproven::NoContradiction);
    }
    let rests_on = head.signed().iter().map(|signed| signed.key.clone()).collect();
    Ok((rests_on, Statement::Digests { records, ours: evidence.ours.clone() }))
}

/// Two views that exclude each other, or why they do not.
fn views(
    first: &Checkpoint,
    second: &Checkpoint,
    consistency: &[Hash],
) -> Result<Statement, Unproven> {
    let statement = Statement::Views { first: view(first), second: view(second) };
    if first.size() > second.size() {
        return Err(Unproven::Order);
    }
    if first.size() == second.size() {
        if !consistency.is_empty() {
            return Err(Unproven::Superfluous { field: "consistency" });
        }
        if first.root() == second.root() {
            return Err(Unproven::Same { size: first.size() });
        }
        return Ok(statement);
    }
    let (old, new) =
        roots_of_consistency(first.size(), second.size(), consistency).map_err(Unproven::Proof)?;
    // Only a proof of the larger tree says what the smaller one has to be.
    if new != *second.root() {
        return Err(Unproven::Proof(ProofError::Root { expected: *second.root(), computed: new }));
    }
    if old == *first.root() {
        return Err(Unproven::Consistent { first: first.size(), second: second.size() });
    }
    Ok(statement)
}

fn two_notes(evidence: &Evidence) -> Result<[&String; 2], Unproven> {
    if !evidence.records.is_empty() {
        return Err(Unproven::Superfluous { field: "records" });
    }
    if !evidence.proof.is_empty() {
        return Err(Unproven::Superfluous { field: "proof" });
    }
    if evidence.ours.is_some() {
        return Err(Unproven::Superfluous { field: "ours" });
    }
    match evidence.notes.as_slice() {
        [first, second] => Ok([first, second]),
        notes => Err(Unproven::Notes { expected: 2, found: notes.len() }),
    }
}

fn open(
    evidence: &Evidence,
    note: &str,
    keys: &[VerifierKey],
) -> Result<SignedCheckpoint, Unproven> {
    SignedCheckpoint::open(note.as_bytes(), &evidence.log, keys).map_err(|error| match error {
        CheckpointError::Note(NoteError::Unsigned) => {
            let named: Vec<String> = evidence.keys.iter().map(|key| format!("`{key}`")).collect();
            Unproven::OtherKey { named: named.join(", ") }
        }
        error => Unproven::Checkpoint(error),
    })
}

impl fmt::Display for Statement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Views { first, second } => write!(
                formatter,
                "{} entries with the root {}, and {} entries with the root {}, which exclude each other",
                first.size, first.root, second.size, second.root
            ),
            Self::Shrunk { smaller: (smaller, later), larger: (larger, before) } => write!(
                formatter,
                "{} entries at the time {before}, and {} entries at the later time {later}",
                larger.size, smaller.size
            ),
            Self::Digests { records, ours } => {
                for (number, record) in records.iter().enumerate() {
                    let separator = if number == 0 { "" } else { "; " };
                    write!(
                        formatter,
                        "{separator}`{}` was {} for {} at {}",
                        record.file(),
                        record.digest(),
                        record.observer(),
                        record.first_seen()
                    )?;
                }
                if let Some(ours) = ours {
                    write!(formatter, "; the writer of the evidence got {} ", ours.digest)?;
                    let from: String =
                        ours.from.chars().flat_map(crate::policy::rule::escaped).collect();
                    write!(formatter, "from {from}, which is his word")?;
                }
                Ok(())
            }
        }
    }
}
