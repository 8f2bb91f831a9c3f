//! The published form of evidence.

use countermark_packaging::digest::Digest;
use countermark_tlog::hash::Hash;
use countermark_tlog::note::VerifierKey;
use serde::{Deserialize, Serialize};

use super::{Evidence, Kind, Ours};
use crate::Class;
use crate::log::record::{MAXIMUM_RECORD, shortened};
use crate::log::wire::Entry;

/// The most bytes of a document.
pub const MAXIMUM_EVIDENCE: usize = 4 << 20;

/// The most entries of any of its lists: more than a tree has levels, twice.
const MAXIMUM_LISTED: usize = 1000;

/// Why a file is no evidence.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// Too many bytes.
    #[error("evidence has at most {MAXIMUM_EVIDENCE} bytes, found {found}")]
    TooLarge {
        /// The number of bytes.
        found: usize,
    },
    /// Not the document.
    #[error("the evidence cannot be read: {0}")]
    Json(#[source] serde_json::Error),
    /// A version that is not known.
    #[error("the evidence has version {found}, expected 1")]
    Version {
        /// The version found.
        found: u32,
    },
    /// A value that is not what its field has.
    #[error("`{field}` of the evidence is none: `{found}`")]
    Value {
        /// The field.
        field: &'static str,
        /// The text found, shortened.
        found: String,
    },
    /// Too many of something.
    #[error("`{field}` of the evidence has at most {MAXIMUM_LISTED} entries, found {found}")]
    TooMany {
        /// The field.
        field: &'static str,
        /// Their number.
        found: usize,
    },
}

impl EvidenceError {
    /// A file of the user that cannot be used.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::TooLarge { .. }
            | Self::Json(_)
            | Self::Version { .. }
            | Self::Value { .. }
            | Self::TooMany { .. } => Class::Usage,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    kind: String,
    log: String,
    keys: Vec<String>,
    found: String,
    notes: Vec<String>,
    consistency: Vec<String>,
    records: Vec<EntryDocument>,
    proof: Vec<String>,
    ours: Option<OursDocument>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryDocument {
    index: u64,
    record: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OursDocument {
    file: String,
    digest: String,
    from: String,
}

impl Evidence {
    /// Reads a document. It says nothing before [`super::convict`] is asked.
    ///
    /// # Errors
    /// [`EvidenceError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, EvidenceError> {
        if bytes.len() > MAXIMUM_EVIDENCE {
            return Err(EvidenceError::TooLarge { found: bytes.len() });
        }
        let document: Document = serde_json::from_slice(bytes).map_err(EvidenceError::Json)?;
        if document.version != 1 {
            return Err(EvidenceError::Version { found: document.version });
        }
        for (field, found) in [
            ("keys", document.keys.len()),
            ("notes", document.notes.len()),
            ("consistency", document.consistency.len()),
            ("records", document.records.len()),
            ("proof", document.proof.len()),
        ] {
            if found > MAXIMUM_LISTED {
                return Err(EvidenceError::TooMany { field, found });
            }
        }
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == document.kind);
        let hash =
            |field| move |text: &String| Hash::from_base64(text).map_err(|_| wrong(field, text));
        let key = |text: &String| VerifierKey::parse(text).map_err(|_| wrong("keys", text));
        let record = |it: EntryDocument| match it.record.len() {
            0..=MAXIMUM_RECORD => Ok(Entry { index: it.index, record: it.record }),
            _ => Err(wrong("records", &it.record)),
        };
        let ours = |it: OursDocument| {
            let digest = Digest::parse(&it.digest).map_err(|_| wrong("digest", &it.digest))?;
            Ok(Ours { file: it.file, digest, from: it.from })
        };
        Ok(Self {
            kind: kind.ok_or_else(|| wrong("kind", &document.kind))?,
            log: document.log,
            keys: document.keys.iter().map(key).collect::<Result<_, _>>()?,
            found: document.found.parse().map_err(|_| wrong("found", &document.found))?,
            notes: document.notes,
            consistency: document
                .consistency
                .iter()
                .map(hash("consistency"))
                .collect::<Result<_, _>>()?,
            records: document.records.into_iter().map(record).collect::<Result<_, _>>()?,
            proof: document.proof.iter().map(hash("proof")).collect::<Result<_, _>>()?,
            ours: document.ours.map(ours).transpose()?,
        })
    }

    /// The document, one field a line.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let hashes = |hashes: &[Hash]| hashes.iter().map(Hash::to_base64).collect();
        let record = |it: &Entry| EntryDocument { index: it.index, record: it.record.clone() };
        let ours = |it: &Ours| OursDocument {
            file: it.file.clone(),
            digest: it.digest.to_string(),
            from: it.from.clone(),
        };
        let document = Document {
            version: 1,
            kind: self.kind.name().to_owned(),
            log: self.log.clone(),
            keys: self.keys.iter().map(ToString::to_string).collect(),
            found: self.found.to_string(),
            notes: self.notes.clone(),
            consistency: hashes(&self.consistency),
            records: self.records.iter().map(record).collect(),
            proof: hashes(&self.proof),
            ours: self.ours.as_ref().map(ours),
        };
        // Texts, numbers and lists of them are always written.
        let mut bytes = serde_json::to_vec_pretty(&document).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }
}

fn wrong(field: &'static str, found: &str) -> EvidenceError {
    EvidenceError::Value { field, found: shortened(found) }
}
