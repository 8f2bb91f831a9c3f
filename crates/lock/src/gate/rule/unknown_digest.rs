//! `unknown-digest`: one digest more than there are files.

use countermark_report::{Document, Severity};

use super::{Ground, Rule, Said};
use crate::gate::entry::{Entry, is_made_up};
use crate::gate::finding::{Finding, Kind};

/// See [`Rule::document`].
pub(super) struct UnknownDigest;

impl Rule for UnknownDigest {
    fn code(&self) -> &'static str {
        "unknown-digest"
    }

    fn document(&self) -> Document {
        Document {
            title: "A digest of no file that the index lists",
            what: "A digest of a format that lists digests without names, which is that of no file of \
                   the release on any index, while other digests of the entry are.",
            why: "Each digest of such an entry is a key that opens it: one that was added lets other \
                  bytes in beside the right ones. It may also be that of a file that was removed, or of \
                  an index that is not configured.",
            remedy: "Find out where it is from; remove it when nobody knows.",
            example: "a `--hash` more than the release has files",
        }
    }

    fn needs_index(&self) -> bool {
        true
    }

    fn check(&self, entry: &Entry<'_>, ground: &Ground<'_>, said: &mut Said) {
        let Some(pages) = entry.open_pages() else { return };
        let listed: Vec<_> = pages
            .iter()
            .flat_map(|page| entry.listed(page))
            .flat_map(|file| &file.digests)
            .collect();
        let is_known = |digest: &_| listed.contains(&digest);
        // That none of them is known is another rule's.
        if !entry.nameless.iter().any(|(digest, _)| is_known(digest)) {
            return;
        }
        for (digest, place) in &entry.nameless {
            if is_known(digest) || is_made_up(digest) {
                continue;
            }
            if !listed.iter().any(|other| other.algorithm() == digest.algorithm()) {
                // It may be that of a known file, and may as well open the entry to another.
                let why = format!(
                    "the index gives no {} to hold a digest against",
                    digest.algorithm().name()
                );
                ground.unchecked(entry, self.code(), why, said);
                continue;
            }
            let message = "a digest is that of no file which the index lists for this release";
            let kind = (Kind::Disagreement, Severity::Medium);
            said.push(
                Finding::new(self.code(), kind, entry.package, message)
                    .file(digest.to_string(), place)
                    .against("digests of files of this release", digest.to_string())
                    .hint("find out where it is from: a file that was removed, or one that was let in"),
            );
        }
    }
}
