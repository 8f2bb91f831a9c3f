//! Digests of artifacts: an algorithm and the bytes it gave.
//!
//! Decides which algorithms are known, which of them are strong enough to identify a file, and
//! what a digest looks like in hexadecimal. Computes nothing: hashing is done where bytes are read.

use std::fmt;

/// A hash algorithm that occurs in Python packaging, in ascending order of digest length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// MD5, weak.
    Md5,
    /// SHA-1, weak.
    Sha1,
    /// SHA-224; not accepted as a pin, as in pip.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// All known algorithms.
    pub const ALL: [Self; 6] =
        [Self::Md5, Self::Sha1, Self::Sha224, Self::Sha256, Self::Sha384, Self::Sha512];

    /// The algorithm with exactly this name, in lower case as `hashlib` spells it.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// The name as `hashlib` spells it, for example `sha256`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha224 => "sha224",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// Whether a digest of this algorithm may identify a file: sha256, sha384 and sha512, as in
    /// pip. A weaker digest is compared when it is given, but never suffices.
    #[must_use]
    pub const fn is_strong(self) -> bool {
        match self {
            Self::Md5 | Self::Sha1 | Self::Sha224 => false,
            Self::Sha256 | Self::Sha384 | Self::Sha512 => true,
        }
    }

    /// Length of a digest in bytes.
    #[must_use]
    pub const fn byte_len(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// Why a text or a byte string is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// Too short or too long.
    #[error("a {algorithm} digest has {expected} {unit}, found {found}")]
    Length {
        /// The algorithm.
        algorithm: Algorithm,
        /// `hexadecimal digits` or `bytes`.
        unit: &'static str,
        /// Length that the algorithm asks for, in `unit`.
        expected: usize,
        /// Length found, in `unit`.
        found: usize,
    },
    /// A character that is no hexadecimal digit.
    #[error("a digest in hexadecimal cannot contain {character:?}")]
    Character {
        /// The first such character.
        character: char,
    },
    /// No algorithm of that name, or its name is not in lower case.
    #[error("unknown hash algorithm `{name}`; sha256, sha384 and sha512 can be used")]
    Algorithm {
        /// The name found.
        name: String,
    },
    /// A digest without an algorithm.
    #[error("expected `algorithm:digest`, found `{text}`")]
    Form {
        /// The text found.
        text: String,
    },
}

/// A digest together with its algorithm. The length always fits the algorithm.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    algorithm: Algorithm,
    bytes: Vec<u8>,
}

impl Digest {
    /// Makes a digest of raw bytes.
    ///
    /// # Errors
    /// When the length does not fit the algorithm.
    pub fn new(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, DigestError> {
        if bytes.len() != algorithm.byte_len() {
            return Err(DigestError::Length {
                algorithm,
                unit: "bytes",
                expected: algorithm.byte_len(),
                found: bytes.len(),
            });
        }
        Ok(Self { algorithm, bytes: bytes.to_vec() })
    }

    /// Reads hexadecimal digits in upper or lower case.
    ///
    /// # Errors
    /// When a character is no hexadecimal digit or the length does not fit the algorithm.
    pub fn parse_hex(algorithm: Algorithm, text: &str) -> Result<Self, DigestError> {
        let bytes = decode_hex(algorithm, text)?;
        Ok(Self { algorithm, bytes })
    }

    /// Reads `algorithm:hexadecimal`, the form of pip's `--hash` option.
    ///
    /// # Errors
    /// When there is no colon, the algorithm is not known, or the digits do not fit it.
    pub fn parse(text: &str) -> Result<Self, DigestError> {
        let (name, digits) =
            text.split_once(':').ok_or_else(|| DigestError::Form { text: text.to_owned() })?;
        let algorithm = Algorithm::parse(name)
            .ok_or_else(|| DigestError::Algorithm { name: name.to_owned() })?;
        Self::parse_hex(algorithm, digits)
    }

    /// The algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The raw digest.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The same bytes as a [`Sha256`], when that is the algorithm.
    #[must_use]
    pub fn as_sha256(&self) -> Option<Sha256> {
        let bytes = self.bytes.as_slice().try_into().ok()?;
        (self.algorithm == Algorithm::Sha256).then_some(Sha256(bytes))
    }

    /// The digest in lower-case hexadecimal.
    #[must_use]
    pub fn hex(&self) -> String {
        encode_hex(&self.bytes)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.algorithm, self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// A SHA-256 digest, the one that countermark computes and stores.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256(pub [u8; 32]);

impl Sha256 {
    /// Reads 64 hexadecimal digits in upper or lower case.
    ///
    /// # Errors
    /// When a character is no hexadecimal digit or there are not 64.
    pub fn parse_hex(text: &str) -> Result<Self, DigestError> {
        // Millions of them stand in a snapshot of an index, so nothing is allocated for one.
        let mut digest = [0; 32];
        let mut is_good = text.len() == 64;
        for (byte, pair) in digest.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let (high, low) = (NIBBLES[usize::from(pair[0])], NIBBLES[usize::from(pair[1])]);
            is_good &= (high | low) < 16;
            *byte = high << 4 | low & 15;
        }
        if is_good {
            return Ok(Self(digest));
        }
        // What exactly is wrong.
        let bytes = decode_hex(Algorithm::Sha256, text)?;
        digest.copy_from_slice(&bytes);
        Ok(Self(digest))
    }

    /// The digest in lower-case hexadecimal.
    #[must_use]
    pub fn hex(&self) -> String {
        encode_hex(&self.0)
    }
}

impl From<Sha256> for Digest {
    fn from(digest: Sha256) -> Self {
        Self { algorithm: Algorithm::Sha256, bytes: digest.0.to_vec() }
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// The value of each hexadecimal digit, in either case; 255 for any other byte.
const NIBBLES: [u8; 256] = {
    let mut table = [255; 256];
    let mut value = 0;
    while value < 16 {
        let digit = b"0123456789abcdef"[value as usize];
        table[digit as usize] = value;
        table[digit.to_ascii_uppercase() as usize] = value;
        value += 1;
    }
    table
};

fn decode_hex(algorithm: Algorithm, text: &str) -> Result<Vec<u8>, DigestError> {
    if let Some(character) = text.chars().find(|c| !c.is_ascii_hexdigit()) {
        return Err(DigestError::Character { character });
    }
    let expected = algorithm.byte_len() * 2;
    if text.len() != expected {
        let unit = "hexadecimal digits";
        return Err(DigestError::Length { algorithm, unit, expected, found: text.len() });
    }
    let value = |digit: u8| match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit - b'A' + 10,
    };
    Ok(text.as_bytes().chunks_exact(2).map(|pair| value(pair[0]) << 4 | value(pair[1])).collect())
}

fn encode_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn algorithms_are_known_by_their_exact_name() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::parse(algorithm.name()), Some(algorithm));
        }
        for name in ["SHA256", "Sha256", "sha-256", "sha3_256", "blake2b", "", " sha256"] {
            assert_eq!(Algorithm::parse(name), None, "{name}");
        }
    }

    #[test]
    fn strong_algorithms_are_those_of_pip() {
        let strong: Vec<_> = Algorithm::ALL.into_iter().filter(|a| a.is_strong()).collect();
        assert_eq!(strong, [Algorithm::Sha256, Algorithm::Sha384, Algorithm::Sha512]);
    }

    #[test]
    fn hexadecimal_round_trips_in_both_cases() {
        for algorithm in Algorithm::ALL {
            let bytes: Vec<u8> = (0..algorithm.byte_len()).map(|i| (i * 37 + 200) as u8).collect();
            let digest = Digest::new(algorithm, &bytes).unwrap();
            assert_eq!(Digest::parse(&digest.to_string()).unwrap(), digest);
            assert_eq!(Digest::parse_hex(algorithm, &digest.hex().to_uppercase()).unwrap(), digest);
            assert_eq!(digest.as_bytes(), bytes);
        }
    }

    #[test]
    fn every_wrong_length_is_refused() {
        for length in (0..200).filter(|&length| length != 64) {
            let found = Digest::parse_hex(Algorithm::Sha256, &"a".repeat(length));
            let unit = "hexadecimal digits";
            let algorithm = Algorithm::Sha256;
            assert_eq!(
                found,
                Err(DigestError::Length { algorithm, unit, expected: 64, found: length })
            );
        }
        assert!(Digest::new(Algorithm::Md5, &[0; 15]).is_err());
    }

    #[test]
    fn refuses_what_is_no_digest() {
        let check = |text: &str, expect| assert_eq!(Digest::parse(text), Err(expect));
        let x = "0".repeat(63);
        check(&format!("sha256:{x}g"), DigestError::Character { character: 'g' });
        check(&format!("sha256: {x}"), DigestError::Character { character: ' ' });
        check(&format!("SHA256:0{x}"), DigestError::Algorithm { name: "SHA256".into() });
        check("sha256", DigestError::Form { text: "sha256".into() });
        assert!(Sha256::parse_hex(&x).is_err());
        // Every byte at every place, by the reader of one kind and by that of all.
        for place in 0..64 {
            for character in (0..=255_u8).map(char::from) {
                let text = format!("{}{character}{}", &x[..place], &x[place..]);
                let all = Digest::parse_hex(Algorithm::Sha256, &text);
                let one = Sha256::parse_hex(&text).map(Digest::from);
                assert_eq!(one, all, "{text}");
            }
        }
        assert_eq!(Sha256::parse_hex(&format!("0{x}")).unwrap(), Sha256([0; 32]));
    }
}
