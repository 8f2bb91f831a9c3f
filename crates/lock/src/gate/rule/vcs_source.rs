//! `vcs-source`: a commit in place of an artifact.

use countermark_packaging::lock::document::LockSource;
use countermark_report::{Document, Severity};

use super::branch_source::is_commit;
use super::{Ground, Rule, Said, shortened};
use crate::gate::entry::Entry;
use crate::gate::finding::{Finding, Kind};

/// See [`Rule::document`].
pub(super) struct VcsSource;

impl Rule for VcsSource {
    fn code(&self) -> &'static str {
        "vcs-source"
    }

    fn document(&self) -> Document {
        Document {
            title: "A commit of a repository",
            what: "An entry of a version control system, at a commit.",
            why: "The commit says which files are meant, but no digest says which package was built of \
                  them: its build runs on your machine, with what else it downloads, and no index can \
                  withdraw it.",
            remedy: "Build a wheel once, put it on an index, and pin that.",
            example: "`teapot @ git+https://code.example.org/teapot@1f3870be…`",
        }
    }

    fn check(&self, entry: &Entry<'_>, _ground: &Ground<'_>, said: &mut Said) {
        let LockSource::Vcs { url, commit } = &entry.package.source else { return };
        let Some(commit) = commit.as_deref().filter(|commit| is_commit(commit)) else { return };
        let message = "it is built from a repository, so no digest says what is installed";
        said.push(
            Finding::new(self.code(), (Kind::Lack, Severity::Medium), entry.package, message)
                .against(
                    "a released wheel with its digest",
                    format!("{commit} of {}", shortened(url)),
                )
                .hint("build a wheel once, and pin that"),
        );
    }
}
