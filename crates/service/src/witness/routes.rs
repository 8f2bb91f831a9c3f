//! `POST add-checkpoint`, and what monitors ask for.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use countermark_tlog::checkpoint::{CheckpointError, SignedCheckpoint};
use countermark_tlog::note::{Note, NoteError};
use countermark_tlog::witness::{
    self, AddCheckpoint, Answer, Evidence, LogState, MAXIMUM_REQUEST, SIZE_CONTENT_TYPE,
};

use super::config::Watched;
use super::state::{Decided, Latest, StateError};
use super::{Witness, evidence};
use crate::server::{Problem, read_body};

/// Bodies are limited far below what a note may have: a checkpoint with some signatures is small.
const MAXIMUM_BODY: usize = if MAXIMUM_REQUEST < 64 << 10 { MAXIMUM_REQUEST } else { 64 << 10 };

pub(super) fn router(witness: &Witness) -> Router {
    Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/{hash}/checkpoint", get(checkpoint))
        .with_state(witness.clone())
}

/// What a request comes to.
struct Outcome {
    status: StatusCode,
    content_type: &'static str,
    body: String,
    evidence: Option<Box<Evidence>>,
}

impl Outcome {
    fn new(status: u16, body: String) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let content_type = "text/plain; charset=utf-8";
        Self { status, content_type, body, evidence: None }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    State(#[from] StateError),
    #[error("what was cosigned last is not signed by a key of the log that is configured: {0}")]
    Latest(CheckpointError),
    #[error("the checkpoint cannot be cosigned: {0}")]
    Sign(NoteError),
}

async fn add_checkpoint(
    State(witness): State<Witness>,
    request: Request,
) -> Result<Response, Problem> {
    let (body, share) = read_body(request.into_body(), MAXIMUM_BODY, &witness.inner.memory).await?;
    let deciding = witness.clone();
    let done = tokio::task::spawn_blocking(move || deciding.decide(&body)).await;
    drop(share);
    let outcome = match done {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => {
            tracing::error!(%error, "nothing was cosigned");
            let detail = "the witness cannot decide at the moment";
            let status = StatusCode::SERVICE_UNAVAILABLE;
            return Err(Problem::new(status, "unavailable", detail).retry_after(5));
        }
        Err(_) => return Err(Problem::internal()),
    };
    witness.inner.metrics.answers.with_label_values(&[outcome.status.as_str()]).inc();
    let mut response = (outcome.status, outcome.body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(outcome.content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

impl Witness {
    /// Decides about a request, keeps what has to be kept, and says what to answer.
    fn decide(&self, body: &Bytes) -> Result<Outcome, Failure> {
        let request = match AddCheckpoint::parse(body) {
            Ok(request) => request,
            Err(error) => return Ok(Outcome::new(400, format!("{error}\n"))),
        };
        let logs = self.logs();
        let Some(log) = logs.iter().find(|log| log.origin == request.origin()) else {
            // The answer of the specification, for a log of which nothing is known.
            let Answer::Refuse(refusal) = witness::decide(None, &request) else {
                return Ok(Outcome::new(404, String::new()));
            };
            return Ok(Outcome::new(refusal.status(), refusal.body()));
        };
        let decided = self.inner.state.decide(&log.origin, |latest| {
            match self.judge(log, latest, &request) {
                Ok(decided) => decided,
                Err(failure) => Decided::Leave(Err(failure)),
            }
        });
        let mut outcome = decided??;
        if let Some(evidence) = outcome.evidence.take() {
            self.convict(log, &evidence);
        }
        Ok(outcome)
    }

    fn judge(
        &self,
        log: &Watched,
        latest: Option<Latest>,
        request: &AddCheckpoint,
    ) -> Result<Decided<Result<Outcome, Failure>>, Failure> {
        let latest = latest
            .map(|it| SignedCheckpoint::open(it.note.as_bytes(), &log.origin, &log.keys))
            .transpose()
            .map_err(Failure::Latest)?;
        let state = LogState { origin: &log.origin, keys: &log.keys, latest: latest.as_ref() };
        let checkpoint = match witness::decide(Some(&state), request) {
            Answer::Cosign(checkpoint) => checkpoint,
            Answer::Refuse(refusal) => {
                let mut outcome = Outcome::new(refusal.status(), refusal.body());
                if refusal.status() == 409 {
                    outcome.content_type = SIZE_CONTENT_TYPE;
                }
                outcome.evidence = refusal.evidence().cloned().map(Box::new);
                return Ok(Decided::Leave(Ok(outcome)));
            }
        };
        // The time of a cosignature is never zero.
        let time = u64::try_from(self.now().as_second()).unwrap_or(1).max(1);
        let signature =
            witness::cosign(&checkpoint, &self.inner.key, time).map_err(Failure::Sign)?;
        let line = signature.to_line();
        let mut note = own(&checkpoint, log);
        note.add(signature).map_err(Failure::Sign)?;
        let outcome = Outcome::new(200, line);
        Ok(Decided::Keep { size: checkpoint.size(), note: note.to_text(), then: Ok(outcome) })
    }

    /// Saves what convicts a log, and tells it once.
    fn convict(&self, log: &Watched, evidence: &Evidence) {
        let now = self.now();
        match evidence::keep(&self.inner.evidence, &log.origin, &log.keys, evidence, now) {
            Ok(Some(file)) => {
                self.inner.metrics.convicted.inc();
                let folder = self.inner.evidence.display();
                tracing::error!(
                    log = log.origin,
                    file = %folder.to_string() + "/" + &file,
                    "ALARM: the log contradicts itself; the proof was saved"
                );
            }
            Ok(None) => {}
            Err(error) => {
                tracing::error!(
                    log = log.origin, %error, ?evidence,
                    "ALARM: the log contradicts itself, and the proof cannot be saved"
                );
            }
        }
    }
}

/// The note with the signatures of the log's own keys: what others put beside them is not kept, so
/// that nobody makes the witness serve what it did not look at.
fn own(checkpoint: &SignedCheckpoint, log: &Watched) -> Note {
    let note = checkpoint.note();
    let mut text = format!("{}\n", note.text());
    for signature in note.signatures() {
        let is_own = |key: &&countermark_tlog::note::VerifierKey| {
            key.id() == signature.id() && key.name() == signature.name()
        };
        if log.keys.iter().any(|key| is_own(&key)) {
            text.push_str(&signature.to_line());
        }
    }
    // At least one of them signed, or it would not have been cosigned.
    Note::parse(text.as_bytes()).unwrap_or_else(|_| note.clone())
}

/// `GET <origin hash>/checkpoint`
async fn checkpoint(
    State(witness): State<Witness>,
    Path(hash): Path<String>,
) -> Result<Response, Problem> {
    let is_hash = hash.len() == 64
        && hash.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if !is_hash {
        return Err(Problem::not_found());
    }
    let state = Arc::clone(&witness.inner);
    let read = tokio::task::spawn_blocking(move || state.state.latest_by_hash(&hash)).await;
    match read {
        Ok(Ok(Some(latest))) => {
            let headers = [
                (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
                (header::CACHE_CONTROL, "public, max-age=5, must-revalidate"),
            ];
            Ok((headers, latest.note).into_response())
        }
        Ok(Ok(None)) => Err(Problem::not_found()),
        Ok(Err(error)) => {
            tracing::error!(%error, "the state cannot be read");
            Err(Problem::internal())
        }
        Err(_) => Err(Problem::internal()),
    }
}
