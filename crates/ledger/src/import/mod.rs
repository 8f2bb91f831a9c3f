//! What may change between two fetches of somebody else's ledger, and what may not.
//!
//! Decides whether what was fetched continues what we have. A ledger grows: reviews, criteria,
//! violations and keys are added. Its past stays: a review that we saw, what a criterion means, a
//! violation, a key and the ledger's name. Whoever changes one of those changes what people here
//! relied on, so it is told with its place on both sides, and nothing is taken over silently. An author
//! whose key ends sets its `until`; one whose review was wrong adds another review, or a violation.
//!
//! It trusts neither side: both were only parsed, and no signature is believed here.

mod known;
mod past;
mod violations;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use countermark_packaging::digest::Sha256;
use countermark_packaging::lock::Place;

use crate::criteria::CriterionName;
use crate::file::FileId;
use crate::ledger::{AuthorKey, Ledger, Violation};
use crate::review::Review;

pub use known::{Known, known};
pub use past::{Change, ChangeKind};
pub use violations::{lost, taken_over};

/// A review of one side. `Id` tells statements apart: it is the same where everything but the signature
/// is.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a, Id> {
    /// See above.
    pub id: Id,
    /// What it says.
    pub review: &'a Review,
    /// Where it stands.
    pub place: &'a Place,
}

/// A ledger as it was fetched, once.
#[derive(Clone, Debug)]
pub struct Side<'a, Id> {
    /// Its `ledger.toml`.
    pub ledger: &'a Ledger,
    /// What that file is called, for what has no line in it.
    pub file: &'a str,
    /// Its `reviews.toml`.
    pub reviews: Vec<Seen<'a, Id>>,
}

/// What is new, and what of the past is not as it was.
#[derive(Clone, Debug, Default)]
pub struct Comparison<'a> {
    /// Why what was fetched does not continue what we have; empty where it does.
    pub changes: Vec<Change>,
    /// Reviews that were not there, in the order of their file.
    pub reviews: Vec<(&'a Review, &'a Place)>,
    /// Reviews that were there without a signature, and have one now.
    pub signed: Vec<(&'a Review, &'a Place)>,
    /// Criteria that were not there.
    pub criteria: Vec<&'a CriterionName>,
    /// Files that were in no violation.
    pub violations: Vec<(&'a Violation, &'a FileId)>,
    /// Keys that were not there.
    pub keys: Vec<&'a AuthorKey>,
    /// Keys that were there and have other days or accounts now: before, now.
    pub moved_keys: Vec<(&'a AuthorKey, &'a AuthorKey)>,
}

impl Comparison<'_> {
    /// Whether nothing is new and nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.news() == 0
    }

    /// How many things are new.
    #[must_use]
    pub fn news(&self) -> usize {
        self.reviews.len()
            + self.signed.len()
            + self.criteria.len()
            + self.violations.len()
            + self.keys.len()
            + self.moved_keys.len()
    }
}

/// Compares what we have with what was fetched now.
#[must_use]
pub fn compare<'a, Id: Ord + Copy>(before: &Side<'a, Id>, now: &Side<'a, Id>) -> Comparison<'a> {
    let reviews = past::of_reviews(before, now);
    let keys = past::of_keys(before, now);
    let mut changes: Vec<Change> = past::of_name(before, now).into_iter().collect();
    changes.extend(reviews.changes);
    changes.extend(past::of_criteria(before, now));
    changes.extend(past::of_violations(before, now));
    changes.extend(keys.changes);
    let known = |name: &CriterionName| before.ledger.criteria.has(name);
    Comparison {
        changes,
        reviews: reviews.new,
        signed: reviews.signed,
        criteria: now.ledger.criteria.names().filter(|name| !known(name)).collect(),
        violations: new_violations(before, now),
        keys: keys.new,
        moved_keys: keys.moved,
    }
}

fn new_violations<'a, Id>(
    before: &Side<'a, Id>,
    now: &Side<'a, Id>,
) -> Vec<(&'a Violation, &'a FileId)> {
    let mut known: BTreeSet<&Sha256> =
        bad_files(before.ledger).map(|(_, file)| &file.digest).collect();
    // Each file once, however many violations name it.
    bad_files(now.ledger).filter(|(_, file)| known.insert(&file.digest)).collect()
}

fn bad_files(ledger: &Ledger) -> impl Iterator<Item = (&Violation, &FileId)> {
    ledger.violations.iter().flat_map(|it| it.files.iter().map(move |file| (it, file)))
}
