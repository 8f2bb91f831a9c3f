//! `branch-source`: version control without a commit.

use countermark_packaging::lock::document::LockSource;
use countermark_report::{Document, Severity};

use super::{Ground, Rule, Said, shortened};
use crate::gate::entry::Entry;
use crate::gate::finding::{Finding, Kind};

/// See [`Rule::document`].
pub(super) struct BranchSource;

impl Rule for BranchSource {
    fn code(&self) -> &'static str {
        "branch-source"
    }

    fn document(&self) -> Document {
        Document {
            title: "A branch or tag of a repository",
            what: "An entry of a version control system that does not name a whole commit.",
            why: "Branches move and tags can be moved: what is installed is whatever is there on that \
                  day, and it is built on your machine.",
            remedy: "Name the commit, or better a released wheel with its digest.",
            example: "`teapot @ git+https://code.example.org/teapot@main`",
        }
    }

    fn check(&self, entry: &Entry<'_>, _ground: &Ground<'_>, said: &mut Said) {
        let LockSource::Vcs { url, commit } = &entry.package.source else { return };
        if commit.as_deref().is_some_and(is_commit) {
            return;
        }
        let message = "the repository is named without a whole commit";
        let found = match commit {
            Some(commit) => format!("`{}` of {}", shortened(commit), shortened(url)),
            None => shortened(url),
        };
        said.push(
            Finding::new(self.code(), (Kind::Lack, Severity::High), entry.package, message)
                .against("the 40 or 64 hexadecimal digits of a commit", found)
                .hint("name the commit, or a released wheel with its digest"),
        );
    }
}

/// Whether a text is the whole name of a commit.
pub(super) fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
