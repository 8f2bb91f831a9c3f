//! `log`: what everybody asks a log, and what its operator does with it.

pub(crate) mod check;
mod convict;
mod lookup;
mod monitor;
#[cfg(feature = "service")]
pub(super) mod operator;
pub(crate) mod proofs;
mod setting;
mod show;
mod use_log;
mod verify;

use super::Outcome;
use crate::cli::OutputArgs;
use crate::cli::log::{LogArgs, LogCommand};

/// Runs the command.
pub(crate) fn run(arguments: LogArgs, output: &OutputArgs) -> Outcome {
    match arguments.command {
        LogCommand::Use(arguments) => use_log::run(&arguments, output),
        LogCommand::Lookup(arguments) => lookup::run(&arguments, output),
        LogCommand::Verify(arguments) => verify::run(&arguments, output),
        LogCommand::Monitor(arguments) => monitor::run(&arguments, output),
        LogCommand::Convict(arguments) => convict::run(&arguments, output),
        #[cfg(feature = "service")]
        LogCommand::Operator(command) => operator::run(command, output),
    }
}
