//! What the watch remembers, in one SQLite file.
//!
//! The change of what is known and the messages about it are committed together ([`State::commit`]);
//! messages are delivered from the outbox afterwards, and crossed out one by one. So a crash at any
//! moment loses no message, and sends one again only if it came between a delivery and the note of
//! it; such a message has the same id both times.
//!
//! The file is ours alone: a lock beside it keeps a second watcher out. What is in it was written
//! by us, but disks fail: it is checked when it is opened, and a row that cannot be read is an
//! error, not an empty value.

mod error;
mod outbox;
mod schema;
#[cfg(test)]
mod tests;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use countermark_packaging::name::ProjectName;
use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OpenFlags, Row, Transaction, TransactionBehavior, params};

pub use error::StateError;
pub use outbox::{Entry, Pending, Waiting};

use super::diff::Findings;
use super::finding::StoredFinding;
use super::message::Message;
use super::schedule::{Calendar, Due};

/// How long runs are remembered.
const KEEP_RUNS: Duration = Duration::from_secs(30 * 86_400);
/// How long findings that are gone are remembered.
const KEEP_GONE: Duration = Duration::from_secs(400 * 86_400);
/// How long messages that were delivered are remembered.
const KEEP_DELIVERED: Duration = Duration::from_secs(90 * 86_400);
/// How many messages of each destination are remembered all the same: a feed shows them.
pub const KEEP_ENTRIES: usize = 200;

/// The open state; nobody else has it.
#[derive(Debug)]
pub struct State {
    connection: Connection,
    instance: String,
    /// Held as long as this lives.
    _lock: Option<File>,
}

/// What requests cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// How many there were.
    pub requests: u64,
    /// How many were answered with "not modified".
    pub unchanged: u64,
    /// Bytes of the bodies of all others, as they came.
    pub bytes: u64,
}

/// Everything that one step changes.
#[derive(Debug)]
pub struct Step<'a> {
    /// See [`State::next_run`].
    pub run: i64,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// What counts now; `None` leaves it as it is.
    pub standing: Option<&'a Findings>,
    /// Facts that are new, as lines of a snapshot, with the serial that the index gave.
    pub facts: &'a [(ProjectName, Option<u64>, String)],
    /// Next times that changed.
    pub calendar: &'a Calendar,
    /// Projects that are not looked at any more.
    pub forgotten: &'a [ProjectName],
    /// Messages, with the names of those that they are for.
    pub messages: &'a [(String, Message)],
    /// How many changes there were.
    pub changes: usize,
    /// How many projects were asked for.
    pub asked: usize,
    /// How many of them could not be read.
    pub unread: usize,
    /// What it cost.
    pub traffic: Traffic,
    /// Why nothing could be judged, if so.
    pub error: Option<&'a str>,
}

impl State {
    /// Opens the state, making it if there is none. `instance` names a new one: random, lower-case
    /// letters and digits.
    ///
    /// # Errors
    /// See [`StateError`]; another watcher is one of them.
    pub fn open(path: &Path, instance: &str) -> Result<Self, StateError> {
        let lock = lock(path)?;
        // Without URIs, so that a path is a path whatever it looks like.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        Self::with_connection(connection, instance, Some(lock))
    }

    fn with_connection(
        mut connection: Connection,
        instance: &str,
        lock: Option<File>,
    ) -> Result<Self, StateError> {
        connection.busy_timeout(Duration::from_secs(5))?;
        let check: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if check != "ok" {
            return Err(StateError::Damaged { reason: check.chars().take(200).collect() });
        }
        // FULL: a commit is on the disk before a message goes out.
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
        schema::migrate(&mut connection, instance)?;
        let instance =
            connection.query_row("SELECT value FROM about WHERE name = 'instance'", [], |row| {
                row.get(0)
            })?;
        Ok(Self { connection, instance, _lock: lock })
    }

    /// Every write fails from now on, or works again.
    #[cfg(test)]
    pub(super) fn refuse_writes(&self, refuse: bool) {
        self.connection.pragma_update(None, "query_only", refuse).unwrap();
    }

    /// The random name of this state, which is part of the ids of its messages.
    #[must_use]
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// The number of the next run.
    ///
    /// # Errors
    /// See [`StateError`].
    pub fn next_run(&self) -> Result<i64, StateError> {
        // Old runs are forgotten, their numbers are not.
        let sql = "SELECT max((SELECT coalesce(max(id), 0) FROM runs), \
                   (SELECT coalesce(max(CAST(value AS INTEGER)), 0) FROM about WHERE name = 'run')) + 1";
        Ok(self.connection.query_row(sql, [], |row| row.get(0))?)
    }

    /// Since when every run ended with an error; `None` when the last one did not.
    ///
    /// # Errors
    /// See [`StateError`].
    pub fn failing_since(&self) -> Result<Option<Timestamp>, StateError> {
        let sql = "SELECT min(started) FROM runs WHERE id > \
                   (SELECT coalesce(max(id), 0) FROM runs WHERE error IS NULL)";
        Ok(self.connection.query_row(sql, [], |row| {
            let since: Option<i64> = row.get(0)?;
            since.map(|_| time(row, 0)).transpose()
        })?)
    }

    /// The findings that count, by key.
    ///
    /// # Errors
    /// See [`StateError`].
    pub fn findings(&self) -> Result<Findings, StateError> {
        let sql = "SELECT key, body FROM findings WHERE gone_at IS NULL";
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map([], |row| {
            let (key, body): (String, String) = (row.get(0)?, row.get(1)?);
            let finding: StoredFinding = serde_json::from_str(&body).map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(1, Type::Text, Box::new(error))
            })?;
            Ok((key, finding))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The last facts of each project, as lines of a snapshot.
    ///
    /// # Errors
    /// See [`StateError`].
    pub fn facts(&self) -> Result<Vec<String>, StateError> {
        let mut statement = self.connection.prepare("SELECT line FROM facts ORDER BY name")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// When which project is due.
    ///
    /// # Errors
    /// See [`StateError`].
    pub fn calendar(&self) -> Result<Calendar, StateError> {
        let sql =
            "SELECT name, page_due, roles_due, failures, unread_since, unread_reason FROM projects";
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map([], |row| {
            let name: String = row.get(0)?;
            let name = ProjectName::parse(&name).map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error))
            })?;
            let since: Option<i64> = row.get(4)?;
            let unread = match since {
                Some(_) => {
                    Some((time(row, 4)?, row.get::<_, Option<String>>(5)?.unwrap_or_default()))
                }
                None => None,
            };
            Ok((
                name,
                Due { page: time(row, 1)?, roles: time(row, 2)?, failures: row.get(3)?, unread },
            ))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Remembers a step and puts its messages into the outbox: all of it, or nothing.
    ///
    /// # Errors
    /// See [`StateError`]; then nothing of it was remembered.
    pub fn commit(&mut self, step: &Step<'_>) -> Result<(), StateError> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        write_run(&transaction, step)?;
        if let Some(standing) = step.standing {
            write_findings(&transaction, standing, step.ended)?;
        }
        write_projects(&transaction, step)?;
        outbox::put(&transaction, step.messages)?;
        forget(&transaction, step.ended)?;
        transaction.commit()?;
        Ok(())
    }

    /// What the runs that are remembered cost, without the first, in which everything is new; and
    /// how many projects there are.
    ///
    /// # Errors
    /// See [`StateError`].
    pub fn measured(&self) -> Result<(Traffic, u64), StateError> {
        let sql = "SELECT coalesce(sum(requests), 0), coalesce(sum(unchanged), 0), \
                   coalesce(sum(bytes), 0), (SELECT count(*) FROM projects) FROM runs \
                   WHERE id > (SELECT min(id) FROM runs)";
        Ok(self.connection.query_row(sql, [], |row| {
            let (requests, unchanged) = (row.get(0)?, row.get(1)?);
            Ok((Traffic { requests, unchanged, bytes: row.get(2)? }, row.get(3)?))
        })?)
    }
}

/// The lock beside a state; it is held until it is dropped, or the process ends in any way.
fn lock(path: &Path) -> Result<File, StateError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let unwritable = |error: std::io::Error| StateError::Unwritable { reason: error.to_string() };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(PathBuf::from(name))
        .map_err(unwritable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StateError::Locked),
        Err(TryLockError::Error(error)) => Err(unwritable(error)),
    }
}

fn write_run(transaction: &Transaction<'_>, step: &Step<'_>) -> rusqlite::Result<()> {
    let traffic = step.traffic;
    transaction.execute(
        "INSERT INTO runs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            step.run,
            step.started.as_millisecond(),
            step.ended.as_millisecond(),
            step.asked,
            step.unread,
            step.changes,
            traffic.requests,
            traffic.unchanged,
            traffic.bytes,
            step.error,
        ],
    )?;
    transaction.execute(
        "INSERT INTO about VALUES ('run', ?1) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        [step.run.to_string()],
    )?;
    Ok(())
}

/// A finding that was gone and is back begins anew.
fn write_findings(
    transaction: &Transaction<'_>,
    standing: &Findings,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let now = now.as_millisecond();
    let mut write = transaction.prepare(
        "INSERT INTO findings (key, severity, body, first_seen, last_seen) VALUES (?1, ?2, ?3, ?4, ?4) \
         ON CONFLICT (key) DO UPDATE SET severity = excluded.severity, body = excluded.body, \
         last_seen = excluded.last_seen, gone_at = NULL, \
         first_seen = CASE WHEN gone_at IS NULL THEN first_seen ELSE excluded.first_seen END",
    )?;
    for (key, finding) in standing {
        let body = serde_json::to_string(finding)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        write.execute(params![key, finding.severity.name(), body, now])?;
    }
    let mut present = transaction.prepare("SELECT key FROM findings WHERE gone_at IS NULL")?;
    let known: Vec<String> = present.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut gone = transaction.prepare("UPDATE findings SET gone_at = ?2 WHERE key = ?1")?;
    for key in known.iter().filter(|key| !standing.contains_key(*key)) {
        gone.execute(params![key, now])?;
    }
    Ok(())
}

fn write_projects(transaction: &Transaction<'_>, step: &Step<'_>) -> rusqlite::Result<()> {
    let mut write =
        transaction.prepare("INSERT OR REPLACE INTO projects VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for (name, due) in step.calendar {
        write.execute(params![
            name.as_str(),
            due.page.as_millisecond(),
            due.roles.as_millisecond(),
            due.failures,
            due.unread.as_ref().map(|(since, _)| since.as_millisecond()),
            due.unread.as_ref().map(|(_, reason)| reason),
        ])?;
    }
    let mut write = transaction.prepare("INSERT OR REPLACE INTO facts VALUES (?1, ?2, ?3, ?4)")?;
    for (name, serial, line) in step.facts {
        // A serial beyond 63 bits is none that we could have been given.
        let serial = serial.and_then(|it| i64::try_from(it).ok());
        write.execute(params![name.as_str(), serial, step.ended.as_millisecond(), line])?;
    }
    for table in ["projects", "facts"] {
        let mut forget = transaction.prepare(&format!("DELETE FROM {table} WHERE name = ?1"))?;
        for name in step.forgotten {
            forget.execute([name.as_str()])?;
        }
    }
    Ok(())
}

/// What is old. Messages that were not delivered are never too old.
fn forget(transaction: &Transaction<'_>, now: Timestamp) -> rusqlite::Result<()> {
    let before = |keep: Duration| {
        now.as_millisecond().saturating_sub(i64::try_from(keep.as_millis()).unwrap_or(i64::MAX))
    };
    transaction.execute("DELETE FROM runs WHERE ended < ?1", [before(KEEP_RUNS)])?;
    transaction.execute("DELETE FROM findings WHERE gone_at < ?1", [before(KEEP_GONE)])?;
    transaction.execute(
        "DELETE FROM outbox WHERE delivered_at < ?1 AND rowid NOT IN (\
         SELECT rowid FROM (SELECT rowid, row_number() OVER (PARTITION BY destination \
         ORDER BY at DESC, rowid DESC) AS place FROM outbox) WHERE place <= ?2)",
        params![before(KEEP_DELIVERED), KEEP_ENTRIES],
    )?;
    Ok(())
}

fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    let milliseconds: i64 = row.get(column)?;
    Timestamp::from_millisecond(milliseconds)
        .map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, milliseconds))
}
