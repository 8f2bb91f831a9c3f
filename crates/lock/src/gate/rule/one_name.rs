//! `one-name`: a writer that gives every digest of a release to one name.

use countermark_report::{Document, Severity};

use super::{Ground, Rule, Said};
use crate::gate::entry::Entry;
use crate::gate::finding::{Finding, Kind};
use crate::gate::survey::has_one_name;

/// See [`Rule::document`].
pub(super) struct OneName;

impl Rule for OneName {
    fn code(&self) -> &'static str {
        "one-name"
    }

    fn document(&self) -> Document {
        Document {
            title: "Every digest under one name",
            what: "An entry with several digests, all of them under the name of one file. It is taken for \
                   the defect of a writer when the index has a file of that release for each digest; \
                   and, where no index was asked, when most entries of the lock are like that. \
                   Otherwise it is `contradicting-digests`.",
            why: "The bytes are the right ones, only their names are not. It is told because the names \
                  of that lock cannot be compared with anything.",
            remedy: "Write the lock again with a newer version of the tool.",
            example: "six digests of a release, all of `teapot-1.2-py3-none-any.whl`",
        }
    }

    fn check(&self, entry: &Entry<'_>, ground: &Ground<'_>, said: &mut Said) {
        if !explains(entry, ground) {
            return;
        }
        let named = &entry.named[0];
        let message = "every digest of the release stands under one name, as some writers do";
        let found = format!("{} digests", named.digests.len());
        said.push(
            Finding::new(self.code(), (Kind::Defect, Severity::Low), entry.package, message)
                .file(&named.name, &named.file.place)
                .against("one digest of each kind for a file", found)
                .hint("write the lock again with a newer version of the tool"),
        );
    }
}

/// Whether the contradiction in an entry is its writer's habit.
pub(super) fn explains(entry: &Entry<'_>, ground: &Ground<'_>) -> bool {
    if has_one_name(entry) != Some(true) {
        return false;
    }
    let Some(pages) = entry.open_pages() else {
        return ground.survey.has_one_name_habit(&ground.lock.file);
    };
    let listed: Vec<_> =
        pages.iter().flat_map(|page| entry.listed(page)).flat_map(|file| &file.digests).collect();
    let mut digests = entry.named.iter().flat_map(|named| &named.digests);
    digests.all(|(digest, _)| listed.contains(digest))
}
