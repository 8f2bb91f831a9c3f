//! `quarantined`: what the index itself considers unsafe.

use countermark_packaging::simple::StatusMarker;
use jiff::Timestamp;

use super::{Answer, Document, Evidence, Rule};
use crate::policy::{Policy, Subject};

/// See [`Rule::document`].
pub(super) struct Quarantined;

impl Rule for Quarantined {
    fn code(&self) -> &'static str {
        "quarantined"
    }

    fn document(&self) -> Document {
        Document {
            title: "no projects in quarantine",
            what: "A project that its index has put into quarantine (PEP 792). On unless it is allowed \
                   in so many words.",
            why: "Somebody who runs the index found a reason to believe that its files are malicious, \
                  before they are removed.",
            stops: "What was found, from then on: some hours after the upload, for those who lock or \
                    judge later than that. Nothing in the hours before.",
            example: "quarantined = \"refuse\"",
        }
    }

    fn needs(&self) -> Evidence {
        Evidence::Index
    }

    fn check(&self, _policy: &Policy, subject: &Subject<'_>, _now: Timestamp) -> Answer {
        super::check_status(subject, StatusMarker::Quarantined, "in quarantine")
    }
}
