//! `new-scripts`: commands that were not there.

use jiff::Timestamp;

use super::{Answer, Document, Evidence, Rule, check_change};
use crate::policy::{Policy, Subject};

/// See [`Rule::document`].
pub(super) struct NewScripts;

impl Rule for NewScripts {
    fn code(&self) -> &'static str {
        "new-scripts"
    }

    fn document(&self) -> Document {
        Document {
            title: "no new commands",
            what: "A release with a command that the release pinned before did not have, or that now \
                   calls another function.",
            why: "A command lands on the path of everybody who works in the environment, and may have \
                  the name of one that they trust. Honest releases bring commands too, so that this \
                  rule suits projects whose environments are small and looked after.",
            stops: "A command that takes the place of another. None of the incidents of the last years \
                    needed one.",
            example: "new-scripts = \"refuse\"",
        }
    }

    fn needs(&self) -> Evidence {
        Evidence::Contents
    }

    fn check(&self, _policy: &Policy, subject: &Subject<'_>, _now: Timestamp) -> Answer {
        check_change(subject, "commands", |change| &change.scripts)
    }
}
