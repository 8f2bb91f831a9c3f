//! `direct-url`: a file that no index knows.

use countermark_packaging::lock::document::LockSource;
use countermark_report::{Document, Severity};

use super::{Ground, Rule, Said, shortened};
use crate::gate::entry::Entry;
use crate::gate::finding::{Finding, Kind};
use crate::gate::location::host_of;

/// See [`Rule::document`].
pub(super) struct DirectUrl;

impl Rule for DirectUrl {
    fn code(&self) -> &'static str {
        "direct-url"
    }

    fn document(&self) -> Document {
        Document {
            title: "A URL outside of the indexes",
            what: "An entry that names a URL in place of an index, on a host that is none of the \
                   configured indexes', and that `[policy.indexes]` does not allow for the name.",
            why: "Its digest says which bytes are meant. But nobody withdraws it or warns of it, and it \
                  is easily overlooked in a review that a name comes from elsewhere.",
            remedy: "Take it from an index; or allow the place in `[policy.indexes]`, for this name.",
            example: "`teapot @ https://files.example.org/teapot-1.2-py3-none-any.whl`",
        }
    }

    fn check(&self, entry: &Entry<'_>, ground: &Ground<'_>, said: &mut Said) {
        let LockSource::Url(url) = &entry.package.source else { return };
        // Whether it lies where the policy says is for the policy's own rule.
        if ground.policy.indexes_for(&entry.package.project).is_some() {
            return;
        }
        let host = host_of(url);
        if ground.indexes.iter().any(|index| host.is_some() && host_of(index) == host) {
            return;
        }
        let message = "a URL is named in place of an index";
        said.push(
            Finding::new(self.code(), (Kind::Lack, Severity::Medium), entry.package, message)
                .against("an index", shortened(url))
                .hint("take it from an index, or name the place in `[policy.indexes]`"),
        );
    }
}
