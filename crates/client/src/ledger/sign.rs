//! Secret keys and the programs that sign with those that we do not have.
//!
//! Decides where a key of ours is kept and who may read it: a file that others can read is refused, one that
//! is there is never written over, and no secret is in a message. SSH and OpenPGP keys stay where they are:
//! `ssh-keygen` and `gpg` sign, so that agents and hardware keys do, and find their user's settings as always.
//! What they give is judged like anybody's signature, by [`countermark_ledger::signature`].

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use countermark_ledger::signature::{self, Refusal};
use countermark_tlog::note::{KeyError, KeyType, SignerKey};
use countermark_trust::Class;
use countermark_trust::openpgp::Fingerprint;

use crate::system::{create_private, is_private};

/// Bytes of a key's file.
const MAX_KEY: u64 = 16 << 10;

/// Bytes of a signature that a program gives.
const MAX_SIGNATURE: u64 = 64 << 10;

/// The ending of a key's file.
const ENDING: &str = "key";

/// Where keys of ours are kept, below the user's folder of settings.
#[must_use]
pub fn folder(settings: &Path) -> PathBuf {
    settings.join("countermark").join("keys")
}

/// The file of an author's key in that folder.
#[must_use]
pub fn file_of(folder: &Path, author: &str) -> PathBuf {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "@.-_".contains(c) { c } else { '-' };
    let name: String = author.chars().map(plain).take(200).collect();
    folder.join(format!("{}.{ENDING}", name.trim_start_matches('.')))
}

/// The files with keys in a folder, sorted; none where there is no folder.
///
/// # Errors
/// When the folder cannot be read.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>, SignError> {
    let unreadable = |error: io::Error| SignError::unreadable(folder, &error);
    let listed = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(unreadable)?,
    };
    let mut found = Vec::new();
    for item in listed {
        let path = item.map_err(unreadable)?.path();
        if path.extension().is_some_and(|ending| ending == ENDING) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// 32 random bytes for a key.
///
/// # Errors
/// When the system has none.
pub fn seed() -> Result<[u8; 32], SignError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| SignError::Random { reason: error.to_string() })?;
    Ok(seed)
}

/// A new key from 32 random bytes. Names of keys have no spaces and no plus.
///
/// # Errors
/// When the author is called nothing.
pub fn new_key(author: &str, seed: &[u8; 32]) -> Result<SignerKey, SignError> {
    let plain = |c: char| if c.is_whitespace() || c.is_control() || c == '+' { '.' } else { c };
    let name: String = author.chars().map(plain).collect();
    SignerKey::from_seed(&name, KeyType::Ed25519, seed)
        .map_err(|reason| SignError::Key { path: PathBuf::from(author), reason })
}

/// Writes a key into a new file that nobody else can read.
///
/// # Errors
/// When something is there already, or it cannot be written.
pub fn write_key(path: &Path, key: &SignerKey) -> Result<(), SignError> {
    let failed = |error: io::Error| {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::AlreadyExists => SignError::Exists { path },
            _ => SignError::Unwritable { path, reason: error.to_string() },
        }
    };
    let mut file = create_private(path).map_err(failed)?;
    writeln!(file, "{}", key.to_secret_text()).and_then(|()| file.sync_all()).map_err(failed)
}

/// Reads a key that nobody else can read.
///
/// # Errors
/// When it is not there, others can read it, or it is no key.
pub fn read_key(path: &Path) -> Result<SignerKey, SignError> {
    let unreadable = |error: io::Error| SignError::unreadable(path, &error);
    let no_file =
        || SignError::Unreadable { path: path.to_owned(), reason: "it is no file".to_owned() };
    // Opening a pipe would wait for somebody who writes to it.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(no_file());
    }
    let file = fs::File::open(path).map_err(unreadable)?;
    // Of the file that was opened: another one may be there by now.
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(no_file());
    }
    if !is_private(&metadata) {
        return Err(SignError::Readable { path: path.to_owned() });
    }
    let mut text = String::new();
    file.take(MAX_KEY).read_to_string(&mut text).map_err(unreadable)?;
    let key = |reason| SignError::Key { path: path.to_owned(), reason };
    let parsed = SignerKey::parse(text.trim()).map_err(key)?;
    if parsed.kind() == KeyType::Ed25519 {
        Ok(parsed)
    } else {
        Err(key(KeyError::Type { found: 4 }))
    }
}

/// What `ssh-keygen` signs with a key, or with the agent that has the other half of it.
///
/// # Errors
/// When it cannot be started, or signs nothing.
pub fn by_ssh(statement: &str, key: &Path) -> Result<String, SignError> {
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-Y", "sign", "-n", signature::NAMESPACE, "-f"]).arg(key);
    let signed = run("ssh-keygen", &mut command, statement)?;
    signature::of_ssh(&signed)
        .map_err(|reason| SignError::NoSignature { program: "ssh-keygen", reason: Some(reason) })
}

/// What `gpg` signs with a key.
///
/// # Errors
/// When it cannot be started, or signs nothing.
pub fn by_openpgp(statement: &str, key: &Fingerprint) -> Result<String, SignError> {
    let mut command = Command::new("gpg");
    command.args(["--quiet", "--no-armor", "--local-user", key.as_str()]);
    command.args(["--output", "-", "--detach-sign"]);
    let signed = run("gpg", &mut command, statement)?;
    if signed.is_empty() {
        return Err(SignError::NoSignature { program: "gpg", reason: None });
    }
    Ok(signature::of_openpgp(&signed))
}

/// Runs a program of the user's with a statement. It may talk to the person in front of it.
fn run(program: &'static str, command: &mut Command, input: &str) -> Result<Vec<u8>, SignError> {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let failed = |error: io::Error| SignError::Program { program, reason: error.to_string() };
    let mut child = Running(command.spawn().map_err(failed)?);
    if let Some(mut stdin) = child.0.stdin.take() {
        // A statement fits into a pipe, or is read before anything is written. When the program is gone,
        // its exit code says so.
        let _ = stdin.write_all(input.as_bytes());
    }
    let mut signed = Vec::new();
    if let Some(stdout) = child.0.stdout.take() {
        stdout.take(MAX_SIGNATURE + 1).read_to_end(&mut signed).map_err(failed)?;
    }
    if signed.len() as u64 > MAX_SIGNATURE {
        return Err(SignError::NoSignature { program, reason: None });
    }
    let status = child.0.wait().map_err(failed)?;
    if status.success() {
        Ok(signed)
    } else {
        Err(SignError::Program { program, reason: format!("it ended with {status}") })
    }
}

/// A child that does not outlive us.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // After `wait` both do nothing.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Why nothing is signed. Nothing of a key's file is repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// A file or folder that cannot be read.
    #[error("cannot read `{}`: {reason}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A secret that is none.
    #[error("others can read the secret key `{}`", path.display())]
    Readable {
        /// Which file.
        path: PathBuf,
    },
    /// Not a secret key of ours.
    #[error("`{}` is no secret key: {reason}", path.display())]
    Key {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: KeyError,
    },
    /// A key is never written over.
    #[error("`{}` is there already", path.display())]
    Exists {
        /// Which file.
        path: PathBuf,
    },
    /// The key cannot be kept.
    #[error("cannot write `{}`: {reason}", path.display())]
    Unwritable {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// No key without random bytes.
    #[error("the system has no random bytes: {reason}")]
    Random {
        /// Why.
        reason: String,
    },
    /// A program that did not sign.
    #[error("`{program}` signed nothing: {reason}")]
    Program {
        /// Which.
        program: &'static str,
        /// Why.
        reason: String,
    },
    /// A program that gave something else.
    #[error("`{program}` gave no signature")]
    NoSignature {
        /// Which.
        program: &'static str,
        /// What is wrong with what it gave.
        #[source]
        reason: Option<Refusal>,
    },
}

impl SignError {
    fn unreadable(path: &Path, error: &io::Error) -> Self {
        Self::Unreadable { path: path.to_owned(), reason: error.to_string() }
    }

    /// The name of the error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } | Self::Readable { .. } | Self::Key { .. } => "signing-key",
            Self::Exists { .. } | Self::Unwritable { .. } | Self::Random { .. } => {
                "key-not-written"
            }
            Self::Program { .. } | Self::NoSignature { .. } => "not-signed",
        }
    }

    /// Files of the user that cannot be used, or a program that could not sign.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Unreadable { .. }
            | Self::Readable { .. }
            | Self::Key { .. }
            | Self::Exists { .. } => Class::Usage,
            Self::Unwritable { .. }
            | Self::Random { .. }
            | Self::Program { .. }
            | Self::NoSignature { .. } => Class::Unavailable,
        }
    }

    /// What to do next, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreadable { .. } => {
                Some("`countermark vet key new` makes a key; `--key FILE` names one".to_owned())
            }
            Self::Readable { path } => Some(format!(
                "`chmod 600 {}` closes it; if others can have read it, make a new one",
                path.display()
            )),
            Self::Key { .. } => Some(
                "`--ssh FILE` is for SSH keys, `--openpgp FINGERPRINT` for those of gpg".to_owned(),
            ),
            Self::Exists { .. } => {
                Some("a key is never written over; `--output FILE` names another place".to_owned())
            }
            Self::Program { program: "ssh-keygen", .. } => {
                Some("OpenSSH 8.1 or later signs; the key may be in an agent".to_owned())
            }
            Self::Unwritable { .. }
            | Self::Random { .. }
            | Self::Program { .. }
            | Self::NoSignature { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests;
