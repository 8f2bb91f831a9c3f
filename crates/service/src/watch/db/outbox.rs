//! Messages that have to be delivered, and those that were.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Row, Transaction, params};

use super::{State, StateError, time};
use crate::watch::message::Message;

/// The first wait after a failure; each further one is twice as long.
const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(30);
/// The longest wait. A destination that was repaired is served within it.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_secs(3600);
/// The most messages that are taken at once.
const MOST: usize = 100;
/// A message that failed so often lets those behind it go first: it may be the only one that is
/// refused.
const PATIENCE: u32 = 5;

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The name of the destination, such as `mail:team`.
    pub destination: String,
    /// What is to be delivered.
    pub message: Message,
    /// How often it was tried.
    pub attempts: u32,
}

/// What waits for a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// How many.
    pub messages: usize,
    /// When the first of them is tried again.
    pub next: Timestamp,
    /// Why the last attempt failed, if there was one.
    pub why: Option<String>,
}

/// A message as a feed shows it.
pub type Entry = Message;

const COLUMNS: &str = "id, at, subject, text, json";

impl State {
    /// Messages for a destination that may be tried now, oldest first, those that failed often last.
    ///
    /// # Errors
    /// See [`StateError`].
    pub fn pending(&self, destination: &str, now: Timestamp) -> Result<Vec<Pending>, StateError> {
        // A next attempt further away than the longest wait: the clock was set back.
        let far = now.as_millisecond().saturating_add(2 * as_milliseconds(LONGEST_WAIT));
        let sql = format!(
            "SELECT {COLUMNS}, destination, attempts FROM outbox WHERE delivered_at IS NULL \
             AND destination = ?4 AND (next_attempt <= ?1 OR next_attempt > ?2) \
             ORDER BY attempts / ?5, at, rowid LIMIT ?3"
        );
        let mut statement = self.connection.prepare(&sql)?;
        let given = params![now.as_millisecond(), far, MOST, destination, PATIENCE];
        let rows = statement.query_map(given, |row| {
            Ok(Pending { message: message(row)?, destination: row.get(5)?, attempts: row.get(6)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// For each destination how many messages wait, and when the next one is to be tried; also for
    /// those that are not configured any more.
    ///
    /// # Errors
    /// See [`StateError`].
    pub fn waiting(&self) -> Result<BTreeMap<String, Waiting>, StateError> {
        let sql = "SELECT destination, count(*), min(next_attempt), max(last_error) FROM outbox \
                   WHERE delivered_at IS NULL GROUP BY destination";
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map([], |row| {
            let waiting = Waiting { messages: row.get(1)?, next: time(row, 2)?, why: row.get(3)? };
            Ok((row.get(0)?, waiting))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A message arrived.
    ///
    /// # Errors
    /// See [`StateError`].
    pub fn delivered(&mut self, pending: &Pending, now: Timestamp) -> Result<(), StateError> {
        self.connection.execute(
            "UPDATE outbox SET delivered_at = ?3, attempts = attempts + 1, last_error = NULL \
             WHERE id = ?1 AND destination = ?2",
            params![pending.message.id, pending.destination, now.as_millisecond()],
        )?;
        Ok(())
    }

    /// A message could not be delivered; it is tried again later, however often. All that wait for
    /// the destination wait with it, so that one which is down is not asked for each of them. One that
    /// comes later is tried once at once: it may be this message that is refused.
    ///
    /// # Errors
    /// See [`StateError`].
    pub fn failed(
        &mut self,
        pending: &Pending,
        now: Timestamp,
        reason: &str,
        asked: Option<SignedDuration>,
    ) -> Result<(), StateError> {
        let transaction = self.connection.transaction()?;
        let attempts: Option<u32> = transaction.query_row(
            "SELECT sum(attempts) FROM outbox WHERE destination = ?1 AND delivered_at IS NULL",
            [&pending.destination],
            |row| row.get(0),
        )?;
        let wait = wait(attempts.unwrap_or_default().max(pending.attempts), asked);
        let next = now.as_millisecond().saturating_add(as_milliseconds(wait));
        transaction.execute(
            "UPDATE outbox SET attempts = attempts + 1, next_attempt = ?3, last_error = ?4 \
             WHERE id = ?1 AND destination = ?2",
            params![
                pending.message.id,
                pending.destination,
                next,
                reason.chars().take(500).collect::<String>(),
            ],
        )?;
        transaction.execute(
            "UPDATE outbox SET next_attempt = ?2 \
             WHERE destination = ?1 AND delivered_at IS NULL AND next_attempt < ?2",
            params![pending.destination, next],
        )?;
        transaction.commit()?;
        Ok(())
    }

    /// The newest messages for a destination, newest first.
    ///
    /// # Errors
    /// See [`StateError`].
    pub fn latest(&self, destination: &str, most: usize) -> Result<Vec<Entry>, StateError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM outbox WHERE destination = ?1 ORDER BY at DESC, rowid DESC LIMIT ?2"
        );
        let mut statement = self.connection.prepare(&sql)?;
        let rows = statement.query_map(params![destination, most], message)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// The wait after a failure: what the other side asks for counts, within limits.
fn wait(attempts: u32, asked: Option<SignedDuration>) -> SignedDuration {
    let ours = FIRST_WAIT.saturating_mul(1 << attempts.min(10)).min(LONGEST_WAIT);
    ours.max(asked.unwrap_or_default().min(LONGEST_WAIT))
}

fn as_milliseconds(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Puts messages in; one that is there already stays as it is.
pub(super) fn put(
    transaction: &Transaction<'_>,
    messages: &[(String, Message)],
) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare(
        "INSERT OR IGNORE INTO outbox (id, destination, at, subject, text, json, next_attempt) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?3)",
    )?;
    for (destination, message) in messages {
        statement.execute(params![
            message.id,
            destination,
            message.at.as_millisecond(),
            message.subject,
            message.text,
            message.json,
        ])?;
    }
    Ok(())
}

fn message(row: &Row<'_>) -> rusqlite::Result<Message> {
    Ok(Message {
        id: row.get(0)?,
        at: time(row, 1)?,
        subject: row.get(2)?,
        text: row.get(3)?,
        json: row.get(4)?,
    })
}
