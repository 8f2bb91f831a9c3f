//! The program `git`, with nothing but what is asked of it.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use countermark_audit::source::SourceError;

/// Most bytes of what git says on its standard error that are shown.
const MAX_SAID: u64 = 4096;

/// Settings of a repository that make git run something, and what they are set to.
const SETTINGS: &[&str] = &[
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "core.sshCommand=false",
    "core.askPass=false",
    "core.alternateRefsCommand=false",
    // Its times and parents would be believed without looking at the commits.
    "core.commitGraph=false",
    "credential.helper=",
    "gpg.program=false",
    "gpg.ssh.program=false",
    "gpg.x509.program=false",
    "log.showSignature=false",
    "log.showRoot=true",
    "protocol.allow=never",
    // Somebody else's checkout may be read: nothing of its configuration runs.
    "safe.directory=*",
    "safe.bareRepository=all",
];

/// What says how other machines are reached, and whom to believe there.
const PASSED_ON: &[&str] = &[
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
];

/// A repository for the program.
#[derive(Clone, Debug)]
pub(crate) struct Git {
    pub(crate) program: PathBuf,
    root: PathBuf,
}

impl Git {
    pub(crate) fn new(root: &Path) -> Self {
        Self { program: PathBuf::from("git"), root: root.to_owned() }
    }

    pub(crate) fn unreadable(&self, reason: impl Into<String>) -> SourceError {
        SourceError::Unreadable { what: self.root.display().to_string(), reason: reason.into() }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        let path = std::env::var_os("PATH").unwrap_or_else(|| OsString::from("/usr/bin:/bin"));
        // A broken `.git` must not lead to a repository around this one.
        let ceiling =
            std::path::absolute(&self.root).ok().and_then(|it| it.parent().map(Path::to_owned));
        command
            .env_clear()
            .env("PATH", path)
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_GRAFT_FILE", "/dev/null")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_ALLOW_PROTOCOL", "none")
            .env("GIT_CEILING_DIRECTORIES", ceiling.unwrap_or_default())
            .arg("-C")
            .arg(&self.root)
            .args(["--no-pager", "--literal-pathspecs"]);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// A command that may talk to another machine, over one protocol. What it says on its standard
    /// error can be read; on the other one it says nothing.
    pub(crate) fn start_remote(
        &self,
        arguments: &[&str],
        protocol: &str,
    ) -> Result<Child, SourceError> {
        let mut command = self.command(arguments);
        command.env("GIT_ALLOW_PROTOCOL", protocol).env_remove("GIT_NO_LAZY_FETCH");
        // The way to the machine is the user's; passwords are asked for by nobody.
        for name in PASSED_ON {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        if protocol == "ssh" {
            command.env(
                "GIT_SSH_COMMAND",
                "ssh -oBatchMode=yes -oForwardAgent=no -oClearAllForwardings=yes",
            );
            for name in ["HOME", "USER", "SSH_AUTH_SOCK"] {
                if let Some(value) = std::env::var_os(name) {
                    command.env(name, value);
                }
            }
        }
        self.start(command.stdout(Stdio::null()))
    }

    /// A process that answers for one object after the other, see [`super::batch`].
    pub(super) fn start_batch(&self) -> Result<Child, SourceError> {
        let mut command = self.command(&["cat-file", "--batch"]);
        self.start(command.stdin(Stdio::piped()).stderr(Stdio::null()))
    }

    fn start(&self, command: &mut Command) -> Result<Child, SourceError> {
        command.spawn().map_err(|error| {
            let program = self.program.display();
            self.unreadable(format!("the program `{program}` cannot be started: {error}"))
        })
    }

    /// Whether a command ends well; what it says is not looked at.
    pub(crate) fn succeeds(&self, arguments: &[&str]) -> Result<bool, SourceError> {
        let mut command = self.command(arguments);
        let child = self.start(command.stdout(Stdio::null()).stderr(Stdio::null()))?;
        let status = Running(child).finish().map_err(|error| self.unreadable(error.to_string()))?;
        match status.code() {
            Some(0) => Ok(true),
            // That there is no such object is 1 or 128, by command; the repository itself is looked
            // at by whoever asks next.
            Some(1 | 128) => Ok(false),
            _ => Err(self.unreadable(format!("`git {}` ended with {status}", arguments[0]))),
        }
    }

    /// What a command says, whole.
    pub(crate) fn run(&self, arguments: &[&str], limit: u64) -> Result<Vec<u8>, SourceError> {
        let mut running = Running(self.start(&mut self.command(arguments))?);
        let stdout = running.0.stdout.take();
        let stderr = running.0.stderr.take();
        let mut answer = Vec::new();
        let (read, said) = std::thread::scope(|scope| {
            // Both are read at a time: a full pipe would stop git.
            let said = scope.spawn(|| said(stderr));
            let read = stdout
                .map_or(Ok(0), |out| out.take(limit.saturating_add(1)).read_to_end(&mut answer));
            if answer.len() as u64 > limit {
                running.kill();
            }
            (read, said.join().unwrap_or_default())
        });
        read.map_err(|error| self.unreadable(error.to_string()))?;
        if answer.len() as u64 > limit {
            let what = self.root.display().to_string();
            return Err(SourceError::TooLarge { what, limit, unit: "bytes of git's answer" });
        }
        self.check(running, arguments[0], &said)?;
        Ok(answer)
    }

    /// What a command says, whole, about the names that are given to it one a line.
    pub(crate) fn run_for(
        &self,
        arguments: &[&str],
        names: &[String],
        limit: u64,
    ) -> Result<Vec<u8>, SourceError> {
        let mut command = self.command(arguments);
        let mut running = Running(self.start(command.stdin(Stdio::piped()))?);
        let stdin = running.0.stdin.take();
        let stdout = running.0.stdout.take();
        let stderr = running.0.stderr.take();
        let mut answer = Vec::new();
        let (read, said) = std::thread::scope(|scope| {
            scope.spawn(move || ask(stdin, names));
            let said = scope.spawn(|| said(stderr));
            let read = stdout
                .map_or(Ok(0), |out| out.take(limit.saturating_add(1)).read_to_end(&mut answer));
            if answer.len() as u64 > limit {
                running.kill();
            }
            (read, said.join().unwrap_or_default())
        });
        read.map_err(|error| self.unreadable(error.to_string()))?;
        if answer.len() as u64 > limit {
            let what = self.root.display().to_string();
            return Err(SourceError::TooLarge { what, limit, unit: "bytes of git's answer" });
        }
        self.check(running, arguments[0], &said)?;
        Ok(answer)
    }

    fn check(&self, running: Running, command: &str, said: &str) -> Result<(), SourceError> {
        let status = running.finish().map_err(|error| self.unreadable(error.to_string()))?;
        if status.success() {
            return Ok(());
        }
        let first = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("nothing was said");
        let first: String = first.chars().filter(|c| !c.is_control()).take(300).collect();
        Err(self.unreadable(format!("`git {command}` ended with {status}: {first}")))
    }

    /// The bytes of blobs, in the order of their names, through one process.
    pub(crate) fn objects(
        &self,
        names: &[String],
        limit: u64,
        each: &mut dyn FnMut(usize, &[u8]),
    ) -> Result<(), SourceError> {
        if names.is_empty() {
            return Ok(());
        }
        let mut command = self.command(&["cat-file", "--batch", "--buffer"]);
        let mut running = Running(self.start(command.stdin(Stdio::piped()))?);
        let stdin = running.0.stdin.take();
        let stdout = running.0.stdout.take();
        let stderr = running.0.stderr.take();
        let (read, said) = std::thread::scope(|scope| {
            scope.spawn(move || ask(stdin, names));
            let said = scope.spawn(|| said(stderr));
            let read = stdout.map_or(Ok(()), |out| self.answers(out, names, limit, each));
            if read.is_err() {
                running.kill();
            }
            (read, said.join().unwrap_or_default())
        });
        read?;
        self.check(running, "cat-file", &said)
    }

    fn answers(
        &self,
        stdout: impl Read,
        names: &[String],
        limit: u64,
        each: &mut dyn FnMut(usize, &[u8]),
    ) -> Result<(), SourceError> {
        let mut reader = BufReader::with_capacity(256 * 1024, stdout);
        let mut head = Vec::new();
        let mut bytes = Vec::new();
        let failed = |error: io::Error| self.unreadable(error.to_string());
        for (number, name) in names.iter().enumerate() {
            head.clear();
            reader.by_ref().take(MAX_SAID).read_until(b'\n', &mut head).map_err(failed)?;
            let line = String::from_utf8_lossy(&head);
            let line = line.trim_end();
            let mut words = line.rsplit(' ');
            let size = words.next().and_then(|size| size.parse::<u64>().ok());
            let (Some(size), Some("blob")) = (size, words.next()) else {
                let shown: String = line.chars().take(100).collect();
                return Err(self.unreadable(format!("`{name}` is not to be had: `{shown}`")));
            };
            if size > limit {
                let what = format!("{}: {name}", self.root.display());
                return Err(SourceError::TooLarge { what, limit, unit: "bytes" });
            }
            bytes.clear();
            let found = reader.by_ref().take(size).read_to_end(&mut bytes).map_err(failed)?;
            let mut end = [0];
            reader.read_exact(&mut end).map_err(failed)?;
            if found as u64 != size || end != *b"\n" {
                return Err(self.unreadable(format!("the answer for `{name}` was cut off")));
            }
            each(number, &bytes);
        }
        Ok(())
    }
}

fn ask(stdin: Option<impl Write>, names: &[String]) {
    let Some(stdin) = stdin else { return };
    let mut writer = io::BufWriter::new(stdin);
    for name in names {
        // When git is gone, its answer says so.
        if writeln!(writer, "{name}").is_err() {
            return;
        }
    }
}

/// The beginning of what is said; the rest is read, so that nobody waits, and dropped.
fn said(stderr: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut stderr) = stderr {
        let _ = stderr.by_ref().take(MAX_SAID).read_to_end(&mut bytes);
        let _ = io::copy(&mut stderr, &mut io::sink());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A child that does not outlive us, whatever happens.
pub(super) struct Running(pub(super) Child);

impl Running {
    fn finish(mut self) -> io::Result<std::process::ExitStatus> {
        self.0.wait()
    }

    fn kill(&mut self) {
        let _ = self.0.kill();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // After `finish` both do nothing.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
