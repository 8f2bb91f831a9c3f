//! `private-rebuild`: another place has another file of this name.

use std::collections::{BTreeMap, BTreeSet};

use countermark_report::Document;

use super::{Class, Explains};
use crate::observe::dispute::{Dispute, digests_of};
use crate::observe::finding::Finding;
use crate::observe::ground::{Ground, Occurrence};
use crate::observe::statement::Origin;

/// See [`Class::document`].
pub(super) struct PrivateRebuild;

impl Class for PrivateRebuild {
    fn code(&self) -> &'static str {
        "private-rebuild"
    }

    fn document(&self) -> Document {
        Document {
            title: "Another place has another file of this name",
            what: "The locks take the file from different places: another index, a URL on another host, a \
                   file of the repository; or the version has a local part (`1.2+ours`) and a lock does \
                   not say from which index it is. Two places that share at least three digests, and \
                   twice as many as the files about which they disagree, are mirrors of each other, and \
                   one place: between them a second digest is an alarm.",
            why: "Whoever builds wheels for a private index gives them the names that others have.",
            remedy: "Give own builds a local version, and bind the name to one index.",
            example: "`teapot-1.2-py3-none-any.whl` of `https://packages.example.org/simple` and of the \
                      default index",
        }
    }
}

impl Explains for PrivateRebuild {
    fn take(&self, dispute: &mut Dispute<'_>, ground: &Ground<'_>) -> Vec<Finding> {
        let mut places: BTreeMap<String, Vec<Occurrence<'_>>> = BTreeMap::new();
        for occurrence in &dispute.open {
            places.entry(place(occurrence, ground)).or_default().push(*occurrence);
        }
        let said: BTreeSet<_> = places.values().map(|open| digests_of(open)).collect();
        if said.len() < 2 {
            return Vec::new();
        }
        let of: Vec<String> = places.keys().take(3).map(|place| format!("`{place}`")).collect();
        let evidence = format!("they are of different places: {}", of.join(", "));
        let finding = dispute.finding(self.code(), evidence, &dispute.open);
        // Within one place the question stays open.
        let disagrees = |open: &Vec<Occurrence<'_>>| digests_of(open).len() > 1;
        dispute.open = places.into_values().filter(disagrees).flatten().collect();
        finding.into_iter().collect()
    }
}

/// The place from which somebody takes a file.
pub(super) fn place(occurrence: &Occurrence<'_>, ground: &Ground<'_>) -> String {
    let statement = occurrence.statement;
    let is_local = statement.version.as_deref().is_some_and(|version| version.contains('+'));
    if is_local && statement.origin == Origin::Default {
        // No public index has such versions, so it is another one, and nobody says which.
        return format!("an index that {} does not name", statement.lock);
    }
    ground.origins.place(statement)
}
