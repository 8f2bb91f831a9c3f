//! Moves with what is known about them, and what the policy says.

use countermark_packaging::simple::StatusMarker;
use countermark_trust::change::{Change, Line, lines};
use countermark_trust::policy::{LedgerAnswer, Policy, Subject, Verdict};
use jiff::Timestamp;

use super::{Kind, Move, Pin, Source};

/// What is known about a pin that moved, beside what the locks say. What nobody asked stays none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Other configured indexes that have the project too.
    pub also_on: Option<Vec<String>>,
    /// Whether the index is the public one.
    pub is_public: Option<bool>,
    /// When the youngest of its pinned files was uploaded.
    pub uploaded: Option<Timestamp>,
    /// What the index thinks of the project.
    pub status: Option<StatusMarker>,
    /// Yanked, with the reason that may be empty.
    pub yanked: Option<String>,
    /// Whether it would be built from source; the lock's file names tell it otherwise.
    pub has_source: Option<bool>,
    /// Whether the files that a pin gained were uploaded together with those that it had; the release
    /// is then the one that it was.
    pub is_one_upload: bool,
    /// What the ledger says of its files.
    pub ledger: Option<LedgerAnswer>,
    /// What moved inside, with versions, times and roles filled in.
    pub change: Option<Change>,
}

/// A move, what people should know of it, and what the policy says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The move.
    pub moved: Move,
    /// What is known; empty of what is gone.
    pub lines: Vec<Line>,
    /// What is not simply accepted.
    pub verdicts: Vec<Verdict>,
    /// What moved inside, where somebody compared the releases.
    pub change: Option<Change>,
}

impl Judged {
    /// Whether the policy says no.
    #[must_use]
    pub fn is_rejected(&self) -> bool {
        self.verdicts.iter().any(|it| matches!(it, Verdict::Rejected(_)))
    }

    /// Whether a rule could not be decided.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        self.verdicts.iter().any(|it| matches!(it, Verdict::Undecided(_)))
    }
}

/// The evidence about a pin as the policy wants it; none of a pin whose version is not known.
#[must_use]
pub fn subject<'a>(moved: &'a Move, evidence: &'a Evidence) -> Option<Subject<'a>> {
    let after = moved.after.as_ref()?;
    let version = after.version.as_ref()?;
    let (index, direct) = match &after.source {
        Source::Index(index) => (index.as_deref(), None),
        Source::Direct(place) => (None, Some(place.as_str())),
    };
    Some(Subject {
        index,
        direct,
        also_on: evidence.also_on.as_deref(),
        is_public: evidence.is_public,
        uploaded: evidence.uploaded,
        status: evidence.status,
        yanked: evidence.yanked.as_deref(),
        has_source: evidence.has_source.or_else(|| after.has_source()),
        is_new: moved.is_new,
        has_moved: moved.brings_bytes() && !is_same_release(moved, evidence),
        change: evidence.change.as_ref(),
        ledger: evidence.ledger.as_ref(),
        ..Subject::new(&after.project, version)
    })
}

/// Files for other platforms, of one upload with those that were pinned, are no news.
fn is_same_release(moved: &Move, evidence: &Evidence) -> bool {
    moved.kind == Kind::FilesChanged && evidence.is_one_upload
}

/// Who holds roles now against those that the lock has: new, gone. None where either is unknown.
#[must_use]
pub fn roles(before: &Pin, now: Option<&[String]>) -> Option<(Vec<String>, Vec<String>)> {
    let now = now.filter(|_| !before.roles.is_empty())?;
    let beyond = |one: &[String], other: &[String]| -> Vec<String> {
        one.iter().filter(|role| !other.contains(role)).cloned().collect()
    };
    Some((beyond(now, &before.roles), beyond(&before.roles, now)))
}

/// Judges every move with what `known` says about it. One that brings no bytes, such as a pin whose
/// files are fewer now, is not held against the policy: nothing can come in by it.
#[must_use]
pub fn judge<'a>(
    moves: Vec<Move>,
    known: impl Fn(&Move) -> Option<&'a Evidence>,
    policy: &Policy,
    now: Timestamp,
) -> Vec<Judged> {
    let nothing = Evidence::default();
    moves
        .into_iter()
        .map(|moved| {
            let evidence = known(&moved).unwrap_or(&nothing);
            let subject = subject(&moved, evidence).filter(|_| moved.brings_bytes());
            let (lines, verdicts) = match subject {
                Some(subject) => (lines(&subject, now), policy.check(&subject, now)),
                None => (Vec::new(), Vec::new()),
            };
            let change = evidence.change.clone().filter(|_| !lines.is_empty());
            Judged { lines, verdicts, moved, change }
        })
        .collect()
}
