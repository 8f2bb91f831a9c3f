//! The keys of authors as `ledger.toml` writes them.
//!
//! It decides whether a text is a key of a kind and strength that can count, and when two texts are one
//! key. Specifications: [C2SP signed-note](https://c2sp.org/signed-note), "Verifier keys";
//! [RFC 4253](https://www.rfc-editor.org/rfc/rfc4253), section 6.6, and RFC 5656 for SSH keys, and
//! `PROTOCOL.u2f` of OpenSSH for those in security keys; RFC 9580 for fingerprints.

use std::fmt;

use countermark_tlog::note::{self, KeyType, VerifierKey};
use countermark_trust::Class;
use countermark_trust::openpgp::Fingerprint;
use ssh_key::public::KeyData;
use ssh_key::{EcdsaCurve, HashAlg};

/// Bytes of a key's text. An RSA key of 4096 bits has less than 800.
const MAXIMUM_TEXT: usize = 16 << 10;

/// Bits that an RSA key must have.
const LEAST_BITS: usize = 2048;

/// Bits that an RSA key may have: more cost time and are not read by the library.
const MOST_BITS: usize = 4096;

const OPENPGP: &str = "openpgp:";

/// A public key whose signatures can be verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// An Ed25519 key of ours, a `vkey`.
    Ed25519(VerifierKey),
    /// An SSH key.
    Ssh(SshKey),
    /// The certificate of an OpenPGP key, by its fingerprint.
    OpenPgp(Fingerprint),
}

/// An SSH key of an accepted kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshKey {
    data: KeyData,
    /// As it travels in signatures.
    blob: Vec<u8>,
}

impl PublicKey {
    /// Reads a key: a `vkey`, a line of an SSH public key, or `openpgp:` and a fingerprint.
    ///
    /// # Errors
    /// When it is none, or one whose signatures cannot count. A secret that was put there by mistake is
    /// not repeated.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.len() > MAXIMUM_TEXT {
            return Err(KeyError::TooLong { limit: MAXIMUM_TEXT });
        }
        if text.starts_with("PRIVATE+KEY+") || text.contains("PRIVATE KEY") {
            return Err(KeyError::Secret);
        }
        if let Some(fingerprint) = text.strip_prefix(OPENPGP) {
            let fingerprint = Fingerprint::parse(fingerprint);
            return fingerprint.map(Self::OpenPgp).map_err(|_| KeyError::Fingerprint);
        }
        if text.split_whitespace().nth(1).is_some() {
            return SshKey::parse(text).map(Self::Ssh);
        }
        let key = VerifierKey::parse(text)?;
        match key.kind() {
            KeyType::Ed25519 => Ok(Self::Ed25519(key)),
            KeyType::Cosignature | KeyType::MlDsa44 => {
                Err(KeyError::Kind { kind: "a key of a witness".to_owned() })
            }
        }
    }

    /// `ed25519`, `ssh` or `openpgp`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "ed25519",
            Self::Ssh(_) => "ssh",
            Self::OpenPgp(_) => "openpgp",
        }
    }

    /// Whether two are one key, whatever they are called.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Ed25519(one), Self::Ed25519(other)) => one.public() == other.public(),
            (Self::Ssh(one), Self::Ssh(other)) => one.blob == other.blob,
            (Self::OpenPgp(one), Self::OpenPgp(other)) => one == other,
            (Self::Ed25519(one), Self::Ssh(other)) | (Self::Ssh(other), Self::Ed25519(one)) => {
                other.ed25519().is_some_and(|public| public == one.public())
            }
            _ => false,
        }
    }

    /// The same bytes for every text of one key, as [`Self::is_same`] has it.
    pub(crate) fn identity(&self) -> Vec<u8> {
        match self {
            Self::Ed25519(key) => key.public().to_vec(),
            Self::Ssh(key) => key.ed25519().unwrap_or(&key.blob).to_vec(),
            Self::OpenPgp(fingerprint) => fingerprint.to_string().into_bytes(),
        }
    }

    /// The key as `ledger.toml` writes it.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Ed25519(key) => key.to_string(),
            Self::Ssh(key) => key.to_line(),
            Self::OpenPgp(fingerprint) => format!("{OPENPGP}{fingerprint}"),
        }
    }
}

/// The name of a key for people and lists: short, and without spaces.
impl fmt::Display for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ed25519(key) => write!(formatter, "ed25519:{}+{:08x}", key.name(), key.id()),
            Self::Ssh(key) => write!(formatter, "ssh:{}", key.fingerprint()),
            Self::OpenPgp(fingerprint) => write!(formatter, "{OPENPGP}{fingerprint}"),
        }
    }
}

impl SshKey {
    /// Reads a line as files with the ending `.pub` have it.
    ///
    /// # Errors
    /// When it is none, or one of a kind or strength that does not count.
    pub fn parse(line: &str) -> Result<Self, KeyError> {
        let kind = line.split_whitespace().next().unwrap_or_default();
        if kind.ends_with("-cert-v01@openssh.com") {
            return Err(KeyError::Kind { kind: "an SSH certificate".to_owned() });
        }
        let key = ssh_key::PublicKey::from_openssh(line.trim()).map_err(|_| KeyError::Ssh)?;
        let data = key.key_data().clone();
        check(&data)?;
        let blob = key.to_bytes().map_err(|_| KeyError::Ssh)?;
        Ok(Self { data, blob })
    }

    /// What signatures carry of it.
    #[must_use]
    pub fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// Its digest, as `ssh-keygen -l` shows it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.data.fingerprint(HashAlg::Sha256).to_string()
    }

    /// The line without a comment.
    #[must_use]
    pub fn to_line(&self) -> String {
        // It was read from a line, so it can be written as one.
        ssh_key::PublicKey::from(self.data.clone()).to_openssh().unwrap_or_default()
    }

    pub(super) fn data(&self) -> &KeyData {
        &self.data
    }

    fn ed25519(&self) -> Option<&[u8]> {
        self.data.ed25519().map(|key| key.0.as_slice())
    }
}

fn check(data: &KeyData) -> Result<(), KeyError> {
    let kind = |kind: &str| Err(KeyError::Kind { kind: kind.to_owned() });
    match data {
        KeyData::Ed25519(key) => check_point(&key.0),
        KeyData::SkEd25519(key) => check_point(&key.public_key().0),
        KeyData::SkEcdsaSha2NistP256(_) => Ok(()),
        KeyData::Ecdsa(key) => match key.curve() {
            EcdsaCurve::NistP256 | EcdsaCurve::NistP384 => Ok(()),
            EcdsaCurve::NistP521 => kind("an ECDSA key over nistp521"),
        },
        KeyData::Rsa(key) => {
            let modulus = key.n.as_positive_bytes().ok_or(KeyError::Ssh)?;
            let leading = modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
            let bits = (modulus.len() * 8).saturating_sub(leading);
            if (LEAST_BITS..=MOST_BITS).contains(&bits) {
                Ok(())
            } else {
                Err(KeyError::RsaBits { found: bits })
            }
        }
        KeyData::Dsa(_) => kind("a DSA key"),
        other => kind(&format!("an SSH key of the kind `{}`", other.algorithm())),
    }
}

/// Under some points one signature fits many texts.
fn check_point(bytes: &[u8; 32]) -> Result<(), KeyError> {
    match ed25519_dalek::VerifyingKey::from_bytes(bytes) {
        Ok(point) if !point.is_weak() => Ok(()),
        _ => Err(KeyError::Point),
    }
}

/// Why a key of a ledger cannot be used. No text of a key is repeated, since it may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A secret key.
    #[error("this is a secret key, expected a public one")]
    Secret,
    /// Longer than any key.
    #[error("the key has more than {limit} bytes")]
    TooLong {
        /// Bytes that are read.
        limit: usize,
    },
    /// No `vkey`.
    #[error(transparent)]
    Vkey(#[from] note::KeyError),
    /// No SSH key.
    #[error("expected the line of an SSH public key, such as `ssh-ed25519 AAAA…`")]
    Ssh,
    /// A kind of key that does not count.
    #[error("{kind} cannot sign reviews")]
    Kind {
        /// Which kind.
        kind: String,
    },
    /// An RSA key that is too short, or longer than is read.
    #[error("the RSA key has {found} bits, expected {LEAST_BITS} to {MOST_BITS}")]
    RsaBits {
        /// How many it has.
        found: usize,
    },
    /// Bytes that are no public key, or one under which anything is signed.
    #[error("the bytes are no usable Ed25519 key")]
    Point,
    /// Not the whole fingerprint of a certificate.
    #[error("expected `openpgp:` and a fingerprint of 40 or 64 hexadecimal digits")]
    Fingerprint,
    /// An OpenPGP key without its certificate.
    #[error("the certificate of the OpenPGP key is not named: `file` is missing")]
    NoCertificate,
    /// The certificate is not in the ledger's folder.
    #[error("the certificate `{file}` is not there")]
    CertificateMissing {
        /// As `file` names it.
        file: String,
    },
    /// The certificate cannot be used.
    #[error(transparent)]
    Certificate(countermark_trust::openpgp::KeyringError),
    /// The file holds another certificate.
    #[error("`{file}` does not hold the certificate {fingerprint}")]
    OtherCertificate {
        /// As `file` names it.
        file: String,
        /// The one that was expected.
        fingerprint: String,
    },
    /// A file beside a key that needs none.
    #[error("`file` is for OpenPGP keys only")]
    FileUnused,
    /// Two authors with one key: one person could pass for two.
    #[error("the key of `{author}` is also the key of `{other}`")]
    Shared {
        /// Whose key it is here.
        author: String,
        /// Whose key it is above.
        other: String,
    },
}

impl KeyError {
    /// The name of the error, unique and never reused.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Secret => "ledger-key-secret",
            Self::Shared { .. } => "ledger-key-shared",
            Self::Kind { .. } | Self::RsaBits { .. } | Self::Point => "ledger-key-weak",
            Self::TooLong { .. } | Self::Vkey(_) | Self::Ssh | Self::Fingerprint => "ledger-key",
            Self::NoCertificate
            | Self::CertificateMissing { .. }
            | Self::Certificate(_)
            | Self::OtherCertificate { .. }
            | Self::FileUnused => "ledger-certificate",
        }
    }

    /// The ledger cannot be used.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Secret
            | Self::Shared { .. }
            | Self::Kind { .. }
            | Self::RsaBits { .. }
            | Self::Point
            | Self::TooLong { .. }
            | Self::Vkey(_)
            | Self::Ssh
            | Self::Fingerprint
            | Self::NoCertificate
            | Self::CertificateMissing { .. }
            | Self::Certificate(_)
            | Self::OtherCertificate { .. }
            | Self::FileUnused => Class::Usage,
        }
    }

    /// What to do next, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Secret => Some(
                "take it out, make a new one with `countermark vet key new`, and put its public half here",
            ),
            Self::Vkey(_) | Self::Ssh | Self::Fingerprint | Self::TooLong { .. } => Some(
                "a key is what `countermark vet key show` prints, a line of an SSH `.pub` file, or \
                 `openpgp:` and a whole fingerprint",
            ),
            Self::Kind { .. } | Self::RsaBits { .. } | Self::Point => {
                Some("`countermark vet key new` makes a key; SSH keys may be Ed25519, ECDSA or RSA")
            }
            Self::NoCertificate | Self::CertificateMissing { .. } => Some(
                "`gpg --armor --export FINGERPRINT` writes a certificate; keep it in `keys/` beside \
                 `ledger.toml` and name it: file = \"keys/alice.asc\"",
            ),
            Self::Certificate(error) => error.hint(),
            Self::OtherCertificate { .. } | Self::FileUnused => None,
            Self::Shared { .. } => Some("everybody signs with a key of their own"),
        }
    }
}
