//! What a person reads of a release, or of the difference of two: one page a file, what is dangerous
//! first, with the lines to look at.
//!
//! Decides the order, which texts are kept, and which findings are new. Everything in it is hostile:
//! [`shown`] makes a line fit to be seen, and nothing else of a text may be shown. The bytes were verified
//! by the caller; nothing is run and nothing is written.

mod gather;
mod marks;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use countermark_ledger::danger::{Finding, Look, Severity};
use countermark_packaging::digest::Sha256;
use countermark_report::harmless::acts;
use countermark_trust::change::FileKind;
use similar::DiffOp;

pub use gather::{difference, whole};
pub use marks::{Marks, MarksError};
pub use rows::{Context, Row};

use super::{Danger, FileMove};

/// Characters of one line that are shown.
pub const MAX_SHOWN: usize = 4000;

/// What is read.
#[derive(Debug, Default)]
pub struct Reading {
    /// The file, or the one before and the one after.
    pub sides: Vec<Side>,
    /// What is dangerous first.
    pub pages: Vec<Page>,
}

/// A distribution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// Its name.
    pub filename: String,
    /// The SHA-256 of its bytes.
    pub sha256: Sha256,
}

/// One file.
#[derive(Debug)]
pub struct Page {
    /// Where it is, without what has the version in it.
    pub path: String,
    /// What happened to it; none where a release is read as a whole.
    pub moved: Option<FileMove>,
    /// What it is.
    pub place: Danger,
    /// What is to be looked at, by line of the new text.
    pub marks: Vec<Mark>,
    /// Findings beyond those.
    pub left_out: usize,
    /// Before.
    pub old: Option<Content>,
    /// Now.
    pub new: Option<Content>,
    /// How the lines of both relate.
    ops: Vec<DiffOp>,
}

/// Something to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// What.
    pub finding: Finding,
    /// False for what was there before, on a line that did not change.
    pub is_new: bool,
}

/// A file on one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Bytes.
    pub size: u64,
    /// The SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// What kind of file it is.
    pub kind: FileKind,
    /// Its text; none of what is no text, or too much of it. What is no UTF-8 stands in it as escapes.
    pub text: Option<String>,
}

impl Page {
    /// The most urgent that is new.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        self.marks.iter().filter(|mark| mark.is_new).map(|mark| mark.finding.severity).max()
    }

    /// Lines to read: all of a file, or those that are new and those that are gone.
    #[must_use]
    pub fn lines(&self) -> usize {
        match self.moved {
            None => self.new.as_ref().and_then(Content::lines).unwrap_or(0),
            Some(_) => {
                let (added, removed) = self.counts();
                added + removed
            }
        }
    }

    /// Lines that are new and lines that are gone.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let changed = self.ops.iter().filter(|op| !matches!(op, DiffOp::Equal { .. }));
        changed.fold((0, 0), |(added, removed), op| {
            (added + op.new_range().len(), removed + op.old_range().len())
        })
    }

    /// Whether its text can be shown.
    #[must_use]
    pub fn is_text(&self) -> bool {
        [&self.old, &self.new].into_iter().flatten().all(|content| content.text.is_some())
    }

    /// The marks of a line; 0 is the file as a whole.
    pub fn marks_of(&self, line: usize) -> impl Iterator<Item = &Mark> {
        let start = self.marks.partition_point(|mark| mark.finding.line < line);
        self.marks[start..].iter().take_while(move |mark| mark.finding.line == line)
    }

    /// How many new marks there are of a severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.marks.iter().filter(|mark| mark.is_new && mark.finding.severity == severity).count()
    }

    fn order(&self) -> (std::cmp::Reverse<Option<Severity>>, Danger, &str) {
        (std::cmp::Reverse(self.severity()), self.place, &self.path)
    }
}

impl Content {
    /// Lines of its text.
    #[must_use]
    pub fn lines(&self) -> Option<usize> {
        self.text.as_ref().map(|text| rows::lines(text).len())
    }
}

impl Reading {
    /// Lines to read in all.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.pages.iter().map(Page::lines).sum()
    }
}

/// A line as it may be shown: what would move a cursor, hide or turn what stands beside it is an escape,
/// and of a line without an end the beginning is shown, with a word about the rest.
#[must_use]
pub fn shown(line: &str) -> String {
    let mut text = String::with_capacity(line.len().min(MAX_SHOWN) + 16);
    let mut characters = line.chars();
    for c in characters.by_ref().take(MAX_SHOWN) {
        if acts(c) && c != '\t' {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
    }
    let rest = characters.count();
    if rest > 0 {
        text.push_str(&format!(" … and {rest} more characters of this line, which are not shown"));
    }
    text
}

/// What is new among the findings of the new text: on a line that changed, or of a kind that was not there;
/// what is about the file as a whole (line 0: machine code, a `.pth`), since its bytes moved; and, where
/// nobody can show which lines changed, everything.
fn marks(look: Look, before: Option<&Look>, changed: Option<&BTreeSet<usize>>) -> Vec<Mark> {
    let known: BTreeSet<(_, &str)> = before
        .into_iter()
        .flat_map(|look| &look.findings)
        .map(|it| (it.kind, it.what.as_str()))
        .collect();
    let is_new = |finding: &Finding| {
        let is_known = known.contains(&(finding.kind, finding.what.as_str()));
        let moved = |lines: &BTreeSet<usize>| finding.line == 0 || lines.contains(&finding.line);
        !is_known || changed.is_none_or(moved)
    };
    look.findings.into_iter().map(|finding| Mark { is_new: is_new(&finding), finding }).collect()
}
