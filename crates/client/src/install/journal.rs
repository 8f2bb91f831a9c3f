//! Changing an environment in one step that can be undone.
//!
//! ```text
//! <root>/.countermark/stage/<path>   what comes in, finished and checked
//!                     old/<n>        what went out
//!                     journal        the list of steps, written before the first one is taken
//!                     done           the same file, renamed after the last one
//!                     undone         the same file, renamed when nothing is left of its steps
//! ```
//!
//! Every step is one rename, so at any moment the disk says which steps were taken. While `journal`
//! is there they are undone, last first; once it is called `done`, the change stands and only
//! `.countermark` has to go. Undoing may itself be interrupted and started again.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use countermark_trust::Class;
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::package::folders::Folders;

/// The folder of a change in progress, below the root of the environment.
pub const FOLDER: &str = ".countermark";

/// A million steps with long paths.
const MAX_JOURNAL_BYTES: u64 = 512 << 20;

/// One rename.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// A file of the environment goes to `old/<n>`, `n` being the step's position.
    Out(String),
    /// A file or a whole folder comes from the stage to the same path below the root.
    In(String),
}

/// The published form of a journal, one JSON document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Journal {
    format: u32,
    steps: Vec<Step>,
    /// Folders to remove at the end if they are empty, deepest first.
    empty: Vec<String>,
}

/// What an interrupted change was made to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovered {
    /// Nothing was interrupted.
    Nothing,
    /// Staging was interrupted, before any change.
    Cleaned,
    /// Steps were undone.
    Undone,
    /// All steps had been taken; what was left over was removed.
    Finished,
}

/// Why an environment could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file system said no; everything is as it was before.
    #[error("cannot {action} `{path}`")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Undoing failed too. The journal stays; the next run tries again.
    #[error("an interrupted change of `{root}` could not be undone")]
    Stuck {
        /// The environment.
        root: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A journal that this version cannot read.
    #[error("`{path}` is not a journal of this version")]
    Unreadable {
        /// The journal.
        path: PathBuf,
    },
    /// The user said stop; everything is as it was before.
    #[error("interrupted")]
    Interrupted,
}

impl JournalError {
    /// None of them says anything about the packages.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Io { .. } | Self::Stuck { .. } | Self::Unreadable { .. } | Self::Interrupted => {
                Class::Unavailable
            }
        }
    }

    /// The stable name of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => "disk-full",
            Self::Io { .. } => "environment-io",
            Self::Stuck { .. } => "undo-failed",
            Self::Unreadable { .. } => "journal-unreadable",
            Self::Interrupted => "interrupted",
        }
    }
}

fn failed(
    action: &'static str,
    path: impl Into<PathBuf>,
) -> impl FnOnce(io::Error) -> JournalError {
    let path = path.into();
    move |source| JournalError::Io { action, path, source }
}

/// Is a change of this environment unfinished?
#[must_use]
pub fn is_interrupted(root: &Path) -> bool {
    fs::symlink_metadata(root.join(FOLDER)).is_ok()
}

/// Undoes or finishes what an interrupted run left. The caller holds the lock of the environment.
///
/// # Errors
/// [`JournalError`] when that is not possible; the environment may then be a mixture, the journal
/// stays, and `verify` reports it.
pub fn recover(root: &Path) -> Result<Recovered, JournalError> {
    let folder = root.join(FOLDER);
    match fs::symlink_metadata(&folder) {
        Ok(metadata) if metadata.is_dir() => {}
        // A link would lead what is removed below to somewhere else.
        Ok(_) => return Err(JournalError::Unreadable { path: folder }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Recovered::Nothing),
        Err(error) => return Err(failed("read", folder)(error)),
    }
    if folder.join("journal").exists() {
        let journal = read(&folder.join("journal"))?;
        undo(root, &journal)
            .map_err(|source| JournalError::Stuck { root: root.to_owned(), source })?;
        remove_undone(&folder)?;
        return Ok(Recovered::Undone);
    }
    if folder.join("done").exists() {
        let journal = read(&folder.join("done"))?;
        remove_empty_folders(root, &journal.empty);
        remove_folder(&folder)?;
        return Ok(Recovered::Finished);
    }
    remove_folder(&folder)?;
    Ok(Recovered::Cleaned)
}

/// Makes the folder in which a change is staged, and gives its path.
///
/// # Errors
/// [`JournalError::Io`], for an environment that cannot be written above all.
pub fn open_stage(root: &Path) -> Result<PathBuf, JournalError> {
    let folder = root.join(FOLDER);
    fs::create_dir(&folder).map_err(failed("make", &folder))?;
    for name in ["stage", "old"] {
        if let Err(error) = fs::create_dir(folder.join(name)) {
            // The next run removes what cannot be removed now.
            let _ = remove_folder(&folder);
            return Err(failed("make", folder.join(name))(error));
        }
    }
    Ok(folder.join("stage"))
}

/// Removes a stage whose change is not wanted any more.
///
/// # Errors
/// [`JournalError::Io`] when it cannot be removed.
pub fn abandon(root: &Path) -> Result<(), JournalError> {
    remove_folder(&root.join(FOLDER))
}

/// Takes all steps, or none. `interrupted` is looked at before each.
///
/// # Errors
/// [`JournalError`] after everything was undone; [`JournalError::Stuck`] when that failed as well.
pub fn commit(
    root: &Path,
    steps: Vec<Step>,
    empty: Vec<String>,
    interrupted: &AtomicBool,
) -> Result<(), JournalError> {
    let folder = root.join(FOLDER);
    let journal = Journal { format: 1, steps, empty };
    let written = check_removable(root, &journal.empty).and_then(|()| write(&folder, &journal));
    if let Err(error) = written {
        // Nothing is changed yet. What cannot be removed now is removed by the next run.
        let _ = fs::remove_file(folder.join("journal"));
        let _ = remove_folder(&folder);
        return Err(error);
    }
    let taken = take(root, &journal, interrupted).and_then(|()| {
        let (from, to) = (folder.join("journal"), folder.join("done"));
        fs::rename(from, to).map_err(failed("finish", &folder))
    });
    if let Err(error) = taken {
        undo(root, &journal)
            .map_err(|source| JournalError::Stuck { root: root.to_owned(), source })?;
        remove_undone(&folder)?;
        return Err(error);
    }
    sync_folder(&folder).map_err(failed("sync", &folder))?;
    remove_empty_folders(root, &journal.empty);
    remove_folder(&folder)
}

/// Folders that are left empty because they may not be removed would look like broken packages.
fn check_removable(root: &Path, folders: &[String]) -> Result<(), JournalError> {
    use rustix::fs::{Access, AtFlags, CWD, accessat};
    let parents: BTreeSet<&str> =
        folders.iter().map(|path| path.rsplit_once('/').map_or("", |(parent, _)| parent)).collect();
    for parent in parents {
        let path = root.join(parent);
        match accessat(CWD, &path, Access::WRITE_OK, AtFlags::EACCESS) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(failed("change", path)(errno.into())),
        }
    }
    Ok(())
}

fn write(folder: &Path, journal: &Journal) -> Result<(), JournalError> {
    let path = folder.join("journal.new");
    let bytes =
        serde_json::to_vec(journal).map_err(|error| failed("write", &path)(error.into()))?;
    let written = fs::File::create_new(&path).and_then(|mut file| {
        file.write_all(&bytes)?;
        file.sync_all()
    });
    written.map_err(failed("write", &path))?;
    fs::rename(&path, folder.join("journal")).map_err(failed("write", path))?;
    sync_folder(folder).map_err(failed("sync", folder))
}

fn read(path: &Path) -> Result<Journal, JournalError> {
    let unreadable = || JournalError::Unreadable { path: path.to_owned() };
    let text = crate::store::read_bounded(path, MAX_JOURNAL_BYTES).map_err(failed("read", path))?;
    let journal: Journal = serde_json::from_str(&text).map_err(|_| unreadable())?;
    if journal.format == 1 { Ok(journal) } else { Err(unreadable()) }
}

/// The three places between which steps move files.
struct Places {
    root: OwnedFd,
    stage: OwnedFd,
    old: OwnedFd,
}

impl Places {
    fn open(root: &Path) -> io::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(root, flags, Mode::empty())?;
        // Whoever wrote the journal may have put links beside it.
        let below = |folder: &OwnedFd, name: &str| {
            rustix::fs::openat(folder, name, flags | OFlags::NOFOLLOW, Mode::empty())
        };
        let folder = below(&root, FOLDER)?;
        Ok(Self { stage: below(&folder, "stage")?, old: below(&folder, "old")?, root })
    }
}

fn take(root: &Path, journal: &Journal, interrupted: &AtomicBool) -> Result<(), JournalError> {
    let places = Places::open(root).map_err(failed("open", root))?;
    let mut target = Folders::existing(places.root.as_fd());
    let mut stage = Folders::existing(places.stage.as_fd());
    for (number, step) in journal.steps.iter().enumerate() {
        if interrupted.load(Ordering::Relaxed) {
            return Err(JournalError::Interrupted);
        }
        let (Step::Out(path) | Step::In(path)) = step;
        let result = match step {
            Step::Out(path) => target.of(path).and_then(|(folder, name)| {
                rustix::fs::renameat(folder, name, &places.old, number.to_string())
            }),
            Step::In(path) => target.of(path).and_then(|(folder, name)| {
                let (from, _) = stage.of(path)?;
                rename_new(from, name, folder, name)
            }),
        };
        result.map_err(|errno| failed("change", root.join(path))(errno.into()))?;
    }
    Ok(())
}

/// Renames without ever replacing anything.
fn rename_new(
    from: BorrowedFd<'_>,
    name: &str,
    to: BorrowedFd<'_>,
    new: &str,
) -> Result<(), Errno> {
    use rustix::fs::RenameFlags;
    match rustix::fs::renameat_with(from, name, to, new, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS) => {
            // A file system without the flag: the lock is what keeps others out.
            if exists(to, new)? {
                return Err(Errno::EXIST);
            }
            rustix::fs::renameat(from, name, to, new)
        }
        other => other,
    }
}

fn exists(folder: BorrowedFd<'_>, name: &str) -> Result<bool, Errno> {
    match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(_) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// Takes back what was taken, last step first. Each step says by what is where whether it was
/// taken: an `In` that was not still has its source in the stage, an `Out` that was has `old/<n>`.
fn undo(root: &Path, journal: &Journal) -> io::Result<()> {
    let places = Places::open(root)?;
    let mut target = Folders::existing(places.root.as_fd());
    let mut stage = Folders::existing(places.stage.as_fd());
    for (number, step) in journal.steps.iter().enumerate().rev() {
        match step {
            Step::In(path) => {
                stage.forget();
                let (from, _) = stage.of(path)?;
                let name = path.rsplit('/').next().unwrap_or(path);
                if exists(from, name)? {
                    continue;
                }
                let (folder, name) = target.of(path)?;
                rustix::fs::renameat(folder, name, from, name)?;
                target.forget();
            }
            Step::Out(path) => {
                let backup = number.to_string();
                if exists(places.old.as_fd(), &backup)? {
                    let (folder, name) = target.of(path)?;
                    rename_new(places.old.as_fd(), &backup, folder, name)?;
                }
            }
        }
    }
    rustix::fs::fsync(&places.root)?;
    Ok(())
}

impl Step {
    /// The path below the root.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Out(path) | Self::In(path) => path,
        }
    }
}

/// Folders that others still use are not empty, and stay.
fn remove_empty_folders(root: &Path, folders: &[String]) {
    let Ok(opened) = rustix::fs::open(root, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
    else {
        return;
    };
    let mut walk = Folders::existing(opened.as_fd());
    for path in folders {
        if let Ok((folder, name)) = walk.of(path) {
            let _ = rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR);
            walk.forget();
        }
    }
}

/// The journal loses its name first: what is left is then a stage that nobody wants.
fn remove_undone(folder: &Path) -> Result<(), JournalError> {
    fs::rename(folder.join("journal"), folder.join("undone")).map_err(failed("remove", folder))?;
    remove_folder(folder)
}

fn remove_folder(folder: &Path) -> Result<(), JournalError> {
    // The list goes last: with it gone, nothing says what the rest was.
    for name in ["stage", "old"] {
        match fs::remove_dir_all(folder.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("remove", folder)(error));
            }
            _ => {}
        }
    }
    fs::remove_dir_all(folder).map_err(failed("remove", folder))
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests;
