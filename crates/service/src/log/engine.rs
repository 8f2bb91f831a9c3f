//! Which engines a configuration asks for, opened.
//!
//! An address selects the engine: `postgres://…` or `host=…` is a server, anything else a file;
//! `s3://…` is a bucket, anything else a folder. Secrets are read here and stay in the connection.

use std::sync::Arc;

use countermark_client::credentials::Secret;
use countermark_client::http::Client;
use countermark_trust::Class;

use super::config::{Bucket, Database, Storage, Tiles};
use super::objects::{Keys, ObjectSettings, ObjectSettingsError, ObjectTiles};
use super::postgres::PostgresStore;
use super::postgres::settings::{Settings, SettingsError};
use super::sqlite::{self, SqliteLog};
use super::store::{LogStore, StoreError};
use super::tiles::{DirectoryTiles, TileError, TileStore};
use crate::observe::db::Observatory;
use crate::observe::db::postgres::Postgres;
use crate::observe::db::sqlite::Sqlite;
use crate::watch::secret::{SecretError, SecretSource};

/// The variables that clients of PostgreSQL and of S3 agree on, where the configuration names none.
const PASSWORD: &str = "PGPASSWORD";
const ACCESS_KEY: &str = "AWS_ACCESS_KEY_ID";
const SECRET_KEY: &str = "AWS_SECRET_ACCESS_KEY";
const TOKEN: &str = "AWS_SESSION_TOKEN";

/// What a log works with.
pub type Engines = (Arc<dyn LogStore>, Arc<dyn TileStore>);

/// Why the engines cannot be opened. No message shows a secret.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The database.
    #[error("the database cannot be opened: {0}")]
    Store(#[from] StoreError),
    /// The address of the database.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The public files.
    #[error("the public files cannot be opened: {0}")]
    Tiles(#[from] TileError),
    /// The address of the bucket.
    #[error(transparent)]
    Objects(#[from] ObjectSettingsError),
    /// A secret.
    #[error("the {what} cannot be read: {source}")]
    Secret {
        /// Which.
        what: &'static str,
        /// Why.
        source: SecretError,
    },
}

impl EngineError {
    /// Who is at fault, and so the exit code.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Store(error) => error.class(),
            Self::Settings(error) => error.class(),
            Self::Tiles(error) => error.class(),
            Self::Objects(error) => error.class(),
            Self::Secret { .. } => Class::Usage,
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Settings(error) => error.hint(),
            Self::Tiles(_) | Self::Objects(_) => None,
            Self::Secret { .. } => Some(
                "name its place in `[storage]`, or set the variable that other clients read as well",
            ),
        }
    }
}

/// Opens both. Tables and folders are made if they are not there; a bucket is not.
///
/// `client` sends the requests to the object store.
///
/// # Errors
/// See [`EngineError`].
pub async fn open(storage: &Storage, client: &Arc<Client>) -> Result<Engines, EngineError> {
    let tiles = open_tiles(&storage.tiles, client)?;
    Ok((open_database(&storage.database).await?, tiles))
}

/// Opens the database of pins, where the configuration names one.
///
/// # Errors
/// See [`EngineError`].
pub async fn open_observatory(
    storage: &Storage,
) -> Result<Option<Arc<dyn Observatory>>, EngineError> {
    Ok(match &storage.observatory {
        None => None,
        Some(Database::File(path)) => Some(Arc::new(Sqlite::open(path)?)),
        Some(Database::Server { address, password, authority }) => {
            let password = optional(password.as_ref(), PASSWORD, "password of the database")?;
            let settings = Settings::parse(address, password.as_ref(), authority.clone())?;
            Some(Arc::new(Postgres::open(settings).await?))
        }
    })
}

async fn open_database(database: &Database) -> Result<Arc<dyn LogStore>, EngineError> {
    Ok(match database {
        Database::File(path) => Arc::new(SqliteLog::open(path, sqlite::Options::default())?),
        Database::Server { address, password, authority } => {
            let password = optional(password.as_ref(), PASSWORD, "password of the database")?;
            let settings = Settings::parse(address, password.as_ref(), authority.clone())?;
            Arc::new(PostgresStore::open(settings).await?)
        }
    })
}

fn open_tiles(tiles: &Tiles, client: &Arc<Client>) -> Result<Arc<dyn TileStore>, EngineError> {
    Ok(match tiles {
        Tiles::Folder(path) => Arc::new(DirectoryTiles::open(path)?),
        Tiles::Bucket(bucket) => {
            let Bucket { name, prefix, endpoint, region, access_key, secret_key } = bucket;
            let mut settings = ObjectSettings::parse(&format!("s3://{name}/{prefix}"))?;
            settings.endpoint = Some(endpoint.clone());
            settings.region = Some(region.clone());
            let keys = Keys {
                id: required(access_key.as_ref(), ACCESS_KEY, "access key of the object store")?,
                secret: required(
                    secret_key.as_ref(),
                    SECRET_KEY,
                    "secret key of the object store",
                )?,
                // Only what came from the same place belongs together.
                token: match access_key {
                    Some(_) => None,
                    None => optional(None, TOKEN, "session token of the object store")?,
                },
            };
            Arc::new(ObjectTiles::open(&settings, &keys, client)?)
        }
    })
}

/// A secret from where the configuration says, or from a variable if it is set.
fn optional(
    source: Option<&SecretSource>,
    variable: &str,
    what: &'static str,
) -> Result<Option<Secret>, EngineError> {
    let refused = |source| EngineError::Secret { what, source };
    match source {
        Some(source) => source.read().map(Some).map_err(refused),
        None => match SecretSource::Variable(variable.to_owned()).read() {
            Ok(secret) => Ok(Some(secret)),
            Err(SecretError::Variable(_)) => Ok(None),
            Err(error) => Err(refused(error)),
        },
    }
}

fn required(
    source: Option<&SecretSource>,
    variable: &str,
    what: &'static str,
) -> Result<Secret, EngineError> {
    let missing = || EngineError::Secret { what, source: SecretError::Variable(variable.into()) };
    optional(source, variable, what)?.ok_or_else(missing)
}
