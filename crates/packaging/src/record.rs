//! `RECORD`: the list of files of a wheel or of an installed package, with digests and sizes.
//!
//! Decides what a line says. Whether paths stay inside, whether every file is listed and whether a
//! digest is strong enough are questions of the reader's caller.
//!
//! Specification: <https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file>
//! (PEP 376, PEP 427). CSV as Python's `csv` module reads and pip writes it.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::digest::{Algorithm, Digest, DigestError};

/// The most bytes of a `RECORD`.
pub const MAXIMUM_SIZE: usize = 64 << 20;

/// The most entries of a `RECORD`.
pub const MAXIMUM_ENTRIES: usize = 500_000;

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordEntry {
    /// The path as it stands, not empty and without control characters, otherwise unchecked.
    pub path: String,
    /// The digest; any known algorithm, also a weak one.
    pub digest: Option<Digest>,
    /// The size in bytes.
    pub size: Option<u64>,
}

/// Why a `RECORD` cannot be read. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// More than 64 MiB.
    #[error("the file has {size} bytes, at most {MAXIMUM_SIZE} are read")]
    TooLarge {
        /// Size in bytes.
        size: usize,
    },
    /// More than 500,000 entries.
    #[error("line {line}: more than {MAXIMUM_ENTRIES} entries")]
    TooManyEntries {
        /// Line of the first that is too many.
        line: u32,
    },
    /// Not UTF-8.
    #[error("the file is not UTF-8")]
    Encoding,
    /// A line that has not three fields.
    #[error("line {line}: expected path, digest and size, found {found} fields")]
    Fields {
        /// The line.
        line: u32,
        /// Number of fields.
        found: usize,
    },
    /// A quotation mark that does not open or close a whole field.
    #[error("line {line}: misplaced quotation mark")]
    Quote {
        /// The line.
        line: u32,
    },
    /// An empty path or one with a control character.
    #[error("line {line}: {path:?} is no path")]
    Path {
        /// The line.
        line: u32,
        /// The path.
        path: String,
    },
    /// A digest that cannot be read.
    #[error("line {line}: expected `algorithm=digest` in base64, found `{found}`")]
    DigestForm {
        /// The line.
        line: u32,
        /// The field.
        found: String,
    },
    /// A digest of an unknown algorithm or of a wrong length.
    #[error("line {line}: {error}")]
    Digest {
        /// The line.
        line: u32,
        /// What is wrong.
        error: DigestError,
    },
    /// A size that is no number.
    #[error("line {line}: expected a size in bytes, found `{found}`")]
    Size {
        /// The line.
        line: u32,
        /// The field.
        found: String,
    },
    /// One path with two digests or sizes.
    #[error("line {line}: `{path}` stands here a second time with another digest or size")]
    Conflict {
        /// Line of the second one.
        line: u32,
        /// The path.
        path: String,
    },
}

/// Reads a `RECORD`. A line that is repeated word for word, as some published wheels have it,
/// gives one entry.
///
/// # Errors
/// When a line does not follow the specification, or two lines about one path disagree.
pub fn parse_record(bytes: &[u8]) -> Result<Vec<RecordEntry>, RecordError> {
    if bytes.len() > MAXIMUM_SIZE {
        return Err(RecordError::TooLarge { size: bytes.len() });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| RecordError::Encoding)?;
    let mut entries: Vec<RecordEntry> = Vec::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (line, raw) in (1..).zip(text.split('\n')) {
        let raw = raw.strip_suffix('\r').unwrap_or(raw);
        if raw.is_empty() {
            continue;
        }
        if entries.len() == MAXIMUM_ENTRIES {
            return Err(RecordError::TooManyEntries { line });
        }
        let entry = parse_line(line, raw)?;
        match seen.get(&entry.path) {
            Some(&index) if entries[index] == entry => {}
            Some(_) => return Err(RecordError::Conflict { line, path: entry.path }),
            None => {
                seen.insert(entry.path.clone(), entries.len());
                entries.push(entry);
            }
        }
    }
    Ok(entries)
}

/// Writes a `RECORD` byte for byte as pip does: sorted, fields quoted only where they must be,
/// lines ended by CR LF.
#[must_use]
pub fn write_record(entries: &[RecordEntry]) -> String {
    let mut rows: Vec<[String; 3]> = entries
        .iter()
        .map(|entry| {
            let digest = entry.digest.as_ref().map(|digest| {
                format!("{}={}", digest.algorithm(), URL_SAFE_NO_PAD.encode(digest.as_bytes()))
            });
            let size = entry.size.map(|size| size.to_string());
            [entry.path.clone(), digest.unwrap_or_default(), size.unwrap_or_default()]
        })
        .collect();
    rows.sort();
    let mut text = String::new();
    for [path, digest, size] in rows {
        if path.contains([',', '"', '\r', '\n']) {
            text.push('"');
            text.push_str(&path.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(&path);
        }
        for field in [digest, size] {
            text.push(',');
            text.push_str(&field);
        }
        text.push_str("\r\n");
    }
    text
}

fn parse_line(line: u32, raw: &str) -> Result<RecordEntry, RecordError> {
    let fields = split_fields(line, raw)?;
    let found = fields.len();
    let [path, digest, size]: [String; 3] =
        fields.try_into().map_err(|_| RecordError::Fields { line, found })?;
    if path.is_empty() || path.contains(char::is_control) {
        return Err(RecordError::Path { line, path });
    }
    let digest = if digest.is_empty() { None } else { Some(parse_digest(line, &digest)?) };
    let size = match size.as_str() {
        "" => None,
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => {
            let found = || RecordError::Size { line, found: digits.to_owned() };
            Some(digits.parse().map_err(|_| found())?)
        }
        _ => return Err(RecordError::Size { line, found: size }),
    };
    Ok(RecordEntry { path, digest, size })
}

/// Fields separated by commas; one that begins with `"` ends with the next single `"`.
fn split_fields(line: u32, raw: &str) -> Result<Vec<String>, RecordError> {
    let mut fields = Vec::new();
    let mut rest = raw;
    loop {
        let mut field = String::new();
        if let Some(mut quoted) = rest.strip_prefix('"') {
            loop {
                let (part, after) = quoted.split_once('"').ok_or(RecordError::Quote { line })?;
                field.push_str(part);
                quoted = after;
                match quoted.strip_prefix('"') {
                    Some(after) => {
                        field.push('"');
                        quoted = after;
                    }
                    None => break,
                }
            }
            rest = quoted;
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            if rest[..end].contains('"') {
                return Err(RecordError::Quote { line });
            }
            field.push_str(&rest[..end]);
            rest = &rest[end..];
        }
        fields.push(field);
        if rest.is_empty() {
            return Ok(fields);
        }
        rest = rest.strip_prefix(',').ok_or(RecordError::Quote { line })?;
    }
}

fn parse_digest(line: u32, field: &str) -> Result<Digest, RecordError> {
    let form = || RecordError::DigestForm { line, found: field.to_owned() };
    let (name, encoded) = field.split_once('=').ok_or_else(form)?;
    let algorithm = Algorithm::parse(name).ok_or_else(|| RecordError::Digest {
        line,
        error: DigestError::Algorithm { name: name.to_owned() },
    })?;
    let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| form())?;
    Digest::new(algorithm, &bytes).map_err(|error| RecordError::Digest { line, error })
}

#[cfg(test)]
mod tests;
