//! What to read of one project.
//!
//! Its failing files, and files that would help them, are the nodes of a graph. From the root, which is
//! nothing, leads a full reading to each; from each file a difference to others; relations and reviews
//! that only wait for another file are free. What has to be read is the cheapest arborescence.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use countermark_packaging::digest::Sha256;
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;

use super::arborescence::{Arc, arborescence};
use super::bases::{Base, MOST_BASES, bases, is_same_kind};
use super::{Costs, Step, StepHow};
use crate::check::judgement::Required;
use crate::check::proof::Node as Looked;
use crate::check::{Checker, Judgement, Reason};
use crate::criteria::CriterionName;
use crate::file::FileId;

/// So many files that nobody asked for are looked at as helpers.
const MOST_HELPERS: usize = 24;

/// What a full reading is taken to cost when nobody counted its lines; more than any that was counted.
const UNKNOWN_FULL: u64 = 1 << 50;

/// The same of a difference: less than a full reading.
const UNKNOWN_DELTA: u64 = 1 << 49;

/// The same of compiled extensions.
const UNKNOWN_COMPILED: u64 = 1 << 48;

/// A file that is to meet something.
struct Node {
    file: FileId,
    version: Option<Version>,
    /// What a review of it has to say.
    missing: BTreeSet<CriterionName>,
    /// What it meets already.
    met: BTreeSet<CriterionName>,
    is_target: bool,
}

/// A way to a file.
#[derive(Clone)]
struct Way {
    from: Option<usize>,
    to: usize,
    weight: i128,
    /// What is to be done; nothing where it is free.
    how: Option<StepHow>,
    lines: Option<u64>,
}

/// The cheapest steps that make the targets meet what they lack, in an order in which they can be done.
pub(super) fn steps(
    checker: &Checker<'_>,
    project: &ProjectName,
    targets: &[&Judgement],
    passing: &[&Judgement],
    costs: &dyn Costs,
) -> Vec<Step> {
    let mut graph = Graph { nodes: Vec::new(), ways: Vec::new(), numbers: HashMap::new(), costs };
    let all: BTreeSet<CriterionName> =
        targets.iter().flat_map(|it| it.missing().cloned()).collect();
    graph.add_targets(targets);
    graph.add_helpers(targets, &all);
    let asked: Vec<CriterionName> = all.iter().cloned().collect();
    let bases = bases(checker, project, targets, passing, &asked);
    graph.add_readings(&bases);
    graph.add_waiting(checker, targets);
    graph.ways.sort_by(|one, other| {
        (one.to, one.weight, one.from).cmp(&(other.to, other.weight, other.from))
    });
    let chosen = graph.choose();
    graph.steps(checker, project, &chosen)
}

/// From which file, to which, and by which relation where compiled extensions are left over.
type WaitingKey = (Option<usize>, usize, Option<FileId>);

struct Graph<'c> {
    nodes: Vec<Node>,
    ways: Vec<Way>,
    numbers: HashMap<Sha256, usize>,
    costs: &'c dyn Costs,
}

impl Graph<'_> {
    fn add_targets(&mut self, targets: &[&Judgement]) {
        for target in targets {
            let name = target.subject.file.clone().unwrap_or_default();
            // What rests on a publisher is no beginning of a difference.
            let met = target.required.iter().filter(|it| it.is_met() && !it.is_by_publisher());
            self.add(Node {
                file: FileId { name, digest: target.subject.digest },
                version: Some(target.subject.version.clone()),
                missing: target.missing().cloned().collect(),
                met: met.map(|it| it.criterion.clone()).collect(),
                is_target: true,
            });
        }
    }

    /// Files that reviews and relations of the targets wait for, directly or by way of others.
    fn add_helpers(&mut self, targets: &[&Judgement], all: &BTreeSet<CriterionName>) {
        let mut found: BTreeMap<Sha256, (FileId, Option<Version>)> = BTreeMap::new();
        for required in targets.iter().flat_map(|it| &it.required).filter(|it| !it.is_met()) {
            for node in
                required.looked_at().filter(|it| it.support.is_none() && it.known_bad.is_empty())
            {
                let known = (node.file.clone(), node.version.clone());
                found.entry(node.file.digest).or_insert(known);
            }
        }
        let new = found.into_iter().filter(|(digest, _)| !self.numbers.contains_key(digest));
        for (_, (file, version)) in new.take(MOST_HELPERS).collect::<Vec<_>>() {
            let (missing, met) = (all.clone(), BTreeSet::new());
            self.add(Node { file, version, missing, met, is_target: false });
        }
    }

    fn add(&mut self, node: Node) {
        self.numbers.insert(node.file.digest, self.nodes.len());
        self.nodes.push(node);
    }

    /// Full readings, and differences from files that are vouched for or will be.
    fn add_readings(&mut self, bases: &[Base]) {
        let places = self.places();
        for to in 0..self.nodes.len() {
            let node = &self.nodes[to];
            let full = self.costs.full(&node.file);
            let mut ways = vec![Way {
                from: None,
                to,
                weight: weight(full.unwrap_or(UNKNOWN_FULL), true),
                how: Some(StepHow::Full),
                lines: full,
            }];
            let good = bases.iter().filter(|base| {
                node.missing.is_subset(&base.met)
                    && is_same_kind(&base.file.name, Some(&node.file.name))
            });
            let from_bases = good.map(|base| (None, &base.file, base.version.as_ref()));
            ways.extend(from_bases.map(|from| self.delta(from, to)));
            let others = self.neighbours(&places, to).into_iter();
            let from_others = others.map(|from| {
                let other = &self.nodes[from];
                (Some(from), &other.file, other.version.as_ref())
            });
            ways.extend(from_others.map(|from| self.delta(from, to)));
            self.ways.extend(ways);
        }
    }

    /// Where the release of each file stands among those of all.
    fn places(&self) -> Vec<usize> {
        let mut versions: Vec<_> = self.nodes.iter().map(|it| &it.version).collect();
        versions.sort_unstable();
        versions.dedup();
        let place = |node: &Node| versions.partition_point(|it| **it < node.version);
        self.nodes.iter().map(place).collect()
    }

    /// Files nearest by version that, once read, say all that this one lacks.
    fn neighbours(&self, places: &[usize], to: usize) -> Vec<usize> {
        let node = &self.nodes[to];
        let mut found: Vec<usize> = (0..self.nodes.len())
            .filter(|from| {
                let other = &self.nodes[*from];
                let says =
                    |it: &CriterionName| other.missing.contains(it) || other.met.contains(it);
                *from != to
                    && other.version != node.version
                    && node.missing.iter().all(says)
                    && is_same_kind(&other.file.name, Some(&node.file.name))
            })
            .collect();
        found.sort_by_key(|from| places[*from].abs_diff(places[to]));
        found.truncate(MOST_BASES);
        found
    }

    fn delta(&self, from: (Option<usize>, &FileId, Option<&Version>), to: usize) -> Way {
        let (number, file, version) = from;
        let lines = self.costs.delta(file, &self.nodes[to].file);
        Way {
            from: number,
            to,
            weight: weight(lines.unwrap_or(UNKNOWN_DELTA), false),
            how: Some(StepHow::Delta { version: version.cloned(), file: file.clone() }),
            lines,
        }
    }

    /// What is there already and only waits for another file, or for a word about compiled extensions.
    fn add_waiting(&mut self, checker: &Checker<'_>, targets: &[&Judgement]) {
        // A way has to do for every criterion that its end lacks.
        let mut found: BTreeMap<WaitingKey, BTreeSet<CriterionName>> = BTreeMap::new();
        for required in targets.iter().flat_map(|it| &it.required).filter(|it| !it.is_met()) {
            for (key, criterion) in self.waiting(checker, required) {
                found.entry(key).or_default().insert(criterion);
            }
        }
        for ((from, to, compiled), criteria) in found {
            if from == Some(to) || !self.nodes[to].missing.is_subset(&criteria) {
                continue;
            }
            let is_enough = |from: usize| {
                let other = &self.nodes[from];
                self.nodes[to]
                    .missing
                    .iter()
                    .all(|it| other.missing.contains(it) || other.met.contains(it))
            };
            if from.is_some_and(|from| !is_enough(from)) {
                continue;
            }
            let way = match compiled {
                None => Way { from, to, weight: 0, how: None, lines: Some(0) },
                Some(by) => {
                    let lines = self.costs.compiled(&self.nodes[to].file);
                    let weight = weight(lines.unwrap_or(UNKNOWN_COMPILED), false);
                    Way { from, to, weight, how: Some(StepHow::Compiled { by }), lines }
                }
            };
            self.ways.push(way);
        }
    }

    fn waiting(
        &self,
        checker: &Checker<'_>,
        required: &Required,
    ) -> Vec<(WaitingKey, CriterionName)> {
        let mut ways = Vec::new();
        for node in required.looked_at().filter(|it| it.support.is_none()) {
            let Some(to) = self.numbers.get(&node.file.digest) else { continue };
            for edge in &node.open {
                let unmet = edge.premises.iter().map(|id| required.proof.node(*id));
                let is_delta = matches!(edge.reason, Reason::Delta { .. });
                let lacks = |it: &&Looked| it.support.is_none() || (is_delta && it.is_by_publisher);
                let unmet: Vec<_> = unmet.filter(lacks).collect();
                let is_signed = edge.reviews.iter().any(|it| checker.verified(it).is_ok());
                // What rests on a publisher by way of a relation is no beginning of a difference either, and
                // a step of this plan may have to be one: it is read instead.
                let mut premises = edge.premises.iter().map(|id| required.proof.node(*id));
                let is_relation = matches!(edge.reason, Reason::Relation { .. });
                if is_relation && premises.any(|it| it.support.is_some() && it.is_by_publisher) {
                    continue;
                }
                let compiled = match &edge.reason {
                    Reason::Relation { from, .. }
                        if !edge.compiled_missing.is_empty()
                            || (!edge.reviews.is_empty() && !is_signed) =>
                    {
                        Some(from.clone())
                    }
                    // A review that will not count is nothing to wait for.
                    Reason::Delta { .. } if !is_signed => continue,
                    // Reading an older release so that a publisher may stand for a newer one is no plan, and
                    // no difference may start there.
                    Reason::Trusted { .. } => continue,
                    _ => None,
                };
                // What waits for several files at once is not looked at: the way to one of them is no
                // way to the end.
                let from = match unmet.as_slice() {
                    [] => None,
                    [one] => match self.numbers.get(&one.file.digest) {
                        Some(from) => Some(*from),
                        None => continue,
                    },
                    _ => continue,
                };
                if from.is_some() || compiled.is_some() {
                    ways.push(((from, *to, compiled), required.criterion.clone()));
                }
            }
        }
        ways
    }

    /// The cheapest ways to all targets, with those helpers that make it cheaper.
    fn choose(&self) -> Vec<Way> {
        let targets: BTreeSet<usize> =
            (0..self.nodes.len()).filter(|it| self.nodes[*it].is_target).collect();
        let (mut used, mut best) = (targets.clone(), self.tree(&targets));
        loop {
            let helpers = (0..self.nodes.len()).filter(|it| !used.contains(it));
            let tried = helpers.filter_map(|helper| {
                let mut with = used.clone();
                with.insert(helper);
                let (weight, ways) = self.tree(&with);
                (weight < best.0).then_some((weight, helper, ways))
            });
            let Some((weight, helper, ways)) =
                tried.min_by_key(|(weight, helper, _)| (*weight, *helper))
            else {
                return best.1;
            };
            used.insert(helper);
            best = (weight, ways);
        }
    }

    /// The cheapest arborescence over some of the nodes.
    fn tree(&self, used: &BTreeSet<usize>) -> (i128, Vec<Way>) {
        let numbers: HashMap<usize, usize> = used.iter().copied().zip(1..).collect();
        let mut ways = Vec::new();
        let mut arcs = Vec::new();
        for way in &self.ways {
            let from = way.from.map_or(Some(0), |from| numbers.get(&from).copied());
            if let (Some(from), Some(to)) = (from, numbers.get(&way.to)) {
                arcs.push(Arc { from, to: *to, weight: way.weight });
                ways.push(way);
            }
        }
        // A full reading leads to every node, so there always is one.
        let chosen = arborescence(used.len() + 1, 0, &arcs).unwrap_or_default();
        let chosen: Vec<Way> = chosen.into_iter().flatten().map(|it| ways[it].clone()).collect();
        (chosen.iter().map(|way| way.weight).sum(), chosen)
    }

    /// From the root outwards, so that each step finds what it starts from.
    fn steps(&self, checker: &Checker<'_>, project: &ProjectName, chosen: &[Way]) -> Vec<Step> {
        let mut after: BTreeMap<Option<usize>, Vec<&Way>> = BTreeMap::new();
        for way in chosen {
            after.entry(way.from).or_default().push(way);
        }
        let mut steps = Vec::new();
        let mut open = std::collections::VecDeque::from([None]);
        while let Some(from) = open.pop_front() {
            for way in after.get(&from).into_iter().flatten() {
                open.push_back(Some(way.to));
                let Some(how) = &way.how else { continue };
                let node = &self.nodes[way.to];
                steps.push(Step {
                    project: project.clone(),
                    version: node.version.clone(),
                    file: node.file.clone(),
                    how: how.clone(),
                    criteria: strongest(checker, &node.missing),
                    lines: way.lines,
                    full_lines: self.costs.full(&node.file),
                });
            }
        }
        steps
    }
}

/// Lines, and of two ways with as many the one that is no full reading.
fn weight(lines: u64, is_full: bool) -> i128 {
    i128::from(lines.min(UNKNOWN_FULL)) * 2 + i128::from(is_full)
}

/// Without those that another one implies.
fn strongest(checker: &Checker<'_>, missing: &BTreeSet<CriterionName>) -> Vec<CriterionName> {
    let criteria = &checker.book().ledger.criteria;
    let implies =
        |one: &CriterionName, other: &CriterionName| criteria.implied(one).any(|it| it == other);
    let mut kept: Vec<CriterionName> = Vec::new();
    for name in missing {
        let is_implied = missing.iter().any(|other| {
            // Of two that imply each other the first is kept.
            other != name && implies(other, name) && (!implies(name, other) || other < name)
        });
        if !is_implied {
            kept.push(name.clone());
        }
    }
    kept
}
