//! `vet violation`: written in the next commits.

use countermark_client::report::Problem;
use countermark_trust::Class;

use crate::cli::OutputArgs;
use crate::cli::vet::ViolationArgs;
use crate::commands::Outcome;

/// Runs the command.
pub(super) fn run(_: &ViolationArgs, _: &OutputArgs) -> Outcome {
    Err(vec![Problem::new("not-yet", Class::Usage, "`vet violation` is not there yet")])
}
