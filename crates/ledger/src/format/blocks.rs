//! Where the reviews of a file are, without reading them.
//!
//! A line that is `[[review]]` begins a block, always: texts over several lines are refused, so no such
//! line is inside of one, and each block is read by itself, so one that hides another is broken. The
//! digests in a block are found as text, because they may only be written as text. One pass over the
//! bytes; what is not asked for is never parsed.

use std::ops::Range;

use countermark_packaging::digest::Sha256;
use countermark_packaging::lock::codes::{CONTROL_CHARACTER, SYNTAX, TOO_LARGE};
use countermark_packaging::lock::{Place, SourceError};
use memchr::{memchr_iter, memmem};

use super::{codes, limits};

/// The line that begins a block.
pub(super) const HEAD: &str = "[[review]]";

const DIGEST: &str = "sha256:";

/// One block of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// Its first byte.
    start: u32,
    /// The byte after its last one.
    end: u32,
    /// The line on which it begins, from 1.
    line: u32,
}

impl Block {
    pub(super) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// A place in the block as a place in the file.
    pub(super) fn shift(self, place: &mut Place) {
        place.line = place.line.saturating_add(self.line - 1);
        place.span.start += self.start as usize;
        place.span.end += self.start as usize;
    }
}

/// The blocks of a file, and in which of them a digest occurs.
#[derive(Clone, Debug, Default)]
pub(super) struct Blocks {
    pub(super) blocks: Vec<Block>,
    /// The first eight bytes of each digest and the block that has it, sorted. Two digests may begin
    /// alike: the block says when it is read.
    digests: Vec<(u64, u32)>,
}

impl Blocks {
    /// Finds the blocks of a text. What stands before the first is told by [`check`].
    pub(super) fn find(file: &str, text: &str) -> Result<Self, SourceError> {
        let mut found = Self::default();
        let mut start = 0;
        let bytes = text.as_bytes();
        for (line, end) in (1..).zip(memchr_iter(b'\n', bytes).chain([bytes.len()])) {
            // One look at the first byte spares most lines the comparison.
            if bytes.get(start) == Some(&b'[') && &text[start..end] == HEAD {
                found.begin(file, start, line)?;
            }
            start = end + 1;
        }
        found.end(file, bytes.len())?;
        found.index(bytes);
        Ok(found)
    }

    fn begin(&mut self, file: &str, start: usize, line: u32) -> Result<(), SourceError> {
        self.end(file, start)?;
        if self.blocks.len() >= limits::BLOCKS {
            let message =
                format!("there are more reviews than the {} that are read", limits::BLOCKS);
            return Err(at_line(file, TOO_LARGE, message, line, start..start));
        }
        // The size of the file is below what 32 bits count.
        let start = u32::try_from(start).unwrap_or(u32::MAX);
        self.blocks.push(Block { start, end: start, line });
        Ok(())
    }

    fn end(&mut self, file: &str, end: usize) -> Result<(), SourceError> {
        let Some(block) = self.blocks.last_mut() else { return Ok(()) };
        block.end = u32::try_from(end).unwrap_or(u32::MAX);
        let (range, line) = (block.range(), block.line);
        if range.len() > limits::BLOCK {
            let message =
                format!("the review has {} bytes, at most {} are read", range.len(), limits::BLOCK);
            return Err(at_line(file, TOO_LARGE, message, line, range));
        }
        Ok(())
    }

    fn index(&mut self, bytes: &[u8]) {
        let mut number = 0;
        for at in memmem::find_iter(bytes, DIGEST) {
            let Some(prefix) = prefix_of(&bytes[at + DIGEST.len()..]) else { continue };
            while self.blocks.get(number + 1).is_some_and(|next| next.start as usize <= at) {
                number += 1;
            }
            if self.blocks.get(number).is_some_and(|block| block.range().contains(&at)) {
                self.digests.push((prefix, u32::try_from(number).unwrap_or(u32::MAX)));
            }
        }
        self.digests.sort_unstable();
        self.digests.dedup();
    }

    /// The blocks in which a digest may occur, in the order of the file.
    pub(super) fn with(&self, digest: &Sha256) -> impl Iterator<Item = usize> {
        let prefix = digest.0[..8].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        let from = self.digests.partition_point(|(found, _)| *found < prefix);
        let rest = self.digests[from..].iter();
        rest.take_while(move |(found, _)| *found == prefix).map(|(_, block)| *block as usize)
    }
}

/// The value of the first sixteen digits of a digest.
fn prefix_of(digits: &[u8]) -> Option<u64> {
    let mut prefix = 0;
    for byte in digits.get(..16)? {
        let value = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        prefix = prefix << 4 | u64::from(value);
    }
    Some(prefix)
}

fn at_line(
    file: &str,
    code: &'static str,
    message: String,
    line: u32,
    span: Range<usize>,
) -> SourceError {
    let place = Place { file: file.to_owned(), line, column: 1, span };
    SourceError { code, message, place, hint: None }
}

/// What is wrong with the lines of a file, whatever they say: marks of a merge, line ends, and what
/// stands before the first block.
pub(super) fn check(file: &str, text: &str, first: Option<Block>) -> Vec<SourceError> {
    let mut conflicts = Vec::new();
    let mut others = Vec::new();
    let head = first.map_or(text.len(), |block| block.range().start);
    let mut start = 0;
    for (line, content) in (1..).zip(text.split('\n')) {
        let span = start..start + content.len();
        start += content.len() + 1;
        if is_conflict(content) {
            let message = "the marks of a merge that was not finished".to_owned();
            conflicts.push(SourceError {
                hint: Some("run `countermark vet merge`".to_owned()),
                ..at_line(file, codes::MERGE_CONFLICT, message, line, span)
            });
        } else if content.ends_with('\r') {
            let message = "the line ends in CR LF".to_owned();
            others.push(SourceError {
                hint: Some(
                    "write lines that end in LF; `.gitattributes` can say so: `eol=lf`".to_owned(),
                ),
                ..at_line(file, codes::LINE_END, message, line, span)
            });
        } else if span.start < head {
            others.extend(before_blocks(file, content, line, span));
        }
        if conflicts.len().max(others.len()) > countermark_packaging::table::MOST_MISTAKES {
            break;
        }
    }
    // Both sides of a conflict are good files as a rule, so the marks are all there is to say.
    if conflicts.is_empty() { others } else { conflicts }
}

/// Whether git wrote this line between two versions.
pub(super) fn is_conflict(line: &str) -> bool {
    let mark = line.get(..7).unwrap_or_default();
    let rest = line.get(7..).unwrap_or_default();
    match mark {
        "<<<<<<<" | ">>>>>>>" | "|||||||" => rest.is_empty() || rest.starts_with(' '),
        "=======" => rest.trim_end().is_empty(),
        _ => false,
    }
}

fn before_blocks(file: &str, line: &str, number: u32, span: Range<usize>) -> Option<SourceError> {
    let content = line.trim();
    if content.is_empty() {
        return None;
    }
    if let Some(comment) = content.strip_prefix('#') {
        let hidden = comment.chars().find(|c| c.is_control() && *c != '\t')?;
        let message = format!("the comment contains {hidden:?}");
        return Some(at_line(file, CONTROL_CHARACTER, message, number, span));
    }
    let shown: String = content.chars().take(40).collect();
    let (code, message) = if content.contains("review") && content.starts_with('[') {
        (SYNTAX, format!("`{shown}` has to be `{HEAD}`, at the beginning of its line"))
    } else {
        (codes::OUTSIDE, format!("{shown:?} stands outside of a review"))
    };
    Some(SourceError {
        hint: Some(format!("a `reviews.toml` is blocks that begin with the line `{HEAD}`")),
        ..at_line(file, code, message, number, span)
    })
}
