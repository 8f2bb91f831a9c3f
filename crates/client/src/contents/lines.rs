//! How much there is to read: lines of text of a distribution, or of the difference of two.
//!
//! What counts is what runs or is shipped as code or data in text: not tests and documents
//! ([`Danger::Aside`]), not the metadata that every release has, and not what has no lines (machine
//! code, images). It is a price to compare readings by, nothing that a decision about a file rests on.

use countermark_trust::change::{Contents, FileKind};

use super::diff::danger;
use super::{ContentsError, Danger, Distribution, FileDiff};
use crate::unpack::Visitor;

/// What every release says of itself; the readme is a part of it.
const SAYINGS: [&str; 2] = [".dist-info/METADATA", "PKG-INFO"];

/// Lines to read in full.
///
/// # Errors
/// When it cannot be read. `contents` is what [`read_contents`](super::read_contents) gave of it.
pub fn count_lines(
    distribution: Distribution<'_>,
    contents: &Contents,
) -> Result<u64, ContentsError> {
    let mut counting =
        Counting { distribution, contents, lines: 0, ends_a_line: true, is_counted: false };
    distribution.walk(&mut counting)?;
    Ok(counting.lines)
}

/// Lines to read in a difference: those that are new, and those that are gone.
#[must_use]
pub fn count_changed_lines(diffs: impl Iterator<Item = FileDiff>) -> u64 {
    let counted =
        diffs.filter(|it| it.danger != Danger::Aside && !SAYINGS.contains(&it.path.as_str()));
    counted.filter_map(|it| it.lines).map(|(new, gone)| (new + gone) as u64).sum()
}

struct Counting<'a> {
    distribution: Distribution<'a>,
    contents: &'a Contents,
    lines: u64,
    ends_a_line: bool,
    is_counted: bool,
}

impl Visitor for Counting<'_> {
    fn begin(&mut self, path: &str, _: u64) -> bool {
        let (path, _) = self.distribution.path(path);
        let file = self.contents.files.get(&path);
        self.is_counted = file.is_some_and(|file| {
            let has_lines = match file.kind {
                FileKind::Text | FileKind::Pth | FileKind::Opaque => true,
                FileKind::Native | FileKind::Binary => false,
            };
            has_lines && danger(&path, [None, Some(file)]) != Danger::Aside
        });
        self.ends_a_line = true;
        self.is_counted
    }

    fn bytes(&mut self, bytes: &[u8]) {
        if !self.is_counted {
            return;
        }
        self.lines += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        if let Some(last) = bytes.last() {
            self.ends_a_line = *last == b'\n';
        }
    }

    fn end(&mut self) {
        self.lines += u64::from(self.is_counted && !self.ends_a_line);
        self.is_counted = false;
    }
}
