//! `port`: peep's comments become `--hash` options, and a folder of vendored packages becomes pins;
//! everything else stays as it is.

mod vendor;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use countermark_client::report::Problem;
use countermark_packaging::lock::requirements::edit::Document;
use countermark_trust::Class;

use super::Outcome;
use super::report::replace_file;
use crate::cli::{OutputArgs, port::PortArgs};
use crate::output;

/// Runs the command. A digest that cannot be read is an error about its line, and a package that
/// cannot be identified one about itself; the others are converted all the same.
pub(crate) fn run(arguments: &PortArgs, output: &OutputArgs) -> Outcome {
    let (folders, files): (Vec<_>, Vec<_>) =
        arguments.paths.iter().map(PathBuf::as_path).partition(|path| path.is_dir());
    if folders.is_empty() && (arguments.output.is_some() || arguments.compare) {
        let message = "`--output` and `--compare` are for folders of vendored packages";
        return Err(vec![Problem::new("bad-option", Class::Usage, message)]);
    }
    let mut problems = Vec::new();
    for path in &files {
        if let Err(more) = port(path, files.len() > 1, arguments.write) {
            problems.extend(more);
        }
    }
    if !folders.is_empty() {
        problems.extend(vendor::port(&folders, arguments, output)?);
    }
    if problems.is_empty() { Ok(0) } else { Err(problems) }
}

fn port(path: &Path, is_one_of_many: bool, write: bool) -> Result<(), Vec<Problem>> {
    let shown = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| {
        let message = format!("cannot read `{shown}`");
        vec![Problem::new("file-unreadable", Class::Usage, message).with_detail(error.to_string())]
    })?;
    let document = Document::parse(&shown, &bytes).map_err(|error| vec![Problem::from(&error)])?;
    let ported = document.ported();
    if !write {
        if is_one_of_many {
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
