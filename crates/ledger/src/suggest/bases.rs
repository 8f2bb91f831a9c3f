//! Which files that are vouched for already a difference could start from.

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::digest::Sha256;
use countermark_packaging::lock::Place;
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;

use crate::check::search::version_of;
use crate::check::{Checker, Judgement, Subject};
use crate::criteria::CriterionName;
use crate::file::FileId;
use crate::review::How;

/// So many files of the same kind a difference may start from.
pub(super) const MOST_BASES: usize = 6;

/// So many are looked at to find them.
const MOST_CANDIDATES: usize = 256;

/// A file that may be the beginning of a difference.
#[derive(Clone, Debug)]
pub(super) struct Base {
    pub(super) file: FileId,
    pub(super) version: Option<Version>,
    /// Those of the criteria that were asked for, with everything that they imply.
    pub(super) met: BTreeSet<CriterionName>,
}

/// Files of a project that meet some of the criteria, near the versions of the targets.
pub(super) fn bases(
    checker: &Checker<'_>,
    project: &ProjectName,
    targets: &[&Judgement],
    passing: &[&Judgement],
    criteria: &[CriterionName],
) -> Vec<Base> {
    let known = candidates(checker, project, targets, passing);
    let mut versions: Vec<&Version> = known.values().filter_map(|(_, it)| it.as_ref()).collect();
    versions.extend(targets.iter().map(|it| &it.subject.version));
    versions.sort_unstable();
    versions.dedup();
    let mut wanted: BTreeSet<Sha256> = BTreeSet::new();
    let most = (MOST_CANDIDATES / targets.len().max(1)).clamp(MOST_BASES, MOST_CANDIDATES);
    for target in targets {
        let mut near: Vec<_> = known
            .iter()
            .filter(|(_, (file, _))| is_same_kind(&file.name, target.subject.file.as_deref()))
            .map(|(digest, (file, version))| {
                (nearness(&versions, file, version.as_ref(), target), digest)
            })
            .collect();
        near.sort_unstable();
        wanted.extend(near.into_iter().take(most).map(|(_, digest)| *digest));
    }
    let asked: Vec<Subject> = wanted
        .iter()
        .filter_map(|it| known.get(it))
        .map(|(file, version)| {
            let version = version.clone().unwrap_or_else(|| targets[0].subject.version.clone());
            subject(project, version, file)
        })
        .collect();
    let judged = checker.check_for(&asked, Some(criteria));
    let met = judged.into_iter().filter(|it| it.known_bad.is_empty()).map(|judgement| {
        let (file, version) = &known[&judgement.subject.digest];
        let met = judgement
            .required
            .iter()
            .filter(|it| it.is_met() && !it.is_by_publisher())
            .map(|it| it.criterion.clone());
        Base { file: file.clone(), version: version.clone(), met: met.collect() }
    });
    met.filter(|base| !base.met.is_empty()).collect()
}

type Known = BTreeMap<Sha256, (FileId, Option<Version>)>;

/// Every file of the project of which the ledger says anything good.
fn candidates(
    checker: &Checker<'_>,
    project: &ProjectName,
    targets: &[&Judgement],
    passing: &[&Judgement],
) -> Known {
    let book = checker.book();
    let mut known = Known::new();
    let mut add = |file: &FileId, version: Option<&Version>| {
        known.entry(file.digest).or_insert_with(|| (file.clone(), version.cloned()));
    };
    for judgement in passing {
        let subject = &judgement.subject;
        let name = subject.file.clone().unwrap_or_default();
        add(&FileId { name, digest: subject.digest }, Some(&subject.version));
    }
    for exemption in book.ledger.exemptions.iter().filter(|it| it.project == *project) {
        exemption.files.iter().for_each(|file| add(file, Some(&exemption.version)));
    }
    for source in &book.sources {
        for entry in source.reviews.of_project(project) {
            let review = &entry.review;
            if review.how != How::Compiled {
                review.files.iter().for_each(|file| add(file, Some(&review.version)));
            }
        }
    }
    for fact in targets.iter().flat_map(|it| book.facts(&it.subject.digest)) {
        fact.before.iter().for_each(|file| add(file, version_of(file).as_ref()));
    }
    for target in targets {
        known.remove(&target.subject.digest);
    }
    known
}

/// What sorts candidates for a target: the same kind of wheel first, then by how many releases lie
/// between, an older one before a newer one.
fn nearness(
    versions: &[&Version],
    file: &FileId,
    version: Option<&Version>,
    target: &Judgement,
) -> (bool, usize, bool, String) {
    let place = |version: &Version| versions.partition_point(|it| *it < version);
    let (mine, theirs) = (version.map(place), place(&target.subject.version));
    let distance = mine.map_or(1, |mine| mine.abs_diff(theirs));
    let is_newer = mine.is_some_and(|mine| mine > theirs);
    let other_tags = tags(&file.name) != tags(target.subject.file.as_deref().unwrap_or_default());
    (other_tags, distance, is_newer, file.name.clone())
}

/// Whether a person would compare the two: wheels with wheels, source packages with source packages.
pub(super) fn is_same_kind(one: &str, other: Option<&str>) -> bool {
    let Some(other) = other.filter(|it| !it.is_empty()) else { return true };
    one.is_empty() || is_wheel(one) == is_wheel(other)
}

fn is_wheel(name: &str) -> bool {
    name.ends_with(".whl")
}

/// What a wheel is for: `py3-none-any`.
fn tags(name: &str) -> Option<Vec<&str>> {
    let tags = name.strip_suffix(".whl")?.rsplitn(4, '-').take(3);
    Some(tags.collect())
}

fn subject(project: &ProjectName, version: Version, file: &FileId) -> Subject {
    let place = Place { file: String::new(), line: 1, column: 1, span: 0..0 };
    let name = Some(file.name.clone());
    Subject { project: project.clone(), version, file: name, digest: file.digest, place }
}
