//! What the commands share that feed the observatory: its database, and the log that they append to.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use countermark_client::http::Client;
use countermark_client::log::LogPlace;
use countermark_client::report::Problem;
use countermark_service::log::config::{self, Registered, keys};
use countermark_service::log::engine;
use countermark_service::log::store::LogStore;
use countermark_service::observe::append::{
    self, AppendError, Appender, HandedIn, LocalLog, RemoteLog,
};
use countermark_service::observe::db::{self, Observatory};
use countermark_service::watch::secret::SecretSource;
use countermark_tlog::note::SignerKey;
use countermark_trust::Class;
use countermark_trust::log::record::Observer;
use jiff::Timestamp;
use tokio::runtime::Runtime;
use url::Url;

use crate::cli::observe_feed::FeedArgs;
use crate::commands::audit::gather::read_text;

/// The variable that clients of PostgreSQL agree on.
const PASSWORD: &str = "PGPASSWORD";

/// Everything is asked from one thread; databases and mail block others.
pub(super) fn runtime() -> Result<Runtime, Vec<Problem>> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    built.map_err(|error| {
        let message = format!("the network cannot be set up: {error}");
        vec![Problem::new("runtime", Class::Unavailable, message)]
    })
}

/// Opens the database.
pub(super) fn open_database(
    runtime: &Runtime,
    address: &str,
    password: Option<&SecretSource>,
) -> Result<Arc<dyn Observatory>, Vec<Problem>> {
    let password =
        match password {
            Some(source) => Some(source.read().map_err(|error| {
                vec![Problem::new("observatory", Class::Usage, error.to_string())]
            })?),
            None => SecretSource::Variable(PASSWORD.to_owned()).read().ok(),
        };
    runtime.block_on(db::open(address, password.as_ref())).map_err(|error| {
        let problem = Problem::new("observatory", error.class(), error.to_string());
        vec![match error.hint() {
            Some(hint) => problem.with_hint(hint),
            None => problem,
        }]
    })
}

/// Something of the database while we work with it.
pub(super) fn database_problem(
    error: &countermark_service::log::store::StoreError,
) -> Vec<Problem> {
    let message = format!("the database of the observatory: {error}");
    let problem = Problem::new("observatory", error.class(), message);
    vec![match error.hint() {
        Some(hint) => problem.with_hint(hint),
        None => problem,
    }]
}

/// Records of a log, and who may append to it.
type LocalParts = (Arc<dyn LogStore>, Vec<Registered>);

/// The database of a log on this machine, and who may append to it.
pub(super) fn open_log(
    runtime: &Runtime,
    folder: &Path,
    http: &Arc<Client>,
) -> Result<LocalParts, Vec<Problem>> {
    let path = folder.join(config::FILE);
    let text = read_text(&path)?;
    let config = config::parse(&path.display().to_string(), text.as_bytes(), folder)
        .map_err(|errors| errors.iter().map(Problem::from).collect::<Vec<_>>())?;
    let opened = runtime.block_on(engine::open(&config.storage, http));
    let (store, _tiles) = opened.map_err(|error| {
        let problem = Problem::new("log-storage", error.class(), error.to_string());
        vec![match error.hint() {
            Some(hint) => problem.with_hint(hint),
            None => problem,
        }]
    })?;
    Ok((store, config.observers))
}

/// Where observations go when they are in the database.
pub(super) enum Sink {
    /// Nowhere: they wait.
    Nowhere,
    /// A log on this machine.
    Local(Arc<dyn LogStore>, Vec<Registered>),
    /// A server.
    Remote {
        /// Its address.
        url: Url,
        /// What it is called.
        origin: String,
        /// Who we are to it.
        key: Box<SignerKey>,
    },
}

impl Sink {
    /// What the options say.
    pub(super) fn open(
        arguments: &FeedArgs,
        runtime: &Runtime,
        http: &Arc<Client>,
    ) -> Result<Self, Vec<Problem>> {
        if let Some(folder) = &arguments.log {
            let (store, observers) = open_log(runtime, folder, http)?;
            return Ok(Self::Local(store, observers));
        }
        let (Some(url), Some(path)) = (&arguments.log_url, &arguments.key) else {
            return Ok(Self::Nowhere);
        };
        let key = keys::read_any(path)
            .map_err(|error| vec![Problem::new("bad-key", error.class(), error.to_string())])?;
        let origin = match &arguments.origin {
            Some(origin) => origin.clone(),
            None => {
                let place = LogPlace::new(http, url.as_str()).map_err(|error| {
                    vec![Problem::new(error.code(), error.class(), error.to_string())]
                })?;
                place.description().map_err(|problem| vec![*problem])?.origin
            }
        };
        Ok(Self::Remote { url: url.clone(), origin, key: Box::new(key) })
    }

    /// Appends everything of an observer that waits; `None` when there is no log.
    pub(super) fn hand_in(
        &self,
        runtime: &Runtime,
        http: &Client,
        db: &dyn Observatory,
        observer: &Observer,
        stopped: &AtomicBool,
    ) -> Result<Option<HandedIn>, Vec<Problem>> {
        let now = Timestamp::now;
        let is_stopped = || stopped.load(Ordering::Relaxed);
        let hand_in = |log: &dyn Appender| {
            let handing = append::hand_in(db, log, observer, &now, &is_stopped);
            runtime.block_on(handing).map(Some).map_err(|error| {
                let problem = Problem::of(code(&error), error.class(), &error);
                vec![match error.hint() {
                    Some(hint) => problem.with_hint(hint),
                    None => problem,
                }]
            })
        };
        match self {
            Self::Nowhere => Ok(None),
            Self::Local(store, observers) => {
                hand_in(&LocalLog { store: &**store, observers, now: &now })
            }
            Self::Remote { url, origin, key } => {
                hand_in(&RemoteLog::new(http, url.clone(), origin, key))
            }
        }
    }
}

fn code(error: &AppendError) -> &'static str {
    match error {
        AppendError::Http(_)
        | AppendError::Answer(_)
        | AppendError::Count { .. }
        | AppendError::Store(_) => "append-failed",
        AppendError::Refused { .. } | AppendError::Unregistered { .. } | AppendError::Sign(_) => {
            "append-refused"
        }
        AppendError::Database(_) => "observatory",
    }
}

/// What was appended, as a sentence.
pub(super) fn describe(handed: HandedIn) -> String {
    let HandedIn { new, known, alarms } = handed;
    let count = crate::output::count;
    let mut text = format!("{} to the log", count(new, "record is new", "records are new"));
    if known > 0 {
        text.push_str(&format!(", {} known", crate::output::grouped(known as u64)));
    }
    if alarms > 0 {
        text.push_str(&format!("; {}", count(alarms, "new alarm", "new alarms")));
    }
    text
}

/// One total of several.
pub(super) fn plus(one: HandedIn, other: HandedIn) -> HandedIn {
    HandedIn {
        new: one.new + other.new,
        known: one.known + other.known,
        alarms: one.alarms + other.alarms,
    }
}
