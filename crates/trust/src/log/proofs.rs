//! Proofs that lie beside a lock: that an observer's record of a file stands in a log, to be verified
//! without any network.
//!
//! The format is [C2SP tlog-proof](https://c2sp.org/tlog-proof), one record a file; the text of the
//! record is the `extra` line, so that the leaf is made again from what is in the file and nothing of it
//! is trusted before it is proved. A proof is old by nature: its age is not limited, and the key of the
//! log has to have counted when the checkpoint was made. What it proves is that the record stood in the
//! log then; that no second digest was seen since, only a look-up or a monitor can say.

use countermark_tlog::hash::leaf_hash;
use countermark_tlog::note::Note;
use countermark_tlog::proof::verify_inclusion;
use countermark_tlog::tlog_proof::TlogProof;
use jiff::Timestamp;

use super::head::{Head, When};
use super::lookup::{Checked, Logged};
use super::policy::LogPolicy;
use super::record::Observation;
use super::refused::Refused;

pub use countermark_tlog::tlog_proof::MAXIMUM_FILE as MAXIMUM_PROOF_FILE;

/// How the names of such files end.
pub const SUFFIX: &str = ".tlog-proof";

/// A record that a file proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proved {
    /// The record, and its number.
    pub record: Logged,
    /// The checkpoint that it rests on.
    pub head: Head,
}

impl Checked {
    /// The file that proves a record of this answer; none for a record of another one.
    #[must_use]
    pub fn proof_file(&self, record: &Logged) -> Option<String> {
        let proof = self.inclusion(record)?;
        let checkpoint = Note::parse(self.head().note().as_bytes()).ok()?;
        let extra = Some(record.observation.text().into_bytes());
        Some(TlogProof { extra, index: record.index, proof, checkpoint }.to_text())
    }
}

/// Verifies such a file under the policy. That the record is about the file and the digest that are
/// wanted is for [`super::judge::judge`].
///
/// # Errors
/// [`Refused`].
pub fn verify(policy: &LogPolicy, bytes: &[u8], now: Timestamp) -> Result<Proved, Refused> {
    let unreadable = |message: String| Refused::BadProofFile { message };
    let file = TlogProof::parse(bytes).map_err(|error| unreadable(error.to_string()))?;
    let Some(extra) = &file.extra else {
        return Err(unreadable("it has no line `extra` with the record".to_owned()));
    };
    let note = file.checkpoint.to_text();
    let head = Head::open_at(policy, note.as_bytes(), now, When::Then)?;
    let origin = || head.origin().to_owned();
    verify_inclusion(leaf_hash(extra), file.index, head.size(), &file.proof, head.root())
        .map_err(|source| Refused::NotIncluded { origin: origin(), source })?;
    let index = file.index;
    let observation = Observation::parse(extra).map_err(|source| Refused::BadRecord {
        origin: origin(),
        index,
        source,
    })?;
    Ok(Proved { record: Logged { index, observation }, head })
}
