//! `file-removed`: a file that the index does not list any more.

use countermark_report::{Document, Severity};

use super::{Ground, Rule, Said, one_name};
use crate::gate::entry::Entry;
use crate::gate::finding::{Finding, Kind};

/// See [`Rule::document`].
pub(super) struct FileRemoved;

impl Rule for FileRemoved {
    fn code(&self) -> &'static str {
        "file-removed"
    }

    fn document(&self) -> Document {
        Document {
            title: "A file that the index does not list",
            what: "A file of the lock that no index lists, while it lists other files of the release.",
            why: "Somebody removed it, or it never was there: its URL may still be served, or be \
                  another's.",
            remedy: "Write the entry again, and find out why the file went.",
            example: "a wheel that was withdrawn because it was broken",
        }
    }

    fn needs_index(&self) -> bool {
        true
    }

    fn check(&self, entry: &Entry<'_>, ground: &Ground<'_>, said: &mut Said) {
        let Some(pages) = entry.open_pages().filter(|_| ground.asks(entry)) else { return };
        let has_release = pages.iter().any(|page| entry.listed(page).next().is_some());
        if !has_release || one_name::explains(entry, ground) {
            return;
        }
        for named in &entry.named {
            if pages.iter().any(|page| page.files.iter().any(|file| file.name == named.name)) {
                continue;
            }
            let message = "the index does not list this file of the release";
            let kind = (Kind::Disagreement, Severity::Medium);
            said.push(
                Finding::new(self.code(), kind, entry.package, message)
                    .file(&named.name, &named.file.place)
                    .against("a file that the index lists", "it is not listed")
                    .hint("write the entry again, and find out why the file went"),
            );
        }
    }
}
