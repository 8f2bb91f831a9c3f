//! Passwords and keys: from a file, a variable or a credential of systemd, never from the
//! configuration itself, and never shown.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::PathBuf;

use countermark_client::credentials::Secret;

/// The longest secret, in bytes.
const LONGEST: u64 = 64 << 10;

/// Where a secret is. It is read each time that it is needed, so that a new one needs no restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// The text of a file, without the line end at its end.
    File(PathBuf),
    /// A variable of the environment.
    Variable(String),
    /// A file of the folder in `CREDENTIALS_DIRECTORY` (systemd, `LoadCredential=`).
    Credential(String),
    /// No secret: it stands in the configuration.
    Plain(String),
}

/// Why a secret cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// A file.
    #[error("the secret in `{}` cannot be read: {reason}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A variable that is not set, or not to a text.
    #[error("the variable `{0}` is not set")]
    Variable(String),
    /// Not started by systemd, or without that credential.
    #[error("there is no folder of credentials for `{0}`: `CREDENTIALS_DIRECTORY` is not set")]
    NoCredentials(String),
    /// It is there and empty.
    #[error("the secret is empty")]
    Empty,
}

impl SecretSource {
    /// The secret.
    ///
    /// # Errors
    /// See [`SecretError`]; none shows the secret.
    pub fn read(&self) -> Result<Secret, SecretError> {
        self.read_with(&|name| std::env::var_os(name))
    }

    fn read_with(
        &self,
        variable: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Secret, SecretError> {
        let text = match self {
            Self::Plain(text) => text.clone(),
            Self::File(path) => read_file(path.clone())?,
            Self::Variable(name) => variable(name)
                .and_then(|value| value.into_string().ok())
                .ok_or_else(|| SecretError::Variable(name.clone()))?,
            Self::Credential(name) => {
                let folder = variable("CREDENTIALS_DIRECTORY")
                    .ok_or_else(|| SecretError::NoCredentials(name.clone()))?;
                read_file(PathBuf::from(folder).join(name))?
            }
        };
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.is_empty() {
            return Err(SecretError::Empty);
        }
        Ok(Secret::new(text))
    }
}

fn read_file(path: PathBuf) -> Result<String, SecretError> {
    let mut text = String::new();
    let read = std::fs::File::open(&path)
        .and_then(|file| file.take(LONGEST + 1).read_to_string(&mut text));
    match read {
        Err(error) => Err(SecretError::File { path, reason: error.to_string() }),
        Ok(_) if text.len() as u64 > LONGEST => {
            Err(SecretError::File { path, reason: format!("it has more than {LONGEST} bytes") })
        }
        Ok(_) => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_secrets_are() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("smtp");
        std::fs::write(&file, "hunter2\r\n").unwrap();
        let here = folder.path().as_os_str().to_owned();
        let variable = |name: &str| match name {
            "MAIL_PASSWORD" => Some(OsString::from("from variable")),
            "EMPTY" => Some(OsString::new()),
            "CREDENTIALS_DIRECTORY" => Some(here.clone()),
            _ => None,
        };
        let read =
            |source: SecretSource| source.read_with(&variable).map(|it| it.reveal().to_owned());
        assert_eq!(read(SecretSource::File(file.clone())).unwrap(), "hunter2");
        assert_eq!(read(SecretSource::Credential("smtp".into())).unwrap(), "hunter2");
        assert_eq!(read(SecretSource::Variable("MAIL_PASSWORD".into())).unwrap(), "from variable");
        assert_eq!(read(SecretSource::Variable("EMPTY".into())), Err(SecretError::Empty));
        let missing = read(SecretSource::Variable("NOT_SET".into()));
        assert_eq!(missing, Err(SecretError::Variable("NOT_SET".into())));
        let missing = read(SecretSource::Credential("other".into())).unwrap_err();
        assert!(matches!(missing, SecretError::File { .. }), "{missing}");
        let unset = SecretSource::Credential("smtp".into()).read_with(&|_| None).unwrap_err();
        assert_eq!(unset, SecretError::NoCredentials("smtp".into()));
        std::fs::write(&file, "x".repeat(70_000)).unwrap();
        let long = read(SecretSource::File(file)).unwrap_err();
        assert!(long.to_string().contains("more than 65536 bytes"), "{long}");
    }
}
