//! `countermark observe`: what projects, distributions and indexes say of files, side by side.

#[cfg(feature = "service")]
mod crawl;
#[cfg(feature = "service")]
mod distributions;
#[cfg(feature = "service")]
mod feed;
#[cfg(feature = "service")]
mod index;
mod once;
mod report;

use countermark_client::report::Problem;
use countermark_lock::observe::Report;
use countermark_trust::Class;

use super::Outcome;
use crate::cli::OutputArgs;
use crate::cli::observe::{FailOnClass, ObserveArgs, ObserveCommand};

/// Runs the command.
pub(super) fn run(arguments: &ObserveArgs, output: &OutputArgs) -> Outcome {
    match &arguments.command {
        Some(ObserveCommand::Report(arguments)) => report::run(arguments),
        #[cfg(feature = "service")]
        Some(ObserveCommand::Index(arguments)) => index::run(arguments, output),
        #[cfg(feature = "service")]
        Some(ObserveCommand::Distributions(arguments)) => distributions::run(arguments, output),
        #[cfg(feature = "service")]
        Some(ObserveCommand::Crawl(arguments)) => crawl::run(arguments, output),
        None if arguments.once.once => once::run(&arguments.once, output),
        None => {
            let message = "say what to do: `--once FOLDER`, or one of the subcommands";
            Err(vec![Problem::new("nothing-to-observe", Class::Usage, message)])
        }
    }
}

/// A disagreement between locks is no proof against anybody, so it is a "no" and not an alarm of the
/// fourth kind.
fn exit_code(report: &Report, fail_on: FailOnClass) -> u8 {
    let says_no = match fail_on {
        FailOnClass::Alarm => report.alarms() > 0,
        FailOnClass::Any => !report.findings.is_empty(),
        FailOnClass::Never => false,
    };
    if says_no { Class::Rejected.exit_code() } else { 0 }
}
