//! Pins that projects publish, each with where it stands.

use countermark_packaging::digest::Digest;
use countermark_packaging::name::ProjectName;
use jiff::Timestamp;

use super::engine::{Engine, Row, Statement, ask, values};
use crate::log::store::StoreError;

/// Where a pin stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PinPlace {
    /// An address without a password, or a folder.
    pub repository: String,
    /// The file in it.
    pub path: String,
    /// The commit that wrote it so; empty outside of a history.
    pub revision: String,
    /// The name of the lock's format.
    pub format: String,
    /// When that was.
    pub at: Option<Timestamp>,
}

/// A digest that a lock asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The project.
    pub project: ProjectName,
    /// Its version in its normal form, where the lock names one.
    pub version: Option<String>,
    /// From where the lock takes it: a word of [`countermark_lock::observe`].
    pub origin: String,
    /// The file, where the lock names one.
    pub file: Option<String>,
    /// The digest.
    pub digest: Digest,
    /// The line of the lock.
    pub line: u32,
}

/// A pin and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinnedAt {
    /// What is pinned.
    pub pin: Pin,
    /// Where.
    pub place: PinPlace,
}

/// By what pins, observations and alarms are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Search {
    /// Everything of a project.
    Project(ProjectName),
    /// One file name.
    File(String),
    /// One digest.
    Digest(Digest),
}

impl Search {
    /// The column, and the text that it must have.
    pub(super) fn column(&self) -> (&'static str, String) {
        match self {
            Self::Project(name) => ("project", name.to_string()),
            Self::File(file) => ("file", file.clone()),
            Self::Digest(digest) => ("digest", digest.to_string()),
        }
    }
}

/// Statements that remember the pins of one place. Doing it again changes nothing.
fn adding(place: &PinPlace, pins: &[Pin]) -> Vec<Statement> {
    let PinPlace { repository, path, revision, format, at } = place;
    let mut statements = vec![Statement::new(
        "INSERT INTO observe_places (repository, path, revision, format, at) \
         VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (repository, path, revision) DO NOTHING",
        values![repository, path, revision, format, *at],
    )];
    statements.extend(pins.iter().map(|pin| {
        Statement::new(
            "INSERT INTO observe_pins (file, algorithm, digest, project, version, line, origin, place) \
             SELECT ?1, ?2, ?3, ?4, ?5, CAST(?6 AS BIGINT), ?10, id FROM observe_places \
             WHERE repository = ?7 AND path = ?8 AND revision = ?9 \
             ON CONFLICT (place, project, version, origin, file, digest) DO NOTHING",
            values![
                pin.file.as_deref().unwrap_or(""),
                pin.digest.algorithm().name(),
                pin.digest.to_string(),
                pin.project.as_str(),
                pin.version.as_deref().unwrap_or(""),
                pin.line,
                repository,
                path,
                revision,
                &pin.origin,
            ],
        )
    }));
    statements
}

/// Remembers the pins of one place, all or none.
pub(super) async fn add<E: Engine + ?Sized>(
    engine: &E,
    place: &PinPlace,
    pins: &[Pin],
) -> Result<(), StoreError> {
    engine.batch(adding(place, pins)).await.map(drop)
}

/// Forgets a repository: it was taken down, or is not looked at any more.
pub(super) async fn forget<E: Engine + ?Sized>(
    engine: &E,
    repository: &str,
) -> Result<(), StoreError> {
    let pins = "DELETE FROM observe_pins WHERE place IN \
                (SELECT id FROM observe_places WHERE repository = ?1)";
    let places = "DELETE FROM observe_places WHERE repository = ?1";
    let both = [pins, places].map(|sql| Statement::new(sql, values![repository]));
    engine.batch(both.into()).await.map(drop)
}

pub(super) const COLUMNS: &str = "p.project, p.version, p.file, p.digest, p.line, q.repository, q.path, \
                       q.revision, q.format, q.at, p.origin";

/// Pins, the newest first. The same digest at the same path is given once for each commit.
pub(super) async fn find<E: Engine + ?Sized>(
    engine: &E,
    search: &Search,
    limit: usize,
) -> Result<Vec<PinnedAt>, StoreError> {
    let (column, text) = search.column();
    let sql = format!(
        "SELECT {COLUMNS}, coalesce(q.at, 0) AS since FROM observe_pins p JOIN observe_places q ON q.id = p.place \
         WHERE p.{column} = ?1 \
         ORDER BY since DESC, q.repository, q.path, q.revision, p.file, p.digest LIMIT ?2"
    );
    let rows = ask(engine, sql, values![text, limit]).await?;
    rows.iter().map(pinned).collect()
}

/// Files of a repository for which somebody, an observer of ours or another place, has another digest of
/// the same algorithm; after one of them, in order.
pub(super) async fn disputed<E: Engine + ?Sized>(
    engine: &E,
    repository: &str,
    after: &str,
    limit: usize,
) -> Result<Vec<String>, StoreError> {
    let other = |table: &str| {
        format!(
            "EXISTS (SELECT 1 FROM {table} o WHERE o.file = p.file \
             AND o.algorithm = p.algorithm AND o.digest <> p.digest)"
        )
    };
    let sql = format!(
        "SELECT p.file FROM observe_pins p JOIN observe_places q ON q.id = p.place \
         WHERE q.repository = ?1 AND p.file > ?2 AND ({} OR {}) \
         GROUP BY p.file ORDER BY p.file LIMIT ?3",
        other("observe_pins"),
        other("observe_seen")
    );
    let rows = ask(engine, sql, values![repository, after, limit]).await?;
    rows.iter().map(|row| row.text(0)).collect()
}

pub(super) async fn projects<E: Engine + ?Sized>(
    engine: &E,
    after: &str,
    limit: usize,
) -> Result<Vec<ProjectName>, StoreError> {
    let sql = "SELECT project FROM observe_pins WHERE project > ?1 \
               GROUP BY project ORDER BY project LIMIT ?2";
    let rows = ask(engine, sql.to_owned(), values![after, limit]).await?;
    rows.iter().map(|row| row.parsed(0, ProjectName::parse)).collect()
}

pub(super) fn pinned(row: &Row) -> Result<PinnedAt, StoreError> {
    let version = row.text(1)?;
    let file = row.text(2)?;
    let pin = Pin {
        project: row.parsed(0, ProjectName::parse)?,
        version: (!version.is_empty()).then_some(version),
        origin: row.text(10)?,
        file: (!file.is_empty()).then_some(file),
        digest: row.parsed(3, Digest::parse)?,
        line: u32::try_from(row.number(4)?).unwrap_or(u32::MAX),
    };
    let place = PinPlace {
        repository: row.text(5)?,
        path: row.text(6)?,
        revision: row.text(7)?,
        format: row.text(8)?,
        at: row.optional_time(9)?,
    };
    Ok(PinnedAt { pin, place })
}
