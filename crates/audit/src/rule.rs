//! The rules: one file, one struct, one section of the documentation, one fixture set each; a test
//! compares the four lists.

#[cfg(test)]
pub(crate) mod fixture;
pub(crate) mod words;

mod after_records;
mod departed;
mod development_release;
mod explained_release;
mod foreign_name;
mod incomplete_release;
mod invalid_version;
mod late_file;
mod missing_release;
mod name_gone;
mod outside_records;
mod placeholder;
mod project_status;
mod rogue_file;
mod rogue_release;
mod upload_window;
mod yanked_release;

mod artifacts;
mod bad_signature;
mod bytes_differ;
mod commit_differs;
mod digest_differs;
mod file_names;
mod metadata_differs;

mod account_absent;
mod leaver_role;
mod lookalike;
mod only_holder;
mod organization_differs;
mod release_change;
mod role_change;
mod roles_unknown;
mod still_depended_on;
mod stranger_role;

// Their findings come from `crate::suppress`, after all others.
mod expired_acceptance;
mod unused_acceptance;

pub use countermark_report::Document;

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

/// Every rule, in the order of the documentation.
pub static RULES: &[&dyn Rule] = &[
    &rogue_release::RogueRelease,
    &rogue_file::RogueFile,
    &late_file::LateFile,
    &digest_differs::DigestDiffers,
    &bytes_differ::BytesDiffer,
    &bad_signature::BadSignature,
    &commit_differs::CommitDiffers,
    &metadata_differs::MetadataDiffers,
    &file_names::FileNames,
    &development_release::DevelopmentRelease,
    &missing_release::MissingRelease,
    &incomplete_release::IncompleteRelease,
    &upload_window::UploadWindow,
    &invalid_version::InvalidVersion,
    &placeholder::Placeholder,
    &foreign_name::ForeignName,
    &name_gone::NameGone,
    &departed::Departed,
    &outside_records::OutsideRecords,
    &after_records::AfterRecords,
    &explained_release::ExplainedRelease,
    &yanked_release::YankedRelease,
    &project_status::ProjectStatus,
    &account_absent::AccountAbsent,
    &stranger_role::StrangerRole,
    &leaver_role::LeaverRole,
    &only_holder::OnlyHolder,
    &organization_differs::OrganizationDiffers,
    &roles_unknown::RolesUnknown,
    &role_change::RoleChange,
    &release_change::ReleaseChange,
    &lookalike::Lookalike,
    &still_depended_on::StillDependedOn,
    &expired_acceptance::ExpiredAcceptance,
    &unused_acceptance::UnusedAcceptance,
];

/// The rule with this code.
#[must_use]
pub fn find(code: &str) -> Option<&'static dyn Rule> {
    RULES.iter().copied().find(|rule| rule.code() == code)
}
