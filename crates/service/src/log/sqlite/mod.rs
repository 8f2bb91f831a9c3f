//! The embedded engine: one SQLite file.
//!
//! One thread writes (`writer`); readers have connections of their own, which see the last committed
//! state and never wait for it (WAL). `synchronous = FULL`: a transaction that is acknowledged is on disk.
//! Another process may read the same file at the same time (`fsck`, `export`), and may write, since every
//! write begins with the database's own lock.
//!
//! Trusted: [SQLite's promises about WAL and FULL](https://www.sqlite.org/wal.html). A torn end of the WAL
//! is recognised by its check sums and is not part of any transaction that was acknowledged.

mod error;
mod inspect;
mod key;
mod read;
mod schema;
mod write;
mod writer;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use countermark_packaging::digest::Digest;
use countermark_packaging::name::ProjectName;
use countermark_trust::log::record::{Observation, Observer};
use jiff::{SignedDuration, Timestamp};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use self::error::StoreError;
use self::writer::Writer;
use super::store::{
    Alarm, Counts, Entry, Fault, Head, Lease, LogStore, MAXIMUM_SUBMITTED, Pending, Published,
    Receipt,
};

/// How long another process may hold the lock of the file.
const BUSY: Duration = Duration::from_secs(10);
/// How many statements a connection keeps ready.
const STATEMENTS: usize = 48;
/// After how many pages the WAL goes into the file: 64 MiB.
const CHECKPOINT_PAGES: u32 = 1 << 14;
/// What the WAL is cut back to after it went into the file.
const WAL_LIMIT: u32 = 256 << 20;

/// How the database is opened.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many questions are answered at the same time.
    pub readers: usize,
    /// What the writer keeps of the file in memory, in MiB; indexes that fit make it fast.
    pub cache: u32,
    /// How large the file may become, in bytes; beyond it nothing is taken any more.
    pub quota: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self { readers: 4, cache: 256, quota: None }
    }
}

/// A log in one SQLite file. A clone is the same one; the file is closed when the last is dropped.
#[derive(Clone, Debug)]
pub struct SqliteLog {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    writer: Writer,
    path: PathBuf,
    /// Connections that nobody uses this moment.
    idle: Mutex<Vec<Connection>>,
    turns: Semaphore,
}

impl SqliteLog {
    /// Opens the file, making it if it is not there, and brings its tables to the newest version.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(path: &Path, options: Options) -> Result<Self, StoreError> {
        // Without URIs, so that a path is a path whatever it looks like.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = connect(path, flags, options.cache)?;
        connection
            .execute_batch(&format!(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                 PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}; \
                 PRAGMA journal_size_limit = {WAL_LIMIT};"
            ))
            .map_err(error::of)?;
        schema::migrate(&mut connection)?;
        if let Some(quota) = options.quota {
            let size = connection.pragma_query_value(None, "page_size", |row| row.get::<_, u64>(0));
            let pages = quota / size.map_err(error::of)?.max(1);
            connection
                .pragma_update_and_check(None, "max_page_count", pages.max(1), |_| Ok(()))
                .map_err(error::of)?;
        }
        let shared = Shared {
            writer: Writer::start(connection)?,
            path: path.to_owned(),
            idle: Mutex::new(Vec::new()),
            turns: Semaphore::new(options.readers.max(1)),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// A question, on a thread that may wait for the disk.
    async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = Arc::clone(&self.shared);
        let _turn = self.shared.turns.acquire().await.map_err(|_| StoreError::Closed)?;
        let answer = tokio::task::spawn_blocking(move || {
            let idle = || shared.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let spare = idle().pop();
            let connection = match spare {
                Some(connection) => connection,
                None => reader(&shared.path)?,
            };
            let answer = question(&connection);
            idle().push(connection);
            answer
        });
        answer.await.unwrap_or(Err(StoreError::Closed))
    }
}

fn connect(path: &Path, flags: OpenFlags, cache: u32) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, flags).map_err(error::of)?;
    connection.busy_timeout(BUSY).map_err(error::of)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Plans do not depend on values. Without this a statement whose value might lead to another plan is
    // compiled anew for each value, which is more than half of what appending a record costs.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(error::of)?;
    // Negative: kibibytes instead of pages.
    let cache = -i64::from(cache) * 1024;
    connection.pragma_update(None, "cache_size", cache).map_err(error::of)?;
    Ok(connection)
}

fn reader(path: &Path) -> Result<Connection, StoreError> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX, 16)
}

#[async_trait]
impl LogStore for SqliteLog {
    async fn submit(
        &self,
        records: Vec<Observation>,
        now: Timestamp,
    ) -> Result<Vec<Receipt>, StoreError> {
        if records.len() > MAXIMUM_SUBMITTED {
            return Err(StoreError::TooMany { what: "records", limit: MAXIMUM_SUBMITTED });
        }
        self.shared.writer.submit(records, now).await
    }

    async fn pending(&self, limit: usize) -> Result<Vec<Pending>, StoreError> {
        self.read(move |it| read::pending(it, limit)).await
    }

    async fn commit(
        &self,
        lease: &Lease,
        from: &Head,
        ids: &[i64],
        to: &Head,
    ) -> Result<(), StoreError> {
        let (lease, from, ids, to) = (lease.clone(), *from, ids.to_vec(), *to);
        self.shared.writer.write(move |it| write::commit(it, &lease, &from, &ids, &to)).await
    }

    async fn head(&self) -> Result<Head, StoreError> {
        self.read(read::head).await
    }

    async fn head_at(&self, size: u64) -> Result<Option<Head>, StoreError> {
        self.read(move |it| read::head_at(it, size)).await
    }

    async fn heads(&self, from: u64, limit: usize) -> Result<Vec<Head>, StoreError> {
        self.read(move |it| read::heads(it, from, limit)).await
    }

    async fn entries(&self, range: Range<u64>) -> Result<Vec<Observation>, StoreError> {
        self.read(move |it| read::entries(it, range)).await
    }

    async fn find_files(&self, files: &[String], below: u64) -> Result<Vec<Entry>, StoreError> {
        let files = files.to_vec();
        self.read(move |it| read::find_files(it, &files, below)).await
    }

    async fn find_project(
        &self,
        project: &ProjectName,
        range: Range<u64>,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let project = project.clone();
        self.read(move |it| read::find_project(it, &project, &range, limit)).await
    }

    async fn find_digest(
        &self,
        digest: &Digest,
        below: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let digest = digest.clone();
        self.read(move |it| read::find_digest(it, &digest, below, limit)).await
    }

    async fn find_names(
        &self,
        prefix: &str,
        after: Option<&ProjectName>,
        limit: usize,
    ) -> Result<Vec<ProjectName>, StoreError> {
        let (prefix, after) = (prefix.to_owned(), after.cloned());
        self.read(move |it| read::find_names(it, &prefix, after.as_ref(), limit)).await
    }

    async fn published(&self) -> Result<Option<Published>, StoreError> {
        self.read(read::published).await
    }

    async fn publish(&self, checkpoint: &Published) -> Result<bool, StoreError> {
        let new = checkpoint.clone();
        self.shared.writer.write(move |it| write::publish(it, &new).map_err(error::of)).await
    }

    async fn lead(
        &self,
        holder: &str,
        now: Timestamp,
        length: SignedDuration,
    ) -> Result<Option<Lease>, StoreError> {
        let holder = holder.to_owned();
        let work = move |it: &rusqlite::Transaction<'_>| {
            write::lead(it, &holder, now, length).map_err(error::of)
        };
        self.shared.writer.write(work).await
    }

    async fn keep(
        &self,
        lease: &Lease,
        now: Timestamp,
        length: SignedDuration,
    ) -> Result<bool, StoreError> {
        let lease = lease.clone();
        let work = move |it: &rusqlite::Transaction<'_>| {
            write::keep(it, &lease, now, length).map_err(error::of)
        };
        self.shared.writer.write(work).await
    }

    async fn lose(&self, lease: &Lease) -> Result<(), StoreError> {
        let lease = lease.clone();
        self.shared.writer.write(move |it| write::lose(it, &lease).map_err(error::of)).await
    }

    async fn alarms(&self, after: i64, limit: usize) -> Result<Vec<Alarm>, StoreError> {
        self.read(move |it| read::alarms(it, None, after, limit)).await
    }

    async fn alarms_of(
        &self,
        project: &ProjectName,
        limit: usize,
    ) -> Result<Vec<Alarm>, StoreError> {
        let project = project.clone();
        self.read(move |it| read::alarms(it, Some(&project), 0, limit)).await
    }

    async fn observers(&self) -> Result<Vec<Observer>, StoreError> {
        self.read(read::observers).await
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        self.read(read::counts).await
    }

    async fn pruned(&self) -> Result<u64, StoreError> {
        self.read(read::pruned).await
    }

    async fn set_pruned(&self, size: u64) -> Result<(), StoreError> {
        self.shared.writer.write(move |it| write::set_pruned(it, size).map_err(error::of)).await
    }

    async fn inspect(&self, limit: usize) -> Result<Vec<Fault>, StoreError> {
        self.read(move |it| inspect::inspect(it, limit)).await
    }
}
