//! The tables, version by version. A migration is never changed after it was released; new ones are
//! added at the end.
//!
//! Records are inserted and never changed: a row that is updated would be written again into each of
//! its indexes. So the place of a record is a row of another table, and what has no place yet stands in
//! a third one, which stays small. No column refers to another table by a foreign key where each row
//! would be checked while loading; `inspect` looks for what leads nowhere.

use super::pool::{Failure, Pool};
use crate::log::store::StoreError;

/// Where the tables of a log are within the database.
pub(super) const SCHEMA: &str = "countermark_log";

/// Each brings the tables from the version of its position to the next.
pub(super) const MIGRATIONS: &[&str] = &["
    -- Ids come in blocks, one for each submission, so that nobody asks for them one by one.
    CREATE SEQUENCE record_blocks INCREMENT BY 32768 MINVALUE 1 START 1;
    CREATE TABLE observers (
        id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        -- With its kind: `index:example.org`.
        name text COLLATE \"C\" NOT NULL UNIQUE
    );
    CREATE TABLE projects (
        id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        name text COLLATE \"C\" NOT NULL UNIQUE
    );
    -- Times are seconds since 1970, in UTC. Digests begin with the number of their algorithm.
    CREATE TABLE records (
        id bigint PRIMARY KEY,
        size bigint,
        uploaded bigint,
        first_seen bigint NOT NULL,
        project integer NOT NULL,
        observer integer NOT NULL,
        file text COLLATE \"C\" NOT NULL,
        digest bytea NOT NULL,
        CONSTRAINT records_key UNIQUE (file, digest, observer)
    );
    CREATE INDEX records_digest ON records (digest);
    CREATE INDEX records_project ON records (project);
    CREATE TABLE pending (record bigint PRIMARY KEY);
    CREATE TABLE places (place bigint PRIMARY KEY, record bigint NOT NULL UNIQUE);
    -- A size has one row, so it has one root.
    CREATE TABLE heads (
        size bigint PRIMARY KEY,
        root bytea NOT NULL CHECK (octet_length(root) = 32),
        at bigint NOT NULL
    );
    CREATE TABLE alarms (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        -- In milliseconds.
        at bigint NOT NULL,
        project integer NOT NULL,
        first bigint NOT NULL REFERENCES records,
        second bigint NOT NULL REFERENCES records
    );
    CREATE INDEX alarms_project ON alarms (project, id);
    -- One row each.
    CREATE TABLE lead (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        holder text,
        term bigint NOT NULL,
        -- In milliseconds.
        until bigint NOT NULL
    );
    INSERT INTO lead (term, until) VALUES (0, 0);
    CREATE TABLE published (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        size bigint NOT NULL,
        at bigint NOT NULL,
        note text NOT NULL
    );
    CREATE TABLE pruned (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        size bigint NOT NULL
    );
    INSERT INTO pruned (size) VALUES (0);
"];

/// Brings the tables of one schema to the newest version, in one transaction, under a lock that
/// other processes wait for which do the same.
///
/// # Errors
/// [`StoreError::Newer`] when a newer program was here.
pub async fn migrate(
    pool: &Pool,
    schema: &'static str,
    migrations: &[&str],
) -> Result<(), StoreError> {
    pool.persist(|| try_migrate(pool, schema, migrations)).await
}

async fn try_migrate(
    pool: &Pool,
    schema: &'static str,
    migrations: &[&str],
) -> Result<(), Failure> {
    let mut lent = pool.get().await?;
    lent.begin().await?;
    let client = lent.client()?;
    client.execute("SELECT pg_advisory_xact_lock(hashtext($1))", &[&schema]).await?;
    // A role that may use tables and not make any is enough once they are there.
    let present = "SELECT to_regclass(format('%I.version', $1::text)) IS NOT NULL";
    if !client.query_one(present, &[&schema]).await?.try_get::<_, bool>(0)? {
        client
            .batch_execute(&format!(
                "CREATE SCHEMA IF NOT EXISTS \"{schema}\"; \
                 CREATE TABLE \"{schema}\".version (version bigint NOT NULL); \
                 INSERT INTO \"{schema}\".version VALUES (0)"
            ))
            .await?;
    }
    let row = client.query_one("SELECT version FROM version", &[]).await?;
    let (found, known) = (row.try_get::<_, i64>(0)?, migrations.len() as i64);
    if found > known {
        return Err(StoreError::Newer { found, known }.into());
    }
    for migration in migrations.iter().skip(usize::try_from(found).unwrap_or(usize::MAX)) {
        client.batch_execute(migration).await?;
    }
    if found < known {
        client.execute("UPDATE version SET version = $1", &[&known]).await?;
    }
    lent.commit().await
}
