//! What the observatory remembers: pins and where they stand, what observers saw, work, alarms and
//! the messages about them. One trait, [`Observatory`], over an embedded database ([`sqlite`]) and over
//! PostgreSQL ([`postgres`]), with the same statements and the same tests.
//!
//! Its tables stand beside those of a log and never touch them. Pins are no part of the log: they
//! can be taken down.

mod alarms;
mod engine;
mod ground;
mod open;
mod pins;
pub mod postgres;
mod schema;
mod seen;
pub mod sqlite;
#[cfg(test)]
mod tests;
mod work;

use async_trait::async_trait;
use countermark_packaging::name::ProjectName;
use countermark_trust::log::record::{Observation, Observer};
use jiff::{SignedDuration, Timestamp};

pub use alarms::{Alarm, AlarmKind, NewAlarm, Outgoing, Told};
pub use engine::{Engine, Row, Rows, Statement, Value};
pub use ground::Release;
pub use open::{OpenError, open};
pub use pins::{Pin, PinPlace, PinnedAt, Search};
pub use seen::{Sighting, Waiting};
pub use work::{Backlog, Done, Item, Taken};

use crate::log::store::StoreError;
use crate::watch::message::Message;
use engine::{ask, values};

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Repositories and folders with pins.
    pub repositories: u64,
    /// Versions of lock files.
    pub places: u64,
    /// Pins in them.
    pub pins: u64,
    /// Observations of our own observers.
    pub seen: u64,
    /// Those that no log acknowledged yet.
    pub waiting: u64,
    /// Alarms.
    pub alarms: u64,
    /// Messages that did not arrive yet.
    pub untold: u64,
}

/// The database of the observatory. Every method is one transaction, durable when it returns.
#[async_trait]
pub trait Observatory: Engine {
    /// Remembers the pins of one place, all or none. Again, it changes nothing.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn add_pins(&self, place: &PinPlace, some: &[Pin]) -> Result<(), StoreError> {
        pins::add(self, place, some).await
    }

    /// Forgets the pins of a repository.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn forget_pins(&self, repository: &str) -> Result<(), StoreError> {
        pins::forget(self, repository).await
    }

    /// Who pins it: up to `limit`, the newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn pins(&self, search: &Search, limit: usize) -> Result<Vec<PinnedAt>, StoreError> {
        pins::find(self, search, limit).await
    }

    /// Names of projects that somebody pins, after one of them, in order.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn projects(&self, after: &str, limit: usize) -> Result<Vec<ProjectName>, StoreError> {
        pins::projects(self, after, limit).await
    }

    /// Names of files that a repository pins and for which there is another digest of the same
    /// algorithm anywhere, after one of them, in order. What each of them is decides `lock::observe`.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn disputed(
        &self,
        repository: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        pins::disputed(self, repository, after, limit).await
    }

    /// Releases of a repository for which it, or somebody else without a file name, has a digest in
    /// place of another one; after one of them, in order. What each of them is decides `lock::observe`.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn replaced(
        &self,
        repository: &str,
        after: &(String, String),
        limit: usize,
    ) -> Result<Vec<Release>, StoreError> {
        ground::replaced(self, repository, after, limit).await
    }

    /// What is said of a release: by a repository, and the newest of what others say; up to `limit`
    /// each.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn pins_of_release(
        &self,
        release: &Release,
        repository: &str,
        limit: usize,
    ) -> Result<Vec<PinnedAt>, StoreError> {
        ground::of_release(self, release, repository, limit).await
    }

    /// What a lock says: up to `limit`, the newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn pins_of_lock(
        &self,
        repository: &str,
        path: &str,
        limit: usize,
    ) -> Result<Vec<PinnedAt>, StoreError> {
        ground::of_lock(self, repository, path, limit).await
    }

    /// Some of what locks take from an index, and what others say of the same files.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn pins_of_origin(&self, origin: &str) -> Result<Vec<PinnedAt>, StoreError> {
        ground::of_origin(self, origin).await
    }

    /// Up to `limit` pins of each of these files, the newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn pins_of_files(
        &self,
        files: &[String],
        limit: usize,
    ) -> Result<Vec<PinnedAt>, StoreError> {
        ground::of_files(self, files, limit).await
    }

    /// Remembers observations, all or none, and gives how many are new.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn add_seen(&self, observations: &[Observation]) -> Result<usize, StoreError> {
        seen::add(self, observations).await
    }

    /// The same, and an item of work is done: both or neither.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn add_seen_and_finish(
        &self,
        observations: &[Observation],
        done: &Done<'_>,
    ) -> Result<usize, StoreError> {
        seen::add_and_finish(self, observations, done).await
    }

    /// The oldest observations of an observer that no log acknowledged.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn waiting(&self, observer: &Observer, limit: usize) -> Result<Vec<Waiting>, StoreError> {
        seen::waiting(self, observer, limit).await
    }

    /// A log acknowledged them.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn appended(&self, numbers: &[i64], now: Timestamp) -> Result<(), StoreError> {
        seen::appended(self, numbers, now).await
    }

    /// What our observers saw: up to `limit`, in the order of time.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn sightings(&self, search: &Search, limit: usize) -> Result<Vec<Sighting>, StoreError> {
        seen::find(self, search, limit).await
    }

    /// Adds items of work that are not known, due at once.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn add_work(&self, kind: &str, items: &[Item], now: Timestamp) -> Result<(), StoreError> {
        work::add(self, kind, items, now).await
    }

    /// Makes an item due now, before all others.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn hurry_work(&self, kind: &str, name: &str, now: Timestamp) -> Result<(), StoreError> {
        work::hurry(self, kind, name, now).await
    }

    /// Items that are not looked at any more.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn forget_work(&self, kind: &str, names: &[String]) -> Result<(), StoreError> {
        work::forget(self, kind, names).await
    }

    /// Names of items of a kind after one of them, in order.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn work_names(
        &self,
        kind: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        work::names(self, kind, after, limit).await
    }

    /// Takes up to `limit` items that are due, the most urgent first. They are `holder`'s until `lease`
    /// is over; nobody else gets them before.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn take_work(
        &self,
        kind: &str,
        holder: &str,
        limit: usize,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Vec<Taken>, StoreError> {
        work::take(self, kind, holder, limit, now, lease).await
    }

    /// Keeps an item for longer; `false` when it is somebody else's now.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn keep_work(
        &self,
        taken: &Taken,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<bool, StoreError> {
        work::keep(self, taken, now, lease).await
    }

    /// An item is done and due again later; `false` when it is somebody else's now.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn finish_work(&self, done: &Done<'_>) -> Result<bool, StoreError> {
        work::finish(self, done).await
    }

    /// An item could not be done; `false` when it is somebody else's now.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn fail_work(
        &self,
        taken: &Taken,
        reason: &str,
        now: Timestamp,
        asked: Option<SignedDuration>,
    ) -> Result<bool, StoreError> {
        work::fail(self, taken, reason, now, asked).await
    }

    /// Gives an item back as it was.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn release_work(&self, taken: &Taken) -> Result<(), StoreError> {
        work::release(self, taken).await
    }

    /// How much work of a kind there is.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn backlog(&self, kind: &str, now: Timestamp) -> Result<Backlog, StoreError> {
        work::backlog(self, kind, now).await
    }

    /// Writes an alarm down with the messages about it: both or neither. `false` when it was there.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn raise(
        &self,
        alarm: &NewAlarm,
        messages: &[(String, Message)],
    ) -> Result<bool, StoreError> {
        alarms::raise(self, alarm, messages).await
    }

    /// Alarms with an id above `after` (0 for all), by ascending id.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn alarms(&self, after: i64, limit: usize) -> Result<Vec<Alarm>, StoreError> {
        alarms::list(self, after, limit).await
    }

    /// Alarms about something, the newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn find_alarms(&self, search: &Search, limit: usize) -> Result<Vec<Alarm>, StoreError> {
        alarms::find(self, search, limit).await
    }

    /// Who was told of an alarm.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn told(&self, alarm: &Alarm) -> Result<Vec<Told>, StoreError> {
        alarms::told(self, &alarm.alarm.name).await
    }

    /// Takes the next message for a destination to send it; nobody else gets it for a while.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn take_message(
        &self,
        destination: &str,
        now: Timestamp,
    ) -> Result<Option<Outgoing>, StoreError> {
        alarms::take(self, destination, now).await
    }

    /// A message arrived.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn delivered(&self, outgoing: &Outgoing, now: Timestamp) -> Result<(), StoreError> {
        alarms::delivered(self, outgoing, now).await
    }

    /// A message did not arrive; all for its destination wait.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn failed(
        &self,
        outgoing: &Outgoing,
        now: Timestamp,
        reason: &str,
        asked: Option<SignedDuration>,
    ) -> Result<(), StoreError> {
        alarms::failed(self, outgoing, now, reason, asked).await
    }

    /// The newest messages for a destination, newest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn latest(&self, destination: &str, limit: usize) -> Result<Vec<Message>, StoreError> {
        alarms::latest(self, destination, limit).await
    }

    /// A text that is kept under a name, such as how far something was read.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT value FROM observe_settings WHERE name = ?1";
        let rows = ask(self, sql, values![name]).await?;
        rows.first().map(|row| row.text(0)).transpose()
    }

    /// Keeps a text under a name.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn set_setting(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let sql = "INSERT INTO observe_settings (name, value) VALUES (?1, ?2) \
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        ask(self, sql, values![name, value]).await.map(drop)
    }

    /// How much there is.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn counts(&self) -> Result<Counts, StoreError> {
        let sql = "SELECT (SELECT count(DISTINCT repository) FROM observe_places), \
                   (SELECT count(*) FROM observe_places), (SELECT count(*) FROM observe_pins), \
                   (SELECT count(*) FROM observe_seen), \
                   (SELECT count(*) FROM observe_seen WHERE appended IS NULL), \
                   (SELECT count(*) FROM observe_alarms), \
                   (SELECT count(*) FROM observe_outbox WHERE delivered IS NULL)";
        let rows = ask(self, sql, values![]).await?;
        let Some(row) = rows.first() else { return Ok(Counts::default()) };
        let number = |column| row.number(column).map(|number| u64::try_from(number).unwrap_or(0));
        Ok(Counts {
            repositories: number(0)?,
            places: number(1)?,
            pins: number(2)?,
            seen: number(3)?,
            waiting: number(4)?,
            alarms: number(5)?,
            untold: number(6)?,
        })
    }
}

impl<E: Engine> Observatory for E {}
