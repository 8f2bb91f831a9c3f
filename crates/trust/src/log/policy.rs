//! What a project expects of a log: which one, whose signatures count, how old its word may be, and
//! which names are never told to it.
//!
//! Read from `[policy.log]` ([`crate::policy::Policy::log`]); written and reviewed by people, and trusted
//! for what it says. Nothing of it comes from a log: a key counts because it stands here.

use countermark_packaging::name::{NamePattern, ProjectName};
use countermark_tlog::note::VerifierKey;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use url::Url;

use crate::policy::AllowedIndex;

/// How old a checkpoint may be where the policy does not say it: a log that stands still for longer
/// hides what happened since.
pub const DEFAULT_MAXIMUM_AGE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What an answer of the log decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// No log is asked.
    #[default]
    Off,
    /// What the log does not know is told. Proof against somebody is an alarm all the same.
    Warn,
    /// What the log does not know is refused.
    Require,
}

impl Mode {
    /// The word in the policy.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Warn => "warn",
            Self::Require => "require",
        }
    }
}

/// A key of the log, and the days on which it counts, in UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogKey {
    /// The key.
    pub vkey: VerifierKey,
    /// The first day; without it, it always counted.
    pub from: Option<Date>,
    /// The last day; without it, it counts until it is taken out.
    pub until: Option<Date>,
}

impl LogKey {
    /// Whether a signature of this key counts at this time.
    #[must_use]
    pub fn counts(&self, now: Timestamp) -> bool {
        let today = now.to_zoned(TimeZone::UTC).date();
        self.from.is_none_or(|from| from <= today) && self.until.is_none_or(|until| today <= until)
    }
}

/// What a project expects of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPolicy {
    /// What its answers decide.
    pub mode: Mode,
    /// Where it is; its path ends with `/`. There is one unless the mode is off.
    pub url: Option<Url>,
    /// The keys of the log, which all have one name, the origin. A checkpoint counts when one of them
    /// that counts today signed it.
    pub keys: Vec<LogKey>,
    /// Witnesses, each once.
    pub witnesses: Vec<VerifierKey>,
    /// How many of the witnesses have to have cosigned; 0 only where there are none.
    pub quorum: usize,
    /// How old a checkpoint may be.
    pub maximum_age: Option<SignedDuration>,
    /// Names that are never told to the log.
    pub private: Vec<NamePattern>,
    /// Indexes other than the public one whose names are no secret, such as a mirror of it.
    pub public_indexes: Vec<AllowedIndex>,
}

impl LogPolicy {
    /// The name of the log, which is the first line of its checkpoints; none where there is no log.
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.keys.first().map(|key| key.vkey.name())
    }

    /// Whether a log is to be asked at all.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.mode != Mode::Off
    }

    /// Whether the name of a project may leave the machine: only one that came from a public index,
    /// and none that a pattern in `private` means, wherever it came from.
    #[must_use]
    pub fn may_ask(&self, project: &ProjectName, is_public: bool) -> bool {
        is_public && !self.private.iter().any(|pattern| pattern.matches(project))
    }

    /// Whether the policy says that the names of this index are no secret. Of the public index itself,
    /// which stands in no policy, the caller knows it.
    #[must_use]
    pub fn is_public_index(&self, address: &str) -> bool {
        self.public_indexes.iter().any(|index| index.is(address))
    }
}

/// What a look-up can find against a pin. An exception of the policy may let it pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogRule {
    /// Two digests of one file were seen.
    Equivocation,
    /// No observer saw the file.
    NotInLog,
}

impl LogRule {
    /// Each of them.
    pub const ALL: [Self; 2] = [Self::Equivocation, Self::NotInLog];

    /// The name, in exceptions and in reports.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Equivocation => "equivocation",
            Self::NotInLog => "not-in-log",
        }
    }
}
