//! Looking records up.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use countermark_packaging::digest::Digest;
use countermark_packaging::name::ProjectName;
use countermark_trust::log::record::{Observation, Observer, check_file};
use jiff::Timestamp;
use tokio_postgres::Row;

use super::pool::{Failure, Pool, Value};
use super::rows::{integer, natural, record, record_columns, stored};
use super::submit::no_answer;
use crate::log::store::{Alarm, Counts, Entry, MAXIMUM_FOUND, MAXIMUM_ROWS, Placed, StoreError};

/// Records that have a place: `s` is the table of places.
macro_rules! entries {
    ($rest:literal) => {
        concat!(
            "SELECT ",
            record_columns!(),
            ", s.place FROM records r JOIN places s ON s.record = r.id \
             JOIN projects p ON p.id = r.project JOIN observers o ON o.id = r.observer ",
            $rest
        )
    };
}

/// The same for a condition that few records meet. They are found first, and then what belongs to each, one
/// by one: left to itself, and without statistics after a large load, the planner reads all places in
/// order and looks whether the record of each is wanted. `OFFSET 0` keeps a part as it stands.
macro_rules! few {
    ($condition:literal, $rest:literal) => {
        concat!(
            "SELECT ",
            record_columns!(),
            ", s.place FROM (SELECT * FROM records r WHERE ",
            $condition,
            " OFFSET 0) r \
             CROSS JOIN LATERAL (SELECT place FROM places WHERE record = r.id OFFSET 0) s \
             CROSS JOIN LATERAL (SELECT name FROM projects WHERE id = r.project OFFSET 0) p \
             CROSS JOIN LATERAL (SELECT name FROM observers WHERE id = r.observer OFFSET 0) o ",
            $rest
        )
    };
}

async fn ask(pool: &Pool, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Entry>, Failure> {
    let rows = pool.get().await?.query(sql, values).await?;
    rows.iter().map(|row| Ok(Entry { index: natural(row, 8)?, record: record(row)? })).collect()
}

fn at_most(limit: usize) -> i64 {
    integer(limit.min(MAXIMUM_ROWS) as u64)
}

pub(super) async fn entries(pool: &Pool, range: &Range<u64>) -> Result<Vec<Observation>, Failure> {
    let count = range.end.saturating_sub(range.start);
    if count > MAXIMUM_ROWS as u64 {
        return Err(StoreError::TooMany { what: "entries", limit: MAXIMUM_ROWS }.into());
    }
    let sql = entries!("WHERE s.place >= $1 AND s.place < $2 ORDER BY s.place");
    let found = ask(pool, sql, &[&integer(range.start), &integer(range.end)]).await?;
    let places = found.iter().map(|it| it.index);
    if found.len() as u64 != count || !places.eq(range.clone()) {
        let gap = range.clone().zip(found.iter()).find(|(place, it)| *place != it.index);
        let place = gap.map_or(range.start + found.len() as u64, |(place, _)| place);
        return Err(StoreError::Damaged { reason: format!("there is no entry {place}") }.into());
    }
    Ok(found.into_iter().map(|it| it.record).collect())
}

pub(super) async fn find_files(
    pool: &Pool,
    files: &[String],
    below: u64,
) -> Result<Vec<Entry>, Failure> {
    // What cannot stand in a record is not asked for; a text with a NUL cannot even be sent.
    let files: BTreeSet<&str> =
        files.iter().map(String::as_str).filter(|it| check_file(it).is_ok()).collect();
    let files: Vec<&str> = files.into_iter().collect();
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let sql = few!("r.file = ANY($1)", "WHERE s.place < $2 ORDER BY s.place LIMIT $3");
    let limit = integer(MAXIMUM_FOUND as u64 + 1);
    let found = ask(pool, sql, &[&files, &integer(below), &limit]).await?;
    if found.len() > MAXIMUM_FOUND {
        return Err(StoreError::TooMany { what: "entries", limit: MAXIMUM_FOUND }.into());
    }
    Ok(found)
}

pub(super) async fn find_project(
    pool: &Pool,
    project: &ProjectName,
    range: &Range<u64>,
    limit: usize,
) -> Result<Vec<Entry>, Failure> {
    let sql = entries!(
        "WHERE r.project = (SELECT id FROM projects WHERE name = $1) \
         AND s.place >= $2 AND s.place < $3 ORDER BY s.place LIMIT $4"
    );
    let (start, end) = (integer(range.start), integer(range.end));
    ask(pool, sql, &[&project.as_str(), &start, &end, &at_most(limit)]).await
}

pub(super) async fn find_digest(
    pool: &Pool,
    digest: &Digest,
    below: u64,
    limit: usize,
) -> Result<Vec<Entry>, Failure> {
    // A weak one stands in no record.
    let Some(digest) = stored(digest) else { return Ok(Vec::new()) };
    let sql = few!("r.digest = $1", "WHERE s.place < $2 ORDER BY s.place LIMIT $3");
    ask(pool, sql, &[&digest, &integer(below), &at_most(limit)]).await
}

pub(super) async fn find_names(
    pool: &Pool,
    prefix: &str,
    after: Option<&ProjectName>,
    limit: usize,
) -> Result<Vec<ProjectName>, Failure> {
    // Names have lower-case letters, digits and `-`; `~` comes after all of them.
    if !prefix.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-') {
        return Ok(Vec::new());
    }
    let sql = "SELECT name FROM projects \
               WHERE name >= $1 AND name < $2 AND name > $3 ORDER BY name LIMIT $4";
    let (end, after) = (format!("{prefix}~"), after.map_or("", ProjectName::as_str));
    let rows = pool.get().await?.query(sql, &[&prefix, &end, &after, &at_most(limit)]).await?;
    let parse = |row: &Row| {
        let broken = |_| StoreError::Damaged { reason: "a project's name is none".to_owned() };
        Ok(ProjectName::parse(row.try_get(0)?).map_err(broken)?)
    };
    rows.iter().map(parse).collect()
}

pub(super) async fn alarms(
    pool: &Pool,
    after: i64,
    project: Option<&ProjectName>,
    limit: usize,
) -> Result<Vec<Alarm>, Failure> {
    let mut lent = pool.get().await?;
    let limit = at_most(limit);
    let rows = match project {
        None => {
            let sql = "SELECT id, at, first, second FROM alarms WHERE id > $1 ORDER BY id LIMIT $2";
            lent.query(sql, &[&after, &limit]).await?
        }
        Some(project) => {
            let sql = "SELECT id, at, first, second FROM alarms WHERE id > $1 \
                       AND project = (SELECT id FROM projects WHERE name = $3) ORDER BY id LIMIT $2";
            lent.query(sql, &[&after, &limit, &project.as_str()]).await?
        }
    };
    let mut ids = BTreeSet::new();
    for row in &rows {
        ids.extend([row.try_get::<_, i64>(2)?, row.try_get(3)?]);
    }
    let ids: Vec<i64> = ids.into_iter().collect();
    let sql = concat!(
        "SELECT ",
        record_columns!(),
        ", s.place FROM records r LEFT JOIN places s ON s.record = r.id \
         JOIN projects p ON p.id = r.project JOIN observers o ON o.id = r.observer \
         WHERE r.id = ANY($1)"
    );
    let mut records = HashMap::new();
    for row in lent.query(sql, &[&ids]).await? {
        let is_placed = row.try_get::<_, Option<i64>>(8)?.is_some();
        let index = if is_placed { Some(natural(&row, 8)?) } else { None };
        records.insert(row.try_get::<_, i64>(0)?, Placed { index, record: record(&row)? });
    }
    rows.iter().map(|row| read_alarm(row, &records)).collect()
}

fn read_alarm(row: &Row, records: &HashMap<i64, Placed>) -> Result<Alarm, Failure> {
    let broken =
        |what: &str| StoreError::Damaged { reason: format!("an alarm without its {what}") };
    let placed = |id: i64| records.get(&id).cloned().ok_or_else(|| broken("record"));
    let at = Timestamp::from_millisecond(row.try_get(1)?).map_err(|_| broken("time"))?;
    let (first, second) = (placed(row.try_get(2)?)?, placed(row.try_get(3)?)?);
    Ok(Alarm { id: row.try_get(0)?, at, first, second })
}

pub(super) async fn observers(pool: &Pool) -> Result<Vec<Observer>, Failure> {
    let rows = pool.get().await?.query("SELECT name FROM observers ORDER BY name", &[]).await?;
    let broken = |_| StoreError::Damaged { reason: "an observer's name is none".to_owned() };
    rows.iter().map(|row| Ok(Observer::parse(row.try_get(0)?).map_err(broken)?)).collect()
}

pub(super) async fn counts(pool: &Pool) -> Result<Counts, Failure> {
    let sql = "SELECT coalesce((SELECT max(size) FROM heads), 0), (SELECT count(*) FROM pending), \
               (SELECT count(*) FROM projects), (SELECT count(*) FROM alarms)";
    let row = pool.get().await?.query_one(sql, &[]).await?.ok_or_else(no_answer)?;
    Ok(Counts {
        entries: natural(&row, 0)?,
        pending: natural(&row, 1)?,
        projects: natural(&row, 2)?,
        alarms: natural(&row, 3)?,
    })
}
