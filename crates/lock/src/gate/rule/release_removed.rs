//! `release-removed`: a release that the index does not have any more.

use countermark_report::{Document, Severity};

use super::{Ground, Rule, Said};
use crate::gate::entry::Entry;
use crate::gate::finding::{Finding, Kind};

/// See [`Rule::document`].
pub(super) struct ReleaseRemoved;

impl Rule for ReleaseRemoved {
    fn code(&self) -> &'static str {
        "release-removed"
    }

    fn document(&self) -> Document {
        Document {
            title: "A release that the index does not have",
            what: "An entry whose project the index has, without any file of that release.",
            why: "Releases rarely vanish, and malicious ones always do: that is how indexes take them \
                  back. What is already installed of it stays.",
            remedy: "Do not install it; look at the machines that have it; find out why it went.",
            example: "`teapot==1.3`, two hours after it was found to steal credentials",
        }
    }

    fn needs_index(&self) -> bool {
        true
    }

    fn check(&self, entry: &Entry<'_>, ground: &Ground<'_>, said: &mut Said) {
        let Some(pages) = entry.open_pages().filter(|_| ground.asks(entry)) else { return };
        let is_there = pages.iter().any(|page| {
            let mut named = entry.named.iter();
            entry.listed(page).next().is_some()
                || named.any(|named| page.files.iter().any(|file| file.name == named.name))
        });
        if is_there {
            return;
        }
        let message = "the index has the project, and no file of this release";
        let kind = (Kind::Disagreement, Severity::High);
        said.push(
            Finding::new(self.code(), kind, entry.package, message)
                .against("a release of the index", format!("none at {}", pages[0].index))
                .hint("do not install it, and look at machines that have it: malicious releases vanish"),
        );
    }
}
