//! Keeps what convicts a log: as the document that `countermark log convict` reads, once for each proof.

use std::io::{self, Write as _};
use std::path::Path;

use countermark_tlog::note::{Note, VerifierKey};
use countermark_tlog::witness::Evidence;
use countermark_trust::log::evidence::Evidence as Document;
use jiff::Timestamp;
use sha2::Digest as _;

/// Saves it; gives the name of the file if it was not there before.
pub(super) fn keep(
    folder: &Path,
    origin: &str,
    keys: &[VerifierKey],
    evidence: &Evidence,
    now: Timestamp,
) -> io::Result<Option<String>> {
    let text = |note: &Note| note.to_text();
    let document = match evidence {
        Evidence::SameSize { first, second } => {
            Document::fork(origin, keys, &[text(first), text(second)], &[], now)
        }
        Evidence::Inconsistent { older, newer, proof } => {
            Document::fork(origin, keys, &[text(older), text(newer)], proof, now)
        }
        Evidence::RolledBack { larger, smaller } => {
            Document::rolled_back(origin, keys, text(smaller), text(larger), now)
        }
    };
    let (name, bytes) = match document {
        Some(document) => (document.file_name(), document.write()),
        None => notes(evidence),
    };
    std::fs::create_dir_all(folder)?;
    if folder.join(&name).exists() {
        return Ok(None);
    }
    let mut file = tempfile::Builder::new().prefix(".evidence-").tempfile_in(folder)?;
    file.write_all(&bytes)?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(folder.join(&name)) {
        Ok(_) => Ok(Some(name)),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(error.error),
    }
}

/// Both notes, one after the other, should there be no document for what they show: keys that the log
/// gave up meanwhile convict nobody here, and may elsewhere.
fn notes(evidence: &Evidence) -> (String, Vec<u8>) {
    let (first, second) = match evidence {
        Evidence::SameSize { first, second } => (first, second),
        Evidence::Inconsistent { older, newer, .. } => (older, newer),
        Evidence::RolledBack { larger, smaller } => (larger, smaller),
    };
    let text = format!("{}\n{}", first.to_text(), second.to_text());
    let digest: [u8; 32] = sha2::Sha256::digest(&text).into();
    let short: String = digest[..6].iter().map(|byte| format!("{byte:02x}")).collect();
    (format!("notes-{short}.txt"), text.into_bytes())
}
