//! Whether anybody calls a file known bad, or one whose content it shares.

use std::collections::{BTreeMap, HashSet};

use countermark_packaging::digest::Sha256;

use super::judgement::KnownBad;
use super::source::Book;
use crate::file::FileId;

/// All that is known against a file: about itself first. Content that two files share is bad in both, so
/// relations count in both directions and over several steps.
pub(crate) fn known_bad(book: &Book<'_>, digest: &Sha256) -> Vec<KnownBad> {
    if !book.has_violations() {
        return Vec::new();
    }
    let mut found: BTreeMap<(bool, Sha256, _, _), KnownBad> = BTreeMap::new();
    let (mut seen, mut open) = (HashSet::from([*digest]), vec![*digest]);
    while let Some(next) = open.pop() {
        for (origin, violation) in book.violations(&next) {
            let is_related = next != *digest;
            let name = violation.files.iter().find(|file| file.digest == next);
            let file =
                FileId { name: name.map(|it| it.name.clone()).unwrap_or_default(), digest: next };
            let key = (is_related, next, origin.clone(), violation.place.to_string());
            found.entry(key).or_insert_with(|| KnownBad {
                origin: origin.clone(),
                file,
                is_related,
                on: violation.on,
                reason: violation.reason.clone(),
                place: violation.place.clone(),
            });
        }
        for relation in book.relations(&next).iter().filter(|relation| relation.covers()) {
            let ends = [relation.from.digest, relation.to.digest];
            open.extend(ends.into_iter().filter(|end| seen.insert(*end)));
        }
    }
    found.into_values().collect()
}
