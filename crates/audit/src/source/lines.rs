//! Lines of a long file, one at a time and each with a bound.

use std::io::{BufRead, BufReader, Read};

/// Longest line, in bytes.
const MAX_LINE: usize = 64 * 1024;

/// One line, with its number from 1.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'l> {
    /// Without its end.
    Text(u32, &'l str),
    /// Too long, or not UTF-8.
    Unusable(u32, String),
}

/// Gives one line after the other.
pub(super) struct Lines<R> {
    reader: BufReader<R>,
    buffer: Vec<u8>,
    number: u32,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader: BufReader::with_capacity(256 * 1024, reader), buffer: Vec::new(), number: 0 }
    }

    /// The next line; a long one is passed over to its end without being kept.
    pub(super) fn next(&mut self) -> std::io::Result<Option<Line<'_>>> {
        self.buffer.clear();
        let mut length = 0_u64;
        loop {
            let available = match self.reader.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if available.is_empty() && length == 0 {
                return Ok(None);
            }
            let end = memchr(available);
            let used = end.map_or(available.len(), |at| at + 1);
            let text = &available[..end.unwrap_or(available.len())];
            if self.buffer.len() + text.len() <= MAX_LINE {
                self.buffer.extend_from_slice(text);
            }
            let is_last = end.is_some() || available.is_empty();
            length += used as u64;
            self.reader.consume(used);
            if is_last {
                break;
            }
        }
        self.number = self.number.saturating_add(1);
        // The line feed is counted in the length, and is not part of the line.
        if length > MAX_LINE as u64 + 1 {
            let reason = format!("the line has {length} bytes, at most {MAX_LINE} are read");
            return Ok(Some(Line::Unusable(self.number, reason)));
        }
        let bytes = self.buffer.strip_suffix(b"\r").unwrap_or(&self.buffer);
        let bytes = match self.number {
            1 => bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes),
            _ => bytes,
        };
        Ok(Some(match std::str::from_utf8(bytes) {
            Ok(text) => Line::Text(self.number, text),
            Err(_) => Line::Unusable(self.number, "the line is not UTF-8".to_owned()),
        }))
    }
}

fn memchr(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| *byte == b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_their_numbers() {
        let check = |bytes: &[u8], expect: &[(u32, Result<&str, &str>)]| {
            let mut lines = Lines::new(bytes);
            for (number, expect) in expect {
                let found = lines.next().unwrap().unwrap();
                let expect = match expect {
                    Ok(text) => Line::Text(*number, text),
                    Err(reason) => Line::Unusable(*number, (*reason).to_owned()),
                };
                assert_eq!(found, expect);
            }
            assert_eq!(lines.next().unwrap(), None);
        };
        check(b"", &[]);
        check(b"a\nb", &[(1, Ok("a")), (2, Ok("b"))]);
        check(b"\xef\xbb\xbfa\r\n\r\nb\n", &[(1, Ok("a")), (2, Ok("")), (3, Ok("b"))]);
        check(b"a\n\xff\nb\n", &[(1, Ok("a")), (2, Err("the line is not UTF-8")), (3, Ok("b"))]);
        let fits = vec![b'x'; MAX_LINE];
        let text = std::str::from_utf8(&fits).unwrap().to_owned();
        check(&[&fits[..], b"\nb\n"].concat(), &[(1, Ok(&text)), (2, Ok("b"))]);
        let long = vec![b'x'; MAX_LINE + 1];
        let reason = "the line has 65538 bytes, at most 65536 are read";
        check(&[&long[..], b"\nb\n"].concat(), &[(1, Err(reason)), (2, Ok("b"))]);
        let endless = vec![b'x'; 3_000_000];
        let reason = "the line has 3000001 bytes, at most 65536 are read";
        check(&[&endless[..], b"\nb\n"].concat(), &[(1, Err(reason)), (2, Ok("b"))]);
    }
}
