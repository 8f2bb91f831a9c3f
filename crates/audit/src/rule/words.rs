//! Small pieces of sentences that several rules need.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::dossier::ReleaseCase;

/// A day as `2026-01-31`, in UTC.
pub(crate) fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).date().to_string()
}

/// `a, b and 3 more`, at most five names.
pub(crate) fn list<T: AsRef<str>>(items: &[T]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<&str> = items.iter().take(SHOWN).map(AsRef::as_ref).collect();
    match items.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        Some(more) => format!("{} and {more} more", shown.join(", ")),
        None => shown.join(", "),
    }
}

/// The names of the files that the index has of a release.
pub(crate) fn files_of(case: &ReleaseCase<'_>) -> impl Iterator<Item = String> {
    let files = case.index.map(|release| release.files.as_slice()).unwrap_or_default();
    files.iter().map(|file| file.filename.clone())
}
