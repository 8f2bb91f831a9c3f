//! Questions, each answered from one connection.
//!
//! The place of a row is its id less one, and it has one if the head is that large; so "below" a size is a
//! bound on ids.

use std::ops::Range;

use countermark_packaging::digest::Digest;
use countermark_packaging::name::ProjectName;
use countermark_tlog::hash::{EMPTY_ROOT, Hash};
use countermark_trust::log::record::{Fields, Observation, Observer};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::error::{self, StoreError};
use super::key::{self, RUN};
use crate::log::store::{
    Alarm, Counts, Entry, Head, MAXIMUM_FOUND, MAXIMUM_ROWS, Pending, Placed, Published,
};

/// The columns of a record; `r`, `p` and `o` are its tables.
const COLUMNS: &str = "r.id, p.name, r.file, r.algorithm, r.digest, r.size, r.uploaded, o.name, \
                       r.first_seen";
const JOINED: &str = "JOIN projects p ON p.id = r.project JOIN observers o ON o.id = r.observer";

/// The head; of no entries, if none was committed.
pub(super) fn head(connection: &Connection) -> Result<Head, StoreError> {
    let sql = "SELECT size, root, at FROM heads ORDER BY size DESC LIMIT 1";
    let found = one(connection, sql, [], read_head)?;
    Ok(found.unwrap_or(Head { size: 0, root: EMPTY_ROOT, at: Timestamp::UNIX_EPOCH }))
}

/// The head of this size.
pub(super) fn head_at(connection: &Connection, size: u64) -> Result<Option<Head>, StoreError> {
    one(connection, "SELECT size, root, at FROM heads WHERE size = ?1", [size], read_head)
}

/// Heads from a size on.
pub(super) fn heads(
    connection: &Connection,
    from: u64,
    limit: usize,
) -> Result<Vec<Head>, StoreError> {
    let sql = "SELECT size, root, at FROM heads WHERE size >= ?1 ORDER BY size LIMIT ?2";
    all(connection, sql, params![from, limit.min(MAXIMUM_ROWS)], read_head)
}

/// The id of the newest row, 0 of none.
pub(super) fn last_id(connection: &Connection) -> Result<i64, StoreError> {
    let sql = "SELECT coalesce(max(id), 0) FROM records";
    connection
        .prepare_cached(sql)
        .and_then(|mut it| it.query_row([], |row| row.get(0)))
        .map_err(error::of)
}

/// The next rows without a place.
pub(super) fn pending(connection: &Connection, limit: usize) -> Result<Vec<Pending>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM records r {JOINED} WHERE r.id > ?1 ORDER BY r.id LIMIT ?2");
    let size = head(connection)?.size;
    all(connection, &sql, params![size, limit.min(MAXIMUM_ROWS)], |row| {
        let (id, record) = read_record(row, 0)?;
        Ok(Pending { id, record })
    })
}

/// The records with these places.
pub(super) fn entries(
    connection: &Connection,
    range: Range<u64>,
) -> Result<Vec<Observation>, StoreError> {
    let wanted = range.end.saturating_sub(range.start);
    if wanted > MAXIMUM_ROWS as u64 {
        return Err(StoreError::TooMany { what: "entries", limit: MAXIMUM_ROWS });
    }
    let missing = |place: u64| StoreError::Damaged { reason: format!("no entry {place}") };
    let size = head(connection)?.size;
    if range.end > size {
        return Err(missing(size));
    }
    let sql = format!(
        "SELECT {COLUMNS} FROM records r {JOINED} WHERE r.id > ?1 AND r.id <= ?2 ORDER BY r.id"
    );
    let found = all(connection, &sql, params![range.start, range.end], |row| read_record(row, 0))?;
    for (place, (id, _)) in range.clone().zip(&found) {
        if u64::try_from(id - 1) != Ok(place) {
            return Err(missing(place));
        }
    }
    if found.len() as u64 != wanted {
        return Err(missing(range.start + found.len() as u64));
    }
    Ok(found.into_iter().map(|(_, record)| record).collect())
}

/// Entries about files.
pub(super) fn find_files(
    connection: &Connection,
    files: &[String],
    below: u64,
) -> Result<Vec<Entry>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM by_file b JOIN records r ON r.id = b.id {JOINED} \
         WHERE b.key = ?1 AND b.id <= ?2 AND r.file = ?3"
    );
    // One view for all names.
    let view = connection.unchecked_transaction().map_err(error::of)?;
    let below = below.min(head(&view)?.size);
    let mut found = Vec::new();
    for file in files {
        found.extend(all(&view, &sql, params![key::of_file(file), below, file], read_entry)?);
        if found.len() > MAXIMUM_FOUND {
            return Err(StoreError::TooMany { what: "entries", limit: MAXIMUM_FOUND });
        }
    }
    found.sort_unstable_by_key(|it| it.index);
    found.dedup_by_key(|it| it.index);
    Ok(found)
}

/// Entries of a project.
pub(super) fn find_project(
    connection: &Connection,
    project: &ProjectName,
    range: &Range<u64>,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM by_project b JOIN records r ON r.id = b.id {JOINED} \
         WHERE b.project = (SELECT id FROM projects WHERE name = ?1) AND b.id > ?2 AND b.id <= ?3 \
         ORDER BY b.id LIMIT ?4"
    );
    let end = range.end.min(head(connection)?.size);
    let values = params![project.as_str(), range.start, end, limit.min(MAXIMUM_ROWS)];
    all(connection, &sql, values, read_entry)
}

/// Entries with a digest: each run is asked, then the rows that are in none.
pub(super) fn find_digest(
    connection: &Connection,
    digest: &Digest,
    below: u64,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    let view = connection.unchecked_transaction().map_err(error::of)?;
    let below = below.min(head(&view)?.size);
    let (algorithm, bytes) = (key::number(digest.algorithm()), digest.as_bytes());
    let in_run = format!(
        "SELECT {COLUMNS} FROM by_digest b JOIN records r ON r.id = b.id {JOINED} \
         WHERE b.run = ?1 AND b.key = ?2 AND b.id <= ?3 AND r.algorithm = ?4 AND r.digest = ?5"
    );
    let in_none = format!(
        "SELECT {COLUMNS} FROM records r {JOINED} \
         WHERE r.id > ?1 AND r.id <= ?2 AND r.algorithm = ?3 AND r.digest = ?4 ORDER BY r.id"
    );
    let runs = last_id(&view)? / RUN;
    let mut found = Vec::new();
    for run in 0..runs {
        let values = params![run, key::of_digest(digest), below, algorithm, bytes];
        found.extend(all(&view, &in_run, values, read_entry)?);
        if found.len() >= limit {
            break;
        }
    }
    if found.len() < limit {
        let values = params![runs * RUN, below, algorithm, bytes];
        found.extend(all(&view, &in_none, values, read_entry)?);
    }
    found.truncate(limit);
    Ok(found)
}

/// Names of projects that begin like this.
pub(super) fn find_names(
    connection: &Connection,
    prefix: &str,
    after: Option<&ProjectName>,
    limit: usize,
) -> Result<Vec<ProjectName>, StoreError> {
    // Names are ASCII, so that everything that begins like this is below this and the last character.
    let sql = "SELECT name FROM projects WHERE name >= ?1 AND name < ?1 || char(127) AND name > ?2 \
               ORDER BY name LIMIT ?3";
    let after = after.map_or("", ProjectName::as_str);
    all(connection, sql, params![prefix, after, limit.min(MAXIMUM_ROWS)], |row| {
        read_project(row, 0)
    })
}

/// The published checkpoint.
pub(super) fn published(connection: &Connection) -> Result<Option<Published>, StoreError> {
    one(connection, "SELECT size, at, note FROM published", [], |row| {
        let (size, note) = (column(row, 0)?, column(row, 2)?);
        Ok(Published { size, at: time(row, 1)?, note })
    })
}

/// Alarms after an id, of one project or all.
pub(super) fn alarms(
    connection: &Connection,
    project: Option<&ProjectName>,
    after: i64,
    limit: usize,
) -> Result<Vec<Alarm>, StoreError> {
    let of_project = match project {
        Some(_) => "AND a.project = (SELECT id FROM projects WHERE name = ?3)",
        None => "AND ?3 IS NULL",
    };
    let sql = format!(
        "SELECT a.id, a.at, a.first, a.second FROM alarms a \
         WHERE a.id > ?1 {of_project} ORDER BY a.id LIMIT ?2"
    );
    let view = connection.unchecked_transaction().map_err(error::of)?;
    let values = params![after, limit.min(MAXIMUM_ROWS), project.map(ProjectName::as_str)];
    let rows: Vec<(i64, Timestamp, i64, i64)> = all(&view, &sql, values, |row| {
        Ok((column(row, 0)?, time(row, 1)?, column(row, 2)?, column(row, 3)?))
    })?;
    let size = head(&view)?.size;
    let sql = format!("SELECT {COLUMNS} FROM records r {JOINED} WHERE r.id = ?1");
    let placed = |id: i64| -> Result<Placed, StoreError> {
        let record = one(&view, &sql, [id], |row| read_record(row, 0))?;
        let missing = || StoreError::Damaged { reason: format!("no record {id} of an alarm") };
        let index = u64::try_from(id - 1).ok().filter(|index| *index < size);
        Ok(Placed { index, record: record.ok_or_else(missing)?.1 })
    };
    rows.into_iter()
        .map(|(id, at, first, second)| {
            Ok(Alarm { id, at, first: placed(first)?, second: placed(second)? })
        })
        .collect()
}

/// All observers.
pub(super) fn observers(connection: &Connection) -> Result<Vec<Observer>, StoreError> {
    let sql = "SELECT name FROM observers ORDER BY name";
    all(connection, sql, [], |row| read_observer(row, 0))
}

/// How much there is. Ids have no gaps, so the last is the number.
pub(super) fn counts(connection: &Connection) -> Result<Counts, StoreError> {
    let sql = "SELECT coalesce((SELECT max(size) FROM heads), 0), \
               coalesce((SELECT max(id) FROM records), 0), \
               coalesce((SELECT max(id) FROM projects), 0), \
               coalesce((SELECT max(id) FROM alarms), 0)";
    let found = one(connection, sql, [], |row| {
        let (entries, rows): (u64, u64) = (column(row, 0)?, column(row, 1)?);
        let pending = rows.saturating_sub(entries);
        Ok(Counts { entries, pending, projects: column(row, 2)?, alarms: column(row, 3)? })
    })?;
    Ok(found.unwrap_or_default())
}

/// Up to where partial tiles were removed.
pub(super) fn pruned(connection: &Connection) -> Result<u64, StoreError> {
    let sql = "SELECT value FROM about WHERE name = 'pruned'";
    Ok(one(connection, sql, [], |row| column(row, 0))?.unwrap_or(0))
}

fn read_head(row: &Row<'_>) -> Result<Head, StoreError> {
    let root: [u8; 32] = column(row, 1)?;
    Ok(Head { size: column(row, 0)?, root: Hash::from_bytes(root), at: time(row, 2)? })
}

fn read_entry(row: &Row<'_>) -> Result<Entry, StoreError> {
    let (id, record) = read_record(row, 0)?;
    let index = u64::try_from(id - 1).map_err(|_| damaged(format!("a row {id}")))?;
    Ok(Entry { index, record })
}

/// A row of [`COLUMNS`], from this column on. It was a record when it was written; what is none now is
/// damage.
pub(super) fn read_record(row: &Row<'_>, at: usize) -> Result<(i64, Observation), StoreError> {
    let id: i64 = column(row, at)?;
    let fields = Fields {
        project: read_project(row, at + 1)?,
        file: column(row, at + 2)?,
        digest: digest(row, at + 3)?,
        size: column(row, at + 5)?,
        uploaded: match column::<Option<i64>>(row, at + 6)? {
            Some(_) => Some(time(row, at + 6)?),
            None => None,
        },
        observer: read_observer(row, at + 7)?,
        first_seen: time(row, at + 8)?,
    };
    let record = Observation::new(fields);
    Ok((id, record.map_err(|error| damaged(format!("row {id}: {error}")))?))
}

/// A digest from its two columns.
pub(super) fn digest(row: &Row<'_>, at: usize) -> Result<Digest, StoreError> {
    let number: i64 = column(row, at)?;
    let algorithm =
        key::algorithm(number).ok_or_else(|| damaged(format!("an algorithm {number}")))?;
    let bytes = row.get_ref(at + 1).and_then(|it| Ok(it.as_blob()?)).map_err(error::of)?;
    Digest::new(algorithm, bytes).map_err(|error| damaged(error.to_string()))
}

fn read_project(row: &Row<'_>, at: usize) -> Result<ProjectName, StoreError> {
    let name = row.get_ref(at).and_then(|it| Ok(it.as_str()?)).map_err(error::of)?;
    ProjectName::parse(name).map_err(|error| damaged(error.to_string()))
}

fn read_observer(row: &Row<'_>, at: usize) -> Result<Observer, StoreError> {
    let name = row.get_ref(at).and_then(|it| Ok(it.as_str()?)).map_err(error::of)?;
    Observer::parse(name).map_err(|error| damaged(error.to_string()))
}

fn time(row: &Row<'_>, at: usize) -> Result<Timestamp, StoreError> {
    let seconds: i64 = column(row, at)?;
    Timestamp::from_second(seconds).map_err(|_| damaged(format!("a time {seconds}")))
}

fn damaged(reason: String) -> StoreError {
    StoreError::Damaged { reason }
}

fn column<T: rusqlite::types::FromSql>(row: &Row<'_>, at: usize) -> Result<T, StoreError> {
    row.get(at).map_err(error::of)
}

fn one<T>(
    connection: &Connection,
    sql: &str,
    values: impl Params,
    read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(error::of)?;
    let found = statement.query_row(values, |row| Ok(read(row))).optional();
    found.map_err(error::of)?.transpose()
}

fn all<T>(
    connection: &Connection,
    sql: &str,
    values: impl Params,
    read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(error::of)?;
    let mut rows = statement.query(values).map_err(error::of)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(error::of)? {
        found.push(read(row)?);
    }
    Ok(found)
}
