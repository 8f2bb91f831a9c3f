//! The central directory (APPNOTE 4.3.12): what the archive says about each member.

use std::collections::HashSet;

use super::end::Directory;
use super::extra::{ExtraFault, find_zip64};
use super::{Fields, LimitKind, Method, ZipError};
use crate::unpack::Limits;
use crate::unpack::path::{check_path, shown};
use crate::unpack::source::Window;

const SIGNATURE: u32 = 0x0201_4b50;

/// The sizes of this member come after its data.
pub(super) const FLAG_DESCRIPTOR: u16 = 1 << 3;
/// The name is UTF-8.
const FLAG_UTF8: u16 = 1 << 11;
/// Traditional and strong encryption, and encrypted headers.
const FLAGS_ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
/// Two bits tell how hard deflate tried; they change nothing for a reader.
const FLAGS_SUPPORTED: u16 = 1 << 1 | 1 << 2 | FLAG_DESCRIPTOR | FLAG_UTF8;

const FILE_TYPE: u32 = 0o170_000;
const TYPE_FILE: u32 = 0o100_000;
const TYPE_DIRECTORY: u32 = 0o040_000;
const TYPE_SYMLINK: u32 = 0o120_000;
const SET_ID: u32 = 0o6000;
/// The directory bit of the attributes that DOS had.
const DOS_DIRECTORY: u32 = 0x10;

/// One entry of the central directory, checked by itself.
pub(super) struct Record {
    pub(super) name: String,
    pub(super) flags: u16,
    pub(super) method: Method,
    pub(super) crc32: u32,
    pub(super) compressed_size: u64,
    pub(super) size: u64,
    pub(super) header_offset: u64,
    pub(super) mode: u32,
}

/// The fields as written, with the variable parts.
struct Raw<'a> {
    version: u16,
    flags: u16,
    method: u16,
    crc32: u32,
    compressed_size: u32,
    size: u32,
    disk: u16,
    attributes: u32,
    offset: u32,
    name: &'a [u8],
    extra: &'a [u8],
    comment: &'a [u8],
}

pub(super) fn read_directory(
    window: &mut Window<'_>,
    directory: &Directory,
    limits: &Limits,
) -> Result<Vec<Record>, ZipError> {
    let archive_size = window.size();
    // The limit on the directory has been checked, so its size fits and may be allocated.
    let mut fields = Fields(window.bytes(directory.offset, directory.size as usize, 0)?);
    let mut records = Vec::with_capacity(directory.entries as usize);
    let mut total = 0u64;
    for index in 0..directory.entries {
        let raw = parse_raw(&mut fields).ok_or(ZipError::DirectoryMalformed { index })?;
        let record = check_record(&raw, index, limits)?;
        total = total.saturating_add(record.size);
        check_limit(LimitKind::EntryBytes, record.size, limits.max_entry_bytes)?;
        check_limit(LimitKind::TotalBytes, total, limits.max_total_bytes)?;
        records.push(record);
    }
    if let Some(_another) = parse_raw(&mut fields.clone()) {
        let expected = directory.entries;
        return Err(ZipError::EntryCount { expected, found: expected + 1 });
    }
    if !fields.0.is_empty() {
        return Err(ZipError::DirectoryMalformed { index: directory.entries });
    }
    if total > Limits::RATIO_FLOOR {
        check_limit(LimitKind::Ratio, total / archive_size.max(1), limits.max_ratio)?;
    }
    check_duplicates(&records)?;
    Ok(records)
}

fn check_limit(what: LimitKind, found: u64, limit: u64) -> Result<(), ZipError> {
    if found > limit { Err(ZipError::Limit { what, found, limit }) } else { Ok(()) }
}

fn check_duplicates(records: &[Record]) -> Result<(), ZipError> {
    let mut names = HashSet::with_capacity(records.len());
    match records.iter().find(|record| !names.insert(record.name.as_str())) {
        Some(record) => Err(ZipError::Duplicate { name: record.name.clone() }),
        None => Ok(()),
    }
}

fn parse_raw<'a>(fields: &mut Fields<'a>) -> Option<Raw<'a>> {
    if fields.u32()? != SIGNATURE {
        return None;
    }
    fields.u16()?; // Version made by: the host system does not change what the mode means.
    let version = fields.u16()?;
    let flags = fields.u16()?;
    let method = fields.u16()?;
    fields.u32()?; // Time and date.
    let crc32 = fields.u32()?;
    let compressed_size = fields.u32()?;
    let size = fields.u32()?;
    let name_length = fields.u16()?;
    let extra_length = fields.u16()?;
    let comment_length = fields.u16()?;
    let disk = fields.u16()?;
    fields.u16()?; // Internal attributes: text or binary.
    let attributes = fields.u32()?;
    let offset = fields.u32()?;
    let name = fields.take(name_length.into())?;
    let extra = fields.take(extra_length.into())?;
    let comment = fields.take(comment_length.into())?;
    Some(Raw {
        version,
        flags,
        method,
        crc32,
        compressed_size,
        size,
        disk,
        attributes,
        offset,
        name,
        extra,
        comment,
    })
}

fn check_record(raw: &Raw<'_>, index: u64, limits: &Limits) -> Result<Record, ZipError> {
    let name = check_name(raw, index)?;
    // Before anything else, so that every later message can show the name.
    check_path(&name, limits)?;
    check_flags(raw, &name)?;
    if raw.disk != 0 {
        return Err(ZipError::MultiDisk);
    }
    if !raw.comment.is_empty() {
        return Err(ZipError::EntryComment { name, length: raw.comment.len() as u16 });
    }
    let method = match raw.method {
        0 => Method::Stored,
        8 => Method::Deflated,
        method => return Err(ZipError::UnsupportedMethod { name, method }),
    };
    let (size, compressed_size, header_offset) = check_zip64(raw, &name)?;
    let record = Record {
        name,
        flags: raw.flags,
        method,
        crc32: raw.crc32,
        compressed_size,
        size,
        header_offset,
        mode: raw.attributes >> 16,
    };
    check_kind(&record, raw.attributes)?;
    Ok(record)
}

fn check_name(raw: &Raw<'_>, index: u64) -> Result<String, ZipError> {
    // Off-spec: without the flag a name is in code page 437. Readers disagree about its upper
    // half, so only ASCII is taken.
    let utf8 = raw.flags & FLAG_UTF8 != 0;
    let name = std::str::from_utf8(raw.name).ok().filter(|name| utf8 || name.is_ascii());
    name.map(str::to_owned).ok_or_else(|| ZipError::NameEncoding {
        index,
        expected: if utf8 { "UTF-8" } else { "ASCII" },
        name: shown(&String::from_utf8_lossy(raw.name)),
    })
}

fn check_flags(raw: &Raw<'_>, name: &str) -> Result<(), ZipError> {
    let name = || name.to_owned();
    if raw.flags & FLAGS_ENCRYPTED != 0 {
        return Err(ZipError::Encrypted { name: name() });
    }
    if raw.flags & !FLAGS_SUPPORTED != 0 {
        return Err(ZipError::UnsupportedFlags { name: name(), flags: raw.flags });
    }
    // The upper byte is reserved; some writers put their system there.
    if raw.version & 0xff > 45 {
        return Err(ZipError::UnsupportedVersion { name: name(), version: raw.version });
    }
    Ok(())
}

/// Size, compressed size and header offset (APPNOTE 4.5.3): the ZIP64 field has exactly those
/// that do not fit, in this order.
fn check_zip64(raw: &Raw<'_>, name: &str) -> Result<(u64, u64, u64), ZipError> {
    let zip64 = find_zip64(raw.extra).map_err(|fault| extra_error(fault, name))?;
    let narrow = [raw.size, raw.compressed_size, raw.offset];
    let expected = narrow.iter().filter(|value| **value == u32::MAX).count() as u64 * 8;
    let mut wide = Fields(zip64.unwrap_or_default());
    let found = wide.0.len() as u64;
    if found != expected || (zip64.is_some() && expected == 0) {
        let what = "the length of an extra field";
        return Err(ZipError::Zip64Inconsistent { what, expected, found });
    }
    let mut next = |value: u32| match value {
        // The length was checked, so there is always a value.
        u32::MAX => wide.u64().unwrap_or(u64::MAX),
        value => value.into(),
    };
    Ok((next(raw.size), next(raw.compressed_size), next(raw.offset)))
}

pub(super) fn extra_error(fault: ExtraFault, name: &str) -> ZipError {
    let name = name.to_owned();
    match fault {
        ExtraFault::Malformed => ZipError::ExtraMalformed { name },
        ExtraFault::Forbidden(id) => ZipError::ExtraForbidden { name, id },
    }
}

/// Bytes of a deflated stream without content.
const EMPTY_DEFLATED: u64 = 2;

fn check_kind(record: &Record, attributes: u32) -> Result<(), ZipError> {
    let name = || record.name.clone();
    let directory = record.name.ends_with('/');
    match record.mode & FILE_TYPE {
        0 if !directory && attributes & DOS_DIRECTORY != 0 => {
            return Err(ZipError::KindMismatch { name: name() });
        }
        0 => {}
        TYPE_FILE if !directory && record.mode & SET_ID == 0 => {}
        TYPE_DIRECTORY if directory => {}
        TYPE_FILE if directory => return Err(ZipError::KindMismatch { name: name() }),
        TYPE_DIRECTORY => return Err(ZipError::KindMismatch { name: name() }),
        TYPE_SYMLINK => return Err(ZipError::Symlink { name: name() }),
        _ => return Err(ZipError::SpecialMode { name: name(), mode: record.mode }),
    }
    let size = record.size.max(record.compressed_size);
    // Some builders deflate the nothing of a directory as well, which is these many bytes.
    let is_deflated_nothing = record.method == Method::Deflated
        && (record.size, record.compressed_size) == (0, EMPTY_DEFLATED);
    if directory && size != 0 && !is_deflated_nothing {
        return Err(ZipError::DirectoryWithData { name: name(), size });
    }
    if record.method == Method::Stored && record.size != record.compressed_size {
        return Err(ZipError::StoredSize {
            name: name(),
            compressed: record.compressed_size,
            size: record.size,
        });
    }
    Ok(())
}
