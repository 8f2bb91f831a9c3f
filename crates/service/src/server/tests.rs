//! The server over raw TCP: what clients do that no client library would.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Extension, Request};
use axum::routing::{get, post};
use tokio::sync::{Notify, oneshot};

use super::*;

/// No test waits longer for anything.
const PATIENCE: Duration = Duration::from_secs(20);

struct Running {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Stopped>>,
    gate: Arc<Notify>,
    entered: Arc<AtomicBool>,
}

impl Running {
    fn start(options: Options) -> Self {
        let gate = Arc::new(Notify::new());
        let entered = Arc::new(AtomicBool::new(false));
        let parts = parts(&options, Arc::clone(&gate), Arc::clone(&entered));
        let (stop, stopping) = oneshot::channel();
        let (sender, receiver) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                sender.send(listener.local_addr().unwrap()).unwrap();
                let stop = async {
                    let _ = stopping.await;
                };
                serve(listener, parts, options, stop).await.unwrap()
            })
        });
        let address = receiver.recv().unwrap();
        Self { address, stop: Some(stop), thread: Some(thread), gate, entered }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends bytes and reads until the server closes the connection.
    fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        // The server may answer and close before everything was sent.
        let _ = stream.write_all(bytes);
        read_all(stream)
    }

    fn request(&self, method: &str, target: &str) -> String {
        self.raw(
            format!("{method} {target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
                .as_bytes(),
        )
    }

    fn metric(&self, line: &str) -> Option<u64> {
        let text = self.request("GET", "/metrics");
        text.lines().find_map(|it| it.strip_prefix(line)?.trim().parse().ok())
    }

    fn stop(mut self) -> Stopped {
        self.begin_to_stop();
        self.thread.take().unwrap().join().unwrap()
    }

    fn begin_to_stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }
}

fn read_all(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset after the answer is a close too; what came before it is kept.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> u16 {
    answer.strip_prefix("HTTP/1.1 ").and_then(|it| it.get(..3)?.parse().ok()).unwrap_or(0)
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        std::thread::yield_now();
    }
}

fn parts(options: &Options, gate: Arc<Notify>, entered: Arc<AtomicBool>) -> Parts {
    let parts = Parts::new(&options.limits);
    let memory = parts.memory.clone();
    let echo = move |request: Request| async move {
        let (bytes, share) = read_body(request.into_body(), 1000, &memory).await?;
        let text = String::from_utf8(bytes.to_vec())
            .map_err(|_| Problem::bad_request("encoding", "not UTF-8"))?;
        Ok::<_, Problem>(hold(axum::response::IntoResponse::into_response(text), share))
    };
    let waits = move || async move {
        entered.store(true, Ordering::SeqCst);
        gate.notified().await;
        "done"
    };
    let who = |Extension(ClientAddress(address)): Extension<ClientAddress>| async move {
        address.to_string()
    };
    let router = Router::new()
        .route("/echo", post(echo))
        .route("/waits", get(waits))
        .route("/who", get(who))
        .route("/large", get(|| async { Body::from(vec![b'a'; 32 << 20]) }))
        .route("/panics", get(|| async { panic_with("a bug that tests made") }));
    parts.merge(router, &["echo", "waits", "who", "large", "panics"])
}

fn panic_with(message: &str) -> &'static str {
    panic!("{message}")
}

fn options(change: impl FnOnce(&mut Options)) -> Options {
    let mut options = Options::default();
    change(&mut options);
    options
}

#[test]
fn answers_have_headers_and_problems_are_documents() {
    let server = Running::start(Options::default());
    let answer = server.request("GET", "/healthz");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nok\n"), "{answer}");
    for header in [
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "x-frame-options: DENY",
        "content-security-policy: default-src 'none'",
        "x-request-id: ",
        "content-length: 3",
    ] {
        assert!(answer.contains(header), "{header} in {answer}");
    }
    let head = server.request("HEAD", "/healthz");
    assert!(head.contains("content-length: 3\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    let answer = server.request("GET", "/nowhere");
    assert!(answer.contains("content-type: application/problem+json\r\n"), "{answer}");
    let document: serde_json::Value =
        serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let expect = serde_json::json!({
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "code": "not-found",
        "detail": "there is nothing at this address",
    });
    assert_eq!(document, expect);
    let answer = server.request("DELETE", "/who");
    assert_eq!(status(&answer), 405);
    assert!(answer.contains("\"code\":\"method-not-allowed\""), "{answer}");
    assert!(answer.to_ascii_lowercase().contains("\r\nallow: get,head\r\n"), "{answer}");
    assert!(server.request("GET", "/readyz").ends_with("ready\n"));
    assert_eq!(server.stop(), Stopped { cut_off: 0 });
}

#[test]
fn heads_that_are_none_are_refused() {
    let server = Running::start(Options::default());
    for target in ["/../etc", "/a/../b", "//a", "/%2e%2e/a", "/a%2fb", "/a%00", "/a%ff", "/a%"] {
        let answer = server.request("GET", target);
        assert_eq!(status(&answer), 400, "{target}: {answer}");
        assert!(answer.contains("\"code\":\"bad-path\""), "{target}: {answer}");
    }
    let long = format!("/{}", "a".repeat(3000));
    assert_eq!(status(&server.request("GET", &long)), 414);
    for bytes in [
        &b"GET /\xff HTTP/1.1\r\nhost: a\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GE T / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost a\r\n\r\n",
        b"GET /who HTTP/1.1\r\nhost: a\r\nx: a\x00b\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
    ] {
        let answer = server.raw(bytes);
        assert_eq!(status(&answer), 400, "{}: {answer}", String::from_utf8_lossy(bytes));
    }
    let large = format!("GET /who HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "a".repeat(20_000));
    assert_eq!(status(&server.raw(large.as_bytes())), 431);
    let many = format!("GET /who HTTP/1.1\r\nhost: a\r\n{}\r\n", "x: a\r\n".repeat(100));
    assert_eq!(status(&server.raw(many.as_bytes())), 431);
    // And it still serves.
    assert_eq!(status(&server.request("GET", "/who")), 200);
}

#[test]
fn bodies_are_bounded_and_are_what_they_say() {
    let server = Running::start(options(|it| {
        it.limits.request_time = Duration::from_millis(300);
    }));
    let post = |head: &str, body: &[u8]| {
        let head = format!("POST /echo HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{head}\r\n\r\n");
        server.raw(&[head.as_bytes(), body].concat())
    };
    assert!(post("content-length: 3", b"abc").ends_with("\r\n\r\nabc"));
    assert!(post("transfer-encoding: chunked", b"3\r\nabc\r\n0\r\n\r\n").ends_with("\r\n\r\nabc"));
    // Announced, and not a byte of it is waited for.
    let answer = post("content-length: 1000000000000", b"");
    assert_eq!((status(&answer), answer.contains("\"code\":\"too-large\"")), (413, true));
    let chunk = format!("3e9\r\n{}\r\n0\r\n\r\n", "a".repeat(1001));
    assert_eq!(status(&post("transfer-encoding: chunked", chunk.as_bytes())), 413);
    assert!(post("content-length: 3", b"a\xff\xfe").contains("\"code\":\"encoding\""));
    let answer = post("transfer-encoding: chunked", b"zz\r\nabc\r\n0\r\n\r\n");
    assert!(answer.contains("\"code\":\"broken-body\""), "{answer}");
    // One that stalls is given up, and told.
    let answer = post("content-length: 5", b"abc");
    assert!(answer.contains("\"code\":\"too-slow\""), "{answer}");
}

#[test]
fn slow_heads_do_not_keep_others_out() {
    let server = Running::start(options(|it| it.limits.connections = 16));
    let mut slow: Vec<TcpStream> = Vec::new();
    for _ in 0..200 {
        let mut stream = server.connect();
        let _ = stream.write_all(b"GET /who HTTP/1.1\r\nhost: a\r\nx-slow: ");
        slow.push(stream);
    }
    assert_eq!(status(&server.request("GET", "/who")), 200);
    let shed = server.metric("countermark_http_connections_ended_total{reason=\"shed\"} ").unwrap();
    // All but sixteen of them gave way, and two more for the requests since.
    assert!((184..=186).contains(&shed), "{shed}");
    // The first ones were closed.
    assert_eq!(read_all(slow.remove(0)), "");
}

#[test]
fn what_takes_too_long_ends() {
    let server = Running::start(options(|it| {
        it.limits.idle_time = Duration::from_millis(200);
        it.limits.answer_time = Duration::from_millis(200);
        it.limits.least_rate = 1 << 40;
    }));
    // Never a head, half a head, and nothing after an answer.
    for bytes in [&b""[..], b"GET /who HT", b"GET /who HTTP/1.1\r\nhost: a\r\n\r\n"] {
        let start = Instant::now();
        let answer = server.raw(bytes);
        assert_eq!(answer.is_empty(), bytes.len() < 20, "{answer}");
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    }
    // An answer that nobody reads.
    let mut stream = server.connect();
    stream.write_all(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    let late = "countermark_http_connections_ended_total{reason=\"late\"} ";
    wait_until("four were late", || server.metric(late).is_some_and(|it| it >= 4));
    let answer = read_all(stream);
    assert_eq!(status(&answer), 200);
    assert!(answer.len() < 32 << 20, "{}", answer.len());
    // Of the one that asks, itself.
    assert_eq!(server.metric("countermark_http_requests_in_flight "), Some(1));
}

#[test]
fn requests_in_flight_are_bounded() {
    let server = Running::start(options(|it| {
        it.limits.requests = 1;
        it.limits.turn_time = Duration::from_millis(100);
    }));
    let mut first = server.connect();
    first.write_all(b"GET /waits HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").unwrap();
    wait_until("it is worked on", || server.entered.load(Ordering::SeqCst));
    let answer = server.request("GET", "/who");
    assert_eq!(status(&answer), 503);
    assert!(answer.contains("retry-after: 1\r\n") && answer.contains("\"code\":\"busy\""));
    // Whether the process lives is answered all the same.
    assert_eq!(status(&server.request("GET", "/healthz")), 200);
    server.gate.notify_one();
    assert!(read_all(first).ends_with("done"));
    assert_eq!(status(&server.request("GET", "/who")), 200);
}

#[test]
fn busy_connections_do_not_give_way() {
    let server = Running::start(options(|it| it.limits.connections = 1));
    let mut first = server.connect();
    first.write_all(b"GET /waits HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").unwrap();
    wait_until("it is worked on", || server.entered.load(Ordering::SeqCst));
    let answer = read_all(server.connect());
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    server.gate.notify_one();
    assert!(read_all(first).ends_with("done"));
}

#[test]
fn clients_have_a_rate() {
    let server = Running::start(options(|it| {
        it.rate = Some(1);
        it.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    }));
    let ask = |address: &str| {
        let head = format!("x-forwarded-for: {address}\r\nconnection: close");
        server.raw(format!("GET /who HTTP/1.1\r\nhost: a\r\n{head}\r\n\r\n").as_bytes())
    };
    assert!(ask("192.0.2.1").ends_with("192.0.2.1"));
    let answers: Vec<String> = (0..3).map(|_| ask("192.0.2.1")).collect();
    let refused = answers.last().unwrap();
    assert_eq!(status(refused), 429, "{refused}");
    assert!(
        refused.contains("\"code\":\"too-many-requests\"") && refused.contains("retry-after: ")
    );
    assert!(ask("192.0.2.2").ends_with("192.0.2.2"));
}

#[test]
fn a_panic_is_one_answer_and_nothing_more() {
    let server = Running::start(Options::default());
    let answer = server.request("GET", "/panics");
    assert_eq!(status(&answer), 500);
    assert!(answer.contains("\"code\":\"internal\"") && !answer.contains("a bug that"), "{answer}");
    assert_eq!(server.metric("countermark_http_panics_total "), Some(1));
    let counted =
        "countermark_http_requests_total{method=\"GET\",route=\"panics\",status=\"500\"} ";
    assert_eq!(server.metric(counted), Some(1));
    // What clients choose is no label.
    server.request("BREW", "/teapot");
    let counted =
        "countermark_http_requests_total{method=\"other\",route=\"other\",status=\"404\"} ";
    assert_eq!(server.metric(counted), Some(1));
}

#[test]
fn what_runs_is_finished_when_it_stops() {
    let mut server = Running::start(Options::default());
    let idle = server.connect();
    let mut first = server.connect();
    first.write_all(b"GET /waits HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    wait_until("it is worked on", || server.entered.load(Ordering::SeqCst));
    server.begin_to_stop();
    // Nobody is listened to any more, and those who only idle are let go.
    assert_eq!(read_all(idle), "");
    wait_until("nobody is listened to", || TcpStream::connect(server.address).is_err());
    server.gate.notify_one();
    let answer = read_all(first);
    assert!(answer.ends_with("done"), "{answer}");
    assert_eq!(server.thread.take().unwrap().join().unwrap(), Stopped { cut_off: 0 });
}

#[test]
fn what_runs_for_too_long_is_cut_off_when_it_stops() {
    let server = Running::start(options(|it| it.limits.stop_time = Duration::from_millis(100)));
    let mut first = server.connect();
    first.write_all(b"GET /waits HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    wait_until("it is worked on", || server.entered.load(Ordering::SeqCst));
    assert_eq!(server.stop(), Stopped { cut_off: 1 });
    assert_eq!(read_all(first), "");
}

#[test]
fn what_is_missing_is_named_and_why_is_not() {
    let parts = Parts::new(&Limits::default())
        .check(Check::new("database", || async { Err("password wrong for /secret".to_owned()) }))
        .check(Check::new("tiles", || async { Ok(()) }));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (router, _) = parts.into_router();
    let router = hyper_util::service::TowerToHyperService::new(router);
    let request = axum::http::Request::get("/readyz").body(Body::empty()).unwrap();
    let response = runtime.block_on(hyper::service::Service::call(&router, request)).unwrap();
    assert_eq!(response.status(), 503);
    let body = runtime.block_on(axum::body::to_bytes(response.into_body(), 1000)).unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    assert!(body.contains("not reachable: database\"") && !body.contains("secret"), "{body}");
}
