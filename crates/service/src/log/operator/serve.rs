//! Serves a log: answers, sequences, follows what is published, and takes up changes of `log.toml`.
//!
//! Every front end may sequence; the lock of the database lets one at a time. Observers and witnesses
//! that are added or removed count within seconds, and so does a change of keys; what else stands in
//! `log.toml` counts from the next start on.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use countermark_client::http::Client;
use countermark_tlog::note::VerifierKey;
use countermark_trust::Class;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::time::MissedTickBehavior;

use super::folder::{Folder, FolderError};
use super::{Witnesses, pages};
use crate::log::api::{Keys, Log};
use crate::log::engine::{self, EngineError, Engines};
use crate::log::sequencer::{Clock, Outside, Sequencer, Settings};
use crate::observe::db::Observatory;
use crate::server::{self, Check, Options, Parts, Stopped};
use crate::web;

/// How often it is looked whether there is a newer checkpoint.
const FOLLOW: Duration = Duration::from_millis(200);

/// After how many of these looks records are counted, and the configuration is read again.
const COUNT: u32 = 50;
const RELOAD: u32 = 5;

/// How long the sequencer may take to finish its turn when the server stops.
const STOP: Duration = Duration::from_secs(10);

/// How long nobody sequences after keys could not be read.
const NO_KEYS: Duration = Duration::from_secs(5);

/// How a log is served.
#[derive(Clone, Debug)]
pub struct Serving {
    /// Where.
    pub listen: SocketAddr,
    /// Within which limits.
    pub options: Options,
    /// Whether this process sequences, when it is its turn.
    pub sequences: bool,
}

/// Why a log is not served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The folder, the configuration or the keys.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The database or the tiles.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The address.
    #[error("cannot listen at {address}: {reason}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        reason: String,
    },
    /// Two metrics have one name.
    #[error("the metrics cannot be set up: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
}

impl ServeError {
    /// Who is at fault, and so the exit code.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Folder(error) => error.class(),
            Self::Engine(error) => error.class(),
            Self::Listen { .. } | Self::Metrics(_) | Self::Random(_) => Class::Unavailable,
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Folder(error) => error.hint(),
            Self::Engine(error) => error.hint(),
            Self::Listen { .. } => Some("name another address with `--listen`"),
            Self::Metrics(_) | Self::Random(_) => None,
        }
    }
}

/// A random name of this process, for the lead.
///
/// # Errors
/// When the system has no random bytes.
pub fn holder() -> Result<String, ServeError> {
    let mut bytes = [0; 12];
    getrandom::fill(&mut bytes).map_err(ServeError::Random)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The system's clock.
#[must_use]
pub fn clock() -> Clock {
    Arc::new(Timestamp::now)
}

/// The day, in UTC, at a time.
#[must_use]
pub fn day(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}

/// Serves until `stop`; `listening` is told the address once it answers.
///
/// # Errors
/// See [`ServeError`]; nothing after the start is one.
pub async fn serve(
    folder: Folder,
    client: Arc<Client>,
    serving: Serving,
    listening: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()>,
) -> Result<Stopped, ServeError> {
    let keys = if serving.sequences {
        let signers = folder.signers(day(Timestamp::now()))?;
        signers.iter().map(|key| key.verifier().clone()).collect()
    } else {
        folder.verifiers()
    };
    let engines = engine::open(&folder.config.storage, &client).await?;
    let pins = engine::open_observatory(&folder.config.storage).await?;
    let (listener, address) = listen(serving.listen).await?;
    let parts = Parts::new(&serving.options.limits);
    let (log, parts) = attach(parts, &folder, keys, engines.clone(), pins)?;
    let witnesses = Witnesses::new(client, Arc::clone(&engines.1), folder.config.witnesses.clone());
    let witnesses = Arc::new(witnesses);
    let (changes, changed) = watch::channel(Arc::new(folder));
    let (stopping, stopped) = watch::channel(false);
    let lives = Arc::new(AtomicBool::new(true));
    let alive = Arc::clone(&lives);
    let parts = parts.check(Check::new("sequencer", move || {
        let lives = alive.load(Ordering::Relaxed);
        async move { if lives { Ok(()) } else { Err("it ended".to_owned()) } }
    }));
    let sequencing = serving.sequences.then(|| {
        let cosigners = Arc::clone(&witnesses) as Arc<_>;
        let (store, tiles) = engines;
        let outside = Outside { store, tiles, cosigners, clock: clock() };
        (outside, changed, stopped.clone())
    });
    let sequencing = match sequencing {
        Some((outside, changed, stopped)) => {
            let name = holder()?;
            Some(tokio::spawn(async move {
                let _ended = Ended(lives);
                sequence(outside, changed, stopped, &name).await;
            }))
        }
        None => None,
    };
    let following = tokio::spawn(follow(log, witnesses, changes, stopped));
    listening(address);
    let served = server::serve(listener, parts, serving.options, stop).await;
    let _ = stopping.send(true);
    // What runs is a transaction or an atomic write; what does not finish is done again next time.
    if let Some(sequencing) = sequencing
        && tokio::time::timeout(STOP, sequencing).await.is_err()
    {
        tracing::warn!("the sequencer did not finish its turn in time");
    }
    let _ = tokio::time::timeout(STOP, following).await;
    Ok(served?)
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let refused = |error: std::io::Error| ServeError::Listen { address, reason: error.to_string() };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok((listener, address))
}

/// The routes of the log and the pages beside it.
fn attach(
    parts: Parts,
    folder: &Folder,
    keys: Vec<VerifierKey>,
    engines: Engines,
    pins: Option<Arc<dyn Observatory>>,
) -> Result<(Log, Parts), ServeError> {
    let config = &folder.config;
    let store = Arc::clone(&engines.0);
    let keys = Keys::of(config, keys);
    let (log, parts) = Log::attach(parts, &config.origin, keys, engines, clock())?;
    let site = web::Web {
        library: web::library::Library {
            log: store,
            pins: pins.map(|pins| Arc::new(web::ObservatoryPins(pins)) as Arc<_>),
        },
        proofs: pages::proofs(&log),
        about: web::About {
            origin: config.origin.clone(),
            url: config.url.as_ref().map(ToString::to_string),
        },
        now: Timestamp::now,
    };
    let segments =
        ["search", "project", "file", "digest", "alarms", "alarms.atom", "log", "proof", "api"];
    Ok((log, parts.merge(web::routes(site), &segments)))
}

/// Told when the task that holds it is gone, also by a panic.
struct Ended(Arc<AtomicBool>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Sequences with the keys of the day.
async fn sequence(
    outside: Outside,
    mut changed: watch::Receiver<Arc<Folder>>,
    mut stopped: watch::Receiver<bool>,
    holder: &str,
) {
    loop {
        let folder = Arc::clone(&changed.borrow_and_update());
        let now = (outside.clock)();
        let signers = match folder.signers(day(now)) {
            Ok(signers) => signers,
            Err(error) => {
                tracing::error!(%error, hint = error.hint(), "no checkpoint can be signed");
                tokio::select! {
                    () = until(&mut stopped) => return,
                    () = tokio::time::sleep(NO_KEYS) => continue,
                }
            }
        };
        let settings = Settings::new(&folder.config.origin);
        let mut sequencer = Sequencer::new(outside.clone(), signers, settings, holder);
        let enough = Notify::new();
        let running = sequencer.run(&enough);
        let mut running = std::pin::pin!(running);
        let goes_on = tokio::select! {
            () = &mut running => false,
            () = until(&mut stopped) => false,
            () = other_keys(&mut changed, &folder) => true,
            () = tokio::time::sleep(to_midnight(now)) => true,
        };
        enough.notify_one();
        running.await;
        if !goes_on {
            return;
        }
    }
}

/// A little past the next midnight in UTC, when a key may have had its last day.
fn to_midnight(now: Timestamp) -> Duration {
    let second = now.as_second().rem_euclid(86_400);
    Duration::from_secs(u64::try_from(86_401 - second).unwrap_or(86_401))
}

/// Until it is told, or whoever tells is gone.
async fn until(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

async fn other_keys(changed: &mut watch::Receiver<Arc<Folder>>, before: &Folder) {
    let is_news = |folder: &Arc<Folder>| folder.config.keys != before.config.keys;
    if changed.wait_for(is_news).await.is_err() {
        // Nobody reads the configuration any more, since the server stops.
        std::future::pending::<()>().await;
    }
}

/// Takes up newer checkpoints and changes of the configuration.
async fn follow(
    log: Log,
    witnesses: Arc<Witnesses>,
    changes: watch::Sender<Arc<Folder>>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut ticks = tokio::time::interval(FOLLOW);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut number, mut is_told) = (0_u32, false);
    loop {
        tokio::select! {
            () = until(&mut stopped) => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = log.refresh().await {
            if !is_told {
                tracing::error!(%error, hint = error.hint(), "the database does not answer");
            }
            is_told = true;
        } else {
            is_told = false;
        }
        if number.is_multiple_of(COUNT) && !is_told {
            // What is wrong was told above, or will be.
            let _ = log.count().await;
        }
        if number % RELOAD == RELOAD - 1 {
            reload(&log, &witnesses, &changes).await;
        }
        number = number.wrapping_add(1);
    }
}

/// Reads the configuration again. One with mistakes is told once, and the one before it goes on.
async fn reload(log: &Log, witnesses: &Witnesses, changes: &watch::Sender<Arc<Folder>>) {
    let before = Arc::clone(&changes.borrow());
    let path = before.path.clone();
    let read = tokio::task::spawn_blocking(move || {
        let folder = Folder::open(&path)?;
        let keys = folder.verifiers();
        Ok::<_, FolderError>((folder, keys))
    });
    match read.await {
        Ok(Ok((folder, keys))) if folder.config != before.config => {
            tracing::info!(
                observers = folder.config.observers.len(),
                witnesses = folder.config.witnesses.len(),
                keys = folder.config.keys.len(),
                "the configuration was read again"
            );
            log.set_keys(Keys::of(&folder.config, keys));
            witnesses.replace(folder.config.witnesses.clone());
            let _ = changes.send(Arc::new(folder));
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, "the configuration cannot be read; the one before goes on");
        }
        _ => {}
    }
}
