//! The lock files of project trees, with their history.
//!
//! Decides what is read: every file that is a lock by its name, or a requirements file with digests in
//! it, below a folder as it is now, and every version of it on all commits of a git repository that can be
//! reached. Trees are not trusted: nothing of them is run, links are not followed, everything has a limit,
//! and what cannot be read is told and passed over. Of a repository it is remembered which commits were
//! read, so that the next run reads the new ones only, and one that was stopped goes on.

mod clone;
mod history;
mod remembered;
mod walk;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use countermark_audit::source::SourceError;
use countermark_lock::observe::{
    self, Lock, Moment, Statement, Statements, Unread, format_of_path, has_digests,
    may_be_requirements,
};
use countermark_packaging::lock::document::{LockFormat, MAXIMUM_SIZE};
use countermark_trust::Class;

use crate::parallel::in_parallel;
use crate::report::{Progress, Reporter};

pub use clone::CloneError;

/// What is read, and how much of it.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// The index that locks mean that name none.
    pub index: &'a str,
    /// Past versions too.
    pub history: bool,
    /// The most commits of a repository in one run.
    pub commits: usize,
    /// The most bytes of a clone.
    pub clone_bytes: u64,
    /// The most time for one repository.
    pub time: Duration,
    /// The private folder for what was read; none to remember nothing.
    pub state: Option<&'a Path>,
    /// Set when the run is to end.
    pub stop: &'a AtomicBool,
    /// Told what goes on.
    pub reporter: &'a dyn Reporter,
}

impl std::fmt::Debug for Reading<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Reading").field("history", &self.history).finish_non_exhaustive()
    }
}

/// What was read.
#[derive(Debug, Default)]
pub struct Collected {
    /// What the locks say.
    pub statements: Statements,
    /// What could not be read.
    pub unread: Vec<Unread>,
    /// What was left out, because there was too much.
    pub notes: Vec<String>,
    /// Repositories and folders with files.
    pub trees: usize,
    /// Versions of locks.
    pub versions: usize,
}

/// Why a tree cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum TreesError {
    /// It is not there, or cannot be listed.
    #[error("cannot read `{path}`: {reason}")]
    Folder {
        /// As given.
        path: String,
        /// Why.
        reason: String,
    },
    /// A repository does not answer.
    #[error(transparent)]
    Git(#[from] SourceError),
    /// A remote repository cannot be had.
    #[error(transparent)]
    Clone(#[from] CloneError),
    /// Somebody ended the run.
    #[error("stopped before everything was read")]
    Stopped,
}

impl TreesError {
    /// Who is at fault.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Folder { .. } => Class::Usage,
            Self::Git(error) => error.class(),
            Self::Clone(error) => error.class(),
            Self::Stopped => Class::Unavailable,
        }
    }

    /// Its stable name.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Folder { .. } => "tree-unreadable",
            Self::Git(_) => "repository-unreadable",
            Self::Clone(_) => "clone-failed",
            Self::Stopped => "interrupted",
        }
    }
}

impl Reading<'_> {
    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn work(&self, what: &str) {
        self.reporter.progress(Progress::Working { what });
    }
}

/// Reads everything below a path: a repository, a folder of repositories, a folder with locks, or one
/// lock. `name` is what it is called; repositories below it are called by their path from there.
///
/// # Errors
/// When the path cannot be read, or the run is stopped.
pub fn collect(
    path: &Path,
    name: &str,
    reading: &Reading<'_>,
    into: &mut Collected,
) -> Result<(), TreesError> {
    for tree in walk::trees(path, name, reading, &mut into.notes)? {
        if reading.is_stopped() {
            return Err(TreesError::Stopped);
        }
        let before = into.statements.len();
        if let Some(root) = &tree.repository {
            // One repository that is broken is no reason to leave out the others.
            match history::read(root, &tree.name, reading, into) {
                Ok(()) => {}
                Err(TreesError::Git(error)) => {
                    into.unread
                        .push(Unread { place: tree.name.clone(), reason: error.to_string() });
                }
                Err(error) => return Err(error),
            }
        }
        read_files(&tree, reading, into)?;
        into.trees += usize::from(into.statements.len() > before || tree.repository.is_some());
    }
    Ok(())
}

/// Clones a repository, or fetches what is new of it, and reads it.
///
/// # Errors
/// When it cannot be had, or the run is stopped.
pub fn collect_remote(
    url: &str,
    reading: &Reading<'_>,
    into: &mut Collected,
) -> Result<(), TreesError> {
    let (folder, name) = clone::fetch(url, reading)?;
    into.trees += 1;
    history::read(folder.path(), &name, reading, into)
}

/// A repository of others in the private folder, with what is new of it: bare, nothing checked out.
///
/// # Errors
/// When it cannot be had, or the run is stopped.
pub(crate) fn kept_clone(
    url: &str,
    reading: &Reading<'_>,
    state: &Path,
) -> Result<std::path::PathBuf, TreesError> {
    let reading = Reading { state: Some(state), ..*reading };
    let (clone, _) = clone::fetch(url, &reading)?;
    Ok(clone.path().to_owned())
}

/// The files of a tree as they are now.
fn read_files(
    tree: &walk::Tree,
    reading: &Reading<'_>,
    into: &mut Collected,
) -> Result<(), TreesError> {
    for chunk in tree.files.chunks(CHUNK) {
        if reading.is_stopped() {
            return Err(TreesError::Stopped);
        }
        reading.work(&format!("reading {}", tree.name));
        let versions = chunk.iter().filter_map(|file| {
            let lock = Lock { repository: tree.name.clone(), path: file.path.clone() };
            match walk::read(&file.at, MAXIMUM_SIZE as u64) {
                Ok(bytes) => Some(Version { lock, moment: Moment::default(), bytes }),
                Err(reason) => {
                    into.unread.push(Unread { place: lock.to_string(), reason });
                    None
                }
            }
        });
        let versions: Vec<Version> = versions.collect();
        add(&versions, reading.index, &mut Sink::of(into));
    }
    Ok(())
}

/// So many locks are read at a time.
const CHUNK: usize = 64;

/// A version of a lock.
struct Version {
    lock: Lock,
    moment: Moment,
    bytes: Vec<u8>,
}

/// Where statements go.
struct Sink<'a> {
    statements: &'a mut Statements,
    unread: &'a mut Vec<Unread>,
    versions: &'a mut usize,
}

impl<'a> Sink<'a> {
    fn of(collected: &'a mut Collected) -> Self {
        Self {
            statements: &mut collected.statements,
            unread: &mut collected.unread,
            versions: &mut collected.versions,
        }
    }
}

/// Reads versions of locks, on all processors.
fn add(versions: &[Version], index: &str, sink: &mut Sink<'_>) {
    for read in in_parallel(versions, |version| read(version, index)) {
        match read {
            Ok(None) => {}
            Ok(Some(statements)) => {
                *sink.versions += 1;
                sink.statements.extend(statements);
            }
            Err(unread) => sink.unread.push(unread),
        }
    }
}

/// The statements of a version; none where it is no lock at all.
fn read(version: &Version, index: &str) -> Result<Option<Vec<Statement>>, Unread> {
    let Version { lock, moment, bytes } = version;
    let format = match format_of_path(&lock.path) {
        Some(format) => format,
        None if has_digests(bytes) => LockFormat::Requirements,
        None => return Ok(None),
    };
    observe::read(format, lock, moment, bytes, index).map(|read| Some(read.statements)).or_else(
        |errors| {
            // A text about requirements files is none.
            if format == LockFormat::Requirements && !looks_like_requirements(&lock.path) {
                return Ok(None);
            }
            Err(unread(version, &errors))
        },
    )
}

fn unread(version: &Version, errors: &[countermark_packaging::lock::SourceError]) -> Unread {
    let commit = version.moment.commit.as_deref();
    let commit = commit.map(|commit| format!("@{}", commit.get(..12).unwrap_or(commit)));
    let (line, reason) = match errors.first() {
        Some(first) => (first.place.line, first.message.as_str()),
        None => (1, "it cannot be read"),
    };
    let more = match errors.len() {
        0 | 1 => String::new(),
        number => format!(" (and {} more)", number - 1),
    };
    Unread {
        place: format!("{}:{line}{}", version.lock, commit.unwrap_or_default()),
        reason: format!("{}{more}", shortened(reason)),
    }
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 300;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Whether a path is one at which people keep requirements.
fn looks_like_requirements(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    ["req", "constraint", "lock", "pip", "deps", "dependenc", "pins"]
        .iter()
        .any(|part| path.contains(part))
}

/// Whether a path may be one of a lock.
fn is_candidate(path: &str) -> bool {
    format_of_path(path).is_some() || may_be_requirements(path)
}

/// When a repository has had its time.
struct Deadline(Instant);

impl Deadline {
    fn after(time: Duration) -> Self {
        let now = Instant::now();
        Self(now.checked_add(time).unwrap_or(now))
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.0
    }
}
