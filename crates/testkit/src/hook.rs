//! A receiver of webhooks on the loopback interface, which can fail.

use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Longest body that is read, in bytes.
const MAX_BODY: u64 = 64 << 20;
/// Longest head that is read, in bytes.
const MAX_HEAD: u64 = 64 << 10;

/// How one call is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manner {
    /// With 204.
    Well,
    /// With this status.
    Status {
        /// The code.
        code: u16,
        /// The value of `Retry-After`.
        retry_after: Option<u64>,
    },
    /// With a redirect.
    Redirect(String),
    /// Not at all: the connection is closed after everything was read.
    Drop,
}

/// A call as it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// `POST`, usually.
    pub method: String,
    /// Path with the query.
    pub target: String,
    /// Names in lower case, in order.
    pub headers: Vec<(String, String)>,
    /// As it was sent.
    pub body: Vec<u8>,
}

impl Call {
    /// The first header of that name (in lower case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }
}

/// A running receiver.
#[derive(Debug)]
pub struct HookServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    manners: Mutex<VecDeque<Manner>>,
    calls: Mutex<Vec<Call>>,
    stopping: AtomicBool,
}

impl HookServer {
    /// Answers the first calls as given, and all later ones well.
    ///
    /// # Panics
    /// Where no loopback socket can be opened: the test cannot run.
    #[must_use]
    pub fn start(manners: impl IntoIterator<Item = Manner>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a loopback socket");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            manners: Mutex::new(manners.into_iter().collect()),
            ..Shared::default()
        });
        let for_acceptor = Arc::clone(&shared);
        let acceptor = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if for_acceptor.stopping.load(Ordering::SeqCst) {
                    return;
                }
                // One call after the other: tests see them in order.
                if let Ok(stream) = stream {
                    let _ = answer(stream, &for_acceptor);
                }
            }
        });
        Self { address, shared, acceptor: Some(acceptor) }
    }

    /// `http://127.0.0.1:PORT`
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What came so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.shared.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for HookServer {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn answer(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let Some(call) = read(&mut reader)? else { return Ok(()) };
    let manner = shared.manners.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    shared.calls.lock().unwrap_or_else(PoisonError::into_inner).push(call);
    let (code, header) = match manner.unwrap_or(Manner::Well) {
        Manner::Well => (204, String::new()),
        Manner::Status { code, retry_after } => {
            (code, retry_after.map(|it| format!("Retry-After: {it}\r\n")).unwrap_or_default())
        }
        Manner::Redirect(location) => (307, format!("Location: {location}\r\n")),
        Manner::Drop => return Ok(()),
    };
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {code} Status\r\n{header}Content-Length: 0\r\nConnection: close\r\n\r\n"
    )?;
    stream.flush()
}

fn read(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Call>> {
    let mut head = Vec::new();
    let mut limited = reader.by_ref().take(MAX_HEAD);
    while !head.ends_with(b"\r\n\r\n") {
        if limited.read_until(b'\n', &mut head)? == 0 {
            return Ok(None);
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0_u64).min(MAX_BODY);
    let mut body = Vec::new();
    reader.take(length).read_to_end(&mut body)?;
    Ok(Some(Call { method, target, headers, body }))
}
