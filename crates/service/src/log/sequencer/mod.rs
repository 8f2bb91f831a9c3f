//! Rows become entries: one process at a time gives pending records their places, renders the public
//! files, signs the checkpoint and publishes it.
//!
//! The order of a turn is the order of [`super::store`]: commit, tiles, signature, cosignatures, publication.
//! Whatever fails, the next turn begins anew from what is committed and published (`recover`). Nothing is
//! held that could not be read again.
//!
//! Two processes may believe that they lead. Only one of them can commit from a head, what both render is
//! the same, and a checkpoint is signed for committed heads only; so no two roots of one size are signed.
//! What a lease spares is work, not safety.

pub mod edge;
mod error;
mod publish;
mod recover;

use std::collections::VecDeque;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use countermark_tlog::checkpoint::SignedCheckpoint;
use countermark_tlog::note::{SignerKey, VerifierKey};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

pub use error::SequencerError;

use self::edge::{Edge, Rendered};
use super::store::{Head, Lease, LogStore, MAXIMUM_ROWS, Pending, Published};
use super::tiles::TileStore;

/// How many batches one turn commits before it publishes, so that those who wait for a checkpoint are not
/// kept waiting by those who submit.
const BATCHES: usize = 4;
/// How many bytes of tiles are held before they are written: rendering a long way anew stays small.
const UNWRITTEN: usize = 8 << 20;

/// Where cosignatures come from.
#[async_trait]
pub trait Cosigners: Debug + Send + Sync {
    /// The same checkpoint with the cosignatures that could be had in the time that the implementation
    /// allows itself. Its tiles are written. Fewer than wanted, or none, is no error: whoever reads the
    /// checkpoint decides how many are enough.
    async fn cosign(&self, checkpoint: SignedCheckpoint) -> SignedCheckpoint;
}

/// Nobody cosigns.
#[derive(Clone, Copy, Debug)]
pub struct Alone;

#[async_trait]
impl Cosigners for Alone {
    async fn cosign(&self, checkpoint: SignedCheckpoint) -> SignedCheckpoint {
        checkpoint
    }
}

/// The time. Production gives the system's clock, tests what they want.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What a sequencer is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name of the log, the first line of its checkpoints.
    pub origin: String,
    /// How many records one transaction gives their places.
    pub batch: usize,
    /// For how long the lead is taken; another process waits as long when this one dies.
    pub lease: SignedDuration,
    /// After how long a checkpoint is made anew though nothing was appended: its time says that the log is
    /// alive.
    pub heartbeat: SignedDuration,
    /// For how long partial tiles stay after their tile is full: a client may still read by an older
    /// checkpoint.
    pub keep_partials: SignedDuration,
    /// The pause between two turns.
    pub interval: std::time::Duration,
}

impl Settings {
    /// The ordinary settings of a log.
    #[must_use]
    pub fn new(origin: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            batch: 16_384,
            lease: SignedDuration::from_secs(10),
            heartbeat: SignedDuration::from_mins(1),
            keep_partials: SignedDuration::from_mins(10),
            interval: std::time::Duration::from_millis(500),
        }
    }
}

/// What a sequencer works with.
#[derive(Clone)]
pub struct Outside {
    /// The records.
    pub store: Arc<dyn LogStore>,
    /// The public files.
    pub tiles: Arc<dyn TileStore>,
    /// Where cosignatures come from.
    pub cosigners: Arc<dyn Cosigners>,
    /// The time.
    pub clock: Clock,
}

/// What a turn came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Somebody else leads.
    Follows,
    /// This process leads.
    Leads {
        /// How many records got their places.
        sequenced: u64,
        /// The checkpoint that was published in this turn.
        published: Option<Published>,
        /// Whether more records wait.
        more: bool,
    },
}

/// Gives records their places, as long as it leads.
pub struct Sequencer {
    outside: Outside,
    keys: Vec<SignerKey>,
    settings: Settings,
    holder: String,
    lease: Option<(Lease, Timestamp)>,
    state: Option<State>,
}

/// What is known between two turns; all of it can be read again.
struct State {
    head: Head,
    edge: Edge,
    /// Full tiles up to the head that are not written yet.
    unwritten: Vec<Rendered>,
    published: Option<Published>,
    /// When a newer checkpoint of the same size was held back last.
    held_back: Option<Timestamp>,
    /// Sizes that were published, with the time, until their partial tiles are pruned.
    history: VecDeque<(Timestamp, u64)>,
}

impl Debug for Sequencer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = formatter.debug_struct("Sequencer");
        debug.field("holder", &self.holder).field("lease", &self.lease).finish_non_exhaustive()
    }
}

impl Sequencer {
    /// A sequencer that signs with these keys (the first is the log's; more during a change of keys).
    /// `holder` is a random name of this process.
    #[must_use]
    pub fn new(outside: Outside, keys: Vec<SignerKey>, settings: Settings, holder: &str) -> Self {
        let holder = holder.to_owned();
        Self { outside, keys, settings, holder, lease: None, state: None }
    }

    /// The public halves of its keys.
    fn verifiers(&self) -> Vec<VerifierKey> {
        self.keys.iter().map(|key| key.verifier().clone()).collect()
    }

    /// One turn: takes or keeps the lead, commits what waits, writes tiles, publishes a checkpoint if there
    /// is something new or the last is old, prunes.
    ///
    /// # Errors
    /// See [`SequencerError`]. The next turn begins anew from what is committed.
    pub async fn turn(&mut self) -> Result<Turn, SequencerError> {
        let done = self.try_turn().await;
        if !matches!(done, Ok(Turn::Leads { .. })) {
            self.state = None;
        }
        match done {
            Err(error) if error.is_overtaken() => {
                self.lease = None;
                Ok(Turn::Follows)
            }
            done => done,
        }
    }

    async fn try_turn(&mut self) -> Result<Turn, SequencerError> {
        if !self.take_lead().await? {
            return Ok(Turn::Follows);
        }
        if self.state.is_none() {
            self.state =
                Some(recover::recover(&self.outside, &self.verifiers(), &self.settings).await?);
        }
        let (mut sequenced, mut more) = (0, true);
        for _ in 0..BATCHES {
            let batch = self.commit_batch().await?;
            sequenced += batch as u64;
            more = batch == self.batch();
            if !more {
                break;
            }
        }
        let published = self.publish_if_due().await?;
        self.prune().await?;
        Ok(Turn::Leads { sequenced, published, more })
    }

    fn batch(&self) -> usize {
        self.settings.batch.clamp(1, MAXIMUM_ROWS)
    }

    /// Whether this process leads. The database is told only when half of the lease is over.
    async fn take_lead(&mut self) -> Result<bool, SequencerError> {
        let now = (self.outside.clock)();
        if let Some((lease, until)) = &self.lease {
            if now + self.settings.lease / 2 < *until {
                return Ok(true);
            }
            if !self.outside.store.keep(lease, now, self.settings.lease).await? {
                self.lease = None;
                return Ok(false);
            }
            self.lease = Some((lease.clone(), now + self.settings.lease));
            return Ok(true);
        }
        let lease = self.outside.store.lead(&self.holder, now, self.settings.lease).await?;
        self.lease = lease.map(|lease| (lease, now + self.settings.lease));
        Ok(self.lease.is_some())
    }

    /// Gives the next pending records their places; how many there were.
    async fn commit_batch(&mut self) -> Result<usize, SequencerError> {
        let limit = self.batch();
        let (Some(state), Some((lease, _))) = (self.state.as_mut(), self.lease.as_ref()) else {
            return Ok(0);
        };
        let pending = self.outside.store.pending(limit).await?;
        if pending.is_empty() {
            return Ok(0);
        }
        let ids: Vec<_> = pending.iter().map(|row| row.id).collect();
        let (edge, tiles) = append(state.edge.clone(), pending).await?;
        let at = whole_seconds((self.outside.clock)());
        let to = Head { size: edge.size(), root: edge.root(), at };
        self.outside.store.commit(lease, &state.head, &ids, &to).await?;
        state.head = to;
        state.edge = edge;
        state.unwritten.extend(tiles);
        if state.unwritten.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() > UNWRITTEN {
            self.outside.tiles.put(std::mem::take(&mut state.unwritten)).await?;
        }
        Ok(ids.len())
    }

    /// Gives the lead back, so that the next process need not wait. Nothing is lost without it.
    ///
    /// # Errors
    /// See [`SequencerError`].
    pub async fn resign(&mut self) -> Result<(), SequencerError> {
        self.state = None;
        if let Some((lease, _)) = self.lease.take() {
            self.outside.store.lose(&lease).await?;
        }
        Ok(())
    }

    /// Turns until `stop` is told (`notify_one`): at once when more waits, else after each interval. An error
    /// is written to the log and tried again, with a growing pause.
    pub async fn run(&mut self, stop: &Notify) {
        let mut failures = 0_u32;
        loop {
            let pause = match self.turn().await {
                Ok(turn) => {
                    failures = 0;
                    let more = matches!(turn, Turn::Leads { more: true, .. });
                    if more { std::time::Duration::ZERO } else { self.settings.interval }
                }
                Err(error) => {
                    tracing::error!(%error, hint = error.hint(), "no checkpoint was made");
                    failures = (failures + 1).min(6);
                    self.settings.interval * (1 << failures)
                }
            };
            tokio::select! {
                biased;
                () = stop.notified() => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
        if let Err(error) = self.resign().await {
            tracing::warn!(%error, "the lead was not given back; it runs out by itself");
        }
    }
}

/// Appends records on a thread of their own: hashing thousands would hold up everybody else on this one.
async fn append(
    mut edge: Edge,
    rows: Vec<Pending>,
) -> Result<(Edge, Vec<Rendered>), SequencerError> {
    let work = move || {
        let mut tiles = Vec::new();
        for row in rows {
            // A record has at most 1,024 bytes.
            let _ = edge.append(row.record.text().as_bytes(), &mut |tile| tiles.push(tile));
        }
        (edge, tiles)
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| SequencerError::Stopped { reason: error.to_string() })
}

/// Heads and checkpoints have whole seconds.
pub(crate) fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(Timestamp::UNIX_EPOCH)
}
