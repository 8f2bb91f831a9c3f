//! Why nothing does, in words that a person can act on.
//!
//! The solver's proof is a tree of derivations. What a person needs of it are its leaves: who wants
//! what, and which releases are no choice for which reason. They contradict each other, as the
//! proof shows; its steps in between say nothing new. So the leaves are told in the order in which
//! one leads to the next, from the wishes on, and then the requirements that exclude each other.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use countermark_packaging::name::ProjectName;
use pubgrub::{DerivationTree, External, VersionSet as _};

use super::asked::shown;
use super::package::{By, Edge, Package};
use super::positions::Positions;
use super::provider::Provider;
use super::universe::{Origin, Universe};

mod hints;
mod words;

/// The most lines of an explanation.
const LINES: usize = 40;

/// The deepest indentation, and the longest way that is told.
const DEPTH: usize = 8;
const WAY: usize = 200;

/// The most pairs of requirements that are shown to exclude each other.
const PAIRS: usize = 3;

/// The most requirements of one project that are compared with each other.
const COMPARED: usize = 200;

/// Why no set of releases does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation {
    /// Who wants what and which releases are no choice, in the order in which one leads to the
    /// other; indented by two spaces for each step from a wish. Bounded.
    pub lines: Vec<String>,
    /// The requirements that exclude each other, a sentence each.
    pub conflicts: Vec<String>,
    /// What could be done.
    pub hints: Vec<String>,
}

impl fmt::Display for Explanation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.lines.iter().chain(&self.conflicts);
        formatter.write_str(&lines.map(String::as_str).collect::<Vec<_>>().join("\n"))
    }
}

type Tree = DerivationTree<Package, Positions, String>;

pub(super) fn explain(provider: &Provider<'_>, tree: Tree) -> Explanation {
    let mut facts = Facts { provider, wanted: BTreeMap::new(), refused: BTreeMap::new() };
    for leaf in leaves(&tree) {
        facts.add(leaf);
    }
    dismantle(tree);
    facts.explanation()
}

/// The leaves of the proof, each once: parts of the tree are shared.
fn leaves(tree: &Tree) -> Vec<&External<Package, Positions, String>> {
    let mut leaves = Vec::new();
    let mut seen = HashSet::new();
    let mut waiting = vec![tree];
    while let Some(tree) = waiting.pop() {
        match tree {
            DerivationTree::External(external) => leaves.push(external),
            DerivationTree::Derived(derived) => {
                for cause in [&derived.cause2, &derived.cause1] {
                    if seen.insert(Arc::as_ptr(cause)) {
                        waiting.push(cause);
                    }
                }
            }
        }
    }
    leaves
}

/// Takes a tree apart from the top. Dropping it whole would recurse as deep as it is.
fn dismantle(tree: Tree) {
    let mut waiting = vec![tree];
    while let Some(tree) = waiting.pop() {
        if let DerivationTree::Derived(derived) = tree {
            waiting
                .extend([derived.cause1, derived.cause2].into_iter().filter_map(Arc::into_inner));
        }
    }
}

/// What the leaves say.
struct Facts<'a> {
    provider: &'a Provider<'a>,
    /// Who wants which project how, in which releases.
    wanted: BTreeMap<(Package, ProjectName), BTreeMap<Want, Wanting>>,
    /// The releases that are no choice.
    refused: BTreeMap<ProjectName, BTreeMap<No, BTreeSet<u32>>>,
}

/// A requirement in words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Want {
    /// `lib>=2`.
    text: String,
    /// The place of the wish or the override.
    place: Option<String>,
    is_override: bool,
}

/// What a requirement accepts, and in which releases it stands.
#[derive(Debug)]
struct Wanting {
    accepted: Positions,
    releases: BTreeSet<u32>,
}

/// Why a release is no choice, in the order in which reasons are told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum No {
    /// What it says of itself.
    Reason(String),
    /// Its own reason, in words.
    Unusable(words::Sentence),
}

impl Facts<'_> {
    fn add(&mut self, leaf: &External<Package, Positions, String>) {
        match leaf {
            External::NotRoot(..) => {}
            External::NoVersions(package, set) => {
                let Some(universe) = self.universe(package) else { return };
                for position in set.below(universe.count()) {
                    if let Err(reason) = universe.usable(position, self.provider.asked) {
                        let sentence = words::sentence(reason, self.provider.asked);
                        self.refuse(&universe, No::Unusable(sentence), position);
                    }
                }
            }
            External::Custom(package, set, reason) => {
                let Some(universe) = self.universe(package) else { return };
                for position in set.below(universe.count()) {
                    self.refuse(&universe, No::Reason(reason.clone()), position);
                }
            }
            External::FromDependencyOf(package, set, wanted, accepted) => {
                self.add_wants(package, set, wanted, accepted);
            }
        }
    }

    fn refuse(&mut self, universe: &Universe, no: No, position: u32) {
        let reasons = self.refused.entry(universe.project.clone()).or_default();
        reasons.entry(no).or_default().insert(position);
    }

    fn add_wants(
        &mut self,
        package: &Package,
        set: &Positions,
        wanted: &Package,
        accepted: &Positions,
    ) {
        let Some(name) = wanted.project().filter(|name| package.project() != Some(name)) else {
            return;
        };
        let count = self.universe(package).map_or(1, |universe| universe.count());
        for position in set.below(count) {
            let Some(Ok(edges)) = self.provider.known_edges(package, position) else { continue };
            for edge in edges.iter().filter(|edge| &edge.requirement.name == name) {
                if self.accepted(edge).is_some_and(|set| set == *accepted) {
                    let key = (package.clone(), name.clone());
                    let wants = self.wanted.entry(key).or_default();
                    let wanting = wants.entry(Want::new(edge)).or_insert_with(|| Wanting {
                        accepted: accepted.clone(),
                        releases: BTreeSet::new(),
                    });
                    wanting.releases.insert(position);
                }
            }
        }
    }

    fn universe(&self, package: &Package) -> Option<Rc<Universe>> {
        self.provider.universe(package.project()?).ok()
    }

    fn accepted(&self, edge: &Edge) -> Option<Positions> {
        let universe = self.provider.universe(&edge.requirement.name).ok()?;
        Some(universe.accepted(&edge.requirement.source))
    }

    fn explanation(&self) -> Explanation {
        let mut lines = Vec::new();
        let mut told = HashSet::new();
        self.tell(&Package::Root, 0, &mut lines, &mut told);
        // What is reached in no other way, such as through a requirement of another extra.
        let subjects: BTreeSet<&Package> = self.wanted.keys().map(|(subject, _)| subject).collect();
        for subject in subjects {
            self.tell(subject, 0, &mut lines, &mut told);
        }
        if lines.len() > LINES {
            let more = lines.len() - LINES;
            lines.truncate(LINES);
            lines.push(format!("… and {more} more requirements of that kind"));
        }
        Explanation { lines, conflicts: self.conflicts(), hints: hints::hints(self) }
    }

    /// Tells what a package wants, and of each project that is wanted what is told of it.
    fn tell(
        &self,
        subject: &Package,
        depth: usize,
        lines: &mut Vec<String>,
        told: &mut HashSet<Package>,
    ) {
        if !told.insert(subject.clone()) || depth > WAY {
            return;
        }
        let indent = "  ".repeat(depth.min(DEPTH));
        for ((_, name), wants) in self.wanted.iter().filter(|((by, _), _)| by == subject) {
            for line in self.wants(subject, name, wants) {
                lines.push(format!("{indent}{line}"));
            }
            let project = Package::Project(name.clone());
            if !told.contains(&project) {
                for line in self.refusals(name) {
                    lines.push(format!("{indent}  {line}"));
                }
            }
            let extras = self
                .wanted
                .keys()
                .map(|(by, _)| by)
                .filter(|by| matches!(by, Package::Extra(of, _) if of == name));
            for next in std::iter::once(&project).chain(extras) {
                self.tell(next, depth + 1, lines, told);
            }
        }
    }

    /// What a package wants of a project: a line a requirement, or one for many.
    fn wants(
        &self,
        subject: &Package,
        name: &ProjectName,
        wants: &BTreeMap<Want, Wanting>,
    ) -> Vec<String> {
        let Some(universe) = self.universe(subject) else {
            return wants.iter().map(|(want, found)| self.wish(name, want, found)).collect();
        };
        let (overriding, own): (Vec<_>, Vec<_>) =
            wants.iter().partition(|(want, _)| want.is_override);
        let wish = |(want, found): &(&Want, &Wanting)| self.wish(name, want, found);
        let mut lines: Vec<String> = overriding.iter().map(wish).collect();
        let asked = self.provider.asked;
        if own.len() <= 2 {
            lines.extend(own.iter().map(|(want, found)| {
                let (releases, many) = words::releases(subject, &universe, &found.releases, asked);
                let verb = if many { "require" } else { "requires" };
                format!("{releases} {verb} `{}`{}", want.text, self.missing(name, found))
            }));
            return lines;
        }
        let all = own.iter().flat_map(|(_, found)| found.releases.iter().copied()).collect();
        let releases = words::releases(subject, &universe, &all, asked).0;
        let each = match releases.strip_prefix("every release of ") {
            Some(project) => format!("each release of {project}"),
            None => format!("each of {releases}"),
        };
        let at = |end: Option<&u32>| {
            let position = end?;
            let (want, _) = own.iter().find(|(_, found)| found.releases.contains(position))?;
            Some(format!("`{}` ({})", want.text, universe.version(*position)))
        };
        let first = at(all.first()).unwrap_or_default();
        let last = at(all.last()).unwrap_or_default();
        lines.push(format!("{each} requires another `{name}`, from {first} to {last}"));
        lines
    }

    /// A wish or an override.
    fn wish(&self, name: &ProjectName, want: &Want, found: &Wanting) -> String {
        let verb = if want.is_override { "overrides with" } else { "wants" };
        let place = want.place.as_deref().unwrap_or("somebody");
        format!("{place} {verb} `{}`{}", want.text, self.missing(name, found))
    }

    /// Why no release satisfies a requirement at all, as the end of its sentence.
    fn missing(&self, name: &ProjectName, found: &Wanting) -> String {
        let Ok(universe) = self.provider.universe(name) else { return String::new() };
        match &universe.origin {
            Origin::Missing(error) => format!(", but {error}"),
            Origin::Url(..) | Origin::Index(_) => {
                words::nothing_satisfies(&universe, &found.accepted)
            }
        }
    }

    fn refusals(&self, name: &ProjectName) -> Vec<String> {
        let Ok(universe) = self.provider.universe(name) else { return Vec::new() };
        let Some(reasons) = self.refused.get(name) else { return Vec::new() };
        let package = Package::Project(name.clone());
        let lines = reasons.iter().map(|(no, positions)| {
            let (releases, many) =
                words::releases(&package, &universe, positions, self.provider.asked);
            match no {
                No::Reason(reason) if many => format!("each of {releases} {reason}"),
                No::Reason(reason) => format!("{releases} {reason}"),
                No::Unusable(sentence) => sentence.about(&releases, many),
            }
        });
        lines.collect()
    }

    /// Requirements of different packages that no release satisfies together.
    fn conflicts(&self) -> Vec<String> {
        let mut conflicts = Vec::new();
        let mut by_name = BTreeMap::<_, Vec<_>>::new();
        for ((by, name), wants) in &self.wanted {
            by_name.entry(name).or_default().extend(wants.iter().map(|want| (by, want)));
        }
        for (name, mut wants) in by_name {
            wants.truncate(COMPARED);
            for (index, left) in wants.iter().enumerate() {
                for right in &wants[index + 1..] {
                    let is_alternative = left.0 == right.0 && *left.0 != Package::Root;
                    if !is_alternative && self.exclude(name, left.1, right.1) {
                        conflicts.push(format!(
                            "no release of `{name}` does for both {} and {}",
                            self.wanted_by(left.0, left.1),
                            self.wanted_by(right.0, right.1),
                        ));
                    }
                }
            }
        }
        if conflicts.len() > PAIRS {
            let more = conflicts.len() - PAIRS;
            conflicts.truncate(PAIRS);
            conflicts.push(format!("… and {more} more pairs of that kind"));
        }
        conflicts
    }

    /// Whether releases exist for each of two requirements, and none for both.
    fn exclude(
        &self,
        name: &ProjectName,
        left: (&Want, &Wanting),
        right: (&Want, &Wanting),
    ) -> bool {
        let Ok(universe) = self.provider.universe(name) else { return false };
        let exists = |set: &Positions| set.below(universe.count()).next().is_some();
        let (left, right) = (&left.1.accepted, &right.1.accepted);
        exists(left) && exists(right) && !exists(&left.intersection(right))
    }

    fn wanted_by(&self, subject: &Package, (want, found): (&Want, &Wanting)) -> String {
        let asked = self.provider.asked;
        let by = match (self.universe(subject), &want.place) {
            (Some(universe), None) => words::releases(subject, &universe, &found.releases, asked).0,
            (_, place) => place.clone().unwrap_or_default(),
        };
        format!("`{}` ({by})", want.text)
    }
}

impl Want {
    fn new(edge: &Edge) -> Self {
        let text = shown(&edge.requirement);
        match &edge.by {
            By::Wish(place, _) => Self { text, place: Some(place.clone()), is_override: false },
            By::Override(place, _) => Self { text, place: Some(place.clone()), is_override: true },
            By::Release => Self { text, place: None, is_override: false },
        }
    }
}
