//! What our own observers saw, on its way into a log: a row waits until the log said that it has it.
//!
//! A row is made once for each observer, file and digest, with the time at which it was seen first; the
//! log knows a record by the same three. So whatever is sent again, after a crash or a lost answer,
//! changes nothing there.

use countermark_packaging::digest::Digest;
use countermark_packaging::name::ProjectName;
use countermark_trust::log::record::{Fields, Observation, Observer};
use jiff::Timestamp;

use super::engine::{Engine, Row, Statement, ask, damaged, values};
use super::pins::Search;
use super::work::{self, Done};
use crate::log::store::StoreError;

/// An observation that no log has acknowledged yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its number here.
    pub number: i64,
    /// What was seen.
    pub observation: Observation,
}

/// An observation as we have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// What was seen.
    pub observation: Observation,
    /// When the log acknowledged it.
    pub appended: Option<Timestamp>,
}

fn adding(observation: &Observation) -> Statement {
    Statement::new(
        "INSERT INTO observe_seen \
         (observer, file, algorithm, digest, project, size, uploaded, first_seen) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (observer, file, digest) DO NOTHING \
         RETURNING number",
        values![
            observation.observer().to_string(),
            observation.file(),
            observation.digest().algorithm().name(),
            observation.digest().to_string(),
            observation.project().as_str(),
            observation.size().and_then(|size| i64::try_from(size).ok()),
            observation.uploaded(),
            observation.first_seen(),
        ],
    )
}

/// Remembers observations, all or none; gives how many of them are new.
pub(super) async fn add<E: Engine + ?Sized>(
    engine: &E,
    observations: &[Observation],
) -> Result<usize, StoreError> {
    let answers = engine.batch(observations.iter().map(adding).collect()).await?;
    Ok(answers.iter().map(Vec::len).sum())
}

/// The same, and the item is done: both or neither. Observations count also if the item is somebody
/// else's by now, since they were made.
pub(super) async fn add_and_finish<E: Engine + ?Sized>(
    engine: &E,
    observations: &[Observation],
    done: &Done<'_>,
) -> Result<usize, StoreError> {
    let mut statements: Vec<Statement> = observations.iter().map(adding).collect();
    statements.push(work::finishing(done));
    let answers = engine.batch(statements).await?;
    Ok(answers[..observations.len().min(answers.len())].iter().map(Vec::len).sum())
}

const COLUMNS: &str =
    "number, observer, file, digest, project, size, uploaded, first_seen, appended";

/// The oldest observations of an observer that no log acknowledged.
pub(super) async fn waiting<E: Engine + ?Sized>(
    engine: &E,
    observer: &Observer,
    limit: usize,
) -> Result<Vec<Waiting>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM observe_seen WHERE appended IS NULL AND observer = ?1 \
         ORDER BY number LIMIT ?2"
    );
    let rows = ask(engine, sql, values![observer.to_string(), limit]).await?;
    let read =
        |row: &Row| Ok(Waiting { number: row.number(0)?, observation: sighting(row)?.observation });
    rows.iter().map(read).collect()
}

/// A log has them.
pub(super) async fn appended<E: Engine + ?Sized>(
    engine: &E,
    numbers: &[i64],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mark = |number: &i64| {
        let sql = "UPDATE observe_seen SET appended = ?2 WHERE number = ?1 AND appended IS NULL";
        Statement::new(sql, values![*number, now])
    };
    engine.batch(numbers.iter().map(mark).collect()).await.map(drop)
}

/// Observations in the order in which they were made.
pub(super) async fn find<E: Engine + ?Sized>(
    engine: &E,
    search: &Search,
    limit: usize,
) -> Result<Vec<Sighting>, StoreError> {
    let (column, text) = search.column();
    let sql = format!(
        "SELECT {COLUMNS} FROM observe_seen WHERE {column} = ?1 \
         ORDER BY first_seen, number LIMIT ?2"
    );
    let rows = ask(engine, sql, values![text, limit]).await?;
    rows.iter().map(sighting).collect()
}

fn sighting(row: &Row) -> Result<Sighting, StoreError> {
    let fields = Fields {
        observer: row.parsed(1, Observer::parse)?,
        file: row.text(2)?,
        digest: row.parsed(3, Digest::parse)?,
        project: row.parsed(4, ProjectName::parse)?,
        size: row.optional_number(5)?.and_then(|size| u64::try_from(size).ok()),
        uploaded: row.optional_time(6)?,
        first_seen: row.time(7)?,
    };
    let observation = Observation::new(fields).map_err(|error| damaged(error.to_string()))?;
    Ok(Sighting { observation, appended: row.optional_time(8)? })
}
