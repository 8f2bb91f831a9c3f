//! `two-indexes`: names that somebody else could serve.

use jiff::Timestamp;

use super::{Answer, Document, Evidence, Reason, Rule, listed};
use crate::policy::{Policy, Subject};

/// See [`Rule::document`].
pub(super) struct TwoIndexes;

impl Rule for TwoIndexes {
    fn code(&self) -> &'static str {
        "two-indexes"
    }

    fn document(&self) -> Document {
        Document {
            title: "no names that two indexes have",
            what: "A project that more than one of the configured indexes has, unless a line of \
                   `[policy.indexes]` says from which one its name comes (a line for `*` is not one).",
            why: "Who may register a name on the public index can serve it to everybody whose tool asks \
                  the wrong index first, or takes the highest version of both. That it is also on a \
                  private index is how one notices.",
            stops: "Confusion of private and public names, as in the oldest incident of the table. \
                    Nothing about projects that one index has.",
            example: "two-indexes = \"refuse\"",
        }
    }

    fn needs(&self) -> Evidence {
        Evidence::Index
    }

    fn check(&self, policy: &Policy, subject: &Subject<'_>, _now: Timestamp) -> Answer {
        let project = subject.project;
        if subject.direct.is_some() || policy.is_bound(project) {
            return Answer::Yes;
        }
        let Some(others) = subject.also_on else {
            let message = format!("nobody asked whether other indexes have {project} too");
            return Answer::Unknown(Reason::project(message, "other indexes were not asked"));
        };
        if others.is_empty() {
            return Answer::Yes;
        }
        let from = match (subject.index, subject.is_public) {
            (Some(index), Some(true)) => format!(", and would come from the public index {index}"),
            (Some(index), _) => format!(", and would come from {index}"),
            (None, _) => String::new(),
        };
        let also = listed(others);
        let message = format!("{project} is on {also} too{from}");
        Answer::No(Reason::project(message, format!("also on {also}")))
    }
}
