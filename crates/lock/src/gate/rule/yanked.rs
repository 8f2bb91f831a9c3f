//! `yanked-release`: what its authors withdrew, where the policy does not refuse it.

use countermark_report::{Document, Severity};

use super::{Ground, Rule, Said, shortened};
use crate::gate::entry::Entry;
use crate::gate::facts::IndexFacts;
use crate::gate::finding::{Finding, Kind};

/// See [`Rule::document`].
pub(super) struct Yanked;

impl Rule for Yanked {
    fn code(&self) -> &'static str {
        "yanked-release"
    }

    fn document(&self) -> Document {
        Document {
            title: "A release that its authors withdrew",
            what: "An entry with a file that the index marks as yanked (PEP 592), where the policy does \
                   not have `yanked = \"refuse\"`, which says the same under its own name.",
            why: "The authors had a reason. Installers take yanked files all the same when a lock pins \
                  them.",
            remedy: "Read the reason, and move to another release.",
            example: "`teapot==1.2`, yanked: it leaks",
        }
    }

    fn needs_index(&self) -> bool {
        true
    }

    fn check(&self, entry: &Entry<'_>, ground: &Ground<'_>, said: &mut Said) {
        let refuses = ground.policy.active().any(|rule| rule.code() == "yanked");
        let Some(pages) = entry.open_pages().filter(|_| !refuses) else { return };
        let Some(reason) = pages.iter().find_map(|page| reason(entry, page)) else { return };
        let message = "its authors withdrew it";
        let found = match reason.trim() {
            "" => "yanked without a reason".to_owned(),
            reason => format!("yanked: {}", shortened(reason)),
        };
        said.push(
            Finding::new(self.code(), (Kind::News, Severity::Low), entry.package, message)
                .against("a release that stands", found)
                .hint("read the reason, and move to another release"),
        );
    }
}

/// Why a file that is locked was yanked; none where none was.
pub(super) fn reason<'p>(entry: &Entry<'_>, page: &'p IndexFacts) -> Option<&'p str> {
    let is_locked = |file: &crate::gate::facts::ListedFile| {
        let by_name = entry.named.iter().any(|named| named.name == file.name);
        let mut nameless = entry.nameless.iter();
        by_name
            || nameless.any(|(digest, _)| file.digests.contains(digest))
            || entry.package.files.is_empty()
    };
    let locked = entry.listed(page).filter(|file| is_locked(file));
    locked.filter_map(|file| file.yanked.as_deref()).next()
}
