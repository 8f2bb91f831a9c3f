//! What somebody has read already and does not count here yet: reviews of imports whose criteria nobody
//! mapped.
//!
//! Decides nothing: an offer says what a line in `ledger.toml` would bring, and counts when a person wrote
//! it.

use std::collections::{BTreeMap, BTreeSet};

use countermark_client::ledger::book::Opened;
use countermark_ledger::check::{Origin, Signatures as _};
use countermark_ledger::criteria::CriterionName;
use countermark_ledger::review::How;
use countermark_ledger::suggest::Offer;
use countermark_packaging::digest::Sha256;
use jiff::civil::Date;

/// The offers of the imports that are here. A full review counts by itself; what a difference is worth
/// depends on where it begins, so only full ones are offered.
pub(super) fn of(opened: &Opened, on: Date) -> Vec<Offer> {
    let ours = &opened.loaded.ledger;
    let mut offers = Vec::new();
    for imported in &opened.loaded.imports {
        let Some(import) = ours.imports.iter().find(|it| it.name == imported.name) else {
            continue;
        };
        let origin = Origin::Import(imported.name.clone());
        let mut files: BTreeMap<Sha256, BTreeSet<CriterionName>> = BTreeMap::new();
        for entry in imported.reviews.iter() {
            let review = &entry.review;
            let excluded = import.exclude.iter().any(|it| it.matches(&review.project));
            let is_current = review.on <= on && review.until.is_none_or(|until| until >= on);
            if review.how != How::Full || excluded || !is_current {
                continue;
            }
            // Of criteria that nobody mapped those with our names are offered; a person decides.
            let said = review.criteria.iter().flat_map(|it| imported.ledger.criteria.implied(it));
            let new: Vec<&CriterionName> = said
                .filter(|it| ours.criteria.has(it) && !import.mapping.contains_key(it))
                .collect();
            if !new.is_empty() && opened.verify(&origin, review).is_ok() {
                for file in &review.files {
                    files.entry(file.digest).or_default().extend(new.iter().copied().cloned());
                }
            }
        }
        if !files.is_empty() {
            offers.push(Offer { name: import.name.clone(), url: import.url.clone(), files });
        }
    }
    offers
}
