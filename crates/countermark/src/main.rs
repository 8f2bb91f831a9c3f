//! The `countermark` command: arguments in, exit code out.

mod cli;
mod commands;
mod output;
mod progress;
mod session;
mod setup;

use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

fn main() -> ExitCode {
    let arguments = match cli::Cli::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help that was asked for is no mistake.
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            let _ = error.print();
            return ExitCode::from(if asked { 0 } else { 2 });
        }
    };
    output::set_up(&arguments.output);
    ExitCode::from(commands::run(arguments))
}
