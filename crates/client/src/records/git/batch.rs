//! Objects of a repository, one after the other, through one process.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{ChildStdin, ChildStdout};

use countermark_audit::source::SourceError;

use super::process::{Git, Running};

/// Longest line before an object.
const MAX_HEAD: u64 = 4096;

/// A process that is asked for objects. It ends with this value.
pub(crate) struct Batch {
    git: Git,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    _running: Running,
}

impl Batch {
    pub(crate) fn start(git: &Git) -> Result<Self, SourceError> {
        let mut running = Running(git.start_batch()?);
        let pipes = (running.0.stdin.take(), running.0.stdout.take());
        let (Some(stdin), Some(stdout)) = pipes else {
            return Err(git.unreadable("git has no pipes"));
        };
        let stdout = BufReader::with_capacity(64 * 1024, stdout);
        Ok(Self { git: git.clone(), stdin, stdout, _running: running })
    }

    /// The bytes of an object of a kind; none where there is none of that name and kind. `name` is one in
    /// hexadecimal digits: anything else could be another question.
    pub(crate) fn read(
        &mut self,
        kind: &str,
        name: &str,
        limit: u64,
    ) -> Result<Option<Vec<u8>>, SourceError> {
        if !countermark_ledger::signature::git::is_name(name) {
            return Ok(None);
        }
        let failed = |error: std::io::Error| self.git.unreadable(error.to_string());
        writeln!(self.stdin, "{name}").and_then(|()| self.stdin.flush()).map_err(failed)?;
        let mut head = String::new();
        self.stdout.by_ref().take(MAX_HEAD).read_line(&mut head).map_err(failed)?;
        let words: Vec<&str> = head.trim_end().split(' ').collect();
        let (found, size) = match words[..] {
            [_, "missing"] => return Ok(None),
            [answered, found, size] if answered == name => (found, size.parse::<u64>().ok()),
            _ => (head.trim_end(), None),
        };
        let Some(size) = size else {
            let shown: String = found.chars().filter(|it| !it.is_control()).take(100).collect();
            return Err(self.git.unreadable(format!("`{name}` is not to be had: `{shown}`")));
        };
        if size > limit {
            let what = format!("the object {name}");
            return Err(SourceError::TooLarge { what, limit, unit: "bytes" });
        }
        let mut bytes = Vec::new();
        let read = self.stdout.by_ref().take(size).read_to_end(&mut bytes).map_err(failed)?;
        let mut end = [0];
        self.stdout.read_exact(&mut end).map_err(failed)?;
        if read as u64 != size || end != *b"\n" {
            return Err(self.git.unreadable(format!("the answer for `{name}` was cut off")));
        }
        Ok((found == kind).then_some(bytes))
    }
}
