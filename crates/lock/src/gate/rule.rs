//! The rules of the gate: one file, one struct, one section of the documentation each. A rule looks
//! at one entry of a lock and says what a person should know.
//!
//! What the policy of a project refuses is said by `policy`, under the codes of the policy's own
//! rules.

mod branch_source;
mod contradicting_digests;
mod digest_changed;
mod digest_differs;
mod direct_url;
mod file_removed;
mod file_without_digest;
mod foreign_file;
mod foreign_host;
mod made_up_digest;
mod new_files;
mod no_digest;
mod not_pinned;
mod one_name;
mod outside_directory;
mod policy;
mod private_rebuild;
mod project_gone;
mod project_status;
mod release_removed;
mod set_grew;
mod size_differs;
mod unknown_digest;
mod unknown_index;
mod vcs_source;
mod weak_digest;
mod yanked;

use countermark_packaging::lock::document::LockDocument;
use countermark_report::Document;
use countermark_trust::policy::{LedgerAnswers, Policy};
use jiff::Timestamp;

use super::entry::Entry;
use super::finding::{Finding, Unchecked};
use super::survey::Survey;

/// What all rules see beside the entry.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// The lock of the entry.
    pub lock: &'a LockDocument,
    /// What is usual in the locks that are judged together.
    pub survey: &'a Survey<'a>,
    /// What the project wants of its pins.
    pub policy: &'a Policy,
    /// The configured indexes, without credentials, in the order in which they count.
    pub indexes: &'a [String],
    /// Those of them that are asked for every name.
    pub asked: &'a [String],
    /// The address of the public index.
    pub public: &'a str,
    /// Whether indexes were asked; without it what needs them was not looked at on purpose.
    pub has_asked: bool,
    /// What the ledger says of the files of the locks.
    pub ledger: Option<&'a LedgerAnswers>,
    /// Now.
    pub now: Timestamp,
}

/// What is said of an entry.
#[derive(Debug, Default)]
pub struct Said {
    /// Findings.
    pub findings: Vec<Finding>,
    /// Findings that an exception of the policy lets pass, with its reason and date.
    pub excepted: Vec<(Finding, String)>,
    /// What could not be looked at.
    pub unchecked: Vec<Unchecked>,
}

impl Said {
    /// One more finding.
    pub fn push(&mut self, finding: Finding) {
        self.findings.push(finding);
    }
}

/// Looks at entries.
pub trait Rule: Sync {
    /// Unique, kebab-case, never reused.
    fn code(&self) -> &'static str;

    /// What the documentation says.
    fn document(&self) -> Document;

    /// Whether it sees nothing where no index was asked.
    fn needs_index(&self) -> bool {
        false
    }

    /// Looks at one entry.
    fn check(&self, entry: &Entry<'_>, ground: &Ground<'_>, said: &mut Said);
}

/// Every rule, in the order of the documentation: what an attack looks like first.
pub static RULES: &[&dyn Rule] = &[
    &digest_differs::DigestDiffers,
    &digest_changed::DigestChanged,
    &contradicting_digests::ContradictingDigests,
    &foreign_file::ForeignFile,
    &foreign_host::ForeignHost,
    &release_removed::ReleaseRemoved,
    &project_gone::ProjectGone,
    &project_status::ProjectStatus,
    &unknown_digest::UnknownDigest,
    &file_removed::FileRemoved,
    &unknown_index::UnknownIndex,
    &no_digest::NoDigest,
    &weak_digest::WeakDigest,
    &file_without_digest::FileWithoutDigest,
    &not_pinned::NotPinned,
    &branch_source::BranchSource,
    &vcs_source::VcsSource,
    &direct_url::DirectUrl,
    &outside_directory::OutsideDirectory,
    &yanked::Yanked,
    &one_name::OneName,
    &made_up_digest::MadeUpDigest,
    &private_rebuild::PrivateRebuild,
    &size_differs::SizeDiffers,
    &set_grew::SetGrew,
    &new_files::NewFiles,
];

/// The rule with this code.
#[must_use]
pub fn find(code: &str) -> Option<&'static dyn Rule> {
    RULES.iter().copied().find(|rule| rule.code() == code)
}

/// Everything that rules and policy say of an entry.
pub(super) fn check(entry: &Entry<'_>, ground: &Ground<'_>, said: &mut Said) {
    for rule in RULES {
        rule.check(entry, ground, said);
    }
    policy::check(entry, ground, said);
}

/// A part of a text that may be long.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 200;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let shown: String = text.chars().take(LONGEST).collect();
    format!("{shown}…")
}

/// `a`, `a and b`, `a, b and 3 more`.
fn some_of<T: ToString>(items: &[T]) -> String {
    const SHOWN: usize = 2;
    let shown: Vec<String> = items.iter().take(SHOWN).map(ToString::to_string).collect();
    match (items.len(), shown.as_slice()) {
        (0, _) => String::new(),
        (1, [one]) => one.clone(),
        (2, [one, other]) => format!("{one} and {other}"),
        (number, _) => format!("{} and {} more", shown.join(", "), number - SHOWN),
    }
}
