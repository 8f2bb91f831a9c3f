//! What a witness answers to a log that wants a checkpoint cosigned.
//!
//! The decision is a pure function of what the witness knows of the log and what was sent. The caller
//! looks up the state, decides, and replaces the state *in the same transaction* before the cosignature
//! leaves: otherwise two requests at once could roll a log back. A log that is seen to have forked is
//! not only refused: the answer names the two signed notes, and the proof, that convict it.
//! Specification: [C2SP tlog-witness](https://c2sp.org/tlog-witness), "add-checkpoint".

use crate::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint, parse_number};
use crate::cosignature;
use crate::hash::{Hash, HashError};
use crate::note::{MAXIMUM_BYTES, Note, NoteError, Signature, SignerKey, VerifierKey};
use crate::proof::{self, ProofError};

/// How many hashes a request may have.
pub const MAXIMUM_PROOF: usize = 63;

/// How long a request may be: the hashes, the first line, and a note.
pub const MAXIMUM_REQUEST: usize = MAXIMUM_BYTES + (MAXIMUM_PROOF + 1) * 64;

/// The content type of the answer that tells the size that the witness has.
pub const SIZE_CONTENT_TYPE: &str = "text/x.tlog.size";

/// A request to cosign a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    old_size: u64,
    proof: Vec<Hash>,
    note: Note,
}

/// What a witness knows of one log.
#[derive(Debug, Clone, Copy)]
pub struct LogState<'a> {
    /// The name of the log.
    pub origin: &'a str,
    /// Its keys; one is enough.
    pub keys: &'a [VerifierKey],
    /// The checkpoint that was cosigned last, if there is one.
    pub latest: Option<&'a SignedCheckpoint>,
}

/// What to do with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Keep this checkpoint as the latest one, durably, and only then send the cosignature.
    Cosign(Box<SignedCheckpoint>),
    /// Send [`Refusal::status`] and [`Refusal::body`]; keep [`Refusal::evidence`] if there is any.
    Refuse(Refusal),
}

/// Two notes of one log that cannot both be true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// Two roots for one size.
    SameSize {
        /// The note that the witness cosigned.
        first: Note,
        /// The one that was sent.
        second: Note,
    },
    /// The smaller tree is not the beginning of the larger one. The proof has the form of
    /// [`proof::prove_prefix`]: the newer root follows from it, and the older one does not.
    Inconsistent {
        /// The note that the witness cosigned.
        older: Note,
        /// The one that was sent.
        newer: Note,
        /// The proof that the log sent itself.
        proof: Vec<Hash>,
    },
    /// By the times that the log wrote into its checkpoints, its tree has shrunk.
    RolledBack {
        /// The note that the witness cosigned.
        larger: Note,
        /// The one that was sent: a smaller tree and a later time.
        smaller: Note,
    },
}

impl AddCheckpoint {
    /// A request. More than [`MAXIMUM_PROOF`] hashes are refused.
    pub fn new(old_size: u64, proof: Vec<Hash>, note: Note) -> Result<Self, RequestError> {
        if proof.len() > MAXIMUM_PROOF {
            return Err(RequestError::TooManyHashes);
        }
        Ok(Self { old_size, proof, note })
    }

    /// Reads the body of a request. Whoever wrote it: nothing is checked but its form.
    pub fn parse(bytes: &[u8]) -> Result<Self, RequestError> {
        if bytes.len() > MAXIMUM_REQUEST {
            return Err(RequestError::TooLong { found: bytes.len() });
        }
        let end = bytes.windows(2).position(|pair| pair == b"\n\n").ok_or(RequestError::Form)?;
        let head = std::str::from_utf8(&bytes[..end]).map_err(|_| RequestError::Form)?;
        let mut lines = head.split('\n');
        let old_size = lines
            .next()
            .and_then(|line| line.strip_prefix("old "))
            .and_then(parse_number)
            .ok_or(RequestError::Form)?;
        let mut proof = Vec::new();
        for line in lines {
            if proof.len() == MAXIMUM_PROOF {
                return Err(RequestError::TooManyHashes);
            }
            proof.push(Hash::from_base64(line)?);
        }
        Self::new(old_size, proof, Note::parse(&bytes[end + 2..])?)
    }

    /// The body of the request.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("old {}\n", self.old_size);
        for hash in &self.proof {
            text.push_str(&hash.to_base64());
            text.push('\n');
        }
        text + "\n" + &self.note.to_text()
    }

    /// The log that it names: to look up what is known of it. Nobody has proved it yet.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.note.text().split('\n').next().unwrap_or_default()
    }

    /// The size of the tree that the proof starts from.
    #[must_use]
    pub fn old_size(&self) -> u64 {
        self.old_size
    }

    /// The consistency proof.
    #[must_use]
    pub fn proof(&self) -> &[Hash] {
        &self.proof
    }

    /// The checkpoint as it was sent.
    #[must_use]
    pub fn note(&self) -> &Note {
        &self.note
    }
}

/// Decides about a request; `state` is what is known of the log that it names.
#[must_use]
pub fn decide(state: Option<&LogState<'_>>, request: &AddCheckpoint) -> Answer {
    match judge(state, request) {
        Ok(checkpoint) => Answer::Cosign(Box::new(checkpoint)),
        Err(refusal) => Answer::Refuse(refusal),
    }
}

/// The body of a yes: the line of the cosignature. Only after the checkpoint is kept.
pub fn cosign(
    checkpoint: &SignedCheckpoint,
    key: &SignerKey,
    time: u64,
) -> Result<Signature, NoteError> {
    cosignature::sign(checkpoint.note().text(), key, time)
}

/// The checks in the order of the specification, which is that of the statuses too.
fn judge(
    state: Option<&LogState<'_>>,
    request: &AddCheckpoint,
) -> Result<SignedCheckpoint, Refusal> {
    // 404: the origin is unknown.
    let state = state.filter(|state| state.origin == request.origin());
    let state = state.ok_or(Refusal::UnknownOrigin)?;
    let parsed = Checkpoint::parse(request.note.text());
    // The root of an empty tree has a status of its own, below.
    if let Err(error) = &parsed
        && !matches!(error, CheckpointError::EmptyRoot { .. })
    {
        return Err(Refusal::Malformed(error.clone()));
    }
    // 403: no trusted key signed, or its signature is wrong.
    let verified = request.note.clone().verify(state.keys).map_err(Refusal::Signature)?;
    let new_size = parsed.as_ref().map_or(0, Checkpoint::size);
    // The signature fits, so two roots for one size or a shrunken tree convict, whatever else is wrong.
    let both = state.latest.zip(parsed.as_ref().ok());
    let evidence = both.and_then(|(latest, new)| contradiction(latest, new, request)).map(Box::new);
    // 400: the old size is above the new one.
    if request.old_size > new_size {
        return Err(Refusal::OldAboveNew { old_size: request.old_size, new_size, evidence });
    }
    // 409: the old size is not that of the latest checkpoint.
    let latest_size = state.latest.map_or(0, SignedCheckpoint::size);
    if request.old_size != latest_size {
        return Err(Refusal::Conflict { size: latest_size, evidence });
    }
    // 422: the empty tree has another root.
    let checkpoint = parsed.map_err(Refusal::Unprocessable)?;
    // 422: the proof does not lead from the latest checkpoint to this one.
    let (old_size, old_root) = match state.latest {
        Some(latest) => (latest.size(), *latest.root()),
        None => (0, crate::hash::EMPTY_ROOT),
    };
    let consistent =
        proof::verify_consistency(old_size, &old_root, new_size, checkpoint.root(), &request.proof);
    if let Err(error) = consistent {
        let evidence = evidence.or_else(|| fork(state.latest?, error, request).map(Box::new));
        return Err(Refusal::Inconsistent { error, evidence });
    }
    Ok(SignedCheckpoint::from_verified(checkpoint, &verified))
}

/// What the two notes prove without any proof.
fn contradiction(
    latest: &SignedCheckpoint,
    new: &Checkpoint,
    request: &AddCheckpoint,
) -> Option<Evidence> {
    let (kept, sent) = (latest.note().clone(), request.note.clone());
    if new.size() == latest.size() && new.root() != latest.root() {
        return Some(Evidence::SameSize { first: kept, second: sent });
    }
    let later = new.stated_time()? > latest.checkpoint().stated_time()?;
    (new.size() < latest.size() && later)
        .then_some(Evidence::RolledBack { larger: kept, smaller: sent })
}

/// The log's own proof convicts it if the new root follows from it and the old one does not.
fn fork(latest: &SignedCheckpoint, error: ProofError, request: &AddCheckpoint) -> Option<Evidence> {
    let fits_the_newer = matches!(error, ProofError::OldRoot { .. }) && latest.size() > 0;
    fits_the_newer.then(|| Evidence::Inconsistent {
        older: latest.note().clone(),
        newer: request.note.clone(),
        proof: request.proof.clone(),
    })
}

/// Why a checkpoint is not cosigned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A log that this witness does not watch.
    #[error("the log is not known to this witness")]
    UnknownOrigin,
    /// The text of the note is no checkpoint.
    #[error(transparent)]
    Malformed(CheckpointError),
    /// No trusted key of the log signed, or a signature is wrong.
    #[error(transparent)]
    Signature(NoteError),
    /// The proof starts above the checkpoint.
    #[error("the old size is {old_size}, expected at most the checkpoint's {new_size}")]
    OldAboveNew {
        /// Where the proof starts.
        old_size: u64,
        /// The size of the checkpoint.
        new_size: u64,
        /// What convicts the log, if something does.
        evidence: Option<Box<Evidence>>,
    },
    /// The proof starts from another checkpoint than the latest one.
    #[error("the latest cosigned checkpoint has the size {size}")]
    Conflict {
        /// The size of the latest checkpoint.
        size: u64,
        /// What convicts the log, if something does.
        evidence: Option<Box<Evidence>>,
    },
    /// A root that the empty tree has not.
    #[error(transparent)]
    Unprocessable(CheckpointError),
    /// The proof does not lead from the latest checkpoint to this one.
    #[error("{error}")]
    Inconsistent {
        /// Why not.
        #[source]
        error: ProofError,
        /// What convicts the log, if something does.
        evidence: Option<Box<Evidence>>,
    },
}

impl Refusal {
    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) | Self::OldAboveNew { .. } => 400,
            Self::Signature(_) => 403,
            Self::UnknownOrigin => 404,
            Self::Conflict { .. } => 409,
            Self::Unprocessable(_) | Self::Inconsistent { .. } => 422,
        }
    }

    /// The body of the answer, with the content type [`SIZE_CONTENT_TYPE`] for a conflict and plain text
    /// otherwise.
    #[must_use]
    pub fn body(&self) -> String {
        match self {
            Self::Conflict { size, .. } => format!("{size}\n"),
            Self::UnknownOrigin
            | Self::Malformed(_)
            | Self::Signature(_)
            | Self::OldAboveNew { .. }
            | Self::Unprocessable(_)
            | Self::Inconsistent { .. } => format!("{self}\n"),
        }
    }

    /// What convicts the log, if something does: to be kept and told.
    #[must_use]
    pub fn evidence(&self) -> Option<&Evidence> {
        match self {
            Self::OldAboveNew { evidence, .. }
            | Self::Conflict { evidence, .. }
            | Self::Inconsistent { evidence, .. } => evidence.as_deref(),
            Self::UnknownOrigin
            | Self::Malformed(_)
            | Self::Signature(_)
            | Self::Unprocessable(_) => None,
        }
    }
}

/// Why bytes are no request: status 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// More than [`MAXIMUM_REQUEST`].
    #[error("the request has {found} bytes, expected {MAXIMUM_REQUEST} at most")]
    TooLong {
        /// How many there were.
        found: usize,
    },
    /// Not the lines of a request.
    #[error("expected `old <size>`, hashes, an empty line and a checkpoint")]
    Form,
    /// More than [`MAXIMUM_PROOF`].
    #[error("the request has more than {MAXIMUM_PROOF} hashes")]
    TooManyHashes,
    /// A line that is no hash.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// No note.
    #[error(transparent)]
    Note(#[from] NoteError),
}

#[cfg(test)]
#[path = "witness/tests.rs"]
mod tests;
