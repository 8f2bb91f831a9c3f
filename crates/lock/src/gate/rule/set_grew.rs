//! `set-grew`: more files of the same release than before.

use countermark_report::{Document, Severity};

use super::digest_changed::same_release;
use super::{Ground, Rule, Said, some_of};
use crate::gate::entry::Entry;
use crate::gate::finding::{Finding, Kind};

/// See [`Rule::document`].
pub(super) struct SetGrew;

impl Rule for SetGrew {
    fn code(&self) -> &'static str {
        "set-grew"
    }

    fn document(&self) -> Document {
        Document {
            title: "More files of the same release than before",
            what: "An entry whose version is the one of the lock before, with files or digests that were \
                   not there.",
            why: "Wheels for new platforms are uploaded later, and another platform's lock lists other \
                  files: mostly this is nothing. But a digest that was added lets other bytes in, so it \
                  is said; that it is one of the index's is what `unknown-digest` and `digest-differs` \
                  look at.",
            remedy: "Nothing, where the index was asked and nothing else is found.",
            example: "`teapot==1.2` with one `--hash` more than in the lock before",
        }
    }

    fn check(&self, entry: &Entry<'_>, _ground: &Ground<'_>, said: &mut Said) {
        let Some((_, before)) = same_release(entry) else { return };
        let mut added: Vec<String> = entry
            .named
            .iter()
            .filter(|named| !before.named.iter().any(|old| old.name == named.name))
            .map(|named| named.name.clone())
            .collect();
        let stays = |digest: &_| before.nameless.iter().any(|(old, _)| *old == digest);
        if entry.nameless.iter().any(|(digest, _)| stays(*digest)) {
            let new = entry.nameless.iter().filter(|(digest, _)| !stays(*digest));
            added.extend(new.map(|(digest, _)| digest.to_string()));
        }
        if added.is_empty() {
            return;
        }
        let message = "the same release has more files than before";
        let finding =
            Finding::new(self.code(), (Kind::News, Severity::Note), entry.package, message);
        said.push(finding.against("", some_of(&added)));
    }
}
