//! The rules: one file, one struct, one section of the documentation, one fixture set each; a test
//! compares the four lists.

#[cfg(test)]
pub(crate) mod fixture;
mod rogue_release;
pub(crate) mod words;

mod account_absent;
mod stranger_role;

use crate::dossier::{Dossier, Overview};
use crate::finding::Finding;

/// Looks at dossiers and says what a person should know.
pub trait Rule: Sync {
    /// Unique, kebab-case, never reused.
    fn code(&self) -> &'static str;

    /// What `audit explain` and the documentation say.
    fn document(&self) -> Document;

    /// Looks at one project.
    fn check_project(&self, dossier: &Dossier<'_>, findings: &mut Vec<Finding>) {
        let _ = (dossier, findings);
    }

    /// Looks at all of them, once, after every project.
    fn check_federation(&self, overview: &Overview<'_>, findings: &mut Vec<Finding>) {
        let _ = (overview, findings);
    }
}

/// The section of a rule in the documentation.
#[derive(Clone, Copy, Debug)]
pub struct Document {
    /// One line.
    pub title: &'static str,
    /// What is reported.
    pub what: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
    /// A line of a report, and what was behind it.
    pub example: &'static str,
}

/// Every rule, in the order of the documentation.
pub static RULES: &[&dyn Rule] = &[
    &rogue_release::RogueRelease,
    &stranger_role::StrangerRole,
    &account_absent::AccountAbsent,
];

/// The rule with this code.
#[must_use]
pub fn find(code: &str) -> Option<&'static dyn Rule> {
    RULES.iter().copied().find(|rule| rule.code() == code)
}
