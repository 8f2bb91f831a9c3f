//! `new-dependencies`: other projects than before.

use jiff::Timestamp;

use super::{Answer, Document, Evidence, Rule, check_change};
use crate::policy::{Policy, Subject};

/// See [`Rule::document`].
pub(super) struct NewDependencies;

impl Rule for NewDependencies {
    fn code(&self) -> &'static str {
        "new-dependencies"
    }

    fn document(&self) -> Document {
        Document {
            title: "no new dependencies",
            what: "A release that requires a project which the release pinned before did not require, \
                   extras included.",
            why: "A payload may come as a dependency: the release itself is then one line different. \
                  Honest releases gain dependencies too; the new project is judged by all other rules \
                  as soon as it is pinned, so that most policies can leave this one out.",
            stops: "A release whose only change is a malicious dependency. Where the rule is off, the \
                    age of the new project's release decides.",
            example: "new-dependencies = \"refuse\"",
        }
    }

    fn needs(&self) -> Evidence {
        Evidence::Contents
    }

    fn check(&self, _policy: &Policy, subject: &Subject<'_>, _now: Timestamp) -> Answer {
        check_change(subject, "dependencies", |change| &change.new_dependencies)
    }
}
