//! A few connections that are lent out one by one and replaced when they break.
//!
//! A connection that is given back in the middle of a transaction is closed instead, whatever the
//! reason: the server then undoes what was begun. So a future that is dropped, an error in between
//! and a panic all end in the same way, and nobody finds somebody else's transaction.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::is_transient;
use super::settings::{Settings, SettingsError};
use super::tls;
use crate::log::store::StoreError;

/// How long one waits for a connection while others have them all.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often something that failed with the connection is done again, and the first wait before it,
/// which doubles each time: some four seconds together, as a restart of the server takes.
const REPETITIONS: u32 = 6;
const FIRST_WAIT: Duration = Duration::from_millis(60);

/// A value that goes into a statement.
pub type Value<'a> = &'a (dyn ToSql + Sync);

/// Connections to one database.
#[derive(Clone, Debug)]
pub struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    settings: Settings,
    tls: Option<MakeRustlsConnect>,
    /// Said to the server with each new connection.
    greeting: String,
    idle: Mutex<Vec<Session>>,
    permits: Arc<Semaphore>,
}

/// A connection with the statements that it knows already.
struct Session {
    client: Client,
    statements: HashMap<&'static str, Statement>,
}

/// A connection that is lent out.
pub struct Lent {
    session: Option<Session>,
    in_transaction: bool,
    shared: Arc<Shared>,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    /// Connections to this database that look for tables in `schema` only. None is made yet.
    ///
    /// # Errors
    /// When TLS is asked for and cannot be set up.
    pub fn new(settings: Settings, schema: &str) -> Result<Self, SettingsError> {
        let tls = match settings.is_encrypted() {
            true => Some(tls::connector(settings.authority.as_deref())?),
            false => None,
        };
        let greeting = greeting(schema, settings.statement);
        let permits = Arc::new(Semaphore::new(settings.connections));
        let idle = Mutex::default();
        Ok(Self { shared: Arc::new(Shared { settings, tls, greeting, idle, permits }) })
    }

    /// A connection, made if none is idle.
    ///
    /// # Errors
    /// [`StoreError::Unreachable`].
    pub async fn get(&self) -> Result<Lent, StoreError> {
        let permits = Arc::clone(&self.shared.permits);
        let permit = tokio::time::timeout(PATIENCE, permits.acquire_owned()).await;
        let busy = || StoreError::Unreachable { reason: "all connections are busy".to_owned() };
        let permit = permit.ok().and_then(Result::ok).ok_or_else(busy)?;
        let session = match self.shared.take() {
            Some(session) => session,
            None => self.shared.connect().await?,
        };
        let shared = Arc::clone(&self.shared);
        Ok(Lent { session: Some(session), in_transaction: false, shared, _permit: permit })
    }

    /// A connection of its own that is never given back, for a lock that lasts as long as it.
    ///
    /// # Errors
    /// [`StoreError::Unreachable`].
    pub async fn apart(&self) -> Result<Client, StoreError> {
        Ok(self.shared.connect().await?.client)
    }

    /// Does something that may be done again, a few times while the connection breaks
    /// or the server starts.
    ///
    /// # Errors
    /// The last one.
    pub async fn persist<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut wait = FIRST_WAIT;
        for _ in 0..REPETITIONS {
            match attempt().await {
                Ok(done) => return Ok(done),
                Err(failure) if !failure.is_transient() => return Err(failure.into()),
                Err(_) => tokio::time::sleep(wait).await,
            }
            wait *= 2;
        }
        attempt().await.map_err(Into::into)
    }
}

/// Why an attempt failed: by the database, or for a reason of ours.
#[derive(Debug)]
pub enum Failure {
    /// The library's or the server's error.
    Database(tokio_postgres::Error),
    /// Ours.
    Store(StoreError),
}

impl Failure {
    fn is_transient(&self) -> bool {
        match self {
            Self::Database(error) => is_transient(error),
            Self::Store(error) => matches!(error, StoreError::Unreachable { .. }),
        }
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Database(error) => error.into(),
            Failure::Store(error) => error,
        }
    }
}

/// The limits are against a front end that stops in the middle while it holds locks. What is told as
/// durable has to be on disk, so that a server whose default is less is told so; more is left as it is.
/// Compiling a statement takes longer than any of ours runs.
fn greeting(schema: &str, statement: Duration) -> String {
    format!(
        "SET search_path = \"{schema}\"; SET statement_timeout = {}; SET lock_timeout = 30000; \
         SET idle_in_transaction_session_timeout = 20000; SET timezone = 'UTC'; SET jit = off; \
         SELECT set_config('synchronous_commit', 'on', false) \
         WHERE current_setting('synchronous_commit') = 'off'",
        statement.as_millis()
    )
}

impl Shared {
    fn take(&self) -> Option<Session> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|session| !session.client.is_closed());
        idle.pop()
    }

    async fn connect(&self) -> Result<Session, StoreError> {
        let config = &self.settings.config;
        let client = match &self.tls {
            Some(tls) => {
                let (client, connection) = config.connect(tls.clone()).await?;
                // It ends with the client, or tells it that it is closed.
                tokio::spawn(async move { connection.await.is_ok() });
                client
            }
            None => {
                let (client, connection) = config.connect(NoTls).await?;
                tokio::spawn(async move { connection.await.is_ok() });
                client
            }
        };
        client.batch_execute(&self.greeting).await?;
        Ok(Session { client, statements: HashMap::new() })
    }
}

impl Lent {
    /// The connection itself.
    ///
    /// # Errors
    /// Never while it is lent.
    pub fn client(&self) -> Result<&Client, StoreError> {
        self.session.as_ref().map(|session| &session.client).ok_or_else(gone)
    }

    /// A statement, prepared once for each connection.
    ///
    /// # Errors
    /// What the server says of it.
    pub async fn statement(&mut self, sql: &'static str) -> Result<Statement, Failure> {
        let session = self.session.as_mut().ok_or_else(gone)?;
        if let Some(statement) = session.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = session.client.prepare(sql).await?;
        session.statements.insert(sql, statement.clone());
        Ok(statement)
    }

    /// The rows that answer.
    ///
    /// # Errors
    /// What the server says.
    pub async fn query(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, Failure> {
        let statement = self.statement(sql).await?;
        Ok(self.client()?.query(&statement, values).await?)
    }

    /// The row that answers, if there is one.
    ///
    /// # Errors
    /// What the server says, also of a second row.
    pub async fn query_one(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Option<Row>, Failure> {
        let statement = self.statement(sql).await?;
        Ok(self.client()?.query_opt(&statement, values).await?)
    }

    /// How many rows it changed.
    ///
    /// # Errors
    /// What the server says.
    pub async fn execute(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<u64, Failure> {
        let statement = self.statement(sql).await?;
        Ok(self.client()?.execute(&statement, values).await?)
    }

    /// Begins a transaction. If it is not ended by [`Self::commit`] or [`Self::undo`], it is undone.
    ///
    /// # Errors
    /// What the server says.
    pub async fn begin(&mut self) -> Result<(), Failure> {
        self.in_transaction = true;
        Ok(self.client()?.batch_execute("BEGIN").await?)
    }

    /// Begins a transaction that sees one moment and writes nothing.
    ///
    /// # Errors
    /// What the server says.
    pub async fn begin_reading(&mut self) -> Result<(), Failure> {
        self.in_transaction = true;
        let sql = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        Ok(self.client()?.batch_execute(sql).await?)
    }

    /// Ends the transaction; it is durable when this returns.
    ///
    /// # Errors
    /// What the server says. If the connection broke, nobody knows whether it was done.
    pub async fn commit(&mut self) -> Result<(), Failure> {
        self.client()?.batch_execute("COMMIT").await?;
        self.in_transaction = false;
        Ok(())
    }

    /// Ends the transaction as if it had not begun.
    ///
    /// # Errors
    /// What the server says.
    pub async fn undo(&mut self) -> Result<(), Failure> {
        self.client()?.batch_execute("ROLLBACK").await?;
        self.in_transaction = false;
        Ok(())
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(session) = self.session.take() else { return };
        if !self.in_transaction && !session.client.is_closed() {
            self.shared.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
        }
    }
}

fn gone() -> StoreError {
    StoreError::Unreachable { reason: "the connection is gone".to_owned() }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Shared").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Lent {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Lent").field("in_transaction", &self.in_transaction).finish()
    }
}
