//! The observatory in PostgreSQL, for several crawlers and servers.
//!
//! It has a schema of its own in the database of the log, and the log's way of connecting: no password in
//! an address, TLS to other machines, connections that are replaced when they break. A call whose
//! connection broke before the answer to its commit came does not know whether it was done, and does it
//! again: every statement of the observatory can be given twice without harm.

use async_trait::async_trait;
use futures_util::future::try_join_all;
use tokio_postgres::Client;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::engine::{Engine, Row, Rows, Statement, Value, damaged};
use super::schema;
use crate::log::postgres::migrate;
use crate::log::postgres::pool::{Failure, Pool};
use crate::log::postgres::settings::Settings;
use crate::log::store::StoreError;

/// The schema of our tables.
const SCHEMA: &str = "countermark_observatory";

/// How many statements are sent before the first answer is waited for.
const SENT: usize = 100;

/// A database on a server.
#[derive(Clone, Debug)]
pub struct Postgres {
    pool: Pool,
}

impl Postgres {
    /// Connects, and makes the tables where there are none. Connections live in the runtime of the caller.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn open(settings: Settings) -> Result<Self, StoreError> {
        let pool = Pool::new(settings, SCHEMA)
            .map_err(|error| StoreError::Unwritable { reason: error.to_string() })?;
        let id = "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY";
        let joined = schema::MIGRATIONS.iter().map(|all| all.join(";\n").replace("{id}", id));
        let migrations: Vec<String> = joined.collect();
        let migrations: Vec<&str> = migrations.iter().map(String::as_str).collect();
        migrate(&pool, SCHEMA, &migrations).await?;
        Ok(Self { pool })
    }
}

#[async_trait]
impl Engine for Postgres {
    async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Rows>, StoreError> {
        let statements = statements.as_slice();
        self.pool.persist(|| run(&self.pool, statements)).await
    }
}

async fn run(pool: &Pool, statements: &[Statement]) -> Result<Vec<Rows>, Failure> {
    let mut lent = pool.get().await?;
    lent.begin().await?;
    let mut answers = Vec::with_capacity(statements.len());
    // Many statements of a batch are the same but for their values: they are compiled once, and sent without
    // waiting for each answer. They run one after the other all the same.
    for same in statements.chunk_by(|one, next| one.sql == next.sql) {
        let client = lent.client()?;
        let sql = same.first().map(|it| it.sql.replace('?', "$")).unwrap_or_default();
        let usable =
            client.prepare(&sql.replace("{skip_locked}", "FOR UPDATE SKIP LOCKED")).await?;
        for some in same.chunks(SENT) {
            let each = some.iter().map(|statement| query(client, &usable, &statement.values));
            answers.extend(try_join_all(each).await?);
        }
    }
    lent.commit().await?;
    Ok(answers)
}

async fn query(
    client: &Client,
    usable: &tokio_postgres::Statement,
    values: &[Value],
) -> Result<Rows, Failure> {
    let given: Vec<&(dyn ToSql + Sync)> =
        values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
    let found = client.query(usable, &given).await?;
    let mut rows = Rows::with_capacity(found.len());
    for row in found {
        let read = |column| row.try_get(column).map_err(|error| damaged(error.to_string()));
        rows.push(Row((0..row.len()).map(read).collect::<Result<_, _>>()?));
    }
    Ok(rows)
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
