//! `project-gone`: a project that no index has.

use countermark_report::{Document, Severity};

use super::{Ground, Rule, Said};
use crate::gate::entry::Entry;
use crate::gate::finding::{Finding, Kind};

/// See [`Rule::document`].
pub(super) struct ProjectGone;

impl Rule for ProjectGone {
    fn code(&self) -> &'static str {
        "project-gone"
    }

    fn document(&self) -> Document {
        Document {
            title: "A project that no index has",
            what: "An entry of a project that none of the asked indexes has.",
            why: "The name is free, or will be: whoever registers it next decides what an installation \
                  by name gives. Malicious projects vanish as a whole.",
            remedy: "Find out why it went; move to another project. If a private index has it, configure \
                     that index.",
            example: "a look-alike that was removed",
        }
    }

    fn needs_index(&self) -> bool {
        true
    }

    fn check(&self, entry: &Entry<'_>, ground: &Ground<'_>, said: &mut Said) {
        let Some(pages) = entry.pages() else { return };
        if !pages.is_empty() || !ground.asks(entry) {
            return;
        }
        let kind = (Kind::Disagreement, Severity::High);
        said.push(
            Finding::new(self.code(), kind, entry.package, "no index has the project")
                .against("a project of an index", "none")
                .hint("find out why it went; configure its index if it is a private one"),
        );
    }
}
