//! A database by its address: a server of PostgreSQL, or a file.

use std::path::Path;
use std::sync::Arc;

use countermark_client::credentials::Secret;
use countermark_trust::Class;

use super::Observatory;
use super::postgres::Postgres;
use super::sqlite::Sqlite;
use crate::log::postgres::settings::{Settings, SettingsError};
use crate::log::store::StoreError;

/// Why a database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database says no.
    #[error("the database of the observatory: {0}")]
    Store(#[from] StoreError),
    /// Its address.
    #[error(transparent)]
    Settings(#[from] SettingsError),
}

impl OpenError {
    /// Who is at fault, and so the exit code.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Store(error) => error.class(),
            Self::Settings(error) => error.class(),
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Settings(error) => error.hint(),
        }
    }
}

/// Opens the database: the address of a server, or the path of a file that is made if absent. The
/// password of a server never stands in its address.
///
/// # Errors
/// See [`OpenError`].
pub async fn open(
    address: &str,
    password: Option<&Secret>,
) -> Result<Arc<dyn Observatory>, OpenError> {
    if Settings::is_address(address) {
        let settings = Settings::parse(address, password, None)?;
        return Ok(Arc::new(Postgres::open(settings).await?));
    }
    Ok(Arc::new(Sqlite::open(Path::new(address))?))
}
