//! What the observatory needs of a database: several statements as one transaction.
//!
//! Everything else is the same on both engines, down to the text of the statements: parameters are
//! written `?1`, and `{skip_locked}` stands for the words with which rows that another session is
//! about to take are passed over. Numbers are 64 bits; times are milliseconds since 1970, in UTC.

use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::log::store::StoreError;

/// A value of a column or a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Number(i64),
    /// A text.
    Text(String),
    /// Nothing.
    Nothing,
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<Timestamp> for Value {
    fn from(time: Timestamp) -> Self {
        Self::Number(time.as_millisecond())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        // PostgreSQL has no such character in texts; whoever writes it gets it replaced, on both.
        Self::Text(text.replace('\0', "\u{fffd}"))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nothing, Into::into)
    }
}

/// One statement, whose text is ours.
#[derive(Clone, Debug)]
pub struct Statement {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

impl Statement {
    pub(super) fn new(sql: impl Into<String>, values: impl IntoIterator<Item = Value>) -> Self {
        Self { sql: sql.into(), values: values.into_iter().collect() }
    }
}

/// The rows that a statement gave; none for one that gives none.
pub type Rows = Vec<Row>;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row(pub(super) Vec<Value>);

impl Row {
    pub(super) fn number(&self, column: usize) -> Result<i64, StoreError> {
        match self.0.get(column) {
            Some(Value::Number(number)) => Ok(*number),
            other => Err(unexpected("a number", column, other)),
        }
    }

    pub(super) fn text(&self, column: usize) -> Result<String, StoreError> {
        match self.0.get(column) {
            Some(Value::Text(text)) => Ok(text.clone()),
            other => Err(unexpected("a text", column, other)),
        }
    }

    pub(super) fn is_nothing(&self, column: usize) -> bool {
        matches!(self.0.get(column), Some(Value::Nothing))
    }

    pub(super) fn optional_number(&self, column: usize) -> Result<Option<i64>, StoreError> {
        if self.is_nothing(column) { Ok(None) } else { self.number(column).map(Some) }
    }

    pub(super) fn optional_text(&self, column: usize) -> Result<Option<String>, StoreError> {
        if self.is_nothing(column) { Ok(None) } else { self.text(column).map(Some) }
    }

    pub(super) fn time(&self, column: usize) -> Result<Timestamp, StoreError> {
        let number = self.number(column)?;
        Timestamp::from_millisecond(number).map_err(|_| damaged(format!("{number} is no time")))
    }

    pub(super) fn optional_time(&self, column: usize) -> Result<Option<Timestamp>, StoreError> {
        if self.is_nothing(column) { Ok(None) } else { self.time(column).map(Some) }
    }

    /// A text that is read by somebody.
    pub(super) fn parsed<T, E: std::fmt::Display>(
        &self,
        column: usize,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, StoreError> {
        read(&self.text(column)?).map_err(|error| damaged(error.to_string()))
    }
}

fn unexpected(expected: &str, column: usize, found: Option<&Value>) -> StoreError {
    damaged(format!("column {column} of a row: expected {expected}, found {found:?}"))
}

/// A row has not the form that we wrote.
pub(super) fn damaged(reason: String) -> StoreError {
    StoreError::Damaged { reason }
}

/// A database.
#[async_trait]
pub trait Engine: Debug + Send + Sync {
    /// Does all of it, or nothing: one transaction that writes, and is durable when this returns.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Rows>, StoreError>;
}

/// One statement by itself.
pub(super) async fn ask<E: Engine + ?Sized>(
    engine: &E,
    sql: impl Into<String>,
    values: impl IntoIterator<Item = Value>,
) -> Result<Rows, StoreError> {
    let mut answers = engine.batch(vec![Statement::new(sql, values)]).await?;
    Ok(answers.pop().unwrap_or_default())
}

/// The values of a statement.
macro_rules! values {
    ($($value:expr),* $(,)?) => { [$($crate::observe::db::engine::Value::from($value)),*] };
}
pub(super) use values;
