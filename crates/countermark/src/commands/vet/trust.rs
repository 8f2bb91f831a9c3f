//! `vet trust`: written in the next commits.

use countermark_client::report::Problem;
use countermark_trust::Class;

use crate::cli::OutputArgs;
use crate::cli::vet::TrustArgs;
use crate::commands::Outcome;

/// Runs the command.
pub(super) fn run(_: &TrustArgs, _: &OutputArgs) -> Outcome {
    Err(vec![Problem::new("not-yet", Class::Usage, "`vet trust` is not there yet")])
}
