//! `port`: peep's comments become `--hash` options; everything else stays as it is.

use std::io::Write as _;
use std::path::Path;

use countermark_client::report::Problem;
use countermark_packaging::lock::requirements::edit::Document;
use countermark_trust::Class;

use super::Outcome;
use super::report::replace_file;
use crate::cli::PortArgs;
use crate::output;

/// Runs the command. A digest that cannot be read is an error about its line; the others are
/// converted all the same.
pub(crate) fn run(arguments: &PortArgs) -> Outcome {
    let mut problems = Vec::new();
    for path in &arguments.files {
        if let Err(more) = port(path, arguments) {
            problems.extend(more);
        }
    }
    if problems.is_empty() { Ok(0) } else { Err(problems) }
}

fn port(path: &Path, arguments: &PortArgs) -> Result<(), Vec<Problem>> {
    let shown = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| {
        let message = format!("cannot read `{shown}`");
        vec![Problem::new("file-unreadable", Class::Usage, message).with_detail(error.to_string())]
    })?;
    let document = Document::parse(&shown, &bytes).map_err(|error| vec![Problem::from(&error)])?;
    let ported = document.ported();
    if !arguments.write {
        if arguments.files.len() > 1 {
            output::print(&format!("# {shown}"));
        }
        // Losing standard output is no reason to stop.
        let _ = std::io::stdout().lock().write_all(&ported);
    } else if ported != bytes {
        replace_file(path, &ported)?;
    }
    let problems: Vec<Problem> = document.errors().iter().map(Problem::from).collect();
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}
