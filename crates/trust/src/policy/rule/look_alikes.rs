//! `look-alikes`: names that were chosen to be taken for another.

use jiff::Timestamp;

use super::{Answer, Document, Evidence, Reason, Rule};
use crate::policy::{Policy, Subject};
use crate::popular::look_alike;

/// See [`Rule::document`].
pub(super) struct LookAlikes;

impl Rule for LookAlikes {
    fn code(&self) -> &'static str {
        "look-alikes"
    }

    fn document(&self) -> Document {
        Document {
            title: "no look-alikes of popular names at first use",
            what: "A project that was not pinned before and whose name is one slip of the finger or of \
                   the eye away from the name of a popular one: a letter more, less, doubled, swapped \
                   or replaced in a long word, or drawn the same. The popular names are a list that is \
                   part of countermark; nothing is fetched.",
            why: "A name is mistyped once, in the file that says what is wanted. From then on every \
                  lock repeats it.",
            stops: "Mistyped names, and names that a reader or a program that writes code takes for \
                    another. Not the project itself when its account was taken, which is what most \
                    incidents of the table are; not names that nobody of the list is near to.",
            example: "look-alikes = \"refuse\"",
        }
    }

    fn needs(&self) -> Evidence {
        Evidence::Lock
    }

    fn check(&self, _policy: &Policy, subject: &Subject<'_>, _now: Timestamp) -> Answer {
        let project = subject.project;
        let found = if subject.is_new { look_alike(project) } else { None };
        let Some(alike) = found else { return Answer::Yes };
        let (name, how) = (alike.name, alike.likeness.describe());
        let message =
            format!("{project} is used for the first time and can be taken for `{name}`: {how}");
        Answer::No(Reason::project(message, format!("can be taken for `{name}`: {how}")))
    }
}
