//! Who wants what, as a lock tells it.
//!
//! Decides which releases of a lock lead to which. Most formats store what each release depends
//! on; requirements files tell it in the comments that pip-compile, uv and we write (`# via`), from
//! the other side. A format or a file that tells nothing of it gives a graph without edges, and
//! [`Graph::tells`] is false: a list is all that can be shown of it.
//!
//! Locks name dependencies without saying which of several versions is meant; then each is shown.
//! A release is *asked for* when the lock says so (a comment, `wanted-by`, a folder that is the
//! project itself), and else when nothing in the lock leads to it; of releases that only lead to each
//! other the first is.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use countermark_packaging::lock::document::{LockDocument, LockFormat, LockPackage, LockSource};
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;

use crate::write::recorded;

mod text;
mod via;

#[cfg(test)]
mod tests;

pub use text::{Shape, render};

/// How many steps are taken to find chains; of very tangled locks not all are found.
const MAXIMUM_STEPS: usize = 200_000;

/// A lock as a graph.
#[derive(Clone, Debug)]
pub struct Graph {
    nodes: Vec<Node>,
    by_name: BTreeMap<ProjectName, Vec<usize>>,
    asked: Vec<usize>,
    tells: bool,
}

/// One entry of a lock, or several of the same release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The project.
    pub project: ProjectName,
    /// The version; none where the lock does not tell it.
    pub version: Option<Version>,
    /// Where it applies, as written; none where it always does, or several entries say different
    /// things.
    pub marker: Option<String>,
    /// Groups or categories, as written.
    pub groups: Vec<String>,
    /// Who asks for it, where the lock says it: `-r requirements.in`.
    pub wanted_by: Vec<String>,
    /// What it leads to, by name and version.
    pub dependencies: Vec<usize>,
    /// What leads to it.
    pub dependants: Vec<usize>,
}

/// The chains that lead to a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chains {
    /// Shortest first; each from what is asked for to a release of the project.
    pub chains: Vec<Vec<usize>>,
    /// Whether there are more.
    pub is_cut: bool,
}

impl Graph {
    /// The graph of a lock. `bytes` are those that the document was read from.
    #[must_use]
    pub fn new(document: &LockDocument, bytes: &[u8]) -> Self {
        let mut graph =
            Self { nodes: Vec::new(), by_name: BTreeMap::new(), asked: Vec::new(), tells: false };
        let mut at = Vec::with_capacity(document.packages.len());
        let mut folders = BTreeSet::new();
        for package in &document.packages {
            let node = graph.node(package);
            at.push(node);
            if matches!(package.source, LockSource::Directory { .. }) {
                folders.insert(node);
            }
        }
        let mut edges: Vec<(usize, usize)> = Vec::new();
        for (package, node) in document.packages.iter().zip(&at) {
            let names = package.dependencies.iter().filter_map(|name| graph.by_name.get(name));
            edges.extend(names.flatten().map(|to| (*node, *to)));
        }
        match document.format {
            LockFormat::Requirements => graph.read_comments(document, bytes, &at, &mut edges),
            LockFormat::Pylock => graph.read_recorded(bytes),
            LockFormat::Uv
            | LockFormat::Poetry
            | LockFormat::Pdm
            | LockFormat::Pipfile
            | LockFormat::Conda => {}
        }
        edges.retain(|(from, to)| from != to);
        // A lock whose releases all stand by themselves tells that, by who asked for them.
        let is_asked = |node: &Node| !node.wanted_by.is_empty();
        graph.tells |= !edges.is_empty() || graph.nodes.iter().any(is_asked);
        for (from, to) in edges {
            graph.nodes[from].dependencies.push(to);
            graph.nodes[to].dependants.push(from);
        }
        graph.sort();
        graph.find_asked(&folders);
        graph
    }

    /// Whether the lock tells who wants what.
    #[must_use]
    pub fn tells(&self) -> bool {
        self.tells
    }

    /// The releases; indices of [`Node`]s and [`Chains`] are those of this list.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// What is asked for, by name.
    #[must_use]
    pub fn asked(&self) -> &[usize] {
        &self.asked
    }

    /// The releases of a project; none when the lock does not have it.
    #[must_use]
    pub fn releases(&self, project: &ProjectName) -> &[usize] {
        self.by_name.get(project).map(Vec::as_slice).unwrap_or_default()
    }

    /// Every project.
    pub fn projects(&self) -> impl Iterator<Item = &ProjectName> {
        self.by_name.keys()
    }

    /// Name and version, and the marker where only that tells two releases of a project apart.
    #[must_use]
    pub fn title(&self, node: usize) -> String {
        let Node { project, version, marker, .. } = &self.nodes[node];
        let version = version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
        match marker {
            Some(marker) if self.releases(project).len() > 1 => {
                format!("{project}{version} ; {marker}")
            }
            _ => format!("{project}{version}"),
        }
    }

    /// The chains from what is asked for to a project, at most so many.
    #[must_use]
    pub fn why(&self, project: &ProjectName, at_most: usize) -> Chains {
        let mut chains = Vec::new();
        let mut steps = 0;
        let mut open: VecDeque<Vec<usize>> =
            self.releases(project).iter().map(|node| vec![*node]).collect();
        // From the project upwards, all chains of a length before any that is longer.
        while let Some(chain) = open.pop_front() {
            steps += 1;
            let Some(&first) = chain.last() else { continue };
            if self.asked.contains(&first) {
                if chains.len() == at_most {
                    return Chains { chains, is_cut: true };
                }
                chains.push(chain.iter().rev().copied().collect());
            }
            for &dependant in &self.nodes[first].dependants {
                if steps + open.len() >= MAXIMUM_STEPS {
                    return Chains { chains, is_cut: true };
                }
                if !chain.contains(&dependant) {
                    open.push_back(chain.iter().copied().chain([dependant]).collect());
                }
            }
        }
        Chains { chains, is_cut: false }
    }

    /// The node of an entry. Entries of one release, as a lock with several files has them, are one.
    fn node(&mut self, package: &LockPackage) -> usize {
        let known = self.releases(&package.project);
        let same = known.iter().find(|node| self.nodes[**node].version == package.version);
        if let Some(&node) = same {
            if self.nodes[node].marker != package.marker {
                self.nodes[node].marker = None;
            }
            for group in &package.groups {
                if !self.nodes[node].groups.contains(group) {
                    self.nodes[node].groups.push(group.clone());
                }
            }
            return node;
        }
        let node = self.nodes.len();
        self.by_name.entry(package.project.clone()).or_default().push(node);
        self.nodes.push(Node {
            project: package.project.clone(),
            version: package.version.clone(),
            marker: package.marker.clone(),
            groups: package.groups.clone(),
            wanted_by: Vec::new(),
            dependencies: Vec::new(),
            dependants: Vec::new(),
        });
        node
    }

    fn read_comments(
        &mut self,
        document: &LockDocument,
        bytes: &[u8],
        at: &[usize],
        edges: &mut Vec<(usize, usize)>,
    ) {
        for (node, labels) in at.iter().zip(via::read(document, bytes)) {
            for label in labels {
                self.tells = true;
                // Names are written in their normal form; `pyproject.toml` is none.
                let parents = match ProjectName::parse(&label) {
                    Ok(project) if project.as_str() == label => self.releases(&project).to_vec(),
                    _ => Vec::new(),
                };
                edges.extend(parents.iter().map(|parent| (*parent, *node)));
                let is_constraint = label.starts_with("-c ");
                if parents.is_empty()
                    && !is_constraint
                    && !self.nodes[*node].wanted_by.contains(&label)
                {
                    self.nodes[*node].wanted_by.push(label);
                }
            }
        }
    }

    fn read_recorded(&mut self, bytes: &[u8]) {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        for found in recorded::read(text) {
            for node in self.releases(&found.project).to_vec() {
                if self.nodes[node].version.as_ref() == Some(&found.version) {
                    self.nodes[node].wanted_by.clone_from(&found.wanted_by);
                }
            }
        }
    }

    /// Lists of nodes by name and version, each node once.
    fn sort(&mut self) {
        let keys: Vec<(ProjectName, Option<Version>)> =
            self.nodes.iter().map(|node| (node.project.clone(), node.version.clone())).collect();
        let in_order = |list: &mut Vec<usize>| {
            list.sort_by(|left, right| keys[*left].cmp(&keys[*right]));
            list.dedup();
        };
        for node in &mut self.nodes {
            in_order(&mut node.dependencies);
            in_order(&mut node.dependants);
            node.groups.sort();
        }
        self.by_name.values_mut().for_each(in_order);
    }

    fn find_asked(&mut self, folders: &BTreeSet<usize>) {
        let is_told = self.nodes.iter().any(|node| !node.wanted_by.is_empty());
        let in_order: Vec<usize> = self.by_name.values().flatten().copied().collect();
        let is_asked = |node: &usize| {
            let Node { wanted_by, dependants, .. } = &self.nodes[*node];
            !wanted_by.is_empty() || folders.contains(node) || (!is_told && dependants.is_empty())
        };
        let mut asked: Vec<usize> = in_order.iter().copied().filter(is_asked).collect();
        let mut reached = BTreeSet::new();
        for node in &asked {
            self.reach(*node, &mut reached);
        }
        // In folders of a workspace and comments everything is reached; elsewhere there may be
        // circles that nothing leads to.
        for node in in_order {
            if !reached.contains(&node) {
                asked.push(node);
                self.reach(node, &mut reached);
            }
        }
        self.asked = asked;
        self.sort_asked();
    }

    fn sort_asked(&mut self) {
        let mut asked = std::mem::take(&mut self.asked);
        asked.sort_by(|left, right| {
            let key = |node: &usize| (&self.nodes[*node].project, &self.nodes[*node].version);
            key(left).cmp(&key(right))
        });
        self.asked = asked;
    }

    fn reach(&self, from: usize, reached: &mut BTreeSet<usize>) {
        let mut open = vec![from];
        while let Some(node) = open.pop() {
            if reached.insert(node) {
                open.extend(&self.nodes[node].dependencies);
            }
        }
    }
}
