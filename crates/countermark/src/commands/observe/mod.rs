//! `countermark observe`: what projects, distributions and indexes say of files, side by side.

use countermark_client::report::Problem;
use countermark_trust::Class;

use super::Outcome;
use crate::cli::OutputArgs;
use crate::cli::observe::{ObserveArgs, ObserveCommand};

/// Runs the command.
pub(super) fn run(arguments: &ObserveArgs, _output: &OutputArgs) -> Outcome {
    match &arguments.command {
        Some(ObserveCommand::Report(_)) | None => {
            let message = "say what to do: `--once FOLDER`, or one of the subcommands";
            Err(vec![Problem::new("nothing-to-observe", Class::Usage, message)])
        }
    }
}
