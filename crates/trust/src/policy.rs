//! The policy for pins: what a release must be like before a pin may move to it.
//!
//! Decides from evidence about one pin ([`Subject`]) whether the policy refuses it, and if so by
//! which rule. Evidence is gathered by others; what is not known is said to be not known, and a rule
//! that needs it then gives [`Verdict::Undecided`], never a yes. Attestations, the log and the
//! ledger join as further fields of [`Subject`] and further rules; nothing else has to change.

use countermark_packaging::name::ProjectName;
use countermark_packaging::simple::StatusMarker;
use countermark_packaging::version::Version;
use jiff::Timestamp;

use crate::change::Change;

/// Everything that is known about a pin that is about to be written, installed or merged.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    /// The project.
    pub project: &'a ProjectName,
    /// The release.
    pub version: &'a Version,
    /// The index that it comes from, without credentials; none for URLs and paths.
    pub index: Option<&'a str>,
    /// Other configured indexes that have the project too; none where nobody asked.
    pub also_on: Option<&'a [String]>,
    /// Whether the index is the public one; none where that is not known.
    pub is_public: Option<bool>,
    /// When the youngest of its pinned files was uploaded; none where no index says so.
    pub uploaded: Option<Timestamp>,
    /// What the index thinks of the project (PEP 792); none where no index was asked.
    pub status: Option<StatusMarker>,
    /// Yanked, with the reason that may be empty; none where it is not, or nobody asked.
    pub yanked: Option<&'a str>,
    /// Whether a source distribution is among the files that would be used; none where the lock
    /// does not tell.
    pub has_source: Option<bool>,
    /// Whether this project was not pinned before.
    pub is_new: bool,
    /// What moved against the pin before; none where there was none, or nobody looked.
    pub change: Option<&'a Change>,
}

/// What the policy says about one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing against it.
    Accepted,
    /// Something against it, and an exception lets it pass: who, why, until when are in it.
    Excepted(Refusal, String),
    /// The policy says no.
    Rejected(Refusal),
    /// The rule could not be decided, and why.
    Undecided(Refusal),
}

/// Why the policy says no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The rule: `minimum-age`, `no-source`, ….
    pub rule: &'static str,
    /// One sentence, lower case, expected against found.
    pub message: String,
    /// The line that would allow it, ready to paste into the policy; empty where nothing may.
    pub allow: String,
}
