//! RECORD, complete both ways: it lists every file of the wheel and no other, with a digest that
//! cannot be forged (binary distribution format, "The .dist-info directory").
//!
//! Builders on Windows write its paths with backslashes, which the format of installed projects
//! allows there. No member has one in its name, so that they mean one thing only.

use std::collections::HashMap;

use countermark_packaging::digest::Digest;
use countermark_packaging::record::{RecordError, parse_record};

use super::Limits;
use super::contents::ContentsError;
use super::path::{check_path, shown};
use super::zip::Entry;

/// What RECORD says of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Recorded {
    /// RECORD itself, or a directory.
    NotApplicable,
    /// A signature of RECORD, which cannot be listed in what it signs.
    Signature(Option<Digest>),
    /// A strong digest.
    File(Digest),
}

/// Compares RECORD with the members; the answer is in their order.
pub(super) fn check_record(
    text: &[u8],
    path: &str,
    entries: &[Entry],
    limits: &Limits,
) -> Result<Vec<Recorded>, ContentsError> {
    let malformed = |error: RecordError| ContentsError::Record { path: path.to_owned(), error };
    let mut listed = HashMap::new();
    for line in parse_record(text).map_err(malformed)? {
        let path = line.path.replace('\\', "/");
        let refused = || ContentsError::RecordPath { path: shown(&line.path) };
        if check_path(&path, limits).is_err() || path.ends_with('/') || listed.contains_key(&path) {
            return Err(refused());
        }
        listed.insert(path, line);
    }
    let mut answers = Vec::with_capacity(entries.len());
    for entry in entries {
        if entry.is_directory() {
            answers.push(Recorded::NotApplicable);
            continue;
        }
        let name = || entry.name.clone();
        let signature = is_signature(&entry.name, path);
        let Some(line) = listed.remove(&entry.name) else {
            if signature {
                answers.push(Recorded::Signature(None));
                continue;
            }
            return Err(ContentsError::RecordMissing { path: name() });
        };
        if entry.name == path {
            if line.digest.is_some() || line.size.is_some() {
                return Err(ContentsError::RecordOfItself);
            }
            answers.push(Recorded::NotApplicable);
            continue;
        }
        if let Some(expected) = line.size.filter(|size| *size != entry.size) {
            return Err(ContentsError::RecordSize { path: name(), expected, found: entry.size });
        }
        answers.push(match line.digest {
            Some(digest) if !digest.algorithm().is_strong() => {
                return Err(ContentsError::RecordWeakDigest { path: name(), digest });
            }
            digest if signature => Recorded::Signature(digest),
            Some(digest) => Recorded::File(digest),
            None => return Err(ContentsError::RecordNoDigest { path: name() }),
        });
    }
    match listed.into_keys().min() {
        Some(path) => Err(ContentsError::RecordExtra { path }),
        None => Ok(answers),
    }
}

/// `RECORD.jws` and `RECORD.p7s` beside RECORD.
fn is_signature(name: &str, record: &str) -> bool {
    name.strip_prefix(record).is_some_and(|rest| matches!(rest, ".jws" | ".p7s"))
}
