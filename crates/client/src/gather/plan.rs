//! Which files may fulfil a wish, and where they can be had.

use std::path::{Path, PathBuf};

use countermark_packaging::digest::Digest;
use countermark_packaging::filename::{DistributionFilename, WheelFilename};
use countermark_packaging::lock::{Wanted, WantedSource};
use countermark_packaging::simple::File;
use countermark_packaging::version::Version;
use countermark_trust::{Class, Pin};
use futures_util::stream::{self, StreamExt as _};
use url::Url;

use super::select::{Candidate, MAX_TRIES, Offer, best, offer};
use super::{Context, Job, Ready};
use crate::http::RedactedUrl;
use crate::index::{IndexError, IndexPage};
use crate::receive::{DeclaredSize, Location};
use crate::report::{Note, Problem};
use crate::store::Known;

/// Pages asked for at once.
const STATUSES_AT_ONCE: usize = 16;

/// One file that may be the pinned one.
pub(super) struct Attempt {
    pub(super) location: Location,
    pub(super) filename: WheelFilename,
    pub(super) pin: Pin,
    pub(super) claims: Vec<Digest>,
    pub(super) size: DeclaredSize,
}

/// A wish with the files that may fulfil it, best first.
pub(super) struct Task<'a> {
    pub(super) job: Job<'a>,
    pub(super) attempts: Vec<Attempt>,
}

impl Task<'_> {
    pub(super) fn size(&self) -> u64 {
        self.attempts.first().and_then(|attempt| attempt.size.bytes()).unwrap_or(0)
    }
}

pub(super) type Found<T> = Result<T, Box<Problem>>;

/// Finds out where the file of a wish can be had.
pub(super) async fn plan<'a>(context: &Context<'_>, job: Job<'a>) -> Found<Task<'a>> {
    let attempts = match &job.wanted.source {
        _ if !job.wanted.files.is_empty() => from_lock(context, &job).await?,
        WantedSource::Index { pinned, .. } => {
            let Some(version) = pinned else {
                let message = format!("`{}` is not pinned to a version", job.wanted.project);
                let problem = Problem::new("not-pinned", Class::Usage, message);
                return Err(Box::new(problem.at(&job.wanted.place)));
            };
            from_index(context, &job, version).await?
        }
        WantedSource::Url { url, .. } => vec![from_url(&job, url)?],
        WantedSource::Path { path, .. } => {
            let path = context.folder.join(path);
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let filename = wheel_name(&job, name)?;
            vec![attempt(&job, Location::Path(path), filename)]
        }
    };
    Ok(Task { job, attempts })
}

fn attempt(job: &Job<'_>, location: Location, filename: WheelFilename) -> Attempt {
    let size = match &job.wanted.source {
        WantedSource::Url { size, .. } | WantedSource::Path { size, .. } => *size,
        WantedSource::Index { .. } => None,
    };
    let size = DeclaredSize::pinned(size);
    Attempt { location, filename, pin: job.pin.clone(), claims: Vec::new(), size }
}

/// A direct reference: its last segment has to be the name of a wheel.
fn from_url(job: &Job<'_>, text: &str) -> Found<Attempt> {
    let location = location_of_url(job, text)?;
    let name = match &location {
        Location::Url(url) => {
            percent_decoded(url.path_segments().and_then(Iterator::last).unwrap_or_default())
        }
        Location::Path(path) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
    };
    let filename = wheel_name(job, &name)?;
    Ok(attempt(job, location, filename))
}

/// Where a URL of a lock leads; what its last segment is called does not matter.
fn location_of_url(job: &Job<'_>, text: &str) -> Found<Location> {
    let unusable = || {
        let message = format!("`{}` is not a usable URL", RedactedUrl::of_text(text));
        Box::new(Problem::new("bad-url", Class::Usage, message).at(&job.wanted.place))
    };
    let mut url = Url::parse(text).map_err(|_| unusable())?;
    url.set_fragment(None);
    if url.scheme() == "file" {
        return url.to_file_path().map(Location::Path).map_err(|()| unusable());
    }
    Ok(Location::Url(url))
}

/// `%2B` in the path of a URL is `+` in a file name.
pub(super) fn percent_decoded(text: &str) -> String {
    url::form_urlencoded::parse(text.replace('+', "%2B").as_bytes())
        .next()
        .map_or_else(|| text.to_owned(), |(name, _)| name.into_owned())
}

fn wheel_name(job: &Job<'_>, name: &str) -> Found<WheelFilename> {
    WheelFilename::parse(name).map_err(|error| {
        if countermark_packaging::filename::SdistFilename::parse(name).is_ok() {
            return Box::new(source_package(job, &[], &[name.to_owned()]));
        }
        let problem = Problem::new("not-a-wheel", Class::Usage, format!("`{name}`: {error}"));
        Box::new(problem.at(&job.wanted.place))
    })
}

/// A pylock entry: the file that fits best, from its URL or path, or from the index by its name.
async fn from_lock(context: &Context<'_>, job: &Job<'_>) -> Found<Vec<Attempt>> {
    let wanted = job.wanted;
    let wheels = wanted.files.iter().filter_map(|file| match &file.filename {
        DistributionFilename::Wheel(wheel) => Some((wheel.clone(), file)),
        DistributionFilename::Sdist(_) => None,
    });
    let Some((filename, file)) = best(wheels, context.tags) else {
        return Err(Box::new(no_locked_wheel(job)));
    };
    let pin = Pin::new(file.digests.iter().cloned()).map_err(|error| {
        let message = format!("`{}`: {error}", file.filename.as_str());
        Box::new(Problem::new("weak-digest", Class::Usage, message).at(&wanted.place))
    })?;
    let location = match (&file.url, &file.path) {
        (Some(url), _) => Some(location_of_url(job, url)?),
        (None, Some(path)) => Some(Location::Path(beside(&wanted.place.file, path))),
        (None, None) => None,
    };
    let status = status_of(context, job).await;
    let location = match (location, status) {
        (Some(location), Ok(_)) => location,
        (Some(_), Err(problem)) if problem.class != Class::Unavailable => return Err(problem),
        (Some(location), Err(problem)) => {
            let message =
                format!("the status of `{}` is unknown: {}", wanted.project, problem.message);
            context.reporter.note(Note::new("status-unknown", message));
            location
        }
        (None, pages) => find_by_name(job, &pages?, file.filename.as_str())?,
    };
    let size = DeclaredSize::pinned(file.size);
    Ok(vec![Attempt { location, filename, pin, claims: Vec::new(), size }])
}

/// The lock lists no wheel for this interpreter.
fn no_locked_wheel(job: &Job<'_>) -> Problem {
    let names = |wheels: bool| -> Vec<String> {
        let files = job.wanted.files.iter().map(|file| &file.filename);
        files
            .filter(|file| matches!(file, DistributionFilename::Wheel(_)) == wheels)
            .map(|file| file.as_str().to_owned())
            .collect()
    };
    let wheels = names(true);
    if wheels.is_empty() {
        source_package(job, &[], &names(false))
    } else {
        unsupported(job, &wheels)
    }
}

fn find_by_name(job: &Job<'_>, pages: &[IndexPage], filename: &str) -> Found<Location> {
    let mut files = pages.iter().flat_map(|page| &page.page.files);
    let file = files.find(|file| file.filename == filename).ok_or_else(|| {
        let message = format!("no index lists `{filename}`");
        Box::new(Problem::new("not-listed", Class::Unavailable, message).at(&job.wanted.place))
    })?;
    location_of(job, file)
}

fn location_of(job: &Job<'_>, file: &File) -> Found<Location> {
    let unusable = || {
        let message = format!("`{}` is not a usable URL", RedactedUrl::of_text(&file.url));
        Box::new(Problem::new("bad-url", Class::Unavailable, message).at(&job.wanted.place))
    };
    let url = Url::parse(&file.url).map_err(|_| unusable())?;
    if url.scheme() == "file" {
        return url.to_file_path().map(Location::Path).map_err(|()| unusable());
    }
    Ok(Location::Url(url))
}

/// The pages of a project, after its status was looked at.
async fn status_of(context: &Context<'_>, job: &Job<'_>) -> Found<Vec<IndexPage>> {
    let pages = context.index.project_pages(&job.wanted.project).await;
    let pages = pages.map_err(|error| index_problem(job, &error))?;
    for note in pages.iter().flat_map(|page| &page.notes) {
        context.reporter.note(Note::new("index-note", note.clone()));
    }
    Ok(pages)
}

/// What the index thinks of packages that the store has. A project that it refuses is refused; an
/// answer that does not come stops nothing, since the files are here and are the pinned ones.
pub(super) async fn check_status(
    context: &Context<'_>,
    kept: &[Ready],
) -> Result<(), Vec<Problem>> {
    let asked = kept.iter().filter(|r| matches!(r.wanted.source, WantedSource::Index { .. }));
    let mut answers = stream::iter(asked)
        .map(|ready| async move {
            (&ready.wanted, context.index.project_pages(&ready.wanted.project).await)
        })
        .buffered(STATUSES_AT_ONCE);
    let mut problems = Vec::new();
    while let Some((wanted, answer)) = answers.next().await {
        match answer {
            Ok(pages) => {
                for note in pages.iter().flat_map(|page| &page.notes) {
                    context.reporter.note(Note::new("index-note", note.clone()));
                }
            }
            Err(error) if error.class() == Class::Unavailable => {
                let message = format!("the status of `{}` is unknown: {error}", wanted.project);
                context.reporter.note(Note::new("status-unknown", message));
            }
            Err(error) => problems.push(*problem_of_index(wanted, &error)),
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn index_problem(job: &Job<'_>, error: &IndexError) -> Box<Problem> {
    problem_of_index(job.wanted, error)
}

fn problem_of_index(wanted: &Wanted, error: &IndexError) -> Box<Problem> {
    let mut problem = Problem::of(error.code(), error.class(), error);
    problem.hint = error.hint().map(str::to_owned);
    Box::new(problem.at(&wanted.place))
}

/// A requirement by version: the first index that lists a pinned file decides, since the digest
/// does. When none does, the files of all are tried, those first of which nothing contradicts the
/// pin.
async fn from_index(
    context: &Context<'_>,
    job: &Job<'_>,
    version: &Version,
) -> Found<Vec<Attempt>> {
    let pages = status_of(context, job).await?;
    remember_names(context, job, &pages);
    let offers: Vec<Offer<'_>> =
        pages.iter().map(|page| offer(&page.page.files, version, &job.pin, context.tags)).collect();
    let pinned = |file: &File| file.digests.iter().any(|digest| job.pin.mentions(digest));
    let named = offers
        .iter()
        .position(|offer| offer.candidates.first().is_some_and(|candidate| pinned(candidate.file)));
    let asked = match named {
        Some(index) => &offers[index..=index],
        None => &offers[..],
    };
    let mut candidates: Vec<&Candidate<'_>> = Vec::new();
    for offer in asked.iter().filter(|offer| !offer.candidates.is_empty()) {
        note_newcomers(context, job, offer);
        candidates.extend(&offer.candidates);
    }
    if candidates.is_empty() {
        return Err(Box::new(nothing_usable(context, job, version, &offers)));
    }
    let algorithms = job.pin.algorithms();
    candidates.sort_by_key(|candidate| {
        let mut claims = candidate.file.digests.iter();
        claims.any(|claim| algorithms.contains(&claim.algorithm()) && !job.pin.mentions(claim))
    });
    candidates.truncate(if named.is_some() { 1 } else { MAX_TRIES });
    candidates
        .into_iter()
        .map(|candidate| {
            note_yanked(context, candidate.file);
            Ok(Attempt {
                location: location_of(job, candidate.file)?,
                filename: candidate.filename.clone(),
                pin: job.pin.clone(),
                claims: candidate.file.digests.clone(),
                size: DeclaredSize::claimed(candidate.file.size),
            })
        })
        .collect()
}

/// The next run chooses without asking.
fn remember_names(context: &Context<'_>, job: &Job<'_>, pages: &[IndexPage]) {
    let listed = pages.iter().flat_map(|page| &page.page.files);
    let mut known: std::collections::BTreeMap<Digest, Known> =
        job.pin.digests().map(|digest| (digest.clone(), Known::Unlisted)).collect();
    for file in listed {
        for digest in file.digests.iter().filter(|digest| job.pin.mentions(digest)) {
            let sha256 = file.digests.iter().find_map(Digest::as_sha256);
            let filename = file.filename.clone();
            known.insert(digest.clone(), Known::File { filename, sha256 });
        }
    }
    // Without the memory the next run asks again.
    let _ = context.store.names().remember(&job.wanted.project, known);
}

fn note_newcomers(context: &Context<'_>, job: &Job<'_>, offer: &Offer<'_>) {
    for file in &offer.newcomers {
        let uploaded = file.upload_time.as_deref().unwrap_or("at an unknown time");
        let project = &job.wanted.project;
        let message = format!(
            "the index lists `{}` (uploaded {uploaded}), which the lock of `{project}` does not",
            file.filename
        );
        context.reporter.note(Note::new("unpinned-file", message));
    }
}

fn note_yanked(context: &Context<'_>, file: &File) {
    if let Some(reason) = &file.yanked {
        let reason = if reason.is_empty() { "no reason is given" } else { reason };
        let message = format!("`{}` was yanked: {reason}", file.filename);
        context.reporter.note(Note::new("yanked", message));
    }
}

fn nothing_usable(
    context: &Context<'_>,
    job: &Job<'_>,
    version: &Version,
    offers: &[Offer<'_>],
) -> Problem {
    let names = |files: &[&File]| files.iter().map(|f| f.filename.clone()).collect::<Vec<_>>();
    if let Some(offer) = offers.iter().find(|offer| !offer.sources.is_empty()) {
        let usable: Vec<&File> = offer
            .wheels
            .iter()
            .copied()
            .filter(|file| {
                WheelFilename::parse(&file.filename)
                    .is_ok_and(|name| context.tags.rank(&name).is_some())
            })
            .collect();
        return source_package(job, &usable, &names(&offer.sources));
    }
    if let Some(offer) = offers.iter().find(|offer| !offer.foreign.is_empty()) {
        return unsupported(job, &names(&offer.foreign));
    }
    let project = &job.wanted.project;
    let message = if offers.iter().any(|offer| offer.listed) {
        format!("no index lists a wheel of {project} {version} for this interpreter")
    } else {
        format!("no index lists {project} {version}")
    };
    Problem::new("not-listed", Class::Unavailable, message).at(&job.wanted.place)
}

/// A path in a lock counts from the lock's folder.
fn beside(lock: &str, path: &str) -> PathBuf {
    Path::new(lock).parent().unwrap_or(Path::new("")).join(path)
}

fn unsupported(job: &Job<'_>, names: &[String]) -> Problem {
    let message = format!("no pinned wheel of `{}` is for this interpreter", job.wanted.project);
    let mut problem = Problem::new("no-suitable-wheel", Class::Rejected, message);
    problem.details = names.iter().take(6).map(|name| format!("pinned: {name}")).collect();
    problem.at(&job.wanted.place)
}

fn source_package(job: &Job<'_>, wheels: &[&File], sources: &[String]) -> Problem {
    let message = format!("only a source package of `{}` is pinned", job.wanted.project);
    let mut problem = Problem::new("source-package", Class::Rejected, message);
    problem.details = sources.iter().map(|name| format!("pinned: {name}")).collect();
    for file in wheels {
        let digest = file.digests.iter().find(|digest| digest.algorithm().is_strong());
        let digest = digest.map_or_else(|| "no digest given".to_owned(), ToString::to_string);
        problem.details.push(format!("a wheel of the same release: {} {digest}", file.filename));
    }
    let hint = if wheels.is_empty() {
        "building runs the package's code and is not supported yet; look for a release with wheels"
    } else {
        "pin one of the wheels; building runs the package's code and is not supported yet"
    };
    problem.with_hint(hint).at(&job.wanted.place)
}
