//! From the bytes of a requirements file to its text, and back.

use crate::lock::source::Source;
use crate::lock::{SourceError, codes};

/// The most bytes of one requirements file.
pub const MAXIMUM_SIZE: usize = 16 << 20;

/// How a file is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// UTF-8 without a byte order mark; also what a `coding: ascii` line declares.
    Utf8,
    /// UTF-8 with a byte order mark.
    Utf8Marked,
    /// UTF-16 with a byte order mark, little endian.
    Utf16Little,
    /// UTF-16 with a byte order mark, big endian.
    Utf16Big,
    /// UTF-32 with a byte order mark, little endian.
    Utf32Little,
    /// UTF-32 with a byte order mark, big endian.
    Utf32Big,
    /// ISO 8859-1, which a `coding: latin-1` line declares.
    Latin1,
}

/// A decoded file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The text without a byte order mark; the spans of [`super::Place`] count in it.
    pub text: String,
    /// How it was encoded.
    pub encoding: Encoding,
}

/// Why a file cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The file is too large.
    #[error("the file has {size} bytes, at most {MAXIMUM_SIZE} are read")]
    TooLarge {
        /// Size in bytes.
        size: usize,
    },
    /// A `coding:` line names an encoding that is not known here.
    #[error("the encoding `{name}` is not known; use UTF-8")]
    Unknown {
        /// The name.
        name: String,
    },
    /// The bytes are not in the encoding that the file declares, or in UTF-8 when it declares
    /// none.
    #[error("byte {offset} of the file is not {expected}")]
    Malformed {
        /// Bytes from the beginning of the file, byte order mark included.
        offset: usize,
        /// The line, from 1, as far as the text before it can be read.
        line: u32,
        /// The encoding.
        expected: &'static str,
    },
}

impl DecodeError {
    pub(crate) fn at(&self, location: &str) -> SourceError {
        let source = Source::new(location, String::new());
        let code = match self {
            Self::TooLarge { .. } => codes::TOO_LARGE,
            Self::Unknown { .. } | Self::Malformed { .. } => codes::ENCODING,
        };
        let mut error = source.error(code, self.to_string(), 0..0);
        if let Self::Malformed { line, .. } = self {
            error.place.line = *line;
        }
        error
    }
}

/// Decodes as pip does: by byte order mark, else by a PEP 263 line among the first two, else as
/// UTF-8.
///
/// # Errors
/// When the bytes are not in that encoding. pip then tries the encoding of the locale; here a
/// file means the same everywhere.
pub fn decode(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    if bytes.len() > MAXIMUM_SIZE {
        return Err(DecodeError::TooLarge { size: bytes.len() });
    }
    // UTF-32 first: its little-endian mark begins with that of UTF-16.
    const MARKS: [(&[u8], Encoding); 5] = [
        (b"\xef\xbb\xbf", Encoding::Utf8Marked),
        (b"\xff\xfe\0\0", Encoding::Utf32Little),
        (b"\0\0\xfe\xff", Encoding::Utf32Big),
        (b"\xff\xfe", Encoding::Utf16Little),
        (b"\xfe\xff", Encoding::Utf16Big),
    ];
    let marked = MARKS
        .iter()
        .find_map(|(mark, encoding)| Some((bytes.strip_prefix(*mark)?, *encoding, mark.len())));
    let (body, encoding, skipped) = match marked {
        Some(found) => found,
        None => (bytes, declared_encoding(bytes)?, 0),
    };
    let text = match encoding {
        Encoding::Utf8 | Encoding::Utf8Marked => std::str::from_utf8(body)
            .map(str::to_owned)
            .map_err(|error| malformed(bytes, skipped + error.valid_up_to(), "UTF-8"))?,
        Encoding::Latin1 => body.iter().map(|&byte| char::from(byte)).collect(),
        Encoding::Utf16Little => decode_utf16(body, u16::from_le_bytes)?,
        Encoding::Utf16Big => decode_utf16(body, u16::from_be_bytes)?,
        Encoding::Utf32Little => decode_utf32(body, u32::from_le_bytes)?,
        Encoding::Utf32Big => decode_utf32(body, u32::from_be_bytes)?,
    };
    Ok(Decoded { text, encoding })
}

impl Encoding {
    /// The bytes of a text, with the byte order mark; `None` when it has a character that this
    /// encoding lacks.
    #[must_use]
    pub fn encode(self, text: &str) -> Option<Vec<u8>> {
        let utf16 = |bytes: fn(u16) -> [u8; 2]| {
            ['\u{feff}'].into_iter().chain(text.chars()).flat_map(move |character| {
                let mut buffer = [0; 2];
                let units = character.encode_utf16(&mut buffer);
                units.iter().flat_map(|&unit| bytes(unit)).collect::<Vec<u8>>()
            })
        };
        let utf32 = |bytes: fn(u32) -> [u8; 4]| {
            ['\u{feff}'].into_iter().chain(text.chars()).flat_map(move |c| bytes(u32::from(c)))
        };
        Some(match self {
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::Utf8Marked => [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            Self::Utf16Little => utf16(u16::to_le_bytes).collect(),
            Self::Utf16Big => utf16(u16::to_be_bytes).collect(),
            Self::Utf32Little => utf32(u32::to_le_bytes).collect(),
            Self::Utf32Big => utf32(u32::to_be_bytes).collect(),
            Self::Latin1 => {
                return text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
            }
        })
    }
}

/// `# -*- coding: name -*-` in one of the first two lines (PEP 263).
fn declared_encoding(bytes: &[u8]) -> Result<Encoding, DecodeError> {
    let declaration = |line: &[u8]| {
        let line = std::str::from_utf8(line.strip_prefix(b"#")?).ok()?;
        line.match_indices("coding").find_map(|(at, word)| {
            let value = line[at + word.len()..].strip_prefix([':', '='])?.trim_start();
            let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            let end = value.find(|c| !allowed(c)).unwrap_or(value.len());
            (end > 0).then(|| value[..end].to_owned())
        })
    };
    let Some(name) = bytes.split(|&byte| byte == b'\n').take(2).find_map(declaration) else {
        return Ok(Encoding::Utf8);
    };
    match name.to_ascii_lowercase().replace('_', "-").as_str() {
        "utf-8" | "utf8" | "u8" | "ascii" | "us-ascii" => Ok(Encoding::Utf8),
        "latin-1" | "latin1" | "l1" | "iso-8859-1" | "iso8859-1" | "8859" | "cp819" => {
            Ok(Encoding::Latin1)
        }
        _ => Err(DecodeError::Unknown { name }),
    }
}

fn malformed(bytes: &[u8], offset: usize, expected: &'static str) -> DecodeError {
    let lines = bytes[..offset].iter().filter(|&&byte| byte == b'\n').count();
    DecodeError::Malformed { offset, line: u32::try_from(lines + 1).unwrap_or(u32::MAX), expected }
}

fn decode_utf16(body: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, DecodeError> {
    let (units, rest) = body.as_chunks::<2>();
    let error = DecodeError::Malformed { offset: 2, line: 1, expected: "UTF-16" };
    let units = units.iter().map(|&bytes| unit(bytes));
    let text: Result<String, _> = char::decode_utf16(units).collect();
    text.ok().filter(|_| rest.is_empty()).ok_or(error)
}

fn decode_utf32(body: &[u8], unit: fn([u8; 4]) -> u32) -> Result<String, DecodeError> {
    let (units, rest) = body.as_chunks::<4>();
    let error = DecodeError::Malformed { offset: 4, line: 1, expected: "UTF-32" };
    let text: Option<String> = units.iter().map(|&bytes| char::from_u32(unit(bytes))).collect();
    text.filter(|_| rest.is_empty()).ok_or(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marked_files_are_decoded_and_encoded_again() {
        let text = "flask==1.0 # é𝄞\n";
        for encoding in [
            Encoding::Utf8,
            Encoding::Utf8Marked,
            Encoding::Utf16Little,
            Encoding::Utf16Big,
            Encoding::Utf32Little,
            Encoding::Utf32Big,
        ] {
            let bytes = encoding.encode(text).unwrap();
            assert_eq!(decode(&bytes), Ok(Decoded { text: text.to_owned(), encoding }));
        }
        assert_eq!(Encoding::Latin1.encode(text), None);
        assert_eq!(Encoding::Latin1.encode("é"), Some(vec![0xe9]));
    }

    #[test]
    fn a_coding_line_decides_without_a_mark() {
        let check = |bytes: &[u8], expect: Result<&str, DecodeError>| {
            assert_eq!(decode(bytes).map(|decoded| decoded.text), expect.map(str::to_owned));
        };
        let malformed = |offset, line| DecodeError::Malformed { offset, line, expected: "UTF-8" };
        check(b"# -*- coding: latin-1 -*-\n\xe9", Ok("# -*- coding: latin-1 -*-\né"));
        check(
            b"\n# vim: set fileencoding=ISO_8859-1 :\n\xe9",
            Ok("\n# vim: set fileencoding=ISO_8859-1 :\né"),
        );
        check(b"# coding: utf8\n\xc3\xa9", Ok("# coding: utf8\né"));
        check(b"# coding: cp1251\n", Err(DecodeError::Unknown { name: "cp1251".into() }));
        check(b"\n\n# coding: latin-1\n\xe9", Err(malformed(20, 4)));
        check(b" # coding: latin-1\n\xe9", Err(malformed(19, 2)));
        check(b"\xef\xbb\xbf# coding: latin-1\n\xc3\xa9", Ok("# coding: latin-1\né"));
        check(b"a\n\xff", Err(malformed(2, 2)));
        check(b"\xff\xfea", Err(DecodeError::Malformed { offset: 2, line: 1, expected: "UTF-16" }));
        check(
            b"\xff\xfe\0\0a\0",
            Err(DecodeError::Malformed { offset: 4, line: 1, expected: "UTF-32" }),
        );
        check(b"", Ok(""));
        let size = MAXIMUM_SIZE + 1;
        check(&vec![b'a'; size], Err(DecodeError::TooLarge { size }));
    }
}
