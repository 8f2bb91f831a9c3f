//! `source-packages`: what has to be built, and so to be run, before it can be looked at.

use jiff::Timestamp;

use super::{Answer, Document, Evidence, Reason, Rule};
use crate::policy::{Policy, Subject};

/// See [`Rule::document`].
pub(super) struct SourcePackages;

impl Rule for SourcePackages {
    fn code(&self) -> &'static str {
        "source-packages"
    }

    fn document(&self) -> Document {
        Document {
            title: "no source packages",
            what: "A pin of which a source distribution would be used: the only file, or the one that \
                   the lock gives. A source distribution that is listed beside wheels which are used \
                   is not refused.",
            why: "Installing one runs its code with the rights of whoever installs, on the machine that \
                  installs, before anything of it is imported.",
            stops: "Payloads in `setup.py`, which ran at installation. Not payloads in the package \
                    itself.",
            example: "source-packages = \"refuse\"",
        }
    }

    fn needs(&self) -> Evidence {
        Evidence::Lock
    }

    fn check(&self, _policy: &Policy, subject: &Subject<'_>, _now: Timestamp) -> Answer {
        let (project, version) = (subject.project, subject.version);
        match subject.has_source {
            Some(false) => Answer::Yes,
            Some(true) => {
                let message = format!(
                    "{project} {version} would be built from its source package; the policy wants wheels"
                );
                Answer::No(Reason::release(message, "built from its source package"))
            }
            None => {
                let message = format!(
                    "the lock does not say whether {project} {version} would be built from source"
                );
                Answer::Unknown(Reason::release(message, "the lock does not name its files"))
            }
        }
    }
}
