//! The tables, version by version. A migration is never changed after it was released; new ones are
//! added at the end.
//!
//! What a record costs must not grow with their number. So the order of arrival is the order of the table,
//! ids have no gaps, and the place of a row in the tree is its id less one: sequencing a million rows
//! writes one row of `heads` and touches no record. The indexes hold integers: `by_file` is ordered so that
//! the files of a project, which arrive together, stand together ([`super::key`]), and `by_digest`, whose
//! order is random by nature, is written in sorted runs.

use rusqlite::{Connection, TransactionBehavior};

use super::error::StoreError;

/// "cmlo": whose file this is (SQLite, `PRAGMA application_id`).
pub(super) const APPLICATION: i32 = 0x636d_6c6f;

/// Each brings the database from the version of its position to the next.
const MIGRATIONS: &[&str] = &["
    -- Times are seconds since 1970, in UTC.
    CREATE TABLE observers (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE projects (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
    -- Ids are 1, 2, 3 and so on; row n has the place n - 1 as soon as a head is that large.
    CREATE TABLE records (
        id INTEGER PRIMARY KEY,
        project INTEGER NOT NULL REFERENCES projects (id),
        file TEXT NOT NULL,
        algorithm INTEGER NOT NULL,
        digest BLOB NOT NULL,
        size INTEGER,
        uploaded INTEGER,
        observer INTEGER NOT NULL REFERENCES observers (id),
        first_seen INTEGER NOT NULL
    ) STRICT;
    -- One row each a record. That file, digest and observer are unique is held by the transaction that
    -- writes: it looks here first, and there is one writer at a time.
    CREATE TABLE by_file (
        key INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (key, id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE by_project (
        project INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (project, id)
    ) STRICT, WITHOUT ROWID;
    -- One row each a record of a run that is complete.
    CREATE TABLE by_digest (
        run INTEGER NOT NULL, key INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (run, key, id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE heads (
        size INTEGER PRIMARY KEY, root BLOB NOT NULL, at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE alarms (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        project INTEGER NOT NULL REFERENCES projects (id),
        first INTEGER NOT NULL REFERENCES records (id),
        second INTEGER NOT NULL REFERENCES records (id)
    ) STRICT;
    CREATE INDEX alarms_by_project ON alarms (project, id);
    -- At most one row each.
    CREATE TABLE published (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        size INTEGER NOT NULL, at INTEGER NOT NULL, note TEXT NOT NULL
    ) STRICT;
    CREATE TABLE lease (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        holder TEXT NOT NULL, term INTEGER NOT NULL, until INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE about (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
"];

/// The version that this program writes.
pub(super) const VERSION: usize = MIGRATIONS.len();

/// Brings a database to [`VERSION`], in one transaction; a new file gets all tables.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(super::error::of)?;
    let number = |name: &str| {
        let sql = format!("PRAGMA {name}");
        transaction.query_row(&sql, [], |row| row.get::<_, i32>(0)).map_err(super::error::of)
    };
    let (application, version) = (number("application_id")?, number("user_version")?);
    let tables: i64 = transaction
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(super::error::of)?;
    if application != APPLICATION && tables > 0 {
        return Err(StoreError::Foreign);
    }
    let known = i64::try_from(VERSION).unwrap_or(i64::MAX);
    let Some(missing) = usize::try_from(version).ok().and_then(|it| MIGRATIONS.get(it..)) else {
        return Err(StoreError::Newer { found: i64::from(version), known });
    };
    for migration in missing {
        transaction.execute_batch(migration).map_err(super::error::of)?;
    }
    let sql = format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION};");
    transaction.execute_batch(&sql).map_err(super::error::of)?;
    transaction.commit().map_err(super::error::of)
}
