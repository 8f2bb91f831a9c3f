//! The end of an archive (APPNOTE 4.3.14 to 4.3.16): where the central directory is.
//!
//! The end record is the last 22 bytes. Readers that search backwards for its signature and
//! readers that expect it at the end then find the same one. A ZIP64 record is believed only if
//! it stands right before its locator, and the locator right before the end record.

use super::{Fields, LimitKind, ZipError};
use crate::unpack::Limits;
use crate::unpack::source::Window;

const END_SIGNATURE: u32 = 0x0605_4b50;
const END_SIZE: u64 = 22;
const LOCATOR_SIGNATURE: u32 = 0x0706_4b50;
const LOCATOR_SIZE: u64 = 20;
const END64_SIGNATURE: u32 = 0x0606_4b50;
const END64_SIZE: u64 = 56;
/// The size field of the ZIP64 record leaves out its own first 12 bytes.
const END64_SIZE_FIELD: u64 = END64_SIZE - 12;
/// The smallest entry of a central directory.
const ENTRY_SIZE: u64 = 46;
/// How far a comment can push the end record away from the end.
const MAX_COMMENT: u64 = 0xffff;

/// Where the central directory is, and how many entries it has.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Directory {
    pub(super) offset: u64,
    pub(super) size: u64,
    pub(super) entries: u64,
}

/// The fields of either end record.
struct End {
    disk: u32,
    directory_disk: u32,
    entries_here: u64,
    entries: u64,
    size: u64,
    offset: u64,
}

pub(super) fn find_directory(
    window: &mut Window<'_>,
    limits: &Limits,
) -> Result<Directory, ZipError> {
    let size = window.size();
    let Some(end_at) = size.checked_sub(END_SIZE) else {
        return Err(ZipError::EndMissing { size });
    };
    let Some(end) = parse_end(window.bytes(end_at, END_SIZE as usize, 0)?) else {
        return Err(explain_missing_end(window)?);
    };
    let (end, directory_end) = match locate_end64(window, end_at)? {
        Some(at) => (read_end64(window, at, &end)?, at),
        None if end.size == 0xffff_ffff || end.offset == 0xffff_ffff => {
            return Err(ZipError::Zip64Missing);
        }
        None => (end, end_at),
    };
    check_end(&end, directory_end, limits)
}

/// The end record, if that is what the bytes are and nothing is to follow it.
fn parse_end(bytes: &[u8]) -> Option<End> {
    let mut fields = Fields(bytes);
    if fields.u32()? != END_SIGNATURE {
        return None;
    }
    let end = End {
        disk: fields.u16()?.into(),
        directory_disk: fields.u16()?.into(),
        entries_here: fields.u16()?.into(),
        entries: fields.u16()?.into(),
        size: fields.u32()?.into(),
        offset: fields.u32()?.into(),
    };
    (fields.u16()? == 0).then_some(end)
}

/// Tells a comment from trailing bytes from a file that is cut off.
fn explain_missing_end(window: &mut Window<'_>) -> Result<ZipError, ZipError> {
    let size = window.size();
    let start = size.saturating_sub(END_SIZE + MAX_COMMENT);
    let tail = window.bytes(start, (size - start) as usize, 0)?;
    let found = tail
        .windows(END_SIZE as usize)
        .rposition(|record| Fields(record).u32() == Some(END_SIGNATURE));
    let Some(position) = found else {
        return Ok(ZipError::EndMissing { size });
    };
    let after = (tail.len() - position) as u64 - END_SIZE;
    let comment = Fields(&tail[position + 20..]).u16().map_or(0, u64::from);
    Ok(if comment == after {
        ZipError::ArchiveComment { length: comment }
    } else if comment < after {
        ZipError::TrailingBytes { count: after - comment }
    } else {
        ZipError::EndMissing { size }
    })
}

/// Where the ZIP64 end record is, if a locator stands before the end record.
fn locate_end64(window: &mut Window<'_>, end_at: u64) -> Result<Option<u64>, ZipError> {
    let Some(at) = end_at.checked_sub(LOCATOR_SIZE) else {
        return Ok(None);
    };
    let mut fields = Fields(window.bytes(at, LOCATOR_SIZE as usize, 0)?);
    if fields.u32() != Some(LOCATOR_SIGNATURE) {
        return Ok(None);
    }
    let (Some(disk), Some(offset), Some(disks)) = (fields.u32(), fields.u64(), fields.u32()) else {
        return Ok(None);
    };
    if disk != 0 || disks != 1 {
        return Err(ZipError::MultiDisk);
    }
    let expected = at.checked_sub(END64_SIZE).ok_or(ZipError::Zip64Missing)?;
    expect64("the offset of the end record", expected, offset)?;
    Ok(Some(expected))
}

fn read_end64(window: &mut Window<'_>, at: u64, narrow: &End) -> Result<End, ZipError> {
    let bytes = window.bytes(at, END64_SIZE as usize, 0)?;
    let (length, wide) = parse_end64(bytes).ok_or(ZipError::Zip64Missing)?;
    expect64("the length of the end record", END64_SIZE_FIELD, length)?;
    // Each narrow field repeats the wide one or says that it cannot: a reader that knows no
    // ZIP64 must not see another archive.
    for (what, narrow, sentinel, wide) in [
        ("the disk", narrow.disk.into(), 0xffff, wide.disk.into()),
        ("the directory's disk", narrow.directory_disk.into(), 0xffff, wide.directory_disk.into()),
        ("the number of members here", narrow.entries_here, 0xffff, wide.entries_here),
        ("the number of members", narrow.entries, 0xffff, wide.entries),
        ("the size of the directory", narrow.size, 0xffff_ffff, wide.size),
        ("the offset of the directory", narrow.offset, 0xffff_ffff, wide.offset),
    ] {
        if narrow != sentinel {
            expect64(what, narrow, wide)?;
        }
    }
    Ok(wide)
}

fn parse_end64(bytes: &[u8]) -> Option<(u64, End)> {
    let mut fields = Fields(bytes);
    if fields.u32()? != END64_SIGNATURE {
        return None;
    }
    let length = fields.u64()?;
    fields.take(4)?; // Versions made by and needed: they say nothing about the layout.
    let end = End {
        disk: fields.u32()?,
        directory_disk: fields.u32()?,
        entries_here: fields.u64()?,
        entries: fields.u64()?,
        size: fields.u64()?,
        offset: fields.u64()?,
    };
    Some((length, end))
}

fn expect64(what: &'static str, expected: u64, found: u64) -> Result<(), ZipError> {
    if expected == found {
        Ok(())
    } else {
        Err(ZipError::Zip64Inconsistent { what, expected, found })
    }
}

fn check_end(end: &End, directory_end: u64, limits: &Limits) -> Result<Directory, ZipError> {
    let End { disk, directory_disk, entries_here, entries, size, offset } = *end;
    if disk != 0 || directory_disk != 0 {
        return Err(ZipError::MultiDisk);
    }
    if entries_here != entries {
        return Err(ZipError::EntryCount { expected: entries, found: entries_here });
    }
    if offset.checked_add(size) != Some(directory_end) {
        let found = offset.saturating_add(size);
        return Err(ZipError::DirectoryPlacement { expected: directory_end, found });
    }
    for (what, found, limit) in [
        (LimitKind::Entries, entries, limits.max_entries),
        (LimitKind::DirectoryBytes, size, limits.max_central_directory),
    ] {
        if found > limit {
            return Err(ZipError::Limit { what, found, limit });
        }
    }
    if entries == 0 && size == 0 {
        return Err(ZipError::Empty);
    }
    if entries > size / ENTRY_SIZE {
        return Err(ZipError::EntryCount { expected: entries, found: size / ENTRY_SIZE });
    }
    Ok(Directory { offset, size, entries })
}
