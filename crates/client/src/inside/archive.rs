//! Wheels, eggs and zipped source distributions, through the one reader of ZIP archives.

use std::collections::BTreeMap;

use super::says::Saying;
use super::{InsideError, MAX_SAYING, sdist};
use crate::unpack::{Limits, ReadAt, UnpackError, read_listed_members, read_members};

fn limits() -> Limits {
    Limits { max_metadata_bytes: MAX_SAYING, ..Limits::default() }
}

pub(super) fn members(
    archive: &dyn ReadAt,
    filename: &str,
    wanted: impl Fn(&str) -> bool,
) -> Result<BTreeMap<String, Vec<u8>>, InsideError> {
    told(filename, read_members(archive, wanted, &limits()))
}

/// The same from an archive of which parts can be read.
pub(super) fn listed_members(
    archive: &dyn ReadAt,
    filename: &str,
    wanted: impl Fn(&str) -> bool,
) -> Result<BTreeMap<String, Vec<u8>>, InsideError> {
    told(filename, read_listed_members(archive, wanted, &limits()))
}

fn told(
    filename: &str,
    members: Result<Vec<(String, Vec<u8>)>, UnpackError>,
) -> Result<BTreeMap<String, Vec<u8>>, InsideError> {
    let filename = filename.to_owned();
    match members {
        Ok(members) => Ok(members.into_iter().collect()),
        Err(UnpackError::Read(source)) => Err(InsideError::Read { filename, source }),
        Err(source) => Err(InsideError::Zip { filename, source }),
    }
}

/// The `.dist-info` folder of a wheel.
pub(super) fn read_wheel(archive: &dyn ReadAt, filename: &str) -> Result<Saying, InsideError> {
    let wanted = |name: &str| {
        name.split_once('/').is_some_and(|(folder, file)| {
            folder.to_ascii_lowercase().ends_with(".dist-info")
                && matches!(file, "METADATA" | "pbr.json" | "direct_url.json")
        })
    };
    let found = members(archive, filename, wanted)?;
    let mut folders: Vec<&str> =
        found.keys().filter_map(|name| Some(name.split_once('/')?.0)).collect();
    folders.dedup();
    if folders.len() > 1 {
        let reason = format!("it has the folders `{}` and `{}`", folders[0], folders[1]);
        return Err(InsideError::Contradiction { filename: filename.to_owned(), reason });
    }
    of_folder(filename, found, "METADATA")
}

/// The `EGG-INFO` folder of an egg.
pub(super) fn read_egg(archive: &dyn ReadAt, filename: &str) -> Result<Saying, InsideError> {
    let wanted = |name: &str| matches!(name, "EGG-INFO/PKG-INFO" | "EGG-INFO/pbr.json");
    of_folder(filename, members(archive, filename, wanted)?, "PKG-INFO")
}

fn of_folder(
    filename: &str,
    found: BTreeMap<String, Vec<u8>>,
    metadata: &'static str,
) -> Result<Saying, InsideError> {
    let mut saying = Saying::default();
    for (path, bytes) in found {
        let slot = match path.rsplit('/').next() {
            Some("pbr.json") => &mut saying.pbr,
            Some("direct_url.json") => &mut saying.direct_url,
            _ => &mut saying.metadata,
        };
        *slot = Some((path, bytes));
    }
    if saying.metadata.is_none() {
        let filename = filename.to_owned();
        return Err(InsideError::Silent { filename, expected: metadata });
    }
    Ok(saying)
}

/// A source distribution in a ZIP archive.
pub(super) fn read_zip_sdist(archive: &dyn ReadAt, filename: &str) -> Result<Saying, InsideError> {
    let found = members(archive, filename, sdist::is_wanted)?;
    sdist::choose(filename, found)
}
