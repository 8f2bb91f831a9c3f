//! From verified trees to a changed environment.
//!
//! Everything is staged and checked first; then the environment changes as one step that can be
//! undone: a new one appears by one rename ([`fresh`]), an existing one changes by a journal of
//! renames ([`journal`]).

mod compile;
mod error;
mod existing;
pub mod fresh;
pub mod journal;
mod link;
pub mod lock;
mod prepare;
pub mod stage;
pub mod steps;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use countermark_packaging::name::ProjectName;

pub use error::InstallError;
pub use existing::remove;

use crate::gather::Ready;
use crate::interpreter::{Interpreter, Layout};
use crate::package::generated::Launching;
use crate::package::placement::Placement;
use crate::report::{Progress, Reporter};
use crate::scripts::Heading;
use crate::store::{Check, Store};
use crate::venv;
use error::failed;
use prepare::Preparation;
use stage::{LinkMode, StageError};

/// How often a wheel of the store may turn out to be altered again before we give up.
const MAX_RESTORES: usize = 64;

/// Where packages go.
#[derive(Clone, Debug)]
pub enum Target {
    /// A virtual environment at this absolute path, made with this base if there is none.
    Venv {
        /// The folder.
        path: PathBuf,
        /// The interpreter to make it of.
        base: Interpreter,
    },
    /// A folder with a layout below it (`--target`, `--prefix`), made if there is none.
    Folder {
        /// The folder.
        path: PathBuf,
        /// The layout in it.
        layout: Layout,
        /// Runs the commands.
        interpreter: Interpreter,
    },
    /// The environment of this interpreter.
    Environment(Interpreter),
}

/// How to install.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Where wheels are linked from.
    pub store: &'a Store,
    /// Whom to tell.
    pub reporter: &'a dyn Reporter,
    /// Set when the user said stop.
    pub interrupted: &'a AtomicBool,
    /// How much of a stored wheel is looked at.
    pub check: Check,
    /// How files get into the environment.
    pub link_mode: LinkMode,
    /// Compile to bytecode.
    pub compile: bool,
    /// Remove what is not wanted.
    pub sync: bool,
    /// Put back packages whose files were changed.
    pub reinstall: bool,
    /// What cannot be proved is an error.
    pub strict: bool,
    /// Change nothing.
    pub dry_run: bool,
    /// Relative paths in locks start here.
    pub folder: &'a Path,
}

/// One package of the environment before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The project.
    pub project: ProjectName,
    /// What was there.
    pub before: Option<String>,
    /// What is there now.
    pub after: Option<String>,
}

/// What an install did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Installed, replaced and removed packages, by name.
    pub changes: Vec<Change>,
    /// Packages that already were what they should be.
    pub kept: Vec<ProjectName>,
    /// Files of the wanted packages.
    pub files: u64,
    /// Was the environment made?
    pub created: bool,
}

/// Installs gathered packages.
///
/// # Errors
/// [`InstallError`]; the environment is as it was before. After [`InstallError::Evicted`] the
/// packages can be gathered again.
pub fn install(
    request: &Request<'_>,
    target: &Target,
    packages: &mut [Ready],
) -> Result<Outcome, InstallError> {
    let mut outcome = match target {
        Target::Venv { path, .. } | Target::Folder { path, .. }
            if request.dry_run && fresh::is_free(path)? =>
        {
            would_install(packages)
        }
        Target::Venv { path, base } => {
            match fresh::begin(path, request.interrupted, request.reporter)? {
                fresh::Place::Free(fresh) => new_venv(request, fresh, path, base, packages)?,
                fresh::Place::Taken => {
                    let interpreter = existing_venv(path, base)?;
                    existing::change(request, &interpreter, interpreter.layout(), packages)?
                }
            }
        }
        Target::Folder { path, layout, interpreter } => {
            match fresh::begin(path, request.interrupted, request.reporter)? {
                fresh::Place::Free(fresh) => {
                    fill(request, &fresh.staging, layout, interpreter, packages)?;
                    fresh.finish()?;
                    would_install(packages)
                }
                fresh::Place::Taken => existing::change(request, interpreter, layout, packages)?,
            }
        }
        Target::Environment(interpreter) => {
            existing::change(request, interpreter, interpreter.layout(), packages)?
        }
    };
    outcome.files = packages.iter().map(|ready| ready.entry.tree.files().len() as u64).sum();
    let used = packages.iter().map(|ready| ready.entry.tree.artifact().sha256());
    request.store.mark_used(used);
    request.reporter.progress(Progress::Done);
    Ok(outcome)
}

/// Undoes or finishes what an interrupted run left of an environment, and says so. For commands
/// that only read: without such a rest nothing is locked or written.
///
/// # Errors
/// [`InstallError`] when that is not possible.
pub fn recover(
    layout: &Layout,
    interrupted: &AtomicBool,
    reporter: &dyn Reporter,
) -> Result<(), InstallError> {
    let placement = Placement::new(layout).map_err(failed("resolve", &layout.data))?;
    if !journal::is_interrupted(&placement.root) {
        return Ok(());
    }
    let waiting = || existing::say_waiting(reporter, &placement.root);
    let locked = lock::lock(&placement.root, interrupted, waiting);
    match locked.map_err(failed("lock", &placement.root))? {
        lock::Locked::Yes(_held) => existing::recover(&placement.root, reporter),
        lock::Locked::Moved => Ok(()),
    }
}

/// Everything is new.
fn would_install(packages: &[Ready]) -> Outcome {
    let changes = packages.iter().map(|ready| Change {
        project: ready.wanted.project.clone(),
        before: None,
        after: Some(ready.entry.facts.version.clone()),
    });
    Outcome { changes: changes.collect(), created: true, ..Outcome::default() }
}

fn new_venv(
    request: &Request<'_>,
    fresh: fresh::Fresh,
    path: &Path,
    base: &Interpreter,
    packages: &mut [Ready],
) -> Result<Outcome, InstallError> {
    let made = venv::create(&fresh.staging, path, base, &venv::Options::default())?;
    fill(request, &fresh.staging, made.layout(), &made, packages)?;
    fresh.finish()?;
    Ok(would_install(packages))
}

/// A folder that has something in it has to be an environment.
fn existing_venv(path: &Path, base: &Interpreter) -> Result<Interpreter, InstallError> {
    if !path.join("pyvenv.cfg").is_file() {
        return Err(InstallError::NotAnEnvironment { path: path.to_owned() });
    }
    crate::interpreter::read_interpreter(&path.join("bin/python"), None).or_else(|_| {
        // An environment whose base cannot be asked: what we would have made.
        Ok(base.in_environment(path.to_owned(), path.join("bin/python")))
    })
}

/// Stages everything into a new folder. `layout` is the one of its final place.
fn fill(
    request: &Request<'_>,
    staging: &Path,
    layout: &Layout,
    interpreter: &Interpreter,
    packages: &mut [Ready],
) -> Result<(), InstallError> {
    let placement = Placement::new(layout).map_err(failed("resolve", &layout.data))?;
    let all: Vec<usize> = (0..packages.len()).collect();
    stage_packages(request, staging, &placement, interpreter, packages, &all)
}

/// Stages the chosen packages below `staging`. A stored wheel that turns out to be altered is made
/// again from its archive, and staging starts over with what is already there removed.
fn stage_packages(
    request: &Request<'_>,
    staging: &Path,
    placement: &Placement,
    interpreter: &Interpreter,
    packages: &mut [Ready],
    chosen: &[usize],
) -> Result<(), InstallError> {
    let heading = Heading::new(interpreter.executable(), false).map_err(|source| {
        InstallError::Generate { project: "python".to_owned(), source: source.into() }
    })?;
    let launching = Launching { heading: &heading, version: interpreter.release() };
    let options = stage::Options {
        mode: request.link_mode,
        check: request.check,
        threads: std::thread::available_parallelism().map_or(1, usize::from).clamp(1, 8),
        interrupted: request.interrupted,
    };
    let preparation =
        Preparation { store: request.store, placement, launching: &launching, options };
    let keep = existing_items(staging).map_err(failed("read", staging))?;
    for _ in 0..chosen.len() + MAX_RESTORES {
        request.reporter.progress(Progress::Staging { packages: chosen.len() });
        let result = stage_once(request, &preparation, staging, interpreter, packages, chosen);
        let (index, why) = match &result {
            Err(InstallError::Stage(StageError::Altered { index, path, .. })) => {
                (*index, format!("`{path}` was changed"))
            }
            Err(InstallError::Stage(StageError::Stray { index, stray, .. })) => {
                (*index, stray.clone())
            }
            Err(InstallError::Stage(StageError::Stale { index, .. })) => {
                let Some(&position) = chosen.get(*index) else { return result };
                let entry = &packages[position].entry;
                compile::forget(request.store, interpreter, entry, request.reporter)?;
                remove_staged(staging, &keep)?;
                continue;
            }
            _ => return result,
        };
        let Some(&position) = chosen.get(index) else { return result };
        prepare::restore(request.store, &mut packages[position], &why, request.reporter)?;
        remove_staged(staging, &keep)?;
    }
    let wheel = "a stored wheel".to_owned();
    Err(StageError::Altered { index: usize::MAX, wheel, path: "a file".to_owned() }.into())
}

fn stage_once(
    request: &Request<'_>,
    preparation: &Preparation<'_>,
    staging: &Path,
    interpreter: &Interpreter,
    packages: &[Ready],
    chosen: &[usize],
) -> Result<(), InstallError> {
    let ready: Vec<&Ready> = chosen.iter().map(|&index| &packages[index]).collect();
    let compiled = if request.compile {
        let mut entries = Vec::with_capacity(ready.len());
        for one in &ready {
            let folders = preparation.placement.folders(&one.entry.facts.project);
            entries.push((&one.entry, folders.unwrap_or_default()));
        }
        compile::compiled(request.store, interpreter, &entries, request.reporter)?
    } else {
        vec![stage::CompiledSet::default(); ready.len()]
    };
    prepare::stage_all(preparation, staging, &ready, &compiled, request.folder)
}

/// Every path below a folder, so that staging can be taken back.
fn existing_items(folder: &Path) -> std::io::Result<std::collections::BTreeSet<PathBuf>> {
    let mut items = std::collections::BTreeSet::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for item in std::fs::read_dir(&next)? {
            let item = item?;
            if item.file_type()?.is_dir() {
                open.push(item.path());
            }
            items.insert(item.path());
        }
    }
    Ok(items)
}

fn remove_staged(
    folder: &Path,
    keep: &std::collections::BTreeSet<PathBuf>,
) -> Result<(), InstallError> {
    for item in existing_items(folder).map_err(failed("read", folder))?.iter().rev() {
        if keep.contains(item) {
            continue;
        }
        let is_folder = item.symlink_metadata().is_ok_and(|metadata| metadata.is_dir());
        let removed =
            if is_folder { std::fs::remove_dir(item) } else { std::fs::remove_file(item) };
        removed.map_err(failed("remove", item))?;
    }
    Ok(())
}
