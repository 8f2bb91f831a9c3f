//! The store of a log in PostgreSQL, for when one machine is outgrown: several front ends submit and
//! look up, and one of them at a time moves the head.
//!
//! Safety does not rest on clocks, on who is awake, or on anything that a process remembers; see
//! `sequence` for what keeps two leaders apart and `submit` for what two front ends see of each other.
//! Trusted is what PostgreSQL promises about a committed transaction (`fsync`, `full_page_writes` and
//! `synchronous_commit` on, which we ask for) and, for who may connect, its own roles.
//!
//! <https://www.postgresql.org/docs/current/wal-reliability.html>

mod error;
mod find;
mod inspect;
pub mod pool;
mod rows;
mod schema;
mod sequence;
pub mod settings;
mod submit;
mod tls;

use std::ops::Range;

use async_trait::async_trait;
use countermark_packaging::digest::Digest;
use countermark_packaging::name::ProjectName;
use countermark_trust::log::record::{Observation, Observer};
use jiff::{SignedDuration, Timestamp};

use self::pool::Pool;
use super::store::{
    Alarm, Counts, Entry, Fault, Head, Lease, LogStore, MAXIMUM_SUBMITTED, Pending, Published,
    Receipt, StoreError,
};

pub use schema::migrate;

/// A log in a PostgreSQL database, in tables of a schema of its own.
#[derive(Clone, Debug)]
pub struct PostgresStore {
    pool: Pool,
    session: sequence::Session,
}

impl PostgresStore {
    /// Opens it, making the tables or bringing them forwards.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn open(settings: settings::Settings) -> Result<Self, StoreError> {
        let pool = Pool::new(settings, schema::SCHEMA)
            .map_err(|error| StoreError::Unwritable { reason: error.to_string() })?;
        migrate(&pool, schema::SCHEMA, schema::MIGRATIONS).await?;
        pool.persist(|| inspect::probe(&pool)).await?;
        Ok(Self { pool, session: sequence::Session::default() })
    }
}

#[async_trait]
impl LogStore for PostgresStore {
    async fn submit(
        &self,
        records: Vec<Observation>,
        now: Timestamp,
    ) -> Result<Vec<Receipt>, StoreError> {
        if records.len() > MAXIMUM_SUBMITTED {
            return Err(StoreError::TooMany { what: "records", limit: MAXIMUM_SUBMITTED });
        }
        let records = records.as_slice();
        self.pool.persist(|| submit::submit(&self.pool, records, now)).await
    }

    async fn pending(&self, limit: usize) -> Result<Vec<Pending>, StoreError> {
        self.pool.persist(|| sequence::pending(&self.pool, limit)).await
    }

    /// Once: after a connection that broke nobody knows whether it was done, and the caller finds out
    /// by beginning anew from the head.
    async fn commit(
        &self,
        lease: &Lease,
        from: &Head,
        ids: &[i64],
        to: &Head,
    ) -> Result<(), StoreError> {
        Ok(sequence::commit(&self.pool, lease, from, ids, to).await?)
    }

    async fn head(&self) -> Result<Head, StoreError> {
        self.pool.persist(|| sequence::head(&self.pool)).await
    }

    async fn head_at(&self, size: u64) -> Result<Option<Head>, StoreError> {
        self.pool.persist(|| sequence::head_at(&self.pool, size)).await
    }

    async fn heads(&self, from: u64, limit: usize) -> Result<Vec<Head>, StoreError> {
        self.pool.persist(|| sequence::heads(&self.pool, from, limit)).await
    }

    async fn entries(&self, range: Range<u64>) -> Result<Vec<Observation>, StoreError> {
        self.pool.persist(|| find::entries(&self.pool, &range)).await
    }

    async fn find_files(&self, files: &[String], below: u64) -> Result<Vec<Entry>, StoreError> {
        self.pool.persist(|| find::find_files(&self.pool, files, below)).await
    }

    async fn find_project(
        &self,
        project: &ProjectName,
        range: Range<u64>,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.pool.persist(|| find::find_project(&self.pool, project, &range, limit)).await
    }

    async fn find_digest(
        &self,
        digest: &Digest,
        below: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.pool.persist(|| find::find_digest(&self.pool, digest, below, limit)).await
    }

    async fn find_names(
        &self,
        prefix: &str,
        after: Option<&ProjectName>,
        limit: usize,
    ) -> Result<Vec<ProjectName>, StoreError> {
        self.pool.persist(|| find::find_names(&self.pool, prefix, after, limit)).await
    }

    async fn published(&self) -> Result<Option<Published>, StoreError> {
        self.pool.persist(|| sequence::published(&self.pool)).await
    }

    async fn publish(&self, checkpoint: &Published) -> Result<bool, StoreError> {
        self.pool.persist(|| sequence::publish(&self.pool, checkpoint)).await
    }

    async fn lead(
        &self,
        holder: &str,
        now: Timestamp,
        length: SignedDuration,
    ) -> Result<Option<Lease>, StoreError> {
        let (pool, session) = (&self.pool, &self.session);
        pool.persist(|| sequence::lead(pool, session, holder, now, length)).await
    }

    async fn keep(
        &self,
        lease: &Lease,
        now: Timestamp,
        length: SignedDuration,
    ) -> Result<bool, StoreError> {
        let (pool, session) = (&self.pool, &self.session);
        pool.persist(|| sequence::keep(pool, session, lease, now, length)).await
    }

    async fn lose(&self, lease: &Lease) -> Result<(), StoreError> {
        self.pool.persist(|| sequence::lose(&self.pool, &self.session, lease)).await
    }

    async fn alarms(&self, after: i64, limit: usize) -> Result<Vec<Alarm>, StoreError> {
        self.pool.persist(|| find::alarms(&self.pool, after, None, limit)).await
    }

    async fn alarms_of(
        &self,
        project: &ProjectName,
        limit: usize,
    ) -> Result<Vec<Alarm>, StoreError> {
        self.pool.persist(|| find::alarms(&self.pool, 0, Some(project), limit)).await
    }

    async fn observers(&self) -> Result<Vec<Observer>, StoreError> {
        self.pool.persist(|| find::observers(&self.pool)).await
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        self.pool.persist(|| find::counts(&self.pool)).await
    }

    async fn pruned(&self) -> Result<u64, StoreError> {
        self.pool.persist(|| sequence::pruned(&self.pool)).await
    }

    async fn set_pruned(&self, size: u64) -> Result<(), StoreError> {
        self.pool.persist(|| sequence::set_pruned(&self.pool, size)).await
    }

    async fn inspect(&self, limit: usize) -> Result<Vec<Fault>, StoreError> {
        Ok(inspect::inspect(&self.pool, limit).await?)
    }
}
