//! What a ledger needs no more, and what of it ends soon.
//!
//! Decides nothing about trust: it asks [`crate::check`] whether the answers stay the same without
//! something, and only what changes no answer is called needless. Reads no clock.

mod due;
mod needless;

#[cfg(test)]
mod tests;

pub use due::{Due, DueKind, due};
pub use needless::{Cut, Idle, Needless, needless};

use std::cell::RefCell;
use std::collections::HashMap;

use jiff::civil::Date;

use crate::check::{Book, Checker, ImportedBook, Origin, Refused, Reviews, Signatures, Subject};
use crate::fact::Facts;
use crate::ledger::Ledger;
use crate::relation::Relation;
use crate::review::Review;
use crate::statement::StatementId;

/// A ledger, and the files that it is kept for.
#[derive(Clone, Copy)]
pub struct Standing<'a> {
    /// Ours.
    pub ledger: &'a Ledger,
    /// Our reviews.
    pub own: &'a dyn Reviews,
    /// The ledgers of others.
    pub imports: &'a [ImportedBook<'a>],
    /// What is known of files.
    pub facts: &'a Facts,
    /// What files share.
    pub relations: &'a [Relation],
    /// Whose signatures count.
    pub signatures: &'a dyn Signatures,
    /// Today, in UTC.
    pub now: Date,
    /// The files of the locks.
    pub subjects: &'a [Subject],
}

impl std::fmt::Debug for Standing<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Standing").field("now", &self.now).finish_non_exhaustive()
    }
}

/// What a ledger does not need, of which a checker is there.
#[must_use]
pub fn needless_of(
    checker: &Checker<'_>,
    facts: &Facts,
    relations: &[Relation],
    subjects: &[Subject],
) -> Needless {
    let book = checker.book();
    let own = book.sources.iter().find(|it| it.origin == Origin::Own);
    let imported = book.sources.iter().filter_map(|it| {
        let (import, ledger) = it.imported?;
        Some((import.name.clone(), ledger, it.reviews))
    });
    let imported: Vec<_> = imported.collect();
    let imports: Vec<ImportedBook<'_>> = imported
        .iter()
        .map(|(name, ledger, reviews)| ImportedBook { name, ledger, reviews: *reviews })
        .collect();
    let Some(own) = own else { return Needless::default() };
    needless(&Standing {
        ledger: book.ledger,
        own: own.reviews,
        imports: &imports,
        facts,
        relations,
        signatures: book.signatures,
        now: checker.now(),
        subjects,
    })
}

impl Standing<'_> {
    /// For each subject whether it passes.
    #[must_use]
    pub fn passes(&self) -> Vec<bool> {
        let book = Book::new(
            self.ledger,
            self.own,
            self.imports,
            self.facts,
            self.relations,
            self.signatures,
        );
        let judgements = Checker::new(&book, self.now).check(self.subjects);
        judgements.iter().map(|it| it.passes() && it.known_bad.is_empty()).collect()
    }
}

/// Answers about signatures, each asked for once however often the rules are applied.
struct Remembered<'a> {
    inner: &'a dyn Signatures,
    answers: RefCell<HashMap<Asked, Result<(), Refused>>>,
}

type Asked = (Origin, StatementId, Option<String>);

impl<'a> Remembered<'a> {
    fn new(inner: &'a dyn Signatures) -> Self {
        Self { inner, answers: RefCell::default() }
    }
}

impl Signatures for Remembered<'_> {
    fn verify(&self, origin: &Origin, review: &Review) -> Result<(), Refused> {
        let asked = (origin.clone(), StatementId::of(review), review.signature.clone());
        if let Some(known) = self.answers.borrow().get(&asked) {
            return known.clone();
        }
        let answer = self.inner.verify(origin, review);
        self.answers.borrow_mut().insert(asked, answer.clone());
        answer
    }
}
