//! The lines of both texts beside each other.

use similar::{Algorithm, DiffOp, capture_diff_slices_deadline};

use super::{Content, Page};

/// How much of what did not change is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// Everything.
    Whole,
    /// So many lines around each change and each new mark.
    Lines(usize),
}

/// A row of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row<'a> {
    /// So many lines that are the same are left out.
    Gap(usize),
    /// The same on both sides, or the only side; with the numbers of its lines.
    Same(Option<usize>, usize, &'a str),
    /// A line that is gone, a line that is new, or one in the place of the other.
    Changed(Option<(usize, &'a str)>, Option<(usize, &'a str)>),
}

/// Lines without their ends. As in the tools that read patches a line ends with a line feed and with
/// nothing else.
pub(super) fn lines(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.split('\n').collect();
    if lines.last() == Some(&"") {
        lines.pop();
    }
    lines
}

fn text_lines(content: Option<&Content>) -> Vec<&str> {
    content.and_then(|it| it.text.as_deref()).map(lines).unwrap_or_default()
}

/// How the lines of two texts relate.
pub(super) fn compare(old: &str, new: &str, deadline: Option<std::time::Instant>) -> Vec<DiffOp> {
    let old: Vec<&str> = old.split_inclusive('\n').collect();
    let new: Vec<&str> = new.split_inclusive('\n').collect();
    capture_diff_slices_deadline(Algorithm::Myers, &old, &new, deadline)
}

impl Page {
    /// The rows of the page.
    #[must_use]
    pub fn rows(&self, context: Context) -> Vec<Row<'_>> {
        let new = text_lines(self.new.as_ref());
        if self.moved.is_none() {
            return new
                .into_iter()
                .enumerate()
                .map(|(at, line)| Row::Same(None, at + 1, line))
                .collect();
        }
        let old = text_lines(self.old.as_ref());
        let mut rows = Vec::new();
        for op in &self.ops {
            let (was, is) = (op.old_range(), op.new_range());
            if matches!(op, DiffOp::Equal { .. }) {
                for (before, after) in was.zip(is) {
                    rows.push(Row::Same(
                        Some(before + 1),
                        after + 1,
                        new.get(after).copied().unwrap_or_default(),
                    ));
                }
                continue;
            }
            for step in 0..was.len().max(is.len()) {
                let at = |range: &std::ops::Range<usize>, lines: &[&'_ str]| {
                    let place = range.start + step;
                    (place < range.end).then_some(place).filter(|place| *place < lines.len())
                };
                let left = at(&was, &old).map(|place| (place + 1, old[place]));
                let right = at(&is, &new).map(|place| (place + 1, new[place]));
                rows.push(Row::Changed(left, right));
            }
        }
        match context {
            Context::Whole => rows,
            Context::Lines(around) => self.folded(rows, around),
        }
    }

    /// Without what is far from everything that matters.
    fn folded<'a>(&self, rows: Vec<Row<'a>>, around: usize) -> Vec<Row<'a>> {
        let mut is_near = vec![false; rows.len()];
        for (at, row) in rows.iter().enumerate() {
            let matters = match row {
                Row::Same(_, line, _) => self.marks_of(*line).any(|mark| mark.is_new),
                Row::Changed(..) | Row::Gap(_) => true,
            };
            if matters {
                let end = (at + around + 1).min(rows.len());
                is_near[at.saturating_sub(around)..end].fill(true);
            }
        }
        let mut folded = Vec::new();
        for (row, is_near) in rows.into_iter().zip(is_near) {
            match (is_near, folded.last_mut()) {
                (true, _) => folded.push(row),
                (false, Some(Row::Gap(count))) => *count += 1,
                (false, _) => folded.push(Row::Gap(1)),
            }
        }
        folded
    }
}
