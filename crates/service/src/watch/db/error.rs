//! Why a state cannot be used.

use countermark_trust::Class;
use rusqlite::ErrorCode;

/// Why a state cannot be opened, read or written. Which file it is says whoever shows it.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another watcher holds it.
    #[error("another `countermark watch` works with it")]
    Locked,
    /// It cannot be opened or written.
    #[error("it cannot be opened or written: {reason}")]
    Unwritable {
        /// From the system or the database.
        reason: String,
    },
    /// There is no room.
    #[error("the disk is full")]
    Full,
    /// It is damaged, or not a database.
    #[error("it is damaged: {reason}")]
    Damaged {
        /// What was seen.
        reason: String,
    },
    /// It is a database of another program.
    #[error("it is the database of another program")]
    Foreign,
    /// It was written by a newer version.
    #[error("it has version {found}, expected {known} or less")]
    Newer {
        /// Its version.
        found: usize,
        /// Ours.
        known: usize,
    },
    /// The database said no for another reason.
    #[error("the database said: {0}")]
    Database(rusqlite::Error),
}

impl StateError {
    /// Who is at fault, and so the exit code.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Foreign | Self::Newer { .. } => Class::Usage,
            Self::Locked
            | Self::Unwritable { .. }
            | Self::Full
            | Self::Damaged { .. }
            | Self::Database(_) => Class::Unavailable,
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Locked => Some("stop the other one, or give this one a `state` of its own"),
            Self::Unwritable { .. } => {
                Some("look at the folder of `state`, its owner and its mode")
            }
            Self::Full => Some("free some space; nothing was lost, and the next run goes on"),
            Self::Damaged { .. } => Some(
                "put a copy back, or move it away: a new state is made, and everything that is found is told once more",
            ),
            Self::Foreign => Some("name another file in `state`"),
            Self::Newer { .. } => Some("use the newer version of countermark"),
            Self::Database(_) => None,
        }
    }
}

impl From<rusqlite::Error> for StateError {
    fn from(error: rusqlite::Error) -> Self {
        let Some(code) = error.sqlite_error_code() else {
            return match error {
                // A row that has not the form that we wrote.
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::IntegralValueOutOfRange(..) => {
                    Self::Damaged { reason: error.to_string() }
                }
                error => Self::Database(error),
            };
        };
        let reason = error.to_string();
        match code {
            ErrorCode::DiskFull => Self::Full,
            ErrorCode::ReadOnly
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::SystemIoFailure => Self::Unwritable { reason },
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Self::Damaged { reason },
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::FileLockingProtocolFailed => Self::Locked,
            _ => Self::Database(error),
        }
    }
}
