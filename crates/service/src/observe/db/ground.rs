//! What a disagreement is judged by, each part bounded: the releases that a repository may have
//! another digest of, everything that is said of one release, a whole lock, and what an index has in
//! common with others.

use countermark_packaging::name::ProjectName;

use super::engine::{Engine, Row, Statement, Value, ask, values};
use super::pins::{COLUMNS, PinnedAt, pinned};
use crate::log::store::StoreError;

/// A release: a project and a version in its normal form, which is empty where a lock names none.
pub type Release = (ProjectName, String);

/// The most pins of an index that are held against those of others.
const OF_ORIGIN: usize = 400;
/// So many others are asked for each of them: one of each index would do.
const OTHERS: usize = 4;

/// Releases of a repository of which it gives a digest without a file name, or somebody else does,
/// that stands where another place, or what an observer of ours saw, has another one; after one of them,
/// in order. A set that only grew is none of them.
pub(super) async fn replaced<E: Engine + ?Sized>(
    engine: &E,
    repository: &str,
    after: &(String, String),
    limit: usize,
) -> Result<Vec<Release>, StoreError> {
    // Two places hold each a digest that the other one lacks. Places are held against places, not pins
    // against pins: a release with sixty files is in as many pins of each place. PostgreSQL would make
    // joins of the conditions, and of them all pairs of pins; one with an offset it leaves as it is.
    let sql = "SELECT m.project, m.version FROM (SELECT DISTINCT p.project, p.version, p.place \
             FROM observe_places q JOIN observe_pins p ON p.place = q.id \
             WHERE q.repository = ?1 AND p.version <> '' \
             AND (p.project > ?2 OR (p.project = ?2 AND p.version > ?3))) m \
         WHERE EXISTS (SELECT 1 FROM (SELECT DISTINCT place FROM observe_pins \
                 WHERE project = m.project AND version = m.version AND place <> m.place) n \
             WHERE EXISTS (SELECT 1 FROM observe_pins p JOIN observe_pins o \
                 ON o.project = p.project AND o.version = p.version AND o.algorithm = p.algorithm \
                 WHERE p.project = m.project AND p.version = m.version AND p.place = m.place \
                 AND o.place = n.place AND (o.file = '' OR p.file = '') \
                 AND NOT EXISTS (SELECT 1 FROM observe_pins s WHERE s.project = m.project \
                     AND s.version = m.version AND s.place = n.place AND s.digest = p.digest{apart}) \
                 AND NOT EXISTS (SELECT 1 FROM observe_pins s WHERE s.project = m.project \
                     AND s.version = m.version AND s.place = m.place AND s.digest = o.digest{apart}) {apart})) \
         OR EXISTS (SELECT 1 FROM observe_pins p WHERE p.project = m.project \
             AND p.version = m.version AND p.place = m.place AND p.file = '' \
             AND EXISTS (SELECT 1 FROM observe_seen o WHERE o.project = p.project \
                 AND o.algorithm = p.algorithm) \
             AND NOT EXISTS (SELECT 1 FROM observe_seen o WHERE o.digest = p.digest) {apart}) \
         GROUP BY m.project, m.version ORDER BY m.project, m.version LIMIT ?4";
    let sql = sql.replace("{apart}", " LIMIT 1 OFFSET 0");
    let rows = ask(engine, sql, values![repository, &after.0, &after.1, limit]).await?;
    let release = |row: &Row| Ok((row.parsed(0, ProjectName::parse)?, row.text(1)?));
    rows.iter().map(release).collect()
}

/// What is said of a release: all that a repository says of it, and the newest of what anybody says.
pub(super) async fn of_release<E: Engine + ?Sized>(
    engine: &E,
    (project, version): &Release,
    repository: &str,
    limit: usize,
) -> Result<Vec<PinnedAt>, StoreError> {
    let own = "p.project = ?1 AND p.version = ?2 AND q.repository = ?3";
    let others = "p.project = ?1 AND p.version = ?2 AND q.repository <> ?3";
    let values = values![project.as_str(), version, repository];
    let statements = [own, others].map(|which| newest(which, &values, limit));
    gather(engine, statements.into()).await
}

/// The newest pins of a lock, of all of its releases.
pub(super) async fn of_lock<E: Engine + ?Sized>(
    engine: &E,
    repository: &str,
    path: &str,
    limit: usize,
) -> Result<Vec<PinnedAt>, StoreError> {
    let which = "q.repository = ?1 AND q.path = ?2";
    gather(engine, vec![newest(which, &values![repository, path], limit)]).await
}

/// Some pins of an index that a lock names, and what others say of the same files and digests: enough to
/// see whether it is a mirror.
pub(super) async fn of_origin<E: Engine + ?Sized>(
    engine: &E,
    origin: &str,
) -> Result<Vec<PinnedAt>, StoreError> {
    let which = "SELECT {COLUMNS} FROM observe_pins p JOIN observe_places q ON q.id = p.place \
                 WHERE p.origin = ?1 ORDER BY p.place DESC, p.file, p.digest LIMIT ?2";
    let which = which.replace("{COLUMNS}", COLUMNS);
    let mut found = gather(engine, vec![Statement::new(which, values![origin, OF_ORIGIN])]).await?;
    let other = |column: &str, text: &str| {
        let sql = format!(
            "SELECT {COLUMNS} FROM observe_pins p JOIN observe_places q ON q.id = p.place \
             WHERE p.{column} = ?1 AND p.origin <> ?2 LIMIT ?3"
        );
        Statement::new(sql, values![text, origin, OTHERS])
    };
    let mut asked: Vec<(&str, String)> = Vec::new();
    for PinnedAt { pin, .. } in &found {
        asked.push(("digest", pin.digest.to_string()));
        asked.extend(pin.file.clone().map(|file| ("file", file)));
    }
    asked.sort_unstable();
    asked.dedup();
    let others = asked.iter().map(|(column, text)| other(column, text)).collect();
    found.extend(gather(engine, others).await?);
    Ok(found)
}

/// What others say of files, a few pins of each.
pub(super) async fn of_files<E: Engine + ?Sized>(
    engine: &E,
    files: &[String],
    limit: usize,
) -> Result<Vec<PinnedAt>, StoreError> {
    let newest = |file: &String| newest("p.file = ?1", &values![file], limit);
    gather(engine, files.iter().map(newest).collect()).await
}

fn newest(which: &str, values: &[Value], limit: usize) -> Statement {
    let mut values = values.to_vec();
    values.push(limit.into());
    let last = values.len();
    let sql = format!(
        "SELECT {COLUMNS}, coalesce(q.at, 0) AS since FROM observe_pins p \
         JOIN observe_places q ON q.id = p.place WHERE {which} \
         ORDER BY since DESC, q.repository, q.path, q.revision, p.file, p.digest LIMIT ?{last}"
    );
    Statement::new(sql, values)
}

async fn gather<E: Engine + ?Sized>(
    engine: &E,
    statements: Vec<Statement>,
) -> Result<Vec<PinnedAt>, StoreError> {
    if statements.is_empty() {
        return Ok(Vec::new());
    }
    let answers = engine.batch(statements).await?;
    answers.iter().flatten().map(pinned).collect()
}
