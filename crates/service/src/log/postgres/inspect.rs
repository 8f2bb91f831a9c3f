//! What only the database can see of itself.
//!
//! Each question reads whole tables, without the index that it is about, so that a damaged index does
//! not answer for itself. Pages that are damaged show when they are read, if the cluster was made with
//! checksums (`initdb --data-checksums`), as an error that is a fault like the others.

use super::pool::{Failure, Pool};
use super::rows::integer;
use super::submit::no_answer;
use crate::log::store::{Fault, StoreError};

/// A table, what is wrong, and a question whose rows are the faults: a number and its meaning.
const QUESTIONS: &[(&str, &str, &str)] = &[
    (
        "places",
        "a place follows that is not the next",
        "SELECT place FROM (SELECT place, lead(place) OVER (ORDER BY place) AS next FROM places) q \
         WHERE next <> place + 1",
    ),
    ("places", "the first place is not 0", "SELECT min(place) FROM places HAVING min(place) <> 0"),
    (
        "heads",
        "the head is not as large as there are places",
        "SELECT size FROM (SELECT coalesce(max(size), 0) AS size FROM heads) h \
         WHERE size <> (SELECT count(*) FROM places)",
    ),
    (
        "places",
        "a place is of no record",
        "SELECT place FROM places s LEFT JOIN records r ON r.id = s.record WHERE r.id IS NULL",
    ),
    (
        "pending",
        "no record has this id",
        "SELECT q.record FROM pending q LEFT JOIN records r ON r.id = q.record WHERE r.id IS NULL",
    ),
    (
        "pending",
        "the record has a place already",
        "SELECT q.record FROM pending q JOIN places s ON s.record = q.record",
    ),
    (
        "records",
        "the record has no place and does not wait for one",
        "SELECT r.id FROM records r LEFT JOIN places s ON s.record = r.id \
         LEFT JOIN pending q ON q.record = r.id WHERE s.record IS NULL AND q.record IS NULL",
    ),
    (
        "records",
        "another record has the same file, digest and observer",
        "SELECT max(id) FROM records GROUP BY file, digest, observer HAVING count(*) > 1",
    ),
    (
        "places",
        "its record has another place as well",
        "SELECT max(place) FROM places GROUP BY record HAVING count(*) > 1",
    ),
    (
        "places",
        "two records have this place",
        "SELECT place FROM places GROUP BY place HAVING count(*) > 1",
    ),
    (
        "records",
        "its project has no name",
        "SELECT r.id FROM records r LEFT JOIN projects p ON p.id = r.project WHERE p.id IS NULL",
    ),
    (
        "records",
        "its observer has no name",
        "SELECT r.id FROM records r LEFT JOIN observers o ON o.id = r.observer WHERE o.id IS NULL",
    ),
    (
        "published",
        "the checkpoint that was published is of no head",
        "SELECT p.size FROM published p LEFT JOIN heads h ON h.size = p.size \
         WHERE h.size IS NULL AND p.size > 0",
    ),
];

/// Indexes that have to lead to as many rows as their tables have: the index, and how it is counted.
const INDEXES: &[(&str, &str, &str)] = &[
    ("records", "records_pkey", "SELECT count(*) FROM records WHERE id > -1"),
    ("records", "records_key", "SELECT count(*) FROM records WHERE file >= ''"),
    ("records", "records_digest", "SELECT count(*) FROM records WHERE digest >= ''"),
    ("records", "records_project", "SELECT count(*) FROM records WHERE project > -2147483648"),
    ("places", "places_pkey", "SELECT count(*) FROM places WHERE place > -1"),
    ("places", "places_record_key", "SELECT count(*) FROM places WHERE record > -1"),
];

pub(super) async fn inspect(pool: &Pool, limit: usize) -> Result<Vec<Fault>, Failure> {
    let mut faults = Vec::new();
    for (table, reason, sql) in QUESTIONS {
        let left = limit.saturating_sub(faults.len());
        match ask(pool, sql, left).await {
            Ok(found) => faults.extend(found.into_iter().map(|number| Fault {
                place: format!("table `{table}`, number {number}"),
                reason: (*reason).to_owned(),
            })),
            Err(failure) => faults.push(unreadable(table, failure)?),
        }
    }
    for (table, index, sql) in INDEXES {
        match counted(pool, table, sql).await {
            Ok((there, led)) if there == led => {}
            Ok((there, led)) => faults.push(Fault {
                place: format!("index `{index}`"),
                reason: format!("it leads to {led} rows of {there}"),
            }),
            Err(failure) => faults.push(unreadable(index, failure)?),
        }
    }
    faults.truncate(limit);
    Ok(faults)
}

/// A table that cannot be read is a fault; a server that cannot be reached is none of the log's.
fn unreadable(place: &str, failure: Failure) -> Result<Fault, Failure> {
    let error = StoreError::from(failure);
    match error {
        StoreError::Damaged { reason } | StoreError::Database { reason } => {
            Ok(Fault { place: format!("table or index `{place}`"), reason })
        }
        error => Err(error.into()),
    }
}

async fn ask(pool: &Pool, sql: &str, limit: usize) -> Result<Vec<i64>, Failure> {
    let mut lent = pool.get().await?;
    lent.begin_reading().await?;
    let client = lent.client()?;
    client
        .batch_execute(
            "SET LOCAL statement_timeout = 0; SET LOCAL enable_indexscan = off; \
             SET LOCAL enable_indexonlyscan = off; SET LOCAL enable_bitmapscan = off",
        )
        .await?;
    let sql = format!("{sql} LIMIT {}", integer(limit as u64));
    let rows = client.query(&sql, &[]).await?;
    let numbers = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    lent.undo().await?;
    Ok(numbers)
}

/// The rows of a table, without an index and through one.
async fn counted(pool: &Pool, table: &str, sql: &str) -> Result<(i64, i64), Failure> {
    let mut lent = pool.get().await?;
    lent.begin_reading().await?;
    let client = lent.client()?;
    client.batch_execute("SET LOCAL statement_timeout = 0").await?;
    client
        .batch_execute("SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off")
        .await?;
    let there = client.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await?;
    client
        .batch_execute(
            "SET LOCAL enable_indexscan = on; SET LOCAL enable_indexonlyscan = on; \
             SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off",
        )
        .await?;
    let led = client.query_one(sql, &[]).await?;
    let counted = (there.try_get(0)?, led.try_get(0)?);
    lent.undo().await?;
    Ok(counted)
}

/// Whether the tables are there.
pub(super) async fn probe(pool: &Pool) -> Result<(), Failure> {
    let row = pool.get().await?.query_one("SELECT term FROM lead", &[]).await?;
    row.ok_or_else(no_answer)?;
    Ok(())
}
