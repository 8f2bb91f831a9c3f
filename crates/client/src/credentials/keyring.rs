//! The `keyring` program, asked for a credential after a server said that it wants one.
//!
//! The program is the first `keyring` on `PATH` that does not stand in the environment being
//! installed into: what an environment holds must not see the passwords of its indexes. It runs
//! without standard input, for a bounded time and with bounded output.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use countermark_trust::Class;
use serde::Deserialize;

use super::Credential;

/// Largest answer, in bytes.
const MAX_OUTPUT: u64 = 64 * 1024;
/// Unlocking may take a person's hand.
const DEFAULT_LIMIT: Duration = Duration::from_secs(60);

/// pip's `--keyring-provider`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyringProvider {
    /// Ask the program when there is one.
    #[default]
    Auto,
    /// Never ask.
    Disabled,
    /// Ask the program.
    Subprocess,
}

impl KeyringProvider {
    /// Reads pip's and uv's word. `import` is pip's word for calling Python's keyring in its own
    /// process, for which the program stands here.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "auto" => Some(Self::Auto),
            "disabled" => Some(Self::Disabled),
            "subprocess" | "import" => Some(Self::Subprocess),
            _ => None,
        }
    }
}

/// Why keyring gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// It was asked for by name and is not there.
    #[error("no `keyring` program on the path")]
    Missing,
    /// It could not be run.
    #[error("cannot run `{}`", program.display())]
    Run {
        /// The program.
        program: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It did not end in time.
    #[error("`{}` did not answer within {} s", program.display(), limit.as_secs_f32())]
    Timeout {
        /// The program.
        program: PathBuf,
        /// How long it had.
        limit: Duration,
    },
    /// Its answer is not a credential. The answer is not shown.
    #[error("`{}` gave an answer that is not understood", program.display())]
    Answer {
        /// The program.
        program: PathBuf,
    },
}

impl KeyringError {
    /// Who is at fault.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Missing => Class::Usage,
            Self::Run { .. } | Self::Timeout { .. } | Self::Answer { .. } => Class::Unavailable,
        }
    }
}

/// Whether and how keyring is asked.
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    provider: Option<KeyringProvider>,
    program: Option<PathBuf>,
    limit: Option<Duration>,
}

impl Keyring {
    /// Looks for the program on a search path, not in `excluded` (the folder of the scripts of the
    /// environment being changed).
    #[must_use]
    pub fn find(
        provider: KeyringProvider,
        search_path: impl IntoIterator<Item = PathBuf>,
        excluded: Option<&Path>,
    ) -> Self {
        let name = if cfg!(windows) { "keyring.exe" } else { "keyring" };
        let canonical = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let excluded = excluded.map(canonical);
        let program = search_path
            .into_iter()
            // An empty or relative entry means the current folder, which may be anybody's.
            .filter(|folder| folder.is_absolute() && Some(canonical(folder)) != excluded)
            .map(|folder| folder.join(name))
            .find(|program| program.is_file());
        Self { provider: Some(provider), program, limit: None }
    }

    /// Gives the program less or more time than a minute.
    #[must_use]
    pub fn with_limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Whether asking has a point.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        match self.provider {
            None | Some(KeyringProvider::Disabled) => false,
            Some(KeyringProvider::Auto) => self.program.is_some(),
            Some(KeyringProvider::Subprocess) => true,
        }
    }

    /// Asks for each service in turn.
    pub(super) async fn ask(
        &self,
        services: Vec<String>,
        username: Option<String>,
    ) -> Result<Option<Credential>, KeyringError> {
        let program = self.program.clone().ok_or(KeyringError::Missing)?;
        // A name that looks like an option could be one to the program.
        if username.as_ref().is_some_and(|username| username.starts_with('-')) {
            return Ok(None);
        }
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        let run = move || {
            for service in &services {
                if let Some(found) = ask_one(&program, service, username.as_deref(), limit)? {
                    return Ok(Some(found));
                }
            }
            Ok(None)
        };
        // The task neither panics nor is cancelled; if it is, there is no credential.
        tokio::task::spawn_blocking(run).await.unwrap_or(Ok(None))
    }
}

/// As pip asks: with `--mode=creds`, and where that is unknown and there is a name, without.
fn ask_one(
    program: &Path,
    service: &str,
    username: Option<&str>,
    limit: Duration,
) -> Result<Option<Credential>, KeyringError> {
    #[derive(Deserialize)]
    struct Answer {
        username: String,
        password: String,
    }
    let mut arguments = vec!["--mode=creds", "--output=json", "get", service];
    arguments.extend(username);
    let (status, output) = run(program, &arguments, limit)?;
    if status == Some(0) {
        let answer: Answer = serde_json::from_slice(&output)
            .map_err(|_| KeyringError::Answer { program: program.to_owned() })?;
        return Ok(Some(Credential::new(&answer.username, &answer.password)));
    }
    let Some(username) = username.filter(|_| status == Some(2)) else { return Ok(None) };
    let (status, output) = run(program, &["get", service, username], limit)?;
    let password = String::from_utf8(output)
        .map_err(|_| KeyringError::Answer { program: program.to_owned() })?;
    let password = password.trim_end_matches(['\r', '\n']);
    Ok((status == Some(0) && !password.is_empty()).then(|| Credential::new(username, password)))
}

/// Runs the program; its standard error is dropped, because it may hold what must not be shown.
fn run(
    program: &Path,
    arguments: &[&str],
    limit: Duration,
) -> Result<(Option<i32>, Vec<u8>), KeyringError> {
    let failed = |source| KeyringError::Run { program: program.to_owned(), source };
    let late = || KeyringError::Timeout { program: program.to_owned(), limit };
    let deadline = Instant::now() + limit;
    let mut child = Command::new(program)
        .args(arguments)
        .env("PYTHONIOENCODING", "utf-8")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let (sender, receiver) = mpsc::channel();
    let output = child.stdout.take();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = match output {
            Some(output) => output.take(MAX_OUTPUT).read_to_end(&mut bytes),
            None => Ok(0),
        };
        let _ = sender.send(read.map(|_| bytes));
    });
    let Ok(bytes) = receiver.recv_timeout(limit) else {
        end(&mut child);
        return Err(late());
    };
    // The output is at its end, and so is the program, usually.
    loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            return Ok((status.code(), bytes.map_err(failed)?));
        }
        if Instant::now() >= deadline {
            end(&mut child);
            return Err(late());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use crate::system::unix::fs::PermissionsExt as _;

    use super::*;

    fn script(text: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyring");
        // Written by a child, so that no descriptor open for writing leaks into another child.
        let status = Command::new("sh")
            .args(["-c", "printf '#!/bin/sh\\n%s\\n' \"$2\" > \"$1\"", "sh"])
            .arg(&path)
            .arg(text)
            .status();
        assert!(status.unwrap().success());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        folder
    }

    fn ask(text: &str, username: Option<&str>) -> Result<Option<Credential>, KeyringError> {
        let folder = script(text);
        let keyring = Keyring::find(KeyringProvider::Subprocess, [folder.path().to_owned()], None)
            .with_limit(Duration::from_secs(10));
        let services = vec!["https://x.example".to_owned(), "x.example".to_owned()];
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(keyring.ask(services, username.map(str::to_owned)))
    }

    #[test]
    fn answers() {
        let check = |text: &str, username: Option<&str>, expect: Option<(&str, &str)>| {
            let expect = expect.map(|(username, password)| Credential::new(username, password));
            assert_eq!(ask(text, username).unwrap(), expect, "{text}");
        };
        let modern = "test \"$*\" = '--mode=creds --output=json get https://x.example' && \
                      echo '{\"username\": \"u\", \"password\": \"p\"}'";
        check(modern, None, Some(("u", "p")));
        let second = "test \"$4\" = x.example && echo '{\"username\": \"u\", \"password\": \"p\"}'";
        check(second, None, Some(("u", "p")));
        let old = "test \"$1\" = get || exit 2; test \"$2\" = x.example && echo \"for-$3\"";
        check(old, Some("u"), Some(("u", "for-u")));
        check(old, None, None);
        check("exit 1", Some("u"), None);
        check("echo '{\"username\": \"u\", \"password\": \"p\"}'", Some("--help"), None);
    }

    #[test]
    fn bad_programs() {
        assert!(matches!(ask("echo secret", None), Err(KeyringError::Answer { .. })));
        let endless = "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done";
        assert!(ask(endless, None).is_ok_and(|answer| answer.is_none()));
        let folder = script("exec sleep 1000");
        let keyring = Keyring::find(KeyringProvider::Auto, [folder.path().to_owned()], None);
        let program = keyring.program.unwrap();
        let late = ask_one(&program, "x", None, Duration::from_millis(20));
        assert!(matches!(late, Err(KeyringError::Timeout { .. })));
    }

    #[test]
    fn which_program() {
        let folder = script("exit 0");
        let path = folder.path().to_owned();
        let find = |path: PathBuf, excluded| {
            Keyring::find(KeyringProvider::Auto, [path], excluded).is_enabled()
        };
        assert!(find(path.clone(), None));
        assert!(!find(path.clone(), Some(folder.path())));
        assert!(!find(path.join("nowhere"), None));
        assert!(!find(PathBuf::from("."), None));
        let disabled = Keyring::find(KeyringProvider::Disabled, [path], None);
        assert!(!disabled.is_enabled() && !Keyring::default().is_enabled());
    }
}
