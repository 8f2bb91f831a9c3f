//! What is written, inside a transaction that somebody else begins and ends.

use std::collections::HashMap;

use countermark_packaging::digest::Digest;
use countermark_tlog::hash::Hash;
use countermark_trust::log::record::{Observation, ObserverKind};
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::error::{self, StoreError};
use super::key::{self, RUN};
use super::read;
use crate::log::store::{Head, Lease, Published, Receipt};

/// How many names of projects are remembered; then the memory begins anew.
const REMEMBERED: usize = 1 << 16;

/// Ids that are looked up for nearly every record. Has to be forgotten when a transaction is undone, since
/// it may hold ids that are no longer.
#[derive(Debug, Default)]
pub(super) struct Names {
    projects: HashMap<String, i64>,
    observers: HashMap<String, i64>,
}

impl Names {
    fn project(&mut self, connection: &Connection, name: &str) -> rusqlite::Result<i64> {
        if self.projects.len() >= REMEMBERED {
            self.projects.clear();
        }
        remember(&mut self.projects, connection, "projects", name)
    }

    fn observer(&mut self, connection: &Connection, name: &str) -> rusqlite::Result<i64> {
        remember(&mut self.observers, connection, "observers", name)
    }
}

fn remember(
    known: &mut HashMap<String, i64>,
    connection: &Connection,
    table: &str,
    name: &str,
) -> rusqlite::Result<i64> {
    if let Some(id) = known.get(name) {
        return Ok(*id);
    }
    let mut find = connection.prepare_cached(&format!("SELECT id FROM {table} WHERE name = ?1"))?;
    let id = match find.query_row([name], |row| row.get(0)).optional()? {
        Some(id) => id,
        None => {
            let sql = format!("INSERT INTO {table} (name) VALUES (?1)");
            connection.prepare_cached(&sql)?.execute([name])?;
            connection.last_insert_rowid()
        }
    };
    known.insert(name.to_owned(), id);
    Ok(id)
}

/// What is there already about a file.
struct Present {
    id: i64,
    digest: Digest,
    observer: i64,
    of_index: bool,
}

/// Writes records as pending rows; see [`crate::log::store::LogStore::submit`].
pub(super) fn submit(
    connection: &Connection,
    names: &mut Names,
    records: &[Observation],
    now: Timestamp,
) -> Result<Vec<Receipt>, StoreError> {
    let size = read::head(connection)?.size;
    let mut next = read::last_id(connection)? + 1;
    let mut receipts = Vec::with_capacity(records.len());
    for record in records {
        let observer =
            names.observer(connection, &record.observer().to_string()).map_err(error::of)?;
        let present = present(connection, record.file())?;
        let of_index = record.observer().kind() == ObserverKind::Index;
        let conflicting: Vec<_> = present
            .iter()
            .filter(|it| of_index && it.of_index && record.differs(&it.digest))
            .collect();
        let mut conflicts: Vec<_> = conflicting.iter().map(|it| it.digest.clone()).collect();
        conflicts.sort();
        conflicts.dedup();
        let same =
            present.iter().find(|it| it.observer == observer && it.digest == *record.digest());
        if let Some(same) = same {
            let index = u64::try_from(same.id - 1).ok().filter(|index| *index < size);
            receipts.push(Receipt { known: true, index, conflicts });
            continue;
        }
        let project = names.project(connection, record.project().as_str()).map_err(error::of)?;
        insert(connection, next, project, observer, record).map_err(error::of)?;
        if let Some(first) = conflicting.iter().map(|it| it.id).min() {
            let sql = "INSERT INTO alarms (at, project, first, second) VALUES (?1, ?2, ?3, ?4)";
            let values = params![now.as_second(), project, first, next];
            connection
                .prepare_cached(sql)
                .and_then(|mut it| it.execute(values))
                .map_err(error::of)?;
        }
        if next % RUN == 0 {
            index_run(connection, next / RUN - 1)?;
        }
        next += 1;
        receipts.push(Receipt { known: false, index: None, conflicts });
    }
    Ok(receipts)
}

fn present(connection: &Connection, file: &str) -> Result<Vec<Present>, StoreError> {
    let sql = "SELECT r.id, r.algorithm, r.digest, r.observer, o.name LIKE 'index:%' \
               FROM by_file b JOIN records r ON r.id = b.id JOIN observers o ON o.id = r.observer \
               WHERE b.key = ?1 AND r.file = ?2";
    let mut statement = connection.prepare_cached(sql).map_err(error::of)?;
    let mut rows = statement.query(params![key::of_file(file), file]).map_err(error::of)?;
    let mut present = Vec::new();
    while let Some(row) = rows.next().map_err(error::of)? {
        present.push(Present {
            id: row.get(0).map_err(error::of)?,
            digest: read::digest(row, 1)?,
            observer: row.get(3).map_err(error::of)?,
            of_index: row.get(4).map_err(error::of)?,
        });
    }
    Ok(present)
}

fn insert(
    connection: &Connection,
    id: i64,
    project: i64,
    observer: i64,
    record: &Observation,
) -> rusqlite::Result<()> {
    let digest = record.digest();
    connection
        .prepare_cached("INSERT INTO records VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?
        .execute(params![
        id,
        project,
        record.file(),
        key::number(digest.algorithm()),
        digest.as_bytes(),
        record.size(),
        record.uploaded().map(Timestamp::as_second),
        observer,
        record.first_seen().as_second(),
    ])?;
    connection
        .prepare_cached("INSERT INTO by_file VALUES (?1, ?2)")?
        .execute(params![key::of_file(record.file()), id])?;
    connection
        .prepare_cached("INSERT INTO by_project VALUES (?1, ?2)")?
        .execute(params![project, id])?;
    Ok(())
}

/// Writes one run of the index of digests, in order: the pages are written once.
fn index_run(connection: &Connection, run: i64) -> Result<(), StoreError> {
    let sql = "SELECT algorithm, digest, id FROM records WHERE id > ?1 AND id <= ?2";
    let mut statement = connection.prepare_cached(sql).map_err(error::of)?;
    let mut rows = statement.query(params![run * RUN, (run + 1) * RUN]).map_err(error::of)?;
    let mut keys: Vec<(i64, i64)> = Vec::new();
    while let Some(row) = rows.next().map_err(error::of)? {
        keys.push((key::of_digest(&read::digest(row, 0)?), row.get(2).map_err(error::of)?));
    }
    keys.sort_unstable();
    let mut insert = connection
        .prepare_cached("INSERT INTO by_digest VALUES (?1, ?2, ?3)")
        .map_err(error::of)?;
    for (key, id) in keys {
        insert.execute(params![run, key, id]).map_err(error::of)?;
    }
    Ok(())
}

/// Moves the head; see [`crate::log::store::LogStore::commit`].
pub(super) fn commit(
    connection: &Connection,
    lease: &Lease,
    from: &Head,
    ids: &[i64],
    to: &Head,
) -> Result<(), StoreError> {
    let sql = "SELECT count(*) FROM lease WHERE holder = ?1 AND term = ?2";
    let leads: i64 = connection
        .query_row(sql, params![lease.holder, lease.term], |row| row.get(0))
        .map_err(error::of)?;
    if leads == 0 {
        return Err(StoreError::LostLead { term: lease.term });
    }
    let head = read::head(connection)?;
    if (head.size, head.root) != (from.size, from.root) {
        return Err(StoreError::HeadMoved { expected: from.size, found: head.size });
    }
    // Places follow ids, so the rows have to be the next ones without a gap.
    let expected = from.size.saturating_add(ids.len() as u64);
    let last = u64::try_from(read::last_id(connection)?).unwrap_or(0);
    for (id, place) in ids.iter().zip(from.size..) {
        if u64::try_from(*id) != Ok(place + 1) || place >= last {
            return Err(StoreError::NotPending { id: *id });
        }
    }
    if ids.is_empty() || to.size != expected {
        return Err(StoreError::HeadMoved { expected: to.size, found: expected });
    }
    write_head(connection, to).map_err(error::of)
}

fn write_head(connection: &Connection, head: &Head) -> rusqlite::Result<()> {
    let values = params![head.size, Hash::as_bytes(&head.root), head.at.as_second()];
    connection.execute("INSERT INTO heads VALUES (?1, ?2, ?3)", values)?;
    Ok(())
}

/// See [`crate::log::store::LogStore::publish`].
pub(super) fn publish(connection: &Connection, new: &Published) -> rusqlite::Result<bool> {
    let sql = "INSERT INTO published VALUES (1, ?1, ?2, ?3) ON CONFLICT (one) DO UPDATE \
               SET size = excluded.size, at = excluded.at, note = excluded.note \
               WHERE published.size < excluded.size \
               OR (published.size = excluded.size AND published.at <= excluded.at)";
    Ok(connection.execute(sql, params![new.size, new.at.as_second(), new.note])? > 0)
}

/// See [`crate::log::store::LogStore::lead`].
pub(super) fn lead(
    connection: &Connection,
    holder: &str,
    now: Timestamp,
    length: SignedDuration,
) -> rusqlite::Result<Option<Lease>> {
    let until = until(now, length);
    let sql = "INSERT INTO lease VALUES (1, ?1, 1, ?2) ON CONFLICT (one) DO UPDATE \
               SET holder = excluded.holder, until = excluded.until, \
               term = lease.term + (lease.holder <> excluded.holder) \
               WHERE lease.holder = excluded.holder OR lease.until <= ?3 RETURNING term";
    let values = params![holder, until, now.as_millisecond()];
    let term = connection.query_row(sql, values, |row| row.get(0)).optional()?;
    Ok(term.map(|term| Lease { holder: holder.to_owned(), term }))
}

/// See [`crate::log::store::LogStore::keep`].
pub(super) fn keep(
    connection: &Connection,
    lease: &Lease,
    now: Timestamp,
    length: SignedDuration,
) -> rusqlite::Result<bool> {
    let sql = "UPDATE lease SET until = ?3 WHERE holder = ?1 AND term = ?2";
    Ok(connection.execute(sql, params![lease.holder, lease.term, until(now, length)])? > 0)
}

/// See [`crate::log::store::LogStore::lose`]. The row stays, so that the next term is another one.
pub(super) fn lose(connection: &Connection, lease: &Lease) -> rusqlite::Result<()> {
    let sql = "UPDATE lease SET until = 0 WHERE holder = ?1 AND term = ?2";
    connection.execute(sql, params![lease.holder, lease.term])?;
    Ok(())
}

/// In milliseconds.
fn until(now: Timestamp, length: SignedDuration) -> i64 {
    let length = i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
    now.as_millisecond().saturating_add(length)
}

/// See [`crate::log::store::LogStore::set_pruned`].
pub(super) fn set_pruned(connection: &Connection, size: u64) -> rusqlite::Result<()> {
    let sql = "INSERT INTO about VALUES ('pruned', ?1) ON CONFLICT (name) DO UPDATE \
               SET value = max(about.value, excluded.value)";
    connection.execute(sql, [size])?;
    Ok(())
}
