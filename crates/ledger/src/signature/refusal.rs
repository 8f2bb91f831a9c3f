//! Why a review's signature counts for nothing.

use countermark_trust::Class;
use countermark_trust::openpgp::SignatureRefusal;
use jiff::civil::Date;

use super::commits::CommitRefusal;

/// Why a review's signature counts for nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody signed it.
    #[error("nobody signed it")]
    Unsigned,
    /// A signature in a form that is not known.
    #[error("its signature cannot be read: {reason}")]
    Malformed {
        /// What was expected.
        reason: String,
    },
    /// The ledger has no key of the author.
    #[error("the ledger has no key of `{author}`")]
    UnknownAuthor {
        /// Who, as the review says.
        author: String,
    },
    /// Another key than those that the ledger has.
    #[error("it is signed by {key}, which is not a key of `{author}` in the ledger")]
    UnknownKey {
        /// Who, as the review says.
        author: String,
        /// The key that the signature names.
        key: String,
    },
    /// A key of the ledger, but somebody else's.
    #[error("it says that `{author}` wrote it, and is signed by `{signer}`")]
    OtherAuthor {
        /// Who, as the review says.
        author: String,
        /// Whose key signed.
        signer: String,
    },
    /// The key is right and the signature is of something else: one of both was changed.
    #[error("the signature by {key} is not of this review")]
    WrongText {
        /// The key.
        key: String,
    },
    /// A signature that was made for something else than reviews.
    #[error("the signature was made for {found}, expected {expected}")]
    WrongPurpose {
        /// What reviews, or commits, are signed for.
        expected: String,
        /// What this one was.
        found: String,
    },
    /// An algorithm for which forgeries are to be feared.
    #[error("the signature is too weak: {reason}")]
    Weak {
        /// What is weak.
        reason: String,
    },
    /// A security key signed without being touched.
    #[error("the security key {key} signed without being touched")]
    Untouched {
        /// The key.
        key: String,
    },
    /// The days of the key were over on the day of the review.
    #[error("the review is from {on}, and {key} counts until {until}")]
    KeyExpired {
        /// The key.
        key: String,
        /// The day of the review.
        on: Date,
        /// The key's last day.
        until: Date,
    },
    /// The days of the key had not begun on the day of the review.
    #[error("the review is from {on}, and {key} counts from {from} on")]
    KeyNotYet {
        /// The key.
        key: String,
        /// The day of the review.
        on: Date,
        /// The key's first day.
        from: Date,
    },
    /// A review of a day that has not come.
    #[error("the review is from {on}, which is later than today")]
    Future {
        /// The day of the review.
        on: Date,
    },
    /// OpenPGP's reasons.
    #[error("its OpenPGP signature is refused: {reason}")]
    OpenPgp {
        /// Which.
        reason: SignatureRefusal,
    },
    /// No commit is known that added it.
    #[error("no signed commit is known that added it")]
    NoCommit,
    /// The commit that added it does not count.
    #[error("{reason}")]
    Commit {
        /// Why.
        reason: CommitRefusal,
    },
    /// Nothing was decided.
    #[error("its signature cannot be checked: {reason}")]
    NotCheckable {
        /// Why not.
        reason: String,
    },
}

impl Refusal {
    /// The name of the refusal, unique and never reused.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unsigned => "review-unsigned",
            Self::Malformed { .. } => "review-malformed-signature",
            Self::UnknownAuthor { .. } => "review-unknown-author",
            Self::UnknownKey { .. } => "review-unknown-key",
            Self::OtherAuthor { .. } => "review-other-author",
            Self::WrongText { .. } | Self::OpenPgp { .. } => "review-bad-signature",
            Self::WrongPurpose { .. } => "review-wrong-purpose",
            Self::Weak { .. } | Self::Untouched { .. } => "review-weak-signature",
            Self::KeyExpired { .. } => "review-key-expired",
            Self::KeyNotYet { .. } => "review-key-not-yet",
            Self::Future { .. } => "review-from-the-future",
            Self::NoCommit => "review-no-commit",
            Self::Commit { reason } => reason.code(),
            Self::NotCheckable { .. } => "review-not-checkable",
        }
    }

    /// Rejected for all that a forger could bring about; unavailable when nothing was decided.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Unsigned
            | Self::Malformed { .. }
            | Self::UnknownAuthor { .. }
            | Self::UnknownKey { .. }
            | Self::OtherAuthor { .. }
            | Self::WrongText { .. }
            | Self::WrongPurpose { .. }
            | Self::Weak { .. }
            | Self::Untouched { .. }
            | Self::KeyExpired { .. }
            | Self::KeyNotYet { .. }
            | Self::Future { .. } => Class::Rejected,
            Self::OpenPgp { reason } => reason.class(),
            Self::Commit { reason } => reason.class(),
            Self::NoCommit | Self::NotCheckable { .. } => Class::Unavailable,
        }
    }

    /// What to do next, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unsigned | Self::WrongText { .. } => {
                Some("its author signs it again with `countermark vet certify`")
            }
            Self::UnknownAuthor { .. } | Self::UnknownKey { .. } => Some(
                "if the key is theirs, `countermark vet key add` puts it into the ledger; ask them, not \
                 the file",
            ),
            Self::Weak { .. } => Some("sign it again with SHA-256 or SHA-512"),
            Self::WrongPurpose { .. } => {
                Some("`countermark vet certify` signs reviews for what they are")
            }
            Self::Commit { reason } => reason.hint(),
            Self::NoCommit => Some(
                "run it in the repository of the ledger, with its history, or sign with a key: \
                 `countermark vet certify --key FILE`",
            ),
            Self::NotCheckable { .. } => {
                Some("docs/openpgp.md says how to build a countermark that can")
            }
            Self::Malformed { .. }
            | Self::OtherAuthor { .. }
            | Self::Untouched { .. }
            | Self::KeyExpired { .. }
            | Self::KeyNotYet { .. }
            | Self::Future { .. }
            | Self::OpenPgp { .. } => None,
        }
    }
}
