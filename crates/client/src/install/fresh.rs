//! A new environment or folder: made beside its place, and renamed into it.
//!
//! The folder is called `.<name>.countermark` until it is finished. Whoever makes it holds its lock,
//! which follows the rename; a second run waits for it and then finds the environment. What a killed
//! run left is told by nobody holding the lock, and is removed.

use crate::system::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::system::fs::RenameFlags;

use super::error::{InstallError, failed};
use super::lock::{FolderLock, Locked, lock};
use crate::report::{Note, Reporter};

/// A folder that is being filled.
pub(super) struct Fresh {
    /// Where it is now.
    pub(super) staging: PathBuf,
    target: PathBuf,
    _lock: FolderLock,
    finished: bool,
}

/// What is in the place of a new folder.
pub(super) enum Place {
    /// Nothing, or an empty folder.
    Free(Fresh),
    /// Something, maybe made by the run that we waited for.
    Taken,
}

/// The folder beside a new one in which it is made.
#[must_use]
pub fn staging_of(target: &Path) -> Option<PathBuf> {
    let name = target.file_name()?.to_str()?;
    Some(target.parent()?.join(format!(".{name}.countermark")))
}

/// Begins a new folder at `target`, an absolute path.
pub(super) fn begin(
    target: &Path,
    interrupted: &AtomicBool,
    reporter: &dyn Reporter,
) -> Result<Place, InstallError> {
    let staging = staging_of(target)
        .ok_or_else(|| failed("make", target)(io::ErrorKind::InvalidInput.into()))?;
    loop {
        if is_taken(target)? {
            return Ok(Place::Taken);
        }
        if interrupted.load(Ordering::Relaxed) {
            return Err(failed("make", target)(io::ErrorKind::Interrupted.into()));
        }
        fs::create_dir_all(target.parent().unwrap_or(target)).map_err(failed("make", target))?;
        // Nobody else may write where an environment is made, whatever the user's mask allows.
        let made = fs::DirBuilder::new().mode(0o755).create(&staging);
        let leftover = match made {
            Ok(()) => false,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => true,
            Err(error) => return Err(failed("make", staging)(error)),
        };
        let waiting = || {
            let message = format!("waiting for another run that makes `{}`", target.display());
            reporter.note(Note::new("waiting", message));
        };
        let Locked::Yes(lock) =
            lock(&staging, interrupted, waiting).map_err(failed("lock", &staging))?
        else {
            continue;
        };
        refuse_foreign(&staging)?;
        // The run that we waited for, or one that was faster than our look, may have made it.
        if is_taken(target)? {
            clear(&staging)?;
            fs::remove_dir(&staging).map_err(failed("remove", &staging))?;
            return Ok(Place::Taken);
        }
        if leftover && clear(&staging)? {
            let message = format!("removed what an interrupted run left of `{}`", target.display());
            reporter.note(Note::new("recovered", message));
        }
        let target = target.to_owned();
        return Ok(Place::Free(Fresh { staging, target, _lock: lock, finished: false }));
    }
}

/// Somebody else's folder would stay somebody else's after it got its name.
fn refuse_foreign(staging: &Path) -> Result<(), InstallError> {
    let metadata = fs::symlink_metadata(staging).map_err(failed("read", staging))?;
    let ours = metadata.uid() == crate::system::process::geteuid().as_raw();
    if ours && metadata.is_dir() && metadata.mode() & 0o022 == 0 {
        return Ok(());
    }
    Err(InstallError::Foreign { path: staging.to_owned() })
}

/// Would [`begin`] find the place free? For runs that change nothing.
pub(super) fn is_free(target: &Path) -> Result<bool, InstallError> {
    is_taken(target).map(|taken| !taken)
}

/// A folder that is not there, or empty, is free; a file is not.
fn is_taken(target: &Path) -> Result<bool, InstallError> {
    match fs::read_dir(target) {
        Ok(mut items) => Ok(items.next().is_some()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(true),
        Err(error) => Err(failed("read", target)(error)),
    }
}

/// Empties a folder; was there anything?
fn clear(folder: &Path) -> Result<bool, InstallError> {
    let mut found = false;
    for item in fs::read_dir(folder).map_err(failed("read", folder))? {
        let item = item.map_err(failed("read", folder))?;
        found = true;
        let path = item.path();
        let is_folder = item.file_type().map_err(failed("read", &path))?.is_dir();
        let removed = if is_folder { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.map_err(failed("remove", path))?;
    }
    Ok(found)
}

impl Fresh {
    /// The moment of the change.
    pub(super) fn finish(mut self) -> Result<(), InstallError> {
        let renamed = crate::system::fs::renameat_with(
            crate::system::fs::CWD,
            &self.staging,
            crate::system::fs::CWD,
            &self.target,
            RenameFlags::NOREPLACE,
        );
        // An empty folder in the place is replaced; a full one is not.
        let renamed = renamed.or_else(|_| crate::system::fs::rename(&self.staging, &self.target));
        renamed.map_err(|errno| failed("make", &self.target)(errno.into()))?;
        self.finished = true;
        let parent = self.target.parent().unwrap_or(&self.target);
        fs::File::open(parent).and_then(|folder| folder.sync_all()).map_err(failed("sync", parent))
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if !self.finished {
            // The next run removes what cannot be removed now.
            let _ = fs::remove_dir_all(&self.staging);
        }
    }
}
