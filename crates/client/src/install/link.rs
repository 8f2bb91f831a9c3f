//! Getting one stored file into a folder, and looking at what got there.

use crate::system::fd::BorrowedFd;
use crate::system::unix::fs::MetadataExt as _;
use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Read as _, Write as _};
use std::sync::{Mutex, PoisonError};

use crate::system::fs::{AtFlags, Mode as Permissions, OFlags, RenameFlags};
use crate::system::io::Errno;
use countermark_trust::tree::{Mode, TreeFile};

use super::stage::{Compiled, LinkMode, StageError, Staging};
use crate::package::placement::join;
use crate::store::FileSeal;

/// One stored file.
pub(super) struct Source<'a> {
    pub(super) index: usize,
    pub(super) wheel: &'a Staging<'a>,
    pub(super) file: &'a TreeFile,
    pub(super) store: BorrowedFd<'a>,
    pub(super) position: usize,
    pub(super) seal: Option<&'a FileSeal>,
}

impl<'a> Source<'a> {
    fn folder(&self) -> &'a str {
        &self.wheel.folders[self.file.scheme.index()]
    }

    pub(super) fn target(&self) -> String {
        join(self.folder(), &self.file.path)
    }

    pub(super) fn altered(&self) -> StageError {
        StageError::Altered {
            index: self.index,
            wheel: self.wheel.entry.tree.artifact().filename().to_owned(),
            path: self.file.path.clone(),
        }
    }

    /// Looks at a linked file: against its seal, or at every byte.
    pub(super) fn check(
        &self,
        folder: BorrowedFd<'_>,
        name: &str,
        buffer: &mut [u8],
    ) -> Result<FileSeal, StageError> {
        let failed =
            |source| StageError::Io { action: "check", path: self.target().into(), source };
        if let Some(seal) = self.seal {
            let stat = crate::system::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|errno| failed(errno.into()))?;
            let found = FileSeal::of(&stat);
            if found == *seal {
                return Ok(found);
            }
        }
        let opened = match open_file(folder, name) {
            Ok(opened) => opened,
            Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
                return Err(self.altered());
            }
            Err(error) => return Err(failed(error)),
        };
        self.check_bytes(&opened, buffer)
    }

    fn check_bytes(&self, file: &File, buffer: &mut [u8]) -> Result<FileSeal, StageError> {
        let failed =
            |source| StageError::Io { action: "check", path: self.target().into(), source };
        let stat = crate::system::fs::fstat(file).map_err(|errno| failed(errno.into()))?;
        let seal = FileSeal::of(&stat);
        if !self.looks_right(seal) || hash(file, buffer).map_err(failed)? != self.file.blake3 {
            return Err(self.altered());
        }
        Ok(seal)
    }

    /// A regular file of the right size, executable when it should be, without further bits.
    fn looks_right(&self, seal: FileSeal) -> bool {
        let executable = seal.mode & 0o100 != 0;
        seal.mode & 0o170_000 == 0o100_000
            && seal.mode & 0o7000 == 0
            && seal.size == self.file.size
            && (executable == (self.file.mode == Mode::Executable)
                || self.file.mode == Mode::Script)
    }

    pub(super) fn check_in_store(&self, buffer: &mut [u8]) -> Result<FileSeal, StageError> {
        match open_file(self.store, &self.position.to_string()) {
            Ok(file) => self.check_bytes(&file, buffer),
            Err(_) => Err(self.altered()),
        }
    }

    /// Another wheel has put a file here: fine if it is the same.
    pub(super) fn check_twin(
        &self,
        folder: BorrowedFd<'_>,
        name: &str,
        buffer: &mut [u8],
    ) -> Result<FileSeal, StageError> {
        let same = open_file(folder, name)
            .and_then(|file| hash(&file, buffer))
            .is_ok_and(|hash| hash == self.file.blake3);
        if !same {
            let wheel = self.wheel.entry.tree.artifact().filename().to_owned();
            return Err(StageError::Conflict { wheel, path: self.target() });
        }
        self.check_in_store(buffer)
    }
}

fn open_file(folder: BorrowedFd<'_>, name: &str) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let quiet = flags | OFlags::NOATIME;
    let opened = match crate::system::fs::openat(folder, name, quiet, Permissions::empty()) {
        // Only the owner may leave the access time alone.
        Err(Errno::PERM) => crate::system::fs::openat(folder, name, flags, Permissions::empty()),
        other => other,
    };
    Ok(File::from(opened?))
}

/// A file that gets its name when it is complete, so that whoever finds the name taken can compare
/// what is there. Until then it has a random name in the same folder, and is removed when dropped.
pub(super) struct Unnamed<'a> {
    pub(super) file: File,
    folder: BorrowedFd<'a>,
    name: String,
    published: bool,
}

/// Where a file system cannot refuse to replace, one thread at a time looks and renames. Nobody
/// else writes to a staging folder.
static NAMING: Mutex<()> = Mutex::new(());

impl<'a> Unnamed<'a> {
    pub(super) fn create(folder: BorrowedFd<'a>, executable: bool) -> io::Result<Self> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Permissions::from_raw_mode(if executable { 0o777 } else { 0o666 });
        loop {
            // Random, since no wheel may be able to choose the same name.
            let name = format!(".countermark-{:016x}", RandomState::new().hash_one(()));
            match crate::system::fs::openat(folder, &name, flags, mode) {
                Ok(file) => {
                    return Ok(Self { file: File::from(file), folder, name, published: false });
                }
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// `AlreadyExists` when something has the name; the file is gone then.
    pub(super) fn publish(mut self, name: &str) -> io::Result<()> {
        let (folder, own) = (self.folder, &self.name);
        let flags = RenameFlags::NOREPLACE;
        match crate::system::fs::renameat_with(folder, own, folder, name, flags) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                // A lock that another thread's panic poisoned guards nothing that could be broken.
                let _held = NAMING.lock().unwrap_or_else(PoisonError::into_inner);
                match crate::system::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
                    Err(Errno::NOENT) => crate::system::fs::renameat(folder, own, folder, name)?,
                    Err(errno) => return Err(errno.into()),
                    Ok(_) => return Err(io::ErrorKind::AlreadyExists.into()),
                }
            }
            other => other?,
        }
        self.published = true;
        Ok(())
    }
}

impl Drop for Unnamed<'_> {
    fn drop(&mut self) {
        if !self.published {
            // Staging that failed is removed as a whole.
            let _ = crate::system::fs::unlinkat(self.folder, &self.name, AtFlags::empty());
        }
    }
}

/// Is there a regular file with these bytes?
pub(super) fn holds(
    folder: BorrowedFd<'_>,
    name: &str,
    bytes: &[u8],
    executable: bool,
    buffer: &mut [u8],
) -> io::Result<bool> {
    let file = open_file(folder, name)?;
    let metadata = file.metadata()?;
    Ok(metadata.is_file()
        && (metadata.mode() & 0o100 != 0) == executable
        && metadata.len() == bytes.len() as u64
        && hash(&file, buffer)? == *blake3::hash(bytes).as_bytes())
}

fn hash(mut file: &File, buffer: &mut [u8]) -> io::Result<[u8; 32]> {
    let mut hasher = blake3::Hasher::new();
    loop {
        match file.read(buffer)? {
            0 => return Ok(*hasher.finalize().as_bytes()),
            count => hasher.update(&buffer[..count]),
        };
    }
}

/// Copies, hashing what is written; keeps the time, so that compiled files stay valid.
pub(super) fn copy(
    source: &Source<'_>,
    folder: BorrowedFd<'_>,
    name: &str,
    mode: LinkMode,
    buffer: &mut [u8],
) -> Result<FileSeal, StageError> {
    let failed = |source_error| StageError::Io {
        action: "copy",
        path: source.target().into(),
        source: source_error,
    };
    let Ok(from) = open_file(source.store, &source.position.to_string()) else {
        return Err(source.altered());
    };
    let seal =
        FileSeal::of(&crate::system::fs::fstat(&from).map_err(|errno| failed(errno.into()))?);
    if !source.looks_right(seal) {
        return Err(source.altered());
    }
    let trusted = source.seal == Some(&seal);
    let executable = source.file.mode == Mode::Executable;
    let mut unnamed = Unnamed::create(folder, executable).map_err(failed)?;
    let to = &mut unnamed.file;
    let cloned = mode == LinkMode::Reflink && crate::system::fs::ioctl_ficlone(&*to, &from).is_ok();
    if cloned && !trusted {
        // What was cloned is what has to be right, not what the store holds by now.
        let clone = open_file(folder, &unnamed.name).map_err(failed)?;
        if hash(&clone, buffer).map_err(failed)? != source.file.blake3 {
            return Err(source.altered());
        }
    } else if !cloned && copy_hashed(&from, to, buffer).map_err(failed)? != source.file.blake3 {
        return Err(source.altered());
    }
    let time = crate::system::fs::Timespec {
        tv_sec: seal.modified.div_euclid(1_000_000_000),
        tv_nsec: seal.modified.rem_euclid(1_000_000_000),
    };
    let times = crate::system::fs::Timestamps { last_access: time, last_modification: time };
    crate::system::fs::futimens(&unnamed.file, &times).map_err(|errno| failed(errno.into()))?;
    match unnamed.publish(name) {
        Ok(()) => Ok(seal),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            source.check_twin(folder, name, buffer)
        }
        Err(error) => Err(failed(error)),
    }
}

fn copy_hashed(mut from: &File, to: &mut File, buffer: &mut [u8]) -> io::Result<[u8; 32]> {
    let mut hasher = blake3::Hasher::new();
    loop {
        let count = from.read(buffer)?;
        if count == 0 {
            return Ok(*hasher.finalize().as_bytes());
        }
        hasher.update(&buffer[..count]);
        to.write_all(&buffer[..count])?;
    }
}

/// One compiled file of the store.
pub(super) struct CompiledSource<'a> {
    pub(super) store: BorrowedFd<'a>,
    pub(super) file: &'a Compiled,
}

impl CompiledSource<'_> {
    /// Links or copies it; `false` when it is not the one that was compiled. Whatever lies there
    /// already stays: a file of a wheel, or what another wheel with the same module compiled.
    pub(super) fn link(
        &self,
        folder: BorrowedFd<'_>,
        name: &str,
        mode: LinkMode,
        seal: Option<&FileSeal>,
        buffer: &mut [u8],
    ) -> io::Result<bool> {
        let linked = match mode {
            LinkMode::Hardlink => crate::system::fs::linkat(
                self.store,
                &self.file.name,
                folder,
                name,
                AtFlags::empty(),
            ),
            LinkMode::Reflink | LinkMode::Copy => Err(Errno::XDEV),
        };
        match linked {
            Ok(()) => {}
            Err(Errno::EXIST) => return Ok(true),
            Err(Errno::NOENT) => return Ok(false),
            Err(Errno::XDEV | Errno::MLINK | Errno::PERM | Errno::NOTSUP) => {
                return self.copy(folder, name, buffer);
            }
            Err(errno) => return Err(errno.into()),
        }
        if let Some(seal) = seal {
            let stat = crate::system::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
            if FileSeal::of(&stat) == *seal {
                return Ok(true);
            }
        }
        let Some(file) = open_regular(folder, name)? else { return Ok(false) };
        Ok(hash(&file, buffer)? == self.file.blake3)
    }

    fn copy(&self, folder: BorrowedFd<'_>, name: &str, buffer: &mut [u8]) -> io::Result<bool> {
        let Some(from) = open_regular(self.store, &self.file.name)? else { return Ok(false) };
        let mut unnamed = Unnamed::create(folder, false)?;
        if copy_hashed(&from, &mut unnamed.file, buffer)? != self.file.blake3 {
            return Ok(false);
        }
        match unnamed.publish(name) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(true),
        }
    }
}

/// `None` where something else than a regular file is, or nothing.
fn open_regular(folder: BorrowedFd<'_>, name: &str) -> io::Result<Option<File>> {
    match open_file(folder, name) {
        Ok(file) => Ok(file.metadata()?.is_file().then_some(file)),
        Err(error) => match Errno::from_io_error(&error) {
            Some(Errno::NOENT | Errno::LOOP | Errno::NXIO) => Ok(None),
            _ => Err(error),
        },
    }
}
