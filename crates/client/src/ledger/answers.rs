//! What a ledger says of files, in the words that the policy and the gate show.
//!
//! Nothing is decided here: the rules did that. Of everything that they found against a file the first
//! thing is said, and `countermark vet explain` says the rest.

use countermark_ledger::check::{Checker, Judgement, Required, Subject};
use countermark_ledger::criteria::CriterionName;
use countermark_ledger::report::words;
use countermark_trust::policy::{FileAnswer, LedgerAnswers};

/// Asks about these files; by the criteria of the ledger, or by these instead.
#[must_use]
pub fn ask(
    checker: &Checker<'_>,
    subjects: &[Subject],
    criteria: Option<&[CriterionName]>,
) -> LedgerAnswers {
    let mut answers = LedgerAnswers::default();
    for judgement in checker.check_for(subjects, criteria) {
        let answer = answer(&judgement);
        answers.insert(judgement.subject.project, judgement.subject.digest, answer);
    }
    answers
}

fn answer(judgement: &Judgement) -> FileAnswer {
    if let Some(bad) = judgement.known_bad.first() {
        return FileAnswer::Violation { reason: words::known_bad(bad) };
    }
    if judgement.passes() {
        return FileAnswer::Met;
    }
    let missing: Vec<&str> = judgement.missing().map(CriterionName::as_str).collect();
    FileAnswer::NotMet { expected: missing.join(", "), found: found(judgement) }
}

/// What is nearest to an answer: a review that does not count, trust that does not cover the file, a
/// review that rests on what nobody vouches for.
fn found(judgement: &Judgement) -> String {
    if let Some(ignored) = judgement.ignored.first() {
        return format!("a {}", words::ignored(ignored));
    }
    if let Some(obstacle) = judgement.obstacles.first() {
        return format!("no review, and {obstacle}");
    }
    let open = judgement.required.iter().flat_map(Required::missing).next();
    match open {
        Some(open) => {
            let files: Vec<&str> = open.files.iter().map(|file| file.name.as_str()).collect();
            let what = words::open(open.reason, open.compiled);
            match files.as_slice() {
                [] => what,
                files => format!("{what}, and nobody vouches for {}", files.join(", ")),
            }
        }
        None => "no review".to_owned(),
    }
}
