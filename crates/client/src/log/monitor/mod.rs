//! Reads every entry of a log for some names.
//!
//! A look-up proves that a record is there; that there is no second one only who reads everything knows.
//! So everything is read, once: each entry is hashed onto the edge of the tree that was read before, and the
//! root that follows has to be the one that the log signed. That proves three things at a time: the
//! entries that came are those that were signed, all of them, and what was read before is still there.
//! Nothing is told and nothing is kept before that.
//!
//! When the root is another one, either a server gave other entries than the log has, or the log has two
//! histories. The tiles of hashes decide: proved against the signed root, they give the proof that convicts
//! a fork, or that it was the entries.
//!
//! Specification: [tlog-tiles](https://c2sp.org/tlog-tiles).

mod fork;
mod kept;

use std::collections::BTreeMap;

use countermark_packaging::name::{NamePattern, ProjectName};
use countermark_tlog::hash::leaf_hash;
use countermark_tlog::tile::{Bundle, TileError};
use countermark_trust::log::head::Head;
use countermark_trust::log::memory::Seen;
use countermark_trust::log::record::Observation;
use futures_util::stream::{self, StreamExt as _};

use super::reach::{Reach, ReachError};
use super::state::State;
pub(super) use fork::{entries_proof, growth_proof};
use kept::{Known, MAX_FILES, Progress};

/// Files of entries that are on their way at once.
const AT_ONCE: usize = 8;

/// The names that are watched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// Whole names, and beginnings.
    pub patterns: Vec<NamePattern>,
}

impl Watched {
    fn has(&self, project: &ProjectName) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(project))
    }

    /// The names, sorted, for the name of what is kept.
    fn words(&self) -> Vec<String> {
        let mut words: Vec<String> = self.patterns.iter().map(ToString::to_string).collect();
        words.sort();
        words.dedup();
        words
    }
}

/// Something about a watched name that was not there the last time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// The number of the entry.
    pub index: u64,
    /// What it says.
    pub record: Observation,
    /// Entries about the same file with another digest of the same algorithm.
    pub others: Vec<u64>,
    /// The first of them that cannot be true beside it, and its text.
    pub contradicted: Option<(u64, String)>,
}

/// What was read, after it was verified.
#[derive(Clone, Debug, Default)]
pub(super) struct Read {
    /// The number of the first entry that was read.
    pub(super) from: u64,
    /// Whether nothing was read before.
    pub(super) is_first: bool,
    pub(super) news: Vec<News>,
    /// Entries that are no records.
    pub(super) unreadable: Vec<u64>,
}

/// Why reading ended.
#[derive(Debug)]
pub(super) enum ReadError {
    Reach(ReachError),
    /// The bytes of a file of entries are none.
    Entries(String),
    /// Another root than the signed one.
    Root,
    /// More records of watched names than anybody has.
    TooMany,
}

impl From<ReachError> for ReadError {
    fn from(error: ReachError) -> Self {
        Self::Reach(error)
    }
}

/// Reads what is new in this head, whose signatures were verified. `seen` is what this machine saw last; the
/// root at its size has to be its root.
pub(super) async fn read(
    reach: &Reach<'_>,
    state: &State,
    watched: &Watched,
    head: &Head,
    seen: Option<&Seen>,
    from_start: bool,
) -> Result<Read, ReadError> {
    let name = kept::name(&watched.words());
    let before = if from_start { None } else { kept::read(state, &name) };
    let before = before.filter(|before| before.frontier.size() <= head.size());
    let mut reading = Reading::new(before, watched, seen);
    let from = reading.progress.frontier.size();
    let mut bundles = stream::iter(Bundle::grown(from, head.size()))
        .map(|bundle| async move { (bundle, fetch(reach, &bundle).await) })
        .buffered(AT_ONCE);
    while let Some((bundle, bytes)) = bundles.next().await {
        reading.take(&bundle, &bytes?)?;
    }
    drop(bundles);
    reading.end(head)?;
    let Reading { progress, read, .. } = reading;
    // A place that cannot be written costs the next run time and nothing else.
    let _ = kept::write(state, &name, &progress);
    Ok(read)
}

/// The entries of a bundle; a partial one that is gone is the beginning of the full one.
async fn fetch(reach: &Reach<'_>, bundle: &Bundle) -> Result<Vec<u8>, ReachError> {
    match reach.entries(&bundle.path()).await {
        Err(error) if error.is_absent() && !bundle.is_full() => {
            reach.entries(&bundle.full().path()).await
        }
        other => other,
    }
}

struct Reading<'a> {
    progress: Progress,
    watched: &'a Watched,
    seen: Option<&'a Seen>,
    /// Entries about each watched file, by its name.
    by_file: BTreeMap<String, Vec<Known>>,
    read: Read,
}

impl<'a> Reading<'a> {
    fn new(before: Option<Progress>, watched: &'a Watched, seen: Option<&'a Seen>) -> Self {
        let is_first = before.is_none();
        let progress = before.unwrap_or_default();
        let mut by_file: BTreeMap<String, Vec<Known>> = BTreeMap::new();
        for known in &progress.files {
            by_file.entry(known.record.file().to_owned()).or_default().push(known.clone());
        }
        let read = Read { from: progress.frontier.size(), is_first, ..Read::default() };
        Self { progress, watched, seen, by_file, read }
    }

    fn take(&mut self, bundle: &Bundle, bytes: &[u8]) -> Result<(), ReadError> {
        let bad = |error: TileError| ReadError::Entries(error.to_string());
        let entries = match bundle.read(bytes) {
            Ok(entries) => entries,
            // The full bundle in place of the partial one that is gone.
            Err(_) if !bundle.is_full() => bundle.full().read(bytes).map_err(bad)?,
            Err(error) => return Err(bad(error)),
        };
        let entries = entries.into_iter().take(usize::from(bundle.width()));
        for (index, entry) in (bundle.first_entry()..).zip(entries) {
            if index < self.progress.frontier.size() {
                continue;
            }
            self.hold_against_seen()?;
            match Observation::parse(entry) {
                Ok(record) if self.watched.has(record.project()) => self.note(index, record)?,
                Ok(_) => {}
                Err(_) => self.read.unreadable.push(index),
            }
            self.progress.frontier.append(leaf_hash(entry), &mut |_, _, _| ());
        }
        Ok(())
    }

    /// The checkpoint that this machine saw last is one of the trees on the way.
    fn hold_against_seen(&self) -> Result<(), ReadError> {
        let frontier = &self.progress.frontier;
        match self.seen {
            Some(seen) if seen.size() == frontier.size() && *seen.root() != frontier.root() => {
                Err(ReadError::Root)
            }
            _ => Ok(()),
        }
    }

    fn note(&mut self, index: u64, record: Observation) -> Result<(), ReadError> {
        if self.progress.files.len() >= MAX_FILES {
            return Err(ReadError::TooMany);
        }
        let known = Known { index, record: record.clone() };
        let same_file = self.by_file.entry(record.file().to_owned()).or_default();
        let others = same_file.iter().filter(|other| record.differs(other.record.digest()));
        let others = others.map(|other| other.index).collect();
        let contradicted = same_file.iter().find(|other| record.contradicts(&other.record));
        let contradicted = contradicted.map(|other| (other.index, other.record.text()));
        same_file.push(known.clone());
        self.progress.files.push(known);
        self.read.news.push(News { index, record, others, contradicted });
        Ok(())
    }

    fn end(&self, head: &Head) -> Result<(), ReadError> {
        self.hold_against_seen()?;
        let frontier = &self.progress.frontier;
        let is_signed = frontier.size() == head.size() && frontier.root() == *head.root();
        if is_signed { Ok(()) } else { Err(ReadError::Root) }
    }
}
