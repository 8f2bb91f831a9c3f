//! The public files of a log in a folder, as any web server can serve it.
//!
//! A file is written under another name beside its place, synced, and renamed; then its folder is synced.
//! So a reader never sees half a file, and a file that was acknowledged is there after a crash. Owner and
//! mode are what the process gives to new files (its umask): nothing here is secret, nothing is
//! executable.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;

use super::{
    CHECKPOINT, Child, MAXIMUM_CHECKPOINT, MAXIMUM_OBJECT, Rank, TileError, TilePath, TileStore,
    rank_of,
};

/// Files that are being written begin like this; a web server does not serve hidden files, and a crash
/// may leave one.
const UNFINISHED: &str = ".new-";
/// Who holds this file replaces the checkpoint.
const LOCK: &str = ".checkpoint-lock";
/// How many files are synced at the same time: the journal of the file system takes them together.
const WRITERS: usize = 8;

/// Distinguishes files that are written at the same time by this process.
static NEXT: AtomicU64 = AtomicU64::new(0);
/// Distinguishes processes.
static PROCESS: OnceLock<u64> = OnceLock::new();

/// A folder with the public files of one log.
#[derive(Clone, Debug)]
pub struct DirectoryTiles {
    root: PathBuf,
}

impl DirectoryTiles {
    /// The folder, made if it is not there. Files that a crash left unfinished at its top are removed.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn open(root: &Path) -> Result<Self, TileError> {
        let store = Self { root: root.to_owned() };
        let refused = |error| store.failed("", &error);
        fs::create_dir_all(root).map_err(refused)?;
        for child in fs::read_dir(root).map_err(refused)? {
            let child = child.map_err(refused)?;
            if child.file_name().to_string_lossy().starts_with(UNFINISHED) {
                // Somebody else may be writing it this moment; then that one tries again.
                let _ = fs::remove_file(child.path());
            }
        }
        Ok(store)
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn failed(&self, path: &str, error: &io::Error) -> TileError {
        let path = if path.is_empty() { self.root.display().to_string() } else { path.to_owned() };
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                TileError::Full { path }
            }
            _ => TileError::Refused { path, reason: error.to_string() },
        }
    }

    fn put_all(&self, tiles: &[(TilePath, Vec<u8>)]) -> Result<(), TileError> {
        let mut folders = BTreeSet::new();
        for (path, _) in tiles {
            let place = self.root.join(path.to_string());
            if let Some(folder) = place.parent()
                && folders.insert(folder.to_owned())
            {
                make_folder(folder).map_err(|error| self.failed(&path.to_string(), &error))?;
            }
        }
        let share = tiles.len().div_ceil(WRITERS).max(4);
        std::thread::scope(|scope| {
            let write = |part: &[(TilePath, Vec<u8>)]| {
                part.iter().try_for_each(|(path, bytes)| {
                    let path = path.to_string();
                    replace(&self.root.join(&path), bytes).map_err(|it| self.failed(&path, &it))
                })
            };
            let (first, rest) = tiles.split_at(share.min(tiles.len()));
            let others: Vec<_> =
                rest.chunks(share).map(|part| scope.spawn(move || write(part))).collect();
            let mut result = write(first);
            for other in others {
                let panicked = || TileError::Refused {
                    path: self.root.display().to_string(),
                    reason: "a thread that writes stopped".to_owned(),
                };
                result = result.and(other.join().unwrap_or_else(|_| Err(panicked())));
            }
            result
        })?;
        folders.iter().try_for_each(|folder| {
            sync_folder(folder).map_err(|error| self.failed(&folder.to_string_lossy(), &error))
        })
    }

    fn read_limited(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>, TileError> {
        let file = match File::open(self.root.join(path)) {
            Ok(file) => file,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(self.failed(path, &error)),
        };
        let mut bytes = Vec::new();
        let read = file.take(limit as u64 + 1).read_to_end(&mut bytes);
        read.map_err(|error| self.failed(path, &error))?;
        if bytes.len() > limit {
            return Err(TileError::TooLarge { path: path.to_owned(), limit });
        }
        Ok(Some(bytes))
    }

    /// Under a lock: between the look and the rename nobody else can put a newer one there.
    fn replace_checkpoint(&self, rank: Rank, note: &str) -> Result<bool, TileError> {
        let failed = |error: io::Error| self.failed(CHECKPOINT, &error);
        let place = self.root.join(LOCK);
        let lock = File::options().create(true).truncate(false).write(true).open(place);
        let lock = lock.map_err(failed)?;
        lock.lock().map_err(failed)?;
        let present = self.read_limited(CHECKPOINT, MAXIMUM_CHECKPOINT)?;
        // One that cannot be read is torn, and any whole one is better.
        let present = present.and_then(|bytes| rank_of(std::str::from_utf8(&bytes).ok()?));
        if present.is_some_and(|present| present > rank) {
            return Ok(false);
        }
        replace(&self.root.join(CHECKPOINT), note.as_bytes()).map_err(failed)?;
        sync_folder(&self.root).map_err(failed)?;
        Ok(true)
    }

    fn remove_all(&self, paths: &[TilePath]) -> Result<(), TileError> {
        for path in paths {
            let text = path.to_string();
            match fs::remove_file(self.root.join(&text)) {
                Err(error) if !is_absent(&error) => return Err(self.failed(&text, &error)),
                _ => {}
            }
        }
        let folders: BTreeSet<_> =
            paths.iter().filter(|it| it.width < super::FULL).map(|it| it.partials()).collect();
        for folder in folders {
            // It stays when somebody wrote another one meanwhile, which is right.
            let _ = fs::remove_dir(self.root.join(folder));
        }
        Ok(())
    }

    fn children(&self, folder: &str) -> Result<Vec<Child>, TileError> {
        let failed = |error: io::Error| self.failed(folder, &error);
        let is_good = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.chars().all(|it| it.is_ascii_alphanumeric() || it == '.')
        };
        if !folder.split('/').all(is_good) {
            return Err(TileError::Path { path: folder.to_owned() });
        }
        let listing = match fs::read_dir(self.root.join(folder)) {
            Ok(listing) => listing,
            Err(error) if is_absent(&error) => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut children = Vec::new();
        for child in listing {
            let child = child.map_err(failed)?;
            let name = child.file_name().to_string_lossy().into_owned();
            if name.starts_with(UNFINISHED) {
                continue;
            }
            let is_folder = child.file_type().map_err(failed)?.is_dir();
            children.push(if is_folder { Child::Folder(name) } else { Child::Object(name) });
        }
        children.sort();
        Ok(children)
    }
}

#[async_trait]
impl TileStore for DirectoryTiles {
    async fn put(&self, tiles: Vec<(TilePath, Vec<u8>)>) -> Result<(), TileError> {
        self.blocking(move |store| store.put_all(&tiles)).await
    }

    async fn read(&self, path: TilePath) -> Result<Option<Vec<u8>>, TileError> {
        self.blocking(move |store| store.read_limited(&path.to_string(), MAXIMUM_OBJECT)).await
    }

    async fn put_checkpoint(&self, rank: Rank, note: &str) -> Result<bool, TileError> {
        let note = note.to_owned();
        self.blocking(move |store| store.replace_checkpoint(rank, &note)).await
    }

    async fn read_checkpoint(&self) -> Result<Option<String>, TileError> {
        let read = |store: &Self| store.read_limited(CHECKPOINT, MAXIMUM_CHECKPOINT);
        let bytes = self.blocking(read).await?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    async fn remove(&self, paths: &[TilePath]) -> Result<(), TileError> {
        let paths = paths.to_vec();
        self.blocking(move |store| store.remove_all(&paths)).await
    }

    async fn list(&self, folder: &str) -> Result<Vec<Child>, TileError> {
        let folder = folder.to_owned();
        self.blocking(move |store| store.children(&folder)).await
    }

    async fn probe(&self) -> Result<(), TileError> {
        self.blocking(|store| {
            let place = store.root.join(unfinished());
            let written = File::create_new(&place).and_then(|mut file| file.write_all(b"probe\n"));
            let removed = fs::remove_file(&place);
            written.and(removed).map_err(|error| store.failed("", &error))
        })
        .await
    }
}

impl DirectoryTiles {
    /// Files are read and written by a thread that may wait.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, TileError> + Send + 'static,
    ) -> Result<T, TileError> {
        let store = self.clone();
        let path = self.root.display().to_string();
        let done = tokio::task::spawn_blocking(move || work(&store)).await;
        done.unwrap_or_else(|error| Err(TileError::Refused { path, reason: error.to_string() }))
    }
}

/// A file name that nobody else uses now.
fn unfinished() -> String {
    // Numbers of processes are not unique where containers share a folder.
    let process = PROCESS.get_or_init(|| RandomState::new().hash_one(std::process::id()));
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{UNFINISHED}{process:016x}-{number}")
}

/// A file in its place, whole and on disk; its folder is not synced yet.
fn replace(place: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = place.parent().unwrap_or(Path::new("."));
    let temporary = folder.join(unfinished());
    let write = || {
        let mut file = File::create_new(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, place)
    };
    write().inspect_err(|_| {
        // It only takes room.
        let _ = fs::remove_file(&temporary);
    })
}

/// A folder and those above it; each new one is on disk when this returns.
fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().ok_or(ErrorKind::NotFound)?;
    make_folder(parent)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    sync_folder(parent)
}

/// What is in a folder by name is on disk.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Whether nothing is there; a file where a folder would be is as good as nothing.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}
