//! Sockets and threads.

use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use countermark_trust::log::wire::{LookupRequest, MAXIMUM_REQUEST};

use super::answer::{Answer, Log};
use super::scenario::{Lie, LogScenario};
use crate::index::{RecordedRequest, request};

/// A silent connection is closed after this time.
const IDLE: Duration = Duration::from_secs(30);

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
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    log: Log,
    requests: Vec<LogRequest>,
    /// Clones of open sockets, so that stopping can close them.
    open: Vec<(u64, TcpStream)>,
    stopping: bool,
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
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a loopback socket");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                log: Log::new(scenario),
                requests: Vec::new(),
                open: Vec::new(),
                stopping: false,
            }),
            changed: Condvar::new(),
        });
        let for_acceptor = Arc::clone(&shared);
        let acceptor = std::thread::spawn(move || accept(&listener, &for_acceptor));
        Self { address, shared, acceptor: Some(acceptor) }
    }

    /// `http://127.0.0.1:PORT/`
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
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

impl Drop for LogServer {
    fn drop(&mut self) {
        {
            let mut state = self.shared.state();
            state.stopping = true;
            for (_, stream) in &state.open {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
        self.shared.changed.notify_all();
        // Wakes the acceptor.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    for number in 0_u64.. {
        let Ok((stream, _)) = listener.accept() else { continue };
        threads.retain(|thread| !thread.is_finished());
        let Ok(for_stopping) = stream.try_clone() else { continue };
        {
            let mut state = shared.state();
            if state.stopping {
                break;
            }
            state.open.push((number, for_stopping));
        }
        let shared = Arc::clone(shared);
        threads.push(std::thread::spawn(move || {
            // The peer's going away in the middle is what some tests are about.
            let _ = converse(&stream, &shared);
            let _ = stream.shutdown(Shutdown::Both);
            shared.state().open.retain(|(open, _)| *open != number);
        }));
    }
    for thread in threads {
        let _ = thread.join();
    }
}

/// Answers requests on one connection until either side has enough.
fn converse(stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_read_timeout(Some(IDLE))?;
    stream.set_write_timeout(Some(IDLE))?;
    stream.set_nodelay(true)?;
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
        if !send(stream, &answer, &lies, shared)? {
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
    shared: &Shared,
) -> io::Result<bool> {
    let mut code = answer.code;
    let mut body = answer.body.as_slice();
    for lie in lies {
        match lie {
            Lie::Down => return Ok(false),
            Lie::Status(other) => (code, body) = (*other, b"no\n"),
            Lie::Slow(time) => {
                let waited = shared
                    .changed
                    .wait_timeout_while(shared.state(), *time, |state| !state.stopping);
                if waited.unwrap_or_else(PoisonError::into_inner).0.stopping {
                    return Ok(false);
                }
            }
            Lie::Oversized => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
                // Ends with an error when the peer or the server goes away.
                while !shared.state().stopping {
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
