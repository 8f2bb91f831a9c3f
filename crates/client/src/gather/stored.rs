//! What the store has for a wish, decided without asking anybody.

use countermark_packaging::digest::{Algorithm, Sha256};
use countermark_packaging::filename::{DistributionFilename, WheelFilename};
use countermark_packaging::lock::{Wanted, WantedSource};
use countermark_trust::Pin;

use super::select::best;
use super::{Context, Job, Ready, check_identity};
use crate::report::{Note, Problem, Reporter};
use crate::store::{Entry, Known, Lookup, Store, StoreError};

/// The entry for a wish if the store has the very file that would be downloaded.
pub(super) fn look_up(context: &Context<'_>, job: &Job<'_>) -> Result<Option<Ready>, Box<Problem>> {
    let Some((pin, sha256)) = choose(context, job) else { return Ok(None) };
    match take(context.store, context.reporter, &pin, sha256)
        .map_err(|error| problem_of(&error, job.wanted))?
    {
        Some(entry) => {
            check_identity(context, job.wanted, &entry)?;
            let wanted = job.wanted.clone();
            Ok(Some(Ready { wanted, pin, entry, cached: true, downloaded: 0 }))
        }
        None => Ok(None),
    }
}

/// The entry of an artifact, and a note when it was not what it should be.
pub(crate) fn take(
    store: &Store,
    reporter: &dyn Reporter,
    pin: &Pin,
    sha256: Sha256,
) -> Result<Option<Entry>, StoreError> {
    let altered = |why: &str, what: &str| {
        let message = format!("the stored copy of sha256:{} was not usable: {why}", sha256.hex());
        reporter.note(Note::new("store-altered", message).with_hint(what.to_owned()));
    };
    match store.look_up(pin, sha256)? {
        Lookup::Absent => Ok(None),
        Lookup::Ready(entry) => Ok(Some(*entry)),
        Lookup::Evicted(why) => {
            altered(&why, "it was removed from the store and is downloaded again");
            Ok(None)
        }
        Lookup::Rebuilt(entry, why) => {
            altered(&why, "it was unpacked again from its archive, which is the pinned one");
            Ok(Some(*entry))
        }
    }
}

pub(super) fn problem_of(error: &StoreError, wanted: &Wanted) -> Problem {
    let problem = match error {
        StoreError::Rejected(rejection) => Problem::of_rejection(rejection, "what was downloaded"),
        other => Problem::of(other.code(), other.class(), other),
    };
    problem.at(&wanted.place)
}

/// The artifact to install, with the digests that it has to agree with; `None` when that cannot be
/// told from here.
fn choose(context: &Context<'_>, job: &Job<'_>) -> Option<(Pin, Sha256)> {
    let wanted = job.wanted;
    if !wanted.files.is_empty() {
        let named = wanted.files.iter().filter_map(|file| match &file.filename {
            DistributionFilename::Wheel(wheel) => Some((wheel.clone(), &file.digests)),
            DistributionFilename::Sdist(_) => None,
        });
        let (_, digests) = best(named, context.tags)?;
        let pin = Pin::new(digests.iter().cloned()).ok()?;
        let sha256 = key(context, wanted, &pin)?;
        return Some((pin, sha256));
    }
    match &wanted.source {
        // One digest is one file: there is nothing to choose.
        WantedSource::Index { .. } if job.pin.digests().count() == 1 => {
            let sha256 = key(context, wanted, &job.pin)?;
            Some((job.pin.clone(), sha256))
        }
        WantedSource::Index { .. } => {
            let known = context.store.names().of(&wanted.project);
            // A digest that nobody ever named might be that of a better file.
            let every: Option<Vec<_>> = job.pin.digests().map(|digest| known.get(digest)).collect();
            let named: Vec<_> = every?
                .into_iter()
                .filter_map(|known| match known {
                    Known::File { filename, sha256 } => {
                        Some((WheelFilename::parse(filename).ok()?, sha256))
                    }
                    Known::Unlisted => None,
                })
                .collect();
            let (_, sha256) =
                best(named.iter().map(|(name, key)| (name.clone(), *key)), context.tags)?;
            Some((job.pin.clone(), (*sha256)?))
        }
        WantedSource::Url { .. } | WantedSource::Path { .. } => {
            let sha256 = key(context, wanted, &job.pin)?;
            Some((job.pin.clone(), sha256))
        }
    }
}

/// The store's name for a pin: its SHA-256 if it gives exactly one, or what was remembered.
fn key(context: &Context<'_>, wanted: &Wanted, pin: &Pin) -> Option<Sha256> {
    let mut direct = pin.of(Algorithm::Sha256);
    if let (Some(digest), None) = (direct.next(), direct.next()) {
        return digest.as_sha256();
    }
    let known = context.store.names().of(&wanted.project);
    pin.digests().find_map(|digest| match known.get(digest) {
        Some(Known::File { sha256, .. }) => *sha256,
        _ => None,
    })
}
