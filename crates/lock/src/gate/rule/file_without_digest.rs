//! `file-without-digest`: one file of an entry that was left out.

use countermark_report::{Document, Severity};

use super::{Ground, Rule, Said};
use crate::gate::entry::Entry;
use crate::gate::finding::{Finding, Kind};
use crate::gate::location::file_name;

/// See [`Rule::document`].
pub(super) struct FileWithoutDigest;

impl Rule for FileWithoutDigest {
    fn code(&self) -> &'static str {
        "file-without-digest"
    }

    fn document(&self) -> Document {
        Document {
            title: "A file without a digest beside files that have one",
            what: "A file of an entry for which the lock has no digest, while other files of the same \
                   entry have theirs.",
            why: "On the platform that takes this file any bytes are installed; on all others \
                  everything looks well.",
            remedy: "Write the lock again. If it stays, the index gives no digest for that file, and it \
                     has to be hashed by you: `countermark hash`.",
            example: "a wheel in `uv.lock` without `hash`",
        }
    }

    fn check(&self, entry: &Entry<'_>, _ground: &Ground<'_>, said: &mut Said) {
        let has_any = entry.package.files.iter().any(|file| !file.digests.is_empty());
        if !entry.is_artifact() || !has_any {
            return;
        }
        // Also of a name that is listed twice, and has a digest at another address.
        for file in entry.package.files.iter().filter(|file| file.digests.is_empty()) {
            let name = file_name(file.name.as_deref(), file.url.as_deref());
            let message = "no digest says which bytes are meant, while other files have one";
            let finding =
                Finding::new(self.code(), (Kind::Lack, Severity::High), entry.package, message);
            said.push(
                finding
                    .file(name.unwrap_or_default(), &file.place)
                    .against("a sha256, sha384 or sha512", "none")
                    .hint("write the lock again, or add the digest of `countermark hash`"),
            );
        }
    }
}
