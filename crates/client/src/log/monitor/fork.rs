//! Proofs out of the tiles of a log, each hash of which is proved against a signed root before it is used.

use std::convert::Infallible;

use countermark_tlog::hash::Hash;
use countermark_tlog::proof::{ProveError, batch, prove_prefix};
use countermark_tlog::reader::{Plan, ReaderError, TileReader};
use countermark_tlog::tile::Tile;
use countermark_trust::log::head::Head;

use crate::log::reach::{Reach, ReachError};

/// A proof, or why the tiles do not give it: they are not those of the signed root.
type Proof = Result<Vec<Hash>, String>;

/// From a size that was seen before to this head: the proof that it only grew, or the one that convicts it.
pub(in crate::log) async fn growth_proof(
    reach: &Reach<'_>,
    head: &Head,
    seen: u64,
) -> Result<Proof, ReachError> {
    let (size, seen) = (head.size(), seen.min(head.size()));
    let plan = |plan: &Plan<'_>| prove_prefix(seen, size, plan);
    prove(reach, head, plan, |reader| prove_prefix(seen, size, reader)).await
}

/// One proof for these entries, whose numbers ascend.
pub(in crate::log) async fn entries_proof(
    reach: &Reach<'_>,
    head: &Head,
    indices: &[u64],
) -> Result<Proof, ReachError> {
    let size = head.size();
    let plan = |plan: &Plan<'_>| batch::prove(indices, size, plan);
    prove(reach, head, plan, |reader| batch::prove(indices, size, reader)).await
}

async fn prove(
    reach: &Reach<'_>,
    head: &Head,
    plan: impl FnOnce(&Plan<'_>) -> Result<Vec<Hash>, ProveError<Infallible>>,
    made: impl FnOnce(&TileReader) -> Result<Vec<Hash>, ProveError<ReaderError>>,
) -> Result<Proof, ReachError> {
    let mut reader = TileReader::of_root(head.size(), *head.root());
    // Which tiles are needed; what the plan itself gives is no proof.
    let tiles = reader.wanted(|it| drop(plan(it)));
    let fetched = fetch(reach, tiles).await?;
    if let Err(error) = reader.prove(&fetched) {
        return Ok(Err(error.to_string()));
    }
    Ok(made(&reader).map_err(|error| error.to_string()))
}

/// The bytes of these tiles; a partial one that is gone is the beginning of the full one.
async fn fetch(reach: &Reach<'_>, tiles: Vec<Tile>) -> Result<Vec<(Tile, Vec<u8>)>, ReachError> {
    let mut fetched = Vec::with_capacity(tiles.len());
    for tile in tiles {
        match reach.tile(&tile.path()).await {
            Ok(bytes) => fetched.push((tile, bytes)),
            Err(error) if error.is_absent() && !tile.is_full() => {
                let full = tile.full();
                fetched.push((full, reach.tile(&full.path()).await?));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(fetched)
}
