//! What a witness cosigned last, for each log: one row, replaced in the transaction that decided.
//!
//! SQLite with `synchronous = FULL`: a transaction that returned is on disk. `BEGIN IMMEDIATE` takes the
//! only right to write before the row is read, so two requests, or two processes on one file, decide one
//! after the other.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use countermark_trust::Class;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

/// "cmwi": whose file this is.
const APPLICATION: i64 = 0x636d_7769;
const VERSION: i64 = 1;

/// How long a transaction of another process is waited for.
const BUSY: Duration = Duration::from_secs(5);

/// The state of a witness. A clone is the same one.
#[derive(Clone, Debug)]
pub struct State {
    connection: Arc<Mutex<Connection>>,
}

/// Why the state cannot be used. No cosignature leaves then.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The database said no.
    #[error("the state of the witness: {0}")]
    Database(#[from] rusqlite::Error),
    /// It is the database of another program.
    #[error("it is the database of another program")]
    Foreign,
    /// It was written by a newer version.
    #[error("it has version {found}, expected {VERSION} or less")]
    Newer {
        /// Its version.
        found: i64,
    },
}

impl StateError {
    /// Who is at fault, and so the exit code.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Database(_) => Class::Unavailable,
            Self::Foreign | Self::Newer { .. } => Class::Usage,
        }
    }
}

/// What is known of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latest {
    /// The log.
    pub origin: String,
    /// The size that was cosigned.
    pub size: u64,
    /// The whole note, with the cosignature.
    pub note: String,
}

/// What a decision comes to.
#[derive(Debug)]
pub enum Decided<T> {
    /// Keep this note, durably, and then give the value out.
    Keep {
        /// Its size.
        size: u64,
        /// The note with the cosignature.
        note: String,
        /// What is given out.
        then: T,
    },
    /// Change nothing.
    Leave(T),
}

impl State {
    /// Opens the file; makes it only if `is_new`, since a witness without its state contradicts itself.
    ///
    /// # Errors
    /// See [`StateError`].
    pub fn open(path: &Path, is_new: bool) -> Result<Self, StateError> {
        let mut flags =
            rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
        if is_new {
            flags |= rusqlite::OpenFlags::SQLITE_OPEN_CREATE;
        }
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY)?;
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
        migrate(&mut connection)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A transaction that panicked was rolled back when it was dropped.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides about a log with what is known of it, and keeps what was decided, in one transaction.
    ///
    /// # Errors
    /// See [`StateError`]; then nothing may leave that rests on the decision.
    pub fn decide<T>(
        &self,
        origin: &str,
        decide: impl FnOnce(Option<Latest>) -> Decided<T>,
    ) -> Result<T, StateError> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let latest = read(&transaction, "origin = ?1", origin)?;
        match decide(latest) {
            Decided::Leave(value) => Ok(value),
            Decided::Keep { size, note, then } => {
                let changed = transaction.execute(
                    "INSERT INTO latest (origin, hash, size, note) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (origin) DO UPDATE SET size = excluded.size, note = excluded.note
                     WHERE excluded.size >= latest.size",
                    (origin, origin_hash(origin), size, note),
                )?;
                // One row, or the size would have become less, which nobody may decide.
                if changed != 1 {
                    return Err(rusqlite::Error::StatementChangedRows(changed).into());
                }
                transaction.commit()?;
                Ok(then)
            }
        }
    }

    /// What was cosigned last of the log whose origin has this SHA-256, in lower-case hex.
    ///
    /// # Errors
    /// See [`StateError`].
    pub fn latest_by_hash(&self, hash: &str) -> Result<Option<Latest>, StateError> {
        Ok(read(&self.lock(), "hash = ?1", hash)?)
    }

    /// Everything, by origin.
    ///
    /// # Errors
    /// See [`StateError`].
    pub fn all(&self) -> Result<Vec<Latest>, StateError> {
        let connection = self.lock();
        let mut statement =
            connection.prepare("SELECT origin, size, note FROM latest ORDER BY origin")?;
        let rows = statement.query_map([], row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether it answers.
    ///
    /// # Errors
    /// See [`StateError`].
    pub fn probe(&self) -> Result<(), StateError> {
        Ok(self.lock().query_row("SELECT count(*) FROM latest", [], |_| Ok(()))?)
    }
}

fn read(connection: &Connection, filter: &str, value: &str) -> rusqlite::Result<Option<Latest>> {
    let sql = format!("SELECT origin, size, note FROM latest WHERE {filter}");
    connection.prepare_cached(&sql)?.query_row([value], row).optional()
}

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Latest> {
    Ok(Latest { origin: row.get(0)?, size: row.get(1)?, note: row.get(2)? })
}

/// The name of a log in the addresses of a witness.
#[must_use]
pub fn origin_hash(origin: &str) -> String {
    use sha2::Digest as _;
    let digest: [u8; 32] = sha2::Sha256::digest(origin).into();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn migrate(connection: &mut Connection) -> Result<(), StateError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let pragma = |name: &str| -> rusqlite::Result<i64> {
        transaction.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
    };
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    let tables: i64 =
        transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application != APPLICATION && (application != 0 || tables > 0) {
        return Err(StateError::Foreign);
    }
    if version > VERSION {
        return Err(StateError::Newer { found: version });
    }
    if version < 1 {
        transaction.execute_batch(&format!(
            "CREATE TABLE latest (
                 origin TEXT NOT NULL PRIMARY KEY,
                 hash TEXT NOT NULL UNIQUE,
                 size INTEGER NOT NULL CHECK (size >= 0),
                 note TEXT NOT NULL
             ) STRICT;
             PRAGMA application_id = {APPLICATION};
             PRAGMA user_version = {VERSION};"
        ))?;
    }
    Ok(transaction.commit()?)
}
