//! The words of explanations.

use std::collections::BTreeSet;

use super::super::asked::{Asked, shown_url};
use super::super::package::Package;
use super::super::positions::Positions;
use super::super::universe::{Origin, Universe, Unusable};

/// The most runs of releases that are named.
const RUNS: usize = 3;

/// What stands between a release and its use, in the order in which it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Constraint,
    Newer,
    NoUploadTime,
    Python,
    NoWheel,
    OnlySource,
    Yanked,
    Prerelease,
}

/// A sentence about one release or many.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sentence {
    pub(super) kind: Kind,
    before: String,
    one: String,
    many: String,
}

impl Sentence {
    /// The sentence about these releases.
    pub(super) fn about(&self, releases: &str, many: bool) -> String {
        format!("{}{releases}{}", self.before, if many { &self.many } else { &self.one })
    }
}

/// Why a release cannot be used.
pub(super) fn sentence(reason: &Unusable, asked: &Asked<'_>) -> Sentence {
    let target = &asked.target.label;
    let (kind, one, many) = match reason {
        Unusable::Constraint(text, place) => {
            let before = format!("{place} constrains to `{text}`, which leaves out ");
            let (one, many) = (String::new(), String::new());
            return Sentence { kind: Kind::Constraint, before, one, many };
        }
        Unusable::Newer(moment) => {
            let what = format!("uploaded at or after {moment}");
            (Kind::Newer, format!(" was {what}"), format!(" were {what}"))
        }
        Unusable::NoUploadTime(moment) => {
            let what = format!("no upload time, and only what was uploaded before {moment} counts");
            (Kind::NoUploadTime, format!(" has {what}"), format!(" have {what}"))
        }
        Unusable::Python(specifiers) => (
            Kind::Python,
            format!(" needs Python {specifiers}"),
            format!(" need Python {specifiers}"),
        ),
        Unusable::NoWheel => (
            Kind::NoWheel,
            format!(" has no wheel for {target}"),
            format!(" have no wheel for {target}"),
        ),
        Unusable::OnlySource => {
            let what = format!("no wheel for {target}, only a source package");
            (Kind::OnlySource, format!(" has {what}"), format!(" have {what}"))
        }
        Unusable::Yanked(because) => {
            let because = if because.is_empty() { String::new() } else { format!(": {because}") };
            (Kind::Yanked, format!(" is yanked{because}"), format!(" are yanked{because}"))
        }
        Unusable::Prerelease => {
            (Kind::Prerelease, " is a prerelease".to_owned(), " are prereleases".to_owned())
        }
    };
    Sentence { kind, before: String::new(), one, many }
}

/// Names releases of a package, `lib 1.0 to 2.0 and 3.1`, and says whether they are many.
///
/// Releases that cannot be used do not interrupt a run; where all that can be used are meant,
/// that is what is said.
pub(super) fn releases(
    package: &Package,
    universe: &Universe,
    positions: &BTreeSet<u32>,
    asked: &Asked<'_>,
) -> (String, bool) {
    let is_usable = |position: u32| universe.usable(position, asked).is_ok();
    let mut usable = (0..universe.count()).filter(|&position| is_usable(position)).peekable();
    if positions.len() > 1 && usable.peek().is_some() && usable.all(|p| positions.contains(&p)) {
        return (format!("every release of {package}"), false);
    }
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for &position in positions {
        match runs.last_mut() {
            Some((_, end)) if !(*end + 1..position).any(is_usable) => *end = position,
            _ => runs.push((position, position)),
        }
    }
    let mut named: Vec<String> = Vec::new();
    for &(start, end) in runs.iter().take(RUNS) {
        let (first, last) = (universe.version(start), universe.version(end));
        match positions.range(start..=end).count() {
            1 => named.push(first.to_string()),
            2 => named.extend([first.to_string(), last.to_string()]),
            _ => named.push(format!("{first} to {last}")),
        }
    }
    if runs.len() > RUNS {
        let rest = runs[RUNS..].iter().map(|(start, end)| end - start + 1).sum::<u32>();
        named.push(format!("{rest} more"));
    }
    (format!("{package} {}", enumerate(&named)), positions.len() > 1)
}

/// Why no release satisfies a requirement, as the end of its sentence; nothing when some do.
pub(super) fn nothing_satisfies(universe: &Universe, accepted: &Positions) -> String {
    if accepted.below(universe.count()).next().is_some() {
        return String::new();
    }
    if let Origin::Url(url, release) = &universe.origin {
        return format!(", but {} is version {}", shown_url(url), release.version);
    }
    let stable = universe.versions.iter().rev().find(|version| !version.any_prerelease());
    match stable.or(universe.versions.last()) {
        None => ", which has no releases".to_owned(),
        Some(only) if universe.versions.len() == 1 => {
            format!(", but the only release is {only}")
        }
        Some(newest) => format!(", but no release is that; the newest is {newest}"),
    }
}

fn enumerate(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
