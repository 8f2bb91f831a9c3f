//! What of a ledger ends within some days: trust in publishers, keys, reviews.

use countermark_packaging::lock::Place;
use jiff::Span;
use jiff::civil::Date;

use crate::ledger::{AuthorKey, Ledger, TrustedPublisher};
use crate::review::Review;

/// Something that ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// What it is.
    pub kind: DueKind,
    /// What it is called, such as `github:acme/app/release.yml for acme-*`.
    pub what: String,
    /// The last day on which it counts.
    pub until: Date,
    /// Where it stands.
    pub place: Place,
}

/// What ends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DueKind {
    /// The trust in a publisher, by its number in the ledger.
    Trusted(usize),
    /// A key: reviews of later days do not count.
    Key,
    /// A key of an import, by the import's name here.
    ImportKey(String),
    /// A review whose author set a last day.
    Review {
        /// Its release, `flask==3.0.1`.
        release: String,
    },
    /// A review that gets as old as the ledger allows.
    Age {
        /// Its release.
        release: String,
    },
}

/// What ends not later than `last`, first what ends first. What ended before `now` is among it.
#[must_use]
pub fn due(
    ledger: &Ledger,
    own: impl IntoIterator<Item = (Review, Place)>,
    last: Date,
) -> Vec<Due> {
    let mut found = Vec::new();
    for (number, trusted) in ledger.trusted.iter().enumerate() {
        if trusted.until <= last {
            let (what, place) = (title(trusted), trusted.place.clone());
            found.push(Due { kind: DueKind::Trusted(number), what, until: trusted.until, place });
        }
    }
    let imported = ledger.imports.iter().flat_map(|import| {
        import.keys.iter().map(|key| (DueKind::ImportKey(import.name.clone()), key))
    });
    let keys = ledger.keys.iter().map(|key| (DueKind::Key, key)).chain(imported);
    for (kind, key) in keys {
        if let Some(until) = key.until.filter(|until| *until <= last) {
            found.push(Due { kind, what: name(key), until, place: key.place.clone() });
        }
    }
    for (one, place) in own {
        found.extend(review(ledger, &one, place, last));
    }
    found.sort_by(|one, other| {
        (one.until, &one.kind, &one.what).cmp(&(other.until, &other.kind, &other.what))
    });
    found
}

fn title(trusted: &TrustedPublisher) -> String {
    let projects: Vec<String> = trusted.projects.iter().map(ToString::to_string).collect();
    format!("{} for {}", trusted.publisher, projects.join(", "))
}

fn name(key: &AuthorKey) -> String {
    let shown: String = key.key.chars().take(60).collect();
    format!("{} ({shown}{})", key.author, if shown.len() < key.key.len() { "…" } else { "" })
}

/// The earlier of the two days on which a review ends.
fn review(ledger: &Ledger, review: &Review, place: Place, last: Date) -> Option<Due> {
    let release = format!("{}=={}", review.project, review.version);
    // An age beyond the calendar is none.
    let aged = |days: u32| {
        let age = Span::new().try_days(i64::from(days)).ok()?;
        review.on.checked_add(age).ok()
    };
    let aged = ledger.maximum_age_days.and_then(aged);
    let (until, is_own) = match (review.until, aged) {
        (Some(own), Some(aged)) if aged < own => (aged, false),
        (Some(own), _) => (own, true),
        (None, aged) => (aged?, false),
    };
    let what = format!("{release} by {}", review.author);
    let kind = if is_own { DueKind::Review { release } } else { DueKind::Age { release } };
    (until <= last).then_some(Due { kind, what, until, place })
}
