//! A graph as people read it: `cargo tree` and `uv tree` have made the form known.
//!
//! What was shown before with all that is below it is shown again with `(*)` and nothing below, which
//! also ends circles.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use countermark_packaging::name::ProjectName;

use super::Graph;

/// What is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// How many steps below what stands on the left; all when there is none.
    pub depth: Option<usize>,
    /// From dependencies to what wants them.
    pub invert: bool,
    /// What stands on the left; what is asked for (upside down: what leads to nothing) when empty.
    pub packages: Vec<ProjectName>,
}

/// How many steps are shown at most: what stands before a line grows with each.
const MAXIMUM_DEPTH: usize = 200;

/// What a mark means.
const LEGEND: &str = "(*) shown above with all that is below it\n";

/// The graph as text.
#[must_use]
pub fn render(graph: &Graph, shape: &Shape) -> String {
    let mut page =
        Page { graph, shape, text: String::new(), shown: BTreeSet::new(), marked: false };
    for root in roots(graph, shape) {
        page.root(root);
    }
    if page.marked {
        page.text.push_str(LEGEND);
    }
    page.text
}

fn roots(graph: &Graph, shape: &Shape) -> Vec<usize> {
    if !shape.packages.is_empty() {
        return shape.packages.iter().flat_map(|name| graph.releases(name)).copied().collect();
    }
    if !shape.invert {
        return graph.asked().to_vec();
    }
    // Upside down, circles that lead to nothing else would not be seen.
    let mut roots = Vec::new();
    let mut reached = BTreeSet::new();
    let all: Vec<usize> = graph.projects().flat_map(|name| graph.releases(name)).copied().collect();
    let ends = all.iter().filter(|node| graph.nodes()[**node].dependencies.is_empty());
    for node in ends.chain(&all).copied() {
        if !reached.contains(&node) {
            roots.push(node);
            let mut open = vec![node];
            while let Some(node) = open.pop() {
                if reached.insert(node) {
                    open.extend(&graph.nodes()[node].dependants);
                }
            }
        }
    }
    roots
}

struct Page<'a> {
    graph: &'a Graph,
    shape: &'a Shape,
    text: String,
    /// Nodes that were shown with what is below them.
    shown: BTreeSet<usize>,
    marked: bool,
}

impl Page<'_> {
    fn root(&mut self, root: usize) {
        // Each step is a node, what stands before its line, and whether it is the last below its
        // parent; a stack, since chains may be very long.
        let mut open = vec![(root, String::new(), None::<bool>, 0_usize)];
        while let Some((node, indent, is_last, depth)) = open.pop() {
            let branch = match is_last {
                None => "",
                Some(true) => "└── ",
                Some(false) => "├── ",
            };
            let below = self.below(node);
            let known = !below.is_empty() && self.shown.contains(&node);
            let is_cut = depth == MAXIMUM_DEPTH && !below.is_empty();
            let mark = match (known, is_cut) {
                (true, _) => " (*)",
                (false, true) => " …",
                (false, false) => "",
            };
            self.marked |= known;
            let told = if depth == 0 { self.told(node) } else { String::new() };
            let title = self.graph.title(node);
            // Writing to a string cannot fail.
            let _ = writeln!(self.text, "{indent}{branch}{title}{told}{mark}");
            if known || is_cut || self.shape.depth.is_some_and(|most| depth >= most) {
                continue;
            }
            self.shown.insert(node);
            let indent = match is_last {
                None => String::new(),
                Some(true) => format!("{indent}    "),
                Some(false) => format!("{indent}│   "),
            };
            let last = below.len();
            for (at, next) in below.into_iter().enumerate().rev() {
                open.push((next, indent.clone(), Some(at + 1 == last), depth + 1));
            }
        }
    }

    fn below(&self, node: usize) -> Vec<usize> {
        let node = &self.graph.nodes()[node];
        if self.shape.invert { node.dependants.clone() } else { node.dependencies.clone() }
    }

    /// Groups, where they say something.
    fn told(&self, node: usize) -> String {
        let groups = &self.graph.nodes()[node].groups;
        let usual = |group: &String| matches!(group.as_str(), "main" | "default");
        if groups.is_empty() || groups.iter().all(usual) {
            return String::new();
        }
        format!(" ({}: {})", if groups.len() == 1 { "group" } else { "groups" }, groups.join(", "))
    }
}
