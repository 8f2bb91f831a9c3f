//! `healthz`: the process answers. `readyz`: so does everything that it needs. `metrics`.
//!
//! Checks are made at most once a second, whoever asks how often, and each has a limit on its time. What
//! is wrong is named by the word of the check; why stands in the log.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use prometheus::Registry;
use tokio::sync::Mutex;

use super::metrics::render;
use super::problem::Problem;

/// How long an answer of all checks holds.
const HOLDS: Duration = Duration::from_secs(1);

/// How long one check may take.
const CHECK_TIME: Duration = Duration::from_secs(3);

/// What a check says: nothing, or why not.
pub type Checking = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// Something that the server needs.
#[derive(Clone)]
pub struct Check {
    name: &'static str,
    run: Arc<dyn Fn() -> Checking + Send + Sync>,
}

impl Check {
    /// A check and its word.
    pub fn new<F, R>(name: &'static str, run: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), String>> + Send + 'static,
    {
        Self { name, run: Arc::new(move || Box::pin(run())) }
    }
}

impl std::fmt::Debug for Check {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Check").field(&self.name).finish()
    }
}

struct Health {
    checks: Vec<Check>,
    last: Mutex<Option<(Instant, Vec<&'static str>)>>,
    registry: Registry,
}

/// The routes.
pub(super) fn routes(checks: Vec<Check>, registry: Registry) -> Router {
    let health = Arc::new(Health { checks, last: Mutex::default(), registry });
    Router::new()
        .route("/healthz", get(|| async { no_store("ok\n") }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(health)
}

fn no_store(text: &'static str) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], text).into_response()
}

async fn ready(State(health): State<Arc<Health>>) -> Response {
    let failing = health.failing().await;
    if failing.is_empty() {
        return no_store("ready\n");
    }
    let detail = format!("not reachable: {}", failing.join(", "));
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", detail).into_response()
}

impl Health {
    async fn failing(&self) -> Vec<&'static str> {
        let mut last = self.last.lock().await;
        if let Some((at, failing)) = &*last
            && at.elapsed() < HOLDS
        {
            return failing.clone();
        }
        let checks = self.checks.iter().map(|check| async {
            match tokio::time::timeout(CHECK_TIME, (check.run)()).await {
                Ok(Ok(())) => None,
                Ok(Err(why)) => Some((check.name, why)),
                Err(_) => Some((check.name, "no answer in time".to_owned())),
            }
        });
        let found = futures_util::future::join_all(checks).await;
        let mut failing = Vec::new();
        for (name, why) in found.into_iter().flatten() {
            tracing::warn!(check = name, why, "not ready");
            failing.push(name);
        }
        *last = Some((Instant::now(), failing.clone()));
        failing
    }
}

async fn metrics(State(health): State<Arc<Health>>) -> Response {
    match render(&health.registry) {
        Ok((text, content_type)) => {
            let headers = [
                (header::CONTENT_TYPE, content_type),
                (header::CACHE_CONTROL, "no-store".to_owned()),
            ];
            (headers, text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be written");
            Problem::internal().into_response()
        }
    }
}
