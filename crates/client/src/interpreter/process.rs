//! Runs a short program with limits on time and output.
//!
//! The program is trusted to be the user's interpreter, not to be quick or quiet: it gets its own
//! process group, so that one signal ends it together with whatever it started.

use crate::system::unix::process::CommandExt as _;
use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// What a program printed and how it ended.
#[derive(Debug)]
pub(crate) struct Output {
    /// At most the limit.
    pub(crate) stdout: Vec<u8>,
    /// The first 16 KiB.
    pub(crate) stderr: String,
    /// Exit code 0.
    pub(crate) is_success: bool,
}

/// Why a program gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It could not be started, or its pipes failed.
    #[error("cannot be run")]
    Start(#[source] io::Error),
    /// It did not end in time and was killed.
    #[error("gave no answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// It printed more than anybody asked for and was killed.
    #[error("printed more than {0} bytes")]
    TooMuchOutput(u64),
}

/// A command whose environment cannot change what an interpreter says about itself: `-I` covers
/// `PYTHON*` in the interpreter proper, but `sysconfig` reads some `_PYTHON*` on its own.
pub(crate) fn isolated_command(executable: &Path) -> Command {
    let mut command = Command::new(executable);
    for (name, _) in std::env::vars_os() {
        if is_interpreter_variable(&name) {
            command.env_remove(name);
        }
    }
    command.process_group(0);
    command
}

fn is_interpreter_variable(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(b"PYTHON") || name.starts_with(b"_PYTHON") || name == b"__PYVENV_LAUNCHER__"
}

/// Runs a command to its end, with nothing on its standard input.
///
/// # Errors
/// [`ProcessError`]; the program is no longer running then.
pub(crate) fn run_bounded(
    mut command: Command,
    time: Duration,
    max_output: u64,
) -> Result<Output, ProcessError> {
    const MAX_ERRORS: u64 = 16 << 10;
    let deadline = Instant::now() + time;
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Group(command.spawn().map_err(ProcessError::Start)?);
    let stdout = read_in_background(child.0.stdout.take(), max_output + 1);
    let stderr = read_in_background(child.0.stderr.take(), MAX_ERRORS);
    let wait = |channel: &mpsc::Receiver<io::Result<Vec<u8>>>| {
        let left = deadline.saturating_duration_since(Instant::now());
        let answer = channel.recv_timeout(left).map_err(|_| ProcessError::TimedOut(time))?;
        answer.map_err(ProcessError::Start)
    };
    let printed = wait(&stdout)?;
    if printed.len() as u64 > max_output {
        return Err(ProcessError::TooMuchOutput(max_output));
    }
    let errors = wait(&stderr)?;
    // Both pipes are closed, so the end is near; a program that lingers is not waited for.
    let status = loop {
        if let Some(status) = child.0.try_wait().map_err(ProcessError::Start)? {
            break status;
        }
        if Instant::now() >= deadline {
            return Err(ProcessError::TimedOut(time));
        }
        thread::sleep(Duration::from_micros(200));
    };
    Ok(Output {
        stdout: printed,
        stderr: String::from_utf8_lossy(&errors).into_owned(),
        is_success: status.success(),
    })
}

/// Reads to the end of a pipe, keeping at most `limit` bytes, and closes it.
fn read_in_background(
    pipe: Option<impl Read + Send + 'static>,
    limit: u64,
) -> mpsc::Receiver<io::Result<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let answer = pipe
            .ok_or_else(|| io::Error::from(io::ErrorKind::BrokenPipe))
            .and_then(|pipe| pipe.take(limit).read_to_end(&mut bytes));
        // Nobody listens any more after a time-out.
        let _ = sender.send(answer.map(|_| bytes));
    });
    receiver
}

/// A child that leads a process group; the whole group ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Group(pub(crate) Child);

impl Drop for Group {
    fn drop(&mut self) {
        // An exited child that was not waited for keeps its id, so this cannot hit a stranger.
        if matches!(self.0.try_wait(), Ok(None)) {
            if let Ok(Some(group)) =
                i32::try_from(self.0.id()).map(crate::system::process::Pid::from_raw)
            {
                let _ = crate::system::process::kill_process_group(
                    group,
                    crate::system::process::Signal::KILL,
                );
            }
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(script: &str, time: Duration, limit: u64) -> Result<Output, ProcessError> {
        let mut command = isolated_command(Path::new("/bin/sh"));
        command.args(["-c", script]);
        run_bounded(command, time, limit)
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_short_program_answers() {
        let output = run("echo out; echo err >&2; exit 3", LONG, 10).unwrap();
        assert_eq!(output.stdout, b"out\n");
        assert_eq!(output.stderr, "err\n");
        assert!(!output.is_success);
    }

    #[test]
    fn a_program_that_hangs_is_killed_with_its_children() {
        let started = Instant::now();
        let answer = run("sleep 50 & sleep 50", Duration::from_millis(50), 10);
        assert!(matches!(answer, Err(ProcessError::TimedOut(_))), "{answer:?}");
        let answer = run("exec >&- 2>&-; sleep 50", Duration::from_millis(50), 10);
        assert!(matches!(answer, Err(ProcessError::TimedOut(_))), "{answer:?}");
        assert!(started.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn a_program_that_chatters_is_killed() {
        let answer = run("while :; do echo chatter; done", LONG, 1000);
        assert!(matches!(answer, Err(ProcessError::TooMuchOutput(1000))), "{answer:?}");
        assert_eq!(run("printf 12345", LONG, 5).unwrap().stdout, b"12345");
    }

    #[test]
    fn a_missing_program_is_told_apart() {
        let command = isolated_command(Path::new("/nonexistent/python"));
        let answer = run_bounded(command, LONG, 10);
        assert!(matches!(answer, Err(ProcessError::Start(_))), "{answer:?}");
    }

    #[test]
    fn variables_of_the_interpreter_are_known_by_name() {
        for (name, expect) in [
            ("PYTHONPATH", true),
            ("_PYTHON_SYSCONFIGDATA_NAME", true),
            ("__PYVENV_LAUNCHER__", true),
            ("PATH", false),
            ("PYENV_VERSION", false),
        ] {
            assert_eq!(is_interpreter_variable(OsStr::new(name)), expect, "{name}");
        }
    }
}
