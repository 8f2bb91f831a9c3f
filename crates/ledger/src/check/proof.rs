//! Everything that was looked at for one criterion of one project: files, what supports them, what would.
//!
//! Files stand in a list and name each other by numbers, so that a chain of any length is built, walked
//! and dropped without recursion.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use countermark_packaging::digest::Sha256;
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;

use super::counts::Candidate;
use super::judgement::{Ignored, KnownBad, Obstacle, Reason};
use crate::criteria::CriterionName;
use crate::file::FileId;

/// A file in a [`Proof`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeId(pub(crate) u32);

/// What was found out.
#[derive(Debug)]
pub(crate) struct Proof {
    pub(crate) project: ProjectName,
    pub(crate) criterion: CriterionName,
    pub(crate) nodes: Vec<Node>,
    pub(crate) by_digest: HashMap<Sha256, NodeId>,
}

/// A file.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) file: FileId,
    pub(crate) version: Option<Version>,
    /// By what it meets the criterion.
    pub(crate) support: Option<Edge>,
    /// Whether that rests on the trust in a publisher, from which no difference may start.
    pub(crate) is_by_publisher: bool,
    /// What would support it if other files met the criterion; of files that are not met only.
    pub(crate) open: Vec<Edge>,
    pub(crate) ignored: Vec<Ignored>,
    pub(crate) obstacles: Vec<Obstacle>,
    pub(crate) known_bad: Vec<KnownBad>,
}

/// What supports a file, if its premises meet the criterion.
#[derive(Clone)]
pub(crate) struct Edge {
    pub(crate) reason: Reason,
    /// Each once.
    pub(crate) premises: Vec<NodeId>,
    /// Reviews of which one has to be signed, best first; of what is open only.
    pub(crate) reviews: Vec<Arc<Candidate>>,
    /// Compiled extensions that nobody vouches for; with any, it supports nothing.
    pub(crate) compiled_missing: Vec<String>,
}

impl Edge {
    /// What rests on nothing else.
    pub(crate) fn of(reason: Reason) -> Self {
        let (premises, reviews, compiled_missing) = (Vec::new(), Vec::new(), Vec::new());
        Self { reason, premises, reviews, compiled_missing }
    }
}

impl fmt::Debug for Edge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Edge").field(&self.reason).field(&self.premises).finish()
    }
}

impl Proof {
    pub(crate) fn new(project: ProjectName, criterion: CriterionName) -> Self {
        Self { project, criterion, nodes: Vec::new(), by_digest: HashMap::new() }
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    pub(crate) fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.0 as usize]
    }

    /// The number of a file, and whether it is new.
    pub(crate) fn add(&mut self, file: &FileId, version: Option<&Version>) -> (NodeId, bool) {
        if let Some(id) = self.by_digest.get(&file.digest) {
            return (*id, false);
        }
        // A ledger has fewer than 2^32 files: the readers' limits are far below.
        let id = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.by_digest.insert(file.digest, id);
        self.nodes.push(Node {
            file: file.clone(),
            version: version.cloned(),
            support: None,
            is_by_publisher: false,
            open: Vec::new(),
            ignored: Vec::new(),
            obstacles: Vec::new(),
            known_bad: Vec::new(),
        });
        (id, true)
    }

    pub(crate) fn is_met(&self, id: NodeId) -> bool {
        self.node(id).support.is_some()
    }
}
