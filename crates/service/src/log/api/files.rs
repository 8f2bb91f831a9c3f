//! The public files: checkpoint, tiles, bundles of entries, and what the log says about itself.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use countermark_trust::log::wire::Description;

use super::Log;
use crate::log::tiles::{Cache, FULL, Kind, TilePath, TileStore};
use crate::server::Problem;

/// `GET checkpoint`
pub(super) async fn checkpoint(
    State(log): State<Log>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let published = log.inner.head.current().ok_or_else(no_checkpoint)?;
    // A checkpoint is named by its size and time: no two of one name are published.
    let tag = format!("\"{}-{}\"", published.size, published.at.as_second());
    let mut response = if is_known(&headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Response::new(Body::from(published.note.clone()))
    };
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static(Cache::Short.header()));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        fields.insert(header::ETAG, tag);
    }
    Ok(response)
}

/// What is answered before the first checkpoint.
pub(super) fn no_checkpoint() -> Problem {
    let detail = "the log has no checkpoint yet";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no-checkpoint", detail).retry_after(1)
}

/// RFC 9110, section 13.1.2.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut tags = values.filter_map(|it| it.to_str().ok()).flat_map(|it| it.split(','));
    tags.any(|it| it.trim() == "*" || it.trim().trim_start_matches("W/") == tag)
}

/// `GET tile/…`
pub(super) async fn tile(State(log): State<Log>, uri: Uri) -> Result<Response, Problem> {
    // The path is read as it was sent: every tile has one spelling.
    let path = uri.path().strip_prefix('/').and_then(TilePath::parse);
    let path = path.ok_or_else(Problem::not_found)?;
    let published = log.inner.head.current().ok_or_else(no_checkpoint)?;
    // Nothing beyond the published tree is served, and so nothing that could still become another.
    if !is_in_tree(path, published.size) {
        return Err(Problem::not_found());
    }
    let bytes = read(log.inner.tiles.as_ref(), path).await.map_err(|error| {
        tracing::error!(%error, "a tile cannot be read");
        Problem::internal()
    })?;
    let bytes = bytes.ok_or_else(|| {
        tracing::error!(%path, "a tile of the published tree is missing");
        Problem::internal()
    })?;
    let mut response = Response::new(Body::from(bytes));
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static(Cache::Immutable.header()));
    Ok(response)
}

fn is_in_tree(path: TilePath, size: u64) -> bool {
    let level = match path.kind {
        Kind::Hashes(level) => level,
        Kind::Entries => 0,
    };
    let hashes = size.checked_shr(u32::from(level) * 8).unwrap_or(0);
    let first = path.index.checked_mul(u64::from(FULL));
    let end = first.and_then(|first| first.checked_add(u64::from(path.width)));
    end.is_some_and(|end| end <= hashes)
}

/// A tile or a bundle; any narrower one than the widest that is there is its beginning.
async fn read(
    tiles: &dyn TileStore,
    path: TilePath,
) -> Result<Option<Vec<u8>>, crate::log::tiles::TileError> {
    if let Some(bytes) = tiles.read(path).await? {
        return Ok(Some(bytes));
    }
    if path.width == FULL {
        return Ok(None);
    }
    let full = tiles.read(path.full()).await?;
    if let Some(bytes) = full {
        return Ok(beginning(bytes, path));
    }
    for child in tiles.list(&path.partials()).await?.into_iter().rev() {
        let crate::log::tiles::Child::Object(name) = child else { continue };
        let wider = TilePath::parse(&format!("{}/{name}", path.partials()));
        let Some(wider) = wider.filter(|it| it.width > path.width) else { continue };
        if let Some(bytes) = tiles.read(wider).await? {
            return Ok(beginning(bytes, path));
        }
    }
    Ok(None)
}

/// The beginning of a wider tile or bundle.
fn beginning(mut bytes: Vec<u8>, path: TilePath) -> Option<Vec<u8>> {
    let end = match path.kind {
        Kind::Hashes(_) => usize::from(path.width) * 32,
        Kind::Entries => {
            let mut end = 0_usize;
            for _ in 0..path.width {
                let length = bytes.get(end..end + 2)?;
                end += 2 + usize::from(u16::from_be_bytes([length[0], length[1]]));
            }
            end
        }
    };
    (end <= bytes.len()).then(|| {
        bytes.truncate(end);
        bytes
    })
}

/// `GET log.json`
pub(super) async fn description(State(log): State<Log>) -> Response {
    let keys = log.keys();
    let description = Description {
        origin: log.inner.origin.clone(),
        keys: keys.log.iter().map(ToString::to_string).collect(),
        witnesses: keys.witnesses.iter().map(|it| it.key.to_string()).collect(),
        observers: keys.observers.iter().map(|it| it.observer.to_string()).collect(),
        size: log.inner.head.current().map_or(0, |it| it.size),
    };
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, Cache::Short.header()),
    ];
    (headers, description.write()).into_response()
}
