//! Which file: its digest decides, its name is for people.

use std::fmt;

use countermark_packaging::digest::Sha256;

/// The longest file name, in bytes; no common file system holds a longer one.
const LONGEST_NAME: usize = 255;

/// A file of a release. Two are the same file when their digests are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId {
    /// The file name, which sorts a list of them as people do.
    pub name: String,
    /// SHA-256 of its bytes.
    pub digest: Sha256,
}

/// Why a text is not `sha256:<64 digits> <file name>`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileIdError {
    /// Not a digest, one space, a name.
    #[error("expected `sha256:<64 digits> <file name>`")]
    Form,
    /// The digest has other characters, or too few or too many, or capitals: a digest is looked for as
    /// text, so it has one spelling.
    #[error("the digest has to be 64 of the digits 0 to 9 and a to f")]
    Digest,
    /// The name has characters that no name of a distribution has, or too many of them.
    #[error(
        "the file name has to be letters, digits and `.`, `_`, `-`, `+`, `!`, at most 255 bytes"
    )]
    Name,
}

impl FileId {
    /// Reads `sha256:<64 digits> <file name>`, as it stands in every file of a ledger.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn parse(text: &str) -> Result<Self, FileIdError> {
        let (digest, name) = text
            .strip_prefix("sha256:")
            .and_then(|rest| rest.split_once(' '))
            .ok_or(FileIdError::Form)?;
        if digest.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(FileIdError::Digest);
        }
        let digest = Sha256::parse_hex(digest).map_err(|_| FileIdError::Digest)?;
        if !is_plain(name) {
            return Err(FileIdError::Name);
        }
        Ok(Self { name: name.to_owned(), digest })
    }
}

/// Whether a text can be the name of a file of a release: nothing in it separates, hides or escapes.
#[must_use]
pub fn is_plain(name: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'+' | b'!');
    (1..=LONGEST_NAME).contains(&name.len())
        && !name.starts_with(['.', '-'])
        && name.bytes().all(allowed)
}

impl fmt::Display for FileId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.digest, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_is_read_and_written() {
        let digest = "0a".repeat(32);
        let good = format!("sha256:{digest} flask-3.0.1.tar.gz");
        assert_eq!(FileId::parse(&good).unwrap().to_string(), good);
        let check = |text: &str, expect| assert_eq!(FileId::parse(text), Err(expect), "{text}");
        check(&good[7..], FileIdError::Form);
        check(&format!("sha256:{digest}"), FileIdError::Form);
        check(&format!("sha512:{digest} a-1.zip"), FileIdError::Form);
        check(&format!("sha256:{} a-1.zip", digest.to_uppercase()), FileIdError::Digest);
        check(&format!("sha256:{} a-1.zip", &digest[1..]), FileIdError::Digest);
        let long = format!("a{}", "b".repeat(255));
        for name in
            ["", " a-1.zip", "a/b-1.zip", "a-1.zip\n", "ä-1.zip", ".a-1.zip", "-a-1.zip", &*long]
        {
            check(&format!("sha256:{digest} {name}"), FileIdError::Name);
        }
    }
}
