//! The observatory in an embedded database: one file, one connection, one writer at a time.
//!
//! Statements run in a thread for blocking work, so that nothing else of the process waits for the disk.
//! Every transaction takes the write lock first, so that what it reads is what it then changes; that
//! is what makes taking work safe between processes without rows that are skipped.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql, TransactionBehavior};

use super::engine::{Engine, Row, Rows, Statement, Value};
use super::schema;
use crate::log::store::StoreError;

/// "cmob": whose file this is (SQLite, `PRAGMA application_id`).
const OURS: i32 = 0x636d_6f62;
/// "cmlo": a log's, in which our tables may stand too.
const LOG: i32 = 0x636d_6c6f;

/// How long one process waits for another's transaction.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many KiB of the file are kept in memory: pins of a lock go all over the indexes.
const CACHE: i32 = 32 * 1024;
/// How many statements are kept compiled: more than there are.
const STATEMENTS: usize = 64;

/// An open file.
#[derive(Clone, Debug)]
pub struct Sqlite {
    connection: Arc<Mutex<Connection>>,
}

impl Sqlite {
    /// Opens the file, and makes it and its tables where there are none. What we make is ours alone: pins
    /// name the repositories, paths and commits of others, which may be private.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        // Without URIs, so that a path is a path whatever it looks like.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        if !path.exists() {
            make_private(path);
        }
        let mut connection = Connection::open_with_flags(path, flags).map_err(fault)?;
        connection.busy_timeout(PATIENCE).map_err(fault)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // Plans do not depend on values; without this statements are compiled anew for some values.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(fault)?;
        // FULL: what was committed is on the disk before a message goes out.
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
                 PRAGMA temp_store = MEMORY;",
            )
            .map_err(fault)?;
        // Negative: kibibytes instead of pages.
        connection.pragma_update(None, "cache_size", -CACHE).map_err(fault)?;
        migrate(&mut connection)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
    }
}

/// An empty file that nobody else reads; SQLite gives its journal the same mode. Where that does not work,
/// opening says why.
fn make_private(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Ok(file) = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))) {
        // Somebody who is faster made it.
        let _ = file.persist_noclobber(path);
    }
}

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fault)?;
    let application: i32 =
        transaction.query_row("PRAGMA application_id", [], |row| row.get(0)).map_err(fault)?;
    let tables: i64 = transaction
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(fault)?;
    match application {
        OURS | LOG => {}
        _ if tables > 0 => return Err(StoreError::Foreign),
        _ => transaction.pragma_update(None, "application_id", OURS).map_err(fault)?,
    }
    transaction.execute_batch(schema::PREPARE).map_err(fault)?;
    let version: i64 = transaction
        .query_row("SELECT coalesce(max(version), 0) FROM observe_version", [], |row| row.get(0))
        .map_err(fault)?;
    if version > schema::VERSION {
        return Err(StoreError::Newer { found: version, known: schema::VERSION });
    }
    let done = usize::try_from(version).unwrap_or(0);
    for statement in schema::MIGRATIONS.iter().skip(done).flat_map(|migration| migration.iter()) {
        let statement = statement.replace("{id}", "INTEGER PRIMARY KEY AUTOINCREMENT");
        transaction.execute_batch(&statement).map_err(fault)?;
    }
    if version < schema::VERSION {
        transaction
            .execute("INSERT INTO observe_version VALUES (?1)", [schema::VERSION])
            .map_err(fault)?;
    }
    transaction.commit().map_err(fault)
}

#[async_trait]
impl Engine for Sqlite {
    async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Rows>, StoreError> {
        let connection = Arc::clone(&self.connection);
        let work = tokio::task::spawn_blocking(move || {
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            run(&mut connection, &statements)
        });
        work.await.map_err(|_| StoreError::Closed)?
    }
}

fn run(connection: &mut Connection, statements: &[Statement]) -> Result<Vec<Rows>, StoreError> {
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fault)?;
    let mut answers = Vec::with_capacity(statements.len());
    for statement in statements {
        let sql = statement.sql.replace("{skip_locked}", "");
        let mut prepared = transaction.prepare_cached(&sql).map_err(fault)?;
        let columns = prepared.column_count();
        let given = rusqlite::params_from_iter(statement.values.iter());
        let mut found = prepared.query(given).map_err(fault)?;
        let mut rows = Rows::new();
        while let Some(row) = found.next().map_err(fault)? {
            let read = |column| row.get_ref(column).map_err(fault).and_then(value);
            rows.push(Row((0..columns).map(read).collect::<Result<_, _>>()?));
        }
        answers.push(rows);
    }
    transaction.commit().map_err(fault)?;
    Ok(answers)
}

fn value(found: ValueRef<'_>) -> Result<Value, StoreError> {
    match found {
        ValueRef::Null => Ok(Value::Nothing),
        ValueRef::Integer(number) => Ok(Value::Number(number)),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Ok(Value::Text(text.to_owned())),
            Err(error) => Err(super::engine::damaged(error.to_string())),
        },
        ValueRef::Real(_) | ValueRef::Blob(_) => {
            Err(super::engine::damaged("a value that nobody wrote".to_owned()))
        }
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Number(number) => ToSqlOutput::from(*number),
            Self::Text(text) => ToSqlOutput::from(text.as_str()),
            Self::Nothing => ToSqlOutput::from(rusqlite::types::Null),
        })
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the form that `map_err` takes")]
fn fault(error: rusqlite::Error) -> StoreError {
    let reason = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full,
        Some(
            ErrorCode::ReadOnly
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::SystemIoFailure,
        ) => StoreError::Unwritable { reason },
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Damaged { reason }
        }
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::FileLockingProtocolFailed,
        ) => StoreError::Locked,
        _ => StoreError::Database { reason },
    }
}
