//! Which entries of a lock are judged: all of them, or only those that moved.

use std::collections::BTreeMap;

use countermark_packaging::lock::document::{LockDocument, LockPackage, LockSource};
use countermark_packaging::name::ProjectName;

use super::entry::{Standing, is_own};

/// A project whose pins moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// Which.
    pub project: ProjectName,
    /// The releases before, as the lock had them; empty when it is new.
    pub before: Vec<String>,
    /// The releases now; empty when it is gone. The same as before when only files or places moved.
    pub after: Vec<String>,
}

/// What moved between two locks, by project.
pub type Moves = Vec<Move>;

/// See the module.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    /// In the order of the lock.
    pub(super) entries: Vec<(&'a LockPackage, Standing<'a>)>,
    pub(super) moves: Moves,
}

type ByProject<'a> = BTreeMap<&'a ProjectName, Vec<&'a LockPackage>>;

impl<'a> Scope<'a> {
    pub(super) fn of(lock: &'a LockDocument, base: Option<&'a LockDocument>) -> Self {
        let Some(base) = base else {
            let entries = lock.packages.iter().map(|package| (package, Standing::Unknown));
            return Self { entries: entries.collect(), moves: Moves::new() };
        };
        let before = by_project(base);
        // Where a lock names indexes for the whole of it, another one moves every entry.
        let has_same_indexes = base.indexes == lock.indexes;
        let mut entries = Vec::new();
        for package in &lock.packages {
            let old = before.get(&package.project).map(Vec::as_slice).unwrap_or_default();
            let is_placed = has_same_indexes || !matches!(package.source, LockSource::Index(None));
            if !is_placed || !old.iter().any(|old| is_same(old, package)) {
                entries.push((package, standing(old, package)));
            }
        }
        Self { entries, moves: moves(&before, &by_project(lock)) }
    }
}

fn by_project(lock: &LockDocument) -> ByProject<'_> {
    let mut projects = ByProject::new();
    for package in &lock.packages {
        projects.entry(&package.project).or_default().push(package);
    }
    projects
}

/// Whether two entries let the same bytes in from the same place. Markers, groups and what depends
/// on what decide when an entry counts, not what it is.
fn is_same(one: &LockPackage, other: &LockPackage) -> bool {
    let files = |package: &LockPackage| {
        let mut files: Vec<_> = package
            .files
            .iter()
            .map(|file| {
                let mut digests: Vec<String> =
                    file.digests.iter().map(ToString::to_string).collect();
                digests.sort();
                (file.name.clone(), file.url.clone(), digests)
            })
            .collect();
        files.sort();
        files
    };
    one.version == other.version && one.source == other.source && files(one) == files(other)
}

/// The entry that stood in its place: of the same release, else the first of the project.
fn standing<'a>(old: &[&'a LockPackage], package: &LockPackage) -> Standing<'a> {
    let same_release = old.iter().find(|old| old.version == package.version);
    match same_release.or_else(|| old.first()) {
        Some(old) => Standing::Moved(old),
        None => Standing::New,
    }
}

fn moves(before: &ByProject<'_>, after: &ByProject<'_>) -> Moves {
    let mut projects: Vec<&ProjectName> = before.keys().chain(after.keys()).copied().collect();
    projects.sort();
    projects.dedup();
    let of = |side: &ByProject<'_>, project| -> Vec<String> {
        let packages = side.get(project).map(Vec::as_slice).unwrap_or_default();
        let mut shown: Vec<String> = packages.iter().map(|package| release(package)).collect();
        shown.dedup();
        shown
    };
    let has_moved = |project: &&&ProjectName| {
        let side = |side: &ByProject<'_>| -> Vec<LockPackage> {
            let packages = side.get(**project).map(Vec::as_slice).unwrap_or_default();
            packages.iter().copied().filter(|package| !is_own(package)).cloned().collect()
        };
        let (old, new) = (side(before), side(after));
        old.len() != new.len() || new.iter().any(|new| !old.iter().any(|old| is_same(old, new)))
    };
    let moved = projects.iter().filter(has_moved);
    moved
        .map(|project| Move {
            project: (*project).clone(),
            before: of(before, project),
            after: of(after, project),
        })
        .collect()
}

fn release(package: &LockPackage) -> String {
    package.version.as_ref().map_or_else(|| "without a version".to_owned(), ToString::to_string)
}
