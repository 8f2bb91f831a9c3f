//! Files with the secret halves of keys.
//!
//! One key a file, as Go's note package writes it, readable by its owner only. A file that is there is
//! never written over: a key that is lost cannot be made again.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use countermark_tlog::note::{KeyError, KeyType, SignerKey};
use countermark_trust::Class;

/// The most bytes of a key's file.
const MAXIMUM: u64 = 8 << 10;

/// Why a key cannot be read or made.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It cannot be read.
    #[error("the key `{}` cannot be read: {reason}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// It cannot be written.
    #[error("the key `{}` cannot be written: {reason}", path.display())]
    Unwritable {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// There is a file of that name.
    #[error("`{}` is there already", path.display())]
    Exists {
        /// Which file.
        path: PathBuf,
    },
    /// It holds something else.
    #[error("`{}` is no key: {source}", path.display())]
    NotAKey {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        source: KeyError,
    },
    /// It is a key for something else.
    #[error("the key `{}` is for signatures of another type", path.display())]
    Kind {
        /// Which file.
        path: PathBuf,
    },
    /// It is somebody else's.
    #[error("the key `{}` is that of `{found}`, expected `{expected}`", path.display())]
    Name {
        /// Which file.
        path: PathBuf,
        /// Whose it has to be.
        expected: String,
        /// Whose it is.
        found: String,
    },
    /// A name that no key can have.
    #[error("no key can be called `{name}`: {source}")]
    BadName {
        /// The name.
        name: String,
        /// Why.
        source: KeyError,
    },
    /// The system gives no random bytes.
    #[error("the system gives no random bytes: {reason}")]
    Random {
        /// What it said.
        reason: String,
    },
}

impl KeyFileError {
    /// Who is at fault, and so the exit code.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Unreadable { .. }
            | Self::Exists { .. }
            | Self::NotAKey { .. }
            | Self::Kind { .. }
            | Self::Name { .. }
            | Self::BadName { .. } => Class::Usage,
            Self::Unwritable { .. } | Self::Random { .. } => Class::Unavailable,
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Exists { .. } => {
                Some("keys are never written over; move it away or name another")
            }
            Self::Unreadable { .. } => Some("it belongs to the user who serves, with mode 0600"),
            Self::Name { .. } | Self::Kind { .. } => Some("two files may have been mixed up"),
            Self::Unwritable { .. }
            | Self::NotAKey { .. }
            | Self::BadName { .. }
            | Self::Random { .. } => None,
        }
    }
}

/// Reads a key and looks whether it is the one that is meant.
///
/// # Errors
/// See [`KeyFileError`].
pub fn read(path: &Path, name: &str, kind: KeyType) -> Result<SignerKey, KeyFileError> {
    let key = read_any(path)?;
    if key.name() != name {
        let (expected, found) = (name.to_owned(), key.name().to_owned());
        return Err(KeyFileError::Name { path: path.to_owned(), expected, found });
    }
    if key.kind() != kind {
        return Err(KeyFileError::Kind { path: path.to_owned() });
    }
    Ok(key)
}

/// Reads a key, whosever it is.
///
/// # Errors
/// See [`KeyFileError`].
pub fn read_any(path: &Path) -> Result<SignerKey, KeyFileError> {
    let unreadable = |reason: String| KeyFileError::Unreadable { path: path.to_owned(), reason };
    let mut text = String::new();
    let read = fs::File::open(path).and_then(|file| file.take(MAXIMUM).read_to_string(&mut text));
    read.map_err(|error| unreadable(error.to_string()))?;
    SignerKey::parse(text.trim_end_matches(['\n', '\r']))
        .map_err(|source| KeyFileError::NotAKey { path: path.to_owned(), source })
}

/// A new key.
///
/// # Errors
/// When the name can be none, or the system has no random bytes.
pub fn generate(name: &str, kind: KeyType) -> Result<SignerKey, KeyFileError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)
        .map_err(|error| KeyFileError::Random { reason: error.to_string() })?;
    SignerKey::from_seed(name, kind, &seed)
        .map_err(|source| KeyFileError::BadName { name: name.to_owned(), source })
}

/// Writes a key into a new file, which nobody else can read and which is on disk when this returns.
///
/// # Errors
/// See [`KeyFileError`].
pub fn write(path: &Path, key: &SignerKey) -> Result<(), KeyFileError> {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let text = format!("{}\n", key.to_secret_text());
    let written = || -> io::Result<Result<(), io::Error>> {
        // Temporary files are made with mode 0600, and a rename keeps it.
        let mut file = tempfile::Builder::new().prefix(".key-").tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        let kept = file.persist_noclobber(path).map(drop).map_err(|error| error.error);
        if kept.is_ok() {
            fs::File::open(folder)?.sync_all()?;
        }
        Ok(kept)
    };
    let unwritable = |error: io::Error| KeyFileError::Unwritable {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    match written().map_err(unwritable)? {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(KeyFileError::Exists { path: path.to_owned() })
        }
        other => other.map_err(unwritable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_written_and_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.key");
        let key = generate("log.example.org", KeyType::Ed25519).unwrap();
        write(&path, &key).unwrap();
        let read_back = read(&path, "log.example.org", KeyType::Ed25519).unwrap();
        assert_eq!(read_back.verifier(), key.verifier());
        let other = generate("log.example.org", KeyType::Ed25519).unwrap();
        assert_ne!(other.verifier(), key.verifier());
        let error = write(&path, &other).unwrap_err();
        assert!(matches!(error, KeyFileError::Exists { .. }), "{error}");
        assert_eq!(read_any(&path).unwrap().verifier(), key.verifier());
        // Nothing else is left in the folder.
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let error = read(&path, "other.example.org", KeyType::Ed25519).unwrap_err();
        assert!(matches!(error, KeyFileError::Name { .. }), "{error}");
        let error = read(&path, "log.example.org", KeyType::Cosignature).unwrap_err();
        assert!(matches!(error, KeyFileError::Kind { .. }), "{error}");
    }

    #[test]
    fn errors_do_not_show_what_is_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.key");
        fs::write(&path, "PRIVATE+KEY+log+00000000+c2VjcmV0").unwrap();
        let error = read_any(&path).unwrap_err();
        assert!(matches!(error, KeyFileError::NotAKey { .. }), "{error}");
        assert!(!format!("{error} {error:?}").contains("c2VjcmV0"), "{error:?}");
        let error = read_any(&folder.path().join("none")).unwrap_err();
        assert!(matches!(error, KeyFileError::Unreadable { .. }), "{error}");
        assert!(generate("a b", KeyType::Ed25519).is_err());
    }
}
