//! Putting verified trees into a staging folder: link, then look at what was linked.
//!
//! The look comes after the link, on the name in our private folder: what was checked is what will
//! be in the environment, whatever happens to the name in the store meanwhile.

use crate::system::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::system::fs::{AtFlags, Mode as Permissions, OFlags};
use crate::system::io::Errno;
use countermark_trust::Class;
use countermark_trust::tree::Mode;

use super::link::{CompiledSource, Source, Unnamed, copy, holds};
use crate::package::folders::Folders;
use crate::package::generated::Generated;
use crate::store::{Check, Entry, FileSeal, find_stray};

/// How much of a file is read at once.
const SLICE: usize = 256 << 10;

/// The file descriptor table is grown to this size before threads start: growing it later makes
/// every thread wait for the kernel.
const DESCRIPTORS: i32 = 256;

/// How stored files get into an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkMode {
    /// One file, many names. An edit in place in one environment is an edit in all of them; the
    /// next check reports it.
    Hardlink,
    /// A copy that shares blocks until one side is changed (btrfs, xfs). Falls back to `Copy`.
    Reflink,
    /// A copy.
    Copy,
}

impl LinkMode {
    /// What others can change is copied.
    fn of_entry(self, entry: &Entry) -> Self {
        if self == Self::Hardlink && entry.foreign { Self::Copy } else { self }
    }
}

/// One wheel, and where it goes.
#[derive(Debug)]
pub struct Staging<'a> {
    /// What is linked.
    pub entry: &'a Entry,
    /// The folder of each scheme, relative to the root, in the order of `Scheme::ALL`; empty for
    /// the root itself.
    pub folders: [String; 5],
    /// Files of the tree that are replaced by generated ones, by position.
    pub replaced: Vec<usize>,
    /// Made for this environment.
    pub generated: Vec<Generated>,
    /// Compiled files of the wheel.
    pub compiled: CompiledSet,
}

/// The compiled files of one wheel and interpreter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompiledSet {
    /// Where they lie in the store.
    pub folder: PathBuf,
    /// Each of them.
    pub files: Vec<Compiled>,
}

/// A `.pyc` that lies in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compiled {
    /// Relative to the root of the environment.
    pub path: String,
    /// In the folder of its set.
    pub name: String,
    /// What its bytes have to hash to.
    pub blake3: [u8; 32],
    /// How it looked when they were computed, in this boot.
    pub seal: Option<FileSeal>,
}

/// Why a tree could not be staged.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The file system said no.
    #[error("cannot {action} `{path}`")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A file in the store is not the one that was unpacked there.
    #[error("the stored copy of `{path}` in `{wheel}` was changed")]
    Altered {
        /// Position of the wheel among those that are staged.
        index: usize,
        /// The wheel.
        wheel: String,
        /// The file.
        path: String,
    },
    /// A compiled file in the store is not the one that was compiled: it can be compiled again.
    #[error("the compiled form `{path}` of a module in `{wheel}` was changed in the store")]
    Stale {
        /// Position of the wheel among those that are staged.
        index: usize,
        /// The wheel.
        wheel: String,
        /// Relative to the root of the environment.
        path: String,
    },
    /// Something lies beside the files in the store that was not unpacked there.
    #[error("the stored copy of `{wheel}` was altered: {stray}")]
    Stray {
        /// Position of the wheel among those that are staged.
        index: usize,
        /// The wheel.
        wheel: String,
        /// What it is.
        stray: String,
    },
    /// Two wheels want to install different files in one place.
    #[error("`{wheel}` and another of the packages both install `{path}`, with different contents")]
    Conflict {
        /// The wheel that came second.
        wheel: String,
        /// Relative to the root of the environment.
        path: String,
    },
    /// The user said stop.
    #[error("interrupted")]
    Interrupted,
}

impl StageError {
    /// Whose fault it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Io { .. } | Self::Stale { .. } | Self::Interrupted => Class::Unavailable,
            Self::Altered { .. } | Self::Stray { .. } | Self::Conflict { .. } => Class::Rejected,
        }
    }

    /// The stable name of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => "disk-full",
            Self::Io { .. } => "stage-io",
            Self::Altered { .. } | Self::Stray { .. } => "store-altered",
            Self::Stale { .. } => "compiled-altered",
            Self::Conflict { .. } => "file-conflict",
            Self::Interrupted => "interrupted",
        }
    }
}

/// How to stage.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// Links or copies.
    pub mode: LinkMode,
    /// How much is looked at.
    pub check: Check,
    /// Worker threads, at least one.
    pub threads: usize,
    /// Set when the user said stop.
    pub interrupted: &'a AtomicBool,
}

/// Stages every wheel below `root`, which exists. Gives for each wheel the seals of its files when
/// every byte was looked at, so that the next run can look at less.
///
/// # Errors
/// The first [`StageError`]; what was staged until then is for the caller to remove.
pub fn stage(
    root: &Path,
    wheels: &[Staging<'_>],
    options: Options<'_>,
) -> Result<Vec<Option<Vec<FileSeal>>>, StageError> {
    let root_folder = open_folder(root)?;
    grow_descriptor_table(&root_folder);
    let mut seals: Vec<Option<Vec<FileSeal>>> = vec![None; wheels.len()];
    let linked = in_parallel(&root_folder, wheels, options, |worker, index, wheel| {
        worker.stage(index, wheel)
    })?;
    linked.into_iter().for_each(|(index, seal)| seals[index] = seal);
    if wheels.iter().any(|wheel| !wheel.compiled.files.is_empty()) {
        // When all wheels have their files, since those win over compiled ones.
        in_parallel(&root_folder, wheels, options, |worker, index, wheel| {
            worker.link_compiled(index, wheel)
        })?;
    }
    Ok(seals)
}

/// Does something for every wheel, the largest first.
fn in_parallel<T: Send>(
    root: &OwnedFd,
    wheels: &[Staging<'_>],
    options: Options<'_>,
    step: impl Fn(&mut Worker<'_>, usize, &Staging<'_>) -> Result<T, StageError> + Sync,
) -> Result<Vec<(usize, T)>, StageError> {
    let mut order: Vec<usize> = (0..wheels.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(wheels[index].entry.tree.files().len()));
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let work = || {
        let mut worker = Worker::new(root.as_fd(), options, &failed);
        let mut done = Vec::new();
        while let Some(&index) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            match step(&mut worker, index, &wheels[index]) {
                Ok(result) => done.push((index, result)),
                Err(error) => {
                    failed.store(true, Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
        Ok(done)
    };
    let results = std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..options.threads).map(|_| scope.spawn(work)).collect();
        let mut results = vec![work()];
        results.extend(helpers.into_iter().map(|helper| match helper.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }));
        results
    });
    let mut all = Vec::with_capacity(wheels.len());
    let mut stopped = None;
    for result in results {
        match result {
            Ok(done) => all.extend(done),
            // One worker stops because another failed; the cause is more telling.
            Err(StageError::Interrupted) => {
                stopped.get_or_insert(StageError::Interrupted);
            }
            Err(error) => return Err(error),
        }
    }
    stopped.map_or(Ok(all), Err)
}

fn in_folder(path: &str) -> impl FnOnce(Errno) -> StageError {
    let path = path.into();
    move |errno| StageError::Io { action: "open the folder of", path, source: errno.into() }
}

fn open_folder(path: &Path) -> Result<OwnedFd, StageError> {
    crate::system::fs::open(path, OFlags::DIRECTORY | OFlags::CLOEXEC, Permissions::empty())
        .map_err(|errno| StageError::Io {
            action: "open",
            path: path.to_owned(),
            source: errno.into(),
        })
}

fn grow_descriptor_table(any: &OwnedFd) {
    // Only speed depends on it.
    drop(crate::system::io::fcntl_dupfd_cloexec(any, DESCRIPTORS));
}

/// What one thread reuses from file to file.
struct Worker<'a> {
    folders: Folders<'a>,
    options: Options<'a>,
    failed: &'a AtomicBool,
    buffer: Vec<u8>,
}

impl<'a> Worker<'a> {
    fn new(root: BorrowedFd<'a>, options: Options<'a>, failed: &'a AtomicBool) -> Self {
        let folders = Folders::making(root);
        Self { folders, options, failed, buffer: vec![0; SLICE] }
    }

    fn stage(
        &mut self,
        index: usize,
        wheel: &Staging<'_>,
    ) -> Result<Option<Vec<FileSeal>>, StageError> {
        let entry = wheel.entry;
        let store = open_folder(&entry.folder.join("f"))?;
        let sealed = entry.files.len() == entry.tree.files().len();
        let full = self.options.check == Check::Full || !sealed;
        let mut seals = Vec::with_capacity(if full { entry.tree.files().len() } else { 0 });
        for (position, file) in entry.tree.files().iter().enumerate() {
            self.stop_if_asked()?;
            let seal = entry.files.get(position).filter(|_| !full);
            let source = Source { index, wheel, file, store: store.as_fd(), position, seal };
            if file.mode == Mode::Script || wheel.replaced.contains(&position) {
                // Not linked; what is written in its place was made from checked bytes.
                seals.extend(full.then(|| source.check_in_store(&mut self.buffer)).transpose()?);
                continue;
            }
            let found = self.link(&source)?;
            seals.extend(full.then_some(found));
        }
        for file in &wheel.generated {
            self.write(wheel, file)?;
        }
        if self.options.check == Check::Full
            && let Some(stray) = find_stray(&entry.folder, &entry.tree)
        {
            let wheel = entry.tree.artifact().filename().to_owned();
            return Err(StageError::Stray { index, wheel, stray });
        }
        Ok(full.then_some(seals))
    }

    fn stop_if_asked(&self) -> Result<(), StageError> {
        let stop =
            self.options.interrupted.load(Ordering::Relaxed) || self.failed.load(Ordering::Relaxed);
        if stop { Err(StageError::Interrupted) } else { Ok(()) }
    }

    /// Links one file, and looks at it through its new name.
    fn link(&mut self, source: &Source<'_>) -> Result<FileSeal, StageError> {
        let target = source.target();
        let (folder, name) = self.folders.of(&target).map_err(in_folder(&target))?;
        let number = source.position.to_string();
        let mode = self.options.mode.of_entry(source.wheel.entry);
        if mode != LinkMode::Hardlink {
            return copy(source, folder, name, mode, &mut self.buffer);
        }
        match crate::system::fs::linkat(source.store, &number, folder, name, AtFlags::empty()) {
            Ok(()) => {}
            Err(Errno::XDEV | Errno::MLINK | Errno::PERM | Errno::NOTSUP) => {
                return copy(source, folder, name, LinkMode::Copy, &mut self.buffer);
            }
            Err(Errno::EXIST) => {
                return source.check_twin(folder, name, &mut self.buffer);
            }
            Err(Errno::NOENT) => return Err(source.altered()),
            Err(errno) => {
                let path = target.into();
                return Err(StageError::Io { action: "link", path, source: errno.into() });
            }
        }
        source.check(folder, name, &mut self.buffer)
    }

    fn write(&mut self, wheel: &Staging<'_>, file: &Generated) -> Result<(), StageError> {
        let (folder, name) = self.folders.of(&file.path).map_err(in_folder(&file.path))?;
        let failed = |action| {
            let path = PathBuf::from(&file.path);
            move |source: io::Error| StageError::Io { action, path, source }
        };
        let mut unnamed = Unnamed::create(folder, file.executable).map_err(failed("create"))?;
        unnamed.file.write_all(&file.bytes).map_err(failed("write"))?;
        match unnamed.publish(name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            other => return other.map_err(failed("create")),
        }
        let same = holds(folder, name, &file.bytes, file.executable, &mut self.buffer);
        if same.unwrap_or(false) {
            return Ok(());
        }
        let wheel = wheel.entry.tree.artifact().filename().to_owned();
        Err(StageError::Conflict { wheel, path: file.path.clone() })
    }

    fn link_compiled(&mut self, index: usize, wheel: &Staging<'_>) -> Result<(), StageError> {
        let set = &wheel.compiled;
        if set.files.is_empty() {
            return Ok(());
        }
        let stale = |path: &str| {
            let wheel = wheel.entry.tree.artifact().filename().to_owned();
            StageError::Stale { index, wheel, path: path.to_owned() }
        };
        let store = match open_folder(&set.folder) {
            Err(StageError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Err(stale(&set.files[0].path));
            }
            other => other?,
        };
        for file in &set.files {
            self.stop_if_asked()?;
            let target = Folders::of(&mut self.folders, &file.path);
            let (folder, name) = target.map_err(in_folder(&file.path))?;
            let source = CompiledSource { store: store.as_fd(), file };
            let seal = file.seal.as_ref().filter(|_| self.options.check == Check::Auto);
            let mode = self.options.mode.of_entry(wheel.entry);
            let good = source.link(folder, name, mode, seal, &mut self.buffer);
            let failed = |error| StageError::Io {
                action: "link",
                path: PathBuf::from(&file.path),
                source: error,
            };
            if !good.map_err(failed)? {
                return Err(stale(&file.path));
            }
        }
        Ok(())
    }
}
