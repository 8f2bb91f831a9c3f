//! Proofs that are files: that an entry is in a log, to be checked without any network.
//!
//! Specification: [C2SP tlog-proof](https://c2sp.org/tlog-proof).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::checkpoint::{CheckpointError, SignedCheckpoint, parse_number};
use crate::hash::{Hash, HashError};
use crate::note::{MAXIMUM_BYTES, Note, NoteError, VerifierKey};
use crate::proof::{self, ProofError};

/// The first line of the format.
pub const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// How much extra data a proof may carry.
pub const MAXIMUM_EXTRA: usize = 1 << 16;

/// How many hashes a proof has in the largest tree.
pub const MAXIMUM_PROOF: usize = 63;

/// How long a file may be.
pub const MAXIMUM_FILE: usize = MAXIMUM_BYTES + 2 * MAXIMUM_EXTRA + (MAXIMUM_PROOF + 2) * 64;

/// A proof as it stands in a file. It proves something only once [`Self::verify`] says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// What the application needs to make the leaf again. Nobody has signed it.
    pub extra: Option<Vec<u8>>,
    /// The number of the entry.
    pub index: u64,
    /// Its path to the root, the sibling first.
    pub proof: Vec<Hash>,
    /// The checkpoint with its cosignatures.
    pub checkpoint: Note,
}

impl TlogProof {
    /// Reads a file.
    pub fn parse(bytes: &[u8]) -> Result<Self, TlogProofError> {
        if bytes.len() > MAXIMUM_FILE {
            return Err(TlogProofError::TooLong { found: bytes.len() });
        }
        let end = bytes.windows(2).position(|pair| pair == b"\n\n").ok_or(TlogProofError::Form)?;
        let head = std::str::from_utf8(&bytes[..end]).map_err(|_| TlogProofError::Form)?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(TlogProofError::Header);
        }
        let extra = match lines.peek().and_then(|line| line.strip_prefix("extra ")) {
            Some(encoded) => {
                lines.next();
                Some(read_extra(encoded)?)
            }
            None => None,
        };
        let index = lines.next().and_then(|line| line.strip_prefix("index "));
        let index = index.and_then(parse_number).ok_or(TlogProofError::Index)?;
        let mut proof = Vec::new();
        for line in lines {
            if proof.len() == MAXIMUM_PROOF {
                return Err(TlogProofError::TooManyHashes);
            }
            proof.push(Hash::from_base64(line)?);
        }
        let checkpoint = Note::parse(&bytes[end + 2..])?;
        Ok(Self { extra, index, proof, checkpoint })
    }

    /// The file.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEADER}\n");
        if let Some(extra) = &self.extra {
            text.push_str(&format!("extra {}\n", STANDARD.encode(extra)));
        }
        text.push_str(&format!("index {}\n", self.index));
        for hash in &self.proof {
            text.push_str(&hash.to_base64());
            text.push('\n');
        }
        text + "\n" + &self.checkpoint.to_text()
    }

    /// Checks that the leaf is in the log `origin`, whose checkpoint one of the keys signed. Which
    /// witnesses have to have cosigned is asked of the checkpoint that comes back.
    pub fn verify(
        &self,
        leaf: Hash,
        origin: &str,
        keys: &[VerifierKey],
    ) -> Result<SignedCheckpoint, TlogProofError> {
        let checkpoint =
            SignedCheckpoint::open(self.checkpoint.to_text().as_bytes(), origin, keys)?;
        let (size, root) = (checkpoint.size(), checkpoint.root());
        proof::verify_inclusion(leaf, self.index, size, &self.proof, root)?;
        Ok(checkpoint)
    }
}

fn read_extra(encoded: &str) -> Result<Vec<u8>, TlogProofError> {
    let extra = STANDARD.decode(encoded).map_err(|_| TlogProofError::Extra)?;
    if extra.len() > MAXIMUM_EXTRA { Err(TlogProofError::Extra) } else { Ok(extra) }
}

/// Why a file proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlogProofError {
    /// More than [`MAXIMUM_FILE`].
    #[error("the proof has {found} bytes, expected {MAXIMUM_FILE} at most")]
    TooLong {
        /// How many there were.
        found: usize,
    },
    /// Not the parts of a proof.
    #[error("expected lines of a proof, an empty line and a checkpoint")]
    Form,
    /// Another format.
    #[error("expected `{HEADER}` as the first line")]
    Header,
    /// Extra data that are no base64, or too long.
    #[error("the extra data are no base64 of at most {MAXIMUM_EXTRA} bytes")]
    Extra,
    /// No number of an entry.
    #[error("expected `index <number>`")]
    Index,
    /// More than [`MAXIMUM_PROOF`].
    #[error("the proof has more than {MAXIMUM_PROOF} hashes")]
    TooManyHashes,
    /// A line that is no hash.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// No note.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The checkpoint is refused.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The leaf is not in the tree.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

#[cfg(test)]
#[path = "tlog_proof/tests.rs"]
mod tests;
