//! Which of the origins that locks name are one place.
//!
//! A mirror has another address and the same files: what its files are shows it, nobody has to say
//! so. An index that holds what another one holds, but for one file, is a mirror with a wrong file, and
//! not somebody's own builds.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use countermark_packaging::digest::Digest;

use super::statement::{Origin, Statement};
use crate::gate::entry::is_made_up;

/// So many digests that two origins share make them one …
const SHARED: usize = 3;

/// … if they are so many times as many as the files about which they disagree.
const TIMES: usize = 2;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Origins {
    /// For each label the smallest one of those that are the same place.
    same: HashMap<String, String>,
}

impl Origins {
    pub(super) fn of(statements: &[Statement]) -> Self {
        let labels: BTreeSet<String> = statements.iter().map(label).collect();
        let mut origins = Self { same: labels.iter().map(|it| (it.clone(), it.clone())).collect() };
        if labels.len() < 2 {
            return origins;
        }
        // What a URL leads to on the host of everybody's files is one of everybody's files.
        let default = Origin::Default.label();
        let hosts = statements.iter().filter(|statement| statement.origin == Origin::Default);
        for host in hosts.filter_map(|statement| statement.host.as_ref()).collect::<BTreeSet<_>>() {
            origins.join(&Origin::Url(host.clone()).label(), &default);
        }
        for ((one, other), (shared, different)) in compared(statements) {
            if shared >= SHARED && shared >= different * TIMES {
                origins.join(&one, &other);
            }
        }
        origins
    }

    fn join(&mut self, one: &str, other: &str) {
        let (Some(one), Some(other)) = (self.same.get(one), self.same.get(other)) else { return };
        let (first, second) = if one < other { (one, other) } else { (other, one) };
        let (first, second) = (first.clone(), second.clone());
        self.same.values_mut().filter(|label| **label == second).for_each(|label| {
            label.clone_from(&first);
        });
    }

    /// The same for all statements that speak of one place.
    pub(super) fn place(&self, statement: &Statement) -> String {
        let label = label(statement);
        self.same.get(&label).cloned().unwrap_or(label)
    }
}

/// A file on disk is the own one of its repository.
fn label(statement: &Statement) -> String {
    match statement.origin {
        Origin::Local => format!("local:{}", statement.lock.repository),
        _ => statement.origin.label(),
    }
}

/// For each pair of labels how many digests both have, and how many files have no digest in common.
fn compared(statements: &[Statement]) -> BTreeMap<(String, String), (usize, usize)> {
    let mut holders: HashMap<&Digest, BTreeSet<String>> = HashMap::new();
    let mut files: HashMap<&str, BTreeMap<String, BTreeSet<&Digest>>> = HashMap::new();
    for statement in statements {
        let label = label(statement);
        for stated in statement.files.iter().filter(|stated| !is_made_up(&stated.digest)) {
            holders.entry(&stated.digest).or_default().insert(label.clone());
            if let Some(file) = &stated.file {
                let labels = files.entry(file).or_default();
                labels.entry(label.clone()).or_default().insert(&stated.digest);
            }
        }
    }
    let mut pairs: BTreeMap<(String, String), (usize, usize)> = BTreeMap::new();
    for labels in holders.values().filter(|labels| labels.len() > 1) {
        for (one, other) in pairs_of(labels.iter()) {
            pairs.entry((one.clone(), other.clone())).or_default().0 += 1;
        }
    }
    for labels in files.values().filter(|labels| labels.len() > 1) {
        for ((one, mine), (other, theirs)) in pairs_of(labels.iter()) {
            if mine.is_disjoint(theirs) {
                pairs.entry((one.clone(), other.clone())).or_default().1 += 1;
            }
        }
    }
    pairs
}

fn pairs_of<T: Clone>(items: impl Iterator<Item = T> + Clone) -> impl Iterator<Item = (T, T)> {
    let others = items.clone();
    items.enumerate().flat_map(move |(at, one)| {
        others.clone().skip(at + 1).map(move |other| (one.clone(), other))
    })
}
