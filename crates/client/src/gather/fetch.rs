//! What the store lacks: pages, choices, downloads, each step for all packages before the next, so
//! that everything that is wrong is found in one run and the largest files start first.

use std::cmp::Reverse;
use std::sync::atomic::Ordering;

use countermark_packaging::digest::Digest;
use countermark_trust::Class;
use futures_util::stream::{self, StreamExt as _};

use super::plan::{Attempt, Found, Task, plan};
use super::unpackers::{Unpackers, Work};
use super::{Context, Job, Ready, check_identity, stored};
use crate::parallel::in_parallel;
use crate::receive::interrupted;
use crate::report::{Note, Problem, Progress};
use crate::store::{Entry, Known, StoreError};

/// Pages asked for at once.
const PAGES_AT_ONCE: usize = 16;

/// Files downloaded at once.
const DOWNLOADS_AT_ONCE: usize = 8;

/// Fetches all, or gives every problem.
pub(super) async fn fetch_all(
    context: &Context<'_>,
    unpackers: &Unpackers,
    jobs: Vec<Job<'_>>,
) -> Result<Vec<Ready>, Vec<Problem>> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let mut problems = Vec::new();
    let mut tasks = Vec::new();
    context.reporter.progress(Progress::Asking { projects: jobs.len() });
    let mut plans = stream::iter(jobs)
        .map(|job| async {
            let plan = plan(context, job).await;
            context.reporter.progress(Progress::Asked);
            plan
        })
        .buffer_unordered(PAGES_AT_ONCE);
    while let Some(planned) = plans.next().await {
        match planned {
            Ok(task) => tasks.push(task),
            Err(problem) => problems.push(*problem),
        }
        if context.interrupted.load(Ordering::Relaxed) {
            return Err(vec![interrupted()]);
        }
    }
    drop(plans);
    if !problems.is_empty() {
        return Err(sorted(problems));
    }
    let (mut ready, mut tasks, problems) = from_store(context, tasks);
    tasks.sort_by_key(|task| Reverse(task.size()));
    if tasks.is_empty() && problems.is_empty() {
        return Ok(ready);
    }
    match download_all(context, unpackers, tasks).await {
        Ok(downloaded) if problems.is_empty() => {
            ready.extend(downloaded);
            Ok(ready)
        }
        Ok(_) => Err(sorted(problems)),
        Err(more) => Err(sorted(problems.into_iter().chain(more).collect())),
    }
}

/// Now that names are known: what is in the store after all, what is not, and what is wrong.
fn from_store<'a>(
    context: &Context<'_>,
    tasks: Vec<Task<'a>>,
) -> (Vec<Ready>, Vec<Task<'a>>, Vec<Problem>) {
    let (mut ready, mut lacking, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    let found = in_parallel(&tasks, |task| match task.attempts.first() {
        Some(attempt) => stored_as(context, &task.job, attempt),
        None => Ok(None),
    });
    for (task, found) in tasks.into_iter().zip(found) {
        match found {
            Ok(Some(one)) => ready.push(one),
            Ok(None) => lacking.push(task),
            Err(problem) => problems.push(*problem),
        }
    }
    (ready, lacking, problems)
}

/// In the order of the file that they are about.
fn sorted(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by_key(|problem| {
        problem.place.as_ref().map(|place| (place.file.clone(), place.line, place.column))
    });
    problems
}

async fn download_all(
    context: &Context<'_>,
    unpackers: &Unpackers,
    tasks: Vec<Task<'_>>,
) -> Result<Vec<Ready>, Vec<Problem>> {
    let sizes: Option<u64> = tasks
        .iter()
        .map(|task| task.attempts.first().and_then(|attempt| attempt.size.bytes()))
        .sum();
    context.reporter.progress(Progress::Downloading { files: tasks.len(), bytes: sizes });
    let mut ready = Vec::new();
    let mut problems = Vec::new();
    let mut downloads = stream::iter(tasks)
        .map(|task| run(context, unpackers, task))
        .buffer_unordered(DOWNLOADS_AT_ONCE);
    while let Some(done) = downloads.next().await {
        match done {
            Ok(one) => ready.push(one),
            Err(problem) => problems.push(*problem),
        }
        if context.interrupted.load(Ordering::Relaxed) {
            return Err(vec![interrupted()]);
        }
    }
    if problems.is_empty() { Ok(ready) } else { Err(sorted(problems)) }
}

/// Tries the files of a wish until one is the pinned one.
async fn run(context: &Context<'_>, unpackers: &Unpackers, task: Task<'_>) -> Found<Ready> {
    let mut last = None;
    for attempt in task.attempts {
        if let Some(ready) = stored_as(context, &task.job, &attempt)? {
            return Ok(ready);
        }
        match take(context, unpackers, &attempt).await {
            Ok((entry, downloaded)) => {
                check_identity(context, task.job.wanted, &entry)?;
                note_wrong_claims(context, &attempt, &entry);
                remember_artifact(context, &task.job, &entry);
                context
                    .reporter
                    .progress(Progress::Stored { filename: entry.tree.artifact().filename() });
                let wanted = task.job.wanted.clone();
                return Ok(Ready { wanted, pin: attempt.pin, entry, cached: false, downloaded });
            }
            Err(problem) if problem.code == "digest-mismatch" => {
                last.get_or_insert(problem);
            }
            Err(problem) => return Err(Box::new(problem.at(&task.job.wanted.place))),
        }
    }
    let problem = last.unwrap_or_else(|| {
        Box::new(Problem::new("not-listed", Class::Unavailable, "no file to download"))
    });
    Err(Box::new(problem.at(&task.job.wanted.place)))
}

fn stored_as(context: &Context<'_>, job: &Job<'_>, attempt: &Attempt) -> Found<Option<Ready>> {
    let Some(entry) = already_stored(context, job, attempt)? else { return Ok(None) };
    check_identity(context, job.wanted, &entry)?;
    let (wanted, pin) = (job.wanted.clone(), attempt.pin.clone());
    Ok(Some(Ready { wanted, pin, entry, cached: true, downloaded: 0 }))
}

/// With `--refresh`, with a store that was restored, and for pins by another algorithm, the file
/// may be here after all.
fn already_stored(context: &Context<'_>, job: &Job<'_>, attempt: &Attempt) -> Found<Option<Entry>> {
    let claim = attempt.claims.iter().chain(attempt.pin.digests()).find_map(Digest::as_sha256);
    let Some(sha256) =
        claim.filter(|_| attempt.pin.digests().count() == 1 || !attempt.claims.is_empty())
    else {
        return Ok(None);
    };
    if !attempt.pin.mentions(&sha256.into()) {
        return Ok(None);
    }
    match stored::take(context.store, context.reporter, &attempt.pin, sha256) {
        Ok(entry) => Ok(entry),
        // The download decides.
        Err(StoreError::Rejected(_)) => Ok(None),
        Err(error) => Err(Box::new(stored::problem_of(&error, job.wanted))),
    }
}

/// The next run finds the entry also by a digest that the index does not give.
fn remember_artifact(context: &Context<'_>, job: &Job<'_>, entry: &Entry) {
    let artifact = entry.tree.artifact();
    let known = artifact.digests().filter(|digest| job.pin.mentions(digest)).map(|digest| {
        let (filename, sha256) = (artifact.filename().to_owned(), Some(artifact.sha256()));
        (digest.clone(), Known::File { filename, sha256 })
    });
    // Without the memory the next run asks again.
    let _ = context.store.names().remember(&job.wanted.project, known);
}

fn note_wrong_claims(context: &Context<'_>, attempt: &Attempt, entry: &Entry) {
    let artifact = entry.tree.artifact();
    for claim in &attempt.claims {
        let found = artifact.digests().find(|digest| digest.algorithm() == claim.algorithm());
        if let Some(found) = found.filter(|found| *found != claim) {
            let message = format!(
                "the index says {claim} of `{}`, whose bytes have the pinned {found}",
                artifact.filename()
            );
            context.reporter.note(Note::new("wrong-claim", message));
        }
    }
}

async fn take(
    context: &Context<'_>,
    unpackers: &Unpackers,
    attempt: &Attempt,
) -> Found<(Entry, u64)> {
    let filename = attempt.filename.as_str();
    let (download, source) = context
        .receiver()
        .receive(&attempt.location, filename, Some(&attempt.pin), attempt.size)
        .await?;
    let size = download.size();
    let found_at = source.clone();
    let (pin, wheel) = (attempt.pin.clone(), attempt.filename.clone());
    let work = Work { download, pin, filename: wheel, source };
    let Some(entry) = unpackers.admit(work).await else {
        let problem = Problem::new("unpacker-died", Class::Unavailable, "a thread stopped");
        return Err(Box::new(problem));
    };
    let entry = entry.map_err(|error| match &error {
        StoreError::Rejected(rejection) => Box::new(Problem::of_rejection(rejection, &found_at)),
        other => {
            let mut problem = Problem::of(other.code(), other.class(), other);
            problem.hint = other.hint().map(str::to_owned);
            Box::new(problem.with_detail(format!("in `{filename}` from {found_at}")))
        }
    })?;
    Ok((entry, size))
}
