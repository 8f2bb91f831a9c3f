//! Why a signature counts for nothing, and why keys cannot be used.

use jiff::Timestamp;

use crate::Class;

/// Why a signature counts for nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureRefusal {
    /// Something else than a signature lies there.
    #[error("not an OpenPGP signature: {reason}")]
    NotASignature {
        /// What was found.
        reason: String,
    },
    /// Longer than any signature.
    #[error("the signature has more than {limit} bytes")]
    SignatureTooLarge {
        /// Bytes that are read.
        limit: usize,
    },
    /// More signatures than anybody needs.
    #[error("there are more than {limit} signatures")]
    TooManySignatures {
        /// How many are looked at.
        limit: usize,
    },
    /// A signature that cannot be read, or of an old or unknown kind.
    #[error("the signature cannot be used: {reason}")]
    Malformed {
        /// Why.
        reason: String,
    },
    /// A signature that holds for any kind of line ends.
    #[error("the signature is in text mode, which does not fix the bytes of a file")]
    TextMode,
    /// A clear-signed text with more in it than what was signed.
    #[error("the clear-signed text cannot be used: {reason}")]
    Frame {
        /// Why.
        reason: String,
    },
    /// Nobody gave such a key.
    #[error("no key that was given made the signature; it names {issuer}")]
    UnknownKey {
        /// As the signature says it; `nobody` when it does not.
        issuer: String,
    },
    /// Days were given for keys, and this one is not among them.
    #[error("the key {key} is not among those with days in which they are valid")]
    UnlistedKey {
        /// The certificate.
        key: String,
    },
    /// SHA-1, for which two texts with one digest can be made.
    #[error("the signature is over a SHA-1 digest")]
    Sha1,
    /// MD5 and others that are broken or that nobody knows.
    #[error("the signature is over a digest by {algorithm}")]
    WeakHash {
        /// Its name.
        algorithm: String,
    },
    /// Only such digests bind the key to its certificate.
    #[error("the key {key} is bound to its certificate by {algorithm} only")]
    WeakBinding {
        /// The key.
        key: String,
        /// The digest's name.
        algorithm: String,
    },
    /// RSA or DSA with less than 2048 bits, or an algorithm that is no longer good.
    #[error("the key {key} is too weak: {strength}")]
    ShortKey {
        /// The key.
        key: String,
        /// `RSA with 1024 bits`.
        strength: String,
    },
    /// The key does not belong to its certificate, neither at that time nor later.
    #[error("nothing acceptable binds the key {key} to its certificate: {reason}")]
    UnboundKey {
        /// The key.
        key: String,
        /// Why.
        reason: String,
    },
    /// The key is for something else.
    #[error("the key {key} is not for signing")]
    NotForSigning {
        /// The key.
        key: String,
    },
    /// The key had expired, or its days were over.
    #[error("the key {key} was not valid any more: {reason}")]
    ExpiredThen {
        /// The key.
        key: String,
        /// By what.
        reason: String,
    },
    /// The key did not exist yet, or its days had not begun.
    #[error("the key {key} was not valid yet: {reason}")]
    NotYetValid {
        /// The key.
        key: String,
        /// By what.
        reason: String,
    },
    /// The key was revoked.
    #[error("the key {key} is revoked: {reason}")]
    Revoked {
        /// The key.
        key: String,
        /// In the words of the revocation.
        reason: String,
    },
    /// Made later than it can be.
    #[error("the signature is from {made}, later than {limit}")]
    FromTheFuture {
        /// As the signature says.
        made: Timestamp,
        /// The latest time that is believed.
        limit: Timestamp,
    },
    /// The signature itself was made to expire, and has.
    #[error("the signature expired")]
    SignatureExpired,
    /// A good key, and other bytes.
    #[error("the signature is not of these bytes")]
    WrongBytes,
    /// More bytes than are hashed for one signature.
    #[error("there are more than {limit} bytes to check")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// What was signed could not be read to its end.
    #[error("what was signed cannot be read: {reason}")]
    Unreadable {
        /// The reader's answer.
        reason: String,
    },
}

impl SignatureRefusal {
    /// The name of the refusal, unique and never reused.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotASignature { .. } => "not-a-signature",
            Self::SignatureTooLarge { .. } => "signature-too-large",
            Self::TooManySignatures { .. } => "too-many-signatures",
            Self::Malformed { .. } => "signature-malformed",
            Self::TextMode => "text-mode",
            Self::Frame { .. } => "cleartext-malformed",
            Self::UnknownKey { .. } => "unknown-signer",
            Self::UnlistedKey { .. } => "unlisted-signer",
            Self::Sha1 => "sha1",
            Self::WeakHash { .. } => "weak-hash",
            Self::WeakBinding { .. } => "weak-binding",
            Self::ShortKey { .. } => "short-key",
            Self::UnboundKey { .. } => "unbound-key",
            Self::NotForSigning { .. } => "not-for-signing",
            Self::ExpiredThen { .. } => "expired-then",
            Self::NotYetValid { .. } => "not-yet-valid",
            Self::Revoked { .. } => "revoked-key",
            Self::FromTheFuture { .. } => "from-the-future",
            Self::SignatureExpired => "signature-expired",
            Self::WrongBytes => "wrong-bytes",
            Self::TooLarge { .. } => "signed-too-large",
            Self::Unreadable { .. } => "signed-unreadable",
        }
    }

    /// Rejected for all that a forger could bring about; unavailable when the bytes could not be
    /// looked at.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::NotASignature { .. }
            | Self::SignatureTooLarge { .. }
            | Self::TooManySignatures { .. }
            | Self::Malformed { .. }
            | Self::TextMode
            | Self::Frame { .. }
            | Self::UnknownKey { .. }
            | Self::UnlistedKey { .. }
            | Self::Sha1
            | Self::WeakHash { .. }
            | Self::WeakBinding { .. }
            | Self::ShortKey { .. }
            | Self::UnboundKey { .. }
            | Self::NotForSigning { .. }
            | Self::ExpiredThen { .. }
            | Self::NotYetValid { .. }
            | Self::Revoked { .. }
            | Self::FromTheFuture { .. }
            | Self::SignatureExpired
            | Self::WrongBytes => Class::Rejected,
            Self::TooLarge { .. } | Self::Unreadable { .. } => Class::Unavailable,
        }
    }
}

/// Why keys that were given cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// A file without a certificate.
    #[error("`{file}` holds no OpenPGP certificate")]
    NoCertificate {
        /// As it was named.
        file: String,
    },
    /// Something in a file that is no certificate.
    #[error("`{file}` holds something that is no usable certificate: {reason}")]
    Malformed {
        /// As it was named.
        file: String,
        /// Why.
        reason: String,
    },
    /// A private key, which has no place in an audit.
    #[error("`{file}` holds a private key, {key}")]
    PrivateKey {
        /// As it was named.
        file: String,
        /// Its fingerprint.
        key: String,
    },
    /// More than is read.
    #[error("the certificates have more than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// More than are kept.
    #[error("there are more than {limit} certificates")]
    TooMany {
        /// The limit.
        limit: usize,
    },
}

impl KeyringError {
    /// The name of the error, unique and never reused.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoCertificate { .. } => "no-certificate",
            Self::Malformed { .. } => "certificate-malformed",
            Self::PrivateKey { .. } => "private-key",
            Self::TooLarge { .. } => "certificates-too-large",
            Self::TooMany { .. } => "too-many-certificates",
        }
    }

    /// The files of the user cannot be used.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::NoCertificate { .. }
            | Self::Malformed { .. }
            | Self::PrivateKey { .. }
            | Self::TooLarge { .. }
            | Self::TooMany { .. } => Class::Usage,
        }
    }

    /// What to do next, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::PrivateKey { .. } => {
                Some("give the public key only, and ask how the private one came here")
            }
            Self::NoCertificate { .. } | Self::Malformed { .. } => {
                Some("`gpg --armor --export FINGERPRINT` writes a certificate")
            }
            Self::TooLarge { .. } | Self::TooMany { .. } => {
                Some("give the keys of the federation only, not a whole keyring")
            }
        }
    }
}
