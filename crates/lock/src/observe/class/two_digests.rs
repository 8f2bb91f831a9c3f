//! `two-digests`: one file, two digests, and nothing that explains it.

use std::collections::BTreeMap;

use countermark_report::Document;

use super::{Class, Explains};
use crate::observe::dispute::{Dispute, Held, Pair, digests, digests_of, system_of};
use crate::observe::finding::Finding;
use crate::observe::ground::{Ground, Occurrence};

/// See [`Class::document`].
pub(super) struct TwoDigests;

impl Class for TwoDigests {
    fn code(&self) -> &'static str {
        "two-digests"
    }

    fn document(&self) -> Document {
        Document {
            title: "One file has two digests",
            what: "Two locks, two versions of a lock, or a lock and the page of an index give one file \
                   two digests, and none of the other classes explains it. Where a lock gives digests \
                   without file names, it is shown by replacement: two sets of digests of one release \
                   are of the same size and differ in no more than they share, what differs never \
                   stands together in any lock, and names and platforms do not tell it apart; or the \
                   page of an index lists the release without the digest, and the lock lacks one that \
                   it lists.",
            why: "An index does not replace a file. So one of both got other bytes than everybody else, or \
                  somebody changed a lock.",
            remedy: "Find out which digest the index has now (`countermark gate`), who wrote the other, and \
                     what was installed with it. Keep the report: it names repository, commit and line of \
                     both.",
            example: "`teapot-1.2-py3-none-any.whl` has `sha256:e796…` in five locks and `sha256:1f38…` in \
                      one, since a commit of Tuesday",
        }
    }

    fn is_alarm(&self) -> bool {
        true
    }
}

impl Explains for TwoDigests {
    fn take(&self, dispute: &mut Dispute<'_>, ground: &Ground<'_>) -> Vec<Finding> {
        let mut places: BTreeMap<String, Vec<Occurrence<'_>>> = BTreeMap::new();
        for occurrence in std::mem::take(&mut dispute.open) {
            let place = super::private_rebuild::place(&occurrence, ground);
            places.entry(place).or_default().push(occurrence);
        }
        let mut findings = Vec::new();
        for occurrences in places.into_values() {
            let found = digests_of(&occurrences).len();
            if found > 1 {
                let evidence = format!("one file name, {}", digests(found));
                findings.extend(dispute.finding(self.code(), evidence, &occurrences));
            }
        }
        findings
    }

    fn explain(&self, pair: &Pair<'_, '_>, ground: &Ground<'_>) -> Option<String> {
        match (pair.one.is_listing(), pair.other.is_listing()) {
            (true, true) => None,
            (true, false) => against_listing(pair, pair.other, pair.one, ground),
            (false, true) => against_listing(pair, pair.one, pair.other, ground),
            // The page tells of each of them by itself.
            (false, false) if pair.has_listing() => None,
            (false, false) => replaced(pair, ground),
        }
    }
}

/// A digest that no file of the release has, in place of one that has a file.
fn against_listing(
    pair: &Pair<'_, '_>,
    held: &Held<'_>,
    listing: &Held<'_>,
    ground: &Ground<'_>,
) -> Option<String> {
    let unlisted: Vec<_> = held.digests.difference(&listing.digests).copied().collect();
    let missing = listing.digests.difference(&held.digests).count();
    // A file that has a name and is not listed was deleted; the name says of which file it is.
    let is_named = pair.names(&unlisted, ground).is_some();
    (!unlisted.is_empty() && !is_named && unlisted.len() <= missing).then(|| {
        format!(
            "no file that the index lists has {}, and {} that it lists are missing",
            digests(unlisted.len()),
            missing
        )
    })
}

/// Some digests stand in place of others.
fn replaced(pair: &Pair<'_, '_>, ground: &Ground<'_>) -> Option<String> {
    let (one, other, common) = (pair.only_one(), pair.only_other(), pair.common());
    if one.is_empty() || one.len() != other.len() || one.len() > common.len() {
        return None;
    }
    if pair.stand_together() {
        return None;
    }
    match (pair.names(&one, ground), pair.names(&other, ground)) {
        // Names were compared already; with different ones they are different files.
        (Some(_), Some(_)) => return None,
        (Some(named), None) if is_other_platform(pair, &named, pair.other, ground) => return None,
        (None, Some(named)) if is_other_platform(pair, &named, pair.one, ground) => return None,
        _ => {}
    }
    Some(format!(
        "{} of {} stand in place of others of the same release, with which they stand nowhere together",
        one.len(),
        digests(one.len() + common.len())
    ))
}

/// Whether a set may be of one platform, and what it lacks of other ones.
fn is_other_platform(
    pair: &Pair<'_, '_>,
    lacking: &[&str],
    held: &Held<'_>,
    ground: &Ground<'_>,
) -> bool {
    lacking.iter().all(|file| system_of(file).is_some())
        && pair.known_names(&pair.common(), ground).iter().all(|file| system_of(file).is_none())
        && !held.statements.iter().any(|statement| ground.lists_systems(&statement.lock))
}
