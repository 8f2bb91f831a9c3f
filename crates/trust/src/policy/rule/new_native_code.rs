//! `new-native-code`: machine code where there was none.

use jiff::Timestamp;

use super::{Answer, Document, Evidence, Rule, check_change};
use crate::policy::{Policy, Subject};

/// See [`Rule::document`].
pub(super) struct NewNativeCode;

impl Rule for NewNativeCode {
    fn code(&self) -> &'static str {
        "new-native-code"
    }

    fn document(&self) -> Document {
        Document {
            title: "no machine code in a place that had none",
            what: "A release with a file of machine code (ELF, Mach-O, PE, WebAssembly, static \
                   archives; known by its bytes, not by its name) at a path where the release pinned \
                   before had no file, or one that was not machine code. Parts of a name that only say \
                   for which Python or platform a file was built do not make another path.",
            why: "Nobody reads machine code in a review. A project that has compiled modules goes on \
                  having them; one that never had any and ships a library now should say why.",
            stops: "Payloads that came as a compiled file in a pure package. Not payloads in Python, \
                    and not changes inside a compiled module that was there before.",
            example: "new-native-code = \"refuse\"",
        }
    }

    fn needs(&self) -> Evidence {
        Evidence::Contents
    }

    fn check(&self, _policy: &Policy, subject: &Subject<'_>, _now: Timestamp) -> Answer {
        check_change(subject, "machine code", |change| &change.native)
    }
}
