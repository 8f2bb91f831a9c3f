//! What the operator of a log does: arguments in, `countermark_service::log` does it, words out.

mod append;
mod input;
mod keep;
mod register;
mod sequence;
pub(in crate::commands) mod serve;

use std::path::Path;
use std::sync::Arc;

use countermark_client::http::{Client, Options};
use countermark_client::report::Problem;
use countermark_service::log::engine::{self, EngineError, Engines};
use countermark_service::log::operator::folder::{Folder, FolderError};
use countermark_service::log::operator::serve::ServeError;
use countermark_service::log::store::StoreError;
use countermark_trust::Class;
use jiff::civil::Date;
use tokio::runtime::Runtime;

use super::super::Outcome;
use crate::cli::OutputArgs;
use crate::cli::log_operator::{LogInitArgs, LogRotateArgs, OperatorCommand};
use crate::output;

/// Runs the command.
pub(super) fn run(command: OperatorCommand, output: &OutputArgs) -> Outcome {
    match command {
        OperatorCommand::Init(arguments) => init(&arguments),
        OperatorCommand::Serve(arguments) => serve::run(&arguments, output),
        OperatorCommand::Append(arguments) => append::run(&arguments),
        OperatorCommand::Checkpoint(arguments) => sequence::run(&arguments),
        OperatorCommand::Fsck(arguments) => keep::fsck(&arguments, output),
        OperatorCommand::Export(arguments) => keep::export(&arguments, output),
        OperatorCommand::Import(arguments) => keep::import(&arguments, output),
        OperatorCommand::Observer(arguments) => register::observer(arguments.command),
        OperatorCommand::Witness(arguments) => register::witness(arguments.command),
        OperatorCommand::Rotate(arguments) => rotate(&arguments),
    }
}

fn init(arguments: &LogInitArgs) -> Outcome {
    let key = Folder::init(&arguments.folder, &arguments.origin).map_err(|it| problems(&it))?;
    let folder = arguments.folder.display();
    output::print(&format!("made the log {} in {folder}", arguments.origin));
    output::print("its key, for everybody who is to believe it:");
    output::print(&format!("  {key}"));
    output::print("for the countermark.toml of clients:");
    output::print("  [policy.log]");
    output::print("  mode = \"warn\"");
    output::print(&format!("  url = \"https://{}\"", arguments.origin));
    output::print(&format!("  key = \"{key}\""));
    output::print("next:");
    output::print(&format!(
        "  countermark log observer add {folder} index:{}/crawler",
        arguments.origin.split('/').next().unwrap_or_default()
    ));
    output::print(&format!("  countermark log serve {folder}"));
    output::print(&format!(
        "keep a copy of {folder}/keys where this machine's failure does not reach it"
    ));
    Ok(0)
}

fn rotate(arguments: &LogRotateArgs) -> Outcome {
    let until: Date = arguments.until.parse().map_err(|_| {
        let message = format!("`--until {}` is not a day", arguments.until);
        let problem = Problem::new("bad-option", Class::Usage, message);
        vec![problem.with_hint("write year-month-day: 2027-06-30")]
    })?;
    let mut folder = open(&arguments.folder)?;
    let (key, file) = folder.rotate(until).map_err(|it| problems(&it))?;
    output::print(&format!("made the key {}", file.display()));
    output::print(&format!("both sign until {until}; a server takes it up within seconds"));
    output::print("for the [policy.log] of clients, beside the one that they have:");
    output::print(&format!("  keys = [{{ key = \"{key}\" }}, {{ key = \"…\", until = {until} }}]"));
    Ok(0)
}

/// The folder of a log.
fn open(path: &Path) -> Result<Folder, Vec<Problem>> {
    Folder::open(path).map_err(|error| problems(&error))
}

fn problems(error: &FolderError) -> Vec<Problem> {
    if let FolderError::Mistakes(mistakes) = error {
        return mistakes.iter().map(Problem::from).collect();
    }
    vec![hinted(Problem::of("log-folder", error.class(), error), error.hint())]
}

fn hinted(problem: Problem, hint: Option<&str>) -> Problem {
    match hint {
        Some(hint) => problem.with_hint(hint),
        None => problem,
    }
}

fn engine_problem(error: &EngineError) -> Vec<Problem> {
    vec![hinted(Problem::of("log-engine", error.class(), error), error.hint())]
}

fn store_problem(error: &StoreError) -> Vec<Problem> {
    let message = format!("the database of the log: {error}");
    vec![hinted(Problem::new("log-engine", error.class(), message), error.hint())]
}

fn serve_problem(error: &ServeError) -> Vec<Problem> {
    match error {
        ServeError::Folder(error) => problems(error),
        ServeError::Engine(error) => engine_problem(error),
        error => vec![hinted(Problem::of("log-serve", error.class(), error), error.hint())],
    }
}

/// A client for object stores, witnesses and servers of logs.
fn client() -> Arc<Client> {
    Arc::new(Client::new(Options::default(), Arc::default()))
}

fn runtime() -> Result<Runtime, Vec<Problem>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| {
        let message = format!("the runtime cannot be set up: {error}");
        vec![Problem::new("runtime", Class::Unavailable, message)]
    })
}

async fn open_engines(folder: &Folder) -> Result<Engines, Vec<Problem>> {
    let opened = engine::open(&folder.config.storage, &client()).await;
    opened.map_err(|error| engine_problem(&error))
}
