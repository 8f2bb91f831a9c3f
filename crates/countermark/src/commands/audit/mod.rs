//! `audit`: what is on the index that nobody released, and who could put it there?

mod facts;
pub(crate) mod gather;
mod init;
mod records;
pub(crate) mod write;

use countermark_audit::finding::Severity;
use countermark_audit::report::{Options, Report, explain};
use countermark_client::report::Problem;
use countermark_trust::Class;

use super::Outcome;
use crate::cli::OutputArgs;
use crate::cli::audit::{AuditArgs, AuditCommand, FailOn, Level};
use crate::output;
use crate::progress::Teller;

/// Runs the command.
pub(crate) fn run(arguments: &AuditArgs, output: &OutputArgs) -> Outcome {
    match &arguments.command {
        None => audit(arguments, output),
        Some(AuditCommand::Init(arguments)) => init::run(arguments, output),
        Some(AuditCommand::Explain { rule }) => explain(rule.as_deref()),
        Some(AuditCommand::Schema { file }) => {
            output::print(write::schema(*file).trim_end());
            Ok(0)
        }
    }
}

fn audit(arguments: &AuditArgs, output: &OutputArgs) -> Outcome {
    let teller = Teller::new(output);
    let gathered = gather::gather(&arguments.input, &teller)?;
    let options = Options {
        all: arguments.all,
        least: severity(arguments.least),
        details: arguments.details,
        width: write::width(),
    };
    write::report(&gathered.report, arguments, options)?;
    Ok(exit_code(&gathered.report, arguments.fail_on))
}

fn severity(level: Level) -> Severity {
    match level {
        Level::High => Severity::High,
        Level::Medium => Severity::Medium,
        Level::Low => Severity::Low,
    }
}

/// Findings are a "no". Projects of which the index said nothing, and records that could not be read,
/// are "could not check", which findings outweigh.
pub(crate) fn exit_code(report: &Report, fail_on: FailOn) -> u8 {
    let least = match fail_on {
        FailOn::High => Some(Severity::High),
        FailOn::Medium => Some(Severity::Medium),
        FailOn::Low => Some(Severity::Low),
        FailOn::Never => None,
    };
    if least.is_some_and(|least| report.count(least) > 0) {
        Class::Rejected.exit_code()
    } else if !report.unread.is_empty() || !report.problems.is_empty() {
        Class::Unavailable.exit_code()
    } else {
        0
    }
}

fn explain(code: Option<&str>) -> Outcome {
    let colors = true;
    let Some(code) = code else {
        output::print(explain::list(write::width(), colors).trim_end());
        return Ok(0);
    };
    match explain::text(code, write::width(), colors) {
        Ok(text) => {
            output::print(text.trim_end());
            Ok(0)
        }
        Err(error) => {
            let problem = Problem::of("unknown-rule", error.class(), &error);
            Err(vec![problem.with_hint(error.hint())])
        }
    }
}
