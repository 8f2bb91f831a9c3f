//! `completions` and `man`: both from the definition of the command line.

use std::path::Path;

use clap::CommandFactory as _;
use countermark_client::report::Problem;
use countermark_trust::Class;

use super::Outcome;
use crate::cli::Cli;
use crate::output;

/// Prints the completions of a shell.
pub(crate) fn completions(shell: clap_complete::Shell) -> u8 {
    // Written in one piece: whoever reads it may have had enough, as `head` does.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "countermark", &mut script);
    output::print(String::from_utf8_lossy(&script).trim_end_matches('\n'));
    0
}

/// Writes a page for the program and one for each command.
pub(crate) fn manual(folder: &Path) -> Outcome {
    std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), folder))
        .map(|()| 0)
        .map_err(|error| {
            let message = format!("cannot write manual pages to `{}`", folder.display());
            let problem = Problem::new("write-failed", Class::Unavailable, message);
            vec![problem.with_detail(error.to_string())]
        })
}
