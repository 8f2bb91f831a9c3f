//! Which files meet the criteria, by the rules of `docs/ledger-rules.md`.
//!
//! Decides for each file that is asked for, by its digest alone, and says by what it is met or what is
//! missing. Trusts our ledger, the facts and relations beside it, and signatures by keys that our ledger
//! names; an imported ledger is trusted for what our ledger says of it. Reads no clock: `now` is a
//! parameter. Work and memory are bounded by what the readers let in, and chains are walked without
//! recursion, however long.

pub mod counts;
pub mod judgement;
pub(crate) mod proof;
pub(crate) mod search;
pub mod source;
pub mod trusted;
mod violation;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use countermark_packaging::digest::Sha256;
use countermark_packaging::name::ProjectName;
use jiff::civil::Date;

use crate::criteria::CriterionName;
use crate::file::FileId;
use crate::ledger::Ledger;

pub use counts::NotCounted;
pub use judgement::{
    Ignored, Judgement, KnownBad, Missing, Obstacle, Reason, Required, ReviewRef, Subject,
};
pub use source::{Book, Entry, ImportedBook, Origin, Refused, Reviews, Signatures};
pub use trusted::NotTrusted;

use counts::Candidate;
use judgement::Subject as Asked;
use search::Search;

/// Applies the rules to a book on a day.
pub struct Checker<'a> {
    book: &'a Book<'a>,
    now: Date,
    candidates: RefCell<HashMap<(ProjectName, Sha256), Candidates>>,
    /// Answers about signatures, by source, statement and signature.
    verified: RefCell<HashMap<SignatureKey, Result<(), NotCounted>>>,
}

/// Reviews of a file, best first.
type Candidates = Rc<Vec<Arc<Candidate>>>;

type SignatureKey = (usize, Sha256, Option<String>);

impl<'a> Checker<'a> {
    /// For a book, on a day in UTC.
    #[must_use]
    pub fn new(book: &'a Book<'a>, now: Date) -> Self {
        Self { book, now, candidates: RefCell::default(), verified: RefCell::default() }
    }

    /// The book.
    #[must_use]
    pub fn book(&self) -> &'a Book<'a> {
        self.book
    }

    /// The day.
    #[must_use]
    pub fn now(&self) -> Date {
        self.now
    }

    /// Judges each subject, in their order.
    #[must_use]
    pub fn check(&self, subjects: &[Subject]) -> Vec<Judgement> {
        self.check_for(subjects, None)
    }

    /// Judges each subject by these criteria instead of those that the ledger requires.
    #[must_use]
    pub fn check_for(
        &self,
        subjects: &[Subject],
        criteria: Option<&[CriterionName]>,
    ) -> Vec<Judgement> {
        let mut wanted: BTreeMap<&ProjectName, BTreeMap<Sha256, &Asked>> = BTreeMap::new();
        for subject in subjects {
            wanted.entry(&subject.project).or_default().entry(subject.digest).or_insert(subject);
        }
        let mut proofs = HashMap::new();
        for (project, files) in wanted {
            let files: Vec<_> = files.values().map(|it| (file_of(it), &it.version)).collect();
            for criterion in self.criteria(project, criteria) {
                let pairs = files.iter().map(|(file, version)| (file, *version));
                let proof = Search::run(self, project, &criterion, pairs);
                proofs.insert((project, criterion), Arc::new(proof));
            }
        }
        let judge = |subject: &Subject| {
            let criteria = self.criteria(&subject.project, criteria).into_iter();
            let required = criteria.filter_map(|criterion| {
                let key = (&subject.project, criterion);
                let proof = Arc::clone(proofs.get(&key)?);
                let node = *proof.by_digest.get(&subject.digest)?;
                Some(Required { criterion: key.1, proof, node })
            });
            Judgement::of(subject.clone(), required.collect())
        };
        subjects.iter().map(judge).collect()
    }

    fn criteria(
        &self,
        project: &ProjectName,
        asked: Option<&[CriterionName]>,
    ) -> Vec<CriterionName> {
        asked.map_or_else(|| required(self.book.ledger, project), <[CriterionName]>::to_vec)
    }

    /// All reviews of a file, best first.
    pub(crate) fn candidates(&self, project: &ProjectName, digest: &Sha256) -> Candidates {
        let key = (project.clone(), *digest);
        if let Some(known) = self.candidates.borrow().get(&key) {
            return Rc::clone(known);
        }
        let mut found = Vec::new();
        for (number, source) in self.book.sources.iter().enumerate() {
            let entries = source.reviews.covering(digest).into_iter();
            found.extend(entries.map(|entry| {
                Arc::new(Candidate::new(self.book, number, entry, project, self.now))
            }));
        }
        found.sort_by(|one, other| one.order(other));
        let found = Rc::new(found);
        self.candidates.borrow_mut().insert(key, Rc::clone(&found));
        found
    }

    /// Whether the signature of a review counts; each is verified once.
    pub(crate) fn verified(&self, candidate: &Candidate) -> Result<(), NotCounted> {
        let signature = candidate.entry.review.signature.clone();
        let key = (candidate.source, candidate.entry.id, signature);
        if let Some(known) = self.verified.borrow().get(&key) {
            return known.clone();
        }
        let origin = &self.book.sources[candidate.source].origin;
        let answer = counts::verify(self.book, origin, &candidate.entry);
        self.verified.borrow_mut().insert(key, answer.clone());
        answer
    }
}

fn file_of(subject: &Subject) -> FileId {
    FileId { name: subject.file.clone().unwrap_or_default(), digest: subject.digest }
}

/// What files of a project have to meet: by the most precise of the patterns that mean it; by all of
/// them where several are as precise.
#[must_use]
pub fn required(ledger: &Ledger, project: &ProjectName) -> Vec<CriterionName> {
    let precision = |requirement: &crate::ledger::Requirement| {
        let meant = requirement.projects.iter().filter(|it| it.matches(project));
        meant.map(countermark_packaging::name::NamePattern::precision).max()
    };
    let best = ledger.requirements.iter().filter_map(precision).max();
    let Some(best) = best else { return ledger.required.clone() };
    let decisive = ledger.requirements.iter().filter(|it| precision(it) == Some(best));
    let mut criteria: Vec<CriterionName> = decisive.flat_map(|it| it.criteria.clone()).collect();
    criteria.sort();
    criteria.dedup();
    criteria
}
