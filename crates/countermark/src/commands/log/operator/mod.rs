//! What the operator of a log does.

use countermark_client::report::Problem;
use countermark_trust::Class;

use super::super::Outcome;
use crate::cli::OutputArgs;
use crate::cli::log_operator::OperatorCommand;

/// Runs the command.
pub(super) fn run(command: OperatorCommand, _output: &OutputArgs) -> Outcome {
    let message = format!("{command:?} is not built yet");
    Err(vec![Problem::new("not-built", Class::Usage, message)])
}
