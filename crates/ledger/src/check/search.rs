//! The least set of files of a project that meet a criterion.
//!
//! First downwards: from the files that were asked for to what might support them, and no further where
//! something supports a file by itself. Then upwards, round by round, from the files that are met: a file
//! is met when something supports it of which all premises were met before. So a circle supports nothing,
//! and nothing depends on the order in which reviews stand anywhere.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use countermark_packaging::filename::DistributionFilename;
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;

use super::Checker;
use super::counts::{Candidate, NotCounted};
use super::judgement::{Ignored, Obstacle, Reason};
use super::proof::{Edge, NodeId, Proof};
use super::trusted::trust;
use super::violation::known_bad;
use crate::criteria::CriterionName;
use crate::file::FileId;
use crate::relation::Relation;
use crate::review::How;

/// An edge that waits for its premises.
struct Waiting {
    node: NodeId,
    edge: Edge,
    /// What the reviews vouch for, where they are about compiled extensions.
    compiled: Vec<String>,
    /// Premises that are not met yet.
    left: usize,
    /// No signature counts.
    is_refused: bool,
}

/// What has all its premises, by the file that it would support: in one round the best of a file decides.
type Ready = BTreeMap<NodeId, BTreeSet<usize>>;

impl Waiting {
    fn is_for(&self, with_publishers: bool) -> bool {
        match self.edge.reason {
            Reason::Trusted { .. } => with_publishers,
            Reason::Delta { .. } => !with_publishers,
            Reason::Full(_) | Reason::Relation { .. } | Reason::Exemption { .. } => true,
        }
    }
}

/// A search for one criterion of one project.
pub(super) struct Search<'c, 'a> {
    checker: &'c Checker<'a>,
    proof: Proof,
    waiting: Vec<Waiting>,
    /// Files that are met without premises.
    met: Vec<NodeId>,
    /// Files whose support was not looked for yet.
    open: Vec<NodeId>,
}

impl<'c, 'a> Search<'c, 'a> {
    /// Finds out which of the files meet the criterion.
    pub(super) fn run<'f>(
        checker: &'c Checker<'a>,
        project: &ProjectName,
        criterion: &CriterionName,
        files: impl Iterator<Item = (&'f FileId, &'f Version)>,
    ) -> Proof {
        let proof = Proof::new(project.clone(), criterion.clone());
        let (waiting, met, open) = (Vec::new(), Vec::new(), Vec::new());
        let mut search = Self { checker, proof, waiting, met, open };
        for (file, version) in files {
            search.want(file, Some(version));
        }
        let asked = search.proof.nodes.len();
        while let Some(id) = search.open.pop() {
            search.look_at(id);
        }
        search.spread();
        search.keep_what_is_open(asked);
        search.proof
    }

    fn want(&mut self, file: &FileId, version: Option<&Version>) -> NodeId {
        let (id, is_new) = self.proof.add(file, version);
        if is_new {
            self.open.push(id);
        }
        id
    }

    /// Looks for what supports a file: by itself, or by way of others, which are then looked at too.
    fn look_at(&mut self, id: NodeId) {
        let file = self.proof.node(id).file.clone();
        let bad = known_bad(self.checker.book, &file.digest);
        if !bad.is_empty() {
            self.proof.node_mut(id).known_bad = bad;
            return;
        }
        let candidates = self.candidates(id, &file);
        let by_itself =
            self.full(id, &candidates).or_else(|| self.exemption(id, &file)).map(Edge::of);
        if let Some(edge) = by_itself {
            self.support(id, edge);
            return;
        }
        for candidate in
            candidates.iter().filter(|it| matches!(it.entry.review.how, How::Delta { .. }))
        {
            self.add_delta(id, candidate);
        }
        for relation in self.checker.book.relations(&file.digest) {
            if relation.to.digest == file.digest && relation.project == self.proof.project {
                self.add_relation(id, relation, &candidates);
            }
        }
        self.add_trust(id, &file);
    }

    /// Reviews of the file that say what is asked, best first; the others are said.
    fn candidates(&mut self, id: NodeId, file: &FileId) -> Vec<Arc<Candidate>> {
        let all = self.checker.candidates(&self.proof.project, &file.digest);
        let mut good = Vec::new();
        for candidate in all.iter() {
            match candidate.says(&self.proof.criterion) {
                Ok(()) => good.push(Arc::clone(candidate)),
                Err(why) => self.ignore(id, candidate, why),
            }
        }
        good
    }

    fn ignore(&mut self, id: NodeId, candidate: &Candidate, why: NotCounted) {
        let node = self.proof.node_mut(id);
        let (review, file) = (candidate.reference.clone(), node.file.clone());
        node.ignored.push(Ignored { review, file, why });
    }

    /// The first of these reviews whose signature counts.
    fn first_signed(&mut self, id: NodeId, reviews: &[Arc<Candidate>]) -> Option<Arc<Candidate>> {
        for candidate in reviews {
            match self.checker.verified(candidate) {
                Ok(()) => return Some(Arc::clone(candidate)),
                Err(why) => self.ignore(id, candidate, why),
            }
        }
        None
    }

    fn full(&mut self, id: NodeId, candidates: &[Arc<Candidate>]) -> Option<Reason> {
        let is_full = |it: &&Arc<Candidate>| it.entry.review.how == How::Full;
        let full: Vec<_> = candidates.iter().filter(is_full).cloned().collect();
        self.first_signed(id, &full).map(|it| Reason::Full(it.reference.clone()))
    }

    fn exemption(&mut self, id: NodeId, file: &FileId) -> Option<Reason> {
        let book = self.checker.book;
        for exemption in book.exemptions(&file.digest) {
            let mut implied =
                exemption.criteria.iter().flat_map(|it| book.ledger.criteria.implied(it));
            let why = if exemption.project != self.proof.project {
                format!("is for {}", exemption.project)
            } else if exemption.on > self.checker.now {
                format!("is dated {}, and today is {}", exemption.on, self.checker.now)
            } else if !implied.any(|it| *it == self.proof.criterion) {
                let names: Vec<&str> =
                    exemption.criteria.iter().map(CriterionName::as_str).collect();
                format!("is for {}, not for {}", names.join(", "), self.proof.criterion)
            } else {
                let (on, why) = (exemption.on, exemption.reason.clone());
                return Some(Reason::Exemption { on, why, place: exemption.place.clone() });
            };
            let obstacle = Obstacle::Exemption { place: exemption.place.clone(), why };
            self.proof.node_mut(id).obstacles.push(obstacle);
        }
        None
    }

    fn add_delta(&mut self, id: NodeId, candidate: &Arc<Candidate>) {
        let How::Delta { from, files } = &candidate.entry.review.how else { return };
        let review = candidate.reference.clone();
        let reason = Reason::Delta { review, from: from.clone(), files: files.clone() };
        let premises = files.iter().map(|file| self.want(file, Some(from))).collect();
        self.wait(id, reason, premises, vec![Arc::clone(candidate)], Vec::new());
    }

    fn add_relation(&mut self, id: NodeId, relation: &Relation, candidates: &[Arc<Candidate>]) {
        let (from, to) = (relation.from.clone(), relation.to.clone());
        if !relation.covers() {
            let unexplained = relation.unexplained.clone();
            let obstacle = Obstacle::Relation { from, to, unexplained };
            self.proof.node_mut(id).obstacles.push(obstacle);
            return;
        }
        let premises = vec![self.want(&relation.from, Some(&relation.version))];
        let compiled: Vec<_> = match relation.compiled.is_empty() {
            true => Vec::new(),
            false => {
                let of_compiled = |it: &&Arc<Candidate>| it.entry.review.how == How::Compiled;
                candidates.iter().filter(of_compiled).cloned().collect()
            }
        };
        let reason = Reason::Relation { from, compiled: None };
        self.wait(id, reason, premises, compiled, relation.compiled.clone());
    }

    fn add_trust(&mut self, id: NodeId, file: &FileId) {
        let checker = self.checker;
        let (project, criterion) = (self.proof.project.clone(), self.proof.criterion.clone());
        let trust = trust(checker.book, &project, &file.digest, &criterion, checker.now);
        let obstacles = trust.refusals.into_iter().map(Obstacle::Trust);
        self.proof.node_mut(id).obstacles.extend(obstacles);
        for (reason, before) in trust.reasons {
            let premises = before.iter().map(|file| self.want(file, version_of(file).as_ref()));
            let premises = premises.collect();
            self.wait(id, reason, premises, Vec::new(), Vec::new());
        }
    }

    fn wait(
        &mut self,
        node: NodeId,
        reason: Reason,
        mut premises: Vec<NodeId>,
        reviews: Vec<Arc<Candidate>>,
        compiled: Vec<String>,
    ) {
        premises.sort_unstable();
        premises.dedup();
        let left = premises.len();
        let compiled_missing = if reviews.is_empty() { compiled.clone() } else { Vec::new() };
        let edge = Edge { reason, premises, reviews, compiled_missing };
        self.waiting.push(Waiting { node, edge, compiled, left, is_refused: false });
    }

    fn support(&mut self, id: NodeId, edge: Edge) {
        let node = self.proof.node_mut(id);
        node.support = Some(edge);
        self.met.push(id);
    }

    /// From files that are met to files that they support, round by round. First without publishers; a
    /// second time with them, when differences are decided: trust in a publisher ends no chain of those.
    fn spread(&mut self) {
        let mut dependents: HashMap<NodeId, Vec<usize>> = HashMap::new();
        for (number, waiting) in self.waiting.iter().enumerate() {
            for premise in &waiting.edge.premises {
                dependents.entry(*premise).or_default().push(number);
            }
        }
        for with_publishers in [false, true] {
            let mut ready = Ready::new();
            for (number, waiting) in self.waiting.iter().enumerate() {
                if waiting.left == 0 && waiting.is_for(with_publishers) {
                    ready.entry(waiting.node).or_default().insert(number);
                }
            }
            let mut round = std::mem::take(&mut self.met);
            loop {
                self.pass_on(&round, &dependents, with_publishers, &mut ready);
                for (id, numbers) in std::mem::take(&mut ready) {
                    if !self.proof.is_met(id) {
                        self.decide(id, numbers);
                        let node = self.proof.node_mut(id);
                        node.is_by_publisher = with_publishers && node.support.is_some();
                    }
                }
                round = std::mem::take(&mut self.met);
                if round.is_empty() {
                    break;
                }
            }
        }
    }

    /// Tells those that wait for these files that they are met.
    fn pass_on(
        &mut self,
        round: &[NodeId],
        dependents: &HashMap<NodeId, Vec<usize>>,
        with_publishers: bool,
        ready: &mut Ready,
    ) {
        for number in round.iter().filter_map(|id| dependents.get(id)).flatten() {
            let waiting = &mut self.waiting[*number];
            if with_publishers && matches!(waiting.edge.reason, Reason::Delta { .. }) {
                continue;
            }
            waiting.left = waiting.left.saturating_sub(1);
            if waiting.left == 0 && waiting.is_for(with_publishers) {
                ready.entry(waiting.node).or_default().insert(*number);
            }
        }
    }

    /// All premises of these edges are met: the first whose signature counts supports the file.
    fn decide(&mut self, id: NodeId, numbers: BTreeSet<usize>) {
        for number in numbers {
            let waiting = &self.waiting[number];
            let is_open = waiting.edge.compiled_missing.is_empty() && !waiting.is_refused;
            if self.proof.is_met(id) || !is_open {
                continue;
            }
            if let Some(edge) = self.signed(number) {
                self.support(id, edge);
            }
        }
    }

    /// What supports the file if the premises do, with the first review whose signature counts.
    fn signed(&mut self, number: usize) -> Option<Edge> {
        let waiting = &mut self.waiting[number];
        let (id, reviews) = (waiting.node, std::mem::take(&mut waiting.edge.reviews));
        let signed = self.first_signed(id, &reviews);
        let waiting = &mut self.waiting[number];
        if signed.is_none() && !reviews.is_empty() {
            // A relation still may get a review of the compiled extensions; of a difference nothing is left.
            waiting.edge.compiled_missing.clone_from(&waiting.compiled);
            waiting.is_refused = waiting.compiled.is_empty();
            return None;
        }
        let mut edge = waiting.edge.clone();
        if let Reason::Relation { compiled, .. } = &mut edge.reason {
            *compiled = signed.as_ref().map(|it| it.reference.clone());
        }
        waiting.edge.reviews = signed.into_iter().collect();
        Some(edge)
    }

    /// What still waits is what a person may want to know of files that are not met. Of those that were
    /// asked for, signatures are verified now: nobody should wait for what will not count.
    fn keep_what_is_open(&mut self, asked: usize) {
        for number in 0..self.waiting.len() {
            let waiting = &self.waiting[number];
            let is_asked = (waiting.node.0 as usize) < asked;
            if is_asked && !self.proof.is_met(waiting.node) && !waiting.edge.reviews.is_empty() {
                self.signed(number);
            }
        }
        for waiting in std::mem::take(&mut self.waiting) {
            if !self.proof.is_met(waiting.node) && !waiting.is_refused {
                self.proof.node_mut(waiting.node).open.push(waiting.edge);
            }
        }
    }
}

/// The release that a file name says, for people.
pub(crate) fn version_of(file: &FileId) -> Option<Version> {
    DistributionFilename::parse(&file.name).ok().map(|name| name.version().clone())
}
