//! The signed checkpoints, against the keys of the log and the root of the records.
//!
//! There are two places: the database, which decides what is published, and the file beside the tiles, which
//! is what static servers give out.

use countermark_tlog::checkpoint::SignedCheckpoint;

use super::{Difference, FsckError, Pass, Report, Subject};
use crate::log::store::Published;
use crate::log::tiles::rank_of;

/// The note in the database.
const PUBLISHED: &str = "the published checkpoint";
/// The file.
pub(super) const BESIDE: &str = "`checkpoint`";

/// The sizes whose roots will be wanted.
pub(super) async fn sizes(
    subject: &Subject<'_>,
    published: Option<&Published>,
) -> Result<Vec<(u64, Option<countermark_tlog::hash::Hash>)>, FsckError> {
    let beside = subject.tiles.read_checkpoint().await?;
    let notes = [published.map(|it| it.note.as_str()), beside.as_deref()];
    Ok(notes.into_iter().flatten().filter_map(rank_of).map(|rank| (rank.size, None)).collect())
}

/// Compares both with the records; repairs the file.
pub(super) async fn compare(
    subject: &Subject<'_>,
    published: Option<&Published>,
    pass: &Pass<'_>,
    writes: bool,
    report: &mut Report,
) -> Result<(), FsckError> {
    if let Some(published) = published {
        compare_note(subject, PUBLISHED, &published.note, pass, report);
    }
    let beside = subject.tiles.read_checkpoint().await?;
    match (published, &beside) {
        (Some(published), None) => report.add(Difference::NoCheckpoint { size: published.size }),
        (_, Some(note)) => {
            compare_note(subject, BESIDE, note, pass, report);
            // The log may have published a newer one since we asked; an older one is wrong.
            let older = published.filter(|it| rank_of(note) < rank_of(&it.note));
            if let Some(published) = older {
                report.add(Difference::OldCheckpoint { size: published.size });
            }
        }
        (None, None) => {}
    }
    if writes
        && let Some(published) = published
        && let Some(rank) = rank_of(&published.note)
        && beside.as_ref() != Some(&published.note)
    {
        report.repaired += u64::from(subject.tiles.put_checkpoint(rank, &published.note).await?);
    }
    Ok(())
}

fn compare_note(
    subject: &Subject<'_>,
    place: &'static str,
    note: &str,
    pass: &Pass<'_>,
    report: &mut Report,
) {
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
