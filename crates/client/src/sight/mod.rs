//! What a lock is about to say, seen: every digest comes from bytes that this user downloaded and
//! that were hashed here.
//!
//! Decides from where a file is known. First what the private memory (`memory`) says was hashed
//! of this very address under this very claim; then a wheel that the store has and can prove; then
//! a download. What comes is held against everything that the index claims of it: a difference is a
//! problem that shows both, and no digest. A wheel whose structure breaks a rule is a problem too,
//! since nobody could install it. Of a file of which the index claims no strong digest nothing is
//! remembered: it may be another one today.
//!
//! Trusts nobody: a claim only chooses where to look first. Files that wait somewhere under the
//! right name are not looked at; a download goes to a private folder with a name that nobody can
//! guess.

mod compare;
pub(crate) mod memory;
pub(crate) mod one;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use countermark_lock::catalogue::ReleaseFile;
use countermark_lock::pins::PinnedFile;
use countermark_packaging::name::ProjectName;
use countermark_trust::Class;
use futures_util::stream::{self, StreamExt as _};

use crate::catalogue::KeptFile;
use crate::http::Client;
use crate::parallel::in_parallel;
use crate::receive::{interrupted, until_interrupted};
use crate::report::{Problem, Progress, Reporter};
use crate::store::Store;

pub use compare::{OldDigests, compare_with_old};
use memory::{Key, Memory, Remembered};

/// Files downloaded at once.
const AT_ONCE: usize = 8;

/// Files that are on their way or wait to be looked into.
const IN_HAND: usize = 3 * AT_ONCE;

/// What looking works with.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Where wheels are and go.
    pub store: &'a Arc<Store>,
    /// Files.
    pub http: &'a Client,
    /// Whom to tell.
    pub reporter: &'a dyn Reporter,
    /// Set when the user said stop.
    pub interrupted: &'a AtomicBool,
    /// Nothing can be asked: a tree that nobody computed is done without.
    pub offline: bool,
}

/// How far a wheel is looked into. Source distributions are hashed and never looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Its bytes are hashed and its structure is judged.
    Bytes,
    /// It is unpacked as well, to nowhere, for the digest of its tree.
    Tree,
    /// It is unpacked into the store, so that installing it needs no network.
    Keep,
}

/// A file to look at.
#[derive(Clone, Copy, Debug)]
pub struct Sought<'a> {
    /// Its project.
    pub project: &'a ProjectName,
    /// What the index claims of it.
    pub file: &'a ReleaseFile,
    /// How far it is looked into.
    pub depth: Depth,
}

/// From where a file is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// The private memory has it.
    Remembered,
    /// The store has it.
    Stored,
    /// It was downloaded now.
    Downloaded,
}

/// A file whose bytes were hashed here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its project.
    pub project: ProjectName,
    /// What a lock may say of it.
    pub file: PinnedFile,
    /// From where that is known.
    pub how: How,
}

/// What became of all files.
#[derive(Debug, Default)]
pub struct Sight {
    /// In the order in which they were asked for, each once; those with a problem are not here.
    pub seen: Vec<Seen>,
    /// Everything that is wrong, in the order of the files.
    pub problems: Vec<Problem>,
    /// Bytes that were downloaded.
    pub downloaded: u64,
}

impl Sight {
    /// A file by the name of its project and its own.
    #[must_use]
    pub fn file(&self, project: &ProjectName, filename: &str) -> Option<&PinnedFile> {
        let found = self
            .seen
            .iter()
            .find(|seen| seen.project == *project && seen.file.filename == filename);
        found.map(|seen| &seen.file)
    }
}

/// Gives the bytes of a file that were received before, such as those behind a URL requirement. They
/// are hashed again, and compared as if they came now.
pub type Kept<'a> = &'a dyn Fn(&ReleaseFile) -> Option<Arc<KeptFile>>;

/// Looks at all files, from a thread that runs nothing asynchronous.
#[must_use]
pub fn look(context: Context<'_>, files: &[Sought<'_>]) -> Sight {
    look_with(context, files, &|_| None)
}

/// The same where some files were received before.
#[must_use]
pub fn look_with(context: Context<'_>, files: &[Sought<'_>], kept: Kept<'_>) -> Sight {
    let mut work = Work::new(context, files);
    work.recall(context);
    if work.lacking.is_empty() {
        return work.finish(context);
    }
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(work.fetch(context, kept)),
        Err(error) => {
            let message = "the network cannot be set up";
            let problem = Problem::new("runtime", Class::Unavailable, message);
            work.problems.insert(0, problem.with_detail(error.to_string()));
        }
    }
    work.finish(context)
}

/// All files, and what is known of them so far.
struct Work<'a> {
    files: Vec<(Sought<'a>, Option<Key>)>,
    memory: Memory,
    seen: BTreeMap<usize, Seen>,
    problems: BTreeMap<usize, Problem>,
    /// What nobody remembers.
    lacking: Vec<usize>,
    downloaded: u64,
    news: Vec<(Key, Remembered)>,
}

impl<'a> Work<'a> {
    fn new(context: Context<'_>, files: &[Sought<'a>]) -> Self {
        let mut names: BTreeMap<(&ProjectName, &str, &str), usize> = BTreeMap::new();
        let mut once: Vec<(Sought<'a>, Option<Key>)> = Vec::new();
        for file in files {
            let name = (file.project, file.file.filename.as_str(), file.file.url.as_str());
            let position = *names.entry(name).or_insert(once.len());
            match once.get_mut(position) {
                Some((known, _)) => known.depth = known.depth.max(file.depth),
                None => once.push((*file, Key::of(file.file))),
            }
        }
        let wanted: BTreeSet<Key> = once.iter().filter_map(|(_, key)| *key).collect();
        Self {
            memory: Memory::read(context.store.state(), &wanted),
            files: once,
            seen: BTreeMap::new(),
            problems: BTreeMap::new(),
            lacking: Vec::new(),
            downloaded: 0,
            news: Vec::new(),
        }
    }

    /// What was hashed before.
    fn recall(&mut self, context: Context<'_>) {
        for (position, (sought, key)) in self.files.iter().enumerate() {
            let known = key.and_then(|key| self.memory.get(key));
            let known = known.filter(|known| {
                let is_enough = known.tree.is_some() || !one::has_tree(sought);
                known.agrees_with(sought.file) && (is_enough || context.offline)
            });
            match known {
                Some(known) => {
                    self.seen.insert(position, one::seen(sought, known, How::Remembered));
                }
                None => self.lacking.push(position),
            }
        }
    }

    async fn fetch(&mut self, context: Context<'_>, kept: Kept<'_>) {
        let unknown = std::mem::take(&mut self.lacking);
        let stored =
            in_parallel(&unknown, |position| one::from_store(context, &self.files[*position].0));
        let mut lacking = Vec::new();
        for (position, known) in unknown.into_iter().zip(stored) {
            match known {
                Some(known) => self.came(position, known, How::Stored),
                None => lacking.push(position),
            }
        }
        if lacking.is_empty() || self.stop_at_signal(context) {
            return;
        }
        let size = |position: &usize| self.files[*position].0.file.size;
        let sizes: Option<u64> = lacking.iter().map(size).sum();
        context.reporter.progress(Progress::Downloading { files: lacking.len(), bytes: sizes });
        // The largest first, so that none of them is waited for alone at the end.
        lacking.sort_by_key(|position| Reverse(size(position).unwrap_or(u64::MAX)));
        self.download(context, kept, lacking).await;
        context.reporter.progress(Progress::Done);
    }

    async fn download(&mut self, context: Context<'_>, kept: Kept<'_>, lacking: Vec<usize>) {
        let files = self.files.clone();
        let gates = &one::Gates::new();
        let mut downloads = stream::iter(lacking)
            .map(|position| {
                let sought = files[position].0;
                let kept = kept(sought.file);
                async move { (position, one::download(context, &sought, kept, gates).await) }
            })
            .buffer_unordered(IN_HAND);
        loop {
            let next = tokio::select! {
                next = downloads.next() => next,
                () = until_interrupted(context.interrupted) => None,
            };
            let Some((position, outcome)) = next else { break };
            match outcome {
                Ok(known) => {
                    self.downloaded += known.size;
                    let filename = self.files[position].0.file.filename.as_str();
                    context.reporter.progress(Progress::Stored { filename });
                    self.came(position, known, How::Downloaded);
                }
                Err(problem) => {
                    self.problems.insert(position, *problem);
                }
            }
        }
        drop(downloads);
        self.stop_at_signal(context);
    }

    fn came(&mut self, position: usize, known: Remembered, how: How) {
        let (sought, key) = &self.files[position];
        self.news.extend(key.map(|key| (key, known)));
        self.seen.insert(position, one::seen(sought, known, how));
    }

    /// After the user said stop nothing else matters.
    fn stop_at_signal(&mut self, context: Context<'_>) -> bool {
        let stopped = context.interrupted.load(Ordering::Relaxed);
        if stopped {
            self.problems = BTreeMap::from([(0, interrupted())]);
        }
        stopped
    }

    /// What was hashed is remembered also when something else failed. A memory that cannot be
    /// written costs the next run time and nothing else.
    fn finish(self, context: Context<'_>) -> Sight {
        let _ = memory::remember(context.store.state(), &self.news);
        Sight {
            seen: self.seen.into_values().collect(),
            problems: self.problems.into_values().collect(),
            downloaded: self.downloaded,
        }
    }
}
