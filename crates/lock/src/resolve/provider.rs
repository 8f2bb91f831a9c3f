//! What the solver asks: which release of a project to try, and what it requires.
//!
//! An extra is a package of its own that requires the project in the same version and what its
//! marker adds; the solver then needs no notion of extras. Priorities are uv's: what is certain
//! first, then what was in many conflicts, then the order in which projects came up.
//!
//! A project with many conflicts may come too late to be tried before what it conflicts with: the
//! solver then walks through all its releases down to one so old that it requires nothing. So the
//! search begins anew with that project in front. Everything that was asked is remembered, and
//! each project does this once.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use countermark_packaging::marker::{EvaluationError, Marker};
use countermark_packaging::name::{ExtraName, ProjectName};
use countermark_packaging::requirement::{Requirement, VersionOrUrl};
use pubgrub::{Dependencies, DependencyProvider, PackageResolutionStatistics, VersionSet as _};

use super::asked::{Asked, place, shown};
use super::package::{By, Edge, Package, Reason};
use super::positions::Positions;
use super::universe::{Origin, Universe};
use super::urls::UrlPins;
use crate::catalogue::{Catalogue, CatalogueError, Requires};
use crate::wish::Wish;

/// After so many conflicts a project is decided earlier than those that nothing is known of.
const CONFLICTS: u32 = 5;

/// How often the search begins anew for that reason.
const RESTARTS: usize = 50;

/// Steps after which a search is given up. A step is a decision or what follows from one, so a lock
/// of a hundred projects takes some hundred. There are requirements for which no search of this kind
/// ends while anybody waits; that of a hostile index may be one of them.
const STEPS: usize = 50_000;

/// After so many tried releases of one project, the metadata of more of them is asked for ahead;
/// each time twice as many.
const TRIED: usize = 4;

/// What ends a resolution without an answer.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    #[error("interrupted")]
    Interrupted,
    #[error("given up after {STEPS} steps")]
    TooHard,
    /// The search should begin anew: it was learned that a project must be decided earlier.
    #[error("a project must be decided earlier")]
    Restart,
}

/// What a release requires here, or why it is left out.
pub(super) type Edges = Result<Rc<Vec<Edge>>, Reason>;

pub(super) struct Provider<'a> {
    pub(super) asked: &'a Asked<'a>,
    pub(super) catalogue: &'a dyn Catalogue,
    urls: &'a UrlPins,
    interrupted: &'a AtomicBool,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    universes: HashMap<ProjectName, Rc<Universe>>,
    requires: HashMap<(ProjectName, u32), Result<Arc<Requires>, Reason>>,
    edges: HashMap<(Package, u32), Edges>,
    /// The order in which projects came up.
    discovered: HashMap<ProjectName, usize>,
    /// The release that was last tried of a project, and how many were.
    tried: HashMap<ProjectName, (u32, usize)>,
    /// Releases that the solver would have taken, but for this.
    left_out: BTreeMap<(ProjectName, u32), Reason>,
    /// Projects with many conflicts.
    troubled: HashSet<ProjectName>,
    /// Whether one of them is new since the search began.
    restart: bool,
    /// Steps that were taken, also before the search began anew.
    steps: usize,
}

impl<'a> Provider<'a> {
    pub(super) fn new(
        asked: &'a Asked<'a>,
        urls: &'a UrlPins,
        catalogue: &'a dyn Catalogue,
        interrupted: &'a AtomicBool,
    ) -> Self {
        Self { asked, catalogue, urls, interrupted, state: RefCell::default() }
    }

    pub(super) fn universe(&self, project: &ProjectName) -> Result<Rc<Universe>, CatalogueError> {
        if let Some(universe) = self.state.borrow().universes.get(project) {
            return Ok(Rc::clone(universe));
        }
        let origin = match self.urls.get(project) {
            Some(pin) => Origin::Url(pin.url.clone(), Arc::clone(&pin.release)),
            None => match self.catalogue.releases(project) {
                Ok(releases) => Origin::Index(releases),
                Err(error) if is_about_project(&error) => Origin::Missing(error),
                Err(error) => return Err(error),
            },
        };
        let universe = Rc::new(Universe::new(project, origin, self.asked));
        self.state.borrow_mut().universes.insert(project.clone(), Rc::clone(&universe));
        Ok(universe)
    }

    /// The releases that would have been taken, but for their reasons.
    pub(super) fn left_out(&self) -> BTreeMap<(ProjectName, u32), Reason> {
        self.state.borrow().left_out.clone()
    }

    /// What a package requires in one version on this target.
    pub(super) fn edges(&self, package: &Package, position: u32) -> Result<Edges, CatalogueError> {
        let key = (package.clone(), position);
        if let Some(edges) = self.state.borrow().edges.get(&key) {
            return Ok(edges.clone());
        }
        let edges = match package {
            Package::Root => Ok(self.wanted()),
            Package::Project(project) => self.required(project, None, position)?,
            Package::Extra(project, extra) => self.required(project, Some(extra), position)?,
        };
        let edges = edges.map(Rc::new);
        self.state.borrow_mut().edges.insert(key, edges.clone());
        Ok(edges)
    }

    /// The same, if it was asked before.
    pub(super) fn known_edges(&self, package: &Package, position: u32) -> Option<Edges> {
        self.state.borrow().edges.get(&(package.clone(), position)).cloned()
    }

    /// What a release says of itself, if its file can be used.
    pub(super) fn requires(
        &self,
        universe: &Universe,
        position: u32,
    ) -> Result<Result<Arc<Requires>, Reason>, CatalogueError> {
        let key = (universe.project.clone(), position);
        if let Some(requires) = self.state.borrow().requires.get(&key) {
            return Ok(requires.clone());
        }
        let requires = self.ask_requires(universe, position)?;
        self.state.borrow_mut().requires.insert(key, requires.clone());
        Ok(requires)
    }

    fn ask_requires(
        &self,
        universe: &Universe,
        position: u32,
    ) -> Result<Result<Arc<Requires>, Reason>, CatalogueError> {
        if let Origin::Url(_, release) = &universe.origin {
            return Ok(Ok(Arc::new(release.requires.clone())));
        }
        let Ok(usable) = universe.usable(position, self.asked) else {
            // The solver never chooses such a release.
            return Ok(Err(Reason::Metadata("cannot be used".to_owned())));
        };
        let version = universe.version(position);
        match self.catalogue.requires(&universe.project, version, &usable.files[0]) {
            Ok(requires) => Ok(Ok(requires)),
            Err(CatalogueError::Metadata { reason, .. }) => {
                Ok(Err(Reason::Metadata(format!("has metadata that cannot be used: {reason}"))))
            }
            Err(CatalogueError::NotStatic { reason, .. }) => Ok(Err(Reason::Metadata(format!(
                "says what it requires only when it is built: {reason}"
            )))),
            Err(error) => Err(error),
        }
    }

    fn wanted(&self) -> Vec<Edge> {
        let mut edges = Vec::new();
        for wish in &self.asked.wishes {
            let by = By::Wish(place(&wish.origin), wish.origin.label());
            self.push(&mut edges, &wish.requirement, by);
        }
        edges
    }

    fn required(
        &self,
        project: &ProjectName,
        extra: Option<&ExtraName>,
        position: u32,
    ) -> Result<Result<Vec<Edge>, Reason>, CatalogueError> {
        let universe = self.universe(project)?;
        let requires = match self.requires(&universe, position)? {
            Ok(requires) => requires,
            Err(reason) => return Ok(Err(reason)),
        };
        if let Some(python) = &requires.requires_python
            && !python.contains(&self.asked.python)
        {
            return Ok(Err(Reason::Python(python.clone())));
        }
        let mut edges = Vec::new();
        for requirement in &requires.requires_dist {
            match self.is_required(requirement, extra) {
                Ok(true) => self.push(&mut edges, requirement, By::Release),
                Ok(false) => {}
                Err(error) => return Ok(Err(Reason::Marker(error))),
            }
        }
        for edge in &edges {
            if let Some(reason) = self.objection(&universe, position, edge) {
                return Ok(Err(reason));
            }
        }
        Ok(Ok(edges))
    }

    /// Whether a requirement in metadata is one of the project itself, or what an extra adds. What
    /// is overridden is required wherever the extra is wanted, whatever else its marker says.
    fn is_required(
        &self,
        requirement: &Requirement,
        extra: Option<&ExtraName>,
    ) -> Result<bool, EvaluationError> {
        let marker = requirement.marker.as_ref();
        let is_overridden = self.asked.overrides_of(&requirement.name).is_some();
        let always = if is_overridden && !marker.is_some_and(Marker::names_extra) {
            true
        } else {
            self.asked.applies(marker, None)?
        };
        match extra {
            None => Ok(always),
            Some(_) => Ok(!always && self.asked.applies(marker, extra)?),
        }
    }

    /// Adds a requirement, or what stands in its place.
    fn push(&self, edges: &mut Vec<Edge>, requirement: &Requirement, by: By) {
        if self.asked.request.excludes.contains(&requirement.name) {
            return;
        }
        let Some(overrides) = self.asked.overrides_of(&requirement.name) else {
            edges.push(Edge { requirement: requirement.clone(), by });
            return;
        };
        for wish in overrides {
            let by = By::Override(place(&wish.origin), override_label(wish));
            let is_new =
                edges.iter().all(|edge| edge.by != by || edge.requirement != wish.requirement);
            if is_new {
                edges.push(Edge { requirement: wish.requirement.clone(), by });
            }
        }
    }

    fn objection(&self, universe: &Universe, position: u32, edge: &Edge) -> Option<Reason> {
        let requirement = &edge.requirement;
        if matches!(requirement.source, VersionOrUrl::Url(_))
            && !self.urls.contains_key(&requirement.name)
        {
            return Some(Reason::Url(shown(requirement)));
        }
        let other = requirement.name == universe.project
            && !universe.accepted(&requirement.source).contains(&position);
        other.then(|| Reason::Itself(shown(requirement)))
    }

    fn constraints(
        &self,
        package: &Package,
        position: u32,
        edges: &[Edge],
    ) -> Result<Vec<(Package, Positions)>, CatalogueError> {
        self.discover(edges);
        let mut constraints = Vec::new();
        if let Package::Extra(project, _) = package {
            let own = Positions::singleton(position);
            constraints.push((Package::Project(project.clone()), own));
        }
        for edge in edges {
            let name = &edge.requirement.name;
            let is_own = package.project() == Some(name);
            let set = match is_own {
                true => Positions::singleton(position),
                false => self.universe(name)?.accepted(&edge.requirement.source),
            };
            let extras = edge.requirement.extras.iter();
            let extras = extras.map(|extra| Package::Extra(name.clone(), extra.clone()));
            let base = Some(Package::Project(name.clone())).filter(|_| !is_own);
            for required in base.into_iter().chain(extras).filter(|required| required != package) {
                constraints.push((required, set.clone()));
            }
        }
        Ok(constraints)
    }

    /// Remembers in which order projects came up, and asks ahead for the new ones.
    fn discover(&self, edges: &[Edge]) {
        let mut new = Vec::new();
        let mut state = self.state.borrow_mut();
        for edge in edges {
            let next = state.discovered.len();
            let name = &edge.requirement.name;
            if !state.discovered.contains_key(name) {
                state.discovered.insert(name.clone(), next);
                new.push(name.clone());
            }
        }
        drop(state);
        self.expect(&new);
    }

    /// Asks ahead for projects.
    pub(super) fn expect(&self, names: &[ProjectName]) {
        let state = self.state.borrow();
        let is_new = |name: &&ProjectName| {
            !self.urls.contains_key(*name) && !state.universes.contains_key(*name)
        };
        let new: Vec<ProjectName> = names.iter().filter(is_new).cloned().collect();
        drop(state);
        if !new.is_empty() {
            self.catalogue.expect(&new);
        }
    }

    /// Asks ahead for what a release requires.
    pub(super) fn expect_requires(&self, universe: &Universe, position: u32) {
        if let (Origin::Index(_), Ok(usable)) =
            (&universe.origin, universe.usable(position, self.asked))
        {
            let version = universe.version(position);
            self.catalogue.expect_requires(&universe.project, version, &usable.files[0]);
        }
    }

    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// The release to try: one that is kept, else the best of the set.
    pub(super) fn candidate(&self, universe: &Universe, set: &Positions) -> Option<u32> {
        let is_usable = |&position: &u32| universe.usable(position, self.asked).is_ok();
        let kept = self.asked.request.preferences.get(&universe.project);
        let kept = kept.into_iter().flatten().filter_map(|version| {
            let position = universe.versions.binary_search(version).ok()?;
            u32::try_from(position).ok().filter(|position| set.contains(position))
        });
        if let Some(position) = kept.into_iter().find(|position| is_usable(position)) {
            return Some(position);
        }
        let mut inside = set.below(universe.count());
        match self.asked.lowest_first(&universe.project) {
            true => inside.find(is_usable),
            false => inside.rev().find(is_usable),
        }
    }

    /// Notes what is tried, and asks ahead when there were many in vain.
    fn note_tried(&self, universe: &Universe, set: &Positions, position: u32) {
        let mut state = self.state.borrow_mut();
        let tried = state.tried.entry(universe.project.clone()).or_default();
        *tried = (position, tried.1 + 1);
        let count = tried.1;
        drop(state);
        if count < TRIED || !count.is_power_of_two() || matches!(universe.origin, Origin::Url(..)) {
            return;
        }
        let lowest = self.asked.lowest_first(&universe.project);
        let follows = |other: &u32| if lowest { *other > position } else { *other < position };
        let mut following: Vec<u32> = set.below(universe.count()).filter(follows).collect();
        if !lowest {
            following.reverse();
        }
        let is_usable = |&position: &u32| universe.usable(position, self.asked).is_ok();
        for position in following.into_iter().filter(is_usable).take(count) {
            self.expect_requires(universe, position);
        }
    }
}

impl DependencyProvider for Provider<'_> {
    type P = Package;
    type V = u32;
    type VS = Positions;
    type M = String;
    type Err = Fault;
    /// Certainty, order of discovery, and a project before its extras.
    type Priority = (u8, Reverse<usize>, bool);

    fn prioritize(
        &self,
        package: &Package,
        set: &Positions,
        statistics: &PackageResolutionStatistics,
    ) -> Self::Priority {
        let Some(project) = package.project() else {
            return (u8::MAX, Reverse(0), true);
        };
        let mut state = self.state.borrow_mut();
        if statistics.conflict_count() >= CONFLICTS && state.troubled.len() < RESTARTS {
            state.restart |= state.troubled.insert(project.clone());
        }
        let order = state.discovered.get(project).copied().unwrap_or(usize::MAX);
        if matches!(package, Package::Extra(..)) {
            return (0, Reverse(order), false);
        }
        let certainty = if self.urls.contains_key(project) {
            3
        } else if set.single().is_some() {
            2
        } else {
            u8::from(state.troubled.contains(project))
        };
        (certainty, Reverse(order), true)
    }

    fn choose_version(&self, package: &Package, set: &Positions) -> Result<Option<u32>, Fault> {
        let Some(project) = package.project() else { return Ok(set.single().or(Some(0))) };
        let universe = self.universe(project)?;
        if matches!(package, Package::Extra(..)) {
            // The project itself was decided before its extras; any other version than that one
            // is a conflict.
            let decided = self.state.borrow().tried.get(project).map(|tried| tried.0);
            if let Some(position) = decided.filter(|position| set.contains(position)) {
                return Ok(Some(position));
            }
            return Ok(self.candidate(&universe, set));
        }
        let candidate = self.candidate(&universe, set);
        if let Some(position) = candidate {
            self.note_tried(&universe, set, position);
        }
        Ok(candidate)
    }

    fn get_dependencies(
        &self,
        package: &Package,
        position: &u32,
    ) -> Result<Dependencies<Package, Positions, String>, Fault> {
        match self.edges(package, *position)? {
            Err(reason) => {
                if let Package::Project(project) = package {
                    let mut state = self.state.borrow_mut();
                    state.left_out.insert((project.clone(), *position), reason.clone());
                }
                Ok(Dependencies::Unavailable(reason.to_string()))
            }
            Ok(edges) => {
                let constraints = self.constraints(package, *position, &edges)?;
                Ok(Dependencies::Available(constraints.into_iter().collect()))
            }
        }
    }

    fn should_cancel(&self) -> Result<(), Fault> {
        if self.is_interrupted() {
            return Err(Fault::Interrupted);
        }
        let mut state = self.state.borrow_mut();
        state.steps += 1;
        within_bounds(state.steps)?;
        match std::mem::take(&mut state.restart) {
            true => Err(Fault::Restart),
            false => Ok(()),
        }
    }
}

fn within_bounds(steps: usize) -> Result<(), Fault> {
    if steps > STEPS { Err(Fault::TooHard) } else { Ok(()) }
}

/// Whether an error about a project leaves others to be tried: some release in the middle may
/// require what does not exist.
fn is_about_project(error: &CatalogueError) -> bool {
    match error {
        CatalogueError::Absent { .. }
        | CatalogueError::Quarantined { .. }
        | CatalogueError::NotStatic { .. }
        | CatalogueError::Metadata { .. } => true,
        CatalogueError::Url { .. } | CatalogueError::Unavailable { .. } => false,
    }
}

fn override_label(wish: &Wish) -> String {
    let label = wish.origin.label();
    match label.strip_prefix("-r ") {
        Some(file) => format!("--override {file}"),
        None => label,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_has_bounds() {
        assert!(within_bounds(STEPS).is_ok());
        assert!(matches!(within_bounds(STEPS + 1), Err(Fault::TooHard)));
    }
}
