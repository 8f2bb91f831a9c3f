//! What a distribution says of what it requires: the one `METADATA` of a wheel, `PKG-INFO` and
//! `pyproject.toml` in the root of a source distribution.
//!
//! Whether what a source distribution says is final is for the caller to judge.

use std::collections::BTreeMap;

use countermark_audit::fact::FileKind;

use super::{InsideError, archive, sdist};
use crate::unpack::ReadAt;

/// The files that tell, unread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requiring {
    /// `METADATA` of a wheel, `PKG-INFO` in the root of a source distribution.
    pub metadata: Option<Vec<u8>>,
    /// `pyproject.toml` in the root of a source distribution.
    pub pyproject: Option<Vec<u8>>,
}

/// Reads the files of a whole wheel or source distribution.
///
/// # Errors
/// When it is not sound, or says two things.
pub fn read_requiring(archive: &dyn ReadAt, filename: &str) -> Result<Requiring, InsideError> {
    let found = match FileKind::of(filename) {
        FileKind::Wheel => {
            let found = archive::members(archive, filename, is_metadata)?;
            return Ok(Requiring { metadata: Some(only(filename, found)?), pyproject: None });
        }
        _ if filename.to_ascii_lowercase().ends_with(".zip") => {
            archive::members(archive, filename, is_root)?
        }
        _ => sdist::read_tar(archive, filename, is_root)?,
    };
    let mut roots: Vec<&str> =
        found.keys().filter_map(|path| Some(path.split_once('/')?.0)).collect();
    roots.dedup();
    if let [first, second, ..] = roots.as_slice() {
        let reason = format!("it has the folders `{first}` and `{second}`");
        return Err(InsideError::Contradiction { filename: filename.to_owned(), reason });
    }
    let mut requiring = Requiring::default();
    for (path, bytes) in found {
        match path.rsplit('/').next() {
            Some("PKG-INFO") => requiring.metadata = Some(bytes),
            _ => requiring.pyproject = Some(bytes),
        }
    }
    Ok(requiring)
}

/// Reads `METADATA` of a wheel of which only parts may be there. What is read is a claim until all
/// of the wheel was looked at.
///
/// # Errors
/// As [`read_requiring`]; whatever the archive answers where a part is missing.
pub fn read_listed_metadata(archive: &dyn ReadAt, filename: &str) -> Result<Vec<u8>, InsideError> {
    only(filename, archive::listed_members(archive, filename, is_metadata)?)
}

fn is_metadata(name: &str) -> bool {
    name.split_once('/').is_some_and(|(folder, file)| {
        folder.to_ascii_lowercase().ends_with(".dist-info") && file == "METADATA"
    })
}

fn is_root(name: &str) -> bool {
    name.split_once('/').is_some_and(|(_, file)| matches!(file, "PKG-INFO" | "pyproject.toml"))
}

fn only(filename: &str, found: BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>, InsideError> {
    let filename = filename.to_owned();
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some((_, bytes)), None) => Ok(bytes),
        (None, _) => Err(InsideError::Silent { filename, expected: "METADATA" }),
        (Some((first, _)), Some((second, _))) => {
            let reason = format!("it has `{first}` and `{second}`");
            Err(InsideError::Contradiction { filename, reason })
        }
    }
}
