//! `indexes`: which index a name may come from.

use jiff::Timestamp;

use super::{Answer, Document, Evidence, Reason, Rule};
use crate::policy::{Policy, Subject};

/// See [`Rule::document`].
pub(super) struct Indexes;

impl Rule for Indexes {
    fn code(&self) -> &'static str {
        "indexes"
    }

    fn document(&self) -> Document {
        Document {
            title: "names come from the indexes that they belong to",
            what: "A pin from another index than those that `[policy.indexes]` allows for its name. A \
                   whole name counts more than a beginning with `*`, a longer beginning more than a \
                   shorter one, and `\"*\"` is for all others; a name that no line means may come from \
                   anywhere. A file that a URL names has to lie below an allowed index. Credentials, \
                   a `/` at the end and the case of a host make no difference.",
            why: "A lock says where each file comes from, and a changed line of it is easily overlooked \
                  among hundreds.",
            stops: "Names of a private index that are served by the public one, and locks that were \
                    pointed elsewhere. Not a malicious release on the right index.",
            example: "[policy.indexes]\n\"acme-*\" = [\"https://packages.example.org/simple/\"]",
        }
    }

    fn needs(&self) -> Evidence {
        Evidence::Lock
    }

    fn is_active(&self, policy: &Policy) -> bool {
        policy.has_indexes()
    }

    fn check(&self, policy: &Policy, subject: &Subject<'_>, _now: Timestamp) -> Answer {
        let project = subject.project;
        let Some(allowed) = policy.indexes_for(project) else { return Answer::Yes };
        let expected = allowed.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
        if let Some(direct) = subject.direct {
            if allowed.iter().any(|index| index.has(direct)) {
                return Answer::Yes;
            }
            let shown = super::shown_url(direct);
            let message = format!("{project} comes from {shown}, expected {expected}");
            return Answer::No(Reason::project(message, format!("from {shown}")));
        }
        let Some(index) = subject.index else {
            let message = format!(
                "the lock does not say from which index {project} comes, expected {expected}"
            );
            return Answer::Unknown(Reason::project(message, "the lock names no index"));
        };
        if allowed.iter().any(|allowed| allowed.is(index)) {
            return Answer::Yes;
        }
        let shown = super::shown_url(index);
        let message = format!("{project} comes from {shown}, expected {expected}");
        Answer::No(Reason::project(message, format!("from {shown}")))
    }
}
