//! Accepts connections, and ends: both within limits.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};

use super::Parts;
use super::connections::{Connections, Place, Seat};
use super::limits::{Limits, Options};
use super::metrics::{Ended, Metrics};
use super::shell::Shell;

/// How often connections are looked at.
const LOOK: Duration = Duration::from_millis(250);

/// How long nobody is accepted after the system refused to, for want of descriptors as a rule.
const PAUSE: Duration = Duration::from_millis(50);

/// What somebody gets who finds no place. Nothing is read before it, so it costs one write.
const NO_PLACE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\n\
    content-length: 0\r\nconnection: close\r\n\r\n";

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Connections that still were being served when the time was over.
    pub cut_off: usize,
}

/// Serves until `stop` is there, and finishes what runs then.
///
/// # Errors
/// When the metrics of the parts have names of the server's own.
pub async fn serve(
    listener: TcpListener,
    parts: Parts,
    options: Options,
    stop: impl Future<Output = ()>,
) -> Result<Stopped, prometheus::Error> {
    let limits = options.limits.clone();
    let metrics = Metrics::new(&parts.registry)?;
    let shell = Arc::new(shell(parts, options, metrics));
    let connections = Arc::new(Connections::new(limits.connections));
    let (stopping, stopped) = watch::channel(false);
    let mut stop = pin!(stop);
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = &mut stop => break,
            _ = looks.tick() => look(&connections, &shell.metrics),
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    shell.metrics.count_accepted();
                    let place = connections.admit(peer, limits.idle_time);
                    take_in(stream, place, &shell, &limits, &stopped);
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection cannot be accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    let _ = stopping.send(true);
    tracing::info!(connections = connections.count(), "stopping");
    Ok(finish(&connections, &limits, &mut looks).await)
}

fn shell(parts: Parts, options: Options, metrics: Metrics) -> Shell {
    let mut first = [0; 8];
    // Ids only have to differ from those of the process before; the clock does too.
    if getrandom::fill(&mut first).is_err() {
        first = std::process::id().to_le_bytes().repeat(2).try_into().unwrap_or(first);
    }
    let (router, segments) = parts.into_router();
    Shell::new(router, segments, options, metrics, u64::from_le_bytes(first))
}

fn look(connections: &Connections, metrics: &Metrics) {
    let late = connections.end_late();
    if late > 0 {
        metrics.count_ended(Ended::Late, late);
        tracing::debug!(late, "connections took too long");
    }
    metrics.connections.set(i64::try_from(connections.count()).unwrap_or(i64::MAX));
}

fn take_in(
    stream: TcpStream,
    place: Place,
    shell: &Arc<Shell>,
    limits: &Limits,
    stopped: &watch::Receiver<bool>,
) {
    let seat = match place {
        Place::Free(seat) => seat,
        Place::Taken(seat) => {
            shell.metrics.count_ended(Ended::Shed, 1);
            seat
        }
        Place::None => {
            shell.metrics.count_ended(Ended::Refused, 1);
            let _ = stream.try_write(NO_PLACE);
            return;
        }
    };
    let connection = Arc::clone(&seat.connection);
    let serving = serve_connection(stream, seat, Arc::clone(shell), limits, stopped.clone());
    connection.served_by(tokio::spawn(serving).abort_handle());
}

fn serve_connection(
    stream: TcpStream,
    seat: Seat,
    shell: Arc<Shell>,
    limits: &Limits,
    mut stopped: watch::Receiver<bool>,
) -> impl Future<Output = ()> + Send + 'static {
    // Answers are written whole; waiting for more to send with them would only make them late.
    let _ = stream.set_nodelay(true);
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // The table of connections watches over the time; see `connections`.
        .header_read_timeout(None)
        .max_buf_size(limits.head_bytes)
        .max_headers(limits.head_lines);
    async move {
        let connection = Arc::clone(&seat.connection);
        let service = service_fn(move |request| {
            let (shell, connection) = (Arc::clone(&shell), Arc::clone(&connection));
            async move { Ok::<_, Infallible>(shell.answer(connection, request).await) }
        });
        let mut serving = pin!(builder.serve_connection(TokioIo::new(stream), service));
        tokio::select! {
            _ = &mut serving => {}
            () = told(&mut stopped) => {
                serving.as_mut().graceful_shutdown();
                let _ = serving.await;
            }
        }
        drop(seat);
    }
}

/// Until the server stops. An error says that it is gone, which is the same.
async fn told(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// Waits for those that are served; ends all others at once, and all when the time is over.
async fn finish(
    connections: &Connections,
    limits: &Limits,
    looks: &mut tokio::time::Interval,
) -> Stopped {
    let end = Instant::now() + limits.stop_time;
    while connections.count() > 0 && Instant::now() < end {
        looks.tick().await;
        connections.end_idle();
        connections.end_late();
    }
    Stopped { cut_off: connections.end_all() }
}
