//! Asks for what will probably be needed, before it is.
//!
//! The solver asks one question after the other and waits for each answer. Most resolutions have
//! no conflict, though: the best release of each project is the answer. So that answer is walked
//! through level by level first, and all questions of a level are asked at once. Whatever is found
//! on the way decides nothing; the catalogue and the provider remember it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use pubgrub::VersionSet as _;

use super::package::{Edge, Package};
use super::positions::Positions;
use super::provider::Provider;

/// The most levels that are walked: deeper ones are left to the solver.
const LEVELS: usize = 64;

/// Walks from the wishes along the best releases.
pub(super) fn ask(provider: &Provider<'_>) {
    let mut seen = HashSet::from([Package::Root]);
    let mut level = vec![(Package::Root, 0)];
    for _ in 0..LEVELS {
        if level.is_empty() || provider.is_interrupted() {
            return;
        }
        let mut edges = Vec::new();
        for (package, position) in &level {
            // An error ends the resolution where the solver meets it, if it does.
            if let Ok(Ok(found)) = provider.edges(package, *position) {
                edges.push(found);
            }
        }
        level = next(provider, edges.iter().flat_map(|edges| edges.iter()), &mut seen);
    }
}

/// The packages that are new, each with the release that will probably be taken, asked for.
fn next<'a>(
    provider: &Provider<'_>,
    edges: impl Iterator<Item = &'a Edge>,
    seen: &mut HashSet<Package>,
) -> Vec<(Package, u32)> {
    let mut wanted = BTreeMap::<_, (Vec<&Edge>, BTreeSet<Package>)>::new();
    for edge in edges {
        let name = &edge.requirement.name;
        let (edges, new) = wanted.entry(name).or_default();
        edges.push(edge);
        let extras = edge.requirement.extras.iter();
        let extras = extras.map(|extra| Package::Extra(name.clone(), extra.clone()));
        let packages = std::iter::once(Package::Project(name.clone())).chain(extras);
        new.extend(packages.filter(|package| seen.insert(package.clone())));
    }
    wanted.retain(|_, (_, new)| !new.is_empty());
    let names: Vec<_> = wanted.keys().map(|&name| name.clone()).collect();
    provider.expect(&names);
    let mut level = Vec::new();
    for (name, (edges, new)) in wanted {
        let Ok(universe) = provider.universe(name) else { continue };
        let set = edges.iter().fold(Positions::full(), |set, edge| {
            set.intersection(&universe.accepted(&edge.requirement.source))
        });
        let Some(position) = provider.candidate(&universe, &set) else { continue };
        provider.expect_requires(&universe, position);
        level.extend(new.into_iter().map(|package| (package, position)));
    }
    level
}
