//! What was found, and how bad it is.

use countermark_tlog::hash::Hash;
use countermark_trust::Class;

/// Something that is not as it has to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    /// Records that cannot be read.
    #[error("records {from} to {to}: {reason}")]
    Records {
        /// The first of those that were asked for.
        from: u64,
        /// The one after the last.
        to: u64,
        /// What the engine said.
        reason: String,
    },
    /// A head that does not follow from the records.
    #[error(
        "head of {size} entries: expected the root {committed}, found {found} from the records"
    )]
    Root {
        /// Its size.
        size: u64,
        /// The root that was committed.
        committed: Hash,
        /// The root of the records.
        found: Hash,
    },
    /// A file that has to be there.
    #[error("`{path}` is missing")]
    Missing {
        /// Which.
        path: String,
    },
    /// A file with other bytes.
    #[error("`{path}` differs from byte {at} on")]
    Tile {
        /// Which.
        path: String,
        /// The first byte that differs, or is missing, or is too much.
        at: u64,
    },
    /// A file that no log has there.
    #[error("`{path}` does not belong to the log")]
    Unexpected {
        /// Which.
        path: String,
    },
    /// The checkpoint beside the tiles is not there, though one was published.
    #[error("`checkpoint` is missing: one of {size} entries was published")]
    NoCheckpoint {
        /// The size of the published one.
        size: u64,
    },
    /// The checkpoint beside the tiles is not the published one.
    #[error("`checkpoint` is not the published one of {size} entries")]
    OldCheckpoint {
        /// The size of the published one.
        size: u64,
    },
    /// A checkpoint that cannot be read, or that no key of the log signed.
    #[error("{place}: {reason}")]
    Signature {
        /// Which of the two.
        place: &'static str,
        /// Why it was refused.
        reason: String,
    },
    /// A signed checkpoint of a size that the database does not have.
    #[error("{place}: signed for {size} entries, found {found} in the database")]
    Ahead {
        /// Which of the two.
        place: &'static str,
        /// What was signed.
        size: u64,
        /// What there is.
        found: u64,
    },
    /// A signed checkpoint whose root does not follow from the records.
    #[error("{place}: signed the root {signed} for {size} entries, found {found} from the records")]
    Signed {
        /// Which of the two.
        place: &'static str,
        /// Its size.
        size: u64,
        /// The root that was signed.
        signed: Hash,
        /// The root of the records.
        found: Hash,
    },
    /// What the engine found in its own tables.
    #[error("{place}: {reason}")]
    Engine {
        /// Where.
        place: String,
        /// What.
        reason: String,
    },
}

impl Difference {
    /// How bad it is, and so the exit code: what was signed and is not what the records say is an alarm.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Signed { .. } => Class::Alarm,
            Self::Records { .. }
            | Self::Root { .. }
            | Self::Missing { .. }
            | Self::Tile { .. }
            | Self::Unexpected { .. }
            | Self::NoCheckpoint { .. }
            | Self::OldCheckpoint { .. }
            | Self::Signature { .. }
            | Self::Ahead { .. }
            | Self::Engine { .. } => Class::Rejected,
        }
    }

    /// Whether the public files can be written again although it is there: it is about them, and not about
    /// what they are made of.
    fn is_of_files(&self) -> bool {
        match self {
            Self::Missing { .. }
            | Self::Tile { .. }
            | Self::Unexpected { .. }
            | Self::NoCheckpoint { .. }
            | Self::OldCheckpoint { .. } => true,
            // A torn file beside a good one in the database.
            Self::Signature { place, .. } => *place == super::checkpoint::BESIDE,
            Self::Records { .. }
            | Self::Root { .. }
            | Self::Ahead { .. }
            | Self::Signed { .. }
            | Self::Engine { .. } => false,
        }
    }
}

/// What was looked at and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How many entries the head has.
    pub size: u64,
    /// The root that follows from the records; `None` if not all could be read.
    pub root: Option<Hash>,
    /// How many records wait for a place.
    pub pending: u64,
    /// How many tiles and bundles were compared.
    pub tiles: u64,
    /// How many were written again.
    pub repaired: u64,
    /// What is wrong, as far as the limit goes.
    pub differences: Vec<Difference>,
    /// How many there are beyond the limit.
    pub untold: u64,
    worst: Option<Class>,
    is_repairable: bool,
    limit: usize,
}

impl Report {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            size: 0,
            root: None,
            pending: 0,
            tiles: 0,
            repaired: 0,
            differences: Vec::new(),
            untold: 0,
            worst: None,
            is_repairable: true,
            limit,
        }
    }

    pub(super) fn add(&mut self, difference: Difference) {
        let class = difference.class();
        self.worst = Some(self.worst.map_or(class, |worst| worst.worst(class)));
        self.is_repairable &= difference.is_of_files();
        if self.differences.len() < self.limit {
            self.differences.push(difference);
        } else {
            self.untold += 1;
        }
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.worst.is_none()
    }

    /// The class of the worst difference, also of one that is not told.
    #[must_use]
    pub fn class(&self) -> Option<Class> {
        self.worst
    }

    pub(super) fn is_repairable(&self) -> bool {
        self.is_repairable
    }
}
