//! `POST append`: records of a registered observer, acknowledged when they are on disk.
//!
//! Who appends is shown by the signature over the whole batch, and each record has to be the signer's
//! own: no observer speaks for another. That the batch names the log keeps it from being played to
//! another one. Playing it to the same one again changes nothing.

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use countermark_tlog::note::{Note, NoteError, VerifierKey};
use countermark_trust::log::record::Observation;
use countermark_trust::log::wire::{Batch, MAXIMUM_BATCH, Receipt, Receipts, Status};

use super::lookup::unanswerable;
use super::{Keys, Log};
use crate::log::store;
use crate::server::{Problem, hold, read_body};

/// The most bytes of a batch with its signatures.
pub const MAXIMUM_SIGNED: usize = MAXIMUM_BATCH + (64 << 10);

/// While a batch is read it takes about this many times its size.
const FACTOR: usize = 3;

pub(super) async fn append(State(log): State<Log>, request: Request) -> Result<Response, Problem> {
    let (body, share) = read_body(request.into_body(), MAXIMUM_SIGNED, &log.inner.memory).await?;
    let more = log.inner.memory.take(body.len() * (FACTOR - 1)).await?;
    let (keys, origin) = (log.keys(), log.inner.origin.clone());
    let reading = tokio::task::spawn_blocking(move || read_batch(&body, &keys, &origin));
    let records = reading.await.map_err(|_| Problem::internal())??;
    let count = records.len();
    let now = (log.inner.clock)();
    let receipts = log.inner.store.submit(records, now).await;
    let receipts = receipts.map_err(|error| unanswerable(&error))?;
    let known = receipts.iter().filter(|it| it.known).count();
    let conflicts = receipts.iter().filter(|it| !it.conflicts.is_empty()).count();
    log.inner.metrics.count_appended(count - known, known, conflicts);
    drop((share, more));
    let receipts = Receipts(receipts.into_iter().map(receipt).collect());
    let bytes = receipts.write();
    let share = log.inner.memory.take(bytes.len()).await?;
    let mut response = Response::new(bytes.into());
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(hold(response, share))
}

/// The records of a batch that a registered observer signed for this log.
///
/// # Errors
/// Why it is not taken.
pub fn read_batch(body: &[u8], keys: &Keys, origin: &str) -> Result<Vec<Observation>, Problem> {
    let refused = |code, detail: String| Err(Problem::new(StatusCode::FORBIDDEN, code, detail));
    let note = Note::parse_within(body, MAXIMUM_SIGNED)
        .map_err(|error| Problem::bad_request("bad-batch", error.to_string()))?;
    let known: Vec<VerifierKey> = keys.observers.iter().map(|it| it.key.clone()).collect();
    let verified = match note.verify(&known) {
        Ok(verified) => verified,
        Err(NoteError::Unsigned) => {
            return refused(
                "unknown-observer",
                "no registered observer signed the batch".to_owned(),
            );
        }
        Err(error) => return refused("bad-signature", error.to_string()),
    };
    let batch = Batch::parse(verified.text())
        .map_err(|error| Problem::bad_request("bad-batch", error.to_string()))?;
    if batch.origin != origin {
        let detail = format!("the batch is for the log `{}`, this one is `{origin}`", batch.origin);
        return refused("other-log", detail);
    }
    let signed = verified.signed();
    let signer = keys.observers.iter().find(|it| signed.first().is_some_and(|by| by.key == it.key));
    let Some(signer) = signer else {
        return refused("unknown-observer", "no registered observer signed the batch".to_owned());
    };
    let foreign = batch.records.iter().position(|it| *it.observer() != signer.observer);
    if let Some(position) = foreign {
        let found = batch.records[position].observer();
        let detail = format!(
            "record {} is by `{found}`, but `{}` signed the batch",
            position + 1,
            signer.observer
        );
        return refused("other-observer", detail);
    }
    Ok(batch.records)
}

fn receipt(mut receipt: store::Receipt) -> Receipt {
    // As many as whoever reads receipts takes.
    receipt.conflicts.truncate(100);
    Receipt {
        status: if receipt.known { Status::Known } else { Status::New },
        index: receipt.index,
        conflicts: receipt.conflicts,
    }
}
