//! Everything that the tables promise each other, looked at again from the rows.
//!
//! Memory is bounded: rows are read in the order of an index, and only those with one key are held. The view
//! is held until the end; as long as it is, the WAL of a log that is written to only grows.

use std::collections::BTreeSet;

use countermark_trust::log::record::Observation;
use rusqlite::{Connection, params};

use super::error::{self, StoreError};
use super::key::{self, RUN};
use super::read;
use crate::log::store::Fault;

/// What is wrong, at most `limit` of it; see [`crate::log::store::LogStore::inspect`].
pub(super) fn inspect(connection: &Connection, limit: usize) -> Result<Vec<Fault>, StoreError> {
    let mut found = Found { faults: Vec::new(), limit };
    // One view, so that what is written meanwhile is no fault.
    let view = connection.unchecked_transaction().map_err(error::of)?;
    pages(&view, &mut found)?;
    numbers(&view, &mut found)?;
    files(&view, &mut found)?;
    heads(&view, &mut found)?;
    Ok(found.faults)
}

struct Found {
    faults: Vec<Fault>,
    limit: usize,
}

impl Found {
    fn add(&mut self, place: impl Into<String>, reason: impl Into<String>) {
        if self.faults.len() < self.limit {
            self.faults.push(Fault { place: place.into(), reason: reason.into() });
        }
    }
}

/// The pages of the file, as SQLite knows them.
fn pages(view: &Connection, found: &mut Found) -> Result<(), StoreError> {
    let sql = format!("PRAGMA integrity_check({})", found.limit.clamp(1, 100));
    let mut statement = view.prepare(&sql).map_err(error::of)?;
    let mut rows = statement.query([]).map_err(error::of)?;
    while let Some(row) = rows.next().map_err(error::of)? {
        let said: String = row.get(0).map_err(error::of)?;
        if said != "ok" {
            found.add("database", said.chars().take(300).collect::<String>());
        }
    }
    Ok(())
}

/// Ids without gaps, and as many rows in each index.
fn numbers(view: &Connection, found: &mut Found) -> Result<(), StoreError> {
    let number = |sql: &str| view.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(error::of);
    let last = read::last_id(view)?;
    let complete = last / RUN * RUN;
    for (table, expected) in
        [("records", last), ("by_file", last), ("by_project", last), ("by_digest", complete)]
    {
        let rows = number(&format!("SELECT count(*) FROM {table}"))?;
        if rows != expected {
            found.add(format!("table {table}"), format!("expected {expected} rows, found {rows}"));
        }
    }
    if last > 0 && number("SELECT min(id) FROM records")? != 1 {
        found.add("table records", "expected ids from 1 on");
    }
    let sql = "SELECT b.id FROM by_project b LEFT JOIN records r \
               ON r.id = b.id AND r.project = b.project WHERE r.id IS NULL LIMIT ?1";
    strays(view, "by_project", sql, found)?;
    let sql = format!(
        "SELECT b.id FROM by_digest b LEFT JOIN records r ON r.id = b.id \
         AND b.run = (r.id - 1) / {RUN} WHERE r.id IS NULL LIMIT ?1"
    );
    strays(view, "by_digest", &sql, found)?;
    let sql = "SELECT b.key, r.algorithm, r.digest, r.id FROM by_digest b JOIN records r \
               ON r.id = b.id";
    let mut statement = view.prepare(sql).map_err(error::of)?;
    let mut rows = statement.query([]).map_err(error::of)?;
    while let Some(row) = rows.next().map_err(error::of)? {
        let key: i64 = row.get(0).map_err(error::of)?;
        if read::digest(row, 1).ok().is_none_or(|digest| key::of_digest(&digest) != key) {
            let id: i64 = row.get(3).map_err(error::of)?;
            found.add(format!("table by_digest, row {id}"), "not the key of its digest");
        }
    }
    Ok(())
}

fn strays(view: &Connection, table: &str, sql: &str, found: &mut Found) -> Result<(), StoreError> {
    let mut statement = view.prepare(sql).map_err(error::of)?;
    let mut rows = statement.query(params![found.limit]).map_err(error::of)?;
    while let Some(row) = rows.next().map_err(error::of)? {
        let id: i64 = row.get(0).map_err(error::of)?;
        found.add(format!("table {table}, row {id}"), "leads to no record");
    }
    Ok(())
}

/// Keys of files: each leads to its record, no two records are the same, and what contradicts has an alarm.
fn files(view: &Connection, found: &mut Found) -> Result<(), StoreError> {
    let sql = "SELECT b.key, b.id, r.id, p.name, r.file, r.algorithm, r.digest, r.size, r.uploaded, \
               o.name, r.first_seen FROM by_file b LEFT JOIN records r ON r.id = b.id \
               LEFT JOIN projects p ON p.id = r.project LEFT JOIN observers o ON o.id = r.observer \
               ORDER BY b.key, b.id";
    let mut statement = view.prepare(sql).map_err(error::of)?;
    let mut rows = statement.query([]).map_err(error::of)?;
    let mut group: (i64, Vec<(i64, Observation)>) = (0, Vec::new());
    while let Some(row) = rows.next().map_err(error::of)? {
        let (key, id): (i64, i64) =
            (row.get(0).map_err(error::of)?, row.get(1).map_err(error::of)?);
        if key != group.0 {
            same_key(view, &group.1, found)?;
            group = (key, Vec::new());
        }
        match read::read_record(row, 2) {
            Ok((_, record)) if key::of_file(record.file()) == key => group.1.push((id, record)),
            Ok(_) => found.add(format!("table by_file, row {id}"), "not the key of its file"),
            Err(error) => found.add(format!("table records, row {id}"), error.to_string()),
        }
    }
    same_key(view, &group.1, found)
}

fn same_key(
    view: &Connection,
    group: &[(i64, Observation)],
    found: &mut Found,
) -> Result<(), StoreError> {
    if group.len() < 2 {
        return Ok(());
    }
    let mut keys = BTreeSet::new();
    for (place, (id, record)) in group.iter().enumerate() {
        if !keys.insert(record.key()) {
            found.add(format!("table records, row {id}"), "the same record is there before");
        }
        if group.iter().take(place).any(|(_, earlier)| record.contradicts(earlier)) {
            let sql = "SELECT count(*) FROM alarms WHERE second = ?1";
            let mut count = view.prepare_cached(sql).map_err(error::of)?;
            let alarms: i64 = count.query_row([id], |row| row.get(0)).map_err(error::of)?;
            if alarms != 1 {
                let reason = format!("expected one alarm about it, found {alarms}");
                found.add(format!("table records, row {id}"), reason);
            }
        }
    }
    Ok(())
}

/// No head is larger than the table; what is published was a head.
fn heads(view: &Connection, found: &mut Found) -> Result<(), StoreError> {
    let (head, last) = (read::head(view)?, read::last_id(view)?);
    if i64::try_from(head.size).is_ok_and(|size| size > last) {
        found.add("table heads", format!("a head of {} entries, found {last}", head.size));
    }
    if let Some(published) = read::published(view)?
        && published.size > 0
        && read::head_at(view, published.size)?.is_none()
    {
        found.add("table published", format!("no head of {} entries", published.size));
    }
    Ok(())
}
