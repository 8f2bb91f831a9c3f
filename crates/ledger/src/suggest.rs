//! The cheapest reviews that are missing.
//!
//! Decides nothing about trust: what it proposes counts only when somebody did it and signed it. An
//! import that has the reviews already costs no reading and comes first; then readings, by lines, where a
//! difference wins over a full reading that costs the same.

mod arborescence;
mod bases;
mod project;
mod release;

pub use release::Follow;

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::digest::Sha256;
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;

use crate::check::{Checker, Judgement, KnownBad};
use crate::criteria::CriterionName;
use crate::file::FileId;

/// What readings cost, in lines. Nothing where it is not known: the files may be elsewhere.
pub trait Costs {
    /// Lines of a file, read in full.
    fn full(&self, file: &FileId) -> Option<u64>;

    /// Lines of the difference between two files.
    fn delta(&self, from: &FileId, to: &FileId) -> Option<u64>;

    /// Lines of a file where somebody counted them before; nothing is counted for this answer.
    fn known(&self, file: &FileId) -> Option<u64> {
        self.full(file)
    }

    /// What vouching for the compiled extensions of a file costs.
    fn compiled(&self, file: &FileId) -> Option<u64> {
        let _ = file;
        None
    }
}

/// A ledger that somebody keeps and we do not import, or not wholly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What it calls itself.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// What its reviews, by its own rules and keys, say of files, in our criteria.
    pub files: BTreeMap<Sha256, BTreeSet<CriterionName>>,
}

/// What would make a check pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Ledgers to import, those that save most first.
    pub offers: Vec<Chosen>,
    /// What is to be read after that, by project, in an order in which it can be done.
    pub steps: Vec<Step>,
    /// What is assumed to be covered by a file that is read or passes; nothing in a plan for each file.
    pub follow: Vec<Follow>,
    /// Files that are known bad: no reading helps.
    pub hopeless: Vec<Hopeless>,
}

impl Plan {
    /// Lines to read, and the number of steps whose lines are not known.
    #[must_use]
    pub fn lines(&self) -> (u64, usize) {
        let known = self.steps.iter().filter_map(|step| step.lines);
        let unknown = self.steps.iter().filter(|step| step.lines.is_none()).count();
        (known.fold(0, u64::saturating_add), unknown)
    }
}

/// An offer that helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The name of its ledger.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// The files that would pass with it and with nothing before it, sorted.
    pub files: Vec<FileId>,
}

/// One reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The project.
    pub project: ProjectName,
    /// The release, where it is known.
    pub version: Option<Version>,
    /// What to read.
    pub file: FileId,
    /// How.
    pub how: StepHow,
    /// What the review has to say, so that the file meets what it has to.
    pub criteria: Vec<CriterionName>,
    /// Lines to read; none where nobody knows.
    pub lines: Option<u64>,
    /// What a full reading would cost, to compare with.
    pub full_lines: Option<u64>,
}

/// How to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepHow {
    /// All of it.
    Full,
    /// The difference from another file.
    Delta {
        /// Its release.
        version: Option<Version>,
        /// The file.
        file: FileId,
    },
    /// The compiled extensions; the rest is covered by another file of the release.
    Compiled {
        /// The other file.
        by: FileId,
    },
}

/// A file that no reading makes pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hopeless {
    /// The project.
    pub project: ProjectName,
    /// The release.
    pub version: Version,
    /// The file.
    pub file: FileId,
    /// Why.
    pub known_bad: Vec<KnownBad>,
}

/// The cheapest way to make the failing ones of these judgements pass, by what is known of each file.
#[must_use]
pub fn suggest(
    checker: &Checker<'_>,
    judgements: &[Judgement],
    costs: &dyn Costs,
    offers: &[Offer],
) -> Plan {
    planned(checker, judgements, costs, offers, false)
}

/// The same with one file to read of each release, where nobody compared its files yet. Once the steps are
/// done, everything passes of which [`Plan::follow`] assumed rightly that it is covered.
#[must_use]
pub fn by_release(
    checker: &Checker<'_>,
    judgements: &[Judgement],
    costs: &dyn Costs,
    offers: &[Offer],
) -> Plan {
    planned(checker, judgements, costs, offers, true)
}

fn planned(
    checker: &Checker<'_>,
    judgements: &[Judgement],
    costs: &dyn Costs,
    offers: &[Offer],
    by_release: bool,
) -> Plan {
    let mut plan = Plan::default();
    let mut projects: BTreeMap<&ProjectName, BTreeMap<Sha256, &Judgement>> = BTreeMap::new();
    for judgement in judgements {
        let files = projects.entry(&judgement.subject.project).or_default();
        files.entry(judgement.subject.digest).or_insert(judgement);
    }
    let mut failing: Vec<&Judgement> = Vec::new();
    for judgement in projects.values().flat_map(BTreeMap::values).filter(|it| !it.passes()) {
        if judgement.known_bad.is_empty() {
            failing.push(judgement);
        } else {
            plan.hopeless.push(Hopeless {
                project: judgement.subject.project.clone(),
                version: judgement.subject.version.clone(),
                file: file_of(judgement),
                known_bad: judgement.known_bad.clone(),
            });
        }
    }
    choose_offers(checker, &mut failing, offers, &mut plan);
    let mut open: BTreeMap<&ProjectName, Vec<&Judgement>> = BTreeMap::new();
    for judgement in failing {
        open.entry(&judgement.subject.project).or_default().push(judgement);
    }
    for (project, mut targets) in open {
        let files = projects[project].values().copied();
        let passing: Vec<&Judgement> = files.filter(|it| it.passes()).collect();
        if by_release {
            let follow = release::followers(checker, project, &targets, &passing, costs);
            let follows = |it: &&Judgement| {
                let mut files = follow.iter().flat_map(|it| &it.files);
                files.any(|file| file.digest == it.subject.digest)
            };
            targets.retain(|it| !follows(it));
            plan.follow.extend(follow);
        }
        if targets.is_empty() {
            continue;
        }
        plan.steps.extend(project::steps(checker, project, &targets, &passing, costs));
    }
    plan
}

fn file_of(judgement: &Judgement) -> FileId {
    let name = judgement.subject.file.clone().unwrap_or_default();
    FileId { name, digest: judgement.subject.digest }
}

/// Takes the offer that helps most files, again and again; of two that help as many, the first by name.
fn choose_offers(
    checker: &Checker<'_>,
    failing: &mut Vec<&Judgement>,
    offers: &[Offer],
    plan: &mut Plan,
) {
    let criteria = &checker.book().ledger.criteria;
    let helps = |offer: &Offer, judgement: &Judgement| {
        let Some(said) = offer.files.get(&judgement.subject.digest) else { return false };
        let said: BTreeSet<_> = said.iter().flat_map(|it| criteria.implied(it)).collect();
        judgement.missing().all(|it| said.contains(it))
    };
    let mut offers: Vec<&Offer> = offers.iter().collect();
    offers.sort_by_key(|it| (&it.name, &it.url));
    loop {
        let count = |offer: &Offer| failing.iter().filter(|it| helps(offer, it)).count();
        let best = offers.iter().map(|offer| (count(offer), *offer)).rev().max_by_key(|it| it.0);
        let Some((1.., offer)) = best else { return };
        let (helped, rest) = failing.iter().copied().partition::<Vec<_>, _>(|it| helps(offer, it));
        let mut files: Vec<FileId> = helped.into_iter().map(file_of).collect();
        files.sort();
        plan.offers.push(Chosen { name: offer.name.clone(), url: offer.url.clone(), files });
        *failing = rest;
    }
}
