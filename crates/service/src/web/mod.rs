//! The pages and the JSON interface of the log and the observatory: read only, without scripts.
//!
//! Trusts nothing that records, pins or addresses say: texts are made harmless, templates escape, and the
//! policy of each page (CSP) allows its one style sheet and nothing else. What may be asked how often, and
//! how long a request may be, is decided in [`crate::server`].

pub mod alert;
mod api;
mod feed;
mod health;
mod interface;
pub mod library;
mod page;
mod pages;
mod picture;
mod pinned;
mod search;
#[cfg(test)]
mod tests;
pub mod view;

use std::fmt::Debug;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use jiff::Timestamp;

use self::library::Library;
use self::page::Frame;
pub use self::pinned::ObservatoryPins;

/// What the pages say of the log itself.
#[derive(Clone, Debug)]
pub struct About {
    /// The origin, which is also the name of the site.
    pub origin: String,
    /// Where clients reach it, if that is configured.
    pub url: Option<String>,
}

/// Who signs at the moment: keys and witnesses change while pages are served.
#[derive(Clone, Debug)]
pub struct Signers {
    /// Verifier keys that count.
    pub keys: Vec<String>,
    /// The names of the witnesses that are asked.
    pub witnesses: Vec<String>,
}

/// Makes proofs of entries, for people to keep, and knows who signs them.
#[async_trait::async_trait]
pub trait Proofs: Debug + Send + Sync {
    /// Who signs at the moment.
    fn signers(&self) -> Signers;

    /// The `.tlog-proof` of an entry; none where the published tree has no such entry.
    ///
    /// # Errors
    /// When records or tiles cannot be read.
    async fn proof(&self, index: u64) -> Result<Option<String>, Unreadable>;
}

/// A proof could not be made now.
#[derive(Debug, thiserror::Error)]
#[error("the proof cannot be made: {0}")]
pub struct Unreadable(pub String);

/// Everything that the pages need.
#[derive(Debug)]
pub struct Web {
    /// What they read.
    pub library: Library,
    /// Who makes proofs.
    pub proofs: Arc<dyn Proofs>,
    /// About the log.
    pub about: About,
    /// The time.
    pub now: fn() -> Timestamp,
}

/// What handlers share.
#[derive(Debug)]
struct Site {
    web: Web,
    frame: Frame,
}

/// The pages, the interface and the feeds.
pub fn routes(web: Web) -> Router {
    let frame = Frame::new(&web.about.origin);
    let site = Arc::new(Site { web, frame });
    Router::new()
        .route("/", get(pages::home))
        .route("/search", get(search::page))
        .route("/project/{name}", get(pages::project))
        .route("/project/{name}/feed.atom", get(pages::project_feed))
        .route("/project/{name}/{version}", get(pages::release))
        .route("/file/{name}", get(pages::file))
        .route("/digest/{digest}", get(pages::digest))
        .route("/alarms", get(pages::alarms))
        .route("/alarms.atom", get(pages::alarms_feed))
        .route("/alarms/{id}", get(pages::alarm))
        .route("/alarms/{id}/evidence.json", get(pages::evidence))
        .route("/log", get(pages::log))
        .route("/proof/{name}", get(pages::proof))
        .route("/api/v1/openapi.json", get(interface::description))
        .route("/api/v1/search", get(interface::search))
        .route("/api/v1/projects/{name}", get(interface::project))
        .route("/api/v1/projects/{name}/{version}", get(interface::release))
        .route("/api/v1/files/{name}", get(interface::file))
        .route("/api/v1/digests/{digest}", get(interface::digest))
        .route("/api/v1/alarms", get(interface::alarms))
        .route("/api/v1/log", get(interface::log))
        .with_state(site)
}
