//! A whole log as one text, and back into an empty store of any engine.
//!
//! The format is ours and frozen: JSON Lines. The first line says what follows; then comes each entry in the
//! order of its place, then what is pending.
//!
//! ```text
//! {"version":1,"origin":"example.org/log","size":2,"root":"…","checkpoint":"…","pending":1}
//! {"index":0,"record":"observation/v1\n…"}
//! {"index":1,"record":"observation/v1\n…"}
//! {"index":null,"record":"observation/v1\n…"}
//! ```
//!
//! An import believes nothing but the records: the root is computed from them and has to be the one in the
//! first line and in the checkpoint, whose signature has to be of a key of the log. Nothing is signed. The
//! checkpoint is published again, so that the log in its new place goes on from what it said last.

use std::io::{BufRead, Read, Write};

use countermark_tlog::checkpoint::{CheckpointError, SignedCheckpoint};
use countermark_tlog::hash::Hash;
use countermark_tlog::note::VerifierKey;
use countermark_trust::Class;
use countermark_trust::log::record::{Observation, RecordError};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::sequencer::edge::Edge;
use super::sequencer::whole_seconds;
use super::store::{Head, LogStore, MAXIMUM_ROWS, MAXIMUM_SUBMITTED, Published, StoreError};
use super::tiles::{MAXIMUM_CHECKPOINT, TileError, TileStore, rank_of};

/// The version of the format.
const VERSION: u32 = 1;
/// How many entries are read and written at once.
const CHUNK: u64 = 10_000;
/// The longest line: a record is at most 1,024 bytes, in JSON at most six times as many.
const MAXIMUM_LINE: usize = 8 * 1024;
/// The longest first line, with a checkpoint in it.
const MAXIMUM_HEADER: usize = 8 * MAXIMUM_CHECKPOINT;
/// For how long an import takes the lead at a time.
const LEASE: SignedDuration = SignedDuration::from_mins(10);

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeaderLine {
    version: u32,
    origin: String,
    size: u64,
    root: String,
    checkpoint: Option<String>,
    pending: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordLine<'a> {
    index: Option<u64>,
    #[serde(borrow)]
    record: std::borrow::Cow<'a, str>,
}

/// What was transferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transferred {
    /// How many entries.
    pub size: u64,
    /// Their root.
    pub root: Hash,
    /// How many records wait for a place.
    pub pending: u64,
    /// The size of the checkpoint that came along.
    pub published: Option<u64>,
}

/// Why a log was not transferred.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The database.
    #[error("the records of the log: {0}")]
    Store(#[from] StoreError),
    /// The public files.
    #[error("the tiles of the log: {0}")]
    Tiles(#[from] TileError),
    /// The text cannot be read or written.
    #[error("the export cannot be read or written: {0}")]
    Io(#[from] std::io::Error),
    /// So many records wait that not all can be read at once.
    #[error("more than {MAXIMUM_ROWS} records wait for a place")]
    TooManyPending,
    /// A line that is none of an export's.
    #[error("line {line} of the export: {reason}")]
    Line {
        /// From 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A line that holds no record.
    #[error("line {line} of the export: {error}")]
    Record {
        /// From 1.
        line: u64,
        /// What is wrong with it.
        #[source]
        error: RecordError,
    },
    /// Fewer lines than the first one says.
    #[error("the export ends after {found} records, expected {expected}")]
    Short {
        /// How many the first line says.
        expected: u64,
        /// How many there were.
        found: u64,
    },
    /// A record that is there already.
    #[error("line {line} of the export: the same record is there before")]
    Twice {
        /// From 1.
        line: u64,
    },
    /// An export of another log.
    #[error("expected an export of `{expected}`, found one of `{found}`")]
    OtherLog {
        /// The log that was configured.
        expected: String,
        /// The log of the export.
        found: String,
    },
    /// The checkpoint of the export is refused.
    #[error("the checkpoint of the export: {0}")]
    Checkpoint(CheckpointError),
    /// The records have another root.
    #[error("{size} records have the root {found}, expected {expected}")]
    Root {
        /// How many records.
        size: u64,
        /// What the export says, or its checkpoint.
        expected: Hash,
        /// What follows from the records.
        found: Hash,
    },
    /// There is a log already.
    #[error("the log is not empty: it has {found} records")]
    NotEmpty {
        /// How many.
        found: u64,
    },
    /// Somebody else leads.
    #[error("another process sequences this log")]
    Led,
}

impl TransferError {
    /// Who is at fault, and so the exit code.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Store(error) => error.class(),
            Self::Tiles(error) => error.class(),
            Self::Io(_) | Self::TooManyPending | Self::Led => Class::Unavailable,
            Self::Line { .. }
            | Self::Record { .. }
            | Self::OtherLog { .. }
            | Self::NotEmpty { .. } => Class::Usage,
            Self::Short { .. } | Self::Twice { .. } | Self::Checkpoint(_) | Self::Root { .. } => {
                Class::Rejected
            }
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Store(error) => error.hint(),
            Self::TooManyPending => Some("run `countermark log checkpoint` first"),
            Self::NotEmpty { .. } => Some("import into a new log"),
            Self::Led => Some("stop the server of this log first"),
            Self::Short { .. } | Self::Twice { .. } | Self::Checkpoint(_) | Self::Root { .. } => {
                Some("throw the new log away; nothing was signed")
            }
            Self::OtherLog { .. } => Some("give the new log the same origin and the same key"),
            Self::Tiles(_) | Self::Io(_) | Self::Line { .. } | Self::Record { .. } => None,
        }
    }
}

/// Writes all entries, what is pending and the published checkpoint. The log may go on meanwhile.
///
/// # Errors
/// See [`TransferError`]; then what was written is no export.
pub async fn export(
    store: &dyn LogStore,
    origin: &str,
    to: &mut (dyn Write + Send),
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<Transferred, TransferError> {
    // In this order: a record that gets its place meanwhile is written twice and not never.
    let pending = store.pending(MAXIMUM_ROWS).await?;
    if pending.len() == MAXIMUM_ROWS {
        return Err(TransferError::TooManyPending);
    }
    let published = store.published().await?;
    let head = store.head().await?;
    let published_size = published.as_ref().map(|it| it.size);
    let header = HeaderLine {
        version: VERSION,
        origin: origin.to_owned(),
        size: head.size,
        root: head.root.to_base64(),
        checkpoint: published.map(|it| it.note),
        pending: pending.len() as u64,
    };
    write_line(to, &header)?;
    let mut index = 0;
    while index < head.size {
        let end = index.saturating_add(CHUNK).min(head.size);
        for record in store.entries(index..end).await? {
            write_line(to, &RecordLine { index: Some(index), record: record.text().into() })?;
            index += 1;
        }
        progress(index, head.size);
    }
    for row in &pending {
        write_line(to, &RecordLine { index: None, record: row.record.text().into() })?;
    }
    to.flush()?;
    let pending = pending.len() as u64;
    Ok(Transferred { size: head.size, root: head.root, pending, published: published_size })
}

fn write_line(to: &mut (dyn Write + Send), line: &impl Serialize) -> Result<(), TransferError> {
    let mut bytes = serde_json::to_vec(line).map_err(std::io::Error::from)?;
    bytes.push(b'\n');
    Ok(to.write_all(&bytes)?)
}

/// What an import goes into.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The records; has to be empty.
    pub store: &'a dyn LogStore,
    /// The public files.
    pub tiles: &'a dyn TileStore,
    /// The name of the log.
    pub origin: &'a str,
    /// Its keys.
    pub keys: &'a [VerifierKey],
    /// A random name of this process.
    pub holder: &'a str,
}

/// Reads an export into an empty log.
///
/// # Errors
/// See [`TransferError`]; then the target is to be thrown away. Nothing was published.
pub async fn import(
    from: &mut (dyn BufRead + Send),
    target: Target<'_>,
    now: Timestamp,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<Transferred, TransferError> {
    let counts = target.store.counts().await?;
    if counts.entries + counts.pending > 0 {
        return Err(TransferError::NotEmpty { found: counts.entries + counts.pending });
    }
    let mut lines = Lines { from, line: 0 };
    let (header, root) = read_header(&mut lines, target.origin)?;
    let checkpoint = header
        .checkpoint
        .as_ref()
        .map(|note| SignedCheckpoint::open(note.as_bytes(), target.origin, target.keys))
        .transpose()
        .map_err(TransferError::Checkpoint)?;
    let mut filled =
        Filled { target, edge: Edge::default(), head: target.store.head().await?, now };
    let marks = checkpoint.iter().map(|it| (it.size(), *it.root()));
    let mut marks: Vec<_> = marks.chain([(header.size, root)]).collect();
    marks.sort_unstable_by_key(|(size, _)| *size);
    for (size, expected) in marks {
        filled
            .fill(&mut lines, size.min(header.size), &mut |done| progress(done, header.size))
            .await?;
        let found = filled.edge.root();
        if filled.edge.size() != size || found != expected {
            return Err(TransferError::Root { size, expected, found });
        }
    }
    target.tiles.put(filled.edge.partials()).await?;
    // Nothing smaller has partial tiles here that anybody would have to look for.
    target.store.set_pruned(header.size).await?;
    pending(&mut lines, &header, target.store, now).await?;
    let published = match (&header.checkpoint, &checkpoint) {
        (Some(note), Some(checkpoint)) => {
            publish(&target, note, checkpoint).await?;
            Some(checkpoint.size())
        }
        _ => None,
    };
    Ok(Transferred { size: header.size, root, pending: header.pending, published })
}

/// A log that is being filled.
struct Filled<'a> {
    target: Target<'a>,
    edge: Edge,
    head: Head,
    now: Timestamp,
}

impl Filled<'_> {
    /// Reads entries up to a size, and commits them.
    async fn fill(
        &mut self,
        lines: &mut Lines<'_>,
        size: u64,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<(), TransferError> {
        let Target { store, tiles, holder, .. } = self.target;
        while self.edge.size() < size {
            let end = self.edge.size().saturating_add(CHUNK).min(size);
            let first = lines.line + 1;
            let mut records = Vec::new();
            for index in self.edge.size()..end {
                records.push(lines.record(Some(index), size)?);
            }
            let receipts = store.submit(records.clone(), self.now).await?;
            if let Some(known) = receipts.iter().position(|it| it.known) {
                return Err(TransferError::Twice { line: first + known as u64 });
            }
            let mut complete = Vec::new();
            for record in &records {
                // A record has at most 1,024 bytes.
                let _ = self.edge.append(record.text().as_bytes(), &mut |it| complete.push(it));
            }
            let lease = store.lead(holder, self.now, LEASE).await?.ok_or(TransferError::Led)?;
            let rows = store.pending(records.len()).await?;
            let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
            // Somebody else appends to what was empty.
            if !rows.iter().map(|row| &row.record).eq(&records) {
                return Err(TransferError::Led);
            }
            let at = whole_seconds(self.now);
            let to = Head { size: self.edge.size(), root: self.edge.root(), at };
            store.commit(&lease, &self.head, &ids, &to).await?;
            self.head = to;
            tiles.put(complete).await?;
            progress(end);
        }
        if size > 0
            && let Some(lease) = store.lead(holder, self.now, LEASE).await?
        {
            store.lose(&lease).await?;
        }
        Ok(())
    }
}

/// Those that wait. One that got its place while it was exported is there already.
async fn pending(
    lines: &mut Lines<'_>,
    header: &HeaderLine,
    store: &dyn LogStore,
    now: Timestamp,
) -> Result<(), TransferError> {
    let expected = header.size.saturating_add(header.pending);
    let mut records = Vec::new();
    for _ in 0..header.pending {
        records.push(lines.record(None, expected)?);
        if records.len() == MAXIMUM_SUBMITTED {
            store.submit(std::mem::take(&mut records), now).await?;
        }
    }
    store.submit(records, now).await?;
    if lines.next(MAXIMUM_LINE)?.is_some() {
        let reason = format!("expected the end after {expected} records");
        return Err(TransferError::Line { line: lines.line, reason });
    }
    Ok(())
}

async fn publish(
    target: &Target<'_>,
    note: &str,
    checkpoint: &SignedCheckpoint,
) -> Result<(), TransferError> {
    let Some(rank) = rank_of(note) else { return Ok(()) };
    let at = Timestamp::from_second(rank.time).unwrap_or(Timestamp::UNIX_EPOCH);
    let published = Published { size: checkpoint.size(), at, note: note.to_owned() };
    if target.store.publish(&published).await? {
        target.tiles.put_checkpoint(rank, note).await?;
    }
    Ok(())
}

fn read_header(lines: &mut Lines<'_>, origin: &str) -> Result<(HeaderLine, Hash), TransferError> {
    let line = lines.next(MAXIMUM_HEADER)?.unwrap_or_default();
    let refused = |reason: String| TransferError::Line { line: 1, reason };
    let header: HeaderLine =
        serde_json::from_slice(&line).map_err(|error| refused(error.to_string()))?;
    if header.version != VERSION {
        return Err(refused(format!("expected version {VERSION}, found {}", header.version)));
    }
    if header.origin != origin {
        let found = header.origin;
        return Err(TransferError::OtherLog { expected: origin.to_owned(), found });
    }
    let root = Hash::from_base64(&header.root).map_err(|error| refused(error.to_string()))?;
    Ok((header, root))
}

/// The lines of an export.
struct Lines<'a> {
    from: &'a mut (dyn BufRead + Send),
    line: u64,
}

impl Lines<'_> {
    /// The next line without its end, `None` after the last.
    fn next(&mut self, limit: usize) -> Result<Option<Vec<u8>>, TransferError> {
        let mut line = Vec::new();
        self.line += 1;
        (&mut *self.from).take(limit as u64 + 1).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        if line.pop_if(|last| *last == b'\n').is_none() {
            let reason = if line.len() > limit {
                format!("expected at most {limit} bytes")
            } else {
                "it has no end".to_owned()
            };
            return Err(TransferError::Line { line: self.line, reason });
        }
        Ok(Some(line))
    }

    /// The next record, which has to have this place.
    fn record(&mut self, index: Option<u64>, expected: u64) -> Result<Observation, TransferError> {
        let Some(text) = self.next(MAXIMUM_LINE)? else {
            return Err(TransferError::Short { expected, found: self.line.saturating_sub(2) });
        };
        let line = self.line;
        let read: RecordLine<'_> = serde_json::from_slice(&text)
            .map_err(|error| TransferError::Line { line, reason: error.to_string() })?;
        if read.index != index {
            let show = |index: Option<u64>| index.map_or("none".to_owned(), |it| it.to_string());
            let (index, found) = (show(index), show(read.index));
            let reason = format!("expected the place {index}, found {found}");
            return Err(TransferError::Line { line, reason });
        }
        Observation::parse(read.record.as_bytes())
            .map_err(|error| TransferError::Record { line, error })
    }
}
