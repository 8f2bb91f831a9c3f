//! `lock --constraints FILE`: the pins of a constraints file get their digests, in place.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Instant;

use countermark_client::log::PinToCheck;
use countermark_client::report::{Problem, Progress, Reporter as _};
use countermark_client::sight::{self, Depth, Sought};
use countermark_lock::catalogue::{Catalogue as _, ReleaseFile};
use countermark_lock::edit::constraints::{Constraints, Pin};
use countermark_lock::pins::{PinnedFile, PinnedRelease, PinnedSource, Pins};
use countermark_lock::target::Target;
use countermark_packaging::digest::Sha256;
use countermark_packaging::filename::DistributionFilename;
use countermark_packaging::lock::SourceError;
use countermark_packaging::lock::document::LockFormat;
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use countermark_trust::Class;

use super::engine::{Engine, Locked};
use super::judge::{self, Look, Looking};
use super::proposal::{self, Would};
use super::{Outcome, Workplace, existing, policy, targets};
use crate::cli::lock::LockArgs;
use crate::commands::ledger::Search;
use crate::commands::log::check;
use crate::commands::report::replace_file;
use crate::{output, session};

/// Runs the command.
pub(super) fn run(work: &Workplace<'_>, arguments: &LockArgs, path: &Path) -> Outcome {
    let started = Instant::now();
    let shown = path.display().to_string();
    let (bytes, file) = read(path, &shown)?;
    proposal::check_place(arguments.proposed.as_deref(), Some(path), &[])?;
    let session = session::open("lock", &arguments.index, &[], None)?;
    session::tell(&session.settings, work.teller);
    let policy = policy::find(arguments.policy.policy.as_deref(), &work.folder)?;
    let engine = work.engine(&session, &arguments.index, &arguments.store)?;
    let targets = targets::targets(&arguments.targets, &arguments.python, &work.folders)?;
    let wanted = wanted(&engine, &file, &targets, arguments.targets.all_files)?;
    let mut locked = look(&engine, &wanted, targets)?;
    let none: &dyn Fn(&ProjectName) -> bool = &|_| false;
    let search =
        Search { policy: &policy, lock: Some(path), store: &arguments.store, now: work.now };
    let mut team = search.there(work.teller)?;
    let looking = Looking { look: Look::Policy, keep: none, team: team.as_mut() };
    let (judged, _) = judge::judge(&engine, &policy, &mut locked, None, looking, work.now);
    let text = with_digests(&file, &shown, &locked.pins)?;
    proposal::write(arguments.proposed.as_deref(), &text)?;
    let would = Would {
        lock: Some(path),
        format: LockFormat::Requirements,
        before: Some(&bytes),
        text: &String::from_utf8_lossy(&text),
        pins: &locked.pins,
        judged: &judged,
        team: team.as_ref(),
    };
    let (_, mut refused) = would.refusals(work, &engine, &policy);
    if refused.is_empty() {
        let asking = super::asking(work, &engine, &policy, &arguments.policy);
        refused = asking.about(&not_in(&bytes, check::all_pins(&locked.pins))).problems;
    }
    if !refused.is_empty() {
        return Err(refused);
    }
    if arguments.locked {
        let same = text == bytes;
        let what = if same { "the file has these digests" } else { "the file has other digests" };
        work.teller.line(what);
        return Ok(u8::from(!same));
    }
    if text != bytes {
        replace_file(path, &text)?;
    }
    proposal::forget(&work.folders.state, path);
    if let Some(team) = &team {
        team.write(&work.interrupted)?;
    }
    summary(work, &file, &locked, started);
    Ok(0)
}

fn read(path: &Path, shown: &str) -> Result<(Vec<u8>, Constraints), Vec<Problem>> {
    let bytes = existing::read_bytes(path)?.ok_or_else(|| {
        let message = format!("there is no `{shown}`");
        vec![Problem::new("file-unreadable", Class::Usage, message)]
    })?;
    let file = Constraints::parse(shown, &bytes)
        .map_err(|errors| errors.iter().map(Problem::from).collect::<Vec<_>>())?;
    Ok((bytes, file))
}

/// The file with its digests, which reads as the same pins.
fn with_digests(file: &Constraints, shown: &str, pins: &Pins) -> Result<Vec<u8>, Vec<Problem>> {
    let told = |errors: Vec<SourceError>| errors.iter().map(Problem::from).collect::<Vec<_>>();
    let text = file.with_digests(&digests(pins)).map_err(told)?;
    Constraints::parse(shown, &text).map_err(told)?;
    Ok(text)
}

fn summary(work: &Workplace<'_>, file: &Constraints, locked: &Locked, started: Instant) {
    let files: usize = locked.pins.releases.iter().map(|release| release.files.len()).sum();
    let good = output::GOOD;
    work.teller.line(&format!(
        "{good}{}, {}, every digest of downloaded bytes ({} now), {:.2} s{good:#}",
        output::count(file.pins().len(), "pin", "pins"),
        output::count(files, "file", "files"),
        output::size(locked.downloaded),
        started.elapsed().as_secs_f64()
    ));
}

/// The files whose digests do not stand in the text.
fn not_in(text: &[u8], pins: Vec<PinToCheck>) -> Vec<PinToCheck> {
    let text = String::from_utf8_lossy(text);
    let stands = |pin: &PinToCheck| pin.digests.iter().any(|it| text.contains(&it.to_string()));
    pins.into_iter().filter(|pin| !stands(pin)).collect()
}

/// A release that is pinned, and the files of it that matter.
struct Wanted {
    project: ProjectName,
    version: Version,
    index: String,
    files: Vec<ReleaseFile>,
}

/// The releases that the lines pin, each once.
fn wanted(
    engine: &Engine<'_>,
    file: &Constraints,
    targets: &[Target],
    all_files: bool,
) -> Result<Vec<Wanted>, Vec<Problem>> {
    let projects: BTreeSet<&ProjectName> = file.pins().iter().map(|pin| &pin.project).collect();
    engine.teller.progress(Progress::Asking { projects: projects.len() });
    let projects: Vec<ProjectName> = projects.into_iter().cloned().collect();
    engine.catalogue.expect(&projects);
    let (mut wanted, mut problems) = (Vec::<Wanted>::new(), Vec::new());
    for pin in file.pins() {
        let is_known = |one: &Wanted| one.project == pin.project && one.version == pin.version;
        if wanted.iter().any(is_known) {
            continue;
        }
        engine.teller.progress(Progress::Asked);
        match release(engine, pin, targets, all_files) {
            Ok(found) => wanted.push(found),
            Err(problem) => problems.push(problem.at(&pin.place)),
        }
    }
    engine.teller.progress(Progress::Done);
    if problems.is_empty() { Ok(wanted) } else { Err(problems) }
}

fn release(
    engine: &Engine<'_>,
    pin: &Pin,
    targets: &[Target],
    all_files: bool,
) -> Result<Wanted, Box<Problem>> {
    let Pin { project, version, .. } = pin;
    let releases = engine.catalogue.releases(project).map_err(|error| {
        let class = super::engine::class_of(&error);
        Box::new(Problem::new("not-listed", class, error.to_string()))
    })?;
    let files = releases.versions.get(version).map(|release| release.files.to_vec());
    let Some(files) = files.filter(|files| !files.is_empty()) else {
        let message = format!("{} lists no file of {project} {version}", releases.index);
        return Err(Box::new(Problem::new("not-listed", Class::Rejected, message)));
    };
    let is_usable = |file: &&ReleaseFile| match &file.filename {
        DistributionFilename::Wheel(wheel) => {
            targets.iter().any(|target| target.tags.rank(wheel).is_some())
        }
        DistributionFilename::Sdist(_) => false,
    };
    let is_here = |target: &Target| {
        let marker = pin.marker.as_ref();
        marker.is_none_or(|marker| marker.evaluate(&target.markers, &[]).unwrap_or(true))
    };
    let usable: Vec<ReleaseFile> = files.iter().filter(is_usable).cloned().collect();
    // A line for other environments, or a release without a wheel for these, gets all that there is.
    let takes_all = all_files || usable.is_empty() || !targets.iter().any(is_here);
    Ok(Wanted {
        project: project.clone(),
        version: version.clone(),
        index: releases.index.clone(),
        files: if takes_all { files } else { usable },
    })
}

/// Downloads and hashes.
fn look(
    engine: &Engine<'_>,
    wanted: &[Wanted],
    targets: Vec<Target>,
) -> Result<Locked, Vec<Problem>> {
    let sought: Vec<Sought<'_>> = wanted
        .iter()
        .flat_map(|one| {
            let project = &one.project;
            one.files.iter().map(move |file| Sought { project, file, depth: Depth::Bytes })
        })
        .collect();
    let sight = sight::look(engine.sight(), &sought);
    engine.teller.progress(Progress::Done);
    if !sight.problems.is_empty() {
        return Err(sight.problems);
    }
    let mut seen: BTreeMap<(&ProjectName, &str), &PinnedFile> = BTreeMap::new();
    for one in &sight.seen {
        seen.insert((&one.project, one.file.filename.as_str()), &one.file);
    }
    let releases = wanted.iter().map(|one| PinnedRelease {
        project: one.project.clone(),
        version: one.version.clone(),
        source: PinnedSource::Index(one.index.clone()),
        extras: BTreeSet::new(),
        marker: None,
        requires_python: None,
        dependencies: Vec::new(),
        via: BTreeSet::new(),
        files: one
            .files
            .iter()
            .filter_map(|file| seen.get(&(&one.project, file.filename.as_str())))
            .map(|file| PinnedFile::clone(file))
            .collect(),
        roles: Vec::new(),
    });
    let pins = Pins { releases: releases.collect(), ..Pins::default() };
    Ok(Locked { pins, targets, resolutions: Vec::new(), downloaded: sight.downloaded })
}

fn digests(pins: &Pins) -> BTreeMap<(ProjectName, Version), BTreeSet<Sha256>> {
    let digests = pins.releases.iter().map(|release| {
        let digests = release.files.iter().map(|file| file.sha256).collect();
        ((release.project.clone(), release.version.clone()), digests)
    });
    digests.collect()
}
