//! Proof that somebody misbehaved, as one document that convinces people who saw nothing of it.
//!
//! A document is only made of what convicts ([`convict`] is asked before it leaves), and who receives
//! one verifies it with nothing but the key of the accused. The keys that stand in the document are a
//! convenience: an accuser may have made them up, so a conviction names the key on which it rests, and
//! a reader compares it with the published one, or gives that one and has everything else refused.
//!
//! The document is JSON and frozen:
//!
//! | field | content |
//! |---|---|
//! | `version` | 1 |
//! | `kind` | `fork-same-size`, `fork-inconsistent`, `rolled-back`, `equivocation` or `bad-cosignature` |
//! | `log` | the origin of the log |
//! | `keys` | vkeys of the accused: the log's, for `bad-cosignature` the witness's |
//! | `found` | when it was found, for people; nothing rests on it |
//! | `notes` | the signed checkpoints: two, the smaller first; one for `equivocation` |
//! | `consistency` | hashes from the smaller to the larger tree, the root of the smaller written out where RFC 6962 leaves it out; empty where the sizes are equal, and for `rolled-back` |
//! | `records` | `{"index", "record"}` of the log, ascending, for `equivocation` |
//! | `proof` | the common proof that the records stand in the tree of the note |
//! | `ours` | `{"file", "digest", "from"}`, what whoever wrote the document got himself; `null` where two records suffice |

mod convict;
mod document;

use countermark_packaging::digest::Digest;
use countermark_tlog::hash::Hash;
use countermark_tlog::note::VerifierKey;
use jiff::Timestamp;

pub use convict::{Conviction, Statement, Unproven, View, convict};
pub use document::{EvidenceError, MAXIMUM_EVIDENCE};

use super::wire::Entry;

/// What somebody is accused of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A log signed two roots for one size.
    ForkSameSize,
    /// A log signed a tree that does not begin with a smaller one that it signed.
    ForkInconsistent,
    /// A log signed a smaller tree and, by its own word, later than a larger one.
    RolledBack,
    /// An index gave out two files under one name, as the log has recorded it.
    Equivocation,
    /// A witness cosigned two views of a log that exclude each other.
    BadCosignature,
}

impl Kind {
    /// Each of them.
    pub const ALL: [Self; 5] = [
        Self::ForkSameSize,
        Self::ForkInconsistent,
        Self::RolledBack,
        Self::Equivocation,
        Self::BadCosignature,
    ];

    /// The word in the document.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ForkSameSize => "fork-same-size",
            Self::ForkInconsistent => "fork-inconsistent",
            Self::RolledBack => "rolled-back",
            Self::Equivocation => "equivocation",
            Self::BadCosignature => "bad-cosignature",
        }
    }
}

/// What somebody got himself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ours {
    /// The name of the file.
    pub file: String,
    /// What its bytes hash to.
    pub digest: Digest,
    /// Where it came from, without credentials.
    pub from: String,
}

/// Proof that somebody misbehaved. What was read is not yet believed: see [`convict`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    kind: Kind,
    log: String,
    keys: Vec<VerifierKey>,
    found: Timestamp,
    notes: Vec<String>,
    consistency: Vec<Hash>,
    records: Vec<Entry>,
    proof: Vec<Hash>,
    ours: Option<Ours>,
}

impl Evidence {
    /// That a log has two views, by two of its notes. None where they prove nothing.
    #[must_use]
    pub fn fork(
        log: &str,
        keys: &[VerifierKey],
        notes: &[String; 2],
        consistency: &[Hash],
        found: Timestamp,
    ) -> Option<Self> {
        let kind = if consistency.is_empty() { Kind::ForkSameSize } else { Kind::ForkInconsistent };
        Self::views(kind, log, keys, notes, consistency, found)
    }

    /// That a log signed a smaller tree after a larger one, by the times that it signed with them. None
    /// where the notes prove nothing: what was signed earlier may be shown again by anybody.
    #[must_use]
    pub fn rolled_back(
        log: &str,
        keys: &[VerifierKey],
        smaller: String,
        larger: String,
        found: Timestamp,
    ) -> Option<Self> {
        Self::views(Kind::RolledBack, log, keys, &[smaller, larger], &[], found)
    }

    /// That a witness cosigned two views of a log. None where the notes prove nothing.
    #[must_use]
    pub fn witness(
        log: &str,
        witness: &VerifierKey,
        notes: &[String; 2],
        consistency: &[Hash],
        found: Timestamp,
    ) -> Option<Self> {
        let keys = std::slice::from_ref(witness);
        Self::views(Kind::BadCosignature, log, keys, notes, consistency, found)
    }

    fn views(
        kind: Kind,
        log: &str,
        keys: &[VerifierKey],
        notes: &[String; 2],
        consistency: &[Hash],
        found: Timestamp,
    ) -> Option<Self> {
        let evidence = Self {
            kind,
            log: log.to_owned(),
            keys: keys.to_vec(),
            found,
            notes: notes.to_vec(),
            consistency: consistency.to_vec(),
            records: Vec::new(),
            proof: Vec::new(),
            ours: None,
        };
        evidence.if_it_convicts()
    }

    /// That two digests of one file were seen: two records of a log, or one and what we got. None where
    /// they prove nothing.
    #[must_use]
    pub fn equivocation(
        log: &str,
        keys: &[VerifierKey],
        note: String,
        records: Vec<Entry>,
        proof: Vec<Hash>,
        ours: Option<Ours>,
        found: Timestamp,
    ) -> Option<Self> {
        let evidence = Self {
            kind: Kind::Equivocation,
            log: log.to_owned(),
            keys: keys.to_vec(),
            found,
            notes: vec![note],
            consistency: Vec::new(),
            records,
            proof,
            ours,
        };
        evidence.if_it_convicts()
    }

    /// Nobody is accused with what would not be believed. Only the keys on which it rests are kept.
    fn if_it_convicts(mut self) -> Option<Self> {
        let conviction = convict(&self, &[]).ok()?;
        self.keys = conviction.keys;
        Some(self)
    }

    /// What somebody is accused of.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The log that it is about.
    #[must_use]
    pub fn log(&self) -> &str {
        &self.log
    }

    /// A name for the file in which it is kept: the same evidence has the same name.
    #[must_use]
    pub fn file_name(&self) -> String {
        use sha2::Digest as _;
        // Not over the time, so that an alarm that is raised again each day is one file.
        let same = Self { found: Timestamp::UNIX_EPOCH, ..self.clone() };
        let digest: [u8; 32] = sha2::Sha256::digest(same.write()).into();
        let short: String = digest[..6].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}-{short}.json", self.kind.name())
    }
}
