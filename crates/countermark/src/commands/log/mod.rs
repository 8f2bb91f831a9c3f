//! `log`: what everybody asks a log, and what its operator does with it.

#[cfg(feature = "service")]
mod operator;
mod use_log;

use super::Outcome;
use crate::cli::OutputArgs;
use crate::cli::log::{LogArgs, LogCommand};

/// Runs the command.
pub(crate) fn run(arguments: LogArgs, output: &OutputArgs) -> Outcome {
    match arguments.command {
        LogCommand::Use(arguments) => use_log::run(&arguments, output),
        #[cfg(feature = "service")]
        LogCommand::Operator(command) => operator::run(command, output),
    }
}
