//! `project-status`: what the index thinks of the project.

use countermark_packaging::simple::StatusMarker;
use countermark_report::{Document, Severity};

use super::{Ground, Rule, Said, shortened};
use crate::gate::entry::Entry;
use crate::gate::finding::{Finding, Kind};

/// See [`Rule::document`].
pub(super) struct ProjectStatus;

impl Rule for ProjectStatus {
    fn code(&self) -> &'static str {
        "project-status"
    }

    fn document(&self) -> Document {
        Document {
            title: "A project in quarantine, archived or deprecated",
            what: "A project to which an index gives one of the statuses of PEP 792, where the policy \
                   has no rule for it: `quarantined = \"refuse\"` and `archived = \"refuse\"` say the \
                   same under their own names.",
            why: "In quarantine are projects that the index considers unsafe, and neither pip nor uv \
                  says a word. An archived project gets no more releases, also none that would mend it.",
            remedy: "Do not install what is in quarantine. Look for something else in place of what is \
                     archived or deprecated.",
            example: "a project that was put into quarantine after an account was taken over",
        }
    }

    fn needs_index(&self) -> bool {
        true
    }

    fn check(&self, entry: &Entry<'_>, ground: &Ground<'_>, said: &mut Said) {
        let Some(page) = entry.pages().and_then(|pages| pages.first().copied()) else { return };
        let status = &page.status;
        let (severity, message) = match status.marker {
            StatusMarker::Active => return,
            StatusMarker::Quarantined => (Severity::High, "the index has put it into quarantine"),
            StatusMarker::Archived => {
                (Severity::Note, "it is archived: no more releases are expected")
            }
            StatusMarker::Deprecated => {
                (Severity::Note, "it is deprecated: something else should be used")
            }
        };
        if ground.policy.active().any(|rule| rule.code() == status.marker.name()) {
            return;
        }
        let found = match &status.reason {
            Some(reason) => format!("{}: {}", status.marker, shortened(reason)),
            None => status.marker.to_string(),
        };
        said.push(
            Finding::new(self.code(), (Kind::News, severity), entry.package, message)
                .against("active", format!("{found} ({})", page.index)),
        );
    }
}
