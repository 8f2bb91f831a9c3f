//! What SQLite says, as the store says it.

use rusqlite::ErrorCode;

pub(super) use crate::log::store::StoreError;

/// The same error in the words of the store.
#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`, without a closure")]
pub(super) fn of(error: rusqlite::Error) -> StoreError {
    let reason = error.to_string();
    let Some(code) = error.sqlite_error_code() else {
        return match error {
            // A row that has not the form that we wrote.
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..) => StoreError::Damaged { reason },
            _ => StoreError::Database { reason },
        };
    };
    match code {
        ErrorCode::DiskFull => StoreError::Full,
        ErrorCode::ReadOnly
        | ErrorCode::CannotOpen
        | ErrorCode::PermissionDenied
        | ErrorCode::SystemIoFailure => StoreError::Unwritable { reason },
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Damaged { reason },
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::FileLockingProtocolFailed => StoreError::Locked,
        _ => StoreError::Database { reason },
    }
}
