//! Sockets and threads.

use std::io::{self, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::pki_types::PrivateKeyDer;

use super::request::{self, RecordedRequest};
use super::respond::{Answer, Manner, Sending, body_bytes, respond};
use super::scenario::{Body, Scenario};
use crate::listener::{Connections, IDLE, Listener};

/// Bytes written at a time.
const SLICE: usize = 256 * 1024;

/// A running index on the loopback interface.
#[derive(Debug)]
pub struct IndexServer {
    shared: Arc<Shared>,
    listener: Listener,
}

#[derive(Debug)]
struct Shared {
    base: String,
    tls: Option<Arc<rustls::ServerConfig>>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    scenario: Scenario,
    requests: Vec<RecordedRequest>,
}

impl Shared {
    /// A panic in one connection thread must not hide what the test was about.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl IndexServer {
    /// Serves a scenario on a free port of 127.0.0.1.
    ///
    /// # Panics
    /// Where no loopback socket can be opened: the test cannot run.
    #[must_use]
    pub fn start(scenario: Scenario) -> Self {
        Self::start_with(scenario, None)
    }

    /// The same over TLS, with a fresh certificate that nobody knows; it is given beside, in PEM.
    ///
    /// # Panics
    /// Where no certificate can be made or no loopback socket be opened: the test cannot run.
    #[must_use]
    pub fn start_tls(scenario: Scenario) -> (Self, String) {
        let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key)
            })
            .expect("a certificate that was just made");
        (Self::start_with(scenario, Some(Arc::new(config))), made.cert.pem())
    }

    fn start_with(scenario: Scenario, tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let bound = Listener::bind();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let shared = Arc::new(Shared {
            base: format!("{scheme}://{}", bound.1),
            tls,
            state: Mutex::new(State { scenario, requests: Vec::new() }),
        });
        let for_serving = Arc::clone(&shared);
        let listener = Listener::start(bound, move |stream, connections| {
            serve(stream, &for_serving, connections)
        });
        Self { shared, listener }
    }

    /// `http://127.0.0.1:PORT`, or with `https`.
    #[must_use]
    pub fn url(&self) -> String {
        self.shared.base.clone()
    }

    /// The same server by another name: `http://localhost:PORT`.
    #[must_use]
    pub fn localhost_url(&self) -> String {
        self.shared.base.replace("127.0.0.1", "localhost")
    }

    /// `http://127.0.0.1:PORT/simple/`
    #[must_use]
    pub fn simple_url(&self) -> String {
        format!("{}/simple/", self.shared.base)
    }

    /// The URL of a file.
    #[must_use]
    pub fn file_url(&self, filename: &str) -> String {
        format!("{}/files/{filename}", self.shared.base)
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.listener.address().port()
    }

    /// All requests so far, in order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.state().requests.clone()
    }

    /// `METHOD target` of all requests so far.
    #[must_use]
    pub fn request_lines(&self) -> Vec<String> {
        let state = self.shared.state();
        state.requests.iter().map(|it| format!("{} {}", it.method, it.target)).collect()
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        self.shared.state().requests.clear();
    }

    /// Changes the scenario while the server runs (a file is replaced, a project quarantined).
    pub fn change(&self, change: impl FnOnce(Scenario) -> Scenario) {
        let mut state = self.shared.state();
        let scenario = std::mem::take(&mut state.scenario);
        state.scenario = change(scenario);
    }
}

fn serve(stream: &TcpStream, shared: &Shared, connections: &Connections) -> io::Result<()> {
    let Some(config) = &shared.tls else {
        return converse(stream, shared, connections);
    };
    let connection = rustls::ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
    let mut secured = rustls::StreamOwned::new(connection, stream);
    converse(&mut secured, shared, connections)?;
    // Without this the end of a body without a length would look like an attack.
    secured.conn.send_close_notify();
    secured.flush()
}

/// Answers requests on one connection until either side has enough.
fn converse(
    stream: impl Read + Write,
    shared: &Shared,
    connections: &Connections,
) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(request) = request::read(&mut reader)? {
        let answer = {
            let mut state = shared.state();
            state.requests.push(request.clone());
            respond(&mut state.scenario, &request, &shared.base)
        };
        let is_head = request.method == "HEAD";
        let goes_on = send(reader.get_mut(), &answer, is_head, connections)?;
        let wants_close = request.header("connection").is_some_and(|it| it.contains("close"));
        if !goes_on || wants_close {
            break;
        }
    }
    Ok(())
}

/// Sends an answer; false when the connection is to be closed after it.
fn send(
    writer: &mut impl Write,
    answer: &Answer,
    is_head: bool,
    connections: &Connections,
) -> io::Result<bool> {
    let Manner::Badly(sending) = &answer.manner else {
        return send_well(writer, answer, is_head);
    };
    let body = || body_bytes(&answer.body);
    let part = |bytes: &[u8], length: u64| {
        bytes[..usize::try_from(length).unwrap_or(usize::MAX).min(bytes.len())].to_vec()
    };
    match sending {
        Sending::Drop => {}
        Sending::Garbage => writer.write_all(b"\x16\x03\x01 this is not HTTP\r\n\r\n")?,
        Sending::Truncated(length) => {
            let bytes = body();
            write_head(writer, answer, Some(bytes.len() as u64))?;
            writer.write_all(&part(&bytes, *length))?;
        }
        Sending::ClosedEarly(length) => {
            write_head(writer, answer, None)?;
            writer.write_all(&part(&body(), *length))?;
        }
        Sending::DeclaredLength(length) => {
            write_head(writer, answer, Some(*length))?;
            writer.write_all(&part(&body(), *length))?;
        }
        Sending::Endless { declared } => {
            write_head(writer, answer, declared.then_some(1 << 60))?;
            // Ends with an error when the peer or the server goes away.
            while !connections.is_stopping() {
                writer.write_all(&[0; 64 * 1024])?;
            }
        }
        Sending::SlowDrip { bytes, every } => {
            let body = body();
            write_head(writer, answer, Some(body.len() as u64))?;
            for slice in body.chunks((*bytes).max(1)) {
                writer.write_all(slice)?;
                writer.flush()?;
                if connections.pause(*every) {
                    break;
                }
            }
        }
        Sending::Stall => {
            write_head(writer, answer, Some(body().len() as u64))?;
            writer.flush()?;
            connections.pause(IDLE);
        }
    }
    writer.flush()?;
    Ok(false)
}

fn send_well(writer: &mut impl Write, answer: &Answer, is_head: bool) -> io::Result<bool> {
    match &answer.body {
        Body::Bytes(bytes) => {
            write_head(writer, answer, Some(bytes.len() as u64))?;
            if !is_head {
                writer.write_all(bytes)?;
            }
        }
        Body::Path(path) => {
            let mut file = std::fs::File::open(path)?;
            write_head(writer, answer, Some(file.metadata()?.len()))?;
            let mut slice = vec![0; if is_head { 0 } else { SLICE }];
            loop {
                let count = file.read(&mut slice)?;
                if count == 0 {
                    break;
                }
                writer.write_all(&slice[..count])?;
            }
        }
    }
    writer.flush()?;
    Ok(true)
}

fn write_head(writer: &mut impl Write, answer: &Answer, length: Option<u64>) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {} {}\r\n", answer.code, reason(answer.code));
    for (name, value) in &answer.headers {
        head += &format!("{name}: {value}\r\n");
    }
    // RFC 9110, section 8.6: a 304 may leave the length out, and its absence is simplest to read.
    if let Some(length) = length.filter(|_| answer.code != 304) {
        head += &format!("Content-Length: {length}\r\n");
    }
    if answer.manner != Manner::Well {
        head += "Connection: close\r\n";
    }
    head += "\r\n";
    writer.write_all(head.as_bytes())
}

fn reason(code: u16) -> &'static str {
    match code {
        200 => "OK",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        304 => "Not Modified",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        429 => "Too Many Requests",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Something",
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Behaviour, Format, ServedFile};
    use super::*;

    fn ask(server: &IndexServer, head: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        write!(stream, "{head}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[test]
    fn what_is_said_and_what_is_sent_are_apart() {
        let file = ServedFile::honest("x-1-py3-none-any.whl", "good").but_serves("evil");
        let server = IndexServer::start(Scenario::new().file("x", file));
        let page =
            ask(&server, "GET /simple/x/ HTTP/1.1\r\nAccept: application/vnd.pypi.simple.v1+json");
        assert!(page.contains("770e607624d689265ca6c44884d0807d9b054d23c473c106c72be9de08b7376c"));
        assert!(page.contains("\"size\":4"));
        let html = ask(&server, "GET /simple/x/ HTTP/1.1");
        assert!(html.contains("href=\"../../files/x-1-py3-none-any.whl#sha256=770e6076"));
        let sent = ask(&server, "GET /files/x-1-py3-none-any.whl HTTP/1.1");
        assert!(sent.ends_with("\r\n\r\nevil"), "{sent}");
        assert_eq!(server.request_lines().len(), 3);
        assert_eq!(server.requests()[2].path(), "/files/x-1-py3-none-any.whl");
    }

    #[test]
    fn behaviours_are_used_up_in_order() {
        let unavailable = Behaviour::Status { code: 503, retry_after: Some("7".into()) };
        let scenario = Scenario::new()
            .serve("/a", "text/plain", "hello")
            .on_first(1, "/a", unavailable)
            .on_first(1, "/a", Behaviour::Truncated { send: 2 })
            .on("/a", Behaviour::Header { name: "X-Odd".into(), value: "yes".into() });
        let server = IndexServer::start(scenario);
        let first = ask(&server, "GET /a HTTP/1.1");
        assert!(first.starts_with("HTTP/1.1 503"), "{first}");
        assert!(first.contains("Retry-After: 7\r\n"), "{first}");
        let second = ask(&server, "GET /a HTTP/1.1");
        assert!(second.contains("Content-Length: 5\r\n") && second.ends_with("\r\nhe"), "{second}");
        let third = ask(&server, "GET /a HTTP/1.1");
        assert!(third.contains("X-Odd: yes") && third.ends_with("hello"), "{third}");
    }

    #[test]
    fn passwords_ranges_and_conditions() {
        let scenario = Scenario::new()
            .format(Format::Html)
            .with_etags()
            .serve("/private/a", "text/plain", "0123456789")
            .basic_auth("/private/", "user", "secret");
        let server = IndexServer::start(scenario);
        let head = "GET /private/a HTTP/1.1";
        assert!(ask(&server, head).starts_with("HTTP/1.1 401"));
        let head = format!("{head}\r\nAuthorization: Basic dXNlcjpzZWNyZXQ=");
        assert!(ask(&server, &format!("{head}\r\nRange: bytes=2-4")).ends_with("\r\n234"));
        let tag = "\"84d89877f0d4041e\"";
        assert!(ask(&server, &head).contains(tag));
        let cached = ask(&server, &format!("{head}\r\nIf-None-Match: {tag}"));
        assert!(cached.starts_with("HTTP/1.1 304"), "{cached}");
    }

    #[test]
    fn stops_in_the_middle_of_an_endless_answer() {
        let scenario = Scenario::new()
            .serve("/a", "text/plain", "")
            .on("/a", Behaviour::Endless { declared: false });
        let server = IndexServer::start(scenario);
        let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        stream.write_all(b"GET /a HTTP/1.1\r\n\r\n").unwrap();
        stream.read_exact(&mut [0; 4096]).unwrap();
        drop(server);
    }
}
