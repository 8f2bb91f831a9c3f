//! `roles`: who can do what on each project, and what has to be done about it.

use std::path::Path;

use countermark_audit::dossier::{Context, Dossier, build};
use countermark_audit::incident::Unknown;
use countermark_audit::roles::{table, todo};
use countermark_client::report::Problem;
use countermark_client::{facts, system};
use countermark_packaging::name::ProjectName;
use countermark_trust::Class;

use super::Outcome;
use super::audit::gather::{self, Gathered};
use crate::cli::OutputArgs;
use crate::cli::audit::AuditInputArgs;
use crate::cli::roles::{RolesArgs, RolesFormat};
use crate::output;
use crate::progress::Teller;

/// Runs the command.
pub(crate) fn run(arguments: &RolesArgs, output: &OutputArgs) -> Outcome {
    let looked = look(&arguments.input, &Teller::new(output))?;
    let filter = table::Filter {
        projects: names(&arguments.input.projects)?.into_iter().collect(),
        accounts: arguments.accounts.iter().cloned().collect(),
        teams: arguments.teams.iter().cloned().collect(),
    };
    let context = looked.ground.context();
    let dossiers = dossiers(&looked, &context);
    for name in &filter.projects {
        countermark_audit::incident::find_project(&dossiers, name).map_err(|it| unknown(&it))?;
    }
    let chosen: Vec<&Dossier<'_>> =
        dossiers.iter().filter(|it| table::Row::of(it).passes(&filter)).collect();
    let text = if arguments.todo {
        show_todo(&todo::todo(chosen), arguments.format)?
    } else {
        let rows: Vec<table::Row> = chosen.into_iter().map(table::Row::of).collect();
        show_table(&rows, arguments.format)?
    };
    deliver(&text, arguments.output.as_deref())?;
    Ok(exit_code(&looked))
}

fn show_todo(todo: &todo::Todo, format: RolesFormat) -> Result<String, Vec<Problem>> {
    match format {
        RolesFormat::Text => Ok(todo::text(todo)),
        RolesFormat::Markdown => Ok(todo::markdown(todo)),
        RolesFormat::Json => todo::json(todo).map_err(|error| bug(&error)),
    }
}

fn show_table(rows: &[table::Row], format: RolesFormat) -> Result<String, Vec<Problem>> {
    match format {
        RolesFormat::Text if rows.is_empty() => Ok("no project\n".to_owned()),
        RolesFormat::Text => Ok(table::text(rows)),
        RolesFormat::Markdown => Ok(table::markdown(rows)),
        RolesFormat::Json => table::json(rows).map_err(|error| bug(&error)),
    }
}

fn bug(error: &serde_json::Error) -> Vec<Problem> {
    vec![Problem::of("write-failed", Class::Unavailable, error)]
}

/// Everything that the audit looks at, of all projects that can be had without asking for more than
/// was wanted: a snapshot is read whole, so that what is assumed rests on all of it.
pub(super) fn look(input: &AuditInputArgs, teller: &Teller) -> Result<Gathered, Vec<Problem>> {
    let mut input = input.clone();
    if input.replay.is_some() {
        input.projects.clear();
    }
    let mut looked = gather::gather(&input, teller)?;
    // A large snapshot was judged line by line, and nothing of it kept.
    if let Some(path) = input.replay.as_ref().filter(|_| looked.facts.is_empty()) {
        let replayed = facts::replay(path)
            .map_err(|error| vec![Problem::of(error.code(), error.class(), &error)])?;
        looked.facts = replayed.facts;
    }
    Ok(looked)
}

/// A dossier for each project, in the order of their names.
pub(super) fn dossiers<'a>(looked: &'a Gathered, context: &'a Context<'a>) -> Vec<Dossier<'a>> {
    let mut dossiers: Vec<Dossier<'a>> = looked
        .facts
        .iter()
        .map(|facts| build(context, facts, None, &looked.ground.survey))
        .collect();
    dossiers.sort_by_key(|dossier| dossier.name);
    dossiers
}

/// Projects that were asked for.
pub(super) fn names(texts: &[String]) -> Result<Vec<ProjectName>, Vec<Problem>> {
    let parse = |text: &String| {
        ProjectName::parse(text)
            .map_err(|error| vec![Problem::new("bad-option", Class::Usage, error.to_string())])
    };
    texts.iter().map(parse).collect()
}

/// What is not there, with what is near it.
pub(super) fn unknown(error: &Unknown) -> Vec<Problem> {
    let problem = match error {
        Unknown::Project { .. } => Problem::of("unknown-project", error.class(), error),
        Unknown::Release { .. } => Problem::of("unknown-release", error.class(), error),
        Unknown::Account { .. } => Problem::of("unknown-account", error.class(), error),
    };
    vec![match error.hint() {
        Some(hint) => problem.with_hint(hint),
        None => problem,
    }]
}

/// To standard output, or into a file.
pub(super) fn deliver(text: &str, path: Option<&Path>) -> Result<(), Vec<Problem>> {
    let Some(path) = path else {
        output::print(&output::visible(text.trim_end()));
        return Ok(());
    };
    system::replace_file(path, text.as_bytes()).map_err(|error| {
        let message = format!("cannot write `{}`: {error}", path.display());
        vec![Problem::new("write-failed", Class::Unavailable, message)]
    })
}

/// What was not read cannot be said to be in order.
pub(super) fn exit_code(looked: &Gathered) -> u8 {
    let complete = looked.report.unread.is_empty() && looked.report.problems.is_empty();
    if complete { 0 } else { Class::Unavailable.exit_code() }
}
