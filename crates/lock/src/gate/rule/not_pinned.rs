//! `not-pinned`: an entry that does not say which release.

use countermark_packaging::lock::document::LockSource;
use countermark_report::{Document, Severity};

use super::{Ground, Rule, Said};
use crate::gate::entry::Entry;
use crate::gate::finding::{Finding, Kind};

/// See [`Rule::document`].
pub(super) struct NotPinned;

impl Rule for NotPinned {
    fn code(&self) -> &'static str {
        "not-pinned"
    }

    fn document(&self) -> Document {
        Document {
            title: "An entry that is not pinned",
            what: "An entry of an index without one version.",
            why: "The newest release is taken, whichever it is on that day: that is how every malicious \
                  release reaches those who wait for nothing.",
            remedy: "Pin it, with digests: `countermark lock`.",
            example: "`teapot>=1` in a requirements file",
        }
    }

    fn check(&self, entry: &Entry<'_>, _ground: &Ground<'_>, said: &mut Said) {
        let package = entry.package;
        if !matches!(package.source, LockSource::Index(_)) || package.version.is_some() {
            return;
        }
        let message = "no single version is named";
        said.push(
            Finding::new(self.code(), (Kind::Lack, Severity::High), package, message)
                .against("one version with its digests", "any that the index offers")
                .hint("pin it with `countermark lock`"),
        );
    }
}
