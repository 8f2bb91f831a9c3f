//! `METADATA` of a wheel on a server that gives parts of files: the end of the archive, and then the
//! few places that its directory names.

use std::cell::{Cell, RefCell};
use std::io;

use url::Url;

use crate::http::{Client, HttpError, Range, Request};
use crate::inside::{InsideError, read_listed_metadata};
use crate::unpack::ReadAt;

/// What is asked for first: directories of most wheels, and often `METADATA` before them.
const TAIL: u64 = 16 << 10;

/// Parts of one wheel.
const MAX_PARTS: usize = 8;

/// Bytes of all parts of one wheel.
const MAX_BYTES: u64 = 16 << 20;

/// Why there is no metadata.
pub(super) enum RemoteError {
    Http(HttpError),
    Inside(InsideError),
}

/// The metadata; nothing where the server gives no parts, or where it would take too many.
pub(super) async fn read_metadata(
    http: &Client,
    url: &Url,
    filename: &str,
) -> Result<Option<Vec<u8>>, RemoteError> {
    let request = Request::file(url, MAX_BYTES);
    let first = http.fetch_range(&request, Range::Last(TAIL)).await.map_err(RemoteError::Http)?;
    let Some(first) = first else { return Ok(None) };
    let total = first.total;
    let parts = RefCell::new(vec![(first.start, first.bytes)]);
    let archive = Parts { total, parts, missing: Cell::new(None) };
    let mut left = MAX_BYTES;
    for _ in 0..MAX_PARTS {
        let read = read_listed_metadata(&archive, filename);
        let Some((start, end)) = archive.missing.take() else {
            return read.map(Some).map_err(RemoteError::Inside);
        };
        let range = Range::At { start, length: end - start };
        left = match left.checked_sub(end - start) {
            Some(left) => left,
            None => return Ok(None),
        };
        let part = http.fetch_range(&request, range).await.map_err(RemoteError::Http)?;
        // Another length is another file, which somebody put there in between.
        let Some(part) = part.filter(|part| part.total == total) else { return Ok(None) };
        archive.parts.borrow_mut().push((part.start, part.bytes));
    }
    Ok(None)
}

/// An archive of which parts are there; says which one is missing.
struct Parts {
    total: u64,
    parts: RefCell<Vec<(u64, Vec<u8>)>>,
    missing: Cell<Option<(u64, u64)>>,
}

impl ReadAt for Parts {
    fn size(&self) -> io::Result<u64> {
        Ok(self.total)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = offset.saturating_add(buffer.len() as u64);
        if end > self.total {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let parts = self.parts.borrow();
        let mut at = offset;
        while at < end {
            let part = parts.iter().find_map(|(start, bytes)| {
                let from = usize::try_from(at.checked_sub(*start)?).ok()?;
                bytes.get(from..).filter(|rest| !rest.is_empty())
            });
            let Some(rest) = part else {
                let next = parts.iter().map(|(start, _)| *start).filter(|start| *start > at).min();
                self.missing.set(Some((at, end.min(next.unwrap_or(end)))));
                return Err(io::ErrorKind::WouldBlock.into());
            };
            let count = rest.len().min(usize::try_from(end - at).unwrap_or(usize::MAX));
            let from = usize::try_from(at - offset).unwrap_or(usize::MAX);
            buffer[from..from + count].copy_from_slice(&rest[..count]);
            at += count as u64;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_say_what_is_missing() {
        let parts = RefCell::new(vec![(6, b"6789".to_vec()), (2, b"23".to_vec())]);
        let archive = Parts { total: 10, parts, missing: Cell::new(None) };
        let check = |offset: u64, length: usize, expect: Result<&str, Option<(u64, u64)>>| {
            let mut buffer = vec![0; length];
            let read = archive.read_at(offset, &mut buffer);
            let found = read.map(|()| String::from_utf8(buffer).unwrap());
            let found = found.map_err(|_| archive.missing.take());
            assert_eq!(found.as_deref().map_err(|it| *it), expect, "{offset} {length}");
        };
        check(6, 4, Ok("6789"));
        check(2, 2, Ok("23"));
        check(0, 1, Err(Some((0, 1))));
        check(0, 10, Err(Some((0, 2))));
        check(2, 8, Err(Some((4, 6))));
        check(3, 2, Err(Some((4, 5))));
        check(9, 2, Err(None));
        archive.parts.borrow_mut().push((4, b"45".to_vec()));
        check(2, 8, Ok("23456789"));
    }
}
