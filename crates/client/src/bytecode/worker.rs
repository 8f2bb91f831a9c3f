//! A process of the interpreter that compiles, one file after the other.
//!
//! It is the interpreter of the user and trusted like it; the sources it reads are not. The worst a
//! source can do is to crash or stall the compiler, so answers have a time limit and a worker that
//! fails is replaced.

use crate::system::unix::ffi::OsStrExt as _;
use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countermark_packaging::digest::Sha256;
use serde::{Deserialize, Serialize};

use super::Optimization;
use crate::interpreter::Interpreter;
use crate::interpreter::process::Group;

const PROGRAM: &str = include_str!("worker.py");
/// The largest sources that exist take some ten seconds.
const ANSWER_TIME: Duration = Duration::from_secs(120);
const MAX_LINE: u64 = 64 << 10;
const MAX_BYTES: u64 = 512 << 20;

/// One source to compile.
pub(super) struct Job<'a> {
    pub(super) source: Source<'a>,
    /// Refuses other bytes.
    pub(super) sha256: Option<Sha256>,
    /// What `co_filename` says.
    pub(super) name: &'a str,
    pub(super) optimization: Optimization,
    /// Where the bytecode is written; without it, it is in the answer.
    pub(super) output: Option<&'a Path>,
}

/// Where the bytes come from.
pub(super) enum Source<'a> {
    File(&'a Path),
    Bytes { bytes: &'a [u8], modified: i64 },
}

/// What became of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Compiled {
        sha256: Sha256,
        size: u64,
        source_hash: [u8; 8],
        /// Empty when it was written to a file.
        bytes: Vec<u8>,
    },
    /// The compiler refuses the source.
    Invalid(String),
    /// The source has another digest.
    Changed,
    Unreadable(String),
    Unwritable(String),
}

/// Why there is no answer. The worker is of no use afterwards.
#[derive(Debug, thiserror::Error)]
pub(super) enum WorkerError {
    #[error("the interpreter cannot be started")]
    Start(#[source] io::Error),
    #[error("the interpreter ended while it compiled")]
    Ended,
    #[error("the interpreter did not finish within {} s", .0.as_secs())]
    TimedOut(Duration),
    #[error("the interpreter answered something else")]
    Nonsense,
}

pub(super) struct Worker {
    stdin: ChildStdin,
    answers: mpsc::Receiver<Result<Answer, WorkerError>>,
    time: Duration,
    // Dropped last: kills what still runs.
    _child: Group,
}

impl Worker {
    pub(super) fn start(interpreter: &Interpreter) -> Result<Self, WorkerError> {
        let mut command = interpreter.isolated_command();
        command.args(["-c", PROGRAM]);
        Self::start_command(command, ANSWER_TIME)
    }

    pub(super) fn start_command(mut command: Command, time: Duration) -> Result<Self, WorkerError> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = Group(command.spawn().map_err(WorkerError::Start)?);
        let (Some(stdin), Some(stdout)) = (child.0.stdin.take(), child.0.stdout.take()) else {
            return Err(WorkerError::Nonsense);
        };
        let (sender, answers) = mpsc::sync_channel(1);
        thread::spawn(move || {
            let mut stdout = BufReader::new(stdout);
            loop {
                let answer = read_answer(&mut stdout);
                let is_last = answer.is_err();
                if sender.send(answer).is_err() || is_last {
                    break;
                }
            }
        });
        Ok(Self { stdin, answers, time, _child: child })
    }

    pub(super) fn compile(&mut self, job: &Job<'_>) -> Result<Answer, WorkerError> {
        let encode = |path: &Path| STANDARD.encode(path.as_os_str().as_bytes());
        let (path, bytes, modified) = match job.source {
            Source::File(path) => (Some(encode(path)), &[][..], 0),
            Source::Bytes { bytes, modified } => (None, bytes, modified),
        };
        let line = Line {
            path,
            length: bytes.len(),
            modified,
            sha256: job.sha256.map(|sha256| sha256.hex()),
            name: job.name,
            optimization: job.optimization.level(),
            output: job.output.map(encode),
        };
        let mut text = serde_json::to_vec(&line).map_err(|_| WorkerError::Nonsense)?;
        text.push(b'\n');
        let sent = self.stdin.write_all(&text).and_then(|()| self.stdin.write_all(bytes));
        sent.and_then(|()| self.stdin.flush()).map_err(|_| WorkerError::Ended)?;
        match self.answers.recv_timeout(self.time) {
            Ok(answer) => answer,
            Err(mpsc::RecvTimeoutError::Timeout) => Err(WorkerError::TimedOut(self.time)),
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(WorkerError::Ended),
        }
    }
}

/// What `worker.py` reads.
#[derive(Serialize)]
struct Line<'a> {
    path: Option<String>,
    length: usize,
    modified: i64,
    sha256: Option<String>,
    name: &'a str,
    optimization: u8,
    output: Option<String>,
}

/// What `worker.py` writes.
#[derive(Deserialize)]
struct AnswerLine {
    kind: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    sha256: String,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    source_hash: String,
    length: u64,
}

fn read_answer(stdout: &mut BufReader<impl Read>) -> Result<Answer, WorkerError> {
    let mut line = Vec::new();
    let read = stdout.by_ref().take(MAX_LINE).read_until(b'\n', &mut line);
    if read.map_err(|_| WorkerError::Ended)? == 0 {
        return Err(WorkerError::Ended);
    }
    let line: AnswerLine = serde_json::from_slice(&line).map_err(|_| WorkerError::Nonsense)?;
    if line.length > MAX_BYTES {
        return Err(WorkerError::Nonsense);
    }
    let mut bytes = Vec::new();
    stdout.by_ref().take(line.length).read_to_end(&mut bytes).map_err(|_| WorkerError::Ended)?;
    if bytes.len() as u64 != line.length {
        return Err(WorkerError::Ended);
    }
    let message = line.message.chars().filter(|c| !c.is_control()).collect();
    match line.kind.as_str() {
        "compiled" => Ok(Answer::Compiled {
            sha256: Sha256::parse_hex(&line.sha256).map_err(|_| WorkerError::Nonsense)?,
            size: line.size,
            source_hash: u64::from_str_radix(&line.source_hash, 16)
                .map_err(|_| WorkerError::Nonsense)?
                .to_be_bytes(),
            bytes,
        }),
        "invalid" => Ok(Answer::Invalid(message)),
        "changed" => Ok(Answer::Changed),
        "unreadable" => Ok(Answer::Unreadable(message)),
        "unwritable" => Ok(Answer::Unwritable(message)),
        _ => Err(WorkerError::Nonsense),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer_of(script: &str, time: Duration) -> Result<Answer, WorkerError> {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let mut worker = Worker::start_command(command, time).unwrap();
        worker.compile(&Job {
            source: Source::Bytes { bytes: b"", modified: 0 },
            sha256: None,
            name: "x",
            optimization: Optimization::None,
            output: None,
        })
    }

    #[test]
    fn a_worker_that_fails_is_told_apart() {
        let long = Duration::from_secs(60);
        let check = |script: &str, time, expect: &str| {
            let error = answer_of(script, time).unwrap_err().to_string();
            assert!(error.contains(expect), "{script}: {error}");
        };
        check("read line", long, "ended");
        check("exit", long, "ended");
        check("read line; sleep 60", Duration::from_millis(30), "did not finish");
        check("read line; echo hello; read line", long, "something else");
        check(
            "read line; echo '{\"kind\": \"compiled\", \"length\": 5}'; printf 123",
            long,
            "ended",
        );
        check(
            "read line; echo '{\"kind\": \"other\", \"length\": 0}'; read line",
            long,
            "something else",
        );
        check(
            "read line; echo '{\"kind\": \"changed\", \"length\": 99999999999}'; read line",
            long,
            "something else",
        );
        let answer =
            answer_of("read line; echo '{\"kind\": \"changed\", \"length\": 0}'; read line", long);
        assert_eq!(answer.unwrap(), Answer::Changed);
    }
}
