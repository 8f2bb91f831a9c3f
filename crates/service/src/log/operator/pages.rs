//! What the web pages are told of the log beside which they are served.

use std::sync::Arc;

use async_trait::async_trait;
use countermark_tlog::note::Note;
use countermark_tlog::tlog_proof::TlogProof;

use crate::log::api::Log;
use crate::web::{Proofs, Signers, Unreadable};

/// Proofs of single entries, from the tree that the log answers from.
#[derive(Debug)]
pub(super) struct LogProofs(pub(super) Log);

#[async_trait]
impl Proofs for LogProofs {
    fn signers(&self) -> Signers {
        let keys = self.0.keys();
        Signers {
            keys: keys.log.iter().map(ToString::to_string).collect(),
            witnesses: keys.witnesses.iter().map(|it| it.key.name().to_owned()).collect(),
        }
    }

    async fn proof(&self, index: u64) -> Result<Option<String>, Unreadable> {
        let unreadable = |error: &dyn std::fmt::Display| Unreadable(error.to_string());
        let Some((note, record, proof)) =
            self.0.prove_entry(index).await.map_err(|error| unreadable(&error))?
        else {
            return Ok(None);
        };
        let checkpoint = Note::parse(note.as_bytes()).map_err(|error| unreadable(&error))?;
        let extra = Some(record.into_bytes());
        Ok(Some(TlogProof { extra, index, proof, checkpoint }.to_text()))
    }
}

/// The log that is served.
pub(super) fn proofs(log: &Log) -> Arc<dyn Proofs> {
    Arc::new(LogProofs(log.clone()))
}
