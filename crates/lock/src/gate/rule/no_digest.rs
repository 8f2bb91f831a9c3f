//! `no-digest`: an entry that any bytes would satisfy.

use countermark_packaging::lock::document::LockSource;
use countermark_report::{Document, Severity};

use super::{Ground, Rule, Said};
use crate::gate::entry::Entry;
use crate::gate::finding::{Finding, Kind};
use crate::gate::location::is_inside;

/// See [`Rule::document`].
pub(super) struct NoDigest;

impl Rule for NoDigest {
    fn code(&self) -> &'static str {
        "no-digest"
    }

    fn document(&self) -> Document {
        Document {
            title: "An entry without any digest",
            what: "An entry of an index, a URL or a path for which the lock has no digest at all.",
            why: "Whatever the index serves on the day of the installation is installed. The version \
                  alone is a name, and names can be given to other bytes.",
            remedy: "Write the lock with a tool that records digests: `countermark lock`, or the option \
                     for hashes of the one you use.",
            example: "`teapot==1.2` in a requirements file without `--hash`",
        }
    }

    fn check(&self, entry: &Entry<'_>, _ground: &Ground<'_>, said: &mut Said) {
        let package = entry.package;
        let is_pinned =
            package.version.is_some() || !matches!(package.source, LockSource::Index(_));
        let has_any = package.files.iter().any(|file| !file.digests.is_empty());
        // Of what is not pinned, that comes first.
        if !entry.is_artifact() || !is_pinned || has_any {
            return;
        }
        let severity = match &package.source {
            // It is reviewed together with the lock.
            LockSource::Path(path) if is_inside(path) => Severity::Medium,
            _ => Severity::High,
        };
        let message = "no digest says which bytes are meant";
        said.push(
            Finding::new(self.code(), (Kind::Lack, severity), package, message)
                .against("a sha256, sha384 or sha512 for each file", "none")
                .hint("write the lock again with digests, for example by `countermark lock`"),
        );
    }
}
