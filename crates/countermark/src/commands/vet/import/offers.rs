//! Ledgers that those whose ledgers we take in take in themselves: what they would bring, were they taken
//! in here as well. They count for nothing; a person who wants one adds it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use countermark_client::ledger::fetch::{Fetching, Had};
use countermark_client::ledger::{Folder, Loaded};
use countermark_ledger::criteria::CriterionName;
use countermark_ledger::import::{Known, known};
use countermark_ledger::ledger::Ledger;
use countermark_ledger::review::How;
use countermark_ledger::signature::{self, Certificates, Commits, Keys};
use countermark_ledger::suggest::Offer;
use countermark_packaging::digest::Sha256;
use jiff::Timestamp;
use jiff::civil::Date;
use url::Url;

use super::theirs::{self, Theirs};

/// Most ledgers that are asked.
const MOST: usize = 20;

/// The longest that one of them may take.
const LONGEST: Duration = Duration::from_secs(30);

/// Asks the ledgers that imports of ours take in. Those that cannot be had are left out: an offer that is
/// missing changes no answer.
pub(in crate::commands) fn offers(
    folder: &Folder,
    loaded: &Loaded,
    on: Date,
    now: Timestamp,
    fetching: &Fetching<'_>,
) -> Vec<Offer> {
    let imports = loaded.imports.iter().map(|it| (it.name.as_str(), &it.ledger));
    let fetching = Fetching { time: LONGEST, ..*fetching };
    let known = known(&loaded.ledger, imports);
    let mut offers = Vec::new();
    for known in known.into_iter().filter(|it| may_be_asked(it, &loaded.ledger)).take(MOST) {
        let Ok(theirs) = theirs::fetch(known.url, folder, &Had::default(), &fetching) else {
            continue;
        };
        // Ours, taken in by somebody whom we take in.
        if theirs.ledger.name != loaded.ledger.name {
            offers.extend(offer(&theirs, known.url, &loaded.ledger, on, now));
        }
    }
    offers
}

fn may_be_asked(known: &Known<'_>, ours: &Ledger) -> bool {
    let Ok(url) = Url::parse(known.url) else { return false };
    let via = ours.imports.iter().find(|it| it.name == known.via);
    let via = via.and_then(|it| Url::parse(&it.url).ok());
    let is_there = via.is_some_and(|it| it.origin().is_tuple() && it.origin() == url.origin());
    url.scheme() == "https" || is_there
}

/// What full reviews under its own keys say, in criteria that have our names.
fn offer(theirs: &Theirs, url: &str, ours: &Ledger, on: Date, now: Timestamp) -> Option<Offer> {
    // Keys with certificates would need those; reviews under them are not offered.
    let usable: Vec<_> =
        theirs.ledger.keys.iter().filter(|it| it.file.is_none()).cloned().collect();
    let keys = Keys::new(&usable, &Certificates::new(), now).ok()?;
    let mut files: BTreeMap<Sha256, BTreeSet<CriterionName>> = BTreeMap::new();
    for entry in &theirs.entries {
        let review = &entry.review;
        let is_current = review.on <= on && review.until.is_none_or(|until| until >= on);
        if review.how != How::Full
            || !is_current
            || signature::verify(review, &keys, &Commits::new()).is_err()
        {
            continue;
        }
        let said = review.criteria.iter().flat_map(|it| theirs.ledger.criteria.implied(it));
        let said: Vec<&CriterionName> = said.filter(|it| ours.criteria.has(it)).collect();
        for file in &review.files {
            files.entry(file.digest).or_default().extend(said.iter().copied().cloned());
        }
    }
    files.retain(|_, criteria| !criteria.is_empty());
    let (name, url) = (theirs.ledger.name.clone(), url.to_owned());
    (!files.is_empty()).then_some(Offer { name, url, files })
}
