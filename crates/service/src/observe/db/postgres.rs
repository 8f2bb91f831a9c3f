//! The observatory in PostgreSQL, for several crawlers and servers.
//!
//! One connection; when it breaks, the next call makes a new one. A call whose connection broke before the
//! answer to its commit came does not know whether it was done, and says that it failed: every
//! statement of the observatory can be given again without harm.

use async_trait::async_trait;
use tokio::sync::Mutex;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Config, NoTls};

use super::engine::{Engine, Row, Rows, Statement, Value, damaged};
use super::schema;
use crate::log::store::StoreError;

/// The number of the lock under which tables are made: "cmob".
const MIGRATION_LOCK: i64 = 0x636d_6f62;

/// A database on a server.
pub struct Postgres {
    config: Config,
    client: Mutex<Option<Client>>,
}

// The configuration may hold a password.
impl std::fmt::Debug for Postgres {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Postgres").finish_non_exhaustive()
    }
}

impl Postgres {
    /// Connects, and makes the tables where there are none. `settings` is a connection string or URL of
    /// PostgreSQL. The connection lives in the runtime of the caller.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn open(settings: &str) -> Result<Self, StoreError> {
        let config: Config = settings.parse().map_err(|_| StoreError::Unreachable {
            // What the library says could quote the password.
            reason: "the address of the database cannot be read".to_owned(),
        })?;
        let mut client = connect(&config).await?;
        migrate(&mut client).await?;
        Ok(Self { config, client: Mutex::new(Some(client)) })
    }
}

async fn connect(config: &Config) -> Result<Client, StoreError> {
    let (client, connection) = config.connect(NoTls).await?;
    // Ends when the client is dropped or the server closes; the next statement tells.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(client)
}

async fn migrate(client: &mut Client) -> Result<(), StoreError> {
    let transaction = client.transaction().await?;
    // Two that begin at once would both make the tables.
    let lock = format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})");
    transaction.batch_execute(&lock).await?;
    transaction.batch_execute(schema::PREPARE).await?;
    let sql = "SELECT coalesce(max(version), 0) FROM observe_version";
    let row = transaction.query_one(sql, &[]).await?;
    let version: i64 = row.get(0);
    if version > schema::VERSION {
        return Err(StoreError::Newer { found: version, known: schema::VERSION });
    }
    let done = usize::try_from(version).unwrap_or(0);
    for statement in schema::MIGRATIONS.iter().skip(done).flat_map(|migration| migration.iter()) {
        let id = "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY";
        let statement = statement.replace("{id}", id);
        transaction.batch_execute(&statement).await?;
    }
    if version < schema::VERSION {
        let sql = "INSERT INTO observe_version VALUES ($1)";
        let given: [&(dyn ToSql + Sync); 1] = [&schema::VERSION];
        transaction.execute(sql, &given).await?;
    }
    Ok(transaction.commit().await?)
}

#[async_trait]
impl Engine for Postgres {
    async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Rows>, StoreError> {
        let mut held = self.client.lock().await;
        let mut client = match held.take().filter(|client| !client.is_closed()) {
            Some(client) => client,
            None => connect(&self.config).await?,
        };
        let done = run(&mut client, &statements).await;
        // After an error the connection may be in any state; a transaction that is not committed is
        // rolled back when it ends.
        if done.is_ok() {
            *held = Some(client);
        }
        done
    }
}

async fn run(client: &mut Client, statements: &[Statement]) -> Result<Vec<Rows>, StoreError> {
    let transaction = client.transaction().await?;
    let mut answers = Vec::with_capacity(statements.len());
    let mut prepared: Option<(&str, tokio_postgres::Statement)> = None;
    for statement in statements {
        // Many statements of a batch are the same but for their values.
        let usable = match &prepared {
            Some((sql, usable)) if *sql == statement.sql => usable.clone(),
            _ => {
                let sql = statement.sql.replace('?', "$");
                let sql = sql.replace("{skip_locked}", "FOR UPDATE SKIP LOCKED");
                transaction.prepare(&sql).await?
            }
        };
        let given: Vec<&(dyn ToSql + Sync)> =
            statement.values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        let found = transaction.query(&usable, &given).await?;
        prepared = Some((&statement.sql, usable));
        let mut rows = Rows::with_capacity(found.len());
        for row in found {
            let read = |column| row.try_get(column).map_err(|error| damaged(error.to_string()));
            rows.push(Row((0..row.len()).map(read).collect::<Result<_, _>>()?));
        }
        answers.push(rows);
    }
    transaction.commit().await?;
    Ok(answers)
}

impl ToSql for Value {
    fn to_sql(
        &self,
        of: &Type,
        out: &mut tokio_postgres::types::private::BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Number(number) => number.to_sql_checked(of, out),
            Self::Text(text) => text.to_sql_checked(of, out),
            Self::Nothing => Ok(IsNull::Yes),
        }
    }

    fn accepts(of: &Type) -> bool {
        matches!(*of, Type::INT8 | Type::TEXT)
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(
        of: &Type,
        raw: &'a [u8],
    ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        if *of == Type::INT8 {
            i64::from_sql(of, raw).map(Self::Number)
        } else {
            String::from_sql(of, raw).map(Self::Text)
        }
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self::Nothing)
    }

    fn accepts(of: &Type) -> bool {
        matches!(*of, Type::INT8 | Type::TEXT)
    }
}
