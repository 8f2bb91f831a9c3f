//! `vet`: the ledger of reviews.

mod aggregate;
pub(crate) mod certify;
mod check;
mod exempt;
mod explain;
mod facts;
mod ground;
mod import;
mod init;
mod inspect;
mod key;
mod merge;
mod names;
mod offers;
pub(crate) mod place;
pub(crate) mod proposed;
mod prune;
mod relate;
mod renew;
mod since;
pub(crate) mod subjects;
mod suggest;
mod trust;
mod violation;

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
        VetCommand::Facts(arguments) => facts::run(&arguments, output),
        VetCommand::Relate(arguments) => relate::run(&arguments, output),
        VetCommand::Inspect(arguments) => inspect::inspect(&arguments, output),
        VetCommand::Diff(arguments) => inspect::diff(&arguments, output),
        VetCommand::Certify(arguments) => certify::run(&arguments, output),
        VetCommand::Key(arguments) => key::run(&arguments, output),
        VetCommand::Import(arguments) => import::run(&arguments, output),
        VetCommand::Exempt(arguments) => exempt::run(&arguments, output),
        VetCommand::Trust(arguments) => trust::run(&arguments, output),
        VetCommand::Violation(arguments) => violation::run(&arguments, output),
        VetCommand::Renew(arguments) => renew::run(&arguments, output),
        VetCommand::Prune(arguments) => prune::run(&arguments, output),
        VetCommand::Merge(arguments) => merge::run(&arguments, output),
        VetCommand::Aggregate(arguments) => aggregate::run(&arguments, output),
    }
}
