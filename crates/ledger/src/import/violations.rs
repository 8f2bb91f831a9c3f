//! What was known to be bad stays bad: when an import is removed, or withdraws what it said.
//!
//! A violation overrides everything, so one that goes may let a file pass that did not. Nobody decides
//! that by removing an import: what only it called bad is taken over into our own ledger, where whoever
//! knows better removes it by name. The comparison is by digest, as that of the check is.

use std::collections::BTreeSet;

use countermark_packaging::digest::Sha256;

use crate::file::FileId;
use crate::format::limits;
use crate::ledger::{Ledger, Violation};

/// The violations of a ledger with those of their files that none of the others calls bad; each file
/// once.
#[must_use]
pub fn lost(before: &Ledger, now: &[&Ledger]) -> Vec<Violation> {
    let files = now.iter().flat_map(|ledger| &ledger.violations).flat_map(|it| &it.files);
    let mut known: BTreeSet<Sha256> = files.map(|file| file.digest).collect();
    let left = |violation: &Violation| {
        let files = violation.files.iter().filter(|file| known.insert(file.digest));
        let files: Vec<FileId> = files.cloned().collect();
        (!files.is_empty()).then(|| Violation { files, ..violation.clone() })
    };
    before.violations.iter().filter_map(left).collect()
}

/// The same as sections of our own ledger, with a reason that says whose word it was: of the import
/// `name`, when it is removed (and `now` is our ledger), or when it takes something back (and `now` is
/// our ledger and what the import says by now).
#[must_use]
pub fn taken_over(name: &str, theirs: &Ledger, now: &[&Ledger]) -> Vec<Violation> {
    let mut taken = lost(theirs, now);
    for violation in &mut taken {
        violation.reason = reason(name, theirs, &violation.reason);
    }
    taken
}

/// Theirs behind the names, as far as there is room: what is bad has to be said in any case.
fn reason(name: &str, theirs: &Ledger, text: &str) -> String {
    let mut whole = format!("taken over from `{name}` ({}): {text}", theirs.name);
    if whole.len() > limits::NOTES {
        let end = "…";
        let mut at = limits::NOTES - end.len();
        while !whole.is_char_boundary(at) {
            at -= 1;
        }
        whole.truncate(at);
        whole.push_str(end);
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::edit::Edit;

    const HEAD: &str = "[ledger]\nversion = 1\nname = \"example.org/acme\"\n\
        initialised = 2026-11-22\ncriteria = [\"safe-to-run\"]\n";

    /// A ledger that calls files bad: a violation for each group of digits.
    fn ledger(groups: &[&str], reason: &str) -> Ledger {
        let mut text = HEAD.to_owned();
        for group in groups {
            let file = |digit: char| {
                let digest = digit.to_string().repeat(64);
                format!("    \"sha256:{digest} cup-1.{digit}.tar.gz\",\n")
            };
            let files: String = group.chars().map(file).collect();
            text.push_str(&format!(
                "\n[[violation]]\nproject = \"cup\"\nfiles = [\n{files}]\non = 2026-11-20\nreason = \"{reason}\"\n"
            ));
        }
        Ledger::parse("ledger.toml", text.as_bytes()).unwrap()
    }

    fn digits(violations: &[Violation]) -> Vec<String> {
        let digit = |file: &FileId| file.digest.hex()[..1].to_owned();
        violations.iter().map(|it| it.files.iter().map(digit).collect()).collect()
    }

    #[test]
    fn what_nobody_else_calls_bad_is_taken_over_once() {
        let theirs = ledger(&["12", "23", "4"], "sends keys away");
        let ours = ledger(&["1", "4"], "we found it");
        let taken = taken_over("friends", &theirs, &[&ours]);
        assert_eq!(digits(&taken), ["2", "3"]);
        assert_eq!(
            taken[0].reason,
            "taken over from `friends` (example.org/acme): sends keys away"
        );
        assert_eq!(taken[0].on, theirs.violations[0].on);
        let still = ledger(&["3"], "still");
        assert_eq!(digits(&taken_over("friends", &theirs, &[&ours, &still])), ["2"]);
        assert_eq!(lost(&theirs, &[&theirs]), []);
    }

    #[test]
    fn a_reason_that_is_as_long_as_it_may_be_is_cut_and_can_be_written() {
        let long = "ä".repeat(limits::NOTES / 2);
        let theirs = ledger(&["1"], &long);
        let taken = taken_over("friends", &theirs, &[]);
        let reason = &taken[0].reason;
        assert!(reason.len() <= limits::NOTES && reason.ends_with("ä…"), "{}", reason.len());
        let mut edit = Edit::new("ledger.toml", HEAD).unwrap();
        edit.add(&taken).unwrap();
        assert_eq!(digits(&edit.ledger().violations), ["1"]);
    }
}
