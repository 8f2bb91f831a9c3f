//! From a committed head to the log's word, and what is cleared away behind it.

use std::collections::BTreeSet;

use countermark_tlog::checkpoint::Checkpoint;

use super::{Sequencer, SequencerError, State, whole_seconds};
use crate::log::store::{Head, Published};
use crate::log::tiles::{Child, FULL, Kind, Rank, TilePath};
use countermark_tlog::note::{Note, SignerKey};
use jiff::SignedDuration;

/// How many entries the tiles have that one turn prunes at most; the rest waits for the next. Each tile is a
/// question to the object store, and whoever submits waits for the turn.
const PRUNED: u64 = 1 << 14;
/// How many levels of tiles there are.
const LEVELS: u8 = 8;
/// For how long a checkpoint that witnesses cosigned is kept while some of them do not answer and nothing is
/// appended. Clients that ask for cosignatures take one that is that old; a newer one without them they
/// refuse.
const KEPT: SignedDuration = SignedDuration::from_hours(12);

impl Sequencer {
    /// Publishes a checkpoint of the head if it is newer than the one that is published, or that one is
    /// old. `None` when there was no need, or when somebody else published a newer one.
    pub(super) async fn publish_if_due(&mut self) -> Result<Option<Published>, SequencerError> {
        let Some(state) = self.state.as_mut() else { return Ok(None) };
        let now = whole_seconds((self.outside.clock)());
        let is_due = state.published.as_ref().is_none_or(|last| {
            let looked = state.held_back.map_or(last.at, |at| at.max(last.at));
            last.size < state.head.size || looked + self.settings.heartbeat <= now
        });
        if !is_due {
            return Ok(None);
        }
        let mut tiles = std::mem::take(&mut state.unwritten);
        tiles.extend(state.edge.partials());
        self.outside.tiles.put(tiles).await?;
        // A clock that was put back makes no checkpoint look older than the one before.
        let at = state.published.as_ref().map_or(now, |last| last.at.max(now));
        let origin = &self.settings.origin;
        let signed = sign(origin, &state.head, at.as_second(), &self.keys)?;
        let cosigned = self.outside.cosigners.cosign(signed.clone()).await;
        // Whoever collects cosignatures cannot change what is said.
        let said = if cosigned.checkpoint() == signed.checkpoint() { cosigned } else { signed };
        let published = Published { size: state.head.size, at, note: said.note().to_text() };
        if state.published.as_ref().is_some_and(|last| is_better(last, &published)) {
            state.held_back = Some(now);
            return Ok(None);
        }
        if !self.outside.store.publish(&published).await? {
            // Somebody else leads and is further; what we hold is old.
            self.state = None;
            self.lease = None;
            return Ok(None);
        }
        let rank = Rank { size: published.size, time: at.as_second() };
        self.outside.tiles.put_checkpoint(rank, &published.note).await?;
        state.history.push_back((at, published.size));
        state.published = Some(published.clone());
        Ok(Some(published))
    }

    /// Removes partial tiles whose tile has been full for long enough.
    pub(super) async fn prune(&mut self) -> Result<(), SequencerError> {
        let Some(state) = self.state.as_mut() else { return Ok(()) };
        let now = (self.outside.clock)();
        let Some(reached) = reached(state, now - self.settings.keep_partials) else {
            return Ok(());
        };
        let tiles = self.outside.tiles.as_ref();
        let from = self.outside.store.pruned().await?;
        let to = reached.min(from.saturating_add(PRUNED));
        for level in 0..LEVELS {
            let shift = u32::from(level) * 8;
            let places = (from >> shift) / u64::from(FULL)..(to >> shift) / u64::from(FULL);
            for index in places {
                let mut kinds = vec![Kind::Hashes(level)];
                if level == 0 {
                    kinds.push(Kind::Entries);
                }
                for kind in kinds {
                    let full = TilePath { kind, index, width: FULL };
                    let children = tiles.list(&full.partials()).await?;
                    let paths: Vec<_> = children
                        .into_iter()
                        .filter_map(|child| match child {
                            Child::Object(name) => {
                                TilePath::parse(&format!("{}/{name}", full.partials()))
                            }
                            Child::Folder(_) => None,
                        })
                        .collect();
                    if !paths.is_empty() {
                        tiles.remove(&paths).await?;
                    }
                }
            }
        }
        if to > from {
            self.outside.store.set_pruned(to).await?;
        }
        if to < reached {
            // The rest comes next time.
            state.history.push_front((now - self.settings.keep_partials, reached));
        }
        Ok(())
    }
}

/// Whether the last checkpoint says the same, and has all signatures of the newer one and more, by
/// witnesses. A signature of the log's own that is missing is a key whose day is over.
fn is_better(last: &Published, newer: &Published) -> bool {
    let (Ok(had), Ok(has)) =
        (Note::parse(last.note.as_bytes()), Note::parse(newer.note.as_bytes()))
    else {
        return false;
    };
    let origin = had.text().lines().next().unwrap_or_default();
    let (held, found) = (keys(&had), keys(&has));
    let is_kept = last.size == newer.size && newer.at < last.at + KEPT;
    is_kept
        && found.len() < held.len()
        && found.is_subset(&held)
        && held.difference(&found).all(|(name, _)| *name != origin)
}

/// Who signed a note.
fn keys(note: &Note) -> BTreeSet<(&str, u32)> {
    note.signatures().iter().map(|it| (it.name(), it.id())).collect()
}

/// The largest size that was published until then; it is forgotten.
fn reached(state: &mut State, until: jiff::Timestamp) -> Option<u64> {
    let mut reached = None;
    while state.history.front().is_some_and(|(at, _)| *at <= until) {
        reached = reached.max(state.history.pop_front().map(|(_, size)| size));
    }
    reached
}

/// The checkpoint of a committed head.
fn sign(
    origin: &str,
    head: &Head,
    seconds: i64,
    keys: &[SignerKey],
) -> Result<countermark_tlog::checkpoint::SignedCheckpoint, SequencerError> {
    let checkpoint =
        Checkpoint::new(origin, head.size, head.root).map_err(SequencerError::Checkpoint)?;
    let seconds = u64::try_from(seconds).unwrap_or(0);
    let keys: Vec<_> = keys.iter().collect();
    checkpoint.with_time(seconds).sign(&keys).map_err(SequencerError::Sign)
}
