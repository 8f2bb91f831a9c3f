//! `POST lookup`: everything that the log has about some files, with one proof for all of it.
//!
//! What is not in the answer is not in the tree of its checkpoint, as far as the log's index knows; a
//! client cannot verify that, so a missing record is never a yes for it.

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use countermark_trust::log::wire::{
    Entry, LookupAnswer, LookupRequest, MAXIMUM_ANSWER, MAXIMUM_REQUEST,
};

use super::Log;
use super::files::no_checkpoint;
use crate::log::store;
use crate::log::store::{Published, StoreError};
use crate::server::{Problem, Share, hold, read_body};

/// Requests up to this size are read where they arrive; others on a thread that may take its time.
const QUICK: usize = 16 << 10;

/// The most records of one answer, as clients read them.
const MOST_RECORDS: usize = 200_000;

/// Bytes that one file of a request takes until it is answered, roughly.
const BYTES_PER_NAME: usize = 2 << 10;

pub(super) async fn lookup(State(log): State<Log>, request: Request) -> Result<Response, Problem> {
    let (body, share) = read_body(request.into_body(), MAXIMUM_REQUEST, &log.inner.memory).await?;
    let is_quick = body.len() <= QUICK;
    let request = if is_quick {
        LookupRequest::parse(&body)
    } else {
        let parsing = tokio::task::spawn_blocking(move || LookupRequest::parse(&body));
        parsing.await.map_err(|_| Problem::internal())?
    };
    drop(share);
    let request = request.map_err(|error| Problem::bad_request("bad-lookup", error.to_string()))?;
    log.inner.metrics.count_lookup(request.files.len() + request.releases.len());
    let names = request.files.len() + 100 * request.releases.len();
    let share = log.inner.memory.take(names * BYTES_PER_NAME).await?;
    let mut head = log.inner.head.current();
    // Another front end may have shown a newer checkpoint than the one we know.
    if head.as_ref().is_none_or(|head| head.size < request.seen) {
        log.refresh().await.map_err(|error| unanswerable(&error))?;
        head = log.inner.head.current();
    }
    let head = head.ok_or_else(no_checkpoint)?;
    let answer = answer(&log, &head, request).await?;
    let bytes = if is_quick {
        answer.write()
    } else {
        let writing = tokio::task::spawn_blocking(move || answer.write());
        writing.await.map_err(|_| Problem::internal())?
    };
    if bytes.len() > MAXIMUM_ANSWER {
        return Err(too_much());
    }
    respond(bytes, share)
}

async fn answer(
    log: &Log,
    head: &Published,
    request: LookupRequest,
) -> Result<LookupAnswer, Problem> {
    let failed = |error: super::nodes::NodeError| {
        tracing::error!(%error, "a proof cannot be made");
        Problem::internal()
    };
    let LookupRequest { seen, files, releases } = request;
    let mut found: Vec<store::Entry> = Vec::new();
    if !files.is_empty() {
        let files: Vec<String> = files.into_iter().collect();
        let entries = log.inner.store.find_files(&files, head.size).await;
        found = entries.map_err(|error| unanswerable(&error))?;
    }
    for release in releases {
        let entries =
            log.inner.store.find_release(&release.project, &release.version, head.size).await;
        found.extend(entries.map_err(|error| unanswerable(&error))?);
        // A file of a release may have been named too.
        found.sort_unstable_by_key(|entry| entry.index);
        found.dedup_by_key(|entry| entry.index);
        if found.len() > MOST_RECORDS {
            break;
        }
    }
    if found.len() > MOST_RECORDS {
        return Err(too_much());
    }
    let indices: Vec<u64> = found.iter().map(|entry| entry.index).collect();
    let proof = log.inner.nodes.prove(&indices, head.size).await.map_err(failed)?;
    // Whoever saw a larger tree finds out by itself that this one is smaller.
    let consistency = if seen < head.size {
        log.inner.nodes.prove_prefix(seen, head.size).await.map_err(failed)?
    } else {
        Vec::new()
    };
    let entry = |entry: store::Entry| Entry { index: entry.index, record: entry.record.text() };
    Ok(LookupAnswer {
        checkpoint: head.note.clone(),
        consistency,
        records: found.into_iter().map(entry).collect(),
        proof,
    })
}

fn respond(bytes: Vec<u8>, share: Share) -> Result<Response, Problem> {
    let mut response = Response::new(bytes.into());
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(hold(response, share))
}

fn too_much() -> Problem {
    let detail = "the log has more records about these files than one answer holds; ask for fewer";
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-many-records", detail)
}

/// The database did not answer.
pub(super) fn unanswerable(error: &StoreError) -> Problem {
    match error {
        StoreError::TooMany { .. } => too_much(),
        StoreError::Full => {
            let status = StatusCode::INSUFFICIENT_STORAGE;
            Problem::new(status, "full", "the log has no room; nothing was taken").retry_after(60)
        }
        error => {
            tracing::error!(%error, hint = error.hint(), "the database does not answer");
            let detail = "the records cannot be reached at the moment";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).retry_after(5)
        }
    }
}
