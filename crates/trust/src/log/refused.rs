//! Why an answer of a log is refused, by name.

use countermark_tlog::checkpoint::CheckpointError;
use countermark_tlog::hash::Hash;
use countermark_tlog::note::NoteError;
use countermark_tlog::proof::ProofError;
use jiff::Timestamp;
use jiff::civil::Date;

use super::evidence::Evidence;
use super::record::RecordError;
use super::wire::WireError;
use crate::Class;

/// Why an answer, a checkpoint or a proof of a log is refused. Nothing of it may be used then, and
/// nothing is remembered of it.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// No bytes, or an answer without a checkpoint.
    #[error("the log answered nothing")]
    EmptyAnswer,
    /// The answer is not one.
    #[error("{0}")]
    BadAnswer(#[source] WireError),
    /// The checkpoint is none, or another log's.
    #[error("the checkpoint of the log cannot be used: {0}")]
    BadCheckpoint(#[source] CheckpointError),
    /// No key of the policy signed, or a signature is wrong.
    #[error("the checkpoint of `{origin}` is not signed as the policy asks: {source}")]
    BadSignature {
        /// The log.
        origin: String,
        /// What is wrong with the signatures.
        source: NoteError,
    },
    /// A key of the policy signed, but not one that counts on this day.
    #[error("the checkpoint of `{origin}` is signed by a key that does not count on {day}")]
    KeyOutOfTime {
        /// The log.
        origin: String,
        /// The day.
        day: Date,
    },
    /// Fewer witnesses cosigned than the policy asks for.
    #[error(
        "the checkpoint of `{origin}` is cosigned by {found} of the witnesses, expected {quorum}"
    )]
    TooFewWitnesses {
        /// The log.
        origin: String,
        /// How many cosigned.
        found: usize,
        /// How many have to.
        quorum: usize,
    },
    /// Its time has not come.
    #[error("the checkpoint of `{origin}` is of {time}, which is after {now}")]
    FromFuture {
        /// The log.
        origin: String,
        /// The time of the checkpoint.
        time: Timestamp,
        /// The time of this machine.
        now: Timestamp,
    },
    /// Too old.
    #[error(
        "the checkpoint of `{origin}` is of {time}, older than the {allowed} that the policy allows"
    )]
    Stale {
        /// The log.
        origin: String,
        /// The time of the checkpoint.
        time: Timestamp,
        /// The greatest age, for people.
        allowed: String,
    },
    /// Nobody says when it was made.
    #[error("the checkpoint of `{origin}` says no time, and the policy limits its age")]
    NoTime {
        /// The log.
        origin: String,
    },
    /// Smaller than what was seen before. Anybody can show an old checkpoint again; one that the log made
    /// later convicts it.
    #[error("`{origin}` shows {found} entries, but had {seen} when it was asked last")]
    RolledBack {
        /// The log.
        origin: String,
        /// The size seen before.
        seen: u64,
        /// The size of this checkpoint.
        found: u64,
        /// The proof, where the log says that this one is the later.
        evidence: Vec<Evidence>,
    },
    /// Two views of one log, and the proof of it.
    #[error(
        "`{origin}` has forked: what it shows now ({found} entries) does not contain what it showed \
         before ({seen} entries)"
    )]
    Fork {
        /// The log.
        origin: String,
        /// The size seen before.
        seen: u64,
        /// The size of this checkpoint.
        found: u64,
        /// First that against the log, then that against each witness that cosigned both views.
        evidence: Vec<Evidence>,
    },
    /// A different root for a size seen before, which no key of the policy signed, so that it proves
    /// nothing to anybody else.
    #[error("`{origin}` shows another tree than what is remembered of it, {remembered} at {seen}")]
    OtherTree {
        /// The log.
        origin: String,
        /// The size seen before.
        seen: u64,
        /// The root seen before.
        remembered: Hash,
    },
    /// The proof that the log has only grown.
    #[error("`{origin}` does not prove that it has only grown since {seen} entries: {source}")]
    NotConsistent {
        /// The log.
        origin: String,
        /// The size seen before.
        seen: u64,
        /// What is wrong with the proof.
        source: ProofError,
    },
    /// The proof that the records stand in the log.
    #[error("`{origin}` does not prove that the records of its answer stand in it: {source}")]
    NotIncluded {
        /// The log.
        origin: String,
        /// What is wrong with the proof.
        source: ProofError,
    },
    /// A proof without anything to prove.
    #[error("`{origin}` sent a proof and no record")]
    ProofOfNothing {
        /// The log.
        origin: String,
    },
    /// An entry that is no record.
    #[error("entry {index} of `{origin}` is no record: {source}")]
    BadRecord {
        /// The log.
        origin: String,
        /// The number of the entry.
        index: u64,
        /// What is wrong with it.
        source: RecordError,
    },
    /// A record that nobody asked for.
    #[error("entry {index} of `{origin}` is about `{file}`, which was not asked for")]
    UnrelatedRecord {
        /// The log.
        origin: String,
        /// The number of the entry.
        index: u64,
        /// The file that it is about.
        file: String,
    },
    /// One record as two entries.
    #[error("entries {first} and {second} of `{origin}` are one record, of `{file}`")]
    DuplicateRecord {
        /// The log.
        origin: String,
        /// The number of one entry.
        first: u64,
        /// The number of the other.
        second: u64,
        /// The file that they are about.
        file: String,
    },
    /// The file with a proof is none.
    #[error("the proof cannot be read: {message}")]
    BadProofFile {
        /// What is wrong with it.
        message: String,
    },
    /// The policy names no log.
    #[error("the policy names no log")]
    NoLog,
}

impl Refused {
    /// The name of the refusal. Never reused.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::EmptyAnswer => "log-empty-answer",
            Self::BadAnswer(_) => "log-bad-answer",
            Self::BadCheckpoint(_) => "log-bad-checkpoint",
            Self::BadSignature { .. } | Self::KeyOutOfTime { .. } => "log-bad-signature",
            Self::TooFewWitnesses { .. } => "log-too-few-witnesses",
            Self::FromFuture { .. } => "log-from-future",
            Self::Stale { .. } | Self::NoTime { .. } => "log-stale",
            Self::RolledBack { .. } => "log-rolled-back",
            Self::Fork { .. } => "log-fork",
            Self::OtherTree { .. }
            | Self::NotConsistent { .. }
            | Self::NotIncluded { .. }
            | Self::ProofOfNothing { .. } => "log-bad-proof",
            Self::BadRecord { .. } => "log-bad-record",
            Self::UnrelatedRecord { .. } => "log-unrelated-record",
            Self::DuplicateRecord { .. } => "log-duplicate-record",
            Self::BadProofFile { .. } => "log-bad-proof-file",
            Self::NoLog => "log-not-configured",
        }
    }

    /// Whether it was checked and is refused, could not be decided, or is proof against somebody.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Fork { .. } => Class::Alarm,
            Self::RolledBack { evidence, .. } if !evidence.is_empty() => Class::Alarm,
            // Both may be the clock of this machine, and the next answer may do.
            Self::Stale { .. } | Self::NoTime { .. } | Self::FromFuture { .. } => {
                Class::Unavailable
            }
            Self::NoLog => Class::Usage,
            Self::EmptyAnswer
            | Self::BadAnswer(_)
            | Self::BadCheckpoint(_)
            | Self::BadSignature { .. }
            | Self::KeyOutOfTime { .. }
            | Self::TooFewWitnesses { .. }
            | Self::RolledBack { .. }
            | Self::OtherTree { .. }
            | Self::NotConsistent { .. }
            | Self::NotIncluded { .. }
            | Self::ProofOfNothing { .. }
            | Self::BadRecord { .. }
            | Self::UnrelatedRecord { .. }
            | Self::DuplicateRecord { .. }
            | Self::BadProofFile { .. } => Class::Rejected,
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::EmptyAnswer | Self::BadAnswer(_) | Self::BadCheckpoint(_) => {
                "see whether `url` of [policy.log] is the address of the log"
            }
            Self::BadSignature { .. } => {
                "compare `key` and `witnesses` of [policy.log] with what their operators publish"
            }
            Self::KeyOutOfTime { .. } => {
                "ask the operator which key follows, and add it to `keys` of [policy.log]"
            }
            Self::TooFewWitnesses { .. } => {
                "try again later; for longer, ask the operator of the log which witnesses it has"
            }
            Self::FromFuture { .. } => "see whether the clock of this machine is right",
            Self::Stale { .. } | Self::NoTime { .. } => {
                "try again later; somebody may be keeping newer checkpoints from you"
            }
            Self::RolledBack { evidence, .. } if evidence.is_empty() => {
                "an old copy may have answered; if it stays so, tell others and the operator of the log"
            }
            Self::Fork { .. } | Self::RolledBack { .. } => {
                "keep the file: anybody can verify it with `countermark log convict`"
            }
            Self::OtherTree { .. } => {
                "what is remembered was signed by a key that is no longer in the policy; put it back \
                 for the proof"
            }
            Self::NotConsistent { .. }
            | Self::NotIncluded { .. }
            | Self::ProofOfNothing { .. }
            | Self::BadRecord { .. }
            | Self::UnrelatedRecord { .. }
            | Self::DuplicateRecord { .. } => {
                "nothing of the answer was used; if it stays so, tell the operator of the log"
            }
            Self::BadProofFile { .. } => "write the proofs again: countermark lock --proofs",
            Self::NoLog => "write `url` and `key` into [policy.log]",
        }
    }

    /// Proof against somebody, to be saved before anything else.
    #[must_use]
    pub fn evidence(&self) -> &[Evidence] {
        match self {
            Self::Fork { evidence, .. } | Self::RolledBack { evidence, .. } => evidence,
            _ => &[],
        }
    }
}
