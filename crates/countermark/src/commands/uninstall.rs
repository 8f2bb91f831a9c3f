//! `uninstall`: remove packages by their RECORD, in one step that can be undone.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use countermark_client::install::{self, stage::LinkMode};
use countermark_client::report::Problem;
use countermark_client::store::{Check, Store};
use countermark_packaging::name::ProjectName;
use countermark_trust::Class;

use super::Outcome;
use crate::cli::{OutputArgs, UninstallArgs};
use crate::progress::Teller;
use crate::{output, setup};

/// Runs the command.
pub(crate) fn run(arguments: &UninstallArgs, output: &OutputArgs) -> Outcome {
    let names = parse_names(&arguments.names)?;
    let interrupted = setup::interrupted();
    let teller = Teller::new(output);
    let folders = setup::folders(&arguments.store)?;
    let interpreter = setup::interpreter(&arguments.python, &folders)?;
    let (target, prefix) = (arguments.target.as_deref(), arguments.prefix.as_deref());
    let layout = match setup::other_layout(target, prefix, &interpreter)? {
        Some(layout) => layout,
        None => {
            interpreter
                .refuse_externally_managed()
                .map_err(|error| vec![setup::interpreter_problem(&error)])?;
            interpreter.layout().clone()
        }
    };
    let store = Store::open(&folders.cache, &folders.state)
        .map_err(|error| vec![Problem::of(error.code(), error.class(), &error)])?;
    let folder = setup::working_folder()?;
    let request = |dry_run| install::Request {
        store: &store,
        reporter: &teller,
        interrupted: &interrupted,
        check: Check::Auto,
        link_mode: LinkMode::Hardlink,
        compile: false,
        sync: false,
        reinstall: false,
        strict: false,
        dry_run,
        folder: &folder,
    };
    let remove = |dry_run| {
        install::remove(&request(dry_run), &interpreter, &layout, &names)
            .map_err(install::InstallError::into_problems)
    };
    let planned = remove(true)?;
    for change in &planned.changes {
        let version = change.before.as_deref().unwrap_or_default();
        output::print(&format!(" - {} {version}", change.project));
    }
    if arguments.dry_run {
        return Ok(0);
    }
    if !arguments.yes && !confirmed() {
        teller.line("nothing was removed");
        return Ok(1);
    }
    let outcome = remove(false)?;
    teller
        .line(&format!("removed {}", output::count(outcome.changes.len(), "package", "packages")));
    Ok(0)
}

fn parse_names(names: &[String]) -> Result<Vec<ProjectName>, Vec<Problem>> {
    let (mut parsed, mut problems) = (Vec::new(), Vec::new());
    for name in names {
        match ProjectName::parse(name) {
            Ok(name) => parsed.push(name),
            Err(error) => {
                let message = format!("`{name}`: {error}");
                problems.push(Problem::new("bad-name", Class::Usage, message));
            }
        }
    }
    parsed.sort();
    parsed.dedup();
    if problems.is_empty() { Ok(parsed) } else { Err(problems) }
}

/// Asks a person; a program is not asked.
fn confirmed() -> bool {
    if !std::io::stdin().is_terminal() {
        return true;
    }
    let _ = write!(anstream::stderr().lock(), "remove? [y/N] ");
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}
