//! Which signed commit added which review.
//!
//! What was found in a repository is kept as a list, one line a review: the id of its statement, the commit,
//! and the key that signed the commit. Of an import the list is made when it is fetched, and its digest stands
//! in `ledger.toml`; of the own repository it is made anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use countermark_packaging::digest::Sha256;
use countermark_trust::Class;

use crate::statement::StatementId;

/// The first line of a list; another form gets another number.
const HEAD: &str = "countermark.commits/v1";

/// Bytes of a list that are read.
pub const MAXIMUM_BYTES: usize = 256 << 20;

/// Bytes of a key's name in a list.
const MAXIMUM_KEY: usize = 512;

/// Reviews, with the signed commits that added them or why there is none that counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commits {
    found: BTreeMap<StatementId, Result<SignedCommit, CommitRefusal>>,
}

/// A commit whose signature was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCommit {
    /// Its name, in hexadecimal digits.
    pub commit: String,
    /// The key that signed it, as [`super::PublicKey`] is displayed.
    pub key: String,
}

impl Commits {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what was found for a review.
    pub fn insert(&mut self, id: StatementId, found: Result<SignedCommit, CommitRefusal>) {
        self.found.insert(id, found);
    }

    /// What was found for a review.
    #[must_use]
    pub fn of(&self, id: &StatementId) -> Option<&Result<SignedCommit, CommitRefusal>> {
        self.found.get(id)
    }

    /// How many reviews were looked for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// Whether none was looked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Each review with what was found.
    pub fn iter(
        &self,
    ) -> impl Iterator<Item = (&StatementId, &Result<SignedCommit, CommitRefusal>)> {
        self.found.iter()
    }

    /// The list of those that count.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEAD}\n");
        for (id, found) in &self.found {
            if let Ok(signed) = found {
                let _ = writeln!(text, "{id} {} {}", signed.commit, signed.key);
            }
        }
        text
    }

    /// Reads a list. One form only: sorted, each review once, single spaces.
    ///
    /// # Errors
    /// With the line that is not as it should be.
    pub fn parse(bytes: &[u8]) -> Result<Self, CommitsError> {
        if bytes.len() > MAXIMUM_BYTES {
            return Err(CommitsError::TooLarge);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| CommitsError::Encoding)?;
        let mut lines = text.split_inclusive('\n').zip(1..);
        if lines.next().is_none_or(|(line, _)| line.strip_suffix('\n') != Some(HEAD)) {
            return Err(CommitsError::Line { line: 1 });
        }
        let mut commits = Self::new();
        for (text, line) in lines {
            let malformed = || CommitsError::Line { line };
            let (id, signed) =
                text.strip_suffix('\n').and_then(parse_line).ok_or_else(malformed)?;
            if commits.found.last_key_value().is_some_and(|(last, _)| *last >= id) {
                return Err(malformed());
            }
            commits.insert(id, Ok(signed));
        }
        Ok(commits)
    }
}

fn parse_line(line: &str) -> Option<(StatementId, SignedCommit)> {
    let mut words = line.splitn(3, ' ');
    let (id, commit, key) = (words.next()?, words.next()?, words.next()?);
    let id = Sha256::parse_hex(id).ok().filter(|it| it.hex() == id)?;
    let plain = |key: &str| key.bytes().all(|byte| byte.is_ascii_graphic());
    let fits = super::git::is_name(commit) && key.len() <= MAXIMUM_KEY && plain(key);
    fits.then(|| {
        let signed = SignedCommit { commit: commit.to_owned(), key: key.to_owned() };
        (StatementId(id), signed)
    })
}

/// Why a list cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitsError {
    /// More than is read.
    #[error("the list of commits has more than {MAXIMUM_BYTES} bytes")]
    TooLarge,
    /// Not UTF-8.
    #[error("the list of commits is not UTF-8")]
    Encoding,
    /// A line that has not the form, or stands in the wrong place.
    #[error("line {line} of the list of commits is not one of those that are written there")]
    Line {
        /// Its number, from 1.
        line: u32,
    },
}

impl CommitsError {
    /// The file cannot be used.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::TooLarge | Self::Encoding | Self::Line { .. } => Class::Usage,
        }
    }
}

/// Why a commit does not sign the review that it added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitRefusal {
    /// It is not in the history of this checkout.
    #[error("no commit of this repository added it")]
    NotCommitted,
    /// History that is cut off.
    #[error("the commits before {commit} are not here: the clone is shallow")]
    Shallow {
        /// The commit.
        commit: String,
    },
    /// It came with a merge and with none of the commits that were merged.
    #[error("the commit {commit} that added it is a merge")]
    Merge {
        /// The commit.
        commit: String,
    },
    /// Reviews of several people in one commit: somebody squashed them.
    #[error("the commit {commit} adds reviews of `{author}` and of `{other}`: it is a squash")]
    Squash {
        /// The commit.
        commit: String,
        /// Whose review it is.
        author: String,
        /// Whose reviews are there too.
        other: String,
    },
    /// The commit made or moved the file, and with it everything in it.
    #[error("the commit {commit} made or moved the file, and did not add this review to it")]
    NewFile {
        /// The commit.
        commit: String,
    },
    /// Nobody signed the commit.
    #[error("the commit {commit} that added it is not signed")]
    Unsigned {
        /// The commit.
        commit: String,
    },
    /// Somebody else signed the commit.
    #[error("the commit {commit} that added it is signed by {key}, and not by `{author}`")]
    OtherSigner {
        /// The commit.
        commit: String,
        /// The key, or whose it is.
        key: String,
        /// Who says to have written the review.
        author: String,
    },
    /// The signature is wrong, or cannot be read.
    #[error("the signature of the commit {commit} does not count: {reason}")]
    BadSignature {
        /// The commit.
        commit: String,
        /// Why.
        reason: String,
    },
    /// What git gave is not what its names say.
    #[error("the {kind} {name} is not what its name says")]
    WrongName {
        /// `commit`, `tree` or `blob`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// An object that has not the form.
    #[error("the {kind} {name} cannot be read")]
    MalformedObject {
        /// `commit`, `tree` or `blob`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// The repository itself could not be read.
    #[error("the repository cannot be read: {reason}")]
    Unreadable {
        /// Why.
        reason: String,
    },
    /// This build cannot look at the signature.
    #[error("the signature of the commit {commit} cannot be checked: {reason}")]
    NotCheckable {
        /// The commit.
        commit: String,
        /// Why not.
        reason: String,
    },
}

impl CommitRefusal {
    /// The name of the refusal, unique and never reused.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotCommitted | Self::Shallow { .. } => "review-no-commit",
            Self::Merge { .. } | Self::Squash { .. } | Self::NewFile { .. } => {
                "review-commit-shape"
            }
            Self::Unsigned { .. } => "review-commit-unsigned",
            Self::OtherSigner { .. } => "review-commit-signer",
            Self::BadSignature { .. } => "review-commit-signature",
            Self::WrongName { .. } | Self::MalformedObject { .. } => "review-commit-object",
            Self::Unreadable { .. } | Self::NotCheckable { .. } => "review-not-checkable",
        }
    }

    /// Rejected for all that a forger could bring about; unavailable when nothing was decided.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::NotCommitted
            | Self::Shallow { .. }
            | Self::Unreadable { .. }
            | Self::NotCheckable { .. } => Class::Unavailable,
            Self::Merge { .. }
            | Self::Squash { .. }
            | Self::NewFile { .. }
            | Self::Unsigned { .. }
            | Self::OtherSigner { .. }
            | Self::BadSignature { .. }
            | Self::WrongName { .. }
            | Self::MalformedObject { .. } => Class::Rejected,
        }
    }

    /// What to do next, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotCommitted => Some("its author commits it: `git commit -S`"),
            Self::Shallow { .. } => Some("`git fetch --unshallow` completes the history"),
            Self::Merge { .. } | Self::Squash { .. } | Self::OtherSigner { .. } => Some(
                "merge without squashing or rebasing at the host, or let the author sign with a key: \
                 `countermark vet certify --key FILE`",
            ),
            Self::NewFile { .. } => Some(
                "commit the file first; a review counts by the commit that adds it to a file that is there",
            ),
            Self::Unsigned { .. } => {
                Some("its author signs it: `git commit --amend -S`, before anybody else has it")
            }
            Self::NotCheckable { .. } => {
                Some("docs/openpgp.md says how to build a countermark that can")
            }
            Self::Unreadable { .. }
            | Self::BadSignature { .. }
            | Self::WrongName { .. }
            | Self::MalformedObject { .. } => None,
        }
    }
}
