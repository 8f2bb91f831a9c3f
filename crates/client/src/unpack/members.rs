//! A few members of an archive, for those who only want to read what it says about itself.

use super::extract::Extractor;
use super::zip::read_archive;
use super::{ContentsError, Limits, ReadAt, UnpackError};

/// Members that are read at most.
const MAX_MEMBERS: usize = 64;

/// Reads the members of a ZIP archive whose names are wanted, whole, in the order of the archive.
/// The structure of all of it is checked as strictly as when it is unpacked, so that no other reader
/// can see other members; what it means is not.
///
/// # Errors
/// When the archive is not one that every reader reads alike, when a wanted member has more than
/// [`Limits::max_metadata_bytes`], or when it cannot be read.
pub fn read_members(
    archive: &dyn ReadAt,
    wanted: impl Fn(&str) -> bool,
    limits: &Limits,
) -> Result<Vec<(String, Vec<u8>)>, UnpackError> {
    Extractor::new().with_window(archive, |unpacker| {
        let entries = read_archive(unpacker.window, limits)?;
        let mut members = Vec::new();
        for entry in entries.iter().filter(|entry| !entry.is_directory() && wanted(&entry.name)) {
            let limit = limits.max_metadata_bytes;
            if entry.size > limit || members.len() == MAX_MEMBERS {
                let (path, found) = (entry.name.clone(), entry.size);
                return Err(ContentsError::FileTooLarge { path, found, limit }.into());
            }
            // Grows with what is really there, not with what is promised.
            let mut bytes = Vec::new();
            unpacker.unpack(entry, &mut |slice| {
                bytes.extend_from_slice(slice);
                Ok(())
            })?;
            members.push((entry.name.clone(), bytes));
        }
        Ok(members)
    })
}
