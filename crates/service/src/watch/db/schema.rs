//! The tables, version by version. A migration is never changed after it was released; new ones are
//! added at the end.

use rusqlite::{Connection, TransactionBehavior};

use super::StateError;

/// "cmwa": whose file this is (SQLite, `PRAGMA application_id`).
pub(super) const APPLICATION: i32 = 0x636d_7761;

/// Each brings the state from the version of its position to the next.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    -- Times are milliseconds since 1970, in UTC.
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY,
        started INTEGER NOT NULL,
        ended INTEGER NOT NULL,
        asked INTEGER NOT NULL,
        unread INTEGER NOT NULL,
        changes INTEGER NOT NULL,
        requests INTEGER NOT NULL,
        unchanged INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        error TEXT
    ) STRICT;
    CREATE TABLE findings (
        key TEXT PRIMARY KEY,
        severity TEXT NOT NULL,
        body TEXT NOT NULL,
        first_seen INTEGER NOT NULL,
        last_seen INTEGER NOT NULL,
        gone_at INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE projects (
        name TEXT PRIMARY KEY,
        page_due INTEGER NOT NULL,
        roles_due INTEGER NOT NULL,
        failures INTEGER NOT NULL,
        unread_since INTEGER,
        unread_reason TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE facts (
        name TEXT PRIMARY KEY,
        serial INTEGER,
        read_at INTEGER NOT NULL,
        line TEXT NOT NULL
    ) STRICT;
    CREATE TABLE outbox (
        id TEXT NOT NULL,
        destination TEXT NOT NULL,
        at INTEGER NOT NULL,
        subject TEXT NOT NULL,
        text TEXT NOT NULL,
        json TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        next_attempt INTEGER NOT NULL,
        last_error TEXT,
        delivered_at INTEGER,
        PRIMARY KEY (id, destination)
    ) STRICT;
    CREATE INDEX outbox_pending ON outbox (next_attempt) WHERE delivered_at IS NULL;
    CREATE INDEX outbox_latest ON outbox (destination, at);
"];

/// The version that this program writes.
pub(super) const VERSION: usize = MIGRATIONS.len();

/// Brings a state to [`VERSION`], in one transaction; a new file gets all tables.
pub(super) fn migrate(connection: &mut Connection, instance: &str) -> Result<(), StateError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let number = |name: &str| {
        transaction.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i32>(0))
    };
    let (application, version) = (number("application_id")?, number("user_version")?);
    let tables: i64 =
        transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application != APPLICATION && tables > 0 {
        return Err(StateError::Foreign);
    }
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    if version > VERSION {
        return Err(StateError::Newer { found: version, known: VERSION });
    }
    for migration in &MIGRATIONS[version..] {
        transaction.execute_batch(migration)?;
    }
    if version == 0 {
        transaction.execute("INSERT INTO about VALUES ('instance', ?1)", [instance])?;
    }
    transaction.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION};"
    ))?;
    // A write each time, so that a state that cannot be written is known before anything is asked.
    transaction.execute(
        "INSERT INTO about VALUES ('opened', '1') ON CONFLICT (name) DO UPDATE SET value = value + 1",
        [],
    )?;
    transaction.commit()?;
    Ok(())
}
