//! `new-opaque`: bytes that nobody can read.

use jiff::Timestamp;

use super::{Answer, Document, Evidence, Rule, check_change};
use crate::policy::{Policy, Subject};

/// See [`Rule::document`].
pub(super) struct NewOpaque;

impl Rule for NewOpaque {
    fn code(&self) -> &'static str {
        "new-opaque"
    }

    fn document(&self) -> Document {
        Document {
            title: "no new bytes that nobody can read",
            what: "A release with an opaque file where the release pinned before had none: bytecode, \
                   bytes in no known harmless format, a program in Python with a very long line of \
                   encoded text or with code far to the right of the window, or JavaScript in very \
                   long lines outside of the folders of web pages. Pictures, fonts, sound, archives \
                   of data and translations are known formats, and what hides in a well-formed one \
                   is not seen. One more data file in a folder that had three of the \
                   same ending is not new.",
            why: "What a reviewer cannot read was not reviewed. Payloads of the last years came as \
                  long encoded lines in a module, as media files that were none, and as bytecode.",
            stops: "Payloads in encoded lines and blobs. Not a payload that is written in plain \
                    Python, and not one that is downloaded later by plain Python.",
            example: "new-opaque = \"refuse\"",
        }
    }

    fn needs(&self) -> Evidence {
        Evidence::Contents
    }

    fn check(&self, _policy: &Policy, subject: &Subject<'_>, _now: Timestamp) -> Answer {
        check_change(subject, "opaque files", |change| &change.opaque)
    }
}
