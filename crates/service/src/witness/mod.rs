//! Cosigns checkpoints that were checked for consistency, and keeps what convicts a log that forked.
//!
//! A cosignature says that this witness saw the tree grow and never shrink or change. So the checkpoint
//! that a cosignature is for is on disk before the cosignature leaves, and looking up what was cosigned
//! last, deciding, and replacing it are one transaction ([`state`]). A witness that loses its state must
//! not go on under the same key: it would sign what contradicts what it signed.
//!
//! Trusted: the keys of the logs in the configuration, and of them only that they name their log.
//! Specification: [tlog-witness](https://c2sp.org/tlog-witness), "add-checkpoint" and "Monitor
//! Retrieval Mechanism". `sign-subtree` is optional and not offered.

pub mod config;
mod evidence;
pub mod folder;
mod routes;
pub mod state;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use countermark_tlog::note::SignerKey;
use jiff::Timestamp;
use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

use self::config::Watched;
use self::state::State;
use crate::log::sequencer::Clock;
use crate::server::{Check, Memory, Parts};

/// A witness, as it answers. Clones are the same witness.
#[derive(Clone)]
pub struct Witness {
    inner: Arc<Inner>,
}

struct Inner {
    key: SignerKey,
    logs: RwLock<Arc<Vec<Watched>>>,
    state: State,
    evidence: PathBuf,
    clock: Clock,
    memory: Memory,
    metrics: Metrics,
}

impl std::fmt::Debug for Witness {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Witness").field("key", &self.inner.key).finish_non_exhaustive()
    }
}

#[derive(Clone, Debug)]
struct Metrics {
    answers: IntCounterVec,
    convicted: IntCounter,
}

impl Metrics {
    fn new(registry: &Registry) -> prometheus::Result<Self> {
        let answers = IntCounterVec::new(
            Opts::new("countermark_witness_answers_total", "Checkpoints that were shown."),
            &["status"],
        )?;
        let convicted = IntCounter::new(
            "countermark_witness_evidence_total",
            "Proofs of misbehaviour of logs that were saved, each once.",
        )?;
        registry.register(Box::new(answers.clone()))?;
        registry.register(Box::new(convicted.clone()))?;
        Ok(Self { answers, convicted })
    }
}

impl Witness {
    /// A witness with this key and state, and the parts of a server with its routes. What convicts a
    /// log is kept in the folder `evidence`.
    ///
    /// # Errors
    /// When the registry of the parts has a witness already.
    pub fn attach(
        parts: Parts,
        key: SignerKey,
        logs: Vec<Watched>,
        state: State,
        evidence: PathBuf,
        clock: Clock,
    ) -> Result<(Self, Parts), prometheus::Error> {
        let witness = Self {
            inner: Arc::new(Inner {
                key,
                logs: RwLock::new(Arc::new(logs)),
                state,
                evidence,
                clock,
                memory: parts.memory.clone(),
                metrics: Metrics::new(&parts.registry)?,
            }),
        };
        let state = witness.inner.state.clone();
        let check = Check::new("state", move || {
            let state = state.clone();
            async move {
                let probed = tokio::task::spawn_blocking(move || state.probe()).await;
                probed.map_err(|it| it.to_string())?.map_err(|it| it.to_string())
            }
        });
        let parts = parts.merge(routes::router(&witness), &["add-checkpoint"]).check(check);
        Ok((witness, parts))
    }

    /// Watches these logs from now on.
    pub fn replace(&self, logs: Vec<Watched>) {
        *self.inner.logs.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(logs);
    }

    fn logs(&self) -> Arc<Vec<Watched>> {
        Arc::clone(&self.inner.logs.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn now(&self) -> Timestamp {
        (self.inner.clock)()
    }
}
