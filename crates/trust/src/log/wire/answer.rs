//! What a log answers to a look-up: a checkpoint, every record it has, and the proofs.

use std::borrow::Cow;

use countermark_tlog::hash::Hash;
use serde::{Deserialize, Serialize};

use super::{VERSION, WireError, check_count, check_version, read_json, write_json};
use crate::log::record::{MAXIMUM_RECORD, shortened};

/// The most bytes of an answer.
pub const MAXIMUM_ANSWER: usize = 64 << 20;

/// The most records of an answer.
const MAXIMUM_RECORDS: usize = 200_000;

/// The most hashes of a consistency proof: a tree has at most 63 levels, and each gives two.
const MAXIMUM_CONSISTENCY: usize = 128;

/// The most bytes of a checkpoint with all its signatures.
const MAXIMUM_CHECKPOINT: usize = 64 << 10;

const WHAT: &str = "the answer of the log";

/// An answer that could be read. Nothing of it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookupAnswer {
    /// The signed note.
    pub checkpoint: String,
    /// From the size in the request to the checkpoint; empty where the request saw nothing or the same
    /// size. The root of the older tree is written out also where its size is a power of two
    /// ([`prove_prefix`](countermark_tlog::proof::prove_prefix)), so that a fork can be proved from it;
    /// the shorter form of RFC 6962 is read as well.
    pub consistency: Vec<Hash>,
    /// The records, in ascending order of their numbers.
    pub records: Vec<Entry>,
    /// One proof for all of them; empty where there are none.
    pub proof: Vec<Hash>,
}

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number, counted from zero.
    pub index: u64,
    /// Its text, the leaf.
    pub record: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<'a> {
    version: u32,
    #[serde(borrow)]
    checkpoint: Cow<'a, str>,
    #[serde(borrow)]
    consistency: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    records: Vec<EntryDocument<'a>>,
    #[serde(borrow)]
    proof: Vec<Cow<'a, str>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryDocument<'a> {
    index: u64,
    #[serde(borrow)]
    record: Cow<'a, str>,
}

impl LookupAnswer {
    /// Reads an answer.
    ///
    /// # Errors
    /// [`WireError`], also for records that are not in order or there twice.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let document: Document<'_> = read_json(WHAT, bytes, MAXIMUM_ANSWER)?;
        check_version(WHAT, document.version)?;
        if document.checkpoint.is_empty() {
            return Err(WireError::Empty { what: "the checkpoint of the answer" });
        }
        let (maximum, found) = (MAXIMUM_CHECKPOINT, document.checkpoint.len());
        if found > maximum {
            return Err(WireError::TooLarge { what: "a checkpoint", maximum, found });
        }
        check_count(WHAT, "records", MAXIMUM_RECORDS, document.records.len())?;
        let found = document.consistency.len();
        check_count(WHAT, "hashes from one checkpoint to the next", MAXIMUM_CONSISTENCY, found)?;
        let mut before = None;
        for entry in &document.records {
            if let Some(before) = before.filter(|before| *before >= entry.index) {
                return Err(WireError::Order { before, found: entry.index });
            }
            before = Some(entry.index);
            let (maximum, found) = (MAXIMUM_RECORD, entry.record.len());
            if found > maximum {
                return Err(WireError::TooLarge { what: "a record", maximum, found });
            }
        }
        let entry =
            |it: EntryDocument<'_>| Entry { index: it.index, record: it.record.into_owned() };
        Ok(Self {
            checkpoint: document.checkpoint.into_owned(),
            consistency: hashes("consistency", &document.consistency)?,
            records: document.records.into_iter().map(entry).collect(),
            proof: hashes("proof", &document.proof)?,
        })
    }

    /// The bytes to send.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let texts = |hashes: &[Hash]| hashes.iter().map(|it| Cow::Owned(it.to_base64())).collect();
        let entry = |it| {
            let Entry { index, record }: &Entry = it;
            EntryDocument { index: *index, record: Cow::Borrowed(record) }
        };
        write_json(&Document {
            version: VERSION,
            checkpoint: Cow::Borrowed(&self.checkpoint),
            consistency: texts(&self.consistency),
            records: self.records.iter().map(entry).collect(),
            proof: texts(&self.proof),
        })
    }
}

fn hashes(field: &'static str, texts: &[Cow<'_, str>]) -> Result<Vec<Hash>, WireError> {
    let hash = |text: &Cow<'_, str>| {
        Hash::from_base64(text).map_err(|_| WireError::Value {
            what: WHAT,
            field,
            found: shortened(text),
        })
    };
    texts.iter().map(hash).collect()
}
