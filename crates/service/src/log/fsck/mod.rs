//! Everything that a log promises, computed again from its records and compared with what is stored.
//!
//! Rows give leaf hashes, those give every tile and bundle to the byte, the root of every head that was ever
//! committed, and the root that the checkpoint has to have. The engine looks at its own tables
//! ([`LogStore::inspect`]): that no record is there twice is part of that. Nothing is taken from a tile, so a
//! tile cannot explain itself.
//!
//! Memory is bounded whatever the size: one chunk of records, its tiles, and the names of partial tiles that
//! are not pruned yet. The log may go on meanwhile; what is committed later is not looked at.
//!
//! Repairing writes tiles and the checkpoint again from the records, and only if every root fits: where
//! records are damaged, the tiles are evidence and stay as they are.

mod checkpoint;
mod difference;
mod files;

use std::collections::VecDeque;

use countermark_tlog::note::VerifierKey;
use futures_util::StreamExt;

pub use difference::{Difference, Report};

use self::files::Files;
use super::sequencer::edge::{Edge, Rendered};
use super::store::{Head, LogStore, MAXIMUM_ROWS, StoreError};
use super::tiles::{FULL, Kind, TileError, TilePath, TileStore};

/// How many records are held at once.
const CHUNK: u64 = 8192;
/// How many tiles are read at the same time.
const READERS: usize = 16;

/// What is looked at, and against what.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The records.
    pub store: &'a dyn LogStore,
    /// The public files.
    pub tiles: &'a dyn TileStore,
    /// The name of the log.
    pub origin: &'a str,
    /// The keys of the log, all that ever signed what may still be published.
    pub keys: &'a [VerifierKey],
    /// How many differences are told; all are counted.
    pub limit: usize,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Records that were looked at.
    pub done: u64,
    /// How many there are.
    pub total: u64,
}

/// Why it could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum FsckError {
    /// The database.
    #[error("the records of the log: {0}")]
    Store(#[from] StoreError),
    /// The public files.
    #[error("the tiles of the log: {0}")]
    Tiles(#[from] TileError),
}

impl FsckError {
    /// Who is at fault, and so the exit code.
    #[must_use]
    pub fn class(&self) -> countermark_trust::Class {
        match self {
            Self::Store(error) => error.class(),
            Self::Tiles(error) => error.class(),
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Tiles(_) => None,
        }
    }
}

/// Looks at everything and changes nothing.
///
/// # Errors
/// Only when something cannot be read at all; what is wrong is in the report.
pub async fn check(
    subject: Subject<'_>,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Report, FsckError> {
    run(subject, false, progress).await
}

/// Looks at everything; if all roots fit, writes what is missing or wrong of the public files again, and
/// looks once more. The report tells how many were written, and what is wrong still.
///
/// # Errors
/// As [`check`]; also when they cannot be written.
pub async fn repair(
    subject: Subject<'_>,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Report, FsckError> {
    let found = run(subject, false, progress).await?;
    if found.is_clean() || !found.is_repairable() {
        return Ok(found);
    }
    let repaired = run(subject, true, progress).await?.repaired;
    let mut left = run(subject, false, progress).await?;
    left.repaired = repaired;
    Ok(left)
}

async fn run(
    subject: Subject<'_>,
    writes: bool,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Report, FsckError> {
    let mut report = Report::new(subject.limit);
    let files = files::walk(&subject, &mut report).await?;
    // In this order, since the log may go on: neither checkpoint is larger than the head.
    let notes = checkpoint::read(&subject).await?;
    let head = subject.store.head().await?;
    report.size = head.size;
    report.pending = subject.store.counts().await?.pending;
    let public = notes.published.as_ref().map_or(0, |it| it.size).min(head.size);
    let mut pass = Pass {
        subject,
        head,
        public,
        files,
        writes,
        edge: Edge::default(),
        heads: VecDeque::new(),
        marks: notes.sizes(),
    };
    let complete = pass.records(&mut report, progress).await?;
    report.root = complete.then(|| pass.edge.root());
    checkpoint::compare(&notes, &pass, &mut report).await?;
    for fault in subject.store.inspect(subject.limit).await? {
        report.add(Difference::Engine { place: fault.place, reason: fault.reason });
    }
    Ok(report)
}

/// One way through all records.
struct Pass<'a> {
    subject: Subject<'a>,
    head: Head,
    /// The size up to which there have to be files.
    public: u64,
    files: Files,
    writes: bool,
    edge: Edge,
    /// Heads that are still to come.
    heads: VecDeque<Head>,
    /// Sizes whose roots somebody wants to know, with the root as soon as it is known.
    marks: Vec<(u64, Option<countermark_tlog::hash::Hash>)>,
}

impl Pass<'_> {
    /// Whether all records could be read.
    async fn records(
        &mut self,
        report: &mut Report,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<bool, FsckError> {
        let total = self.head.size;
        self.look_at_roots(report).await?;
        while self.edge.size() < total {
            let start = self.edge.size();
            let end = start.saturating_add(CHUNK).min(total);
            let records = match self.subject.store.entries(start..end).await {
                Ok(records) => records,
                Err(StoreError::Damaged { reason }) => {
                    report.add(Difference::Records { from: start, to: end, reason });
                    return Ok(false);
                }
                Err(error) => return Err(error.into()),
            };
            let mut rendered = Vec::new();
            for record in records {
                // A record has at most 1,024 bytes.
                let text = record.text();
                let _ = self.edge.append(text.as_bytes(), &mut |tile| rendered.push(tile));
                if self.edge.size() == self.public {
                    rendered.extend(self.edge.partials());
                }
                self.look_at_roots(report).await?;
            }
            self.look_at_tiles(rendered, report).await?;
            progress(Progress { done: end, total });
        }
        Ok(true)
    }

    /// The root at this size, for heads that were committed with it and for checkpoints.
    async fn look_at_roots(&mut self, report: &mut Report) -> Result<(), FsckError> {
        let size = self.edge.size();
        for (_, root) in self.marks.iter_mut().filter(|(mark, _)| *mark == size) {
            *root = Some(self.edge.root());
        }
        if self.heads.is_empty() && size < self.head.size {
            let heads = self.subject.store.heads(size + 1, 4096.min(MAXIMUM_ROWS)).await?;
            self.heads.extend(heads);
        }
        while let Some(head) = self.heads.front().filter(|head| head.size <= size).copied() {
            self.heads.pop_front();
            if head.size == size && head.root != self.edge.root() {
                let found = self.edge.root();
                report.add(Difference::Root { size, committed: head.root, found });
            }
        }
        Ok(())
    }

    /// Tiles that are complete, or partial at the published size; and the partial ones beside them.
    async fn look_at_tiles(
        &mut self,
        rendered: Vec<Rendered>,
        report: &mut Report,
    ) -> Result<(), FsckError> {
        let mut wanted: Vec<(TilePath, Vec<u8>)> = Vec::new();
        for (path, bytes) in rendered {
            for width in self.files.take_partials(path) {
                let partial = TilePath { width, ..path };
                wanted.push((partial, files::beginning(partial, &bytes)));
            }
            if is_public(path, self.public) {
                wanted.push((path, bytes));
            }
        }
        let tiles = self.subject.tiles;
        let mut compared = futures_util::stream::iter(wanted)
            .map(async |(path, expected)| (path, tiles.read(path).await, expected))
            .buffer_unordered(READERS);
        let mut wrong = Vec::new();
        while let Some((path, found, expected)) = compared.next().await {
            report.tiles += 1;
            let difference = match found {
                Ok(Some(found)) => files::compare(path, &expected, &found),
                Ok(None) if is_replaced(tiles, path, &expected).await? => None,
                Ok(None) => Some(Difference::Missing { path: path.to_string() }),
                Err(TileError::TooLarge { path, .. }) => {
                    Some(Difference::Tile { path, at: expected.len() as u64 })
                }
                Err(error) => return Err(error.into()),
            };
            if let Some(difference) = difference {
                report.add(difference);
                wrong.push((path, expected));
            }
        }
        drop(compared);
        if self.writes && !wrong.is_empty() {
            report.repaired += wrong.len() as u64;
            self.subject.tiles.put(wrong).await?;
        }
        Ok(())
    }
}

/// Whether a partial tile that is not there was pruned, since the full one is there and begins alike.
async fn is_replaced(
    tiles: &dyn TileStore,
    path: TilePath,
    expected: &[u8],
) -> Result<bool, FsckError> {
    if path.width == FULL {
        return Ok(false);
    }
    let full = tiles.read(path.full()).await?;
    Ok(full.is_some_and(|full| full.starts_with(expected)))
}

/// Whether a tile belongs to the tree of this size.
fn is_public(path: TilePath, size: u64) -> bool {
    let level = match path.kind {
        Kind::Hashes(level) => level,
        Kind::Entries => 0,
    };
    let hashes = size >> (u32::from(level) * 8);
    path.index * u64::from(FULL) + u64::from(path.width) <= hashes
}
