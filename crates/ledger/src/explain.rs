//! Why a file meets a criterion or does not: what it rests on, as a small tree.

use std::collections::HashSet;

use countermark_packaging::version::Version;

use crate::check::judgement::Required;
use crate::check::proof::NodeId;
use crate::check::{KnownBad, Reason};
use crate::file::FileId;

/// So many lines of a chain are drawn.
pub const MOST_LINES: usize = 200;

/// So deep is a chain drawn. It may be much longer.
pub const MOST_DEPTH: usize = 40;

/// What a file rests on, from the file downwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The file that was asked for first; what a link rests on follows it, one deeper.
    pub links: Vec<Link>,
    /// Files that were not drawn, because there are too many.
    pub cut: usize,
}

/// A line of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// How deep it stands, from 0.
    pub depth: usize,
    /// Whether it is the last at its depth below the same parent.
    pub is_last: bool,
    /// What it is.
    pub what: What,
}

/// What a line of the tree is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A file.
    File {
        /// Which.
        file: FileId,
        /// Its release, where it is known.
        version: Option<Version>,
        /// By what it meets the criterion; the files that this rests on stand below.
        reason: Option<Reason>,
        /// What is known against it.
        known_bad: Vec<KnownBad>,
        /// Whether it stands above already, with what it rests on.
        is_repeated: bool,
    },
    /// What would support the file above if the files below met the criterion.
    Open {
        /// What.
        reason: Reason,
        /// Compiled extensions for which nobody vouches.
        compiled: Vec<String>,
    },
}

impl Required {
    /// What the answer rests on.
    #[must_use]
    pub fn chain(&self) -> Chain {
        let mut chain = Chain { links: Vec::new(), cut: 0 };
        let mut seen = HashSet::new();
        // A stack of our own: a chain may be as long as a ledger.
        let mut open = vec![Todo { depth: 0, is_last: true, item: Item::File(self.node) }];
        while let Some(todo) = open.pop() {
            if chain.links.len() >= MOST_LINES || todo.depth >= MOST_DEPTH {
                chain.cut += usize::from(matches!(todo.item, Item::File(id) if seen.insert(id)));
                if let Item::File(id) = todo.item {
                    chain.cut += self.rest(id, &mut seen);
                }
                continue;
            }
            let what = match todo.item {
                Item::File(id) => self.draw_file(id, todo.depth, &mut seen, &mut open),
                Item::Open(id, number) => self.draw_open(id, number, todo.depth, &mut open),
            };
            chain.links.push(Link { depth: todo.depth, is_last: todo.is_last, what });
        }
        chain
    }

    fn draw_file(
        &self,
        id: NodeId,
        depth: usize,
        seen: &mut HashSet<NodeId>,
        open: &mut Vec<Todo>,
    ) -> What {
        let node = self.proof.node(id);
        let is_repeated = !seen.insert(id);
        if !is_repeated {
            let below: Vec<Item> = match &node.support {
                Some(edge) => edge.premises.iter().map(|id| Item::File(*id)).collect(),
                None => (0..node.open.len()).map(|number| Item::Open(id, number)).collect(),
            };
            push(open, depth + 1, below);
        }
        What::File {
            file: node.file.clone(),
            version: node.version.clone(),
            reason: node.support.as_ref().map(|edge| edge.reason.clone()),
            known_bad: node.known_bad.clone(),
            is_repeated,
        }
    }

    fn draw_open(&self, id: NodeId, number: usize, depth: usize, open: &mut Vec<Todo>) -> What {
        let edge = &self.proof.node(id).open[number];
        push(open, depth + 1, edge.premises.iter().map(|id| Item::File(*id)).collect());
        What::Open { reason: edge.reason.clone(), compiled: edge.compiled_missing.clone() }
    }

    /// How many files there are below one that is not drawn.
    fn rest(&self, id: NodeId, seen: &mut HashSet<NodeId>) -> usize {
        let (mut open, mut count) = (vec![id], 0);
        while let Some(id) = open.pop() {
            let node = self.proof.node(id);
            let edges = match &node.support {
                Some(edge) => std::slice::from_ref(edge),
                None => node.open.as_slice(),
            };
            for premise in edges.iter().flat_map(|edge| &edge.premises) {
                if seen.insert(*premise) {
                    count += 1;
                    open.push(*premise);
                }
            }
        }
        count
    }
}

struct Todo {
    depth: usize,
    is_last: bool,
    item: Item,
}

enum Item {
    File(NodeId),
    Open(NodeId, usize),
}

fn push(open: &mut Vec<Todo>, depth: usize, items: Vec<Item>) {
    let last = items.len().saturating_sub(1);
    let todo = items.into_iter().enumerate();
    let todo = todo.map(|(number, item)| Todo { depth, is_last: number == last, item });
    open.extend(todo.rev());
}
