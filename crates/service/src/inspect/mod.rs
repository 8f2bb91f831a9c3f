//! A local page on which a person reads a release or a difference, and keeps what was read.
//!
//! For one person on this machine. Whoever asks needs the token that stands in every address
//! (`guard`): other users of the machine and pages of the web can reach the port, and get nothing. The
//! token is in the path and not in a cookie, since cookies of one address go to every port of it. It
//! decides nothing about what is read: [`Reading`] has the order and the marks. What is shown is hostile;
//! lines pass `shown`, templates escape, and the policy of the page (CSP) allows its own style and
//! script by their digests and nothing else.
//!
//! Everything works with links and forms alone; the script adds keys. It ends by a button, by a signal,
//! or when nobody asked for a while.

mod guard;
mod page;
mod pages;
#[cfg(test)]
mod tests;
mod view;

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use countermark_client::contents::reading::{Marks, Reading};
use countermark_trust::Class;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::Instant;

use self::guard::{Gate, Token};
use self::page::Frame;
use crate::server::{self, Limits, Options, Parts};

/// How often it is looked whether anybody still reads.
const LOOK: Duration = Duration::from_secs(1);

/// What lies on the desk.
#[derive(Debug)]
pub struct Desk {
    /// What is read.
    pub reading: Reading,
    /// What was read of it.
    pub marks: Marks,
    /// `flask 3.1.3`
    pub title: String,
    /// Who says the digest of each side.
    pub by: Vec<String>,
    /// The command that comes after reading.
    pub next: String,
}

/// Where the page is.
#[derive(Clone, Debug)]
pub struct Address {
    /// For the person who started it.
    pub page: String,
    /// The same for one visit: it may stand where other users of the machine see it, as in the
    /// arguments of a program.
    pub once: String,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By the button.
    Button,
    /// By a signal.
    Signal,
    /// Nobody asked for long.
    Idle,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// The port cannot be had.
    #[error("no port of this machine can be had")]
    Listen(#[source] io::Error),
    /// There is no randomness.
    #[error("the system gives no random numbers")]
    Random(#[source] getrandom::Error),
    /// The server cannot be set up.
    #[error("the server cannot be set up")]
    Server(#[source] prometheus::Error),
}

impl InspectError {
    /// Whose fault it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Listen(_) | Self::Random(_) | Self::Server(_) => Class::Unavailable,
        }
    }

    /// The stable name of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Listen(_) | Self::Random(_) | Self::Server(_) => "inspect-server",
        }
    }
}

/// What handlers share.
#[derive(Debug)]
struct Room {
    reading: Reading,
    marks: Mutex<Marks>,
    title: String,
    by: Vec<String>,
    next: String,
    /// The places of the pages by folder.
    by_folder: Vec<usize>,
    gate: Gate,
    frame: Frame,
    last: Mutex<Instant>,
    stop: Notify,
}

impl Room {
    fn new(desk: Desk, gate: Gate, now: Instant) -> Self {
        let pages = &desk.reading.pages;
        let mut by_folder: Vec<usize> = (0..pages.len()).collect();
        by_folder.sort_by_key(|place| {
            let path = pages[*place].path.as_str();
            path.rsplit_once('/').unwrap_or(("", path))
        });
        Self {
            marks: Mutex::new(desk.marks),
            title: desk.title,
            by: desk.by,
            next: desk.next,
            by_folder,
            reading: desk.reading,
            frame: Frame::new(&gate),
            gate,
            last: Mutex::new(now),
            stop: Notify::new(),
        }
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        // Nothing panics while marks are half changed.
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn touch(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn idle(&self) -> Duration {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }
}

fn routes(room: &Arc<Room>) -> Router {
    Router::new()
        .route("/open/{ticket}", get(guard::open))
        .route("/{token}/", get(pages::contents))
        .route("/{token}/file/{number}", get(pages::file))
        .route("/{token}/file/{number}/read", post(pages::read))
        .route("/{token}/file/{number}/unread", post(pages::take_back))
        .route("/{token}/help", get(pages::help))
        .route("/{token}/stop", post(pages::stop))
        .layer(from_fn_with_state(Arc::clone(room), guard::check))
        .with_state(Arc::clone(room))
}

/// Serves until somebody ends it; `listening` is told the addresses once it answers.
///
/// # Errors
/// When there is no port or no randomness; nothing after the start is one.
pub async fn serve(
    desk: Desk,
    idle: Duration,
    listening: impl FnOnce(&Address),
    stop: impl Future<Output = ()>,
) -> Result<Ended, InspectError> {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = TcpListener::bind(any).await.map_err(InspectError::Listen)?;
    let port = listener.local_addr().map_err(InspectError::Listen)?.port();
    let gate = Gate::new(port, Token::random()?, Token::random()?);
    let address = gate.address();
    let room = Arc::new(Room::new(desk, gate, Instant::now()));
    let limits = Limits {
        connections: 64,
        requests: 8,
        stop_time: Duration::from_secs(2),
        ..Limits::default()
    };
    let parts = Parts::new(&limits).merge(routes(&room), &["open"]);
    let options = Options { limits, ..Options::default() };
    let (mut ended, ending) = (Ended::Signal, Arc::clone(&room));
    let stop = async {
        tokio::select! {
            () = stop => {}
            () = ending.stop.notified() => ended = Ended::Button,
            () = nobody(&ending, idle) => ended = Ended::Idle,
        }
    };
    listening(&address);
    server::serve(listener, parts, options, stop).await.map_err(InspectError::Server)?;
    Ok(ended)
}

async fn nobody(room: &Room, idle: Duration) {
    while room.idle() < idle {
        tokio::time::sleep(LOOK.min(idle)).await;
    }
}
