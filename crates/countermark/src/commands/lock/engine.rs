//! From a request to pins: resolved for every target, then downloaded and hashed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use countermark_client::catalogue::{IndexCatalogue, Reading};
use countermark_client::report::{Note, Problem, Progress, Reporter as _};
use countermark_client::sight::{self, Depth, OldDigests, Seen, Sought};
use countermark_client::store::Store;
use countermark_lock::catalogue::{CatalogueError, ReleaseFile};
use countermark_lock::merge::{self, Merged};
use countermark_lock::pins::{PinnedFile, PinnedRelease, PinnedSource, Pins};
use countermark_lock::request::Request;
use countermark_lock::resolution::{Resolution, Resolved, ResolvedSource};
use countermark_lock::resolve::ResolveError;
use countermark_lock::target::Target;
use countermark_packaging::filename::DistributionFilename;
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use countermark_trust::Class;

use super::existing::Existing;
use crate::progress::Teller;
use crate::session::Session;

/// What works on a lock.
pub(crate) struct Engine<'a> {
    pub(crate) session: &'a Session,
    pub(crate) store: Arc<Store>,
    pub(crate) catalogue: IndexCatalogue,
    pub(crate) teller: &'a Teller,
    pub(crate) interrupted: Arc<AtomicBool>,
    pub(crate) offline: bool,
}

/// What a lock is to be.
pub(crate) struct Job<'a> {
    pub(crate) request: &'a Request,
    pub(crate) targets: &'a [Target],
    /// Also the files that no target can use.
    pub(crate) all_files: bool,
    /// How far wheels are looked into.
    pub(crate) depth: Depth,
    /// Whether the lock says for which environments it is.
    pub(crate) with_environments: bool,
    /// What the lock said before.
    pub(crate) existing: Option<&'a Existing>,
}

/// A lock that can be written, and what is known beside it.
pub(crate) struct Locked {
    pub(crate) pins: Pins,
    pub(crate) targets: Vec<Target>,
    /// One for each target.
    pub(crate) resolutions: Vec<Resolution>,
    /// Bytes that were downloaded.
    pub(crate) downloaded: u64,
}

/// A release that stands on some of the targets.
struct Group<'a> {
    merged: Merged,
    resolved: &'a Resolved,
    files: BTreeMap<&'a str, &'a ReleaseFile>,
    dependencies: BTreeSet<(ProjectName, Version)>,
    all: Vec<&'a Resolved>,
}

impl Engine<'_> {
    /// Resolves, downloads and hashes.
    ///
    /// # Errors
    /// Everything that stands in the way; nothing was written then.
    pub(crate) fn lock(&self, job: &Job<'_>) -> Result<Locked, Vec<Problem>> {
        let resolutions = self.resolve(job)?;
        let groups = groups(job, &resolutions)?;
        let sought: Vec<Sought<'_>> = groups.iter().flat_map(|group| group.sought(job)).collect();
        let kept = |file: &ReleaseFile| self.catalogue.kept_file(&file.url);
        let sight = sight::look_with(self.sight(), &sought, &kept);
        self.teller.progress(Progress::Done);
        if !sight.problems.is_empty() {
            return Err(sight.problems);
        }
        if let Some(existing) = job.existing {
            self.tell_stale(existing, &groups, &sight.seen);
        }
        let pins = pins(&groups, job, &sight.seen);
        drop(groups);
        let targets = job.targets.to_vec();
        Ok(Locked { pins, targets, resolutions, downloaded: sight.downloaded })
    }

    /// What downloads and hashes.
    pub(crate) fn sight(&self) -> sight::Context<'_> {
        sight::Context {
            store: &self.store,
            http: &self.session.http,
            reporter: self.teller,
            interrupted: &self.interrupted,
            offline: self.offline,
        }
    }

    fn resolve(&self, job: &Job<'_>) -> Result<Vec<Resolution>, Vec<Problem>> {
        let tell = |reading: Reading| {
            let (projects, releases) = (reading.projects, reading.releases);
            self.teller.progress(Progress::Resolving { projects, releases });
        };
        let resolved = self.catalogue.watched(tell, || {
            merge::resolve_targets(job.request, job.targets, &self.catalogue, &self.interrupted)
        });
        self.teller.progress(Progress::Done);
        let resolutions = resolved.map_err(|error| vec![problem(&error)])?;
        let mut told = BTreeSet::new();
        for note in resolutions.iter().flat_map(|resolution| &resolution.notes) {
            if told.insert(note) {
                self.teller.note(Note::new("resolution", note.clone()));
            }
        }
        Ok(resolutions)
    }

    /// Digests of the old lock that are not those of the bytes.
    fn tell_stale(&self, existing: &Existing, groups: &[Group<'_>], seen: &[Seen]) {
        let old: Vec<OldDigests<'_>> = groups
            .iter()
            .map(|group| OldDigests {
                project: &group.merged.project,
                version: &group.merged.version,
                digests: existing.digests(&group.merged.project, &group.merged.version),
                listed: &group.resolved.all_files,
            })
            .filter(|old| !old.digests.is_empty())
            .collect();
        for note in sight::compare_with_old(&old, seen) {
            self.teller.note(note);
        }
    }
}

/// Who is at fault when an index gives no answer about a project.
pub(crate) fn class_of(error: &CatalogueError) -> Class {
    match error {
        CatalogueError::Unavailable { class, .. } => *class,
        CatalogueError::Absent { .. }
        | CatalogueError::Quarantined { .. }
        | CatalogueError::NotStatic { .. }
        | CatalogueError::Metadata { .. }
        | CatalogueError::Url { .. } => Class::Rejected,
    }
}

/// What is wrong with a resolution, with what to do.
pub(crate) fn problem(error: &ResolveError) -> Problem {
    let text = error.to_string();
    let mut lines = text.lines();
    let mut problem =
        Problem::new(error.code(), error.class(), lines.next().unwrap_or_default().to_owned());
    for line in lines {
        problem = problem.with_detail(line.to_owned());
    }
    let hints = error.hints();
    if hints.is_empty() { problem } else { problem.with_hint(hints.join("; ")) }
}

/// The releases of all targets together, with the files that matter.
fn groups<'a>(
    job: &Job<'_>,
    resolutions: &'a [Resolution],
) -> Result<Vec<Group<'a>>, Vec<Problem>> {
    let merged = merge::merge(job.targets, resolutions).map_err(|error| {
        let problem = Problem::of(error.code(), error.class(), &error);
        vec![problem.with_hint(error.hint())]
    })?;
    Ok(merged.into_iter().filter_map(|merged| Group::new(merged, job, resolutions)).collect())
}

impl<'a> Group<'a> {
    /// `None` cannot be: a merged release stands on at least one target.
    fn new(merged: Merged, job: &Job<'_>, resolutions: &'a [Resolution]) -> Option<Self> {
        let (mut files, mut dependencies, mut all) = (BTreeMap::new(), BTreeSet::new(), Vec::new());
        for &target in &merged.targets {
            let resolution = &resolutions[target];
            let Some(resolved) = resolution.releases.get(&merged.project) else { continue };
            let listed = if job.all_files { &resolved.all_files } else { &resolved.usable };
            files.extend(listed.iter().map(|file| (file.filename.as_str(), file)));
            dependencies.extend(resolved.dependencies.iter().filter_map(|name| {
                Some((name.clone(), resolution.releases.get(name)?.version.clone()))
            }));
            all.push(resolved);
        }
        let resolved = *all.first()?;
        Some(Self { merged, resolved, files, dependencies, all })
    }

    fn sought<'s>(&'s self, job: &Job<'_>) -> Vec<Sought<'s>> {
        let usable: BTreeSet<&str> = self
            .all
            .iter()
            .flat_map(|resolved| resolved.usable.iter().map(|file| file.filename.as_str()))
            .collect();
        let depth = |file: &ReleaseFile| {
            // What no target can use is not installed from here.
            if usable.contains(file.filename.as_str()) { job.depth } else { Depth::Bytes }
        };
        let project = &self.merged.project;
        self.files.values().map(|file| Sought { project, file, depth: depth(file) }).collect()
    }

    fn pinned(&self, seen: &BTreeMap<(&ProjectName, &str), &PinnedFile>) -> PinnedRelease {
        let Merged { project, version, source, marker, .. } = &self.merged;
        let file = |name: &&str| seen.get(&(project, *name)).map(|file| PinnedFile::clone(file));
        PinnedRelease {
            project: project.clone(),
            version: version.clone(),
            source: match source {
                ResolvedSource::Index(index) => PinnedSource::Index(index.clone()),
                ResolvedSource::Url(url) => PinnedSource::Url(url.clone()),
            },
            extras: self.all.iter().flat_map(|one| one.extras.iter().cloned()).collect(),
            marker: marker.clone(),
            requires_python: self.resolved.requires_python.clone(),
            dependencies: self.dependencies.iter().cloned().collect(),
            via: self.all.iter().flat_map(|one| one.via.iter().cloned()).collect(),
            files: self.files.keys().filter_map(file).collect(),
            roles: Vec::new(),
        }
    }
}

fn pins(groups: &[Group<'_>], job: &Job<'_>, seen: &[Seen]) -> Pins {
    let seen: BTreeMap<(&ProjectName, &str), &PinnedFile> =
        seen.iter().map(|one| ((&one.project, one.file.filename.as_str()), &one.file)).collect();
    let environments = job.targets.iter().filter(|_| job.with_environments);
    Pins {
        environments: environments.filter_map(merge::environment).collect(),
        releases: groups.iter().map(|group| group.pinned(&seen)).collect(),
        ..Pins::default()
    }
}

/// Whether all files of a release are source distributions.
pub(crate) fn is_source_only(release: &PinnedRelease) -> bool {
    release.files.iter().all(|file| {
        matches!(DistributionFilename::parse(&file.filename), Ok(DistributionFilename::Sdist(_)))
    })
}
