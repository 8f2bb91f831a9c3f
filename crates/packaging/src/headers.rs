//! Header fields as METADATA and WHEEL contain them: `Name: value` lines, an empty line, a body.
//!
//! Decides where a field begins and ends. Python's email parser, by which most tools read these
//! files, passes over many defects; here each is refused, so that no two readers can see different
//! fields in one file.
//!
//! Specification: <https://packaging.python.org/en/latest/specifications/core-metadata/>, with the
//! header syntax of RFC 822 as far as that uses it.

/// The most bytes that a file with header fields may have, body included.
pub const MAXIMUM_SIZE: usize = 16 << 20;

/// The most fields in one file.
const MAXIMUM_FIELDS: usize = 10_000;

/// Why a file with header fields cannot be read. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The file has more than 16 MiB.
    #[error("the file has {size} bytes, at most {MAXIMUM_SIZE} are read")]
    TooLarge {
        /// Size in bytes.
        size: usize,
    },
    /// More than 10,000 fields.
    #[error("line {line}: more than {MAXIMUM_FIELDS} fields")]
    TooManyFields {
        /// Line of the first field that is too many.
        line: u32,
    },
    /// The fields are not UTF-8.
    #[error("line {line} is not UTF-8")]
    Encoding {
        /// The line.
        line: u32,
    },
    /// A line among the fields that is none.
    #[error("line {line}: expected `Name: value`, found {text:?}")]
    NoField {
        /// The line.
        line: u32,
        /// Beginning of the line.
        text: String,
    },
    /// A carriage return that ends no line, or a NUL.
    #[error("line {line} contains the control character {character:?}")]
    Control {
        /// The line.
        line: u32,
        /// The character.
        character: char,
    },
}

/// One field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header<'a> {
    /// The name as written; names are compared without regard to case.
    pub(crate) name: &'a str,
    /// The value without white space around it; the lines of a folded one are joined by `\n`.
    pub(crate) value: String,
    /// Line of the name, from 1.
    pub(crate) line: u32,
}

impl Header<'_> {
    pub(crate) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// Reads the fields up to the first empty line or the end; what follows is not looked at.
pub(crate) fn parse_headers(bytes: &[u8]) -> Result<Vec<Header<'_>>, HeaderError> {
    if bytes.len() > MAXIMUM_SIZE {
        return Err(HeaderError::TooLarge { size: bytes.len() });
    }
    let mut headers: Vec<Header<'_>> = Vec::new();
    for (number, raw) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
        let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
        if raw.is_empty() {
            break;
        }
        let text = std::str::from_utf8(raw).map_err(|_| HeaderError::Encoding { line: number })?;
        if let Some(character) = text.chars().find(|c| matches!(c, '\r' | '\0')) {
            return Err(HeaderError::Control { line: number, character });
        }
        if text.starts_with([' ', '\t']) {
            let last = headers.last_mut().ok_or_else(|| no_field(number, text))?;
            last.value.push('\n');
            last.value.push_str(text);
            continue;
        }
        if headers.len() == MAXIMUM_FIELDS {
            return Err(HeaderError::TooManyFields { line: number });
        }
        let (name, value) = text.split_once(':').ok_or_else(|| no_field(number, text))?;
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(no_field(number, text));
        }
        headers.push(Header { name, value: value.to_owned(), line: number });
    }
    for header in &mut headers {
        header.value = header.value.trim_matches([' ', '\t', '\n']).to_owned();
    }
    Ok(headers)
}

fn no_field(line: u32, text: &str) -> HeaderError {
    HeaderError::NoField { line, text: text.chars().take(60).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &[u8], expect: &Result<&[(&str, &str, u32)], HeaderError>) {
        let found = parse_headers(text);
        let found = found.as_ref().map(|headers| {
            headers.iter().map(|h| (h.name, h.value.as_str(), h.line)).collect::<Vec<_>>()
        });
        assert_eq!(found.as_deref().map_err(|e| (*e).clone()), expect.clone(), "{text:?}");
    }

    #[test]
    fn fields_end_at_the_first_empty_line() {
        check(b"", &Ok(&[]));
        check(b"A: b", &Ok(&[("A", "b", 1)]));
        check(b"A: b\r\nC:d\r\n\r\nE: f", &Ok(&[("A", "b", 1), ("C", "d", 2)]));
        check(b"A: b:c \n\xff", &Err(HeaderError::Encoding { line: 2 }));
        check(b"A: b\n\n\xff\0", &Ok(&[("A", "b", 1)]));
        check(b"\nA: b\n", &Ok(&[]));
        check(b"A:\n b\n\tc\nD: e\n", &Ok(&[("A", "b\n\tc", 1), ("D", "e", 4)]));
    }

    #[test]
    fn other_lines_are_refused() {
        let no_field = |line, text: &str| Err(HeaderError::NoField { line, text: text.to_owned() });
        check(b" a: b", &no_field(1, " a: b"));
        check(b"A: b\nno field\n", &no_field(2, "no field"));
        check(b"A b: c", &no_field(1, "A b: c"));
        check(b": c", &no_field(1, ": c"));
        check(b"A: b\rC: d\n", &Err(HeaderError::Control { line: 1, character: '\r' }));
        check(b"A: \0", &Err(HeaderError::Control { line: 1, character: '\0' }));
        let many = "A: b\n".repeat(MAXIMUM_FIELDS + 1);
        check(many.as_bytes(), &Err(HeaderError::TooManyFields { line: 10_001 }));
        let large = vec![b'a'; MAXIMUM_SIZE + 1];
        check(&large, &Err(HeaderError::TooLarge { size: MAXIMUM_SIZE + 1 }));
    }
}
