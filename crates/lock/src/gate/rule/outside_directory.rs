//! `outside-directory`: a folder that is not part of the project.

use countermark_packaging::lock::document::LockSource;
use countermark_report::{Document, Severity};

use super::{Ground, Rule, Said, shortened};
use crate::gate::entry::Entry;
use crate::gate::finding::{Finding, Kind};
use crate::gate::location::is_inside;

/// See [`Rule::document`].
pub(super) struct OutsideDirectory;

impl Rule for OutsideDirectory {
    fn code(&self) -> &'static str {
        "outside-directory"
    }

    fn document(&self) -> Document {
        Document {
            title: "A folder or file outside of the project",
            what: "An entry that is a folder, editable or not, or a file on disk, above or beside the \
                   folder of the lock, or where a variable says. The project itself and members of \
                   its workspace are fine.",
            why: "What lies there is another thing on each machine, and nobody reviews it together with \
                  the lock.",
            remedy: "Make it a member of the workspace, or pin a released wheel.",
            example: "`-e ../teapot`",
        }
    }

    fn check(&self, entry: &Entry<'_>, _ground: &Ground<'_>, said: &mut Said) {
        let (path, message) = match &entry.package.source {
            LockSource::Directory { path, editable: true } => {
                (path, "it is installed by reference to a folder outside of the project")
            }
            LockSource::Directory { path, editable: false } => {
                (path, "it is built from a folder outside of the project")
            }
            LockSource::Path(path) => (path, "it is a file outside of the project"),
            _ => return,
        };
        if is_inside(path) {
            return;
        }
        said.push(
            Finding::new(self.code(), (Kind::Lack, Severity::Medium), entry.package, message)
                .against("a place below the folder of the lock", format!("`{}`", shortened(path)))
                .hint("make it a member of the workspace, or pin a released wheel"),
        );
    }
}
