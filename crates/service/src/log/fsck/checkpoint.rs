//! The signed checkpoints, against the keys of the log and the root of the records.
//!
//! There are two places: the database, which decides what is published, and the file beside the tiles, which
//! is what static servers give out.

use countermark_tlog::checkpoint::SignedCheckpoint;
use countermark_tlog::hash::Hash;

use super::{Difference, FsckError, Pass, Report, Subject};
use crate::log::store::Published;
use crate::log::tiles::{Rank, TileStore, rank_of};

/// How often a checkpoint that is not there yet is looked for, and the pause between.
const LOOKS: usize = 10;
const PAUSE: std::time::Duration = std::time::Duration::from_millis(30);
/// The note in the database.
const PUBLISHED: &str = "the published checkpoint";
/// The file.
pub(super) const BESIDE: &str = "`checkpoint`";

/// Both notes, as they were when the looking began.
pub(super) struct Notes {
    pub(super) published: Option<Published>,
    beside: Option<String>,
}

impl Notes {
    /// The sizes whose roots will be wanted.
    pub(super) fn sizes(&self) -> Vec<(u64, Option<Hash>)> {
        let notes = [self.published.as_ref().map(|it| it.note.as_str()), self.beside.as_deref()];
        notes.into_iter().flatten().filter_map(rank_of).map(|rank| (rank.size, None)).collect()
    }
}

pub(super) async fn read(subject: &Subject<'_>) -> Result<Notes, FsckError> {
    let published = subject.store.published().await?;
    let beside = subject.tiles.read_checkpoint().await?;
    Ok(Notes { published, beside })
}

/// Compares both with the records; repairs the file.
pub(super) async fn compare(
    notes: &Notes,
    pass: &Pass<'_>,
    report: &mut Report,
) -> Result<(), FsckError> {
    if let Some(note) = &notes.beside {
        compare_note(BESIDE, note, pass, report);
    }
    let Some(published) = &notes.published else { return Ok(()) };
    compare_note(PUBLISHED, &published.note, pass, report);
    let Some(rank) = rank_of(&published.note) else { return Ok(()) };
    let tiles = pass.subject.tiles;
    let now = awaited(tiles, rank).await?;
    match now.as_deref() {
        None => report.add(Difference::NoCheckpoint { size: published.size }),
        Some(now) if rank_of(now) < Some(rank) => {
            report.add(Difference::OldCheckpoint { size: published.size });
        }
        Some(_) => {}
    }
    if pass.writes && now.as_ref() != Some(&published.note) {
        report.repaired += u64::from(tiles.put_checkpoint(rank, &published.note).await?);
    }
    Ok(())
}

/// The file. It is written after the database: what was published when the looking began has to be there
/// soon, and is waited for a moment.
async fn awaited(tiles: &dyn TileStore, rank: Rank) -> Result<Option<String>, FsckError> {
    for _ in 0..LOOKS {
        let now = tiles.read_checkpoint().await?;
        if now.as_deref().and_then(rank_of) >= Some(rank) {
            return Ok(now);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(tiles.read_checkpoint().await?)
}

fn compare_note(place: &'static str, note: &str, pass: &Pass<'_>, report: &mut Report) {
    let subject = &pass.subject;
    let signed = match SignedCheckpoint::open(note.as_bytes(), subject.origin, subject.keys) {
        Ok(signed) => signed,
        Err(error) => {
            return report.add(Difference::Signature { place, reason: error.to_string() });
        }
    };
    let size = signed.size();
    if size > pass.head.size {
        return report.add(Difference::Ahead { place, size, found: pass.head.size });
    }
    let found = pass.marks.iter().find_map(|(mark, root)| root.filter(|_| *mark == size));
    if let Some(found) = found.filter(|root| root != signed.root()) {
        report.add(Difference::Signed { place, size, signed: *signed.root(), found });
    }
}
