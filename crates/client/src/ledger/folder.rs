//! The folder of a ledger: found, read whole, and changed by one program at a time.
//!
//! `ledger.toml`, `reviews.toml`, `facts.toml` and `relations.toml` are the team's, reviewed in git with
//! the lock that they belong to. What stands below `imports` is somebody else's, and used only while it
//! has the digest that our `ledger.toml` recorded when it was fetched and looked at. Every read is
//! bounded; a file is replaced by a rename and never half written; between reading and writing the folder
//! itself is locked, so that two commands do not undo each other.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use countermark_ledger::fact::Facts;
use countermark_ledger::format::{self, Relations, ReviewFile, limits};
use countermark_ledger::ledger::Ledger;
use countermark_ledger::review::Review;
use countermark_trust::Class;

use super::imported::{self, Imported};
use super::known::Known;
use crate::install::lock::{FolderLock, Locked, lock};
use crate::report::Problem;
use crate::system::replace_file;

/// The file with the decisions.
pub const LEDGER: &str = "ledger.toml";
/// The file with the reviews.
pub const REVIEWS: &str = "reviews.toml";
/// The file with what was seen of releases.
pub const FACTS: &str = "facts.toml";
/// The file with what files of one release share.
pub const RELATIONS: &str = "relations.toml";
/// The folder with one folder for each import.
pub const IMPORTS: &str = "imports";
/// In the folder of an import: the signed commits that added its reviews.
pub const COMMITS: &str = "commits";

/// The most bytes of the record of commits of an import.
const COMMITS_SIZE: usize = 64 << 20;

/// The most bytes of an OpenPGP certificate.
const CERTIFICATE_SIZE: usize = 4 << 20;

/// What the folder is called where nothing else is said.
const NAME: &str = "ledger";

/// The most folders that are looked through upwards.
const DEPTH: usize = 64;

/// The folder of a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    path: PathBuf,
    state: Option<PathBuf>,
}

/// All that a folder says.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What the team decided.
    pub ledger: Ledger,
    /// Its reviews.
    pub reviews: ReviewFile,
    /// What was seen of releases.
    pub facts: Facts,
    /// What files of one release share.
    pub relations: Relations,
    /// The ledgers of others, in the order of `ledger.toml`; those that were never fetched are missing.
    pub imports: Vec<Imported>,
    /// The certificates of OpenPGP keys, by the path that a `[[key]]` names.
    pub certificates: BTreeMap<String, Vec<u8>>,
}

impl Folder {
    /// This folder, whether or not there is a ledger in it.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), state: None }
    }

    /// The folder that somebody named, or else the nearest `ledger` with a `ledger.toml`: beside `start`,
    /// which is the folder of the lock, or above it, up to the root of the repository.
    ///
    /// # Errors
    /// `no-ledger` when there is none.
    pub fn find(start: &Path, explicit: Option<&Path>) -> Result<Self, Box<Problem>> {
        if let Some(path) = explicit {
            return if path.join(LEDGER).is_file() {
                Ok(Self::at(path))
            } else {
                Err(missing(&format!("there is no {LEDGER} in {}", path.display())))
            };
        }
        let start = if start.as_os_str().is_empty() { Path::new(".") } else { start };
        // The nearest one is named as people named its parent.
        let beside = if start == Path::new(".") { PathBuf::from(NAME) } else { start.join(NAME) };
        if beside.join(LEDGER).is_file() {
            return Ok(Self::at(beside));
        }
        let whole = fs::canonicalize(start).unwrap_or_else(|_| start.to_owned());
        for folder in whole.ancestors().take(DEPTH) {
            let found = folder.join(NAME);
            if found.join(LEDGER).is_file() {
                return Ok(Self::at(found));
            }
            if folder.join(".git").exists() {
                break;
            }
        }
        let shown = start.display();
        Err(missing(&format!("there is no {NAME}/{LEDGER} in {shown} or above it")))
    }

    /// With the private folder in which it is remembered which bytes of `reviews.toml` were read whole
    /// without a mistake, so that they are not read whole again.
    #[must_use]
    pub fn with_state(self, state: &Path) -> Self {
        Self { state: Some(state.to_owned()), ..self }
    }

    pub(super) fn state(&self) -> Option<&Path> {
        self.state.as_deref()
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What a file of it is called in messages.
    #[must_use]
    pub fn shown(&self, name: &str) -> String {
        self.path.join(name).display().to_string()
    }

    /// Reads everything.
    ///
    /// # Errors
    /// Every mistake in its own files, and `import-changed-on-disk` for an import that is not what was
    /// fetched.
    pub fn read(&self) -> Result<Loaded, Vec<Problem>> {
        self.read_files(true)
    }

    /// Reads everything but the ledgers of others.
    ///
    /// # Errors
    /// Every mistake in its own files.
    pub fn read_own(&self) -> Result<Loaded, Vec<Problem>> {
        self.read_files(false)
    }

    fn read_files(&self, with_imports: bool) -> Result<Loaded, Vec<Problem>> {
        let mut problems = Vec::new();
        let ledger = keep(self.read_ledger(), &mut problems);
        let reviews = keep(self.read_reviews(), &mut problems);
        let facts = self.bytes(FACTS, limits::MACHINE).and_then(|bytes| {
            let bytes = bytes.unwrap_or_default();
            Facts::parse(&self.shown(FACTS), &bytes).map_err(|errors| told(&errors))
        });
        let facts = keep(facts, &mut problems);
        let relations = self.bytes(RELATIONS, limits::MACHINE).and_then(|bytes| {
            let bytes = bytes.unwrap_or_default();
            Relations::parse(&self.shown(RELATIONS), &bytes).map_err(|errors| told(&errors))
        });
        let relations = keep(relations, &mut problems);
        let (mut imports, mut certificates) = (Vec::new(), BTreeMap::new());
        if let Some(ledger) = &ledger {
            if with_imports {
                let read = imported::read(self, ledger);
                imports.extend(keep(read, &mut problems).into_iter().flatten());
            }
            let read = self.read_certificates(ledger);
            certificates.extend(keep(read, &mut problems).into_iter().flatten());
        }
        match (ledger, reviews, facts, relations) {
            (Some(ledger), Some(reviews), Some(facts), Some(relations)) if problems.is_empty() => {
                Ok(Loaded { ledger, reviews, facts, relations, imports, certificates })
            }
            _ => Err(problems),
        }
    }

    /// Reads `ledger.toml` alone.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn read_ledger(&self) -> Result<Ledger, Vec<Problem>> {
        let bytes = self.bytes(LEDGER, limits::LEDGER)?.ok_or_else(|| {
            vec![*missing(&format!("there is no {LEDGER} in {}", self.path.display()))]
        })?;
        Ledger::parse(&self.shown(LEDGER), &bytes).map_err(|errors| told(&errors))
    }

    /// Reads `reviews.toml` alone; one that is not there has no reviews.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn read_reviews(&self) -> Result<ReviewFile, Vec<Problem>> {
        let name = self.shown(REVIEWS);
        let Some(bytes) = self.bytes(REVIEWS, limits::REVIEWS)? else {
            return Ok(ReviewFile::empty(&name));
        };
        let known = self.state.as_deref().map(|state| Known::of(state, &bytes));
        if known.as_ref().is_some_and(Known::is_known) {
            // The same bytes were read whole before, by this version.
            return ReviewFile::reopen(&name, bytes).map_err(|error| told(&[error]));
        }
        let reviews = ReviewFile::parse(&name, bytes).map_err(|errors| told(&errors))?;
        if let Some(known) = known {
            known.remember();
        }
        Ok(reviews)
    }

    /// The text of a file of the folder, for an edit that keeps what people wrote.
    ///
    /// # Errors
    /// When it cannot be read, is too large, or is no text.
    pub fn read_text(&self, name: &str) -> Result<Option<String>, Vec<Problem>> {
        let Some(bytes) = self.bytes(name, limits::REVIEWS)? else { return Ok(None) };
        let text = String::from_utf8(bytes).map_err(|_| {
            let message = format!("{} is not UTF-8", self.shown(name));
            vec![Problem::new("encoding", Class::Usage, message)]
        })?;
        Ok(Some(text))
    }

    fn read_certificates(
        &self,
        ledger: &Ledger,
    ) -> Result<BTreeMap<String, Vec<u8>>, Vec<Problem>> {
        let imported = ledger.imports.iter().flat_map(|import| &import.keys);
        let keys = ledger.keys.iter().chain(imported);
        let (mut found, mut problems) = (BTreeMap::new(), Vec::new());
        for key in keys {
            let Some(file) = &key.file else { continue };
            match self.bytes(file, CERTIFICATE_SIZE) {
                Ok(Some(bytes)) => drop(found.insert(file.clone(), bytes)),
                Ok(None) => {
                    let message = format!("there is no `{file}` in {}", self.path.display());
                    let problem = Problem::new("file-unreadable", Class::Usage, message);
                    problems.push(problem.at(&key.place));
                }
                Err(more) => problems.extend(more),
            }
        }
        if problems.is_empty() { Ok(found) } else { Err(problems) }
    }

    pub(super) fn commits(&self, import: &str) -> Result<Option<Vec<u8>>, Vec<Problem>> {
        self.bytes(&format!("{IMPORTS}/{import}/{COMMITS}"), COMMITS_SIZE)
    }

    /// The bytes of a file; none when it is not there.
    pub(super) fn bytes(&self, name: &str, limit: usize) -> Result<Option<Vec<u8>>, Vec<Problem>> {
        let path = self.path.join(name);
        let unreadable = |error: &io::Error| {
            let message = format!("cannot read {}: {error}", path.display());
            vec![Problem::new("file-unreadable", Class::Unavailable, message)]
        };
        // A pipe would keep the reader waiting, and what a link leads to would be quoted in messages.
        let metadata = match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|error| unreadable(&error))?,
        };
        if !metadata.is_file() {
            let message = format!("{} is not a file", path.display());
            return Err(vec![Problem::new("file-unreadable", Class::Usage, message)]);
        }
        let file = fs::File::open(&path).map_err(|error| unreadable(&error))?;
        let expected = file.metadata().map_or(0, |metadata| metadata.len());
        let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or(0).min(limit));
        let most = u64::try_from(limit).unwrap_or(u64::MAX);
        file.take(most.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| unreadable(&error))?;
        if bytes.len() > limit {
            let message =
                format!("{} has more than the {limit} bytes that are read", path.display());
            return Err(vec![Problem::new("too-large", Class::Usage, message)]);
        }
        Ok(Some(bytes))
    }

    /// Waits until no other program changes the folder, and keeps it; calls `waiting` once when it has to
    /// wait. Read again what is to be changed after this.
    ///
    /// # Errors
    /// When the folder cannot be locked, or `interrupted` was set.
    pub fn hold(
        &self,
        interrupted: &AtomicBool,
        waiting: impl FnOnce(),
    ) -> Result<Held<'_>, Box<Problem>> {
        let failed = |message: String| {
            Box::new(Problem::new("ledger-not-held", Class::Unavailable, message))
        };
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        match lock(&path, interrupted, waiting) {
            Ok(Locked::Yes(lock)) => Ok(Held { folder: self, _lock: lock }),
            Ok(Locked::Moved) => Err(failed(format!("the folder {} is gone", self.path.display()))),
            Err(error) => Err(failed(format!("cannot lock {}: {error}", self.path.display()))),
        }
    }
}

/// A folder that nobody else changes until this is dropped.
#[derive(Debug)]
pub struct Held<'a> {
    folder: &'a Folder,
    _lock: FolderLock,
}

impl Held<'_> {
    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Folder {
        self.folder
    }

    /// Writes `ledger.toml`, when it can be read again.
    ///
    /// # Errors
    /// What is wrong with the text, or the file system.
    pub fn write_ledger(&self, text: &str) -> Result<(), Vec<Problem>> {
        let name = self.folder.shown(LEDGER);
        Ledger::parse(&name, text.as_bytes()).map_err(|errors| told(&errors))?;
        self.write(LEDGER, text.as_bytes()).map_err(|problem| vec![*problem])
    }

    /// Writes `reviews.toml`: these reviews, sorted, each once.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn write_reviews<'r>(
        &self,
        reviews: impl IntoIterator<Item = &'r Review>,
    ) -> Result<(), Box<Problem>> {
        self.write(REVIEWS, format::write(reviews).as_bytes())
    }

    /// Adds reviews to `reviews.toml`, or takes the place of those that say the same.
    ///
    /// # Errors
    /// What is wrong with the file that is there, or the file system.
    pub fn add_reviews(&self, new: &[Review]) -> Result<(), Vec<Problem>> {
        let there: Vec<Review> =
            self.folder.read_reviews()?.iter().map(|entry| entry.review).collect();
        // Of two that say the same the new one is written: it may be signed where the old one is not.
        let ids: Vec<_> = new.iter().map(countermark_ledger::statement::StatementId::of).collect();
        let kept = there.iter().filter(|review| {
            !ids.contains(&countermark_ledger::statement::StatementId::of(review))
        });
        self.write_reviews(kept.chain(new)).map_err(|problem| vec![*problem])
    }

    /// Writes `facts.toml`.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn write_facts(&self, facts: &Facts) -> Result<(), Box<Problem>> {
        self.write(FACTS, facts.write().as_bytes())
    }

    /// Writes `relations.toml`.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn write_relations(&self, relations: &Relations) -> Result<(), Box<Problem>> {
        self.write(RELATIONS, relations.write().as_bytes())
    }

    /// Writes a file of an import as it was fetched.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn write_import(&self, import: &str, file: &str, bytes: &[u8]) -> Result<(), Box<Problem>> {
        self.write(&format!("{IMPORTS}/{import}/{file}"), bytes)
    }

    /// Writes any file of the folder, by a rename; folders on the way are made.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Box<Problem>> {
        let path = self.folder.path.join(name);
        let parent = path.parent().unwrap_or(&self.folder.path);
        fs::create_dir_all(parent).and_then(|()| replace_file(&path, bytes)).map_err(|error| {
            let message = format!("cannot write {}: {error}", path.display());
            Box::new(Problem::new("file-not-written", Class::Unavailable, message))
        })
    }
}

fn missing(message: &str) -> Box<Problem> {
    let problem = Problem::new("no-ledger", Class::Usage, message);
    Box::new(problem.with_hint("`countermark vet init` makes one; `--ledger DIR` names one"))
}

/// Mistakes in a file as problems. An import that changed is an answer of a check.
pub(super) fn told(errors: &[countermark_packaging::lock::SourceError]) -> Vec<Problem> {
    let problem = |error: &countermark_packaging::lock::SourceError| {
        let mut problem = Problem::from(error);
        if error.code == format::codes::CHANGED_ON_DISK {
            problem.class = Class::Rejected;
        }
        problem
    };
    errors.iter().map(problem).collect()
}

fn keep<T>(result: Result<T, Vec<Problem>>, problems: &mut Vec<Problem>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(found) => {
            problems.extend(found);
            None
        }
    }
}

#[cfg(test)]
mod tests;
