//! Several targets in one lock.
//!
//! Decides on which targets each release stands, and which marker says so. A marker is chosen for
//! the targets that were asked for, and is exact on them: it is evaluated for each, not derived.
//! What it says of other environments is a guess; a lock lists its environments for that reason
//! (PEP 751).

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use countermark_packaging::marker::Marker;
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;

use crate::catalogue::Catalogue;
use crate::request::{Agreement, OldPin, Request};
use crate::resolution::{Resolution, ResolvedSource};
use crate::resolve::{ResolveError, resolve};
use crate::target::Target;

mod error;
mod separate;

pub use error::MergeError;

/// The most targets of one lock.
pub const MAXIMUM_TARGETS: usize = 128;

/// A release, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The project.
    pub project: ProjectName,
    /// The release.
    pub version: Version,
    /// From where.
    pub source: ResolvedSource,
    /// The targets, by their index, increasing.
    pub targets: Vec<usize>,
    /// True on exactly those targets; none when it is on all of them.
    pub marker: Option<Marker>,
}

/// Resolves a request for each target in turn. What was found for one is preferred for those after
/// it that are to agree with it ([`Agreement`]).
///
/// # Errors
/// With the error of the first target that has none.
pub fn resolve_targets(
    request: &Request,
    targets: &[Target],
    catalogue: &dyn Catalogue,
    interrupted: &AtomicBool,
) -> Result<Vec<Resolution>, ResolveError> {
    // The targets of one key agree.
    let key = |target: &Target| match request.agreement {
        Agreement::SamePython => minor(&target.python),
        Agreement::Everywhere => Vec::new(),
    };
    let mut found = BTreeMap::<Vec<u64>, Preferences>::new();
    let mut resolutions = Vec::with_capacity(targets.len());
    for target in targets {
        let found = found.entry(key(target)).or_default();
        let preferences = preferences(request, target, found);
        let request = Request { preferences, ..request.clone() };
        let resolution = resolve(&request, target, catalogue, interrupted)?;
        for (project, resolved) in &resolution.releases {
            // A yanked release is taken where a person pins it, not because it was taken before.
            if resolved.yanked.is_none() {
                prefer(found, project, &resolved.version);
            }
        }
        resolutions.push(resolution);
    }
    Ok(resolutions)
}

type Preferences = BTreeMap<ProjectName, Vec<Version>>;

/// What is kept on a target: the pins that stood there, what was found for the targets that are to
/// agree with it, the pins of other places.
fn preferences(request: &Request, target: &Target, found: &Preferences) -> Preferences {
    let stands = |pin: &&OldPin| match &pin.marker {
        Some(marker) => marker.evaluate(&target.markers, &[]).unwrap_or(true),
        None => true,
    };
    let (here, elsewhere): (Vec<&OldPin>, Vec<&OldPin>) = request.pins.iter().partition(stands);
    let mut preferences = request.preferences.clone();
    for pin in here {
        prefer(&mut preferences, &pin.project, &pin.version);
    }
    for (project, versions) in found {
        for version in versions {
            prefer(&mut preferences, project, version);
        }
    }
    for pin in elsewhere {
        prefer(&mut preferences, &pin.project, &pin.version);
    }
    preferences
}

fn prefer(preferences: &mut Preferences, project: &ProjectName, version: &Version) {
    let kept = preferences.entry(project.clone()).or_default();
    if !kept.contains(version) {
        kept.push(version.clone());
    }
}

/// The major and minor version.
fn minor(version: &Version) -> Vec<u64> {
    version.release().iter().copied().take(2).collect()
}

/// Brings the resolutions of several targets together: by project, then version. Both lists have
/// the same length and order.
///
/// # Errors
/// When targets have different releases and no marker can tell them apart, or there are too many.
pub fn merge(targets: &[Target], resolutions: &[Resolution]) -> Result<Vec<Merged>, MergeError> {
    if targets.len() > MAXIMUM_TARGETS {
        return Err(MergeError::TooMany { found: targets.len() });
    }
    let mut separator = separate::Separator::new(targets);
    let mut merged: Vec<Merged> = Vec::new();
    for (project, entries) in by_project(resolutions) {
        for (version, source, on) in entries {
            let marker = separator.marker(&on).map_err(|(first, second)| {
                let shown = |target: usize| version_on(resolutions, project, target);
                MergeError::Inseparable {
                    project: project.clone(),
                    first: targets[first].label.clone(),
                    on_first: shown(first),
                    second: targets[second].label.clone(),
                    on_second: shown(second),
                }
            })?;
            merged.push(Merged {
                project: project.clone(),
                version: version.clone(),
                source: source.clone(),
                targets: on,
                marker,
            });
        }
    }
    Ok(merged)
}

/// The marker of one target, which PEP 751 wants among a lock's `environments`: implementation,
/// minor version of Python, system and machine. None when nothing of it is known.
#[must_use]
pub fn environment(target: &Target) -> Option<Marker> {
    let markers = &target.markers;
    let parts = [
        ("sys_platform", &markers.sys_platform),
        ("platform_machine", &markers.platform_machine),
        ("implementation_name", &markers.implementation_name),
        ("python_version", &markers.python_version),
    ];
    let known = parts.iter().filter(|(_, value)| !value.is_empty());
    let text: Vec<String> =
        known.filter_map(|(name, value)| separate::equals(name, value)).collect();
    Marker::parse(&text.join(" and ")).ok()
}

type Entries<'a> = Vec<(&'a Version, &'a ResolvedSource, Vec<usize>)>;

fn by_project(resolutions: &[Resolution]) -> BTreeMap<&ProjectName, Entries<'_>> {
    let mut projects = BTreeMap::<&ProjectName, Entries<'_>>::new();
    for (target, resolution) in resolutions.iter().enumerate() {
        for (project, resolved) in &resolution.releases {
            let entries = projects.entry(project).or_default();
            let found = entries.iter_mut().find(|(version, source, _)| {
                **version == resolved.version && **source == resolved.source
            });
            match found {
                Some((_, _, on)) => on.push(target),
                None => entries.push((&resolved.version, &resolved.source, vec![target])),
            }
        }
    }
    for entries in projects.values_mut() {
        entries.sort_by(|left, right| left.0.cmp(right.0));
    }
    projects
}

fn version_on(resolutions: &[Resolution], project: &ProjectName, target: usize) -> String {
    let resolved = resolutions[target].releases.get(project);
    resolved.map_or_else(|| "absent".to_owned(), |resolved| resolved.version.to_string())
}

#[cfg(test)]
mod tests;
