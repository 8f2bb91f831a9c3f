//! What is judged: a file about which statements disagree, and two sets of digests of one release.

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::digest::Digest;
use countermark_packaging::filename::DistributionFilename;

use super::finding::{Finding, Side};
use super::ground::{Ground, Occurrence, Release};
use super::statement::Statement;

/// A file name with several digests of one algorithm.
#[derive(Debug)]
pub(super) struct Dispute<'a> {
    pub(super) file: &'a str,
    /// What is not explained yet.
    pub(super) open: Vec<Occurrence<'a>>,
}

impl<'a> Dispute<'a> {
    /// Whether there still is something to explain.
    pub(super) fn is_open(&self) -> bool {
        digests_of(&self.open).len() > 1
    }

    /// Something about these occurrences, a side for each digest.
    pub(super) fn finding(
        &self,
        class: &'static str,
        evidence: String,
        occurrences: &[Occurrence<'a>],
    ) -> Option<Finding> {
        let about = occurrences.first()?.statement;
        let mut by_digest: BTreeMap<&Digest, Vec<&Statement>> = BTreeMap::new();
        for occurrence in occurrences {
            by_digest.entry(occurrence.digest).or_default().push(occurrence.statement);
        }
        let sides = by_digest.into_iter();
        let sides = sides.map(|(digest, statements)| Side::new([digest], statements)).collect();
        Some(Finding::new(class, about, evidence, sides).of_file(self.file))
    }
}

pub(super) fn digests_of<'a>(occurrences: &[Occurrence<'a>]) -> BTreeSet<&'a Digest> {
    occurrences.iter().map(|occurrence| occurrence.digest).collect()
}

/// The digests that some statements hold of a release, all of one algorithm.
#[derive(Debug)]
pub(super) struct Held<'a> {
    pub(super) digests: BTreeSet<&'a Digest>,
    pub(super) statements: Vec<&'a Statement>,
}

impl Held<'_> {
    pub(super) fn is_listing(&self) -> bool {
        self.statements.iter().any(|statement| statement.is_listing())
    }

    /// When it was seen first, where every statement tells.
    pub(super) fn since(&self) -> Option<jiff::Timestamp> {
        let dates = self.statements.iter().map(|statement| statement.first.date);
        dates.collect::<Option<Vec<_>>>()?.into_iter().min()
    }
}

/// Two different sets of digests of one release, and what else is known of it.
#[derive(Debug)]
pub(super) struct Pair<'p, 'a> {
    pub(super) release: Release<'a>,
    pub(super) one: &'p Held<'a>,
    pub(super) other: &'p Held<'a>,
    /// Everything that is held of the release.
    pub(super) all: &'p [Held<'a>],
}

impl<'a> Pair<'_, 'a> {
    pub(super) fn only_one(&self) -> Vec<&'a Digest> {
        self.one.digests.difference(&self.other.digests).copied().collect()
    }

    pub(super) fn only_other(&self) -> Vec<&'a Digest> {
        self.other.digests.difference(&self.one.digests).copied().collect()
    }

    pub(super) fn common(&self) -> Vec<&'a Digest> {
        self.one.digests.intersection(&self.other.digests).copied().collect()
    }

    /// Whether somebody holds a digest of each side: then they are of different files.
    pub(super) fn stand_together(&self) -> bool {
        let (one, other) = (self.only_one(), self.only_other());
        self.all.iter().any(|held| {
            one.iter().any(|digest| held.digests.contains(digest))
                && other.iter().any(|digest| held.digests.contains(digest))
        })
    }

    /// Whether an index tells which files there are.
    pub(super) fn has_listing(&self) -> bool {
        self.all.iter().any(Held::is_listing)
    }

    /// What these digests are called; none where one of them has no name.
    pub(super) fn names(&self, digests: &[&Digest], ground: &Ground<'a>) -> Option<Vec<&'a str>> {
        let name = |digest: &&Digest| ground.names_in(self.release, digest)?.first().copied();
        digests.iter().map(name).collect()
    }

    /// The names that are known of these digests.
    pub(super) fn known_names(&self, digests: &[&Digest], ground: &Ground<'a>) -> Vec<&'a str> {
        let names = digests.iter().filter_map(|digest| ground.names_in(self.release, digest));
        names.filter_map(|names| names.first().copied()).collect()
    }
}

/// The kind of system that a wheel is for; none for source packages and for wheels that are for all.
pub(super) fn system_of(file: &str) -> Option<&'static str> {
    let Ok(DistributionFilename::Wheel(wheel)) = DistributionFilename::parse(file) else {
        return None;
    };
    let platform = wheel.platform.first()?;
    let known = ["linux", "manylinux", "musllinux", "macosx", "win", "ios", "android"];
    let found = known.into_iter().find(|system| platform.starts_with(system));
    match (platform.as_str(), found) {
        ("any", _) => None,
        (_, Some("manylinux" | "musllinux")) => Some("linux"),
        (_, Some(system)) => Some(system),
        (_, None) => Some("other"),
    }
}

/// `3 digests`, `one digest`.
pub(super) fn digests(number: usize) -> String {
    match number {
        1 => "one digest".to_owned(),
        number => format!("{number} digests"),
    }
}
