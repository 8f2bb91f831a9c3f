//! The pager that the user has chosen, for texts that others wrote.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::setup;

/// Shows what `write` writes; `None` where there is no pager, and then nothing was written. What is
/// written must have been made harmless.
pub(crate) fn page(write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Option<()> {
    let pager = setup::variable("PAGER").and_then(|pager| pager.into_string().ok());
    let words = shlex::split(pager.as_deref().unwrap_or("less -R"))?;
    let (program, arguments) = words.split_first()?;
    let mut child = Command::new(program)
        .args(arguments)
        // Nothing that a package contains may make the pager run something.
        .env("LESSSECURE", "1")
        .stdin(Stdio::piped())
        .spawn()
        .ok()?;
    if let Some(mut input) = child.stdin.take() {
        // A reader who has seen enough closes the pipe.
        let _ = write(&mut input);
    }
    child.wait().ok()?;
    Some(())
}
