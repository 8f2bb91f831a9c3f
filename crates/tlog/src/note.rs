//! Notes: text that one or several keys signed.
//!
//! It decides whether a note has the format, and which of the keys that the caller trusts signed it. The
//! text of a note means nothing before that: [`open`] is the way to it. A signature by an unknown key is
//! ignored; a wrong signature by a known one condemns the whole note.
//! Specification: [C2SP signed-note](https://c2sp.org/signed-note).

mod key;

pub use key::{KeyError, KeyType, SignerKey, VerifierKey};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// How long a note may be.
pub const MAXIMUM_BYTES: usize = 1 << 20;

/// How many signatures a note may have. The specification asks for at least 16.
pub const MAXIMUM_SIGNATURES: usize = 64;

const DASH: &str = "\u{2014} ";

/// A note that has the format. Nothing is known yet about who signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// One signature line of a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    name: String,
    id: u32,
    bytes: Vec<u8>,
}

/// A note that at least one of the caller's keys signed. Only [`Note::verify`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    note: Note,
    signed: Vec<Signed>,
}

/// That a key signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Whose key.
    pub key: VerifierKey,
    /// When, in seconds since 1970, where the kind of signature says so: cosignatures do.
    pub time: Option<u64>,
}

/// Signs a text, which ends with a line feed. Cosigners' keys are refused, since what they sign carries
/// a time: see [`crate::cosignature::sign`].
pub fn sign(text: &str, keys: &[&SignerKey]) -> Result<Note, NoteError> {
    sign_within(text, keys, MAXIMUM_BYTES)
}

/// The same for a note of at most `limit` bytes, where both sides agreed on longer ones.
pub fn sign_within(text: &str, keys: &[&SignerKey], limit: usize) -> Result<Note, NoteError> {
    let mut signatures = Vec::with_capacity(keys.len());
    for key in keys {
        if key.kind() != KeyType::Ed25519 {
            return Err(NoteError::SignsOtherwise { name: key.name().to_owned() });
        }
        let bytes = key.sign_bytes(text.as_bytes()).to_vec();
        signatures.push(Signature { name: key.name().to_owned(), id: key.id(), bytes });
    }
    let note = Note { text: text.to_owned(), signatures };
    // Whatever is written can be read: the same rules decide. A text without its last line feed would
    // be read as another one.
    let read = Note::parse_within(note.to_text().as_bytes(), limit)?;
    if read.text == text { Ok(read) } else { Err(NoteError::NoSignatures) }
}

/// Reads a note and checks its signatures, see [`Note::verify`].
pub fn open(bytes: &[u8], keys: &[VerifierKey]) -> Result<Verified, NoteError> {
    Note::parse(bytes)?.verify(keys)
}

impl Note {
    /// Reads a note's format. Whose signatures these are is not looked at.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        Self::parse_within(bytes, MAXIMUM_BYTES)
    }

    /// The same for a note of at most `limit` bytes, where both sides agreed on longer ones.
    pub fn parse_within(bytes: &[u8], limit: usize) -> Result<Self, NoteError> {
        if bytes.len() > limit {
            return Err(NoteError::TooLong { found: bytes.len(), limit });
        }
        let note = std::str::from_utf8(bytes).map_err(|_| NoteError::Encoding)?;
        if let Some(position) = note.bytes().position(|byte| byte < 0x20 && byte != b'\n') {
            return Err(NoteError::Control { position });
        }
        // The text keeps its last line feed; the empty line after it belongs to nobody.
        let end = note.rfind("\n\n").ok_or(NoteError::NoSignatures)? + 1;
        let (text, lines) = (&note[..end], &note[end + 1..]);
        let lines = lines.strip_suffix('\n').ok_or(NoteError::NoSignatures)?;
        if lines.split('\n').count() > MAXIMUM_SIGNATURES {
            return Err(NoteError::TooManySignatures);
        }
        let signatures = lines.split('\n').map(Signature::parse).collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// The text with its last line feed. Nobody answers for it before [`Self::verify`].
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines, in their order.
    #[must_use]
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Adds a signature, unless the same key's stands there already: then it takes its place.
    pub fn add(&mut self, signature: Signature) -> Result<(), NoteError> {
        let same =
            |other: &&mut Signature| other.name == signature.name && other.id == signature.id;
        if let Some(there) = self.signatures.iter_mut().find(same) {
            *there = signature;
        } else if self.signatures.len() == MAXIMUM_SIGNATURES {
            return Err(NoteError::TooManySignatures);
        } else {
            self.signatures.push(signature);
        }
        Ok(())
    }

    pub(crate) fn keep_only(&mut self, signature: &Signature) {
        self.signatures = vec![signature.clone()];
    }

    /// The note as it is sent.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut note = format!("{}\n", self.text);
        for signature in &self.signatures {
            note.push_str(&signature.to_line());
        }
        note
    }

    /// Checks the signatures of the keys that the caller trusts; one good one is enough, and a wrong one
    /// by any of them is too much. A second signature by a key is not looked at, so that nobody makes
    /// work with copies. Keys of a type that is only known by name, ML-DSA-44, count as unknown.
    pub fn verify(self, keys: &[VerifierKey]) -> Result<Verified, NoteError> {
        let signed = self.signed_by(keys)?;
        if signed.is_empty() {
            return Err(NoteError::Unsigned);
        }
        Ok(Verified { note: self, signed })
    }

    /// Those of the keys that signed, each once; a wrong signature by one of them is an error.
    pub(crate) fn signed_by(&self, keys: &[VerifierKey]) -> Result<Vec<Signed>, NoteError> {
        let mut signed: Vec<Signed> = Vec::new();
        for signature in &self.signatures {
            let known = |key: &&VerifierKey| {
                key.id() == signature.id && key.name() == signature.name && key.can_verify()
            };
            let mut matching = keys.iter().filter(known);
            let Some(key) = matching.next() else { continue };
            if matching.any(|other| other != key) {
                return Err(NoteError::Ambiguous { name: signature.name.clone() });
            }
            if signed.iter().any(|signed| signed.key == *key) {
                continue;
            }
            let time = key
                .verify(&self.text, &signature.bytes)
                .ok_or_else(|| NoteError::Signature { name: signature.name.clone() })?;
            signed.push(Signed { key: key.clone(), time });
        }
        Ok(signed)
    }
}

impl Verified {
    /// The text that was signed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.note.text
    }

    /// The note with all its signatures.
    #[must_use]
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// Which of the caller's keys signed, each once.
    #[must_use]
    pub fn signed(&self) -> &[Signed] {
        &self.signed
    }
}

impl Signature {
    pub(crate) fn new(name: &str, id: u32, bytes: Vec<u8>) -> Self {
        Self { name: name.to_owned(), id, bytes }
    }

    /// Reads one line, without its line feed.
    pub fn parse(line: &str) -> Result<Self, NoteError> {
        let malformed = || NoteError::Line { found: line.chars().take(80).collect() };
        let rest = line.strip_prefix(DASH).ok_or_else(malformed)?;
        let (name, encoded) = rest.split_once(' ').ok_or_else(malformed)?;
        if !key::is_name(name) {
            return Err(malformed());
        }
        let bytes = STANDARD.decode(encoded).map_err(|_| malformed())?;
        let (id, bytes) = bytes.split_first_chunk().ok_or_else(malformed)?;
        if bytes.is_empty() {
            return Err(malformed());
        }
        Ok(Self { name: name.to_owned(), id: u32::from_be_bytes(*id), bytes: bytes.to_vec() })
    }

    /// The line with its line feed.
    #[must_use]
    pub fn to_line(&self) -> String {
        let bytes = [&self.id.to_be_bytes()[..], &self.bytes].concat();
        format!("{DASH}{} {}\n", self.name, STANDARD.encode(bytes))
    }

    /// The name of the key.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of the key.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// What follows the number: the signature proper, and before it what its type has there.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Why a note is none, or nobody's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// More than [`MAXIMUM_BYTES`], or than was agreed on.
    #[error("the note has {found} bytes, expected {limit} at most")]
    TooLong {
        /// How many there were.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// It is not UTF-8.
    #[error("the note is not UTF-8")]
    Encoding,
    /// A control character other than the line feed.
    #[error("the note has a control character at byte {position}")]
    Control {
        /// Where.
        position: usize,
    },
    /// No empty line, or nothing after it.
    #[error("expected a text, an empty line and signatures")]
    NoSignatures,
    /// More than [`MAXIMUM_SIGNATURES`].
    #[error("the note has more than {MAXIMUM_SIGNATURES} signatures")]
    TooManySignatures,
    /// A line that is no signature.
    #[error("expected a signature, found `{}`", found.escape_debug())]
    Line {
        /// The beginning of the line.
        found: String,
    },
    /// A known key's signature is wrong.
    #[error("the signature of `{name}` does not fit the note")]
    Signature {
        /// The key's name.
        name: String,
    },
    /// No known key signed.
    #[error("none of the known keys signed the note")]
    Unsigned,
    /// Two known keys have one name and one number.
    #[error("two of the known keys are called `{name}` and have one number")]
    Ambiguous {
        /// The keys' name.
        name: String,
    },
    /// A cosigner's key was asked for a plain signature, or the other way round.
    #[error("the key `{name}` is for signatures of another type")]
    SignsOtherwise {
        /// The key's name.
        name: String,
    },
}

#[cfg(test)]
#[path = "note/tests.rs"]
mod tests;
