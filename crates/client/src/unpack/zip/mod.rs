//! The structure of a ZIP archive, read so strictly that no two readers can see two contents.
//!
//! Decides which bytes of an archive belong to which member. Trusts nothing in it: the end
//! record, the central directory, the local headers and the data descriptors all have to tell
//! the same, every byte belongs to exactly one of them, and they stand in one order. A reader
//! that goes from front to back then sees the same members as one that starts at the end.
//!
//! Follows APPNOTE.TXT 6.3.10, sections 4.3 to 4.5, without encryption, several disks, other
//! methods than stored and deflate, and comments. Nothing is repaired.

mod central;
mod end;
mod error;
mod extra;
mod local;

pub use error::{HeaderField, LimitKind, ZipError};

use super::Limits;
use super::source::Window;

/// How the bytes of a member are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// As they are.
    Stored,
    /// RFC 1951.
    Deflated,
}

/// A member whose headers agree with each other.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// As written; a directory's ends with `/`.
    pub(super) name: String,
    pub(super) method: Method,
    pub(super) crc32: u32,
    pub(super) compressed_size: u64,
    pub(super) size: u64,
    /// Where the compressed bytes begin.
    pub(super) data_offset: u64,
    /// File type and permissions as on Unix; 0 when the archive was made elsewhere.
    pub(super) mode: u32,
}

impl Entry {
    pub(super) fn is_directory(&self) -> bool {
        self.name.ends_with('/')
    }
}

/// Reads and checks everything but the compressed data itself.
pub(super) fn read_archive(
    window: &mut Window<'_>,
    limits: &Limits,
) -> Result<Vec<Entry>, ZipError> {
    let directory = end::find_directory(window, limits)?;
    let records = central::read_directory(window, &directory, limits)?;
    local::check_layout(window, &directory, records)
}

/// Reads and checks the central directory alone, and gives the wanted members with their own
/// headers. For parts of archives: that all headers tell the same is not known.
pub(super) fn read_listed(
    window: &mut Window<'_>,
    limits: &Limits,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<Entry>, ZipError> {
    let directory = end::find_directory(window, limits)?;
    let records = central::read_directory(window, &directory, limits)?;
    let wanted = records.into_iter().filter(|record| wanted(&record.name));
    wanted.map(|record| local::read_entry(window, record)).collect()
}

/// Little-endian fields of a record, one after the other. `None` when they run out.
#[derive(Clone, Copy)]
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
}
