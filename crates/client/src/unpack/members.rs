//! A few members of an archive, for those who only want to read what it says about itself.

use super::extract::{Extractor, Unpacker};
use super::zip::{Entry, read_archive, read_listed};
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
        let mut entries = read_archive(unpacker.window, limits)?;
        entries.retain(|entry| !entry.is_directory() && wanted(&entry.name));
        unpack_small(unpacker, &entries, limits)
    })
}

/// The same from an archive of which only the end and the wanted members can be read, such as one
/// on a server that gives parts: the central directory is checked, and the headers of the wanted
/// members. Another reader may see other members, so what is read is a claim until all of the archive
/// was looked at.
///
/// # Errors
/// As [`read_members`].
pub fn read_listed_members(
    archive: &dyn ReadAt,
    wanted: impl Fn(&str) -> bool,
    limits: &Limits,
) -> Result<Vec<(String, Vec<u8>)>, UnpackError> {
    Extractor::new().with_window(archive, |unpacker| {
        let is_wanted = |name: &str| !name.ends_with('/') && wanted(name);
        let entries = read_listed(unpacker.window, limits, is_wanted)?;
        unpack_small(unpacker, &entries, limits)
    })
}

/// Takes members of an archive, one after the other.
pub trait Visitor {
    /// A member begins, which promises to have so many bytes. Whether its bytes are wanted.
    fn begin(&mut self, path: &str, size: u64) -> bool;

    /// The next bytes of a wanted member.
    fn bytes(&mut self, bytes: &[u8]);

    /// A wanted member ends, and is what the archive's check sum says.
    fn end(&mut self);
}

/// Shows every file of a ZIP archive to a visitor, in the order of the archive. The structure is
/// checked as strictly as when it is unpacked.
///
/// # Errors
/// When the archive is not one that every reader reads alike, or cannot be read. What the visitor
/// saw so far then counts for nothing.
pub fn walk_members(
    archive: &dyn ReadAt,
    visitor: &mut dyn Visitor,
    limits: &Limits,
) -> Result<(), UnpackError> {
    Extractor::new().with_window(archive, |unpacker| {
        let entries = read_archive(unpacker.window, limits)?;
        for entry in entries.iter().filter(|entry| !entry.is_directory()) {
            if visitor.begin(&entry.name, entry.size) {
                unpacker.unpack(entry, &mut |slice| {
                    visitor.bytes(slice);
                    Ok(())
                })?;
                visitor.end();
            }
        }
        Ok(())
    })
}

fn unpack_small(
    unpacker: &mut Unpacker<'_, '_>,
    entries: &[Entry],
    limits: &Limits,
) -> Result<Vec<(String, Vec<u8>)>, UnpackError> {
    let mut members = Vec::new();
    for entry in entries {
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
}
