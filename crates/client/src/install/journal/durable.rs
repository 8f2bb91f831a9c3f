//! Getting renames onto the disk before the record of them changes.
//!
//! A journal keeps its meaning only if what it says is on the disk before it gets another name.
//! Not all file systems write renames in the order in which they were made.

use crate::system::fd::{AsFd as _, BorrowedFd};
use std::collections::BTreeSet;

use crate::system::fs::{Mode, OFlags};
use crate::system::io::Errno;

use super::{Places, Step};
use crate::package::folders::Folders;

/// From so many folders on it is quicker to write the whole file system once. For fewer it is not:
/// that would wait for what every other program has written, too.
#[cfg(target_os = "linux")]
const MANY_FOLDERS: usize = 64;

/// Folders in which a journal's steps rename, relative to the two places.
#[derive(Debug, Default)]
pub(super) struct Changed<'a> {
    pub(super) target: BTreeSet<&'a str>,
    pub(super) stage: BTreeSet<&'a str>,
}

/// Each folder once.
pub(super) fn changed_folders(steps: &[Step]) -> Changed<'_> {
    let mut changed = Changed::default();
    for step in steps {
        let parent = step.path().rsplit_once('/').map_or("", |(parent, _)| parent);
        changed.target.insert(parent);
        if matches!(step, Step::In(_)) {
            changed.stage.insert(parent);
        }
    }
    changed
}

/// Writes every folder in which steps were taken, or taken back.
pub(super) fn write_changed(places: &Places, steps: &[Step]) -> Result<(), Errno> {
    let changed = changed_folders(steps);
    #[cfg(target_os = "linux")]
    if changed.target.len() + changed.stage.len() > MANY_FOLDERS {
        return crate::system::fs::syncfs(&places.root);
    }
    write_all(places.root.as_fd(), &changed.target)?;
    write_all(places.stage.as_fd(), &changed.stage)?;
    write(places.old.as_fd())
}

fn write_all(place: BorrowedFd<'_>, folders: &BTreeSet<&str>) -> Result<(), Errno> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut walk = Folders::existing(place);
    for folder in folders {
        if folder.is_empty() {
            write(place)?;
            continue;
        }
        let opened = walk.of(folder).and_then(|(parent, name)| {
            crate::system::fs::openat(parent, name, flags, Mode::empty())
        });
        match opened {
            Ok(opened) => write(opened.as_fd())?,
            // After an undo: nothing of a folder that is not there was taken back.
            Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// Some file systems have no such thing for folders, and say so.
pub(super) fn write(folder: BorrowedFd<'_>) -> Result<(), Errno> {
    match crate::system::fs::fsync(folder) {
        Err(Errno::INVAL | Errno::NOTSUP | Errno::NOSYS | Errno::BADF) => Ok(()),
        other => other,
    }
}
