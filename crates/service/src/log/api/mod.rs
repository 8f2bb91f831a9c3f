//! What a log answers over HTTP: its public files, look-ups, and what observers append.
//!
//! Every answer is about one tree: the one of the checkpoint that was published last ([`head`]). Records
//! that were taken later are not in it yet, and no answer mentions them. Nothing that is answered has to
//! be believed: tiles are compared with a root, records come with a proof. Trusted are the keys of
//! registered observers, and of them only that they speak for themselves.
//!
//! Paths of files: [tlog-tiles](https://c2sp.org/tlog-tiles), "APIs". Look-ups and batches:
//! [`countermark_trust::log::wire`].

pub mod append;
mod files;
pub mod head;
mod lookup;
mod metrics;
pub(super) mod nodes;
#[cfg(test)]
mod tests;

use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use axum::routing::{get, post};
use countermark_tlog::hash::Hash;
use countermark_tlog::note::VerifierKey;

use self::head::Head;
use self::metrics::Metrics;
use self::nodes::NodeCache;
use super::config::LogConfig;
use super::sequencer::Clock;
use super::store::LogStore;
use super::tiles::TileStore;
use crate::server::{Check, Memory, Parts};

/// The first parts of the paths of a log.
const SEGMENTS: [&str; 5] = ["checkpoint", "tile", "lookup", "append", "log.json"];

/// A log, as it answers. Clones are the same log.
#[derive(Clone)]
pub struct Log {
    inner: Arc<Inner>,
}

struct Inner {
    origin: String,
    keys: RwLock<Arc<Keys>>,
    store: Arc<dyn LogStore>,
    tiles: Arc<dyn TileStore>,
    clock: Clock,
    head: Head,
    nodes: NodeCache,
    memory: Memory,
    metrics: Metrics,
}

/// Who signs, cosigns and appends, at the moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// The keys of the log.
    pub log: Vec<VerifierKey>,
    /// What was configured beside them.
    pub observers: Vec<super::config::Registered>,
    /// Who is asked to cosign.
    pub witnesses: Vec<super::config::Cosigner>,
}

impl Keys {
    /// Those of a configuration, with the public halves of the log's own.
    #[must_use]
    pub fn of(config: &LogConfig, log: Vec<VerifierKey>) -> Self {
        let (observers, witnesses) = (config.observers.clone(), config.witnesses.clone());
        Self { log, observers, witnesses }
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Log").field("origin", &self.inner.origin).finish_non_exhaustive()
    }
}

impl Log {
    /// A log that answers from these engines, and the parts of a server with its routes. It knows no
    /// checkpoint before [`Self::refresh`].
    ///
    /// # Errors
    /// When the registry of the parts has a log already.
    pub fn attach(
        parts: Parts,
        origin: &str,
        keys: Keys,
        (store, tiles): (Arc<dyn LogStore>, Arc<dyn TileStore>),
        clock: Clock,
    ) -> Result<(Self, Parts), prometheus::Error> {
        let log = Self {
            inner: Arc::new(Inner {
                origin: origin.to_owned(),
                keys: RwLock::new(Arc::new(keys)),
                clock,
                head: Head::default(),
                nodes: NodeCache::new(Arc::clone(&tiles)),
                store,
                tiles,
                memory: parts.memory.clone(),
                metrics: Metrics::new(&parts.registry)?,
            }),
        };
        let (database, files, checkpoint) = (log.clone(), log.clone(), log.clone());
        let parts = parts
            .merge(log.routes(), &SEGMENTS)
            .check(Check::new("database", move || database.clone().database_answers()))
            .check(Check::new("tiles", move || files.clone().tiles_answer()))
            .check(Check::new("checkpoint", move || checkpoint.clone().has_checkpoint()));
        Ok((log, parts))
    }

    fn routes(&self) -> Router {
        Router::new()
            .route("/checkpoint", get(files::checkpoint))
            .route("/log.json", get(files::description))
            .route("/tile/{*path}", get(files::tile))
            .route("/lookup", post(lookup::lookup))
            .route("/append", post(append::append))
            .with_state(self.clone())
    }

    /// Says who signs, cosigns and appends from now on.
    pub fn set_keys(&self, keys: Keys) {
        *self.inner.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    /// Who signs, cosigns and appends.
    #[must_use]
    pub fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.inner.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks whether there is a newer checkpoint, and answers from it from now on.
    ///
    /// # Errors
    /// When the database cannot be asked; the one before stays.
    pub async fn refresh(&self) -> Result<(), super::store::StoreError> {
        if let Some(published) = self.inner.store.published().await? {
            self.inner.head.advance(published);
        }
        self.inner.metrics.checkpoint(self.inner.head.current().as_deref());
        Ok(())
    }

    /// Counts what there is, for the metrics.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn count(&self) -> Result<(), super::store::StoreError> {
        self.inner.metrics.counts(&self.inner.store.counts().await?);
        Ok(())
    }

    /// The published checkpoint, an entry of its tree, and the path of that entry; `None` when the tree has
    /// no such entry.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub async fn prove_entry(
        &self,
        index: u64,
    ) -> Result<Option<(String, String, Vec<Hash>)>, String> {
        let Some(head) = self.inner.head.current().filter(|head| index < head.size) else {
            return Ok(None);
        };
        let entries = self.inner.store.entries(index..index + 1).await;
        let entries = entries.map_err(|error| error.to_string())?;
        let Some(record) = entries.first() else { return Ok(None) };
        let proof = self.inner.nodes.prove_inclusion(index, head.size).await;
        let proof = proof.map_err(|error| error.to_string())?;
        Ok(Some((head.note.clone(), record.text(), proof)))
    }

    async fn database_answers(self) -> Result<(), String> {
        let head = self.inner.store.head().await;
        head.map(drop).map_err(|error| error.to_string())
    }

    async fn tiles_answer(self) -> Result<(), String> {
        let read = self.inner.tiles.read_checkpoint().await;
        read.map(drop).map_err(|error| error.to_string())
    }

    async fn has_checkpoint(self) -> Result<(), String> {
        match self.inner.head.current() {
            Some(_) => Ok(()),
            None => Err("no checkpoint was published yet".to_owned()),
        }
    }
}
