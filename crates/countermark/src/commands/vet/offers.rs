//! What somebody has read already and does not count here yet: reviews of imports whose criteria nobody
//! mapped.
//!
//! Decides nothing: an offer says what a line in `ledger.toml` would bring, and counts when a person wrote
//! it.

use std::collections::{BTreeMap, BTreeSet};

use countermark_client::ledger::book::Opened;
use countermark_ledger::check::{Origin, Signatures as _};
use countermark_ledger::criteria::CriterionName;
use countermark_ledger::ledger::{Import, Ledger};
use countermark_ledger::review::How;
use countermark_ledger::suggest::Offer;
use countermark_packaging::digest::Sha256;
use jiff::civil::Date;

/// What the imports that are here say of these files. A full review counts by itself; what a difference is
/// worth depends on where it begins, so only full ones are offered.
pub(super) fn of(opened: &Opened, wanted: &BTreeSet<Sha256>, on: Date) -> Vec<Offer> {
    let ours = &opened.loaded.ledger;
    let mut offers = Vec::new();
    for imported in &opened.loaded.imports {
        let Some(import) = ours.imports.iter().find(|it| it.name == imported.name) else {
            continue;
        };
        let origin = Origin::Import(imported.name.clone());
        let mut files: BTreeMap<Sha256, BTreeSet<CriterionName>> = BTreeMap::new();
        for digest in wanted {
            for entry in imported.reviews.covering(digest) {
                let review = &entry.review;
                let excluded = import.exclude.iter().any(|it| it.matches(&review.project));
                let is_current = review.on <= on && review.until.is_none_or(|until| until >= on);
                if review.how != How::Full || excluded || !is_current {
                    continue;
                }
                let new = new(ours, import, &imported.ledger, &review.criteria);
                if !new.is_empty() && opened.verify(&origin, review).is_ok() {
                    files.entry(*digest).or_default().extend(new);
                }
            }
        }
        if !files.is_empty() {
            offers.push(Offer { name: import.name.clone(), url: import.url.clone(), files });
        }
    }
    offers
}

/// Criteria with our names that a review says and that do not count yet: neither mapped, nor implied by
/// one that is. A person decides.
fn new(
    ours: &Ledger,
    import: &Import,
    theirs: &Ledger,
    said: &[CriterionName],
) -> BTreeSet<CriterionName> {
    let said: BTreeSet<_> = said.iter().flat_map(|it| theirs.criteria.implied(it)).collect();
    let mapped = said.iter().filter_map(|it| import.mapping.get(*it)).flatten();
    let counts: BTreeSet<_> = mapped.flat_map(|it| ours.criteria.implied(it)).collect();
    let is_new = |it: &&CriterionName| {
        ours.criteria.has(it) && !import.mapping.contains_key(*it) && !counts.contains(it)
    };
    said.into_iter().filter(is_new).cloned().collect()
}
