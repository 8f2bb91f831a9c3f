//! Records as columns, both ways. What is read back is checked like what comes from anybody: disks
//! fail, and operators have a shell.

use countermark_packaging::digest::{Algorithm, Digest};
use countermark_packaging::name::ProjectName;
use countermark_trust::log::record::{Fields, Observation, Observer};
use jiff::Timestamp;
use tokio_postgres::Row;

use super::pool::Failure;
use crate::log::store::StoreError;

/// What a query selects for a record, with `r`, `p` and `o` for the tables; the next column is 8.
macro_rules! record_columns {
    () => {
        "r.id, p.name, r.file, r.digest, r.size, r.uploaded, o.name, r.first_seen"
    };
}
pub(super) use record_columns;

/// The record in the columns of [`record_columns`].
pub(super) fn record(row: &Row) -> Result<Observation, Failure> {
    let id: i64 = row.try_get(0)?;
    let broken = |column: &str, reason: &dyn ToString| StoreError::Damaged {
        reason: format!("row {id}, column `{column}`: {}", reason.to_string()),
    };
    let (project, observer): (&str, &str) = (row.try_get(1)?, row.try_get(6)?);
    let size: Option<i64> = row.try_get(4)?;
    let uploaded: Option<i64> = row.try_get(5)?;
    let second = |column, second| Timestamp::from_second(second).map_err(|it| broken(column, &it));
    let fields = Fields {
        project: ProjectName::parse(project).map_err(|it| broken("project", &it))?,
        file: row.try_get(2)?,
        digest: digest(row.try_get(3)?).ok_or_else(|| broken("digest", &"it is none"))?,
        size: size.map(u64::try_from).transpose().map_err(|it| broken("size", &it))?,
        uploaded: uploaded.map(|it| second("uploaded", it)).transpose()?,
        observer: Observer::parse(observer).map_err(|it| broken("observer", &it))?,
        first_seen: second("first_seen", row.try_get(7)?)?,
    };
    Ok(Observation::new(fields).map_err(|it| broken("record", &it))?)
}

/// A count or place, which no row has below zero.
pub(super) fn natural(row: &Row, column: usize) -> Result<u64, Failure> {
    let number: i64 = row.try_get(column)?;
    Ok(u64::try_from(number)
        .map_err(|_| StoreError::Damaged { reason: format!("a place or size of {number}") })?)
}

/// A number that fits the database's; sizes of trees always do (`tlog::hash::MAXIMUM_SIZE`).
pub(super) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A digest as it is stored: the number of its algorithm and its bytes.
pub(super) fn stored(digest: &Digest) -> Option<Vec<u8>> {
    let mut bytes = vec![number(digest.algorithm())?];
    bytes.extend_from_slice(digest.as_bytes());
    Some(bytes)
}

fn digest(stored: &[u8]) -> Option<Digest> {
    let (first, bytes) = stored.split_first()?;
    let algorithm = Algorithm::ALL.into_iter().find(|it| number(*it) == Some(*first))?;
    Digest::new(algorithm, bytes).ok()
}

/// Part of the format of the database: never changed, only added to.
const fn number(algorithm: Algorithm) -> Option<u8> {
    match algorithm {
        Algorithm::Sha256 => Some(1),
        Algorithm::Sha384 => Some(2),
        Algorithm::Sha512 => Some(3),
        Algorithm::Md5 | Algorithm::Sha1 | Algorithm::Sha224 => None,
    }
}

/// A stored digest that was written by us.
pub(super) fn read_digest(row: &Row, column: usize) -> Result<Digest, Failure> {
    let bytes: &[u8] = row.try_get(column)?;
    let broken = || StoreError::Damaged { reason: "a stored digest is none".to_owned() };
    Ok(digest(bytes).ok_or_else(broken)?)
}
