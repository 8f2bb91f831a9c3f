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

use crate::system::fd::{AsFd as _, BorrowedFd, OwnedFd};
use crate::system::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::system::fs::{AtFlags, Mode, OFlags};
use crate::system::io::Errno;
use serde::{Deserialize, Serialize};

use self::error::failed;
use self::undo::undo;
use super::steps::is_compiled;
use crate::package::folders::Folders;

mod durable;
mod error;
mod undo;

pub use self::error::JournalError;

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

/// What a user should be told although nothing failed.
#[derive(Debug, thiserror::Error)]
pub enum Remark {
    /// Somebody wrote a file where one came back. It is kept here, below the root.
    #[error("`{0}` is what was in the way when an interrupted change was undone")]
    Stray(String),
    /// The environment is as it should be, but for the rest of the change. The next run removes it.
    #[error("what is left of a change could not be removed: {0}")]
    LeftOver(#[source] JournalError),
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
pub fn recover(root: &Path, say: &dyn Fn(Remark)) -> Result<Recovered, JournalError> {
    let folder = root.join(FOLDER);
    let Some(found) = look(&folder)? else {
        return Ok(Recovered::Nothing);
    };
    check_ours(root, &folder, &found)?;
    if look(&folder.join("journal"))?.is_some() {
        let journal = read(&folder.join("journal"))?;
        undo_all(root, &journal, say)?;
        remove_undone(&folder)?;
        return Ok(Recovered::Undone);
    }
    if look(&folder.join("done"))?.is_some() {
        let journal = read(&folder.join("done"))?;
        remove_empty_folders(root, &journal.empty);
        remove_folder(&folder)?;
        return Ok(Recovered::Finished);
    }
    remove_folder(&folder)?;
    Ok(Recovered::Cleaned)
}

/// What is there. Only what is certainly not there counts as that: backups depend on it.
fn look(path: &Path) -> Result<Option<fs::Metadata>, JournalError> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path)(error)),
    }
}

/// Who may have written what is in a folder.
struct Facts {
    owner: u32,
    mode: u32,
}

impl From<&fs::Metadata> for Facts {
    fn from(metadata: &fs::Metadata) -> Self {
        Self { owner: metadata.uid(), mode: metadata.mode() }
    }
}

/// A journal moves and removes files of the environment: only those who could do that anyway may
/// have written it.
fn check_ours(root: &Path, folder: &Path, found: &fs::Metadata) -> Result<(), JournalError> {
    let foreign = |reason| Err(JournalError::Foreign { path: folder.to_owned(), reason });
    // A link would lead what is removed to somewhere else.
    if !found.is_dir() {
        return foreign("it is not a folder");
    }
    let outer = fs::metadata(root).map_err(failed("read", root))?;
    let (inner, outer) = (Facts::from(found), Facts::from(&outer));
    if !is_trusted_owner(&inner, &outer, crate::system::process::geteuid().as_raw()) {
        return foreign("it belongs to another user");
    }
    if inner.mode & !outer.mode & 0o022 != 0 {
        return foreign("users may write it who may not write the environment");
    }
    Ok(())
}

fn is_trusted_owner(folder: &Facts, root: &Facts, oneself: u32) -> bool {
    folder.owner == oneself || folder.owner == root.owner
}

/// Makes the folder in which a change is staged, and gives its path.
///
/// # Errors
/// [`JournalError::Io`], for an environment that cannot be written above all.
pub fn open_stage(root: &Path) -> Result<PathBuf, JournalError> {
    let folder = root.join(FOLDER);
    fs::DirBuilder::new().mode(0o700).create(&folder).map_err(failed("make", &folder))?;
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

/// Takes all steps, or none. `interrupted` is looked at before each. Once all were taken, nothing
/// that fails is an error any more.
///
/// # Errors
/// [`JournalError`] after everything was undone; [`JournalError::Stuck`] when that failed as well.
pub fn commit(
    root: &Path,
    steps: Vec<Step>,
    empty: Vec<String>,
    interrupted: &AtomicBool,
    say: &dyn Fn(Remark),
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
        undo_all(root, &journal, say)?;
        if let Err(error) = remove_undone(&folder) {
            say(Remark::LeftOver(error));
        }
        return Err(error);
    }
    finish(root, &journal, say);
    Ok(())
}

fn undo_all(root: &Path, journal: &Journal, say: &dyn Fn(Remark)) -> Result<(), JournalError> {
    let mut strays = Vec::new();
    let undone = undo(root, journal, &mut strays);
    // They were moved even if something else failed later.
    strays.into_iter().for_each(|path| say(Remark::Stray(path)));
    undone.map_err(|source| JournalError::Stuck { root: root.to_owned(), source })
}

/// Removes the rest of a change that stands.
fn finish(root: &Path, journal: &Journal, say: &dyn Fn(Remark)) {
    let folder = root.join(FOLDER);
    let finished = sync_folder(&folder).map_err(failed("sync", &folder)).and_then(|()| {
        remove_empty_folders(root, &journal.empty);
        remove_folder(&folder)
    });
    if let Err(error) = finished {
        say(Remark::LeftOver(error));
    }
}

/// Folders that are left empty because they may not be removed would look like broken packages.
fn check_removable(root: &Path, folders: &[String]) -> Result<(), JournalError> {
    use crate::system::fs::{Access, AtFlags, CWD, accessat};
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
    let text = crate::store::read_bounded(path, MAX_JOURNAL_BYTES).map_err(|error| {
        // Too long, not text, or not a file.
        let is_other = error.kind() == io::ErrorKind::InvalidData;
        if is_other { unreadable() } else { failed("read", path)(error) }
    })?;
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
        let root = crate::system::fs::open(root, flags, Mode::empty())?;
        // Whoever wrote the journal may have put links beside it.
        let below = |folder: &OwnedFd, name: &str| {
            crate::system::fs::openat(folder, name, flags | OFlags::NOFOLLOW, Mode::empty())
        };
        let folder = below(&root, FOLDER)?;
        // Without it nothing that came in can be moved back. It is empty then.
        match crate::system::fs::mkdirat(&folder, "stage", Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno.into()),
        }
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
                crate::system::fs::renameat(folder, name, &places.old, number.to_string())
            }),
            Step::In(path) => target.of(path).and_then(|(folder, name)| {
                let (from, _) = stage.of(path)?;
                match rename_new(from, name, folder, name) {
                    // An import wrote it meanwhile.
                    Err(Errno::EXIST) if is_compiled(path) => {
                        crate::system::fs::renameat(from, name, folder, name)
                    }
                    other => other,
                }
            }),
        };
        result.map_err(|errno| failed("change", root.join(path))(errno.into()))?;
    }
    durable::write_changed(&places, &journal.steps)
        .map_err(|errno| failed("sync", root)(errno.into()))
}

/// Renames without ever replacing anything.
fn rename_new(
    from: BorrowedFd<'_>,
    name: &str,
    to: BorrowedFd<'_>,
    new: &str,
) -> Result<(), Errno> {
    use crate::system::fs::RenameFlags;
    match crate::system::fs::renameat_with(from, name, to, new, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS) => {
            // A file system without the flag: the lock is what keeps others out.
            if exists(to, new)? {
                return Err(Errno::EXIST);
            }
            crate::system::fs::renameat(from, name, to, new)
        }
        other => other,
    }
}

fn exists(folder: BorrowedFd<'_>, name: &str) -> Result<bool, Errno> {
    match crate::system::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(_) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(errno),
    }
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
    let Ok(opened) =
        crate::system::fs::open(root, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
    else {
        return;
    };
    let mut walk = Folders::existing(opened.as_fd());
    for path in folders {
        if let Ok((folder, name)) = walk.of(path) {
            let _ = crate::system::fs::unlinkat(folder, name, AtFlags::REMOVEDIR);
            walk.forget();
        }
    }
}

/// The journal loses its name first: what is left is then a stage that nobody wants.
fn remove_undone(folder: &Path) -> Result<(), JournalError> {
    fs::rename(folder.join("journal"), folder.join("undone")).map_err(failed("remove", folder))?;
    sync_folder(folder).map_err(failed("sync", folder))?;
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
    Ok(durable::write(fs::File::open(folder)?.as_fd())?)
}

#[cfg(test)]
mod tests;
