//! Looking after the store: how large it is, whether it is sound, and what can go.

use crate::system::unix::fs::MetadataExt;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use countermark_packaging::digest::{Digest, Sha256};
use countermark_trust::Pin;
use countermark_trust::tree::{Mode, Tree};

use super::{MAX_TREE_BYTES, Seal, Store, StoreError, admit, find_archive, io_error, read_bounded};

/// A temporary folder this old belongs to no running process.
const LEFTOVER_AGE: Duration = Duration::from_secs(24 * 3600);

/// How large a store is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreSize {
    /// Unpacked wheels.
    pub wheels: usize,
    /// Files in them.
    pub files: u64,
    /// Bytes of unpacked files and of their compiled forms.
    pub unpacked: u64,
    /// Bytes of archives.
    pub archives: u64,
}

/// What a check of one entry found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryReport {
    /// Its name in the store.
    pub sha256: String,
    /// The file name of its archive, if there is exactly one.
    pub filename: Option<String>,
    /// `None` when every byte is right.
    pub problem: Option<String>,
}

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Entries.
    pub wheels: usize,
    /// Bytes, archives included.
    pub bytes: u64,
    /// Folders that interrupted runs left behind.
    pub leftovers: usize,
}

impl Store {
    /// The digests of all entries, sorted.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the store cannot be listed.
    pub fn entries(&self) -> Result<Vec<Sha256>, StoreError> {
        let listing = fs::read_dir(&self.root).map_err(io_error("read", &self.root))?;
        let mut entries: Vec<Sha256> = listing
            .filter_map(|item| Sha256::parse_hex(item.ok()?.file_name().to_str()?).ok())
            .collect();
        entries.sort_by_key(|sha256| sha256.0);
        Ok(entries)
    }

    /// Counts everything.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the store cannot be listed.
    pub fn size(&self) -> Result<StoreSize, StoreError> {
        let mut total = StoreSize::default();
        for entry in self.entries()? {
            let folder = self.folder(entry);
            let direct = |name: &Path| fs::symlink_metadata(name).map_or(0, |found| found.len());
            let archive = find_archive(&folder).map_or(0, |path| direct(&path));
            total.wheels += 1;
            total.files += folder_size(&folder.join("f")).0;
            total.unpacked +=
                folder_size(&folder).1.saturating_sub(archive + direct(&folder.join("tree")));
            total.archives += archive;
        }
        Ok(total)
    }

    /// Hashes the archive of an entry, unpacks it in memory and compares every file with it.
    ///
    /// # Errors
    /// [`StoreError`] when the entry cannot be read; what is wrong with it is in the report.
    pub fn check_entry(&self, sha256: Sha256) -> Result<EntryReport, StoreError> {
        let folder = self.folder(sha256);
        let filename = find_archive(&folder)
            .ok()
            .and_then(|path| path.file_name()?.to_str().map(str::to_owned));
        let report = |problem| EntryReport { sha256: sha256.hex(), filename, problem };
        let Ok(pin) = Pin::new([Digest::from(sha256)]) else {
            return Ok(report(Some("its name is no digest".to_owned())));
        };
        let archive = match self.open_archive(&pin, sha256) {
            Ok(archive) => archive,
            Err(error @ StoreError::Io { .. }) => return Err(error),
            Err(error) => return Ok(report(Some(error.to_string()))),
        };
        let (tree, text, _) = match admit::unpack_nowhere(&archive) {
            Ok(unpacked) => unpacked,
            Err(error) => return Ok(report(Some(error.to_string()))),
        };
        let listed = read_bounded(&folder.join("tree"), MAX_TREE_BYTES);
        if !listed.is_ok_and(|listed| listed == text) {
            return Ok(report(Some("its list of files is not that of its archive".to_owned())));
        }
        let problem = check_files(&folder.join("f"), &tree);
        Ok(report(problem.or_else(|| find_stray(&folder, &tree))))
    }

    /// Removes what interrupted runs left, and then the entries that were not used for longest
    /// until at most `limit` bytes remain. `now` is compared with file times.
    ///
    /// # Errors
    /// [`StoreError::Io`] when something cannot be removed.
    pub fn prune(&self, limit: Option<u64>, now: SystemTime) -> Result<Pruned, StoreError> {
        let mut pruned = Pruned { leftovers: self.remove_leftovers(now)?, ..Pruned::default() };
        let Some(limit) = limit else {
            return Ok(pruned);
        };
        let mut entries = Vec::new();
        for sha256 in self.entries()? {
            let used = Seal::last_used(&self.seals, sha256);
            let (_, bytes) = folder_size(&self.folder(sha256));
            entries.push((used, sha256, bytes));
        }
        entries.sort_by_key(|(used, sha256, _)| (*used, sha256.0));
        let mut total: u64 = entries.iter().map(|(_, _, bytes)| bytes).sum();
        for (_, sha256, bytes) in entries {
            if total <= limit {
                break;
            }
            self.remove(sha256)?;
            total -= bytes;
            pruned.wheels += 1;
            pruned.bytes += bytes;
        }
        Ok(pruned)
    }

    fn remove_leftovers(&self, now: SystemTime) -> Result<usize, StoreError> {
        let listing = fs::read_dir(&self.root).map_err(io_error("read", &self.root))?;
        let mut count = 0;
        for path in listing.filter_map(|item| item.ok().map(|item| item.path())) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let age = path.metadata().and_then(|metadata| metadata.modified());
            let age = age.ok().and_then(|modified| now.duration_since(modified).ok());
            if name.starts_with(".tmp-") && age.is_some_and(|age| age >= LEFTOVER_AGE) {
                fs::remove_dir_all(&path).map_err(io_error("remove", path))?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// Notes that entries were used, for [`Store::prune`]. A failure only makes pruning less fair.
    pub fn mark_used(&self, entries: impl Iterator<Item = Sha256>) {
        for sha256 in entries {
            Seal::touch(&self.seals, sha256);
        }
    }
}

/// The first file that is not what the tree says.
fn check_files(folder: &Path, tree: &Tree) -> Option<String> {
    for (index, file) in tree.files().iter().enumerate() {
        let path = folder.join(index.to_string());
        match hash(&path) {
            Ok(hash) if hash == file.blake3 => {}
            Ok(_) => return Some(format!("`{}` was changed", file.path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Some(format!("`{}` is missing", file.path));
            }
            Err(error) => return Some(format!("`{}` cannot be read: {error}", file.path)),
        }
        let executable = path.metadata().is_ok_and(|metadata| metadata.mode() & 0o100 != 0);
        if file.mode != Mode::Script && executable != (file.mode == Mode::Executable) {
            return Some(format!("the mode of `{}` was changed", file.path));
        }
    }
    None
}

/// Something in the folder of an entry that we did not put there. It is never installed, and its
/// being there says that somebody was at work.
pub(crate) fn find_stray(folder: &Path, tree: &Tree) -> Option<String> {
    let listed = tree.files().len();
    let is_ours = |name: &str| {
        matches!(name, "tree" | "f") || name.starts_with("c-") || name.ends_with(".whl")
    };
    let is_number = |name: &str| {
        // As it is written, so that `007` is a stray.
        name.parse::<usize>().is_ok_and(|number| number < listed && number.to_string() == name)
    };
    let stray = |folder: &Path, belongs: &dyn Fn(&str) -> bool| {
        let names = fs::read_dir(folder).ok()?.filter_map(|item| Some(item.ok()?.file_name()));
        let mut strays = names.filter(|name| !name.to_str().is_some_and(belongs));
        strays.next().map(|name| format!("`{}` does not belong to it", name.to_string_lossy()))
    };
    stray(folder, &is_ours).or_else(|| stray(&folder.join("f"), &is_number))
}

/// BLAKE3 of a regular file; a link is not followed.
pub(crate) fn hash(path: &Path) -> io::Result<[u8; 32]> {
    let flags = crate::system::fs::OFlags::RDONLY
        | crate::system::fs::OFlags::NOFOLLOW
        | crate::system::fs::OFlags::NONBLOCK
        | crate::system::fs::OFlags::CLOEXEC;
    let file =
        fs::File::from(crate::system::fs::open(path, flags, crate::system::fs::Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut hasher = blake3::Hasher::new();
    admit::hash_file(&file, |bytes| {
        hasher.update(bytes);
    })?;
    Ok(*hasher.finalize().as_bytes())
}

/// Number and bytes of the regular files below a folder; links are not followed.
fn folder_size(folder: &Path) -> (u64, u64) {
    let (mut count, mut bytes) = (0, 0);
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        let Ok(listing) = fs::read_dir(next) else { continue };
        for item in listing.filter_map(Result::ok) {
            match item.metadata() {
                Ok(metadata) if metadata.is_dir() => open.push(item.path()),
                Ok(metadata) if metadata.is_file() => {
                    count += 1;
                    bytes += metadata.len();
                }
                _ => {}
            }
        }
    }
    (count, bytes)
}
