//! A finding in two: what an acceptance covers of it, and the rest.
//!
//! A finding is about each combination of its projects, releases, files and accounts. What an
//! acceptance leaves of several such lists is in general no single combination of lists, so the rest
//! may be several findings; together they are exactly what was not accepted.

use std::collections::BTreeSet;

use countermark_packaging::filename::DistributionFilename;
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;

use crate::federation::Acceptance;
use crate::finding::Finding;
use crate::roles::same_account;

/// What became of a finding.
pub(super) struct Parts {
    pub(super) accepted: Finding,
    pub(super) rest: Vec<Finding>,
}

/// The lists of a finding, in the order in which they are split.
const LISTS: usize = 4;

/// What of one list is inside of an acceptance, and what is outside.
struct Cut {
    inside: Vec<String>,
    outside: Vec<String>,
    restricted: bool,
}

/// `None` when the acceptance covers nothing of the finding.
pub(super) fn split(finding: &Finding, acceptance: &Acceptance) -> Option<Parts> {
    if finding.rule != acceptance.rule {
        return None;
    }
    let cuts = cuts(finding, acceptance);
    if cuts.iter().any(|cut| cut.restricted && cut.inside.is_empty()) {
        return None;
    }
    let inside = |index: usize| cuts[index].inside.clone();
    let whole = |index: usize| [cuts[index].inside.clone(), cuts[index].outside.clone()].concat();
    let accepted = piece(finding, std::array::from_fn(inside))?;
    let mut rest = Vec::new();
    for (at, cut) in cuts.iter().enumerate().filter(|(_, cut)| !cut.outside.is_empty()) {
        let lists = std::array::from_fn(|index| match index.cmp(&at) {
            std::cmp::Ordering::Less => inside(index),
            std::cmp::Ordering::Equal => cut.outside.clone(),
            std::cmp::Ordering::Greater => whole(index),
        });
        rest.extend(piece(finding, lists));
    }
    // The sentence was made for the whole and may name or count what is gone.
    let names: Vec<&str> = cuts
        .iter()
        .filter(|cut| !cut.outside.is_empty())
        .flat_map(|cut| cut.inside.iter().map(String::as_str))
        .collect();
    let until = acceptance.expires;
    for finding in &mut rest {
        finding.message = format!("{}; accepted of it: {}", finding.message, names.join(", "));
        let text = format!("{} until {until}: {}", names.join(", "), acceptance.reason);
        *finding = finding.clone().evidence(acceptance.place.to_string(), text);
    }
    Some(Parts { accepted, rest })
}

fn cuts(finding: &Finding, acceptance: &Acceptance) -> [Cut; LISTS] {
    let projects: Vec<String> =
        finding.projects.iter().map(|name| name.as_str().to_owned()).collect();
    let project = acceptance.project.as_ref().map(|name| name.as_str().to_owned());
    let project: Vec<String> = project.into_iter().collect();
    [
        cut(&projects, &project, |one, other| one == other),
        cut(&finding.versions, &acceptance.versions, same_version),
        cut(&finding.files, &acceptance.files, |one, other| one == other),
        cut(&finding.accounts, &acceptance.accounts, same_account),
    ]
}

/// An empty list of wanted things leaves everything inside.
fn cut(all: &[String], wanted: &[String], same: impl Fn(&str, &str) -> bool) -> Cut {
    let is_wanted =
        |item: &&String| wanted.is_empty() || wanted.iter().any(|other| same(item, other));
    let (inside, outside) = all.iter().partition(is_wanted);
    let owned = |items: Vec<&String>| items.into_iter().cloned().collect();
    Cut { inside: owned(inside), outside: owned(outside), restricted: !wanted.is_empty() }
}

/// Versions are one release when PEP 440 says so.
fn same_version(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    match (one.parse::<Version>(), other.parse::<Version>()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

/// A finding about fewer things; `None` when nothing is left of a list that said something.
fn piece(
    whole: &Finding,
    [projects, versions, files, accounts]: [Vec<String>; LISTS],
) -> Option<Finding> {
    let mut piece = whole.clone();
    piece.projects.retain(|name: &ProjectName| projects.iter().any(|it| it == name.as_str()));
    let fewer_versions = versions.len() < whole.versions.len();
    let fewer_files = files.len() < whole.files.len();
    (piece.versions, piece.files, piece.accounts) = (versions, files, accounts);
    // Files belong to releases: they come and go together. Looked up, as both lists may be long.
    let released = |versions: &[String]| -> BTreeSet<Version> {
        versions.iter().filter_map(|text| text.parse().ok()).collect()
    };
    let version_of =
        |file: &String| DistributionFilename::parse(file).ok().map(|file| file.version().clone());
    if fewer_versions {
        let (left, before) = (released(&piece.versions), released(&whole.versions));
        piece.files.retain(|file| {
            version_of(file).is_none_or(|it| left.contains(&it) || !before.contains(&it))
        });
    }
    if fewer_files {
        let versions_of = |files: &[String]| -> BTreeSet<Version> {
            files.iter().filter_map(version_of).collect()
        };
        let (left, before) = (versions_of(&piece.files), versions_of(&whole.files));
        piece.versions.retain(|text| {
            let version = text.parse::<Version>();
            version.map_or(true, |it| left.contains(&it) || !before.contains(&it))
        });
    }
    let emptied = (piece.versions.is_empty() && !whole.versions.is_empty())
        || (piece.files.is_empty() && !whole.files.is_empty() && fewer_files);
    (!emptied).then_some(piece)
}
