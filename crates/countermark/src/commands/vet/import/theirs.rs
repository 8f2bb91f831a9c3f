//! A ledger as it was fetched, read whole, and which of its signatures count.

use countermark_client::ledger::fetch::{self, FetchError, Fetched, Fetching, Had, Origin};
use countermark_client::ledger::{Folder, commits};
use countermark_client::report::Problem;
use countermark_ledger::format::{Entry, ReviewFile};
use countermark_ledger::import::{Seen, Side};
use countermark_ledger::ledger::{AuthorKey, Import, Ledger};
use countermark_ledger::review::Review;
use countermark_ledger::signature::{self, Certificates, Commits, Keys, Refusal};
use countermark_ledger::statement::StatementId;
use countermark_packaging::digest::Sha256;
use jiff::Timestamp;

use super::super::ground;

/// Files to be stored, by their path below the folder of an import.
type Files = Vec<(String, Vec<u8>)>;

/// A ledger that was fetched.
pub(super) struct Theirs {
    pub(super) origin: Origin,
    pub(super) fetched: Fetched,
    pub(super) ledger: Ledger,
    pub(super) entries: Vec<Entry>,
    reviews: ReviewFile,
}

/// Fetches a ledger and reads it whole. Everything that is wrong with it is told, and then there is none.
pub(super) fn fetch(
    url: &str,
    folder: &Folder,
    had: &Had,
    fetching: &Fetching<'_>,
) -> Result<Theirs, Vec<Problem>> {
    let origin = Origin::parse(url, folder.path()).map_err(FetchError::from);
    let origin = origin.map_err(|error| vec![problem(&error)])?;
    let fetched = fetch::fetch(&origin, had, fetching).map_err(|error| vec![problem(&error)])?;
    let (ledger, reviews) = (&fetched.ledger, &fetched.reviews);
    let read = Ledger::parse(&ledger.shown, &ledger.bytes);
    let whole = ReviewFile::parse(&reviews.shown, reviews.bytes.clone());
    match (read, whole) {
        (Ok(ledger), Ok(whole)) => {
            let entries = whole.iter().collect();
            Ok(Theirs { origin, fetched, ledger, entries, reviews: whole })
        }
        (read, whole) => {
            let mut problems = Vec::new();
            problems.extend(read.err().iter().flat_map(|errors| ground::told(errors)));
            problems.extend(whole.err().iter().flat_map(|errors| ground::told(errors)));
            Err(problems)
        }
    }
}

/// A refusal of the fetcher, with what to do.
pub(super) fn problem(error: &FetchError) -> Problem {
    let problem = Problem::of(error.code(), error.class(), error);
    match error.hint() {
        Some(hint) => problem.with_hint(hint),
        None => problem,
    }
}

impl Theirs {
    /// For comparing with what we have.
    pub(super) fn side(&self) -> Side<'_, StatementId> {
        side(&self.ledger, &self.fetched.ledger.shown, &self.entries)
    }
}

fn side<'a>(ledger: &'a Ledger, file: &'a str, entries: &'a [Entry]) -> Side<'a, StatementId> {
    let seen = |it: &'a Entry| Seen { id: it.id, review: &it.review, place: &it.place };
    Side { ledger, file, reviews: entries.iter().map(seen).collect() }
}

/// A ledger as we have it.
pub(super) struct Ours {
    ledger: Ledger,
    file: String,
    entries: Vec<Entry>,
}

impl Ours {
    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(super) fn side(&self) -> Side<'_, StatementId> {
        side(&self.ledger, &self.file, &self.entries)
    }
}

/// What our folder has of an import.
pub(super) enum Copy {
    /// It was never fetched.
    None,
    /// It has the digests that are recorded.
    Whole(Box<Ours>, Had),
    /// It has not; the digests that it should have.
    Broken(Option<Sha256>, Option<Sha256>),
}

/// Reads our copy of an import. It was read whole before it was stored, so what cannot be read now is
/// broken as well.
pub(super) fn copy(folder: &Folder, import: &Import) -> Copy {
    let (Some(ledger), reviews) = (import.ledger, import.reviews) else { return Copy::None };
    let broken = Copy::Broken(Some(ledger), reviews);
    let path = |name: &str| folder.path().join("imports").join(&import.name).join(name);
    let read = |name: &str, digest: Sha256| -> Option<Vec<u8>> {
        let file = fetch::read_file(&path(name), fetch::MAXIMUM_REVIEWS).ok()?;
        (file.digest == digest).then_some(file.bytes)
    };
    let Some(decided) = read(fetch::LEDGER, ledger) else { return broken };
    let file = folder.shown(&format!("imports/{}/{}", import.name, fetch::LEDGER));
    let Ok(parsed) = Ledger::parse(&file, &decided) else { return broken };
    let mut had = Had { ledger: Some(decided), reviews: None };
    let mut entries = Vec::new();
    if let Some(digest) = reviews {
        let Some(bytes) = read(fetch::REVIEWS, digest) else { return broken };
        let name = folder.shown(&format!("imports/{}/{}", import.name, fetch::REVIEWS));
        let Ok(whole) = ReviewFile::parse(&name, bytes.clone()) else { return broken };
        entries = whole.iter().collect();
        had.reviews = Some(bytes);
    }
    Copy::Whole(Box::new(Ours { ledger: parsed, file, entries }), had)
}

/// Whose signatures count among some reviews.
#[derive(Default)]
pub(super) struct Signed {
    pub(super) counting: usize,
    pub(super) refused: Vec<(Review, Refusal)>,
}

/// Reads the keys that count here.
pub(super) fn keys(
    keys: &[AuthorKey],
    certificates: &Certificates,
    now: Timestamp,
) -> Result<Keys, Vec<Problem>> {
    Keys::new(keys, certificates, now).map_err(|mistakes| {
        let told = |it: &signature::KeyMistake| {
            let problem = Problem::of(it.code(), it.class(), it).at(&it.place);
            match it.hint() {
                Some(hint) => problem.with_hint(hint),
                None => problem,
            }
        };
        mistakes.iter().map(told).collect::<Vec<_>>()
    })
}

/// The signed commits that added reviews, where the ledger came from a repository; they are recorded, so
/// that a check needs no repository.
pub(super) fn commits(theirs: &Theirs, keys: &Keys) -> (Commits, Option<Vec<u8>>) {
    let Some(repository) = &theirs.fetched.repository else { return (Commits::new(), None) };
    let path = match repository.path.as_str() {
        "" => fetch::REVIEWS.to_owned(),
        folder => format!("{folder}/{}", fetch::REVIEWS),
    };
    let (folder, commit) = (&repository.folder, &repository.commit);
    let commits = commits::find_in(folder, commit, &path, &theirs.reviews, keys);
    let recorded = (!commits.is_empty()).then(|| commits.to_text().into_bytes());
    (commits, recorded)
}

/// Verifies reviews with the keys that count here.
pub(super) fn verify<'a>(
    reviews: impl IntoIterator<Item = &'a Review>,
    keys: &Keys,
    commits: &Commits,
) -> Signed {
    let mut signed = Signed::default();
    for review in reviews {
        match signature::verify(review, keys, commits) {
            Ok(_) => signed.counting += 1,
            Err(refusal) => signed.refused.push((review.clone(), refusal)),
        }
    }
    signed
}

/// The certificates of OpenPGP keys that count, as the keys name them here, and what they are to be stored
/// as below the import's folder.
pub(super) fn certificates(
    theirs: &Theirs,
    name: &str,
    keys: &mut [AuthorKey],
    fetching: &Fetching<'_>,
) -> Result<(Certificates, Files), Vec<Problem>> {
    let (mut by_name, mut files) = (Certificates::new(), Vec::new());
    for key in keys.iter_mut() {
        let Some(path) = key.file.take() else { continue };
        let file = fetch::fetch_beside(&theirs.origin, &theirs.fetched, &path, fetching);
        let file = file.map_err(|error| vec![problem(&error).at(&key.place)])?;
        // Its own folders would be ours: one flat name, without what a file system may not like.
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
        let flat: String = path.chars().map(plain).collect();
        let below = format!("keys/{}", flat.trim_start_matches('.'));
        let ours = format!("imports/{name}/{below}");
        by_name.insert(ours.clone(), file.bytes.clone());
        files.push((below, file.bytes));
        key.file = Some(ours);
    }
    Ok((by_name, files))
}
