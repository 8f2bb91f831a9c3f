//! From what is on disk to what a sequencer holds, whatever stopped the last one.
//!
//! The database says what is committed and what was published. The edge at the published size is put
//! together from records and tiles and held against the committed root; if it does not fit, or there is none,
//! everything is rendered anew from the records. Then the way to the head is rendered again.
//!
//! Before anything can be signed, the checkpoint beside the tiles is looked at: whoever put an old copy of the
//! database back must not sign a second history.

use std::collections::VecDeque;

use countermark_tlog::checkpoint::SignedCheckpoint;
use countermark_tlog::hash::Hash;
use countermark_tlog::note::{Note, VerifierKey};
use countermark_tlog::tile::Tile;

use super::edge::{self, Edge, Rendered};
use super::{Outside, SequencerError, Settings, State, UNWRITTEN};
use crate::log::store::{LogStore, Published};
use crate::log::tiles::{FULL, Kind, TilePath, TileStore, rank_of};

/// How many records are read at once.
const CHUNK: u64 = 8192;

/// The state at the head; all tiles up to it are written.
pub(super) async fn recover(
    outside: &Outside,
    keys: &[VerifierKey],
    settings: &Settings,
) -> Result<State, SequencerError> {
    let store = outside.store.as_ref();
    // In this order: what is read later is never smaller.
    let beside = look_beside(outside, keys, settings).await?;
    let published = store.published().await?;
    let head = store.head().await?;
    let mut edge = begin(outside, published.as_ref()).await?;
    let mut milestones = Vec::new();
    if let Some((size, root)) = beside {
        if size > head.size {
            return Err(SequencerError::Behind { published: size, found: head.size });
        }
        match store.head_at(size).await? {
            Some(committed) if committed.root != root => {
                return Err(SequencerError::Diverged {
                    size,
                    expected: root,
                    found: committed.root,
                });
            }
            Some(_) => {}
            None if size > 0 => {
                // A size that was never a head of this database: all records up to it decide.
                edge = Edge::default();
                milestones.push((size, root));
            }
            None => {}
        }
    }
    milestones.push((head.size, head.root));
    // Also where nothing is missing: the last files before a crash may be torn.
    outside.tiles.put(edge.partials()).await?;
    for (size, expected) in milestones {
        render(outside, &mut edge, size).await?;
        if edge.root() != expected {
            return Err(SequencerError::Diverged { size, expected, found: edge.root() });
        }
    }
    outside.tiles.put(edge.partials()).await?;
    if let Some(Published { note, .. }) = &published
        && let Some(rank) = rank_of(note)
    {
        outside.tiles.put_checkpoint(rank, note).await?;
    }
    let history = published.iter().map(|it| (it.at, it.size)).collect::<VecDeque<_>>();
    Ok(State { head, edge, unwritten: Vec::new(), published, held_back: None, history })
}

/// Size and root of the checkpoint beside the tiles, if there is one.
async fn look_beside(
    outside: &Outside,
    keys: &[VerifierKey],
    settings: &Settings,
) -> Result<Option<(u64, Hash)>, SequencerError> {
    let Some(note) = outside.tiles.read_checkpoint().await? else { return Ok(None) };
    if Note::parse(note.as_bytes()).is_err() {
        tracing::warn!("the checkpoint beside the tiles is torn; it is written anew");
        return Ok(None);
    }
    let found = SignedCheckpoint::open(note.as_bytes(), &settings.origin, keys)
        .map_err(SequencerError::OtherCheckpoint)?;
    Ok(Some((found.size(), *found.root())))
}

/// The edge at the published size, or at 0 if it cannot be put together.
async fn begin(outside: &Outside, published: Option<&Published>) -> Result<Edge, SequencerError> {
    let Some(size) = published.map(|it| it.size).filter(|size| *size > 0) else {
        return Ok(Edge::default());
    };
    let committed = outside.store.head_at(size).await?;
    let edge = read_edge(outside.store.as_ref(), outside.tiles.as_ref(), size).await?;
    let fits = |edge: &Edge| committed.is_some_and(|head| head.root == edge.root());
    if let Some(edge) = edge.filter(fits) {
        return Ok(edge);
    }
    tracing::warn!(size, "tiles at the edge are missing or torn; all tiles are written anew");
    Ok(Edge::default())
}

/// The edge at a size, from records and the tiles above them; not yet compared with anything. `None` when a
/// tile is missing or has another length.
pub(crate) async fn read_edge(
    store: &dyn LogStore,
    tiles: &dyn TileStore,
    size: u64,
) -> Result<Option<Edge>, SequencerError> {
    let first = size - size % u64::from(FULL);
    let last = store.entries(first..size).await?;
    let last: Vec<_> = last.iter().map(|record| record.text().into_bytes()).collect();
    let mut upper = vec![Vec::new(); 7];
    for path in edge::partial_paths(size) {
        let Kind::Hashes(level @ 1..) = path.kind else { continue };
        let Some(hashes) = read_hashes(tiles, path, level).await? else { return Ok(None) };
        if let Some(place) = upper.get_mut(usize::from(level) - 1) {
            *place = hashes;
        }
    }
    Ok(Edge::from_parts(size, &upper, &last))
}

async fn read_hashes(
    tiles: &dyn TileStore,
    path: TilePath,
    level: u8,
) -> Result<Option<Vec<Hash>>, SequencerError> {
    let mut bytes = tiles.read(path).await?;
    if bytes.is_none() {
        // Partial tiles may be gone once the full one is there, and that one begins with the same hashes.
        bytes = tiles.read(path.full()).await?;
    }
    let Some(mut bytes) = bytes else { return Ok(None) };
    bytes.truncate(usize::from(path.width) * Hash::LENGTH);
    Ok(Tile::new(level, path.index, path.width).and_then(|tile| tile.read(&bytes).ok()))
}

/// Renders from the edge to a size and writes all full tiles on the way.
async fn render(outside: &Outside, edge: &mut Edge, size: u64) -> Result<(), SequencerError> {
    let mut unwritten: Vec<Rendered> = Vec::new();
    while edge.size() < size {
        let end = edge.size().saturating_add(CHUNK).min(size);
        let records = outside.store.entries(edge.size()..end).await?;
        for record in records {
            // A record has at most 1,024 bytes.
            let _ = edge.append(record.text().as_bytes(), &mut |tile| unwritten.push(tile));
        }
        if unwritten.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() > UNWRITTEN {
            outside.tiles.put(std::mem::take(&mut unwritten)).await?;
        }
    }
    Ok(outside.tiles.put(unwritten).await?)
}
