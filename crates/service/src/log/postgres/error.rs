//! What the library and the server say, in our own words.
//!
//! Nothing that was sent is in a message: the server's main text names tables and limits, while its
//! "detail", which quotes values, is left out.

use tokio_postgres::error::SqlState;

use super::super::store::StoreError;

/// The longest reason that is passed on, in characters.
const LONGEST: usize = 300;

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(database) = error.as_db_error() else {
            // The connection: refused, broken, closed; or a value that has not the type we expect.
            let reason = innermost(&error);
            return if is_of_a_value(&error) {
                Self::Damaged { reason }
            } else {
                Self::Unreachable { reason }
            };
        };
        let reason: String = database.message().chars().take(LONGEST).collect();
        match database.code() {
            &SqlState::DISK_FULL => Self::Full,
            &SqlState::LOCK_NOT_AVAILABLE => Self::Locked,
            &SqlState::QUERY_CANCELED => Self::Unreachable { reason },
            &SqlState::READ_ONLY_SQL_TRANSACTION | &SqlState::INSUFFICIENT_PRIVILEGE => {
                Self::Unwritable { reason }
            }
            &SqlState::DATA_CORRUPTED | &SqlState::INDEX_CORRUPTED => Self::Damaged { reason },
            code => match code.code().get(..2) {
                // Connection, resources of the server, its stop or start, its disks.
                Some("08" | "53" | "57" | "58") => Self::Unreachable { reason },
                // Not let in.
                Some("28" | "3D") => Self::Unwritable { reason },
                _ => Self::Database { reason },
            },
        }
    }
}

/// Whether doing it again may help: the connection broke, or two transactions were in each other's way.
pub(super) fn is_transient(error: &tokio_postgres::Error) -> bool {
    match error.code() {
        None => !is_of_a_value(error),
        Some(&SqlState::T_R_DEADLOCK_DETECTED | &SqlState::T_R_SERIALIZATION_FAILURE) => true,
        // A statement that took too long takes as long again.
        Some(&SqlState::QUERY_CANCELED) => false,
        Some(code) => matches!(code.code().get(..2), Some("08" | "53" | "57")),
    }
}

fn is_of_a_value(error: &tokio_postgres::Error) -> bool {
    let text = error.to_string();
    text.starts_with("error deserializing") || text.starts_with("error serializing")
}

fn innermost(error: &tokio_postgres::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string().chars().take(LONGEST).collect()
}
