//! Records in a local folder, or in one file.
//!
//! Symbolic links are followed to files within the folder; one that leads out of it is in the listing
//! and refused when it is read, so that it is noticed. Folders behind links, and `.git`, are not
//! entered.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

use countermark_audit::source::{Clones, Documents, SourceError};

use super::git::{self, GitDocuments};
use super::remembered::Remembered;

/// Most files below one folder.
const MAX_FILES: u64 = 1_000_000;

/// How deep folders are entered.
const MAX_DEPTH: usize = 32;

/// How deep clones are looked for: `NAME` or `OWNER/NAME`.
const CLONE_DEPTH: usize = 2;

/// What belongs to a file that was named alone.
const BESIDE: &[&str] = &[".asc", ".sig", ".gpg", ".sign"];

/// See the module.
#[derive(Debug)]
pub struct FolderDocuments {
    folder: PathBuf,
    /// The one file that was named.
    only: Option<String>,
    shown: String,
    /// Where the folder really is, once it was looked at.
    real: OnceLock<PathBuf>,
    cache: Option<PathBuf>,
    remembered: Remembered,
}

impl FolderDocuments {
    /// A folder, or the folder of a file with nothing in it but the file and its signatures.
    #[must_use]
    pub fn new(path: &Path, cache: Option<&Path>) -> Self {
        let name = path.file_name().and_then(|name| name.to_str());
        let (folder, only) = match (name, path.parent()) {
            (Some(name), Some(folder)) if path.is_file() => (folder, Some(name.to_owned())),
            _ => (path, None),
        };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        Self {
            folder: folder.to_owned(),
            only,
            shown: path.display().to_string(),
            real: OnceLock::new(),
            cache: cache.map(Path::to_owned),
            remembered: Remembered::new(cache, path),
        }
    }

    pub(super) fn remembered_files(&self) -> &Remembered {
        &self.remembered
    }

    fn real(&self) -> Result<&Path, SourceError> {
        if let Some(real) = self.real.get() {
            return Ok(real);
        }
        let real = self
            .folder
            .canonicalize()
            .and_then(
                |real| if real.is_dir() { Ok(real) } else { Err(ErrorKind::NotADirectory.into()) },
            )
            .map_err(|error| unreadable(&self.shown, &error))?;
        Ok(self.real.get_or_init(|| real))
    }

    fn shown_path(&self, path: &str) -> String {
        match (&self.only, path) {
            (Some(only), _) if only == path => self.shown.clone(),
            (_, "") => self.shown.clone(),
            _ => self.folder.join(path).display().to_string(),
        }
    }

    /// A path below the folder as it is in the file system.
    fn below(&self, path: &str) -> Result<PathBuf, SourceError> {
        let is_normal = |part: Component<'_>| matches!(part, Component::Normal(_));
        let is_below = Path::new(path).components().all(is_normal) && !path.contains('\0');
        if !is_below {
            let reason = "the path leads out of it".to_owned();
            return Err(SourceError::Unreadable { what: self.shown_path(path), reason });
        }
        Ok(self.real()?.join(path))
    }

    /// The file, ready to be read, and its length.
    fn file(&self, path: &str, limit: u64) -> Result<Option<File>, SourceError> {
        let is_named = |only: &String| {
            path.strip_prefix(only.as_str())
                .is_some_and(|rest| rest.is_empty() || BESIDE.contains(&rest))
        };
        if self.only.as_ref().is_some_and(|only| !is_named(only)) {
            return Ok(None);
        }
        let failed = |error: &io::Error| unreadable(&self.shown_path(path), error);
        let real = match self.below(path)?.canonicalize() {
            Ok(real) => real,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(failed(&error)),
        };
        if !real.starts_with(self.real()?) {
            let reason = "the link leads out of the folder".to_owned();
            return Err(SourceError::Unreadable { what: self.shown_path(path), reason });
        }
        // Opening a pipe would wait for somebody to write into it.
        let metadata = real.metadata().map_err(|error| failed(&error))?;
        if metadata.is_dir() {
            return Ok(None);
        }
        if !metadata.is_file() {
            let reason = "it is no regular file".to_owned();
            return Err(SourceError::Unreadable { what: self.shown_path(path), reason });
        }
        if metadata.len() > limit {
            let what = self.shown_path(path);
            return Err(SourceError::TooLarge { what, limit, unit: "bytes" });
        }
        File::open(&real).map(Some).map_err(|error| failed(&error))
    }

    fn walk(
        &self,
        folder: &Path,
        path: &str,
        depth: usize,
        each: &mut dyn FnMut(String) -> Result<(), SourceError>,
    ) -> Result<(), SourceError> {
        if depth > MAX_DEPTH {
            let (what, limit) = (self.shown_path(path), MAX_DEPTH as u64);
            return Err(SourceError::TooLarge { what, limit, unit: "folders inside each other" });
        }
        let failed = |error: &io::Error| unreadable(&self.shown_path(path), error);
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if is_absent(&error) => return Ok(()),
            Err(error) => return Err(failed(&error)),
        };
        for entry in entries {
            let entry = entry.map_err(|error| failed(&error))?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name == ".git" {
                continue;
            }
            let below = if path.is_empty() { name.into_owned() } else { format!("{path}/{name}") };
            let kind = entry.file_type().map_err(|error| failed(&error))?;
            if kind.is_dir() {
                self.walk(&entry.path(), &below, depth + 1, each)?;
            } else if !kind.is_symlink() || !entry.path().is_dir() {
                each(below)?;
            }
        }
        Ok(())
    }

    fn clones_in(
        &self,
        folder: &Path,
        path: &str,
        depth: usize,
        found: &mut Vec<String>,
    ) -> io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| *name != ".git") else { continue };
            if !entry.file_type()?.is_dir() {
                continue;
            }
            let below = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
            if git::is_repository(&entry.path()) {
                found.push(below);
            } else if depth < CLONE_DEPTH {
                self.clones_in(&entry.path(), &below, depth + 1, found)?;
            }
        }
        Ok(())
    }
}

impl Documents for FolderDocuments {
    fn root(&self) -> &str {
        &self.shown
    }

    fn list(&self, folder: &str, ending: &str) -> Result<Vec<String>, SourceError> {
        if let Some(only) = &self.only {
            let is_there = folder.is_empty() && only.ends_with(ending);
            return Ok(is_there.then(|| only.clone()).into_iter().collect());
        }
        let mut files = Vec::new();
        let mut count = 0;
        self.walk(&self.below(folder)?, folder.trim_end_matches('/'), 0, &mut |path| {
            count += 1;
            if count > MAX_FILES {
                let (what, limit) = (self.shown_path(folder), MAX_FILES);
                return Err(SourceError::TooLarge { what, limit, unit: "files" });
            }
            if path.ends_with(ending) {
                files.push(path);
            }
            Ok(())
        })?;
        files.sort_unstable();
        Ok(files)
    }

    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, SourceError> {
        let Some(file) = self.file(path, limit)? else { return Ok(None) };
        let length = file.metadata().map_or(0, |metadata| metadata.len());
        let mut bytes = Vec::with_capacity(usize::try_from(length.min(limit)).unwrap_or(0) + 1);
        file.take(limit.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| unreadable(&self.shown_path(path), &error))?;
        // It can grow while it is read.
        if bytes.len() as u64 > limit {
            let what = self.shown_path(path);
            return Err(SourceError::TooLarge { what, limit, unit: "bytes" });
        }
        Ok(Some(bytes))
    }

    fn open(&self, path: &str, limit: u64) -> Result<Option<Box<dyn Read + '_>>, SourceError> {
        let file = self.file(path, limit)?;
        Ok(file.map(|file| Box::new(Bounded { inner: file, left: limit }) as Box<dyn Read>))
    }

    fn clones(&self) -> Result<Clones<'_>, SourceError> {
        if self.only.is_some() {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        self.clones_in(self.real()?, "", 1, &mut found)
            .map_err(|error| unreadable(&self.shown, &error))?;
        found.sort_unstable();
        let clone = |path: String| {
            let clone = GitDocuments::new(&self.folder.join(&path), self.cache.as_deref());
            (path, Box::new(clone) as Box<dyn Documents>)
        };
        Ok(found.into_iter().map(clone).collect())
    }

    fn remembered(&self, form: &str) -> BTreeMap<[u8; 32], Vec<u8>> {
        self.remembered.read(form)
    }

    fn remember(&self, form: &str, derived: &BTreeMap<[u8; 32], Vec<u8>>) {
        self.remembered.write(form, derived);
    }
}

/// Fails beyond a number of bytes, instead of ending there as if that were all.
pub(super) struct Bounded<R> {
    pub(super) inner: R,
    pub(super) left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let Some(left) = self.left.checked_sub(count as u64) else {
            return Err(io::Error::new(ErrorKind::FileTooLarge, "more bytes than are read"));
        };
        self.left = left;
        Ok(count)
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn unreadable(what: &str, error: &io::Error) -> SourceError {
    let reason = match error.kind() {
        ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        ErrorKind::NotADirectory => "it is no folder".to_owned(),
        ErrorKind::PermissionDenied => "permission is denied".to_owned(),
        _ => error.to_string(),
    };
    SourceError::Unreadable { what: what.to_owned(), reason }
}

#[cfg(test)]
mod tests;
