//! The simplest marker that is true on some targets and false on the others.
//!
//! A comparison is known by the set of targets on which it is true, found by evaluating it. What is
//! looked for is the cheapest disjunction of conjunctions whose set is the one that is wanted:
//! exactly with one or two conjunctions, with more of them by taking what covers most.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};

use countermark_packaging::marker::{Marker, MarkerEnvironment};
use countermark_packaging::version::Version;

use crate::target::Target;

/// Targets, one bit each.
type Mask = u128;

/// The most comparisons in one conjunction.
const DEPTH: usize = 4;

/// The most conjunctions that are combined in pairs.
const MAXIMUM_TERMS: usize = 2000;

/// Finds markers for sets of the same targets.
pub(super) struct Separator {
    count: usize,
    comparisons: Vec<Comparison>,
    found: HashMap<Mask, Option<Marker>>,
}

/// A comparison, and where it is true.
struct Comparison {
    text: String,
    mask: Mask,
    cost: usize,
}

/// Comparisons that must all hold, by their index, increasing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Term {
    cost: usize,
    parts: Vec<usize>,
    mask: Mask,
}

impl Separator {
    pub(super) fn new(targets: &[Target]) -> Self {
        let environments: Vec<&MarkerEnvironment> =
            targets.iter().map(|target| &target.markers).collect();
        Self {
            count: targets.len(),
            comparisons: comparisons(&environments),
            found: HashMap::new(),
        }
    }

    /// The marker that is true on exactly these targets; none when they are all.
    ///
    /// # Errors
    /// With one target that is among them and one that is not, which nothing tells apart.
    pub(super) fn marker(&mut self, on: &[usize]) -> Result<Option<Marker>, (usize, usize)> {
        let wanted = on.iter().fold(0, |mask: Mask, target| mask | 1 << target);
        if on.len() == self.count {
            return Ok(None);
        }
        if let Some(found) = self.found.get(&wanted) {
            return Ok(found.clone());
        }
        for &inside in on {
            for outside in (0..self.count).filter(|outside| wanted >> outside & 1 == 0) {
                let differ =
                    |term: &Comparison| (term.mask >> inside ^ term.mask >> outside) & 1 == 1;
                if !self.comparisons.iter().any(differ) {
                    return Err((inside, outside));
                }
            }
        }
        let marker = Marker::parse(&self.expression(wanted)).ok();
        self.found.insert(wanted, marker.clone());
        Ok(marker)
    }

    fn expression(&self, wanted: Mask) -> String {
        let terms = self.terms_within(wanted);
        let exact = terms.iter().filter(|term| term.mask == wanted).min();
        let chosen = match exact {
            Some(term) => vec![term],
            None => pair(&terms, wanted).unwrap_or_else(|| cover(&terms, wanted)),
        };
        let text = |term: &&Term| {
            let parts = term.parts.iter().map(|&part| self.comparisons[part].text.as_str());
            parts.collect::<Vec<_>>().join(" and ")
        };
        chosen.iter().map(text).collect::<Vec<_>>().join(" or ")
    }

    /// The conjunctions that are true on nothing but wanted targets; of those with the same
    /// targets the cheapest, and none that another one makes needless.
    fn terms_within(&self, wanted: Mask) -> Vec<Term> {
        let mut best = BTreeMap::<Mask, Term>::new();
        let everything = Term { cost: 0, parts: Vec::new(), mask: Mask::MAX };
        let mut open = BTreeMap::from([(Mask::MAX, everything)]);
        for depth in 1..=self.comparisons.len() {
            let mut longer = BTreeMap::new();
            for term in open.values() {
                for (index, next) in self.comparisons.iter().enumerate() {
                    let mask = term.mask & next.mask;
                    // What changes nothing, or leaves nothing, is no part of a simplest marker.
                    if mask == term.mask || mask & wanted == 0 {
                        continue;
                    }
                    let found = if mask & !wanted == 0 { &mut best } else { &mut longer };
                    keep_cheaper(found, term.and(index, next));
                }
            }
            let covered = best.keys().fold(0, |covered, mask| covered | mask);
            // Longer ones are needed only where nothing short covers a target.
            if longer.is_empty() || depth >= DEPTH && covered == wanted {
                break;
            }
            open = longer;
        }
        let mut terms: Vec<Term> = best.into_values().collect();
        terms.sort();
        let needless = |term: &Term| {
            terms.iter().any(|other| {
                other.mask != term.mask && term.mask & !other.mask == 0 && other.cost <= term.cost
            })
        };
        let needed = terms.iter().filter(|term| !needless(term));
        needed.take(MAXIMUM_TERMS).cloned().collect()
    }
}

impl Term {
    fn and(&self, index: usize, next: &Comparison) -> Self {
        let mut parts = self.parts.clone();
        parts.insert(parts.partition_point(|&part| part < index), index);
        Self { cost: self.cost + next.cost, parts, mask: self.mask & next.mask }
    }
}

fn keep_cheaper(terms: &mut BTreeMap<Mask, Term>, term: Term) {
    match terms.entry(term.mask) {
        Entry::Vacant(entry) => {
            entry.insert(term);
        }
        Entry::Occupied(mut entry) if term < *entry.get() => {
            entry.insert(term);
        }
        Entry::Occupied(_) => {}
    }
}

/// The cheapest two that cover what is wanted.
fn pair(terms: &[Term], wanted: Mask) -> Option<Vec<&Term>> {
    let mut best: Option<(usize, Vec<&Term>)> = None;
    for (index, first) in terms.iter().enumerate() {
        for second in &terms[index + 1..] {
            let cost = first.cost + second.cost;
            let is_better = best.as_ref().is_none_or(|(known, _)| cost < *known);
            if is_better && first.mask | second.mask == wanted {
                best = Some((cost, vec![first, second]));
            }
        }
    }
    best.map(|(_, terms)| terms)
}

/// Takes the one that covers most of what is left, until nothing is.
fn cover(terms: &[Term], wanted: Mask) -> Vec<&Term> {
    let mut chosen: Vec<&Term> = Vec::new();
    let mut left = wanted;
    while left != 0 {
        let gain = |term: &&Term| ((term.mask & left).count_ones(), std::cmp::Reverse(term.cost));
        let Some(next) = terms.iter().max_by_key(gain).filter(|term| term.mask & left != 0) else {
            break;
        };
        left &= !next.mask;
        chosen.push(next);
    }
    chosen
}

/// Every comparison that is true on some of the environments, cheapest first.
fn comparisons(environments: &[&MarkerEnvironment]) -> Vec<Comparison> {
    // What people know best comes first; what follows from it is a last resort.
    type Read = fn(&MarkerEnvironment) -> &String;
    let variables: [(&str, bool, Read); 9] = [
        ("sys_platform", false, |e| &e.sys_platform),
        ("python_version", true, |e| &e.python_version),
        ("platform_machine", false, |e| &e.platform_machine),
        ("implementation_name", false, |e| &e.implementation_name),
        ("python_full_version", true, |e| &e.python_full_version),
        ("implementation_version", true, |e| &e.implementation_version),
        ("platform_python_implementation", false, |e| &e.platform_python_implementation),
        ("platform_system", false, |e| &e.platform_system),
        ("os_name", false, |e| &e.os_name),
    ];
    let mut comparisons = Vec::new();
    for (rank, (name, is_version, read)) in variables.into_iter().enumerate() {
        let mut values: Vec<&String> = environments.iter().map(|e| read(e)).collect();
        values.sort_by_key(|value| (value.parse::<Version>().ok(), *value));
        values.dedup();
        let operators: &[&str] = if is_version { &[">=", "<", "==", "!="] } else { &["==", "!="] };
        for value in values.iter().filter(|_| values.len() > 1) {
            for (order, operator) in operators.iter().enumerate() {
                let Some(text) = compare(name, operator, value) else { continue };
                let cost = 100 + 10 * rank + order;
                comparisons.extend(evaluated(text, cost, environments));
            }
        }
    }
    comparisons
}

/// The targets on which a comparison is true; none when it has no meaning, or is the same on all.
fn evaluated(text: String, cost: usize, environments: &[&MarkerEnvironment]) -> Option<Comparison> {
    let marker = Marker::parse(&text).ok()?;
    let mut mask = 0;
    for (index, environment) in environments.iter().enumerate() {
        mask |= Mask::from(marker.evaluate(environment, &[]).ok()?) << index;
    }
    let is_telling = mask != 0 && mask.count_ones() as usize != environments.len();
    is_telling.then_some(Comparison { text, mask, cost })
}

/// `name == "value"`, if the grammar has a way to write the value.
pub(super) fn equals(name: &str, value: &str) -> Option<String> {
    compare(name, "==", value)
}

fn compare(name: &str, operator: &str, value: &str) -> Option<String> {
    let quote = if value.contains('"') { '\'' } else { '"' };
    let text = format!("{name} {operator} {quote}{value}{quote}");
    Marker::parse(&text).is_ok().then_some(text)
}
