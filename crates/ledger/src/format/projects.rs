//! Which reviews of a file are about which project, without reading them.
//!
//! Found as text, where a block is written as this crate writes it: the project is on its second line.
//! A block with another second line may be about any project, and is read whenever one is asked for; what
//! a block says when it is read decides.

use std::collections::HashMap;

use super::blocks::{self, Block};

/// The numbers of blocks, by project.
#[derive(Clone, Debug, Default)]
pub(super) struct Projects {
    named: HashMap<String, Vec<u32>>,
    /// Blocks that do not begin with the name of their project.
    others: Vec<u32>,
}

impl Projects {
    /// Finds the projects of blocks.
    pub(super) fn find(text: &str, blocks: &[Block]) -> Self {
        let mut found = Self::default();
        let mut number = 0;
        // Blocks are sorted by project as a rule: the neighbours of one are looked up together.
        for run in blocks.chunk_by(|one, other| name(text, *one) == name(text, *other)) {
            let Some(first) = run.first() else { continue };
            let end = number + u32::try_from(run.len()).unwrap_or(u32::MAX - number);
            let numbers = match name(text, *first) {
                Some(name) => found.named.entry(name.to_owned()).or_default(),
                None => &mut found.others,
            };
            numbers.extend(number..end);
            number = end;
        }
        found
    }

    /// The blocks that may be about a project, in the order of the file.
    pub(super) fn of(&self, project: &str) -> Vec<usize> {
        let named = self.named.get(project).map_or(&[][..], Vec::as_slice);
        let mut numbers: Vec<usize> =
            named.iter().chain(&self.others).map(|number| *number as usize).collect();
        numbers.sort_unstable();
        numbers
    }
}

/// The name on the second line of a block, when that line is `project = "…"` and nothing else. A text with
/// an escape in it could be another one.
fn name(text: &str, block: Block) -> Option<&str> {
    let (head, rest) = text.get(block.range())?.split_once('\n')?;
    let line = rest.split_once('\n').map_or(rest, |(line, _)| line);
    let name = line.strip_prefix("project = \"")?.strip_suffix('"')?;
    let is_plain = !name.bytes().any(|byte| matches!(byte, b'"' | b'\\'));
    (head == blocks::HEAD && is_plain).then_some(name)
}
