//! What moves with a pin: the files of both releases, downloaded, verified and looked into.

use std::collections::{BTreeMap, BTreeSet};

use countermark_client::contents::{self, Fetched, read_contents};
use countermark_client::report::{Note, Problem, Progress, Reporter as _};
use countermark_lock::catalogue::{Catalogue as _, ReleaseFile};
use countermark_lock::moves;
use countermark_lock::resolution::Resolved;
use countermark_lock::target::Target;
use countermark_packaging::digest::Digest;
use countermark_packaging::filename::DistributionFilename;
use countermark_packaging::lock::document::LockPackage;
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use countermark_trust::Pin;
use countermark_trust::change::{Change, Contents};

use super::engine::{Engine, Locked};
use super::existing::Existing;

/// A pin that moves from one release to another.
struct Move<'a> {
    project: &'a ProjectName,
    before: &'a Version,
    old: ReleaseFile,
    old_pin: Pin,
    new: &'a ReleaseFile,
    new_pin: Pin,
}

/// Both sides of a pin that moved.
pub(crate) struct Compared {
    pub(crate) before: (Fetched, Contents),
    pub(crate) after: (Fetched, Contents),
    pub(crate) versions: (Version, Version),
}

/// What moved, by project; and both sides of those that were asked for.
#[derive(Default)]
pub(crate) struct Changes {
    pub(crate) by_project: BTreeMap<ProjectName, Change>,
    pub(crate) kept: BTreeMap<ProjectName, Compared>,
}

/// Compares every pin that moved with the release that was pinned before. What cannot be compared
/// is noted and left out, so that rules about it stay undecided.
pub(crate) fn compare(
    engine: &Engine<'_>,
    locked: &Locked,
    existing: &Existing,
    moved: &[&moves::Move],
    keep: &dyn Fn(&ProjectName) -> bool,
) -> Changes {
    let moves = pairs(engine, locked, existing, moved);
    let files: Vec<(&ReleaseFile, Pin)> = moves
        .iter()
        .flat_map(|one| [(&one.old, one.old_pin.clone()), (one.new, one.new_pin.clone())])
        .collect();
    if files.is_empty() {
        return Changes::default();
    }
    let bytes: Option<u64> = files.iter().map(|(file, _)| file.size).sum();
    engine.teller.progress(Progress::Downloading { files: files.len(), bytes });
    let context = engine.sight();
    let mut fetched = contents::fetch(context, &files).into_iter();
    engine.teller.progress(Progress::Done);
    let (mut changes, mut failed) = (Changes::default(), BTreeSet::new());
    for one in &moves {
        let (Some(before), Some(after)) = (fetched.next(), fetched.next()) else { break };
        match both(before, after) {
            Ok((before, after)) => changes.add(one, before, after, keep),
            Err(problem) => {
                tell_uncompared(engine, one.project, &problem.message);
                failed.insert(one.project);
            }
        }
    }
    // What is known of one file says nothing about those that could not be looked into.
    changes.by_project.retain(|project, _| !failed.contains(project));
    changes
}

type Side = (Fetched, Contents);

fn both(
    before: Result<Fetched, Box<Problem>>,
    after: Result<Fetched, Box<Problem>>,
) -> Result<(Side, Side), Box<Problem>> {
    let side = |fetched: Fetched| {
        let contents = read_contents(fetched.distribution());
        contents
            .map(|contents| (fetched, contents))
            .map_err(|error| Box::new(Problem::of(error.code(), error.class(), &error)))
    };
    Ok((side(before?)?, side(after?)?))
}

impl Changes {
    fn add(
        &mut self,
        one: &Move<'_>,
        before: Side,
        after: Side,
        keep: &dyn Fn(&ProjectName) -> bool,
    ) {
        let mut change = Change::between(&before.1, &after.1);
        change.before = Some(one.before.clone());
        change.before_uploaded = one.old.uploaded;
        // Of the files for several targets, what any of them brings.
        let known = self.by_project.remove(one.project);
        let is_first = known.is_none();
        let change = known.map_or(change.clone(), |known| known.joined(&change));
        self.by_project.insert(one.project.clone(), change);
        if is_first && keep(one.project) {
            let after_version = one.new.filename.version().clone();
            let versions = (one.before.clone(), after_version);
            self.kept.insert(one.project.clone(), Compared { before, after, versions });
        }
    }
}

fn tell_uncompared(engine: &Engine<'_>, project: &ProjectName, why: &str) {
    let message = format!("the releases of `{project}` could not be compared: {why}");
    engine.teller.note(Note::new("not-compared", message));
}

/// The pins that went from one release to another, each with the files of both that the targets would
/// use; none of a pin of which one file cannot be compared.
fn pairs<'a>(
    engine: &Engine<'_>,
    locked: &'a Locked,
    existing: &'a Existing,
    moved: &[&moves::Move],
) -> Vec<Move<'a>> {
    let mut pairs = Vec::new();
    for one in moved {
        let (Some(before), Some(after)) = (&one.before, &one.after) else { continue };
        if before.version == after.version {
            continue;
        }
        let project = &after.project;
        let old = existing
            .document
            .packages
            .iter()
            .find(|package| package.project == *project && package.version == before.version);
        let Some(old) = old else { continue };
        let mut seen = BTreeSet::new();
        for (target, found) in locked.targets.iter().zip(&locked.resolutions) {
            let resolved = found.releases.get(project);
            let resolved =
                resolved.filter(|resolved| Some(&resolved.version) == after.version.as_ref());
            let Some(resolved) = resolved else { continue };
            let name = resolved.usable.first().map(|file| file.filename.as_str());
            if !seen.insert(name) {
                continue;
            }
            match pair(engine, target, resolved, old) {
                Ok(one) => pairs.push(one),
                Err(why) => {
                    tell_uncompared(engine, project, &why);
                    pairs.retain(|one: &Move<'_>| one.project != project);
                    break;
                }
            }
        }
    }
    pairs
}

fn pair<'a>(
    engine: &Engine<'_>,
    target: &Target,
    resolved: &'a Resolved,
    before: &'a LockPackage,
) -> Result<Move<'a>, String> {
    let project = &before.project;
    let version = before.version.as_ref().ok_or("its version is not told")?;
    let new = resolved.usable.first().ok_or("it has no file")?;
    let releases = engine.catalogue.releases(project).map_err(|error| error.to_string())?;
    let gone = || format!("the index does not have {version} any more");
    let release = releases.versions.get(version).ok_or_else(gone)?;
    let old = nearest(&release.files, target, new).ok_or_else(gone)?.clone();
    let pinned: Vec<Digest> =
        before.files.iter().flat_map(|file| file.digests.iter().cloned()).collect();
    let of_pin = |digest: &Digest| pinned.contains(digest);
    // The claim says which of the pinned digests is this file's; the bytes will tell.
    let digests: Vec<Digest> = match old.digests.iter().find(|digest| of_pin(digest)) {
        Some(digest) => vec![digest.clone()],
        None if pinned.is_empty() => old.digests.clone(),
        None => return Err(format!("the lock had no digest of `{}`", old.filename.as_str())),
    };
    let weak = |_| "it has no strong digest".to_owned();
    let old_pin = Pin::new(digests).map_err(weak)?;
    let new_pin = Pin::new(new.digests.iter().cloned()).map_err(weak)?;
    Ok(Move { project, before: version, old, old_pin, new, new_pin })
}

/// The file of the old release that is most like the new one: a wheel for a wheel, the one that the
/// target likes best.
fn nearest<'a>(
    files: &'a [ReleaseFile],
    target: &Target,
    new: &ReleaseFile,
) -> Option<&'a ReleaseFile> {
    let rank = |file: &ReleaseFile| match &file.filename {
        DistributionFilename::Wheel(wheel) => target.tags.rank(wheel),
        DistributionFilename::Sdist(_) => None,
    };
    let is_wheel = matches!(new.filename, DistributionFilename::Wheel(_));
    let best = files.iter().filter(|file| rank(file).is_some()).min_by_key(|file| rank(file));
    let sdist = files.iter().find(|file| matches!(file.filename, DistributionFilename::Sdist(_)));
    if is_wheel { best.or(sdist) } else { sdist.or(best) }
}
