//! `size-differs`: the right digest with another length.

use countermark_report::{Document, Severity};

use super::{Ground, Rule, Said};
use crate::gate::entry::{Entry, agree};
use crate::gate::finding::{Finding, Kind};

/// See [`Rule::document`].
pub(super) struct SizeDiffers;

impl Rule for SizeDiffers {
    fn code(&self) -> &'static str {
        "size-differs"
    }

    fn document(&self) -> Document {
        Document {
            title: "Another size than the index gives, with the same digest",
            what: "A file whose digest is the index's and whose size is not.",
            why: "Bytes with one digest have one length: whoever wrote the size made a mistake. The \
                  digest decides, so nothing wrong is let in.",
            remedy: "Write the lock again.",
            example: "`size = 0` in an entry of a lock",
        }
    }

    fn needs_index(&self) -> bool {
        true
    }

    fn check(&self, entry: &Entry<'_>, _ground: &Ground<'_>, said: &mut Said) {
        let Some(pages) = entry.open_pages() else { return };
        for named in &entry.named {
            let digests: Vec<_> = named.digests.iter().map(|(digest, _)| *digest).collect();
            let mut listed = pages.iter().flat_map(|page| &page.files);
            let listed = listed.find(|file| {
                file.name == named.name
                    && agree(digests.iter().copied(), &file.digests) == Some(true)
            });
            let sizes = listed.and_then(|file| Some((named.file.size?, file.size?)));
            let Some((here, there)) = sizes.filter(|(here, there)| here != there) else { continue };
            let message = "the size is not that of the bytes with this digest";
            said.push(
                Finding::new(self.code(), (Kind::Defect, Severity::Low), entry.package, message)
                    .file(&named.name, &named.file.place)
                    .against(format!("{there} bytes"), format!("{here} bytes"))
                    .hint("write the lock again"),
            );
        }
    }
}
