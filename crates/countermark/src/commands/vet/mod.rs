//! `vet`: the ledger of reviews.

mod check;
mod explain;
mod init;
mod relate;
mod names;
mod offers;
pub(crate) mod place;
mod since;
pub(crate) mod subjects;
mod suggest;

use super::Outcome;
use crate::cli::OutputArgs;
use crate::cli::vet::{VetArgs, VetCommand};

/// Runs the command.
pub(super) fn run(arguments: VetArgs, output: &OutputArgs) -> Outcome {
    let Some(command) = arguments.command else { return check::run(&arguments.check, output) };
    match command {
        VetCommand::Check(arguments) => check::run(&arguments, output),
        VetCommand::Init(arguments) => init::run(&arguments, output),
        VetCommand::Suggest(arguments) => suggest::run(&arguments, output),
        VetCommand::Explain(arguments) => explain::run(&arguments, output),
        VetCommand::Relate(arguments) => relate::run(&arguments, output),
    }
}
