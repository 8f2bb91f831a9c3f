//! Sockets and threads.

use std::io::{self, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use countermark_trust::log::wire::{LookupRequest, MAXIMUM_REQUEST};

use super::answer::{Answer, Log};
use super::scenario::{Lie, LogScenario};
use crate::index::{RecordedRequest, request};
use crate::listener::{Connections, Listener};

/// A request as it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRequest {
    /// Its head.
    pub head: RecordedRequest,
    /// Its body.
    pub body: Vec<u8>,
}

/// A running log on the loopback interface.
#[derive(Debug)]
pub struct LogServer {
    shared: Arc<Shared>,
    listener: Listener,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    log: Log,
    requests: Vec<LogRequest>,
}

impl Shared {
    /// A panic in one connection thread must not hide what the test was about.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LogServer {
    /// Serves a log on a free port of 127.0.0.1.
    ///
    /// # Panics
    /// Where no loopback socket can be opened: the test cannot run.
    #[must_use]
    pub fn start(scenario: LogScenario) -> Self {
        let state = State { log: Log::new(scenario), requests: Vec::new() };
        let shared = Arc::new(Shared { state: Mutex::new(state) });
        let for_serving = Arc::clone(&shared);
        let listener = Listener::start(Listener::bind(), move |stream, connections| {
            converse(stream, &for_serving, connections)
        });
        Self { shared, listener }
    }

    /// `http://127.0.0.1:PORT/`
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.listener.address())
    }

    /// The table `[policy.log]` with these lines before those that say where the log is and whose
    /// signatures count.
    #[must_use]
    pub fn policy(&self, lines: &str) -> String {
        let state = self.shared.state();
        format!("[policy.log]\n{lines}\n{}", state.log.scenario.policy_lines(&self.url()))
    }

    /// The key that a policy lists.
    #[must_use]
    pub fn vkey(&self) -> String {
        self.shared.state().log.scenario.vkey()
    }

    /// All requests so far, in order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<LogRequest> {
        self.shared.state().requests.clone()
    }

    /// `METHOD target` of all requests so far.
    #[must_use]
    pub fn request_lines(&self) -> Vec<String> {
        let state = self.shared.state();
        let line = |it: &LogRequest| format!("{} {}", it.head.method, it.head.target);
        state.requests.iter().map(line).collect()
    }

    /// Every file and `project==version` that was asked for, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        let mut asked = Vec::new();
        for request in self.requests() {
            let Ok(lookup) = LookupRequest::parse(&request.body) else { continue };
            asked.extend(lookup.files);
            let releases = lookup.releases.into_iter();
            asked.extend(releases.map(|it| format!("{}=={}", it.project, it.version)));
        }
        asked
    }

    /// Whether a text came in anywhere: in a path, a header or a body, in any case of letters.
    #[must_use]
    pub fn was_told(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.requests().iter().any(|request| {
            let body = String::from_utf8_lossy(&request.body).to_lowercase();
            format!("{:?}", request.head).to_lowercase().contains(&text) || body.contains(&text)
        })
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        self.shared.state().requests.clear();
    }

    /// Changes the scenario while the server runs; what counts answers begins anew.
    ///
    /// # Panics
    /// Never: the scenario that is put in its place for a moment is a good one.
    pub fn change(&self, change: impl FnOnce(LogScenario) -> LogScenario) {
        let mut state = self.shared.state();
        let now = state.log.scenario.now;
        let scenario =
            std::mem::replace(&mut state.log.scenario, LogScenario::new("replaced", now));
        state.log = Log::new(change(scenario));
    }
}

/// Answers requests on one connection until either side has enough.
fn converse(stream: &TcpStream, shared: &Shared, connections: &Connections) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(head) = request::read(&mut reader)? {
        let length = head.header("content-length").and_then(|it| it.parse().ok()).unwrap_or(0);
        if length > MAXIMUM_REQUEST {
            break;
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let (answer, lies) = {
            let mut state = shared.state();
            let (method, path) = (head.method.clone(), head.path().to_owned());
            state.requests.push(LogRequest { head, body: body.clone() });
            (state.log.answer(&method, &path, &body), state.log.scenario.lies.clone())
        };
        if !send(stream, &answer, &lies, connections)? {
            break;
        }
    }
    Ok(())
}

/// Sends an answer; false when the connection is to be closed after it.
fn send(
    mut stream: &TcpStream,
    answer: &Answer,
    lies: &[Lie],
    connections: &Connections,
) -> io::Result<bool> {
    let mut code = answer.code;
    let mut body = answer.body.as_slice();
    for lie in lies {
        match lie {
            Lie::Down => return Ok(false),
            Lie::Status(other) => (code, body) = (*other, b"no\n"),
            Lie::Slow(time) if connections.pause(*time) => return Ok(false),
            Lie::Oversized => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
                // Ends with an error when the peer or the server goes away.
                while !connections.is_stopping() {
                    stream.write_all(&[b' '; 64 * 1024])?;
                }
                return Ok(false);
            }
            _ => {}
        }
    }
    let head = format!(
        "HTTP/1.1 {code} Answer\r\nContent-Type: {}\r\nCache-Control: {}\r\nContent-Length: {}\r\n\r\n",
        answer.kind,
        answer.cache,
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat())?;
    stream.flush()?;
    Ok(true)
}
