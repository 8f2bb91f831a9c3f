//! `vet exempt`: written in the next commits.

use countermark_client::report::Problem;
use countermark_trust::Class;

use crate::cli::OutputArgs;
use crate::cli::vet::ExemptArgs;
use crate::commands::Outcome;

/// Runs the command.
pub(super) fn run(_: &ExemptArgs, _: &OutputArgs) -> Outcome {
    Err(vec![Problem::new("not-yet", Class::Usage, "`vet exempt` is not there yet")])
}
