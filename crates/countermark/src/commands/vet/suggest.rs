//! `vet suggest`: written in the next commits.

use countermark_client::report::Problem;
use countermark_trust::Class;

use crate::cli::OutputArgs;
use crate::cli::vet::SuggestArgs;
use crate::commands::Outcome;

/// Runs the command.
pub(super) fn run(_: &SuggestArgs, _: &OutputArgs) -> Outcome {
    Err(vec![Problem::new("not-yet", Class::Usage, "`vet suggest` is not there yet")])
}
