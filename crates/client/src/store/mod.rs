//! The content-addressed store of unpacked wheels.
//!
//! ```text
//! <cache>/store/<SHA-256 of the wheel>/tree        canonical list of files (trust::tree)
//!                                      f/<n>       the n-th file of that list
//!                                      <name>.whl  the archive itself
//! <state>/seals/<store>/<SHA-256>                  what we saw when we wrote it (seal)
//! <state>/names/<project>                          which digest belongs to which file name
//! ```
//!
//! The cache may be shared, restored from an archive, or written to by somebody else: nothing in it
//! is believed. The state is private to the user. An entry without a seal is proved anew from its
//! archive, whose SHA-256 has to be the pinned one; an entry that is not what its seal says is
//! rebuilt from the archive or thrown away, and that is said.

mod admit;
mod maintain;
mod names;
mod seal;

use crate::system::unix::fs::{DirBuilderExt, MetadataExt};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use countermark_packaging::digest::Sha256;
use countermark_trust::tree::{self, Mode, Tree};
use countermark_trust::{Class, Pin, Rejection, Verified};

pub(crate) use admit::hash_file;
pub use admit::{Download, VerifiedBytes};
pub use maintain::{EntryReport, Pruned, StoreSize};
pub(crate) use maintain::{find_stray, hash};
pub use names::{Known, Names};
pub(crate) use seal::write_renamed;
pub use seal::{CommandFact, Facts, FileSeal, Seal};

use crate::unpack::UnpackError;

/// No tree lists more than this: a million files of 200 bytes each.
const MAX_TREE_BYTES: u64 = 256 << 20;

/// How much is looked at before a stored file is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Device, inode, size, time and mode of each file against the seal; every byte when one of
    /// them differs. Does not see an edit in place that restores size and time.
    Auto,
    /// Every byte of each file, every time.
    Full,
}

/// A store that could not be used, or something in it that is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system said no.
    #[error("the store cannot {action} `{path}`")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The stored artifact is not the pinned one.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The archive breaks a rule of wheels.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// The file name of a stored archive cannot be read.
    #[error("`{path}` does not hold exactly one wheel")]
    NoArchive {
        /// The entry.
        path: PathBuf,
    },
}

impl StoreError {
    /// Whose fault it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Io { .. } | Self::NoArchive { .. } => Class::Unavailable,
            Self::Rejected(rejection) => rejection.class(),
            Self::Unpack(error) => error.class(),
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unpack(error) => error.hint(),
            Self::Io { .. } | Self::Rejected(_) | Self::NoArchive { .. } => None,
        }
    }

    /// The stable name of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => "disk-full",
            Self::Io { .. } => "store-io",
            Self::NoArchive { .. } => "store-no-archive",
            Self::Rejected(rejection) => rejection.code(),
            Self::Unpack(error) => error.code(),
        }
    }
}

/// Wraps an I/O error with what was tried.
pub(crate) fn io_error(
    action: &'static str,
    path: impl Into<PathBuf>,
) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.into();
    move |source| StoreError::Io { action, path, source }
}

/// The store of one cache folder, seen by one user.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    state: PathBuf,
    seals: PathBuf,
    boot: String,
    /// Stands in for a state folder that is not only ours, until the run ends.
    stand_in: Option<tempfile::TempDir>,
}

/// A wheel that is ready to be linked.
#[derive(Debug)]
pub struct Entry {
    /// The proved list of files.
    pub tree: Verified<Tree>,
    /// What installing needs to know of its metadata.
    pub facts: Facts,
    /// One per file of the tree, empty when every byte has to be looked at.
    pub files: Vec<FileSeal>,
    /// The folder with `f/`.
    pub folder: PathBuf,
    /// Can anybody but this user change its files? Then they are copied and never linked: a hard
    /// link would give whoever owns the store a hand in the environment.
    pub foreign: bool,
}

/// What became of an entry that was asked for.
#[derive(Debug)]
pub enum Lookup {
    /// Not in the store.
    Absent,
    /// Here, and described by a proved tree.
    Ready(Box<Entry>),
    /// Something else lay in its place; it was thrown away and has to be fetched again.
    Evicted(String),
    /// Something else lay in its place; it was made again from the archive, whose digest is right.
    Rebuilt(Box<Entry>, String),
}

impl Store {
    /// Opens or makes the store below `cache`, with the private folder `state`. When somebody else
    /// owns or can write `state`, nothing in it is read and nothing is written to it.
    ///
    /// # Errors
    /// [`StoreError::Io`] when a folder cannot be made.
    pub fn open(cache: &Path, state: &Path) -> Result<Self, StoreError> {
        let root = cache.join("store");
        make_private_folder(&root)?;
        make_private_folder(state)?;
        write_cache_tag(cache)?;
        let real = fs::canonicalize(&root).map_err(io_error("open", &root))?;
        let id = blake3::hash(real.as_os_str().as_encoded_bytes()).to_hex();
        let id = &id[..16];
        let below = [state.to_owned(), state.join("seals"), state.join("seals").join(id)];
        let is_ours = below.iter().all(|path| !path.exists() || is_private(path));
        let stand_in = if is_ours { None } else { Some(temporary_state()?) };
        let state = stand_in.as_ref().map_or(state, tempfile::TempDir::path).to_owned();
        let seals = state.join("seals").join(id);
        make_private_folder(&seals)?;
        Ok(Self { root: real, state, seals, boot: boot_id(), stand_in })
    }

    /// Is the state folder, or that of the seals, owned or writable by somebody else? Then no seal
    /// is believed and every byte of what lies in the store is looked at.
    #[must_use]
    pub fn distrusts_state(&self) -> bool {
        self.stand_in.is_some()
    }

    /// The folder that holds the entries.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Which digest belongs to which file name, as an index said once.
    #[must_use]
    pub fn names(&self) -> Names {
        Names::new(self.state.join("names"))
    }

    /// Can anybody but this user write here? Then every byte is looked at each time.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        !is_private(&self.root)
    }

    /// See [`Entry::foreign`].
    fn is_foreign(&self, folder: &Path) -> bool {
        self.is_shared() || !is_private(folder) || !is_private(&folder.join("f"))
    }

    /// The folder of one artifact.
    #[must_use]
    pub fn folder(&self, sha256: Sha256) -> PathBuf {
        self.root.join(sha256.hex())
    }

    /// The archive of an entry, if it is there. Its bytes have to be verified by whoever reads it.
    #[must_use]
    pub fn archive(&self, sha256: Sha256) -> Option<PathBuf> {
        find_archive(&self.folder(sha256)).ok()
    }

    /// The entry of an artifact that `pin` accepts.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read, or the artifact is not what `pin` says.
    pub fn look_up(&self, pin: &Pin, sha256: Sha256) -> Result<Lookup, StoreError> {
        let folder = self.folder(sha256);
        if fs::symlink_metadata(&folder).is_ok_and(|metadata| !metadata.is_dir()) {
            return self.evict(sha256, "it is not a folder");
        }
        let text = match read_bounded(&folder.join("tree"), MAX_TREE_BYTES) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return if folder.exists() {
                    self.restore(pin, sha256, "its list of files is missing")
                } else {
                    Ok(Lookup::Absent)
                };
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return self.restore(pin, sha256, "its list of files is not text");
            }
            Err(error) => return Err(io_error("read", folder.join("tree"))(error)),
        };
        let Some(seal) = Seal::read(&self.seals, sha256) else {
            return self.prove(pin, sha256, &text);
        };
        let files = if seal.boot == self.boot { seal.files } else { Vec::new() };
        match tree::verify_stored(pin, seal.artifact, seal.tree, &text) {
            Ok(tree) => {
                let files = if files.len() == tree.files().len() { files } else { Vec::new() };
                let foreign = self.is_foreign(&folder);
                self.ready(pin, Entry { tree, facts: seal.facts, files, folder, foreign })
            }
            Err(Rejection::TreeMismatch { .. }) => {
                self.restore(pin, sha256, "its list of files was changed")
            }
            Err(Rejection::NotRecorded { .. }) => self.prove(pin, sha256, &text),
            Err(rejection) => Err(rejection.into()),
        }
    }

    /// Notes what a file looked like after all its bytes were compared.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the seal cannot be written.
    pub fn seal(&self, entry: &Entry, files: Vec<FileSeal>) -> Result<(), StoreError> {
        let seal = Seal {
            boot: self.boot.clone(),
            artifact: entry.tree.artifact().clone(),
            tree: entry.tree.digest(),
            facts: entry.facts.clone(),
            files,
        };
        let artifact = entry.tree.artifact().sha256();
        seal.write(&self.seals, artifact).map_err(io_error("seal", self.folder(artifact)))
    }

    /// An entry nobody here has seen: its archive has to hash to the pin, and what it unpacks to
    /// has to be what lies beside it.
    fn prove(&self, pin: &Pin, sha256: Sha256, text: &str) -> Result<Lookup, StoreError> {
        let folder = self.folder(sha256);
        let archive = match self.open_archive(pin, sha256) {
            Ok(archive) => archive,
            Err(StoreError::NoArchive { .. }) => {
                let why = "nothing vouches for it and its archive is not the pinned one";
                return self.evict(sha256, why);
            }
            Err(error) => return Err(error),
        };
        let (tree, rendered, facts) = admit::unpack_nowhere(&archive)?;
        if rendered != text {
            return self.restore(pin, sha256, "its list of files is not that of its archive");
        }
        let foreign = self.is_foreign(&folder);
        self.ready(pin, Entry { tree, facts, files: Vec::new(), folder, foreign })
    }

    /// Scripts are written anew for each environment and so are not looked at when they are
    /// linked; their text is read before that.
    fn ready(&self, pin: &Pin, entry: Entry) -> Result<Lookup, StoreError> {
        let files = entry.tree.files().iter().enumerate();
        let altered =
            files.filter(|(_, file)| file.mode == Mode::Script).find(|(position, file)| {
                let path = entry.folder.join("f").join(position.to_string());
                !hash(&path).is_ok_and(|hash| hash == file.blake3)
            });
        let altered = altered.map(|(_, file)| format!("`{}` was changed", file.path));
        let sha256 = entry.tree.artifact().sha256();
        let wrong = altered.or_else(|| {
            let was_written_to = self.is_newer_than_its_use(sha256, &entry.folder);
            was_written_to.then(|| find_stray(&entry.folder, &entry.tree)).flatten()
        });
        match wrong {
            None => Ok(Lookup::Ready(Box::new(entry))),
            Some(why) => self.restore(pin, sha256, &why),
        }
    }

    /// Was anything put into an entry or taken out of it since it was used? A link to one of its
    /// files leaves the times of its folders alone. Clocks of files tick slowly, so the same time
    /// may be later. Sees, like a seal, only what does not restore the times.
    fn is_newer_than_its_use(&self, sha256: Sha256, folder: &Path) -> bool {
        let used = Seal::last_used(&self.seals, sha256);
        let changed = |folder: &Path| folder.metadata().and_then(|metadata| metadata.modified());
        [folder, &folder.join("f")].iter().any(|folder| changed(folder).is_ok_and(|it| it >= used))
    }

    /// Makes an entry again from its archive, or throws it away when that is not the one that the
    /// entry is named after.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read or written, or `pin` rejects the archive; then
    /// the entry stays.
    pub fn restore(&self, pin: &Pin, sha256: Sha256, why: &str) -> Result<Lookup, StoreError> {
        let archive = match self.open_archive(pin, sha256) {
            Ok(archive) => archive,
            Err(StoreError::NoArchive { .. }) => return self.evict(sha256, why),
            Err(error) => return Err(error),
        };
        // The archive stays open while its folder goes.
        self.remove(sha256)?;
        let entry = self.admit_archive(&archive)?;
        Ok(Lookup::Rebuilt(Box::new(entry), why.to_owned()))
    }

    fn evict(&self, sha256: Sha256, why: &str) -> Result<Lookup, StoreError> {
        self.remove(sha256)?;
        Ok(Lookup::Evicted(why.to_owned()))
    }

    /// Removes an entry and its seal.
    ///
    /// # Errors
    /// [`StoreError::Io`] when something cannot be removed.
    pub fn remove(&self, sha256: Sha256) -> Result<(), StoreError> {
        Seal::remove(&self.seals, sha256).map_err(io_error("unseal", self.folder(sha256)))?;
        let folder = self.folder(sha256);
        let grave = self.temporary_folder()?;
        match fs::rename(&folder, grave.path().join("entry")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(io_error("remove", folder)(error))
            }
            _ => grave.close().map_err(io_error("remove", folder)),
        }
    }

    pub(crate) fn temporary_folder(&self) -> Result<tempfile::TempDir, StoreError> {
        tempfile::Builder::new()
            .prefix(".tmp-")
            .tempdir_in(&self.root)
            .map_err(io_error("write to", &self.root))
    }
}

impl Store {
    /// The boot in which seals are made now.
    pub(crate) fn boot(&self) -> &str {
        &self.boot
    }

    /// The private folder of this user, or what stands in for it.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// The private folder of this store's seals.
    pub(crate) fn seals(&self) -> &Path {
        &self.seals
    }
}

/// Which boot of the machine this is: after a crash, times and sizes may survive what the bytes did
/// not. Empty where the system does not say; then no seal is ever believed.
fn boot_id() -> String {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let text = text.trim();
    if text.is_empty() { format!("process {}", std::process::id()) } else { text.to_owned() }
}

fn make_private_folder(path: &Path) -> Result<(), StoreError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io_error("make", path))
}

/// Does it belong to us, and can nobody else write to it?
fn is_private(path: &Path) -> bool {
    let me = crate::system::process::geteuid().as_raw();
    fs::metadata(path).is_ok_and(|metadata| metadata.uid() == me && metadata.mode() & 0o022 == 0)
}

fn temporary_state() -> Result<tempfile::TempDir, StoreError> {
    tempfile::Builder::new()
        .prefix("countermark-state-")
        .tempdir()
        .map_err(io_error("make", std::env::temp_dir()))
}

/// Backup programs leave out folders with this tag (bford.info/cachedir).
fn write_cache_tag(cache: &Path) -> Result<(), StoreError> {
    let path = cache.join("CACHEDIR.TAG");
    if path.exists() {
        return Ok(());
    }
    let tag =
        "Signature: 8a477f597d28d172789f06886806bc55\n# This folder is a cache of countermark.\n";
    fs::write(&path, tag).map_err(io_error("write", path))
}

fn find_archive(folder: &Path) -> Result<PathBuf, StoreError> {
    let missing = || StoreError::NoArchive { path: folder.to_owned() };
    let listing = fs::read_dir(folder).map_err(|error| no_archive(folder, "read", error))?;
    let mut wheels = listing
        .filter_map(|item| item.ok().map(|item| item.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "whl"));
    let archive = wheels.next().ok_or_else(missing)?;
    if wheels.next().is_some() {
        return Err(missing());
    }
    Ok(archive)
}

/// What is not there, or is no regular file, is no archive; anything else says nothing about it.
fn no_archive(path: &Path, action: &'static str, error: io::Error) -> StoreError {
    use io::ErrorKind::{InvalidData, NotADirectory, NotFound};
    match error.kind() {
        NotFound | NotADirectory | InvalidData => StoreError::NoArchive { path: path.to_owned() },
        _ => io_error(action, path)(error),
    }
}

/// Opens a regular file: whoever can write the cache could leave a link to a device or a pipe that
/// never answers in its place.
pub(crate) fn open_regular(path: &Path) -> io::Result<fs::File> {
    use crate::system::fs::{Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match crate::system::fs::open(path, flags, Mode::empty()) {
        // A link; a socket.
        Err(crate::system::io::Errno::LOOP | crate::system::io::Errno::NXIO) => {
            return Err(io::ErrorKind::InvalidData.into());
        }
        other => fs::File::from(other?),
    };
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidData.into()) }
}

/// Reads a regular file of at most `limit` bytes.
pub(crate) fn read_regular(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    use std::io::Read as _;
    let file = open_regular(path)?;
    let size = file.metadata()?.len();
    if size > limit {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    // It may grow while it is read.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(io::ErrorKind::InvalidData.into()) } else { Ok(bytes) }
}

/// Reads a text file of at most `limit` bytes.
pub(crate) fn read_bounded(path: &Path, limit: u64) -> io::Result<String> {
    String::from_utf8(read_regular(path, limit)?).map_err(|_| io::ErrorKind::InvalidData.into())
}
