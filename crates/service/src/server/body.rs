//! Bodies, in both directions, within limits.
//!
//! A request's body is read whole or not at all: its announced length is refused before a byte of it is
//! read, and what announces nothing is cut off at the limit. What is large takes its share of one
//! [`Memory`] of the server, before it is read and until the answer is gone, so that many large requests
//! wait for each other instead of filling the machine.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes, HttpBody as _};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures_util::{Stream, StreamExt as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::Problem;

/// Bodies up to this size are not counted.
const SMALL: usize = 64 << 10;

/// Memory is counted in pieces of this size.
const UNIT: usize = 1 << 10;

/// The bytes that large bodies and answers of all requests may take together.
#[derive(Clone, Debug)]
pub struct Memory {
    units: Arc<Semaphore>,
    total: usize,
    patience: Duration,
}

/// A share of [`Memory`]; given back when it is dropped.
#[derive(Debug, Default)]
pub struct Share(Option<OwnedSemaphorePermit>);

impl Memory {
    /// So many bytes; whoever finds them taken waits for `patience`.
    #[must_use]
    pub fn new(bytes: usize, patience: Duration) -> Self {
        let total = (bytes / UNIT).clamp(1, u32::MAX as usize >> 1);
        Self { units: Arc::new(Semaphore::new(total)), total, patience }
    }

    /// Takes a share for a body of so many bytes.
    ///
    /// # Errors
    /// When the others have not given enough back in time.
    pub async fn take(&self, bytes: usize) -> Result<Share, Problem> {
        if bytes <= SMALL {
            return Ok(Share(None));
        }
        // Within u32, as the total is.
        let units = u32::try_from(bytes.div_ceil(UNIT).min(self.total)).unwrap_or(u32::MAX);
        let taking = Arc::clone(&self.units).acquire_many_owned(units);
        match tokio::time::timeout(self.patience, taking).await {
            Ok(Ok(permit)) => Ok(Share(Some(permit))),
            _ => Err(Problem::busy("too many large requests at once")),
        }
    }
}

/// Reads a body of at most `limit` bytes.
///
/// # Errors
/// 413 for a larger one, 400 for one that breaks off, 503 when there is no memory for it.
pub async fn read_body(
    body: Body,
    limit: usize,
    memory: &Memory,
) -> Result<(Bytes, Share), Problem> {
    let announced = body.size_hint();
    if announced.lower() > limit as u64 {
        return Err(Problem::too_large(limit));
    }
    let most = announced.upper().and_then(|upper| usize::try_from(upper).ok()).unwrap_or(limit);
    let share = memory.take(most.min(limit)).await?;
    let broken = |_| Problem::bad_request("broken-body", "the body of the request broke off");
    let mut stream = body.into_data_stream();
    let Some(first) = stream.next().await.transpose().map_err(broken)? else {
        return Ok((Bytes::new(), share));
    };
    if announced.exact() == Some(first.len() as u64) {
        return Ok((first, share));
    }
    let mut whole = Vec::with_capacity(most.min(limit).min(SMALL).max(first.len()));
    whole.extend_from_slice(&first);
    while let Some(piece) = stream.next().await.transpose().map_err(broken)? {
        whole.extend_from_slice(&piece);
        if whole.len() > limit {
            return Err(Problem::too_large(limit));
        }
    }
    if whole.len() > limit {
        return Err(Problem::too_large(limit));
    }
    Ok((whole.into(), share))
}

/// Keeps a share until the answer is gone.
#[must_use]
pub fn hold(mut response: Response, share: Share) -> Response {
    if share.0.is_some() {
        response.extensions_mut().insert(Held(Arc::new(share)));
    }
    response
}

/// A share that goes with an answer; extensions have to be `Clone`.
#[derive(Clone, Debug)]
struct Held(#[expect(dead_code, reason = "held until the answer is gone")] Arc<Share>);

/// An answer whose body drops `guard` when it was handed over, or when nobody wants it any more.
pub(super) fn guarded<G: Send + Unpin + 'static>(
    response: Response,
    is_head: bool,
    guard: G,
) -> Response {
    let (mut parts, body) = response.into_parts();
    let has_body = !parts.status.is_informational()
        && parts.status != axum::http::StatusCode::NO_CONTENT
        && parts.status != axum::http::StatusCode::NOT_MODIFIED;
    if let Some(length) = body.size_hint().exact().filter(|_| has_body && !is_head) {
        parts.headers.entry(header::CONTENT_LENGTH).or_insert(HeaderValue::from(length));
    }
    let held = parts.extensions.remove::<Held>();
    let body = Guarded { inner: body.into_data_stream(), guard: Some((guard, held)) };
    Response::from_parts(parts, Body::from_stream(body))
}

struct Guarded<G> {
    inner: BodyDataStream,
    guard: Option<(G, Option<Held>)>,
}

impl<G: Unpin> Stream for Guarded<G> {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = Pin::new(&mut self.inner).poll_next(context);
        if matches!(next, Poll::Ready(None)) {
            self.guard = None;
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(bytes: usize) -> Memory {
        Memory::new(bytes, Duration::from_millis(20))
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_have_a_limit_whether_they_say_their_length_or_not() {
        let memory = memory(1 << 20);
        let (bytes, _) = read_body(Body::from("12345"), 5, &memory).await.unwrap();
        assert_eq!(bytes, "12345");
        let refused = read_body(Body::from("123456"), 5, &memory).await.unwrap_err();
        assert_eq!(refused, Problem::too_large(5));
        let stream = |pieces: &'static [&'static str]| {
            let pieces = pieces.iter().map(|piece| Ok::<_, std::io::Error>(*piece));
            Body::from_stream(futures_util::stream::iter(pieces))
        };
        let (bytes, _) = read_body(stream(&["12", "345"]), 5, &memory).await.unwrap();
        assert_eq!(bytes, "12345");
        for pieces in [&["12", "3456"][..], &["123456"], &["12345", "6"]] {
            let refused = read_body(stream(pieces), 5, &memory).await.unwrap_err();
            assert_eq!(refused, Problem::too_large(5));
        }
        let (bytes, _) = read_body(Body::empty(), 5, &memory).await.unwrap();
        assert!(bytes.is_empty());
        let broken = futures_util::stream::iter([Ok("1"), Err(std::io::Error::other("gone"))]);
        let refused = read_body(Body::from_stream(broken), 5, &memory).await.unwrap_err();
        assert_eq!(refused.code, "broken-body");
    }

    #[tokio::test(start_paused = true)]
    async fn large_bodies_share_one_memory() {
        let memory = memory(200 << 10);
        let first = memory.take(150 << 10).await.unwrap();
        assert_eq!(memory.take(100 << 10).await.unwrap_err().code, "busy");
        // Small ones are not counted.
        let _small = memory.take(SMALL).await.unwrap();
        drop(first);
        // One that is larger than everything has everything for itself.
        let all = memory.take(1 << 30).await.unwrap();
        assert_eq!(memory.take(100 << 10).await.unwrap_err().code, "busy");
        drop(all);
        memory.take(100 << 10).await.unwrap();
    }

    #[tokio::test]
    async fn a_share_goes_with_the_answer() {
        let memory = memory(100 << 10);
        let share = memory.take(100 << 10).await.unwrap();
        let response = hold(Response::new(Body::from("a")), share);
        let response = guarded(response, false, ());
        assert_eq!(response.headers()["content-length"], "1");
        assert_eq!(memory.units.available_permits(), 0);
        let bytes = axum::body::to_bytes(response.into_body(), 10).await.unwrap();
        assert_eq!(bytes, "a");
        assert_eq!(memory.units.available_permits(), 100);
    }
}
