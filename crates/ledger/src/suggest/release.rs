//! One file of each release is read, and the others follow it by comparison.
//!
//! A release is up to a hundred files with mostly the same content, and nobody reads it a hundred times. Where
//! `relations.toml` has no comparison that leads to a file, the plan assumes that the file which is read
//! covers it, and says so: `vet relate` finds out. Where a comparison is recorded, what it found is planned
//! with and nothing is assumed. A source distribution is always read itself, since no wheel covers it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use countermark_packaging::digest::Sha256;
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;

use super::{Costs, file_of};
use crate::check::{Checker, Judgement};
use crate::file::FileId;

/// Files of which nothing is read, as long as another file of their release turns out to cover them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follow {
    /// The project.
    pub project: ProjectName,
    /// The release.
    pub version: Version,
    /// The file that is read, or passes already.
    pub by: FileId,
    /// Those that are assumed to be covered by it, sorted; no comparison is recorded that leads to them.
    pub files: Vec<FileId>,
}

/// Of the files of a project that fail those that are not read, since another one is.
pub(super) fn followers(
    checker: &Checker<'_>,
    project: &ProjectName,
    targets: &[&Judgement],
    passing: &[&Judgement],
    costs: &dyn Costs,
) -> Vec<Follow> {
    let mut releases: BTreeMap<&Version, Vec<&Judgement>> = BTreeMap::new();
    for target in targets {
        releases.entry(&target.subject.version).or_default().push(target);
    }
    let mut follow = Vec::new();
    for (version, files) in releases {
        // What was compared, or cannot be covered, is planned for by itself.
        let (open, known): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|it| is_open(checker, it) && !is_source(it));
        let there = passing.iter().copied().filter(|it| it.subject.version == *version);
        let (sources, wheels): (Vec<&Judgement>, Vec<_>) = there.partition(|it| is_source(it));
        let source = sources.into_iter().chain(known.iter().copied().filter(|it| is_source(it)));
        let by = source.chain(wheels).min_by_key(|it| (!is_source(it), name(it)));
        let by = by.or_else(|| cheapest(checker, project, &open, passing, costs));
        let Some(by) = by else { continue };
        let others = open.iter().filter(|it| digest(it) != digest(by));
        let mut files: Vec<FileId> = others.map(|it| file_of(it)).collect();
        files.sort();
        if !files.is_empty() {
            let (project, version) = (project.clone(), version.clone());
            follow.push(Follow { project, version, by: file_of(by), files });
        }
    }
    follow
}

/// Whether nobody recorded what another file has in common with it.
fn is_open(checker: &Checker<'_>, judgement: &Judgement) -> bool {
    let relations = checker.book().relations(&judgement.subject.digest);
    !relations.iter().any(|it| it.to.digest == judgement.subject.digest)
}

fn digest(judgement: &Judgement) -> Sha256 {
    judgement.subject.digest
}

fn name(judgement: &Judgement) -> &str {
    judgement.subject.file.as_deref().unwrap_or_default()
}

/// A file without a name may be one, and is read.
fn is_source(judgement: &Judgement) -> bool {
    !name(judgement).ends_with(".whl")
}

/// The wheel that costs least, as far as that is known without counting: one for every platform, one of a kind
/// that passes already in another release, one whose lines somebody counted.
fn cheapest<'j>(
    checker: &Checker<'_>,
    project: &ProjectName,
    wheels: &[&'j Judgement],
    passing: &[&Judgement],
    costs: &dyn Costs,
) -> Option<&'j Judgement> {
    if let [one] = wheels {
        return Some(one);
    }
    let exempt = checker.book().ledger.exemptions.iter().filter(|it| it.project == *project);
    let mut before: BTreeSet<&str> =
        exempt.flat_map(|it| &it.files).map(|it| tags(&it.name)).collect();
    before.extend(passing.iter().map(|it| tags(name(it))));
    wheels.iter().copied().min_by_key(|it| {
        let name = name(it);
        let lines = costs.known(&file_of(it)).unwrap_or(u64::MAX);
        (!name.ends_with("-any.whl"), !before.contains(tags(name)), lines, name, digest(it))
    })
}

/// What a wheel is for: all behind its version.
fn tags(name: &str) -> &str {
    name.splitn(3, '-').nth(2).unwrap_or_default()
}
