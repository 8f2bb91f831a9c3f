//! Local headers and data descriptors (APPNOTE 4.3.7 and 4.3.9): every byte before the central
//! directory belongs to one member, in the directory's order.

use super::central::{FLAG_DESCRIPTOR, Record, extra_error};
use super::end::Directory;
use super::extra::find_zip64;
use super::{Entry, Fields, HeaderField, Method, ZipError};
use crate::unpack::path::shown;
use crate::unpack::source::Window;

const SIGNATURE: u32 = 0x0403_4b50;
const HEADER_SIZE: usize = 30;
const DESCRIPTOR_SIGNATURE: u32 = 0x0807_4b50;

/// Read along with a header when the next one is near.
const READ_AHEAD: usize = 64 << 10;
/// Read along with a header when the next one is not: a read costs less than copying so much.
const READ_AHEAD_SPARSE: usize = 512;
/// Bytes of data up to which the next header is near.
const NEAR: u64 = 4 << 10;

/// A local header's fixed fields.
struct Local {
    flags: u16,
    method: u16,
    crc32: u32,
    compressed_size: u32,
    size: u32,
    name_length: usize,
    extra_length: usize,
}

/// Walks the archive from its first byte to the central directory.
pub(super) fn check_layout(
    window: &mut Window<'_>,
    directory: &Directory,
    records: Vec<Record>,
) -> Result<Vec<Entry>, ZipError> {
    check_order(&records)?;
    let mut entries = Vec::with_capacity(records.len());
    let ends: Vec<u64> = records
        .iter()
        .skip(1)
        .map(|record| record.header_offset)
        .chain([directory.offset])
        .collect();
    for (record, end) in records.into_iter().zip(ends) {
        let data_offset = check_local(window, &record)?;
        let data_end = data_offset.saturating_add(record.compressed_size);
        check_after(window, &record, data_end, end)?;
        entries.push(entry(record, data_offset));
    }
    Ok(entries)
}

/// One member by itself: its own header is compared with the record, its neighbours are not.
pub(super) fn read_entry(window: &mut Window<'_>, record: Record) -> Result<Entry, ZipError> {
    let data_offset = check_local(window, &record)?;
    Ok(entry(record, data_offset))
}

fn entry(record: Record, data_offset: u64) -> Entry {
    Entry {
        name: record.name,
        method: record.method,
        crc32: record.crc32,
        compressed_size: record.compressed_size,
        size: record.size,
        data_offset,
        mode: record.mode,
    }
}

fn check_order(records: &[Record]) -> Result<(), ZipError> {
    for pair in records.windows(2) {
        let [previous, record] = pair else { continue };
        if record.header_offset <= previous.header_offset {
            return Err(ZipError::OutOfOrder {
                name: record.name.clone(),
                offset: record.header_offset,
                previous: previous.header_offset,
            });
        }
    }
    match records.first() {
        Some(first) if first.header_offset != 0 => {
            Err(ZipError::PrependedBytes { count: first.header_offset })
        }
        _ => Ok(()),
    }
}

/// Compares the local header with the record; returns where the data begins.
fn check_local(window: &mut Window<'_>, record: &Record) -> Result<u64, ZipError> {
    let missing =
        || ZipError::LocalMissing { name: record.name.clone(), offset: record.header_offset };
    let ahead = if record.compressed_size > NEAR { READ_AHEAD_SPARSE } else { READ_AHEAD };
    let offset = record.header_offset;
    let room = window.size().saturating_sub(offset);
    if room < HEADER_SIZE as u64 {
        return Err(missing());
    }
    let local = parse_local(window.bytes(offset, HEADER_SIZE, ahead)?).ok_or_else(missing)?;
    let length = HEADER_SIZE + local.name_length + local.extra_length;
    if room < length as u64 {
        return Err(missing());
    }
    let bytes = window.bytes(offset, length, ahead)?;
    let (name, extra) = bytes[HEADER_SIZE..].split_at(local.name_length);
    compare(record, &local, name, extra)?;
    Ok(offset + length as u64)
}

fn parse_local(bytes: &[u8]) -> Option<Local> {
    let mut fields = Fields(bytes);
    if fields.u32()? != SIGNATURE {
        return None;
    }
    fields.u16()?; // Version needed: decided by the central directory.
    let flags = fields.u16()?;
    let method = fields.u16()?;
    fields.u32()?; // Time and date.
    Some(Local {
        flags,
        method,
        crc32: fields.u32()?,
        compressed_size: fields.u32()?,
        size: fields.u32()?,
        name_length: fields.u16()?.into(),
        extra_length: fields.u16()?.into(),
    })
}

fn compare(record: &Record, local: &Local, name: &[u8], extra: &[u8]) -> Result<(), ZipError> {
    let differs = |field, central: String, local: String| ZipError::LocalDiffers {
        name: record.name.clone(),
        field,
        central,
        local,
    };
    if name != record.name.as_bytes() {
        let local = shown(&String::from_utf8_lossy(name));
        return Err(differs(HeaderField::Name, record.name.clone(), local));
    }
    if local.flags != record.flags {
        let (central, local) = (record.flags, local.flags);
        return Err(differs(
            HeaderField::Flags,
            format!("{central:#06x}"),
            format!("{local:#06x}"),
        ));
    }
    let method = match record.method {
        Method::Stored => 0,
        Method::Deflated => 8,
    };
    if local.method != method {
        return Err(differs(HeaderField::Method, method.to_string(), local.method.to_string()));
    }
    let (size, compressed_size) = local_sizes(record, local, extra)?;
    let later = record.flags & FLAG_DESCRIPTOR != 0;
    for (field, central, local) in [
        (HeaderField::Crc, record.crc32.into(), local.crc32.into()),
        (HeaderField::CompressedSize, record.compressed_size, compressed_size),
        (HeaderField::Size, record.size, size),
    ] {
        // With a data descriptor a local header may leave these fields empty (APPNOTE 4.4.4).
        if local != central && !(later && local == 0) {
            return Err(differs(field, central.to_string(), local.to_string()));
        }
    }
    if later && record.method == Method::Stored && compressed_size != record.compressed_size {
        return Err(ZipError::StoredDescriptor { name: record.name.clone() });
    }
    Ok(())
}

/// Size and compressed size by the local header. Its ZIP64 field has both or is not there.
fn local_sizes(record: &Record, local: &Local, extra: &[u8]) -> Result<(u64, u64), ZipError> {
    let zip64 = find_zip64(extra).map_err(|fault| extra_error(fault, &record.name))?;
    let narrow = (u64::from(local.size), u64::from(local.compressed_size));
    let Some(wide) = zip64 else {
        return if narrow.0 == 0xffff_ffff || narrow.1 == 0xffff_ffff {
            Err(ZipError::Zip64Missing)
        } else {
            Ok(narrow)
        };
    };
    let mut fields = Fields(wide);
    let (Some(size), Some(compressed_size), true) = (fields.u64(), fields.u64(), wide.len() == 16)
    else {
        return Err(ZipError::Zip64Inconsistent {
            what: "the length of a local extra field",
            expected: 16,
            found: wide.len() as u64,
        });
    };
    for (what, narrow, wide) in
        [("a local size", narrow.0, size), ("a local compressed size", narrow.1, compressed_size)]
    {
        if narrow != 0xffff_ffff && narrow != wide {
            return Err(ZipError::Zip64Inconsistent { what, expected: narrow, found: wide });
        }
    }
    Ok((size, compressed_size))
}

/// What stands between a member's data and what comes next: its data descriptor, or nothing.
fn check_after(
    window: &mut Window<'_>,
    record: &Record,
    data_end: u64,
    end: u64,
) -> Result<(), ZipError> {
    let name = || record.name.clone();
    let Some(gap) = end.checked_sub(data_end) else {
        return Err(ZipError::Overlap { name: name(), offset: end, end: data_end });
    };
    if record.flags & FLAG_DESCRIPTOR == 0 {
        return if gap == 0 { Ok(()) } else { Err(ZipError::Gap { name: name(), count: gap }) };
    }
    if gap > 24 {
        return Err(ZipError::Gap { name: name(), count: gap });
    }
    // Room for the next header, which is what is looked at next.
    let bytes = window.bytes(data_end, gap as usize, READ_AHEAD_SPARSE)?;
    if is_descriptor(bytes, record) { Ok(()) } else { Err(ZipError::Descriptor { name: name() }) }
}

/// With or without a signature, with sizes of 32 or 64 bits: writers do all four, and the space
/// tells which one this is.
fn is_descriptor(bytes: &[u8], record: &Record) -> bool {
    let signed = matches!(bytes.len(), 16 | 24);
    let wide = matches!(bytes.len(), 20 | 24);
    let mut expect = Vec::with_capacity(24);
    if signed {
        expect.extend(DESCRIPTOR_SIGNATURE.to_le_bytes());
    } else if record.crc32 == DESCRIPTOR_SIGNATURE {
        // A reader from front to back would take the CRC for a signature.
        return false;
    }
    expect.extend(record.crc32.to_le_bytes());
    for size in [record.compressed_size, record.size] {
        match (wide, u32::try_from(size)) {
            (true, _) => expect.extend(size.to_le_bytes()),
            (false, Ok(size)) => expect.extend(size.to_le_bytes()),
            (false, Err(_)) => return false,
        }
    }
    expect == bytes
}
