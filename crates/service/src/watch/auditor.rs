//! What the watch needs of the audit: which projects there are, what the index says of some of
//! them, and what is to be said about all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countermark_audit::fact::{IndexFile, Presence, ProjectFacts};
use countermark_audit::report::Report;
use countermark_packaging::name::ProjectName;
use countermark_trust::Class;
use jiff::Timestamp;

use super::db::Traffic;
use super::schedule::{Ask, Outcome};

/// Facts by project; shared, since a step changes a few of many.
pub type Facts = BTreeMap<ProjectName, Arc<ProjectFacts>>;

/// The audit, as the watch sees it.
pub trait Auditor {
    /// The projects to look at, from the records as they are now.
    ///
    /// # Errors
    /// When the records or `federation.toml` cannot be used.
    fn projects(&mut self, now: Timestamp) -> Result<BTreeSet<ProjectName>, AuditError>;

    /// Asks the index. A project that cannot be read is given as such and stops no other; one that
    /// is left out counts as not read.
    fn gather(&mut self, asks: &[Ask], now: Timestamp) -> Gathered;

    /// Looks into files of a project that were not looked into, where that is wanted; called when
    /// something happened to the project, and when its roles are due. What cannot be had stays as
    /// it is, and is tried again.
    fn inspect(&mut self, facts: &mut ProjectFacts, now: Timestamp) {
        let _ = (facts, now);
    }

    /// Judges all projects; `previous` is what they were in the step before, for rules about what
    /// changes.
    ///
    /// # Errors
    /// When nothing can be judged.
    fn judge(
        &mut self,
        facts: &Facts,
        previous: &Facts,
        now: Timestamp,
    ) -> Result<Report, AuditError>;
}

/// What the index said.
#[derive(Clone, Debug, Default)]
pub struct Gathered {
    /// Of the projects that were asked for.
    pub facts: Vec<ProjectFacts>,
    /// What it cost.
    pub traffic: Traffic,
}

/// Why nothing could be judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct AuditError {
    /// What is wrong; lower case, no full stop.
    pub message: String,
    /// Who is at fault.
    pub class: Class,
}

/// Puts what is new beside what was known. What could not be read stays as it was, so that nothing
/// is judged on a part of the facts; a project of which nothing was ever read stays unread.
#[must_use]
pub fn merge(
    previous: Option<&ProjectFacts>,
    fresh: Option<ProjectFacts>,
    ask: &Ask,
) -> (ProjectFacts, Option<String>) {
    const NO_ANSWER: &str = "the index gave no answer";
    let unread = |reason: String| {
        let unread = ProjectFacts::new(ask.project.clone(), Presence::Unread(reason.clone()));
        let known = previous.filter(|it| !matches!(it.presence, Presence::Unread(_)));
        (known.cloned().unwrap_or(unread), Some(reason))
    };
    let Some(mut fresh) = fresh else { return unread(NO_ANSWER.to_owned()) };
    if let Presence::Unread(reason) = &fresh.presence {
        return unread(reason.clone());
    }
    let Some(previous) = previous else { return (fresh, None) };
    // Roles that were not asked for, or not given, are those that were seen last. A project that is
    // gone has none.
    if fresh.roles.is_none() && fresh.presence == Presence::Present {
        fresh.roles.clone_from(&previous.roles);
        fresh.organization.clone_from(&previous.organization);
    }
    keep_insides(previous, &mut fresh);
    (fresh, None)
}

/// What was found inside an artifact stays true as long as the index says that it is the same one.
fn keep_insides(previous: &ProjectFacts, fresh: &mut ProjectFacts) {
    let known: BTreeMap<&str, _> = previous
        .releases
        .iter()
        .flat_map(|release| &release.files)
        .filter(|file| file.inside.is_some())
        .map(|file| (file.filename.as_str(), file))
        .collect();
    for file in fresh.releases.iter_mut().flat_map(|release| &mut release.files) {
        let is_same = |it: &&&IndexFile| {
            (it.sha256, it.size, it.uploaded) == (file.sha256, file.size, file.uploaded)
        };
        let before = known.get(file.filename.as_str()).filter(is_same);
        if let (None, Some(before)) = (&file.inside, before) {
            file.inside.clone_from(&before.inside);
        }
    }
}

/// Whether the page says that something happened, so that the roles are worth a look.
#[must_use]
pub fn is_changed(previous: Option<&ProjectFacts>, fresh: &ProjectFacts) -> bool {
    previous.is_none_or(|previous| {
        let serials = (previous.last_serial, fresh.last_serial);
        matches!(serials, (Some(one), Some(other)) if one != other)
            || previous.releases != fresh.releases
            || previous.presence != fresh.presence
            || previous.status != fresh.status
    })
}

/// How a look ended, for the calendar.
#[must_use]
pub fn outcome(unread: Option<&String>) -> Outcome<'_> {
    unread.map_or(Outcome::Read, |reason| Outcome::Unread(reason))
}
