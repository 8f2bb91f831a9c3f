//! The folder of a log: `log.toml`, the keys, and by default the database and the public files.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use countermark_client::system::replace_file;
use countermark_packaging::lock::SourceError;
use countermark_tlog::note::{KeyError, KeyType, SignerKey, VerifierKey};
use countermark_trust::Class;
use countermark_trust::log::record::Observer;
use jiff::civil::Date;
use toml_edit::TomlError;

use crate::log::config::keys::KeyFileError;
use crate::log::config::{Cosigner, LogConfig, Registered, check_origin, edit, keys};
use crate::log::config::{FILE, MAXIMUM_SIZE, parse};

/// The folder below that of a log in which keys are.
const KEYS: &str = "keys";

/// A folder with a configuration that could be read.
#[derive(Clone, Debug)]
pub struct Folder {
    /// Where it is.
    pub path: PathBuf,
    /// What the configuration says.
    pub config: LogConfig,
    text: String,
}

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It holds a log already.
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
    /// No log can be called so.
    #[error("`{found}` is no origin: {reason}")]
    Origin {
        /// What was given.
        found: String,
        /// Why not.
        reason: &'static str,
    },
    /// A key.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// A key that was given.
    #[error("the key that was given cannot be used: {0}")]
    GivenKey(KeyError),
    /// It is registered already.
    #[error("`{name}` is registered already")]
    Registered {
        /// Who.
        name: String,
    },
    /// It is not registered.
    #[error("`{name}` is not registered")]
    NotRegistered {
        /// Who.
        name: String,
    },
    /// The configuration cannot be edited.
    #[error("the configuration cannot be edited: {0}")]
    Edit(#[from] TomlError),
    /// No key is valid any more.
    #[error("the last key of the log was valid until {until}")]
    NoKey {
        /// The day.
        until: Date,
    },
}

impl FolderError {
    /// Who is at fault, and so the exit code.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Unwritable { .. } => Class::Unavailable,
            Self::Key(error) => error.class(),
            Self::Exists { .. }
            | Self::Unreadable { .. }
            | Self::Mistakes(_)
            | Self::Origin { .. }
            | Self::GivenKey(_)
            | Self::Registered { .. }
            | Self::NotRegistered { .. }
            | Self::Edit(_)
            | Self::NoKey { .. } => Class::Usage,
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Exists { .. } => Some("a log is never written over; name another folder"),
            Self::Unreadable { .. } => Some("make a log with `countermark log init`"),
            Self::Origin { .. } => Some(crate::log::config::ORIGIN_HINT),
            Self::Key(error) => error.hint(),
            Self::NoKey { .. } => Some("make a new one with `countermark log rotate`"),
            Self::Unwritable { .. }
            | Self::Mistakes(_)
            | Self::GivenKey(_)
            | Self::Registered { .. }
            | Self::NotRegistered { .. }
            | Self::Edit(_) => None,
        }
    }
}

impl Folder {
    /// Makes the folder of a new log; gives its key.
    ///
    /// # Errors
    /// See [`FolderError`]; a log that is there is left alone.
    pub fn init(path: &Path, origin: &str) -> Result<VerifierKey, FolderError> {
        check_origin(origin)
            .map_err(|reason| FolderError::Origin { found: origin.to_owned(), reason })?;
        let file = path.join(FILE);
        if file.symlink_metadata().is_ok() {
            return Err(FolderError::Exists { path: file });
        }
        let key = keys::generate(origin, KeyType::Ed25519)?;
        let unwritable = |path: &Path, error: &io::Error| FolderError::Unwritable {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        let folder = path.join(KEYS);
        fs::create_dir_all(&folder).map_err(|error| unwritable(&folder, &error))?;
        keys::write(&folder.join("log.key"), &key)?;
        // Last, so that a folder with a configuration is whole.
        write_new(&file, &edit::draft(origin)).map_err(|error| unwritable(&file, &error))?;
        Ok(key.verifier().clone())
    }

    /// Reads the configuration of a folder.
    ///
    /// # Errors
    /// See [`FolderError`].
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let file = path.join(FILE);
        let unreadable = |reason: String| FolderError::Unreadable { path: file.clone(), reason };
        let mut bytes = Vec::new();
        fs::File::open(&file)
            .and_then(|opened| opened.take(MAXIMUM_SIZE as u64 + 1).read_to_end(&mut bytes))
            .map_err(|error| unreadable(error.to_string()))?;
        let whole = std::path::absolute(path).map_err(|error| unreadable(error.to_string()))?;
        let config =
            parse(&file.display().to_string(), &bytes, &whole).map_err(FolderError::Mistakes)?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Self { path: whole, config, text })
    }

    /// The keys that sign on this day, the present one first. An old key whose day is over does not,
    /// also if its file is gone.
    ///
    /// # Errors
    /// When a key cannot be read, or the day of the last one is over.
    pub fn signers(&self, today: Date) -> Result<Vec<SignerKey>, FolderError> {
        let mut signers = Vec::new();
        for key in self.config.keys.iter().filter(|key| signs(key.until, today)) {
            signers.push(keys::read(&key.file, &self.config.origin, KeyType::Ed25519)?);
        }
        match self.config.keys.iter().filter_map(|key| key.until).max() {
            Some(until) if signers.is_empty() => Err(FolderError::NoKey { until }),
            _ => Ok(signers),
        }
    }

    /// The public halves of all keys whose files are there, also of those whose day is over: what may
    /// still be published was signed by one of them.
    #[must_use]
    pub fn verifiers(&self) -> Vec<VerifierKey> {
        let read = |key: &crate::log::config::KeyFile| keys::read_any(&key.file).ok();
        self.config.keys.iter().filter_map(read).map(|key| key.verifier().clone()).collect()
    }

    /// Registers an observer: with a key pair that is made, whose file is told, or with its own key.
    ///
    /// # Errors
    /// See [`FolderError`].
    pub fn add_observer(
        &mut self,
        observer: Observer,
        key: Option<&str>,
    ) -> Result<(VerifierKey, Option<PathBuf>), FolderError> {
        if self.config.observers.iter().any(|it| it.observer == observer) {
            return Err(FolderError::Registered { name: observer.to_string() });
        }
        let (key, made) = match key {
            Some(text) => (VerifierKey::parse(text).map_err(FolderError::GivenKey)?, None),
            None => {
                let key = keys::generate(observer.name(), KeyType::Ed25519)?;
                let path = self.path.join(KEYS).join(observer_file(&observer));
                keys::write(&path, &key)?;
                (key.verifier().clone(), Some(path))
            }
        };
        let registered = Registered { observer, key: key.clone() };
        self.replace(edit::add_observer(&self.text, &registered)?)?;
        Ok((key, made))
    }

    /// The file with the key of an observer, if it was made here.
    #[must_use]
    pub fn observer_key(&self, observer: &Observer) -> PathBuf {
        self.path.join(KEYS).join(observer_file(observer))
    }

    /// Takes an observer's right to append.
    ///
    /// # Errors
    /// See [`FolderError`].
    pub fn remove_observer(&mut self, observer: &Observer) -> Result<(), FolderError> {
        if !self.config.observers.iter().any(|it| it.observer == *observer) {
            return Err(FolderError::NotRegistered { name: observer.to_string() });
        }
        self.replace(edit::remove_observer(&self.text, &observer.to_string())?)
    }

    /// Asks a witness from now on.
    ///
    /// # Errors
    /// See [`FolderError`].
    pub fn add_witness(&mut self, witness: &Cosigner) -> Result<(), FolderError> {
        self.replace(edit::add_witness(&self.text, witness)?)
    }

    /// Asks a witness no more.
    ///
    /// # Errors
    /// See [`FolderError`].
    pub fn remove_witness(&mut self, name: &str) -> Result<(), FolderError> {
        let found = self.config.witnesses.iter().find(|it| it.key.name() == name);
        let found = found.ok_or_else(|| FolderError::NotRegistered { name: name.to_owned() })?;
        self.replace(edit::remove_witness(&self.text, &found.key.to_string())?)
    }

    /// Makes a new key; the others sign too until a day. Gives the new one and its file.
    ///
    /// # Errors
    /// See [`FolderError`].
    pub fn rotate(&mut self, until: Date) -> Result<(VerifierKey, PathBuf), FolderError> {
        let key = keys::generate(&self.config.origin, KeyType::Ed25519)?;
        let name = format!("{KEYS}/log-{:08x}.key", key.id());
        let path = self.path.join(&name);
        keys::write(&path, &key)?;
        self.replace(edit::rotate(&self.text, &name, until)?)?;
        Ok((key.verifier().clone(), path))
    }

    /// Puts a new configuration in place, once it was read.
    fn replace(&mut self, text: String) -> Result<(), FolderError> {
        let file = self.path.join(FILE);
        let config = parse(&file.display().to_string(), text.as_bytes(), &self.path)
            .map_err(FolderError::Mistakes)?;
        replace_file(&file, text.as_bytes())
            .map_err(|error| FolderError::Unwritable { path: file, reason: error.to_string() })?;
        self.config = config;
        self.text = text;
        Ok(())
    }
}

/// Whether a key signs on a day: on its last day it still does.
#[must_use]
pub fn signs(until: Option<Date>, today: Date) -> bool {
    until.is_none_or(|until| today <= until)
}

fn observer_file(observer: &Observer) -> String {
    let name = observer.to_string().replace(|c: char| !c.is_ascii_alphanumeric() && c != '.', "-");
    format!("{name}.key")
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    use io::Write as _;
    let mut file = fs::File::create_new(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
