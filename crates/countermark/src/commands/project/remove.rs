//! `remove`: a requirement less in the input, and the pins that only it needed.

use std::time::Instant;

use countermark_client::report::Problem;
use countermark_lock::edit::{pyproject, requirements};
use countermark_packaging::name::ProjectName;
use countermark_trust::Class;

use super::add::{section, show, utf8};
use super::files::{Edit, Options, Pair, write};
use crate::cli::OutputArgs;
use crate::cli::project::RemoveArgs;
use crate::commands::Outcome;
use crate::commands::lock::{How, Plan, Workplace, existing};
use crate::progress::Teller;
use crate::session;

/// Runs the command.
pub(crate) fn run(arguments: &RemoveArgs, output: &OutputArgs) -> Outcome {
    let started = Instant::now();
    session::refuse_weakening(&arguments.index)?;
    let teller = Teller::new(output);
    let work = Workplace::new(&teller, &arguments.store)?;
    let options = Options {
        project: &arguments.project,
        policy: &arguments.policy,
        prerelease: None,
        exclude_newer: None,
        index: &arguments.index,
        python: &arguments.python,
        store: &arguments.store,
        makes_input: false,
    };
    let names = existing::names(&arguments.names)?;
    let pair = Pair::find(&options)?;
    let before = pair.read(&options)?;
    let (mut text, mut problems) = (before.clone(), Vec::new());
    for name in &names {
        match without(&pair, arguments, &text, name)? {
            Some(edited) => text = edited,
            None => problems.push(not_there(&pair, name)),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let edited = Some((pair.input.clone(), text.clone()));
    // The last requirement can go as well.
    let how = How { edited, may_be_empty: true, ..How::default() };
    let done = Plan::new(&pair.arguments)?.lock(&work, &pair.arguments, &how)?;
    show(&done.judged);
    done.refuse()?;
    if arguments.project.dry_run {
        teller.line("nothing was written (`--dry-run`)");
        return Ok(0);
    }
    write(&done, &Edit { path: pair.input, before, after: text })?;
    done.summary(&work, started);
    Ok(0)
}

fn without(
    pair: &Pair,
    arguments: &RemoveArgs,
    text: &[u8],
    name: &ProjectName,
) -> Result<Option<Vec<u8>>, Vec<Problem>> {
    let file = pair.input.display().to_string();
    let edited = match section(pair, &arguments.section)? {
        Some(section) => pyproject::remove(&file, &utf8(&file, text)?, &section, name)
            .map(|edited| edited.map(String::into_bytes)),
        None => requirements::remove(&file, text, name),
    };
    edited.map_err(|error| vec![Problem::from(&error)])
}

fn not_there(pair: &Pair, name: &ProjectName) -> Problem {
    let message = format!("`{}` does not ask for `{name}`", pair.input.display());
    let problem = Problem::new("no-such-requirement", Class::Usage, message);
    problem
        .with_hint("what others need cannot be removed; `countermark why NAME` says who needs it")
}
