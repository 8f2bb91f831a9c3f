//! The folder of a witness, and serving it.

use std::fs;
use std::future::Future;
use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use countermark_client::system::replace_file;
use countermark_packaging::lock::SourceError;
use countermark_tlog::note::{KeyError, KeyType, VerifierKey};
use countermark_trust::Class;
use tokio::net::TcpListener;
use toml_edit::TomlError;

use super::Witness;
use super::config::{FILE, MAXIMUM_SIZE, WitnessConfig, add_log, draft, parse};
use super::state::{State, StateError};
use crate::log::config::keys::{self, KeyFileError};
use crate::log::operator::serve::clock;
use crate::server::{self, Options, Parts, Stopped};

/// How often the configuration is read again.
const RELOAD: Duration = Duration::from_secs(1);

/// A folder with a configuration that could be read.
#[derive(Clone, Debug)]
pub struct Folder {
    /// Where it is.
    pub path: PathBuf,
    /// What the configuration says.
    pub config: WitnessConfig,
    text: String,
}

/// Why a witness cannot be made or served.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It holds a witness already.
    #[error("`{}` is there already", path.display())]
    Exists {
        /// Its configuration.
        path: PathBuf,
    },
    /// Something cannot be read.
    #[error("`{}` cannot be read: {reason}", path.display())]
    Unreadable {
        /// What.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Something cannot be written.
    #[error("`{}` cannot be written: {reason}", path.display())]
    Unwritable {
        /// What.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The configuration has mistakes.
    #[error("the configuration has mistakes")]
    Mistakes(Vec<SourceError>),
    /// A key.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// A key that was given.
    #[error("the key that was given cannot be used: {0}")]
    GivenKey(KeyError),
    /// The log has this key already.
    #[error("the witness knows this key of `{origin}` already")]
    Known {
        /// The log.
        origin: String,
    },
    /// The configuration cannot be edited.
    #[error("the configuration cannot be edited: {0}")]
    Edit(#[from] TomlError),
    /// The state.
    #[error(transparent)]
    State(#[from] StateError),
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
}

impl FolderError {
    /// Who is at fault, and so the exit code.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Key(error) => error.class(),
            Self::State(error) => error.class(),
            Self::Unwritable { .. } | Self::Listen { .. } | Self::Metrics(_) => Class::Unavailable,
            Self::Exists { .. }
            | Self::Unreadable { .. }
            | Self::Mistakes(_)
            | Self::GivenKey(_)
            | Self::Known { .. }
            | Self::Edit(_) => Class::Usage,
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Exists { .. } => Some("a witness is never written over; name another folder"),
            Self::Unreadable { .. } => Some("make a witness with `countermark witness init`"),
            Self::Key(error) => error.hint(),
            Self::State(_) => Some(
                "without its newest state a witness must not go on under its key; see docs/witness.md",
            ),
            Self::Listen { .. } => Some("name another address with `--listen`"),
            Self::Unwritable { .. }
            | Self::Mistakes(_)
            | Self::GivenKey(_)
            | Self::Known { .. }
            | Self::Edit(_)
            | Self::Metrics(_) => None,
        }
    }
}

impl Folder {
    /// Makes the folder of a new witness; gives its key.
    ///
    /// # Errors
    /// See [`FolderError`]; a witness that is there is left alone.
    pub fn init(path: &Path, name: &str) -> Result<VerifierKey, FolderError> {
        let file = path.join(FILE);
        if file.symlink_metadata().is_ok() {
            return Err(FolderError::Exists { path: file });
        }
        let unwritable = |error: io::Error| FolderError::Unwritable {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        let key = keys::generate(name, KeyType::Cosignature)?;
        fs::create_dir_all(path).map_err(unwritable)?;
        keys::write(&path.join("witness.key"), &key)?;
        State::open(&path.join("witness.sqlite"), true)?;
        let mut written = fs::File::create_new(&file).map_err(unwritable)?;
        written.write_all(draft(name).as_bytes()).map_err(unwritable)?;
        written.sync_all().map_err(unwritable)?;
        Ok(key.verifier().clone())
    }

    /// Reads the configuration of a folder.
    ///
    /// # Errors
    /// See [`FolderError`].
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let file = path.join(FILE);
        let unreadable = |error: io::Error| FolderError::Unreadable {
            path: file.clone(),
            reason: error.to_string(),
        };
        let mut bytes = Vec::new();
        fs::File::open(&file)
            .and_then(|opened| opened.take(MAXIMUM_SIZE as u64 + 1).read_to_end(&mut bytes))
            .map_err(unreadable)?;
        let whole = std::path::absolute(path).map_err(unreadable)?;
        let config =
            parse(&file.display().to_string(), &bytes, &whole).map_err(FolderError::Mistakes)?;
        Ok(Self { path: whole, config, text: String::from_utf8_lossy(&bytes).into_owned() })
    }

    /// Watches one more log, or knows one more key of it.
    ///
    /// # Errors
    /// See [`FolderError`].
    pub fn add_log(&mut self, origin: &str, key: &str) -> Result<(), FolderError> {
        let key = VerifierKey::parse(key).map_err(FolderError::GivenKey)?;
        let mut logs = self.config.logs.iter();
        if logs.any(|it| it.origin == origin && it.keys.contains(&key)) {
            return Err(FolderError::Known { origin: origin.to_owned() });
        }
        let text = add_log(&self.text, origin, &key)?;
        let file = self.path.join(FILE);
        let config = parse(&file.display().to_string(), text.as_bytes(), &self.path)
            .map_err(FolderError::Mistakes)?;
        replace_file(&file, text.as_bytes())
            .map_err(|error| FolderError::Unwritable { path: file, reason: error.to_string() })?;
        self.config = config;
        self.text = text;
        Ok(())
    }

    /// What was cosigned last.
    ///
    /// # Errors
    /// See [`FolderError`].
    pub fn state(&self) -> Result<State, FolderError> {
        Ok(State::open(&self.config.state, false)?)
    }
}

/// Serves until `stop`; `listening` is told the address once it answers.
///
/// # Errors
/// See [`FolderError`]; nothing after the start is one.
pub async fn serve(
    folder: Folder,
    address: SocketAddr,
    options: Options,
    listening: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()>,
) -> Result<Stopped, FolderError> {
    let config = &folder.config;
    let key = keys::read(&config.key, &config.name, KeyType::Cosignature)?;
    let state = folder.state()?;
    let refused = |error: io::Error| FolderError::Listen { address, reason: error.to_string() };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    let parts = Parts::new(&options.limits);
    let (logs, evidence) = (config.logs.clone(), config.evidence.clone());
    let (witness, parts) = Witness::attach(parts, key, logs, state, evidence, clock())?;
    let following = tokio::spawn(follow(witness, folder));
    listening(address);
    let served = server::serve(listener, parts, options, stop).await;
    following.abort();
    Ok(served?)
}

/// Takes up logs that are added. A configuration with mistakes is told, and the one before goes on.
async fn follow(witness: Witness, mut folder: Folder) {
    loop {
        tokio::time::sleep(RELOAD).await;
        let path = folder.path.clone();
        match tokio::task::spawn_blocking(move || Folder::open(&path)).await {
            Ok(Ok(read)) if read.config.logs != folder.config.logs => {
                tracing::info!(logs = read.config.logs.len(), "the configuration was read again");
                witness.replace(read.config.logs.clone());
                folder = read;
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "the configuration cannot be read; the one before goes on");
            }
            _ => {}
        }
    }
}
