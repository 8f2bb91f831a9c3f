//! What happens to every request before and after its route: who asks and how often, whether there is
//! room, panics, headers, the log and the metrics.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use hyper::body::Incoming;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::address;
use super::body::guarded;
use super::connections::{Connection, Doing};
use super::limits::Options;
use super::metrics::Metrics;
use super::problem::{Problem, Told};
use super::rate::RateLimit;

/// Who asks; an extension of every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub std::net::IpAddr);

/// What stands in the log beside a request, and in its answer as `x-request-id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(u64);

impl std::fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}

/// What surrounds the routes.
pub(super) struct Shell {
    router: TowerToHyperService<Router>,
    /// First parts of paths that are ours, for the labels of metrics.
    segments: Vec<&'static str>,
    options: Options,
    pub(super) metrics: Metrics,
    rate: Option<RateLimit>,
    slots: Arc<Semaphore>,
    next_id: AtomicU64,
}

/// Held while a request is worked on, and until its answer is gone.
struct InFlight {
    shell: Arc<Shell>,
    connection: Arc<Connection>,
    _slot: Option<OwnedSemaphorePermit>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.shell.metrics.in_flight.dec();
        self.connection.enter(Doing::Idle, self.shell.options.limits.idle_time);
    }
}

impl Shell {
    pub(super) fn new(
        router: Router,
        segments: Vec<&'static str>,
        options: Options,
        metrics: Metrics,
        first_id: u64,
    ) -> Self {
        Self {
            router: TowerToHyperService::new(router),
            segments,
            rate: options.rate.map(|rate| RateLimit::new(rate, Instant::now())),
            slots: Arc::new(Semaphore::new(options.limits.requests)),
            next_id: AtomicU64::new(first_id),
            options,
            metrics,
        }
    }

    /// Answers one request of a connection.
    pub(super) async fn answer(
        self: Arc<Self>,
        connection: Arc<Connection>,
        request: hyper::Request<Incoming>,
    ) -> Response {
        let limits = &self.options.limits;
        let started = Instant::now();
        // A little longer than the request may take, so that it is told and not cut off.
        connection.enter(Doing::Busy, limits.request_time + limits.turn_time + GRACE);
        self.metrics.in_flight.inc();
        let id = RequestId(self.next_id.fetch_add(1, Ordering::Relaxed));
        let proxies = &self.options.trusted_proxies;
        let client = address::client(connection.peer.ip(), request.headers(), proxies);
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let mut guard = InFlight { shell: Arc::clone(&self), connection, _slot: None };
        let route = self.route(uri.path());
        let admitted = self.admit(&uri, client, route, Instant::now()).await;
        let mut response = match admitted {
            Err(problem) => problem.into_response(),
            Ok(slot) => {
                guard._slot = slot;
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(ClientAddress(client));
                request.extensions_mut().insert(id);
                self.work(request, id).await
            }
        };
        dress(response.headers_mut(), id);
        let (status, code) = (response.status(), response.extensions().get::<Told>().copied());
        let time = started.elapsed();
        self.metrics.count_request(route, &method, status, time);
        write_down(&method, uri.path(), client, id, status, code, time);
        let length = response.body().size_hint().lower();
        let allowed = Duration::from_secs(length / limits.least_rate.max(1));
        guard.connection.enter(Doing::Answering, limits.answer_time.saturating_add(allowed));
        guarded(response, method == Method::HEAD, guard)
    }

    /// Whether this may be worked on now.
    async fn admit(
        &self,
        uri: &axum::http::Uri,
        client: std::net::IpAddr,
        route: &'static str,
        now: Instant,
    ) -> Result<Option<OwnedSemaphorePermit>, Problem> {
        address::check_target(uri, self.options.limits.target_bytes)?;
        // Whoever looks whether we live must not be told that we are busy.
        if route == "healthz" {
            return Ok(None);
        }
        if let Some(rate) = &self.rate
            && let Err(seconds) = rate.take(client, now)
        {
            let detail = "too many requests from this address";
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", detail);
            return Err(problem.retry_after(seconds));
        }
        if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
            return Ok(Some(slot));
        }
        let turn = Arc::clone(&self.slots).acquire_owned();
        match tokio::time::timeout(self.options.limits.turn_time, turn).await {
            Ok(Ok(slot)) => Ok(Some(slot)),
            _ => Err(Problem::busy("too many requests at once")),
        }
    }

    async fn work(&self, request: Request, id: RequestId) -> Response {
        // A panic in a route leaves its own values behind and nothing of the shell's.
        let working = AssertUnwindSafe(self.router.call(request)).catch_unwind();
        match tokio::time::timeout(self.options.limits.request_time, working).await {
            Ok(Ok(Ok(response))) => response,
            Ok(Ok(Err(never))) => match never {},
            Ok(Err(panic)) => {
                self.metrics.panics.inc();
                tracing::error!(%id, message_of_panic = ?message_of(&*panic), "a request panicked");
                Problem::internal().into_response()
            }
            Err(_) => {
                let detail = "the request took too long";
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Problem::new(status, "too-slow", detail).into_response()
            }
        }
    }

    fn route(&self, path: &str) -> &'static str {
        let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        if first.is_empty() {
            return "index";
        }
        self.segments.iter().copied().find(|segment| *segment == first).unwrap_or("other")
    }
}

const GRACE: Duration = Duration::from_secs(5);

/// Headers that every answer has. A page that needs more than nothing brings its own policy.
fn dress(headers: &mut HeaderMap, id: RequestId) {
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        headers.insert("x-request-id", value);
    }
    let mut default = |name, value| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    default(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    default(header::REFERRER_POLICY, "no-referrer");
    default(header::X_FRAME_OPTIONS, "DENY");
    default(
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    // All that is served is public, and nothing is done for whoever has a cookie.
    default(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
}

fn write_down(
    method: &Method,
    path: &str,
    client: std::net::IpAddr,
    id: RequestId,
    status: StatusCode,
    code: Option<Told>,
    time: Duration,
) {
    let path: String = path.chars().take(200).collect();
    let (status, milliseconds) = (status.as_u16(), time.as_secs_f64() * 1000.0);
    let code = code.map_or("", |told| told.0);
    let method = method.as_str();
    match status {
        500.. => {
            tracing::error!(%id, %client, ?method, ?path, status, code, milliseconds, "failed");
        }
        400.. => {
            tracing::info!(%id, %client, ?method, ?path, status, code, milliseconds, "refused");
        }
        _ => tracing::debug!(%id, %client, ?method, ?path, status, milliseconds, "answered"),
    }
}

fn message_of(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a value that is no text")
}
