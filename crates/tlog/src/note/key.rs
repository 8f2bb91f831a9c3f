//! The keys of notes: who may sign, and how they are written down.
//!
//! Specification: [C2SP signed-note](https://c2sp.org/signed-note), "Verifier keys" and "Signature
//! types". The secret half is written as Go's note package writes it.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::cosignature;

/// The longest key that is known is one of ML-DSA-44.
const MAXIMUM_TEXT: usize = 4096;

const SECRET: &str = "PRIVATE+KEY+";

/// What a key signs, and with what. The byte before it in a key says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyType {
    /// 0x01: Ed25519 over the text of a note.
    Ed25519,
    /// 0x04: Ed25519 over a checkpoint and the time at which a witness saw it.
    Cosignature,
    /// 0x06: the same with ML-DSA-44. Known by name, so that a policy may list such keys already;
    /// their signatures are not verified and never count.
    MlDsa44,
}

impl KeyType {
    fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::Cosignature => 0x04,
            Self::MlDsa44 => 0x06,
        }
    }

    /// How long the public half is.
    fn public_length(self) -> usize {
        match self {
            Self::Ed25519 | Self::Cosignature => 32,
            Self::MlDsa44 => 1312,
        }
    }

    fn of(byte: u8) -> Option<Self> {
        [Self::Ed25519, Self::Cosignature, Self::MlDsa44]
            .into_iter()
            .find(|kind| kind.byte() == byte)
    }
}

/// Names have no spaces and no plus, in no script.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.contains(|found: char| found.is_whitespace() || found.is_control() || found == '+')
}

/// The number of a key: it tells keys apart, and protects nothing.
fn key_id(name: &str, kind: KeyType, public: &[u8]) -> u32 {
    let mut hasher = Sha256::new();
    hasher.update(name);
    hasher.update([b'\n', kind.byte()]);
    hasher.update(public);
    let digest: [u8; 32] = hasher.finalize().into();
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}

/// The public half of a key: a `vkey`.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: u32,
    kind: KeyType,
    public: Vec<u8>,
    /// The point, where the type is one of Ed25519.
    point: Option<VerifyingKey>,
}

impl VerifierKey {
    /// Reads `<name>+<number>+<base64 of type and key>`.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        if text.len() > MAXIMUM_TEXT {
            return Err(KeyError::Malformed);
        }
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(KeyError::Malformed);
        };
        let (kind, public) = read_key(encoded)?;
        if public.len() != kind.public_length() {
            return Err(KeyError::Length { expected: kind.public_length(), found: public.len() });
        }
        let key = Self::new(name, kind, public)?;
        if id != format!("{:08x}", key.id) {
            return Err(KeyError::Id { expected: format!("{:08x}", key.id) });
        }
        Ok(key)
    }

    fn new(name: &str, kind: KeyType, public: Vec<u8>) -> Result<Self, KeyError> {
        if !is_name(name) {
            return Err(KeyError::Name);
        }
        let point = match kind {
            KeyType::Ed25519 | KeyType::Cosignature => {
                let bytes = public.as_slice().try_into().map_err(|_| KeyError::Malformed)?;
                let point = VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::Point)?;
                // Under such a key one signature fits many texts.
                if point.is_weak() {
                    return Err(KeyError::Point);
                }
                Some(point)
            }
            KeyType::MlDsa44 => None,
        };
        let id = key_id(name, kind, &public);
        Ok(Self { name: name.to_owned(), id, kind, public, point })
    }

    /// Whose key it is.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// What it signs.
    #[must_use]
    pub fn kind(&self) -> KeyType {
        self.kind
    }

    /// The key itself. Two names with one key are one signer.
    #[must_use]
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// Whether signatures of this type can be verified here.
    #[must_use]
    pub fn can_verify(&self) -> bool {
        self.point.is_some()
    }

    /// Whether these bytes are this key's signature under a note's text, and the time that they carry.
    /// Strict: no second spelling of a signature or a key is accepted.
    pub(crate) fn verify(&self, text: &str, signature: &[u8]) -> Option<Option<u64>> {
        let point = self.point.as_ref()?;
        let (message, signature, time) = match self.kind {
            KeyType::Ed25519 => (text.to_owned(), signature, None),
            KeyType::Cosignature => {
                let (time, signature) = cosignature::split(signature)?;
                (cosignature::message(text, time), signature, Some(time))
            }
            KeyType::MlDsa44 => return None,
        };
        let signature = ed25519_dalek::Signature::from_slice(signature).ok()?;
        point.verify_strict(message.as_bytes(), &signature).ok().map(|()| time)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encoded = STANDARD.encode([&[self.kind.byte()], self.public.as_slice()].concat());
        write!(formatter, "{}+{:08x}+{encoded}", self.name, self.id)
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "VerifierKey({self})")
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::parse(text)
    }
}

/// The secret half of a key. It is wiped when dropped, and `Debug` does not show it.
pub struct SignerKey {
    verifier: VerifierKey,
    secret: SigningKey,
}

impl SignerKey {
    /// A new key from 32 random bytes.
    pub fn from_seed(name: &str, kind: KeyType, seed: &[u8; 32]) -> Result<Self, KeyError> {
        if kind == KeyType::MlDsa44 {
            return Err(KeyError::Type { found: kind.byte() });
        }
        let secret = SigningKey::from_bytes(seed);
        let public = secret.verifying_key().to_bytes().to_vec();
        Ok(Self { verifier: VerifierKey::new(name, kind, public)?, secret })
    }

    /// Reads `PRIVATE+KEY+<name>+<number>+<base64 of type and seed>`.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        if text.len() > MAXIMUM_TEXT {
            return Err(KeyError::Malformed);
        }
        let rest = text.strip_prefix(SECRET).ok_or(KeyError::Malformed)?;
        let mut parts = rest.splitn(3, '+');
        let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(KeyError::Malformed);
        };
        let (kind, seed) = read_key(encoded)?;
        let seed = seed.as_slice();
        let seed =
            seed.try_into().map_err(|_| KeyError::Length { expected: 32, found: seed.len() })?;
        let key = Self::from_seed(name, kind, seed)?;
        if id != format!("{:08x}", key.id()) {
            return Err(KeyError::Id { expected: format!("{:08x}", key.id()) });
        }
        Ok(key)
    }

    /// The key as it is kept in a file: a secret, the only way to it.
    #[must_use]
    pub fn to_secret_text(&self) -> String {
        let seed = self.secret.to_bytes();
        let encoded = STANDARD.encode([&[self.kind().byte()], seed.as_slice()].concat());
        format!("{SECRET}{}+{:08x}+{encoded}", self.name(), self.id())
    }

    /// The public half.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Whose key it is.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.verifier.name
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.verifier.id
    }

    /// What it signs.
    #[must_use]
    pub fn kind(&self) -> KeyType {
        self.verifier.kind
    }

    pub(crate) fn sign_bytes(&self, message: &[u8]) -> [u8; 64] {
        self.secret.sign(message).to_bytes()
    }
}

impl fmt::Debug for SignerKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SignerKey({})", self.verifier)
    }
}

/// The type and what follows it.
fn read_key(encoded: &str) -> Result<(KeyType, Vec<u8>), KeyError> {
    let mut bytes = STANDARD.decode(encoded).map_err(|_| KeyError::Malformed)?;
    let first = *bytes.first().ok_or(KeyError::Malformed)?;
    let kind = KeyType::of(first).ok_or(KeyError::Type { found: first })?;
    bytes.remove(0);
    Ok((kind, bytes))
}

/// Why a text is no key. It never repeats the text, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not the three parts.
    #[error("expected a key of the form `<name>+<number>+<base64>`")]
    Malformed,
    /// A name that is empty, or has a space or a plus.
    #[error("a key's name has to be without spaces and plus signs, and not empty")]
    Name,
    /// A type that is not known, or not for this use.
    #[error("keys of type 0x{found:02x} are not supported here")]
    Type {
        /// The type's byte.
        found: u8,
    },
    /// A key of another length than its type has.
    #[error("the key has {found} bytes, expected {expected}")]
    Length {
        /// How many its type has.
        expected: usize,
        /// How many there were.
        found: usize,
    },
    /// The number does not follow from name and key: a slip, or two keys mixed up.
    #[error("the key's number does not fit its name and bytes, expected `{expected}`")]
    Id {
        /// The number that follows.
        expected: String,
    },
    /// Bytes that are no public key, or one under which anything is signed.
    #[error("the bytes are no usable Ed25519 key")]
    Point,
}
