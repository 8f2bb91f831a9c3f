//! `log`: what everybody asks a log, and what its operator does with it.

#[cfg(feature = "service")]
mod operator;

use super::Outcome;
use crate::cli::OutputArgs;
use crate::cli::log::{LogArgs, LogCommand};

/// Runs the command.
pub(crate) fn run(
    arguments: LogArgs,
    #[cfg_attr(not(feature = "service"), expect(unused, reason = "no command to say it to"))]
    output: &OutputArgs,
) -> Outcome {
    match arguments.command {
        #[cfg(feature = "service")]
        LogCommand::Operator(command) => operator::run(command, output),
    }
}
