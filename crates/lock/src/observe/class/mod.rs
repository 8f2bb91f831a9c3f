//! The classes of disagreements: one file, one struct, one section of the documentation each.
//!
//! A disagreement is explained by the first class that can show its evidence; what nothing explains is
//! an alarm. The order stands in `CLASSES` and nowhere else.

mod disjoint_sets;
mod fixture;
mod grown_set;
mod platform_subset;
mod private_rebuild;
mod two_digests;
mod unlisted_digest;
mod writer_defect;

pub(super) use fixture::of_statement as fixture_of;

use countermark_report::Document;

use super::dispute::{Dispute, Pair};
use super::finding::Finding;
use super::ground::Ground;
use super::statement::Statement;

/// A class of disagreements.
pub trait Class: Sync {
    /// Unique, kebab-case, never reused.
    fn code(&self) -> &'static str;

    /// What the documentation says.
    fn document(&self) -> Document;

    /// Whether it means that somebody got other bytes than the rest.
    fn is_alarm(&self) -> bool {
        false
    }

    /// Whether a person should look at it all the same.
    fn is_doubtful(&self) -> bool {
        false
    }
}

/// What a class explains.
pub(super) trait Explains: Class {
    /// A statement whose names mean nothing: what shows that.
    fn alone(&self, _: &Statement, _: &Ground<'_>) -> Option<Finding> {
        None
    }

    /// Takes out of a dispute about a file what this class explains.
    fn take(&self, _: &mut Dispute<'_>, _: &Ground<'_>) -> Vec<Finding> {
        Vec::new()
    }

    /// Why two sets of digests of a release differ.
    fn explain(&self, _: &Pair<'_, '_>, _: &Ground<'_>) -> Option<String> {
        None
    }
}

/// Every class, in the order in which they explain. What is left of a dispute about a file name is
/// `two-digests`; of two sets it has to be shown.
pub(super) static CLASSES: &[&dyn Explains] = &[
    &writer_defect::WriterDefect,
    &fixture::Fixture,
    &private_rebuild::PrivateRebuild,
    &two_digests::TwoDigests,
    &unlisted_digest::UnlistedDigest,
    &grown_set::GrownSet,
    &platform_subset::PlatformSubset,
    &disjoint_sets::DisjointSets,
];

/// Every class: the alarm first, then what a person should look at.
pub fn all() -> impl Iterator<Item = &'static dyn Class> {
    let mut classes: Vec<&'static dyn Class> =
        CLASSES.iter().map(|class| *class as &dyn Class).collect();
    classes.sort_by_key(|class| (!class.is_alarm(), !class.is_doubtful()));
    classes.into_iter()
}

/// The class with this code.
#[must_use]
pub fn find(code: &str) -> Option<&'static dyn Class> {
    all().find(|class| class.code() == code)
}
