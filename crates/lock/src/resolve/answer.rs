//! From the solver's decisions to what a lock needs to know.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use countermark_packaging::name::{ExtraName, ProjectName};

use super::asked::{Asked, shown_url};
use super::package::{By, Package};
use super::provider::Provider;
use super::universe::Origin;
use crate::catalogue::CatalogueError;
use crate::resolution::{Resolution, Resolved, ResolvedSource, Via};

/// Puts together what was decided. Only what can be reached from the wishes is part of it.
pub(super) fn resolution(
    provider: &Provider<'_>,
    decided: &BTreeMap<Package, u32>,
) -> Result<Resolution, CatalogueError> {
    let mut answer = Resolution::default();
    let mut seen = BTreeSet::from([Package::Root]);
    let mut waiting = VecDeque::from([Package::Root]);
    while let Some(package) = waiting.pop_front() {
        let position = decided.get(&package).copied().unwrap_or(0);
        add(&mut answer, provider, &package, position)?;
        let Ok(edges) = provider.edges(&package, position)? else { continue };
        for edge in edges.iter() {
            let name = &edge.requirement.name;
            let extras = edge.requirement.extras.iter();
            let extras = extras.map(|extra| Package::Extra(name.clone(), extra.clone()));
            for required in std::iter::once(Package::Project(name.clone())).chain(extras) {
                if decided.contains_key(&required) && seen.insert(required.clone()) {
                    waiting.push_back(required);
                }
            }
        }
    }
    connect(&mut answer, provider, decided, &seen)?;
    notes(&mut answer, provider, &seen)?;
    Ok(answer)
}

fn add(
    answer: &mut Resolution,
    provider: &Provider<'_>,
    package: &Package,
    position: u32,
) -> Result<(), CatalogueError> {
    match package {
        Package::Root => {}
        Package::Project(project) => {
            let resolved = resolved(provider, project, position)?;
            answer.releases.insert(project.clone(), resolved);
        }
        Package::Extra(project, extra) => {
            // Its project was reached before it: both come from one requirement.
            if let Some(resolved) = answer.releases.get_mut(project) {
                resolved.extras.insert(extra.clone());
            }
        }
    }
    Ok(())
}

fn resolved(
    provider: &Provider<'_>,
    project: &ProjectName,
    position: u32,
) -> Result<Resolved, CatalogueError> {
    let universe = provider.universe(project)?;
    let requires = provider.requires(&universe, position)?.ok();
    // The solver decides only for releases that can be used.
    let usable = universe.usable(position, provider.asked).ok();
    let source = match &universe.origin {
        Origin::Index(releases) => ResolvedSource::Index(releases.index.clone()),
        Origin::Url(url, _) => ResolvedSource::Url(shown_url(url)),
        Origin::Missing(error) => ResolvedSource::Index(error.to_string()),
    };
    Ok(Resolved {
        version: universe.version(position).clone(),
        source,
        extras: BTreeSet::new(),
        usable: usable.map(|usable| usable.files.clone()).unwrap_or_default(),
        all_files: universe.all_files(position, provider.asked),
        dependencies: BTreeSet::new(),
        via: Vec::new(),
        requires_python: requires.and_then(|requires| requires.requires_python.clone()),
        yanked: usable.and_then(|usable| usable.yanked.clone()),
    })
}

/// Who requires whom.
fn connect(
    answer: &mut Resolution,
    provider: &Provider<'_>,
    decided: &BTreeMap<Package, u32>,
    seen: &BTreeSet<Package>,
) -> Result<(), CatalogueError> {
    let mut via = BTreeMap::<ProjectName, BTreeSet<Via>>::new();
    for package in seen {
        let position = decided.get(package).copied().unwrap_or(0);
        let Ok(edges) = provider.edges(package, position)? else { continue };
        for edge in edges.iter() {
            let name = &edge.requirement.name;
            if package.project() == Some(name) {
                continue;
            }
            let vias = via.entry(name.clone()).or_default();
            if let Some(resolved) = package.project().and_then(|p| answer.releases.get_mut(p)) {
                resolved.dependencies.insert(name.clone());
            }
            vias.extend(package.project().map(|project| Via::Release(project.clone())));
            match &edge.by {
                By::Wish(_, label) | By::Override(_, label) => {
                    vias.insert(Via::Wish(label.clone()));
                }
                By::Release => {}
            }
        }
    }
    for (project, resolved) in &mut answer.releases {
        let mut vias = via.remove(project).unwrap_or_default();
        vias.extend(constraint_labels(provider.asked, project).map(Via::Wish));
        resolved.via = vias.into_iter().collect();
    }
    Ok(())
}

fn constraint_labels<'a>(
    asked: &'a Asked<'_>,
    project: &ProjectName,
) -> impl Iterator<Item = String> + use<'a> {
    asked.constraints_on(project).iter().map(|wish| {
        let label = wish.origin.label();
        match label.strip_prefix("-r ") {
            Some(file) => format!("-c {file}"),
            None => label,
        }
    })
}

/// What a person should know of the releases that were chosen, and of better ones left out.
fn notes(
    answer: &mut Resolution,
    provider: &Provider<'_>,
    seen: &BTreeSet<Package>,
) -> Result<(), CatalogueError> {
    let mut notes = Vec::new();
    for (project, resolved) in &answer.releases {
        let version = &resolved.version;
        if let Some(reason) = &resolved.yanked {
            let because = if reason.is_empty() { String::new() } else { format!(": {reason}") };
            notes.push(format!("{project} {version} is yanked{because}"));
        }
        let universe = provider.universe(project)?;
        let position = universe.versions.binary_search(version).unwrap_or(0);
        let chosen = u32::try_from(position).unwrap_or(u32::MAX);
        for extra in unknown_extras(provider, project, &resolved.extras, chosen, seen)? {
            notes.push(format!("{project} {version} has no extra `{extra}`"));
        }
    }
    for ((project, position), reason) in provider.left_out() {
        if answer.releases.contains_key(&project) {
            let universe = provider.universe(&project)?;
            let version = universe.version(position);
            notes.push(format!("{project} {version} was left out: it {reason}"));
        }
    }
    answer.notes = notes;
    Ok(())
}

fn unknown_extras<'a>(
    provider: &Provider<'_>,
    project: &ProjectName,
    extras: &'a BTreeSet<ExtraName>,
    position: u32,
    seen: &BTreeSet<Package>,
) -> Result<Vec<&'a ExtraName>, CatalogueError> {
    let universe = provider.universe(project)?;
    let Ok(requires) = provider.requires(&universe, position)? else { return Ok(Vec::new()) };
    let mut unknown = Vec::new();
    for extra in extras {
        let package = Package::Extra(project.clone(), extra.clone());
        // Old metadata names an extra in markers only.
        let adds = provider.edges(&package, position)?.is_ok_and(|edges| !edges.is_empty());
        if !adds && seen.contains(&package) && !requires.provides_extra.contains(extra) {
            unknown.push(extra);
        }
    }
    Ok(unknown)
}
