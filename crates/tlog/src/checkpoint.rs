//! Checkpoints: what a log says about its tree, as the text of a note.
//!
//! A [`SignedCheckpoint`] is one that a key of its log signed; only reading and checking a note makes
//! it. Specification: [C2SP tlog-checkpoint](https://c2sp.org/tlog-checkpoint).

use crate::cosignature::{self, Timestamped};
use crate::hash::{EMPTY_ROOT, Hash, HashError, MAXIMUM_SIZE};
use crate::note::{self, Note, NoteError, Signed, SignerKey, Verified, VerifierKey};

/// The head of a log's tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
    extensions: Vec<String>,
}

/// A checkpoint that a key of its log signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: Note,
    signed: Vec<Signed>,
}

impl Checkpoint {
    /// A head without extension lines.
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Self, CheckpointError> {
        if origin.is_empty() || origin.contains(is_control) {
            return Err(CheckpointError::Origin);
        }
        if size > MAXIMUM_SIZE {
            return Err(CheckpointError::Size { found: size.to_string() });
        }
        if size == 0 && root != EMPTY_ROOT {
            return Err(CheckpointError::EmptyRoot { found: root });
        }
        Ok(Self { origin: origin.to_owned(), size, root, extensions: Vec::new() })
    }

    /// The same head with one more extension line, which nobody but the log answers for.
    pub fn with_extension(mut self, line: &str) -> Result<Self, CheckpointError> {
        if line.is_empty() || line.contains(is_control) {
            return Err(CheckpointError::Extension);
        }
        self.extensions.push(line.to_owned());
        Ok(self)
    }

    /// The same head with the extension line `time <seconds since 1970>`.
    #[must_use]
    pub fn with_time(mut self, seconds: u64) -> Self {
        self.extensions.push(format!("time {seconds}"));
        self
    }

    /// Reads the text of a note. A text that would be written otherwise is refused.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let body = text.strip_suffix('\n').ok_or(CheckpointError::Lines)?;
        let mut lines = body.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return Err(CheckpointError::Lines);
        };
        let size = parse_number(size)
            .ok_or_else(|| CheckpointError::Size { found: size.chars().take(40).collect() })?;
        let mut checkpoint = Self::new(origin, size, Hash::from_base64(root)?)?;
        for line in lines {
            checkpoint = checkpoint.with_extension(line)?;
        }
        Ok(checkpoint)
    }

    /// The text that is signed.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.origin, self.size, self.root);
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// The name of the log.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many entries the tree has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> &Hash {
        &self.root
    }

    /// Lines of which only the log knows what they mean.
    #[must_use]
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    /// The time that the log wrote into its extension line, in seconds since 1970: its own word, which
    /// no witness has checked.
    #[must_use]
    pub fn stated_time(&self) -> Option<u64> {
        let time = self.extensions.iter().find_map(|line| line.strip_prefix("time "));
        time.and_then(parse_number).filter(|time| *time <= cosignature::MAXIMUM_TIME)
    }

    /// Signs it, as the log does.
    pub fn sign(self, keys: &[&SignerKey]) -> Result<SignedCheckpoint, NoteError> {
        let note = note::sign(&self.to_text(), keys)?;
        let signed =
            keys.iter().map(|key| Signed { key: key.verifier().clone(), time: None }).collect();
        Ok(SignedCheckpoint { checkpoint: self, note, signed })
    }
}

impl SignedCheckpoint {
    /// Reads a note and checks that a key of the log `origin` signed it, and that it speaks of that log.
    /// With several keys, after a change of keys, one is enough.
    pub fn open(bytes: &[u8], origin: &str, keys: &[VerifierKey]) -> Result<Self, CheckpointError> {
        let verified = note::open(bytes, keys)?;
        let checkpoint = Checkpoint::parse(verified.text())?;
        if checkpoint.origin != origin {
            return Err(CheckpointError::OtherOrigin {
                expected: origin.to_owned(),
                found: checkpoint.origin,
            });
        }
        Ok(Self::from_verified(checkpoint, &verified))
    }

    /// For a checkpoint that was read from this note's text.
    pub(crate) fn from_verified(checkpoint: Checkpoint, verified: &Verified) -> Self {
        Self { checkpoint, note: verified.note().clone(), signed: verified.signed().to_vec() }
    }

    /// What was signed.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// How many entries the tree has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.checkpoint.size
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> &Hash {
        &self.checkpoint.root
    }

    /// The note, with the cosignatures that came along.
    #[must_use]
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// Which keys of the log signed.
    #[must_use]
    pub fn signed(&self) -> &[Signed] {
        &self.signed
    }

    /// Which of these witnesses cosigned, each once.
    pub fn cosignatures(&self, witnesses: &[VerifierKey]) -> Result<Vec<Timestamped>, NoteError> {
        cosignature::verify(&self.note, witnesses)
    }

    /// Takes a witness's cosignature along, once it is known to fit.
    pub fn add_cosignature(
        &mut self,
        line: &str,
        witnesses: &[VerifierKey],
    ) -> Result<Option<Timestamped>, NoteError> {
        let signature = note::Signature::parse(line.strip_suffix('\n').unwrap_or(line))?;
        let mut alone = self.note.clone();
        alone.keep_only(&signature);
        let timestamped = cosignature::verify(&alone, witnesses)?.pop();
        if timestamped.is_some() {
            self.note.add(signature)?;
        }
        Ok(timestamped)
    }
}

/// What a note may not contain.
fn is_control(found: char) -> bool {
    found < ' '
}

/// Decimal digits without leading zeros.
pub(crate) fn parse_number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let plain = digits && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

/// Why a text is no checkpoint, or not this log's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Fewer than three lines.
    #[error("expected a checkpoint's origin, size and root, each on a line")]
    Lines,
    /// An empty name of the log.
    #[error("a checkpoint's origin has to be a line of text, and not empty")]
    Origin,
    /// No size.
    #[error("expected the size of a tree, found `{}`", found.escape_debug())]
    Size {
        /// What stands there.
        found: String,
    },
    /// No root.
    #[error(transparent)]
    Root(#[from] HashError),
    /// The tree without entries has one root only.
    #[error("the root of an empty tree is {EMPTY_ROOT}, found {found}")]
    EmptyRoot {
        /// What stands there.
        found: Hash,
    },
    /// An extension line that is empty.
    #[error("an extension line has to be a line of text, and not empty")]
    Extension,
    /// The checkpoint is another log's.
    #[error("expected a checkpoint of `{expected}`, found one of `{found}`")]
    OtherOrigin {
        /// The log that was asked.
        expected: String,
        /// The log that it speaks of.
        found: String,
    },
    /// The note around it is refused.
    #[error(transparent)]
    Note(#[from] NoteError),
}

#[cfg(test)]
#[path = "checkpoint/tests.rs"]
mod tests;
