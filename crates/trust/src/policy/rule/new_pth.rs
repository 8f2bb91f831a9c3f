//! `new-pth`: files that run whenever Python starts.

use jiff::Timestamp;

use super::{Answer, Document, Evidence, Rule, check_change};
use crate::policy::{Policy, Subject};

/// See [`Rule::document`].
pub(super) struct NewPth;

impl Rule for NewPth {
    fn code(&self) -> &'static str {
        "new-pth"
    }

    fn document(&self) -> Document {
        Document {
            title: "no new or changed `.pth` file",
            what: "A release that has a file which Python looks at whenever it starts (a `.pth` or \
                   `.start` file, `sitecustomize`, `usercustomize`) and which the release pinned \
                   before did not have, or had with other bytes. Wherever the file lies in the archive: what is not in a \
                   folder of Python today may be put there by a script tomorrow.",
            why: "A line of a `.pth` file that begins with `import` runs at every start of every \
                  Python of the environment, whether or not anybody imports the package. Few projects \
                  need one, and hardly any begins to need one.",
            stops: "Every wave that put a `*-setup.pth` or `*.pth` beside the package. Not a line \
                    added to a module that was there already.",
            example: "new-pth = \"refuse\"",
        }
    }

    fn needs(&self) -> Evidence {
        Evidence::Contents
    }

    fn check(&self, _policy: &Policy, subject: &Subject<'_>, _now: Timestamp) -> Answer {
        check_change(subject, "`.pth` files", |change| &change.pth)
    }
}
