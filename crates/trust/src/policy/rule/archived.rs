//! `archived`: what nobody maintains.

use countermark_packaging::simple::StatusMarker;
use jiff::Timestamp;

use super::{Answer, Document, Evidence, Reason, Rule};
use crate::policy::{Policy, Subject};

/// See [`Rule::document`].
pub(super) struct Archived;

impl Rule for Archived {
    fn code(&self) -> &'static str {
        "archived"
    }

    fn document(&self) -> Document {
        Document {
            title: "no archived projects",
            what: "A project whose owners say on the index that there will be no more releases, or that \
                   something else should be used (PEP 792: archived, deprecated).",
            why: "Nobody will correct what is found in it, and its names and accounts are nobody's \
                  daily business any more.",
            stops: "Slow decay, and late surprises. None of the incidents of the table.",
            example: "archived = \"refuse\"",
        }
    }

    fn needs(&self) -> Evidence {
        Evidence::Index
    }

    fn check(&self, _policy: &Policy, subject: &Subject<'_>, _now: Timestamp) -> Answer {
        if subject.status == Some(StatusMarker::Deprecated) {
            let message = format!("the index says that {} is deprecated", subject.project);
            return Answer::No(Reason::project(message, "deprecated"));
        }
        super::check_status(subject, StatusMarker::Archived, "archived")
    }
}
