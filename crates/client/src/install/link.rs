//! Getting one stored file into a folder, and looking at what got there.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::BorrowedFd;

use countermark_trust::tree::{Mode, TreeFile};
use rustix::fs::{AtFlags, Mode as Permissions, OFlags};
use rustix::io::Errno;

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
            let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
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
        let stat = rustix::fs::fstat(file).map_err(|errno| failed(errno.into()))?;
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
    let opened = match rustix::fs::openat(folder, name, quiet, Permissions::empty()) {
        // Only the owner may leave the access time alone.
        Err(Errno::PERM) => rustix::fs::openat(folder, name, flags, Permissions::empty()),
        other => other,
    };
    Ok(File::from(opened?))
}

pub(super) fn create(folder: BorrowedFd<'_>, name: &str, executable: bool) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Permissions::from_raw_mode(if executable { 0o777 } else { 0o666 });
    Ok(File::from(rustix::fs::openat(folder, name, flags, mode)?))
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
    let seal = FileSeal::of(&rustix::fs::fstat(&from).map_err(|errno| failed(errno.into()))?);
    if !source.looks_right(seal) {
        return Err(source.altered());
    }
    let trusted = source.seal == Some(&seal);
    let mut to = match create(folder, name, source.file.mode == Mode::Executable) {
        Ok(to) => to,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return source.check_twin(folder, name, buffer);
        }
        Err(error) => return Err(failed(error)),
    };
    let cloned = mode == LinkMode::Reflink && rustix::fs::ioctl_ficlone(&to, &from).is_ok();
    if cloned && !trusted {
        // What was cloned is what has to be right, not what the store holds by now.
        let clone = open_file(folder, name).map_err(failed)?;
        if hash(&clone, buffer).map_err(failed)? != source.file.blake3 {
            return Err(source.altered());
        }
    } else if !cloned && copy_hashed(&from, &mut to, buffer).map_err(failed)? != source.file.blake3
    {
        return Err(source.altered());
    }
    let time = rustix::fs::Timespec {
        tv_sec: seal.modified.div_euclid(1_000_000_000),
        tv_nsec: seal.modified.rem_euclid(1_000_000_000),
    };
    let times = rustix::fs::Timestamps { last_access: time, last_modification: time };
    rustix::fs::futimens(&to, &times).map_err(|errno| failed(errno.into()))?;
    Ok(seal)
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
    /// Links or copies it; `false` when it is not the one that was compiled.
    pub(super) fn link(
        &self,
        folder: BorrowedFd<'_>,
        name: &str,
        mode: LinkMode,
        seal: Option<&FileSeal>,
        buffer: &mut [u8],
    ) -> io::Result<bool> {
        let linked = match mode {
            LinkMode::Hardlink => {
                rustix::fs::linkat(self.store, &self.file.name, folder, name, AtFlags::empty())
            }
            LinkMode::Reflink | LinkMode::Copy => Err(Errno::XDEV),
        };
        match linked {
            Ok(()) => {}
            Err(Errno::NOENT) => return Ok(false),
            Err(Errno::XDEV | Errno::MLINK | Errno::PERM | Errno::NOTSUP) => {
                let from = open_file(self.store, &self.file.name)?;
                let mut to = create(folder, name, false)?;
                return Ok(copy_hashed(&from, &mut to, buffer)? == self.file.blake3);
            }
            Err(errno) => return Err(errno.into()),
        }
        if let Some(seal) = seal {
            let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
            if FileSeal::of(&stat) == *seal {
                return Ok(true);
            }
        }
        Ok(hash(&open_file(folder, name)?, buffer)? == self.file.blake3)
    }
}
