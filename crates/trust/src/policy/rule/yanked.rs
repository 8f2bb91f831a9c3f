//! `yanked`: what its authors withdrew.

use jiff::Timestamp;

use super::{Answer, Document, Evidence, Reason, Rule};
use crate::policy::{Policy, Subject};

/// See [`Rule::document`].
pub(super) struct Yanked;

impl Rule for Yanked {
    fn code(&self) -> &'static str {
        "yanked"
    }

    fn document(&self) -> Document {
        Document {
            title: "no yanked releases",
            what: "A release whose authors marked it as not to be used (PEP 592).",
            why: "They had a reason, which mostly is a defect and sometimes an intrusion. Resolvers \
                  choose yanked releases only for exact pins, and a lock is made of exact pins: nobody \
                  sees it there without asking.",
            stops: "What the authors found and withdrew. Mostly malicious releases are deleted and not \
                    yanked.",
            example: "yanked = \"refuse\"",
        }
    }

    fn needs(&self) -> Evidence {
        Evidence::Index
    }

    fn check(&self, _policy: &Policy, subject: &Subject<'_>, _now: Timestamp) -> Answer {
        let (project, version) = (subject.project, subject.version);
        match (subject.yanked, subject.status) {
            (Some(why), _) => {
                let why: String = why.chars().take(200).flat_map(super::escaped).collect();
                let found = if why.trim().is_empty() {
                    "yanked without a reason".to_owned()
                } else {
                    format!("yanked: {}", why.trim())
                };
                let message = format!("{project} {version} was withdrawn by its authors; {found}");
                Answer::No(Reason::release(message, found))
            }
            // An index that was asked says both.
            (None, Some(_)) => Answer::Yes,
            // What no index serves, no index can mark.
            (None, None) if subject.direct.is_some() => Answer::Yes,
            (None, None) => {
                let message = format!("no index was asked whether {project} {version} was yanked");
                Answer::Unknown(Reason::release(message, "no index was asked"))
            }
        }
    }
}
