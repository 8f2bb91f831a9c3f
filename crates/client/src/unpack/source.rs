//! Positional reads of an archive, in few and large pieces.

use std::fs::File;
use std::io;

/// Bytes that can be read at any offset, without a cursor, so that threads can share them.
pub trait ReadAt {
    /// Bytes in all.
    ///
    /// # Errors
    /// The system's answer when the size cannot be told.
    fn size(&self) -> io::Result<u64>;

    /// Fills the buffer from `offset` on.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] when there are fewer bytes, or the system's answer.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// All bytes, where they are in memory anyway: spares the copies.
    fn as_slice(&self) -> Option<&[u8]> {
        None
    }
}

impl ReadAt for File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        crate::system::unix::fs::FileExt::read_exact_at(self, buffer, offset)
    }
}

impl ReadAt for &[u8] {
    fn size(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        buffer.copy_from_slice(slice(self, offset, buffer.len())?);
        Ok(())
    }

    fn as_slice(&self) -> Option<&[u8]> {
        Some(self)
    }
}

impl ReadAt for Vec<u8> {
    fn size(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.as_slice().read_at(offset, buffer)
    }

    fn as_slice(&self) -> Option<&[u8]> {
        Some(self)
    }
}

fn slice(bytes: &[u8], offset: u64, length: usize) -> io::Result<&[u8]> {
    usize::try_from(offset)
        .ok()
        .and_then(|start| bytes.get(start..start.checked_add(length)?))
        .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

/// The part of an archive that was read last. Neighbours of what was asked for come along, so
/// that a thousand small members cost a few reads.
pub(super) struct Window<'a> {
    archive: &'a dyn ReadAt,
    size: u64,
    start: u64,
    held: Vec<u8>,
}

impl<'a> Window<'a> {
    /// Looks at the archive through a buffer that an earlier window gave back.
    pub(super) fn new(archive: &'a dyn ReadAt, mut buffer: Vec<u8>) -> io::Result<Self> {
        buffer.clear();
        Ok(Self { archive, size: archive.size()?, start: 0, held: buffer })
    }

    /// Bytes in the archive.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The archive itself, for reads that are too large to be worth a window.
    pub(super) fn archive(&self) -> &'a dyn ReadAt {
        self.archive
    }

    /// `length` bytes from `offset` on; when they have to be read, `ahead` bytes are, if there
    /// are as many.
    pub(super) fn bytes(&mut self, offset: u64, length: usize, ahead: usize) -> io::Result<&[u8]> {
        if let Some(bytes) = self.archive.as_slice() {
            return slice(bytes, offset, length);
        }
        if !self.holds(offset, length) {
            self.fill(offset, length, ahead)?;
        }
        slice(&self.held, offset - self.start, length)
    }

    /// Gives the buffer to the next window.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.held
    }

    fn holds(&self, offset: u64, length: usize) -> bool {
        offset >= self.start
            && offset.saturating_add(length as u64) <= self.start + self.held.len() as u64
    }

    fn fill(&mut self, offset: u64, length: usize, ahead: usize) -> io::Result<()> {
        let left = self.size.saturating_sub(offset);
        if left < length as u64 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(length.max(ahead));
        self.start = offset;
        self.held.resize(wanted, 0);
        // A failed read must not leave stale bytes that look like the archive's.
        self.archive.read_at(offset, &mut self.held).inspect_err(|_| self.held.clear())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    struct Counting {
        bytes: Vec<u8>,
        reads: Cell<u32>,
    }

    impl ReadAt for Counting {
        fn size(&self) -> io::Result<u64> {
            Ok(self.bytes.len() as u64)
        }

        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
            self.reads.set(self.reads.get() + 1);
            self.bytes.read_at(offset, buffer)
        }
    }

    #[test]
    fn neighbours_come_with_one_read() {
        let archive =
            Counting { bytes: (0..=255).cycle().take(1000).collect(), reads: Cell::new(0) };
        let mut window = Window::new(&archive, Vec::new()).unwrap();
        for offset in (0..990).step_by(10) {
            let expect: Vec<u8> = archive.bytes[offset..offset + 10].to_vec();
            assert_eq!(window.bytes(offset as u64, 10, 500).unwrap(), expect);
        }
        assert_eq!(archive.reads.get(), 2);
    }

    #[test]
    fn nothing_is_read_past_the_end() {
        let archive = Counting { bytes: vec![7; 100], reads: Cell::new(0) };
        let mut window = Window::new(&archive, Vec::new()).unwrap();
        for (offset, length) in [(95, 6), (101, 1), (u64::MAX, 1), (0, 101)] {
            let error = window.bytes(offset, length, 0).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{offset} {length}");
        }
        assert_eq!(window.bytes(95, 5, 4096).unwrap(), [7; 5]);
    }
}
