//! `observe report`: the report again, from what an earlier run kept, or from the database.

use std::path::Path;

use countermark_client::report::Problem;
use countermark_lock::observe::report::{html, json, markdown, sarif, text};
use countermark_lock::observe::{Report, Statement, Statements, list, saved};
use countermark_trust::Class;

use super::super::Outcome;
use super::super::audit::write::to_file;
use super::super::gate::locks;
use crate::cli::observe::{ObserveFormat, ReportArgs};
use crate::output;

/// The most bytes of what was kept.
const MAXIMUM: u64 = 4 << 30;

/// Runs the command.
pub(super) fn run(arguments: &ReportArgs) -> Outcome {
    let report = Report::of(&statements(arguments)?, Vec::new(), Vec::new());
    let is_file = arguments.output.is_some();
    let text = match arguments.format {
        ObserveFormat::Text => text::write(&report, !is_file),
        ObserveFormat::Markdown => markdown::write(&report),
        ObserveFormat::Json => json::write(&report),
        ObserveFormat::Sarif => sarif::write(&report),
        ObserveFormat::Html => html::write(&report),
    };
    match &arguments.output {
        Some(path) => to_file(path, &text)?,
        None => output::print(text.trim_end()),
    }
    Ok(super::exit_code(&report, arguments.fail_on))
}

fn statements(arguments: &ReportArgs) -> Result<Vec<Statement>, Vec<Problem>> {
    #[cfg(feature = "service")]
    if let Some(address) = &arguments.database {
        let runtime = super::feed::runtime()?;
        let db = super::feed::open_database(&runtime, address, None)?;
        let all = countermark_service::observe::crawl::all_statements(&*db);
        return runtime.block_on(all).map_err(|error| super::feed::database_problem(&error));
    }
    let mut statements = Statements::default();
    for path in &arguments.files {
        read(path, &mut statements)?;
    }
    Ok(statements.into_vec())
}

fn read(path: &Path, into: &mut Statements) -> Result<(), Vec<Problem>> {
    let unusable = |reason: String| {
        let message = format!("`{}` holds no observations: {reason}", path.display());
        let problem = Problem::new("observations-unusable", Class::Usage, message);
        vec![problem.with_hint("`observe --once` writes observations.jsonl and digests.txt")]
    };
    let bytes = locks::read_file(path, MAXIMUM)?;
    if bytes.starts_with(b"SQLite format 3\0") {
        let mut problems = unusable("it is a database".to_owned());
        let hint = format!("`--database {}` reports of a database", path.display());
        problems.iter_mut().for_each(|problem| problem.hint = Some(hint.clone()));
        return Err(problems);
    }
    let text = String::from_utf8(bytes).map_err(|_| unusable("it is not UTF-8".to_owned()))?;
    if text.starts_with('#') {
        let listed = list::parse(&text).map_err(|error| unusable(error.to_string()))?;
        into.extend(listed.into_vec());
    } else {
        into.extend(saved::parse(&text).map_err(|error| unusable(error.to_string()))?);
    }
    Ok(())
}
