//! An object store on the loopback interface, in a temporary folder, that can fail on demand.
//!
//! It is `s3s-fs` behind a gate. The gate lets one request that writes in at a time, since `s3s-fs`
//! looks at a condition first and writes later, where the real services do both at once; and it fails,
//! drops or holds requests as the test says.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt as _;
use countermark_client::credentials::Secret;
use countermark_client::http::{Client, Options, Proxies};
use countermark_service::log::objects::{Keys, ObjectSettings, ObjectTiles};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tempfile::TempDir;

const KEY: &str = "AKIDEXAMPLE";
const SECRET: &str = "not-a-secret-of-anybody";
/// The only bucket.
const BUCKET: &str = "log";

/// What becomes of a request that writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// 503 before anything was done.
    Busy,
    /// It is done, and the answer says 500.
    DoneAndDenied,
    /// 500, nothing done.
    Broken,
    /// 501 to every condition, as stores answer that know none.
    NoConditions,
}

/// A running store.
pub(crate) struct S3 {
    url: String,
    gate: Arc<Gate>,
    runtime: Option<tokio::runtime::Runtime>,
    folder: TempDir,
}

struct Gate {
    service: S3Service,
    turn: tokio::sync::Mutex<()>,
    /// Which writes fail, counted from now on; the last one goes on for ever if `for_ever`.
    faults: Mutex<Vec<(u64, Fault)>>,
    always: Mutex<Option<Fault>>,
    writes: AtomicU64,
    /// What was said about copies of each object that was written.
    kept: Mutex<HashMap<String, String>>,
    is_down: AtomicBool,
}

impl S3 {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let gate = Arc::new(Gate {
            service: builder.build(),
            turn: tokio::sync::Mutex::default(),
            faults: Mutex::default(),
            always: Mutex::default(),
            writes: AtomicU64::new(0),
            kept: Mutex::default(),
            is_down: AtomicBool::new(false),
        });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&gate));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(async move {
            // A head and a body that are sent apart would wait for each other's acknowledgement.
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
            axum::serve(listener, router).await
        });
        Self { url, gate, runtime: Some(runtime), folder }
    }

    pub(crate) fn settings(&self, prefix: &str) -> ObjectSettings {
        let mut settings = ObjectSettings::parse(&format!("s3://{BUCKET}/{prefix}")).unwrap();
        settings.endpoint = Some(self.url.parse().unwrap());
        settings.repetitions = 3;
        settings
    }

    pub(crate) fn keys() -> Keys {
        Keys { id: Secret::new(KEY), secret: Secret::new(SECRET), token: None }
    }

    pub(crate) fn tiles(&self, prefix: &str) -> ObjectTiles {
        ObjectTiles::open(&self.settings(prefix), &Self::keys(), &client()).unwrap()
    }

    /// The write with this number from now on (0 is the next) fails like this.
    pub(crate) fn fail(&self, number: u64, fault: Fault) {
        let next = self.gate.writes.load(Ordering::SeqCst);
        self.faults().push((next + number, fault));
    }

    /// Every write that this fault is about fails from now on, or none any more.
    pub(crate) fn fail_always(&self, fault: Option<Fault>) {
        *self.gate.always.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    /// Whether any request is answered.
    pub(crate) fn set_down(&self, is_down: bool) {
        self.gate.is_down.store(is_down, Ordering::SeqCst);
    }

    /// How many requests that write came so far.
    pub(crate) fn writes(&self) -> u64 {
        self.gate.writes.load(Ordering::SeqCst)
    }

    /// The `Cache-Control` with which an object was written last.
    pub(crate) fn cache_control(&self, path: &str) -> Option<String> {
        self.gate.kept.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }

    /// The folder of the bucket, to damage what is in it.
    pub(crate) fn folder(&self) -> std::path::PathBuf {
        self.folder.path().join(BUCKET)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    fn faults(&self) -> std::sync::MutexGuard<'_, Vec<(u64, Fault)>> {
        self.gate.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

pub(crate) fn client() -> Arc<Client> {
    let options = Options { proxies: Proxies::Off, ..Options::default() };
    Arc::new(Client::new(options, Arc::default()))
}

async fn answer(State(gate): State<Arc<Gate>>, request: Request) -> Response {
    if gate.is_down.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    if !request.uri().path().starts_with(&format!("/{BUCKET}")) {
        // `s3s-fs` would make a folder.
        let text = "<Error><Code>NoSuchBucket</Code><Message>There is none</Message></Error>";
        return (StatusCode::NOT_FOUND, text).into_response();
    }
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return pass(&gate, request).await;
    }
    let number = gate.writes.fetch_add(1, Ordering::SeqCst);
    if let Some(said) = request.headers().get("cache-control").and_then(|it| it.to_str().ok()) {
        let mut kept = gate.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(request.uri().path().to_owned(), said.to_owned());
    }
    let has_condition = request.headers().contains_key("if-match")
        || request.headers().contains_key("if-none-match");
    let always = *gate.always.lock().unwrap_or_else(PoisonError::into_inner);
    let once = {
        let mut faults = gate.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let position = faults.iter().position(|(at, _)| *at == number);
        position.map(|position| faults.swap_remove(position).1)
    };
    let _turn = gate.turn.lock().await;
    match once.or(always) {
        Some(Fault::Busy) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Some(Fault::Broken) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Some(Fault::DoneAndDenied) => {
            pass(&gate, request).await;
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Some(Fault::NoConditions) if has_condition => StatusCode::NOT_IMPLEMENTED.into_response(),
        Some(Fault::NoConditions) | None => pass(&gate, request).await,
    }
}

async fn pass(gate: &Gate, request: Request) -> Response {
    let request = request.map(s3s::Body::http_body_unsync);
    match gate.service.call(request).await {
        Ok(response) => response.map(Body::new),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:?}")).into_response(),
    }
}
