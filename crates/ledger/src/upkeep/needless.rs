//! What changes no answer about the files of the locks.
//!
//! An exemption goes when every file that passed passes without it, and would also pass were no
//! publisher trusted: trust ends, and an exemption that comes back then would be a new one. While a file
//! of a project does not pass, no exemption of its other files goes: the difference that is still to be
//! read starts at one of them, and without it the whole would have to be read. Of several that could
//! each go but not all together, those of files that nobody locks go first, then in the order of the
//! ledger. Facts and relations stay for every release that is locked, reviewed, exempted or was
//! compared with one that stays.

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::digest::Sha256;
use countermark_packaging::name::ProjectName;

use super::{Remembered, Standing};
use crate::check::{ImportedBook, Subject};
use crate::fact::{Facts, FileFact};
use crate::file::FileId;
use crate::ledger::{Exemption, Ledger};
use crate::relation::Relation;
use crate::review::How;

/// An exemption of which files go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The exemption, by its number in the ledger.
    pub number: usize,
    /// The files that go.
    pub gone: Vec<FileId>,
    /// Those that stay; none where it goes as a whole.
    pub left: Vec<FileId>,
}

/// Something that people wrote and that brings nothing for these files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Idle {
    /// An import, by its number.
    Import(usize),
    /// An entry of `[[own-reviews]]`, by its number.
    OwnReviews(usize),
    /// A trusted publisher, by its number.
    Trusted(usize),
}

/// What is not needed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needless {
    /// Exemptions, by their number.
    pub exemptions: Vec<Cut>,
    /// Projects of which a file does not pass yet, and of which an exemption stays for that reason.
    pub waiting: Vec<ProjectName>,
    /// What of the facts stays.
    pub facts: Facts,
    /// What of the relations stays.
    pub relations: Vec<Relation>,
    /// What people may want to take out.
    pub idle: Vec<Idle>,
}

/// Looks for what is not needed.
#[must_use]
pub fn needless(standing: &Standing<'_>) -> Needless {
    let signatures = Remembered::new(standing.signatures);
    let standing = Standing { signatures: &signatures, ..*standing };
    let mut by_project: BTreeMap<&ProjectName, Vec<usize>> = BTreeMap::new();
    for (number, exemption) in standing.ledger.exemptions.iter().enumerate() {
        by_project.entry(&exemption.project).or_default().push(number);
    }
    let mut cuts: Vec<Cut> = Vec::new();
    let mut waiting = Vec::new();
    for (project, numbers) in by_project {
        let (cut, is_waiting) = of_project(&standing, project, &numbers);
        cuts.extend(cut);
        waiting.extend(is_waiting.then(|| project.clone()));
    }
    cuts.sort_by_key(|cut| cut.number);
    let ledger = without(standing.ledger, &cuts);
    let after = Standing { ledger: &ledger, ..standing };
    let (facts, relations) = machine(&after);
    Needless { idle: idle(&after), exemptions: cuts, waiting, facts, relations }
}

/// A ledger without what was cut.
fn without(ledger: &Ledger, cuts: &[Cut]) -> Ledger {
    let mut ledger = ledger.clone();
    for cut in cuts {
        ledger.exemptions[cut.number].files.clone_from(&cut.left);
    }
    ledger.exemptions.retain(|it| !it.files.is_empty());
    ledger
}

/// One project in isolation: no rule looks at the files of another one. Also tells whether something
/// stays since a file does not pass yet.
fn of_project(
    standing: &Standing<'_>,
    project: &ProjectName,
    numbers: &[usize],
) -> (Vec<Cut>, bool) {
    let subjects: Vec<Subject> =
        standing.subjects.iter().filter(|it| it.project == *project).cloned().collect();
    let facts = Facts {
        roles: standing.facts.roles.iter().filter(|it| it.project == *project).cloned().collect(),
        files: standing.facts.files.iter().filter(|it| it.project == *project).cloned().collect(),
    };
    let relations: Vec<Relation> =
        standing.relations.iter().filter(|it| it.project == *project).cloned().collect();
    let mut ledger = standing.ledger.clone();
    ledger.exemptions = numbers.iter().map(|it| standing.ledger.exemptions[*it].clone()).collect();
    let passes = |ledger: &Ledger| -> [Vec<bool>; 2] {
        let mut untrusting = ledger.clone();
        untrusting.trusted.clear();
        [ledger, &untrusting].map(|ledger| {
            let (subjects, facts, relations) = (&subjects[..], &facts, &relations[..]);
            Standing { ledger, subjects, facts, relations, ..*standing }.passes()
        })
    };
    let before = passes(&ledger);
    let is_open = before[0].contains(&false);
    let mut is_waiting = false;
    for (entry, digest) in order(&ledger, &subjects) {
        if is_open && subjects.iter().all(|subject| subject.digest != digest) {
            is_waiting = true;
            continue;
        }
        let files = ledger.exemptions[entry].files.clone();
        ledger.exemptions[entry].files.retain(|file| file.digest != digest);
        if is_worse(&before, &passes(&ledger)) {
            ledger.exemptions[entry].files = files;
        }
    }
    let cut = |(number, left): (&usize, &Exemption)| {
        let is_gone = |file: &&FileId| !left.files.contains(*file);
        let gone: Vec<FileId> =
            standing.ledger.exemptions[*number].files.iter().filter(is_gone).cloned().collect();
        (!gone.is_empty()).then(|| Cut { number: *number, gone, left: left.files.clone() })
    };
    (numbers.iter().zip(&ledger.exemptions).filter_map(cut).collect(), is_waiting)
}

/// Files that nobody locks first.
fn order(ledger: &Ledger, subjects: &[Subject]) -> Vec<(usize, Sha256)> {
    let locked: BTreeSet<Sha256> = subjects.iter().map(|it| it.digest).collect();
    let of = |(number, exemption): (usize, &Exemption)| {
        let pairs: Vec<_> = exemption.files.iter().map(|file| (number, file.digest)).collect();
        pairs
    };
    let mut order: Vec<_> = ledger.exemptions.iter().enumerate().flat_map(of).collect();
    order.sort_by_key(|(_, digest)| locked.contains(digest));
    order
}

fn is_worse(before: &[Vec<bool>; 2], after: &[Vec<bool>; 2]) -> bool {
    before.iter().flatten().zip(after.iter().flatten()).any(|(before, after)| *before && !*after)
}

/// What of facts and relations stays.
fn machine(standing: &Standing<'_>) -> (Facts, Vec<Relation>) {
    let projects: BTreeSet<&ProjectName> = standing.subjects.iter().map(|it| &it.project).collect();
    let digests = live(standing, &projects);
    let roles = standing.facts.roles.iter().filter(|it| projects.contains(&it.project)).cloned();
    let is_live = |fact: &&FileFact| digests.contains(&fact.file.digest);
    let files = standing.facts.files.iter().filter(is_live).cloned();
    let is_related =
        |it: &&Relation| digests.contains(&it.from.digest) && digests.contains(&it.to.digest);
    let relations = standing.relations.iter().filter(is_related).cloned().collect();
    (Facts { roles: roles.collect(), files: files.collect() }, relations)
}

/// Files on which an answer about a locked file may rest.
fn live(standing: &Standing<'_>, projects: &BTreeSet<&ProjectName>) -> BTreeSet<Sha256> {
    let mut live: BTreeSet<Sha256> = standing.subjects.iter().map(|it| it.digest).collect();
    let exemptions = standing.ledger.exemptions.iter();
    let exempted = exemptions.filter(|it| projects.contains(&it.project));
    live.extend(exempted.flat_map(|it| it.files.iter().map(|file| file.digest)));
    let sources = std::iter::once(standing.own).chain(standing.imports.iter().map(|it| it.reviews));
    for source in sources {
        for project in projects {
            for entry in source.of_project(project) {
                live.extend(entry.review.files.iter().map(|file| file.digest));
                if let How::Delta { files, .. } = &entry.review.how {
                    live.extend(files.iter().map(|file| file.digest));
                }
            }
        }
    }
    grow(standing, live)
}

/// With the files before those, and those that share content with them.
fn grow(standing: &Standing<'_>, mut live: BTreeSet<Sha256>) -> BTreeSet<Sha256> {
    let mut next: BTreeMap<Sha256, Vec<Sha256>> = BTreeMap::new();
    for fact in &standing.facts.files {
        let before = fact.before.as_ref().map(|before| before.digest);
        next.entry(fact.file.digest).or_default().extend(before);
    }
    for relation in standing.relations {
        // A file that nobody locks or read says nothing of another one: only what leads to a live
        // file is followed.
        next.entry(relation.to.digest).or_default().push(relation.from.digest);
    }
    let mut open: Vec<Sha256> = live.iter().copied().collect();
    while let Some(digest) = open.pop() {
        for found in next.get(&digest).into_iter().flatten() {
            if live.insert(*found) {
                open.push(*found);
            }
        }
    }
    live
}

/// What of the people's decisions brings nothing. Each is looked at alone: of two that bring the same,
/// both are told, and whoever takes out one looks again.
fn idle(standing: &Standing<'_>) -> Vec<Idle> {
    let before = standing.passes();
    let is_idle = |ledger: &Ledger, imports: &[ImportedBook<'_>]| {
        let after = Standing { ledger, imports, ..*standing }.passes();
        before == after
    };
    let mut found = Vec::new();
    for (number, import) in standing.ledger.imports.iter().enumerate() {
        let mut imports = standing.imports.to_vec();
        imports.retain(|it| it.name != import.name);
        // One that was never fetched is not idle: it was not looked at.
        if imports.len() < standing.imports.len() && is_idle(standing.ledger, &imports) {
            found.push(Idle::Import(number));
        }
    }
    for number in 0..standing.ledger.own_reviews.len() {
        let mut ledger = standing.ledger.clone();
        ledger.own_reviews.remove(number);
        if is_idle(&ledger, standing.imports) {
            found.push(Idle::OwnReviews(number));
        }
    }
    for number in 0..standing.ledger.trusted.len() {
        let mut ledger = standing.ledger.clone();
        ledger.trusted.remove(number);
        if is_idle(&ledger, standing.imports) {
            found.push(Idle::Trusted(number));
        }
    }
    found
}
