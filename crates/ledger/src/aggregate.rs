//! The ledgers of many teams as one that others can import.
//!
//! What is joined is what an import looks at: reviews with their signatures, violations, the keys of
//! authors, and what criteria mean. Exemptions, trusted publishers, requirements and imports are decisions
//! of one team about its own risk and stay with it, counted and said. The result does not depend on the
//! order of the ledgers. Where two of them contradict, [`contradiction`] says so; nothing is dropped
//! without a word, and no signature is believed here: whether one verifies only decides which of two
//! signatures under the same words is kept.

pub mod contradiction;

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::digest::Sha256;
use jiff::civil::Date;
use sha2::Digest as _;

use crate::criteria::{Criteria, CriterionName};
use crate::format::Entry;
use crate::format::section::{Definition, Section as _};
use crate::ledger::{AuthorKey, Ledger, Violation};
use crate::review::Review;
use crate::statement::StatementId;

pub use contradiction::{Contradiction, Kind};

/// One of the ledgers.
#[derive(Clone, Debug)]
pub struct Part {
    /// What it is called in messages.
    pub name: String,
    /// Its decisions.
    pub ledger: Ledger,
    /// Its reviews, and whether the signature of each verifies with the keys of this ledger.
    pub reviews: Vec<(Entry, bool)>,
    /// The certificates of OpenPGP keys, by the path that a key names.
    pub certificates: BTreeMap<String, Vec<u8>>,
}

/// All of them as one.
#[derive(Clone, Debug)]
pub struct Aggregate {
    /// What is decided.
    pub ledger: Ledger,
    /// All reviews.
    pub reviews: Vec<Review>,
    /// The certificates of keys, by the path that the joined ledger names.
    pub certificates: BTreeMap<String, Vec<u8>>,
    /// What contradicts, sorted.
    pub contradictions: Vec<Contradiction>,
    /// What stayed with the teams, and what will not count for others.
    pub notes: Vec<String>,
}

/// Joins ledgers. `name` is what others call the result. None of them gives none.
#[must_use]
pub fn aggregate(name: &str, parts: &[Part]) -> Option<Aggregate> {
    let initialised = parts.iter().map(|part| part.ledger.initialised).min()?;
    let mut contradictions = contradiction::find(parts);
    contradictions.sort();
    contradictions.dedup();
    let (keys, certificates) = keys(parts);
    let definitions = definitions(parts);
    let mut ledger = Ledger {
        name: name.to_owned(),
        initialised,
        required: required(parts),
        maximum_age_days: parts.iter().filter_map(|part| part.ledger.maximum_age_days).min(),
        counts_unknown_roles: parts.iter().all(|part| part.ledger.counts_unknown_roles),
        descriptions: BTreeMap::new(),
        criteria: Criteria::new(&BTreeMap::new()).ok()?,
        requirements: Vec::new(),
        keys,
        own_reviews: Vec::new(),
        imports: Vec::new(),
        exemptions: Vec::new(),
        trusted: Vec::new(),
        violations: violations(parts),
    };
    Definition::set(&mut ledger, definitions);
    Some(Aggregate {
        ledger,
        reviews: reviews(parts),
        certificates,
        contradictions,
        notes: notes(parts),
    })
}

fn required(parts: &[Part]) -> Vec<CriterionName> {
    let all: BTreeSet<&CriterionName> =
        parts.iter().flat_map(|part| &part.ledger.required).collect();
    all.into_iter().cloned().collect()
}

/// Every review once. Of two signatures under the same words one that verifies stays, then the first in
/// the order of text: neither depends on who comes first.
fn reviews(parts: &[Part]) -> Vec<Review> {
    let mut best: BTreeMap<StatementId, (bool, bool, &Review)> = BTreeMap::new();
    for (entry, verifies) in parts.iter().flat_map(|part| &part.reviews) {
        let review = &entry.review;
        let rank = |one: &(bool, bool, &Review)| {
            (!one.0, !one.1, one.2.signature.clone().unwrap_or_default())
        };
        let new = (*verifies, review.signature.is_some(), review);
        let old = best.entry(entry.id).or_insert(new);
        if rank(&new) < rank(old) {
            *old = new;
        }
    }
    best.into_values().map(|(_, _, review)| review.clone()).collect()
}

/// A criterion that two ledgers define differently says what both descriptions say and implies what it
/// implies in both.
fn definitions(parts: &[Part]) -> Vec<Definition> {
    let mut all: BTreeMap<CriterionName, (BTreeSet<String>, BTreeSet<CriterionName>)> =
        BTreeMap::new();
    for one in parts.iter().flat_map(|part| Definition::of(&part.ledger)) {
        let implies: BTreeSet<CriterionName> = one.implies.into_iter().collect();
        match all.get_mut(&one.name) {
            None => drop(all.insert(one.name, (BTreeSet::from([one.description]), implies))),
            Some((descriptions, there)) => {
                descriptions.insert(one.description);
                there.retain(|it| implies.contains(it));
            }
        }
    }
    let define = |(name, (descriptions, implies)): (_, (BTreeSet<String>, BTreeSet<_>))| {
        let description = descriptions.into_iter().collect::<Vec<_>>().join(" / or: ");
        Definition { name, description, implies: implies.into_iter().collect() }
    };
    all.into_iter().map(define).collect()
}

type Certificates = BTreeMap<String, Vec<u8>>;

/// Every key once, of one author, with the narrower of two spans of days. Certificates get names that
/// follow from their bytes.
fn keys(parts: &[Part]) -> (Vec<AuthorKey>, Certificates) {
    let mut keys: BTreeMap<String, AuthorKey> = BTreeMap::new();
    let mut certificates = Certificates::new();
    for part in parts {
        for key in &part.ledger.keys {
            let mut key = key.clone();
            key.file = key.file.as_ref().and_then(|file| {
                let bytes = part.certificates.get(file)?;
                let digest = Sha256(sha2::Sha256::digest(bytes).into()).hex();
                let path = format!("keys/{}.asc", digest.get(..32)?);
                certificates.insert(path.clone(), bytes.clone());
                Some(path)
            });
            key.accounts.sort();
            match keys.get_mut(&key.key) {
                None => drop(keys.insert(key.key.clone(), key)),
                Some(there) => join(there, key),
            }
        }
    }
    let mut keys: Vec<AuthorKey> = keys.into_values().collect();
    keys.sort_by(|a, b| (&a.author, &a.key).cmp(&(&b.author, &b.key)));
    let named: BTreeSet<&String> = keys.iter().filter_map(|key| key.file.as_ref()).collect();
    certificates.retain(|path, _| named.contains(path));
    (keys, certificates)
}

fn join(there: &mut AuthorKey, key: AuthorKey) {
    let narrower =
        |one: Option<Date>, two: Option<Date>, last: fn(Date, Date) -> Date| match (one, two) {
            (Some(one), Some(two)) => Some(last(one, two)),
            (one, two) => one.or(two),
        };
    there.from = narrower(there.from, key.from, Date::max);
    there.until = narrower(there.until, key.until, Date::min);
    there.accounts.extend(key.accounts);
    there.accounts.sort();
    there.accounts.dedup();
    // Two certificates of one key may have other signatures on them; the text decides, not the order.
    there.file = match (there.file.take(), key.file) {
        (Some(one), Some(two)) => Some(one.min(two)),
        (one, two) => one.or(two),
    };
    if key.author < there.author {
        there.author = key.author;
    }
}

fn violations(parts: &[Part]) -> Vec<Violation> {
    let mut all: BTreeMap<String, Violation> = BTreeMap::new();
    for violation in parts.iter().flat_map(|part| &part.ledger.violations) {
        let mut text = String::new();
        violation.write(&mut text);
        all.entry(text).or_insert_with(|| violation.clone());
    }
    all.into_values().collect()
}

fn notes(parts: &[Part]) -> Vec<String> {
    let mut notes = Vec::new();
    for part in parts {
        let ledger = &part.ledger;
        let left: Vec<String> = [
            (ledger.exemptions.len(), "exemptions"),
            (ledger.trusted.len(), "trusted publishers"),
            (ledger.requirements.len(), "requirements"),
            (ledger.own_reviews.len(), "own-reviews"),
            (ledger.imports.len(), "imports"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
        if !left.is_empty() {
            notes.push(format!(
                "{}: {} are decisions of this team and stay with it",
                part.name,
                left.join(", ")
            ));
        }
        let by_commit = |review: &Review| review.signature.as_deref() == Some("git");
        let signed = part.reviews.iter().filter(|(entry, _)| by_commit(&entry.review)).count();
        let silent = part.reviews.iter().filter(|(entry, ok)| !ok && !by_commit(&entry.review));
        for (count, why) in [
            (signed, "are signed by the commit that added them, which stays with the team"),
            (silent.count(), "have no signature that this ledger's keys verify"),
        ] {
            if count > 0 {
                let what = format!("{}: {count} reviews {why}", part.name);
                notes.push(format!("{what}; they come along and count for nobody"));
            }
        }
    }
    notes.sort();
    notes
}

#[cfg(test)]
mod tests;
