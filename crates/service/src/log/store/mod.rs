//! What a log remembers: records, heads, the checkpoint that was published, alarms. One trait, so that
//! everything above is the same over an embedded database and a server.
//!
//! The order in which things become durable is the safety of the log:
//!
//! 1. [`LogStore::submit`]: a record is a row without a place in the tree ("pending"). When it returns,
//!    the row is on disk; only then may anybody be told so.
//! 2. [`LogStore::commit`]: rows get their places and the head moves, in one transaction that succeeds
//!    only if the head still is the one that the caller began from. A size has one row, so it has one
//!    root, whoever computes it.
//! 3. Tiles are rendered from rows that have a place; doing it twice writes the same bytes.
//! 4. A checkpoint is signed for a head that is committed, and for no other.
//! 5. [`LogStore::publish`]: the checkpoint becomes the log's word unless a newer one already is.
//!
//! A crash between any two steps is repaired by doing the rest again (`sequencer`).
//!
//! Trusted: the database's promise that a committed transaction is on disk. Not trusted: clocks and
//! leases. A leader that slept through its lease fails at step 2, since the head or the term of the
//! lease moved on.

mod error;

use std::fmt::Debug;
use std::ops::Range;

use async_trait::async_trait;
use countermark_packaging::digest::Digest;
use countermark_packaging::filename::{DistributionFilename, SdistFilename};
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use countermark_tlog::hash::Hash;
use countermark_trust::log::record::{Observation, Observer};
use jiff::{SignedDuration, Timestamp};

pub use error::StoreError;

/// How many records one [`LogStore::submit`] takes.
pub const MAXIMUM_SUBMITTED: usize = 20_000;
/// How many rows one question gives at most; whoever wants more asks again from where it ended.
pub const MAXIMUM_ROWS: usize = 65_536;
/// How many entries that answer one [`LogStore::find_files`] there may be. A file has one record for each
/// observer, so this is not reached by asking for the 20,000 names that a request may hold.
pub const MAXIMUM_FOUND: usize = 400_000;

/// The root of the tree that is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// How many entries.
    pub size: u64,
    /// The root of their tree; [`countermark_tlog::hash::EMPTY_ROOT`] of none.
    pub root: Hash,
    /// When it was committed, in whole seconds; of an empty log, 1970.
    pub at: Timestamp,
}

/// A row that has no place in the tree yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The database's number for it; grows with time, may have gaps.
    pub id: i64,
    /// What it says.
    pub record: Observation,
}

/// A record with its place in the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// From 0.
    pub index: u64,
    /// What it says.
    pub record: Observation,
}

/// What became of one record that was submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Whether it was there before. A record is the same if file, digest and observer are.
    pub known: bool,
    /// Its place, if it has one already.
    pub index: Option<u64>,
    /// Digests of the same algorithm that observers of indexes saw for this file name and that are not
    /// this one, each once, in order. Always empty for what an observer of a distribution submits.
    pub conflicts: Vec<Digest>,
}

/// Two observers of indexes saw different bytes for one file name. Never deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Grows with time.
    pub id: i64,
    /// When the second record came.
    pub at: Timestamp,
    /// The record that was there; the earliest one with another digest.
    pub first: Placed,
    /// The one that differs.
    pub second: Placed,
}

/// A record, with its place if it has one already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// From 0; `None` as long as it is pending.
    pub index: Option<u64>,
    /// What it says.
    pub record: Observation,
}

/// A checkpoint that is the log's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The size that it is for.
    pub size: u64,
    /// The time in it, in whole seconds.
    pub at: Timestamp,
    /// The whole signed note, with cosignatures.
    pub note: String,
}

/// The right to move the head, for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Who has it: a random name of the process.
    pub holder: String,
    /// Grows by one each time that it passes to somebody else; a commit under an older term fails.
    pub term: i64,
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records with a place.
    pub entries: u64,
    /// Records without one.
    pub pending: u64,
    /// Projects with at least one record.
    pub projects: u64,
    /// Alarms, ever.
    pub alarms: u64,
}

/// What an engine found wrong in itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where: a table, a row, a place.
    pub place: String,
    /// What is wrong, in words.
    pub reason: String,
}

/// The database of one log. See the module for the order in which its methods belong.
///
/// Each method is one transaction or one consistent read. A failed write has changed nothing, or it is an
/// error of the connection after which nobody knows ([`StoreError::Unreachable`]); doing it again is
/// harmless in every case. Opening an engine brings its tables forwards to the newest version, in one
/// transaction, and refuses a newer one.
#[async_trait]
pub trait LogStore: Debug + Send + Sync {
    /// Writes records as pending rows, in this order, all or none; on disk when it returns. A record that
    /// is there already (also twice in `records`) changes nothing and is told as known. A second digest for a
    /// file name is written like any other; if both are by observers of indexes, an [`Alarm`] is in the same
    /// transaction: one for each new row that differs, with the earliest record that it differs from.
    ///
    /// `now` is the time of alarms.
    ///
    /// # Errors
    /// [`StoreError::TooMany`] beyond [`MAXIMUM_SUBMITTED`]; [`StoreError::Full`] when there is no room.
    async fn submit(
        &self,
        records: Vec<Observation>,
        now: Timestamp,
    ) -> Result<Vec<Receipt>, StoreError>;

    /// Up to `limit` rows without a place, by ascending id.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn pending(&self, limit: usize) -> Result<Vec<Pending>, StoreError>;

    /// Gives the rows `ids` the places `from.size..to.size`, in this order, and makes `to` the head: one
    /// transaction, which succeeds only if the head is `from` (size and root), the lease is of the present
    /// term, and every row is pending.
    ///
    /// # Errors
    /// [`StoreError::HeadMoved`], [`StoreError::LostLead`], [`StoreError::NotPending`]; then nothing
    /// changed.
    async fn commit(
        &self,
        lease: &Lease,
        from: &Head,
        ids: &[i64],
        to: &Head,
    ) -> Result<(), StoreError>;

    /// The head; of a new log, that of no entries.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn head(&self) -> Result<Head, StoreError>;

    /// The head that was committed with exactly this size, if there was one.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn head_at(&self, size: u64) -> Result<Option<Head>, StoreError>;

    /// Up to `limit` heads that were committed with this size or more, by ascending size.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn heads(&self, from: u64, limit: usize) -> Result<Vec<Head>, StoreError>;

    /// The records with these places, exactly as many as there are places.
    ///
    /// # Errors
    /// [`StoreError::TooMany`] beyond [`MAXIMUM_ROWS`]; [`StoreError::Damaged`] when one is missing.
    async fn entries(&self, range: Range<u64>) -> Result<Vec<Observation>, StoreError>;

    /// The entries below `below` about files with these names, by ascending place, each once.
    ///
    /// # Errors
    /// [`StoreError::TooMany`] when there would be more than [`MAXIMUM_FOUND`].
    async fn find_files(&self, files: &[String], below: u64) -> Result<Vec<Entry>, StoreError>;

    /// Up to `limit` entries of a project with places in `range`, by ascending place.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn find_project(
        &self,
        project: &ProjectName,
        range: Range<u64>,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError>;

    /// The entries below `below` of one release: those of the project whose file name has an equal version.
    ///
    /// # Errors
    /// [`StoreError::TooMany`] when the release has more than [`MAXIMUM_ROWS`].
    async fn find_release(
        &self,
        project: &ProjectName,
        version: &Version,
        below: u64,
    ) -> Result<Vec<Entry>, StoreError> {
        let (mut found, mut from) = (Vec::new(), 0);
        loop {
            let entries = self.find_project(project, from..below, MAXIMUM_ROWS).await?;
            let Some(last) = entries.last() else { return Ok(found) };
            from = last.index + 1;
            let complete = entries.len() < MAXIMUM_ROWS;
            found
                .extend(entries.into_iter().filter(|it| is_of(it.record.file(), project, version)));
            if found.len() > MAXIMUM_ROWS {
                return Err(StoreError::TooMany { what: "entries", limit: MAXIMUM_ROWS });
            }
            if complete {
                return Ok(found);
            }
        }
    }

    /// Up to `limit` entries below `below` with this digest, by ascending place.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn find_digest(
        &self,
        digest: &Digest,
        below: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError>;

    /// Up to `limit` names of projects that begin like this, in order, after `after`.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn find_names(
        &self,
        prefix: &str,
        after: Option<&ProjectName>,
        limit: usize,
    ) -> Result<Vec<ProjectName>, StoreError>;

    /// The checkpoint that was published last.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn published(&self) -> Result<Option<Published>, StoreError>;

    /// Makes a checkpoint the published one if it is larger than the one that is, or as large and not
    /// older. Whether it did.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn publish(&self, checkpoint: &Published) -> Result<bool, StoreError>;

    /// Takes the lead until `now + length` if nobody has it, it ran out, or `holder` has it already (then
    /// with the same term). `None` when somebody else has it.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn lead(
        &self,
        holder: &str,
        now: Timestamp,
        length: SignedDuration,
    ) -> Result<Option<Lease>, StoreError>;

    /// Keeps the lead until `now + length`. `false` when it is somebody else's now.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn keep(
        &self,
        lease: &Lease,
        now: Timestamp,
        length: SignedDuration,
    ) -> Result<bool, StoreError>;

    /// Gives the lead back, if it still has it; the next one need not wait.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn lose(&self, lease: &Lease) -> Result<(), StoreError>;

    /// Up to `limit` alarms with an id above `after` (0 for all), by ascending id.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn alarms(&self, after: i64, limit: usize) -> Result<Vec<Alarm>, StoreError>;

    /// Up to `limit` alarms about one project, by ascending id.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn alarms_of(
        &self,
        project: &ProjectName,
        limit: usize,
    ) -> Result<Vec<Alarm>, StoreError>;

    /// The observers that have records.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn observers(&self) -> Result<Vec<Observer>, StoreError>;

    /// How much there is. Cheap enough for every scrape of metrics.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn counts(&self) -> Result<Counts, StoreError>;

    /// Up to which size partial tiles were removed; 0 at first.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn pruned(&self) -> Result<u64, StoreError>;

    /// Remembers up to which size partial tiles were removed. It never becomes less.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn set_pruned(&self, size: u64) -> Result<(), StoreError>;

    /// What only the engine can see of itself, for `fsck`: two rows with one key, an index that leads
    /// nowhere, places that are missing or given twice, pages that are damaged. At most `limit`.
    ///
    /// # Errors
    /// Only when it cannot be read at all.
    async fn inspect(&self, limit: usize) -> Result<Vec<Fault>, StoreError>;
}

/// Whether a file of a project is one of this version, by its name.
fn is_of(file: &str, project: &ProjectName, version: &Version) -> bool {
    // An old source distribution may have a `-` in its version; the project tells where it begins.
    let found = match DistributionFilename::parse(file) {
        Ok(DistributionFilename::Wheel(wheel)) => Some(wheel.version),
        Ok(DistributionFilename::Sdist(_)) | Err(_) => {
            SdistFilename::parse_for(project, file).ok().map(|it| it.version)
        }
    };
    found.is_some_and(|it| it == *version)
}
