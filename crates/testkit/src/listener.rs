//! Accepts connections on the loopback interface, one thread each, and ends them all when it is dropped.

use std::fmt;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Connections at a time; further ones wait to be accepted.
const MAX_CONNECTIONS: usize = 64;
/// A silent connection is closed after this time.
pub(crate) const IDLE: Duration = Duration::from_secs(30);

/// A socket on which somebody serves.
#[derive(Debug)]
pub(crate) struct Listener {
    address: SocketAddr,
    connections: Arc<Connections>,
    acceptor: Option<JoinHandle<()>>,
}

/// The connections that are open, and whether they are to end.
#[derive(Default)]
pub(crate) struct Connections {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Clones of open sockets, so that stopping can close them.
    open: Vec<(u64, TcpStream)>,
    stopping: bool,
}

impl Connections {
    /// A panic in one connection thread must not hide what the test was about.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the server stops.
    pub(crate) fn is_stopping(&self) -> bool {
        self.state().stopping
    }

    /// Waits, or returns true at once when the server stops.
    pub(crate) fn pause(&self, time: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(self.state(), time, |state| !state.stopping);
        waited.unwrap_or_else(PoisonError::into_inner).0.stopping
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Connections").finish_non_exhaustive()
    }
}

impl Listener {
    /// A socket at a free port of 127.0.0.1, and its address; nobody is accepted yet.
    ///
    /// # Panics
    /// Where no loopback socket can be opened: the test cannot run.
    pub(crate) fn bind() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a loopback socket");
        let address = listener.local_addr().expect("a bound socket has an address");
        (listener, address)
    }

    /// Hands each connection to `serve`, in a thread of its own; what it fails with is the peer's
    /// going away in the middle, which many tests are about.
    pub(crate) fn start<S>((listener, address): (TcpListener, SocketAddr), serve: S) -> Self
    where
        S: Fn(&TcpStream, &Connections) -> std::io::Result<()> + Send + Sync + 'static,
    {
        let connections = Arc::new(Connections::default());
        let for_acceptor = Arc::clone(&connections);
        let serve = Arc::new(serve);
        let acceptor = std::thread::spawn(move || accept(&listener, &for_acceptor, &serve));
        Self { address, connections, acceptor: Some(acceptor) }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        {
            let mut state = self.connections.state();
            state.stopping = true;
            for (_, stream) in &state.open {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
        self.connections.changed.notify_all();
        // Wakes the acceptor.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn accept<S>(listener: &TcpListener, connections: &Arc<Connections>, serve: &Arc<S>)
where
    S: Fn(&TcpStream, &Connections) -> std::io::Result<()> + Send + Sync + 'static,
{
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    for number in 0_u64.. {
        let Ok((stream, _)) = listener.accept() else { continue };
        threads.retain(|thread| !thread.is_finished());
        let Ok(for_stopping) = stream.try_clone() else { continue };
        {
            let mut state = connections
                .changed
                .wait_while(connections.state(), |it| {
                    !it.stopping && it.open.len() >= MAX_CONNECTIONS
                })
                .unwrap_or_else(PoisonError::into_inner);
            if state.stopping {
                break;
            }
            state.open.push((number, for_stopping));
        }
        let (connections, serve) = (Arc::clone(connections), Arc::clone(serve));
        threads.push(std::thread::spawn(move || {
            let timeouts = stream
                .set_read_timeout(Some(IDLE))
                .and_then(|()| stream.set_write_timeout(Some(IDLE)))
                .and_then(|()| stream.set_nodelay(true));
            if timeouts.is_ok() {
                let _ = serve(&stream, &connections);
            }
            let _ = stream.shutdown(Shutdown::Both);
            connections.state().open.retain(|(open, _)| *open != number);
            connections.changed.notify_all();
        }));
    }
    for thread in threads {
        let _ = thread.join();
    }
}
