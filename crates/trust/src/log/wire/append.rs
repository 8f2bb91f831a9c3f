//! What an observer sends, and what it gets for it.

use std::fmt::Write as _;

use countermark_packaging::digest::Digest;
use serde::{Deserialize, Serialize};

use super::{VERSION, WireError, check_count, check_version, read_json, write_json};
use crate::log::record::{MAXIMUM_RECORD, Observation, RecordError, shortened};

/// The most bytes of a signed batch.
pub const MAXIMUM_BATCH: usize = 8 << 20;

/// The most records of a batch.
pub const MAXIMUM_BATCH_RECORDS: usize = 10_000;

/// The most bytes of receipts.
pub const MAXIMUM_RECEIPTS: usize = 16 << 20;

/// The most digests that a receipt names.
const MAXIMUM_CONFLICTS: usize = 100;

const WHAT: &str = "the batch of records";
const RECEIPTS: &str = "the list of receipts";

/// Records for one log, as an observer signs them. The text is
///
/// ```text
/// append/v1
/// log.example.org
/// 2
/// observation/v1
/// …
/// first-seen 2026-11-22T08:00:00Z
///
/// observation/v1
/// …
/// ```
///
/// with the origin of the log, the number of records, and an empty line between two of them. That the
/// log is named keeps a batch from being played to another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The origin of the log that it is for.
    pub origin: String,
    /// The records.
    pub records: Vec<Observation>,
}

impl Batch {
    /// The text to sign.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("append/v1\n{}\n{}\n", self.origin, self.records.len());
        for (number, record) in self.records.iter().enumerate() {
            let separator = if number == 0 { "" } else { "\n" };
            // Writing to a text cannot fail.
            let _ = write!(text, "{separator}{}", record.text());
        }
        text
    }

    /// Reads the text of a note whose signature was verified.
    ///
    /// # Errors
    /// When it is not exactly what [`Self::text`] writes.
    pub fn parse(text: &str) -> Result<Self, WireError> {
        let (maximum, found) = (MAXIMUM_BATCH, text.len());
        if found > maximum {
            return Err(WireError::TooLarge { what: WHAT, maximum, found });
        }
        let rest =
            text.strip_prefix("append/v1\n").ok_or(WireError::Line { expected: "append/v1" })?;
        let origin = rest.split_once('\n').filter(|(origin, _)| !origin.is_empty());
        let (origin, rest) = origin.ok_or(WireError::Line { expected: "the origin of the log" })?;
        let missing = WireError::Line { expected: "the number of records" };
        let Some((count, rest)) = rest.split_once('\n') else { return Err(missing) };
        let said: usize = count.parse().map_err(|_| missing)?;
        if count != said.to_string() {
            return Err(WireError::Line { expected: "the number of records" });
        }
        check_count(WHAT, "records", MAXIMUM_BATCH_RECORDS, said)?;
        let mut records = Vec::with_capacity(said.min(rest.len() / 100));
        let mut rest = rest;
        while !rest.is_empty() {
            let number = records.len() + 1;
            check_count(WHAT, "records", MAXIMUM_BATCH_RECORDS, number)?;
            // Up to the first empty line, with the line feed before it.
            let (record, after) = match rest.find("\n\n") {
                Some(end) => (&rest[..=end], &rest[end + 2..]),
                None => (rest, ""),
            };
            let separated = record.len() < rest.len();
            if separated && after.is_empty() {
                return Err(WireError::Record { number, source: RecordError::Trailing });
            }
            let read = Observation::parse(record.as_bytes());
            records.push(read.map_err(|source| WireError::Record { number, source })?);
            rest = after;
        }
        let found = records.len();
        if found != said {
            return Err(WireError::Count { said, found });
        }
        Ok(Self { origin: origin.to_owned(), records })
    }

    /// How many bytes a batch of so many records may have.
    #[must_use]
    pub const fn bound(records: usize) -> usize {
        records * (MAXIMUM_RECORD + 1) + 1024
    }
}

/// Whether a record is new to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StatusDocument {
    New,
    Known,
}

/// Whether a record is new to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It was not there before.
    New,
    /// The same record was there already; nothing changed.
    Known,
}

/// What became of one record. It is sent after the record is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Whether it is new.
    pub status: Status,
    /// Its number; none while it waits for one.
    pub index: Option<u64>,
    /// Other digests of the same algorithm that index observers saw for the file.
    pub conflicts: Vec<Digest>,
}

/// What became of the records of a batch, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipts(pub Vec<Receipt>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    receipts: Vec<ReceiptDocument>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReceiptDocument {
    status: StatusDocument,
    index: Option<u64>,
    conflicts: Vec<String>,
}

impl Receipts {
    /// Reads receipts.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let document: Document = read_json(RECEIPTS, bytes, MAXIMUM_RECEIPTS)?;
        check_version(RECEIPTS, document.version)?;
        check_count(RECEIPTS, "receipts", MAXIMUM_BATCH_RECORDS, document.receipts.len())?;
        let receipt = |it: ReceiptDocument| {
            check_count("a receipt", "conflicts", MAXIMUM_CONFLICTS, it.conflicts.len())?;
            let digest = |text: &String| {
                Digest::parse(text).map_err(|_| WireError::Value {
                    what: "a receipt",
                    field: "conflicts",
                    found: shortened(text),
                })
            };
            let status = match it.status {
                StatusDocument::New => Status::New,
                StatusDocument::Known => Status::Known,
            };
            let conflicts = it.conflicts.iter().map(digest).collect::<Result<_, _>>()?;
            Ok(Receipt { status, index: it.index, conflicts })
        };
        document.receipts.into_iter().map(receipt).collect::<Result<_, _>>().map(Self)
    }

    /// The bytes to send. Of very many conflicts the first are named.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let receipt = |it: &Receipt| ReceiptDocument {
            status: match it.status {
                Status::New => StatusDocument::New,
                Status::Known => StatusDocument::Known,
            },
            index: it.index,
            conflicts: it.conflicts.iter().take(MAXIMUM_CONFLICTS).map(Digest::to_string).collect(),
        };
        write_json(&Document { version: VERSION, receipts: self.0.iter().map(receipt).collect() })
    }
}
