//! One run at a time on one environment.

use crate::system::fd::OwnedFd;
use crate::system::unix::fs::MetadataExt as _;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::system::fs::{FlockOperation, Mode, OFlags};
use crate::system::io::Errno;

/// How often a waiting run looks whether its turn has come.
const PAUSE: Duration = Duration::from_millis(50);

/// The lock of a folder, held until it is dropped. It follows the folder when that is renamed.
#[derive(Debug)]
pub struct FolderLock {
    _folder: OwnedFd,
}

/// What became of the wish for a lock.
#[derive(Debug)]
pub enum Locked {
    /// It is held.
    Yes(FolderLock),
    /// The folder is gone, or another one has its name by now.
    Moved,
}

/// Waits for the lock of a folder; calls `waiting` once when somebody else has it.
///
/// # Errors
/// [`io::ErrorKind::Interrupted`] when `interrupted` is set, and whatever the file system says; a
/// link is not a folder.
pub fn lock(path: &Path, interrupted: &AtomicBool, waiting: impl FnOnce()) -> io::Result<Locked> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = match crate::system::fs::open(path, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(Locked::Moved),
        other => other?,
    };
    let mut waiting = Some(waiting);
    loop {
        match crate::system::fs::flock(&folder, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => break,
            Err(Errno::WOULDBLOCK) => {}
            Err(errno) => return Err(errno.into()),
        }
        if let Some(waiting) = waiting.take() {
            waiting();
        }
        if interrupted.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        std::thread::sleep(PAUSE);
    }
    let held = crate::system::fs::fstat(&folder)?;
    let same = fs::symlink_metadata(path)
        .is_ok_and(|named| named.ino() == held.st_ino && named.dev() == held.st_dev);
    Ok(if same { Locked::Yes(FolderLock { _folder: folder }) } else { Locked::Moved })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_after_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let go = AtomicBool::new(false);
        let Locked::Yes(first) = lock(folder.path(), &go, || panic!("nobody has it")).unwrap()
        else {
            panic!("the folder is there");
        };
        let stop = AtomicBool::new(true);
        let mut waited = false;
        let error = lock(folder.path(), &stop, || waited = true).unwrap_err();
        assert_eq!((error.kind(), waited), (io::ErrorKind::Interrupted, true));
        drop(first);
        assert!(matches!(lock(folder.path(), &stop, || {}).unwrap(), Locked::Yes(_)));
    }

    #[test]
    fn a_lock_follows_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("1"), folder.path().join("2"));
        fs::create_dir(&one).unwrap();
        let go = AtomicBool::new(false);
        let _held = lock(&one, &go, || {}).unwrap();
        fs::rename(&one, &two).unwrap();
        assert!(matches!(lock(&one, &go, || {}).unwrap(), Locked::Moved));
        let stop = AtomicBool::new(true);
        assert!(lock(&two, &stop, || {}).is_err());
    }
}
