//! The proofs beside a lock: `<LOCK>.proofs/<FILE>.tlog-proof`, verified without any network.
//!
//! One file of the lock has one proof: of the record with its digest that an index observer made first, or,
//! where only a distribution saw it, of that one. What a proof says is believed only after it was verified
//! under the policy; its name chooses where to look and nothing else.

use std::io;
use std::path::Path;

use countermark_trust::Class;
use countermark_trust::log::judge::{Judgement, judge};
use countermark_trust::log::lookup::Logged;
use countermark_trust::log::proofs::{self, MAXIMUM_PROOF_FILE, Proved, SUFFIX};
use countermark_trust::log::record::{ObserverKind, check_file};
use countermark_trust::log::refused::Refused;

use super::client::{LogClient, Outcome};
use super::pin::PinToCheck;
use crate::store::read_bounded;

/// Why a proof beside a lock is none.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The file cannot be read.
    #[error("the proof cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It proves nothing.
    #[error(transparent)]
    Refused(#[from] Refused),
}

impl ProofError {
    /// Whether it says no or nothing.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Io(_) => Class::Usage,
            Self::Refused(refused) => refused.class(),
        }
    }

    /// The stable name of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io(_) => "file-unreadable",
            Self::Refused(refused) => refused.code(),
        }
    }
}

/// The name of the proof of a file; none for a name that no record has.
#[must_use]
pub fn proof_name(filename: &str) -> Option<String> {
    check_file(filename).is_ok().then(|| format!("{filename}{SUFFIX}"))
}

impl LogClient<'_> {
    /// Reads and verifies a proof.
    ///
    /// # Errors
    /// [`ProofError`].
    pub fn read_proof(&self, path: &Path) -> Result<Proved, ProofError> {
        let text = read_bounded(path, MAXIMUM_PROOF_FILE as u64)?;
        Ok(proofs::verify(self.policy.log(), text.as_bytes(), self.now)?)
    }

    /// Whether the proof in this folder is of this very file.
    #[must_use]
    pub fn has_proof(&self, folder: &Path, pin: &PinToCheck) -> bool {
        let Some(name) = proof_name(&pin.filename) else { return false };
        self.read_proof(&folder.join(name)).is_ok_and(|proved| {
            let judgement =
                judge(&pin.filename, &pin.digests, std::slice::from_ref(&proved.record));
            matches!(judgement, Judgement::Seen { .. })
        })
    }

    /// Pins that no proof in these folders answers.
    #[must_use]
    pub fn without_proved<P: AsRef<Path>>(
        &self,
        pins: &[PinToCheck],
        folders: &[P],
    ) -> Vec<PinToCheck> {
        let is_proved =
            |pin: &&PinToCheck| folders.iter().any(|folder| self.has_proof(folder.as_ref(), pin));
        pins.iter().filter(|pin| !is_proved(pin)).cloned().collect()
    }
}

impl Outcome {
    /// The proof of a file, out of the answers that were verified.
    #[must_use]
    pub fn proof(&self, pin: &PinToCheck) -> Option<String> {
        self.answers.iter().find_map(|checked| {
            let Judgement::Seen { by, .. } = checked.judge(&pin.filename, &pin.digests) else {
                return None;
            };
            checked.proof_file(by.into_iter().min_by_key(|logged| rank(logged))?)
        })
    }
}

/// Index observers before distributions, the first seen before later ones.
fn rank(logged: &Logged) -> (bool, jiff::Timestamp, u64) {
    let observation = &logged.observation;
    let is_index = observation.observer().kind() == ObserverKind::Index;
    (!is_index, observation.first_seen(), logged.index)
}
