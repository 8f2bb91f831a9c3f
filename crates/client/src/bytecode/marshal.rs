//! Are two marshalled code objects the same program?
//!
//! Bytes alone do not tell: what `marshal` writes depends on reference counts in the process that
//! wrote it (which objects get a back reference, which strings are marked as interned), and a frozen
//! set is in the order of its hashes. So both texts are read as values, and each value is reduced to
//! a digest over its kind and its parts.
//!
//! `co_filename` is left out, provided that *one* text stands in every code object of the file. The
//! import system replaces exactly that text by the real path when it loads a file
//! (`_fix_co_filename` in `import.c`), so two files that differ in it alone act the same.
//!
//! The input is hostile. `marshal.loads` is documented as unsafe for such input, which is why this
//! is our own reader: no back reference to an unfinished object, no container that a constant cannot
//! be, bounded depth, and each byte is looked at once.
//!
//! Format: `Python/marshal.c`, versions 2 to 5; fields of code objects as of CPython 3.8 to 3.14.

/// Digest of a value.
pub(super) type ValueDigest = [u8; 32];

/// A value that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Value {
    digest: ValueDigest,
    /// A string that every version of Python can read back.
    is_text: bool,
}

/// Nested functions and nested constants; CPython's own compiler stops at about 100 of each.
const MAX_DEPTH: u32 = 500;
const FLAG_REFERENCE: u8 = 0x80;

/// Why a text has no value here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum MarshalError {
    #[error("it ends too early")]
    Truncated,
    #[error("it goes on after its end")]
    TrailingBytes,
    #[error("it is not a code object")]
    NotCode,
    #[error("it has a value that no compiler writes")]
    UnexpectedValue,
    #[error("it refers to a value that is not there")]
    BadReference,
    #[error("it is nested too deeply")]
    TooDeep,
    #[error("it names several files")]
    SeveralFilenames,
}

#[derive(Clone, Copy)]
enum Field {
    Number,
    Value,
    Filename,
}

/// The digest of a code object, for a Python version (major, minor).
///
/// # Errors
/// [`MarshalError`] for everything that is not exactly one code object.
pub(super) fn digest_code(bytes: &[u8], version: (u32, u32)) -> Result<ValueDigest, MarshalError> {
    let mut reader = Reader { bytes, references: Vec::new(), filename: None, version, depth: 0 };
    if bytes.first().is_none_or(|kind| kind & !FLAG_REFERENCE != b'c') {
        return Err(MarshalError::NotCode);
    }
    let value = reader.value()?;
    if reader.bytes.is_empty() { Ok(value.digest) } else { Err(MarshalError::TrailingBytes) }
}

struct Reader<'a> {
    bytes: &'a [u8],
    /// `None` while the object is being read.
    references: Vec<Option<Value>>,
    filename: Option<ValueDigest>,
    version: (u32, u32),
    depth: u32,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], MarshalError> {
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or(MarshalError::Truncated)?;
        self.bytes = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, MarshalError> {
        Ok(self.take(1)?[0])
    }

    fn number(&mut self) -> Result<i32, MarshalError> {
        let bytes = self.take(4)?;
        Ok(i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn length(&mut self) -> Result<usize, MarshalError> {
        usize::try_from(self.number()?).map_err(|_| MarshalError::UnexpectedValue)
    }

    fn value(&mut self) -> Result<Value, MarshalError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(MarshalError::TooDeep);
        }
        let kind = self.byte()?;
        // The place is taken when the object begins, whenever it is finished.
        let place = (kind & FLAG_REFERENCE != 0).then(|| {
            self.references.push(None);
            self.references.len() - 1
        });
        let value = self.value_of_kind(kind & !FLAG_REFERENCE)?;
        if let Some(place) = place {
            self.references[place] = Some(value);
        }
        self.depth -= 1;
        Ok(value)
    }

    fn value_of_kind(&mut self, kind: u8) -> Result<Value, MarshalError> {
        match kind {
            b'N' | b'T' | b'F' | b'.' => Ok(leaf(kind, &[])),
            b'i' => {
                let number = i64::from(self.number()?);
                Ok(integer(number < 0, &digits(number.unsigned_abs())))
            }
            b'l' => self.long(),
            b'g' => Ok(leaf(b'g', self.take(8)?)),
            b'y' => Ok(leaf(b'y', self.take(16)?)),
            b's' => {
                let length = self.length()?;
                Ok(leaf(b's', self.take(length)?))
            }
            b'u' | b't' => {
                let length = self.length()?;
                Ok(text(self.take(length)?))
            }
            b'a' | b'A' => {
                let length = self.length()?;
                self.ascii(length)
            }
            b'z' | b'Z' => {
                let length = usize::from(self.byte()?);
                self.ascii(length)
            }
            b'(' => {
                let length = self.length()?;
                self.sequence(b'(', length)
            }
            b')' => {
                let length = usize::from(self.byte()?);
                self.sequence(b'(', length)
            }
            b':' => self.sequence(b':', 3),
            b'>' => self.frozen_set(),
            b'c' => self.code(),
            b'r' => {
                let place = self.length()?;
                self.references.get(place).copied().flatten().ok_or(MarshalError::BadReference)
            }
            _ => Err(MarshalError::UnexpectedValue),
        }
    }

    /// Latin-1 in this form would be another text than the same bytes as UTF-8.
    fn ascii(&mut self, length: usize) -> Result<Value, MarshalError> {
        let bytes = self.take(length)?;
        if bytes.is_ascii() { Ok(text(bytes)) } else { Err(MarshalError::UnexpectedValue) }
    }

    /// Digits of 15 bits, the sign in their number.
    fn long(&mut self) -> Result<Value, MarshalError> {
        let signed = self.number()?;
        let count = usize::try_from(signed.unsigned_abs()).map_err(|_| MarshalError::Truncated)?;
        let bytes = self.take(count.checked_mul(2).ok_or(MarshalError::Truncated)?)?;
        let digits: Vec<u16> =
            bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        if digits.iter().any(|digit| *digit > 0x7fff) || digits.last() == Some(&0) {
            return Err(MarshalError::UnexpectedValue);
        }
        Ok(integer(signed < 0, &digits))
    }

    fn sequence(&mut self, kind: u8, length: usize) -> Result<Value, MarshalError> {
        let mut hasher = start(kind);
        hasher.update(&(length as u64).to_le_bytes());
        for _ in 0..length {
            hasher.update(&self.value()?.digest);
        }
        Ok(finish(&hasher))
    }

    fn frozen_set(&mut self) -> Result<Value, MarshalError> {
        let length = self.length()?;
        // No capacity from a number that was only read.
        let mut values = Vec::new();
        for _ in 0..length {
            values.push(self.value()?.digest);
        }
        values.sort_unstable();
        Ok(leaf(b'>', values.as_flattened()))
    }

    fn code(&mut self) -> Result<Value, MarshalError> {
        let mut hasher = start(b'c');
        for field in fields(self.version) {
            match field {
                Field::Number => {
                    hasher.update(&self.number()?.to_le_bytes());
                }
                Field::Value => {
                    hasher.update(&self.value()?.digest);
                }
                Field::Filename => {
                    let Value { digest: filename, is_text } = self.value()?;
                    if !is_text {
                        return Err(MarshalError::UnexpectedValue);
                    }
                    if *self.filename.get_or_insert(filename) != filename {
                        return Err(MarshalError::SeveralFilenames);
                    }
                }
            }
        }
        Ok(finish(&hasher))
    }
}

/// What a code object consists of, in order.
fn fields(version: (u32, u32)) -> &'static [Field] {
    use Field::{Filename, Number, Value};
    if version >= (3, 11) {
        // argcount, posonlyargcount, kwonlyargcount, stacksize, flags; code, consts, names,
        // localsplusnames, localspluskinds; filename; name, qualname; firstlineno; linetable,
        // exceptiontable
        &[
            Number, Number, Number, Number, Number, Value, Value, Value, Value, Value, Filename,
            Value, Value, Number, Value, Value,
        ]
    } else {
        // argcount, posonlyargcount, kwonlyargcount, nlocals, stacksize, flags; code, consts,
        // names, varnames, freevars, cellvars; filename; name; firstlineno; lnotab
        &[
            Number, Number, Number, Number, Number, Number, Value, Value, Value, Value, Value,
            Value, Filename, Value, Number, Value,
        ]
    }
}

fn start(kind: u8) -> blake3::Hasher {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[kind]);
    hasher
}

fn finish(hasher: &blake3::Hasher) -> Value {
    Value { digest: *hasher.finalize().as_bytes(), is_text: false }
}

fn leaf(kind: u8, bytes: &[u8]) -> Value {
    finish(start(kind).update(bytes))
}

fn text(bytes: &[u8]) -> Value {
    Value { is_text: std::str::from_utf8(bytes).is_ok(), ..leaf(b'u', bytes) }
}

fn integer(is_negative: bool, digits: &[u16]) -> Value {
    let mut hasher = start(b'i');
    hasher.update(&[u8::from(is_negative)]);
    for digit in digits {
        hasher.update(&digit.to_le_bytes());
    }
    finish(&hasher)
}

/// A number in digits of 15 bits.
fn digits(mut number: u64) -> Vec<u16> {
    let mut digits = Vec::new();
    while number > 0 {
        // Masked to 15 bits.
        digits.push(u16::try_from(number & 0x7fff).unwrap_or(0));
        number >>= 15;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(bytes: &[u8]) -> Result<Value, MarshalError> {
        let mut reader =
            Reader { bytes, references: Vec::new(), filename: None, version: (3, 11), depth: 0 };
        let value = reader.value()?;
        if reader.bytes.is_empty() { Ok(value) } else { Err(MarshalError::TrailingBytes) }
    }

    #[test]
    fn one_value_in_several_forms() {
        let same: [(&[u8], &[u8]); 8] = [
            (b"z\x02ab", b"Z\x02ab"),
            (b"z\x02ab", b"a\x02\0\0\0ab"),
            (b"z\x02ab", b"u\x02\0\0\0ab"),
            (b"z\x02ab", b"\xf4\x02\0\0\0ab"),
            (b")\x01N", b"(\x01\0\0\0N"),
            (b"i\x05\0\0\0", b"l\x01\0\0\0\x05\0"),
            (b">\x02\0\0\0TF", b">\x02\0\0\0FT"),
            (b")\x02z\x01xz\x01x", b")\x02\xfa\x01xr\0\0\0\0"),
        ];
        for (left, right) in same {
            assert!(value(left).is_ok(), "{left:?}");
            assert_eq!(value(left), value(right), "{left:?} {right:?}");
        }
    }

    #[test]
    fn different_values() {
        let different: [(&[u8], &[u8]); 9] = [
            (b"z\x02ab", b"s\x02\0\0\0ab"),
            (b"z\x02ab", b"z\x02aB"),
            (b"i\x05\0\0\0", b"i\xfb\xff\xff\xff"),
            (b"i\0\0\0\0", b"F"),
            (b"T", b"F"),
            (b")\x01N", b"N"),
            (b")\x02TF", b")\x02FT"),
            (b">\x01\0\0\0T", b">\x02\0\0\0TT"),
            (b")\x02)\x01TF", b")\x02T)\x01F"),
        ];
        for (left, right) in different {
            assert!(value(left).is_ok() && value(right).is_ok(), "{left:?} {right:?}");
            assert_ne!(value(left), value(right), "{left:?} {right:?}");
        }
    }

    #[test]
    fn hostile_texts() {
        use MarshalError::{BadReference, NotCode, TooDeep, Truncated, UnexpectedValue};
        let check = |bytes: &[u8], expect| assert_eq!(value(bytes), Err(expect), "{bytes:?}");
        check(b"", Truncated);
        check(b"z\x05ab", Truncated);
        check(b"u\xff\xff\xff\x7f", Truncated);
        check(b">\xff\xff\xff\x7f", Truncated);
        check(b"(\xff\xff\xff\x7f", Truncated);
        check(b"l\xff\xff\xff\x7f", Truncated);
        check(b"l\0\0\0\x80", Truncated);
        check(b"s\xff\xff\xff\xff", UnexpectedValue);
        check(b"z\x01\xe9", UnexpectedValue);
        check(b"l\x02\0\0\0\x05\0\0\0", UnexpectedValue);
        check(b"l\x01\0\0\0\0\x80", UnexpectedValue);
        check(b"[\0\0\0\0", UnexpectedValue);
        check(b"{0", UnexpectedValue);
        check(b"0", UnexpectedValue);
        check(b"r\0\0\0\0", BadReference);
        // A tuple that contains itself.
        check(b"\xa9\x01r\0\0\0\0", BadReference);
        check(&b")\x01".repeat(100_000), TooDeep);
        assert_eq!(digest_code(b"N", (3, 11)), Err(NotCode));
        assert_eq!(digest_code(b"c", (3, 11)), Err(Truncated));
        // A tree of 2^60 leaves is forty steps.
        let mut doubled = b"\xa9\x01N".to_vec();
        for place in 0..60u8 {
            doubled = [b"\xa9\x02".as_slice(), &doubled, b"r", &[60 - place], b"\0\0\0"].concat();
        }
        assert!(value(&doubled).is_ok());
    }

    proptest::proptest! {
        /// No bytes make the reader panic or run away.
        #[test]
        fn any_bytes_have_an_answer(
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400),
            minor in 8u32..16,
        ) {
            let _ = value(&bytes);
            let _ = digest_code(&[b"c".as_slice(), &bytes].concat(), (3, minor));
        }
    }
}
