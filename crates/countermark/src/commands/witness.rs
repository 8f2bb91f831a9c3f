//! `witness`: cosigns the checkpoints of logs.

use std::path::Path;

use countermark_client::report::Problem;
use countermark_service::witness::folder::{Folder, FolderError, serve};
use countermark_tlog::note::VerifierKey;
use countermark_trust::Class;

use super::Outcome;
use super::log::operator::serve as serving;
use crate::cli::OutputArgs;
use crate::cli::log_operator::ServerArgs;
use crate::cli::witness::{WitnessArgs, WitnessCommand};
use crate::{output, setup};

/// Runs the command.
pub(crate) fn run(arguments: WitnessArgs, output: &OutputArgs) -> Outcome {
    match arguments.command {
        WitnessCommand::Init { folder, name } => init(&folder, &name),
        WitnessCommand::AddLog { folder, key, origin } => add_log(&folder, &key, origin.as_deref()),
        WitnessCommand::List { folder } => list(&folder),
        WitnessCommand::Serve { folder, server } => run_server(&folder, &server, output),
    }
}

fn init(folder: &Path, name: &str) -> Outcome {
    let key = Folder::init(folder, name).map_err(|error| problems(&error))?;
    let folder = folder.display();
    output::print(&format!("made the witness {name} in {folder}"));
    output::print("its key, for the operators of logs and the policies of clients:");
    output::print(&format!("  {key}"));
    output::print("next:");
    output::print(&format!("  countermark witness add-log {folder} KEY-OF-THE-LOG"));
    output::print(&format!("  countermark witness serve {folder}"));
    Ok(0)
}

fn add_log(path: &Path, key: &str, origin: Option<&str>) -> Outcome {
    let mut folder = Folder::open(path).map_err(|error| problems(&error))?;
    let name = VerifierKey::parse(key).map(|key| key.name().to_owned()).unwrap_or_default();
    let origin = origin.unwrap_or(&name);
    folder.add_log(origin, key).map_err(|error| problems(&error))?;
    output::print(&format!("{origin} is watched from now on"));
    Ok(0)
}

fn list(path: &Path) -> Outcome {
    let folder = Folder::open(path).map_err(|error| problems(&error))?;
    let state = folder.state().map_err(|error| problems(&error))?;
    let all = state.all().map_err(|error| problems(&FolderError::State(error)))?;
    for log in &folder.config.logs {
        let latest = all.iter().find(|it| it.origin == log.origin);
        let size = latest.map_or_else(
            || "never cosigned".to_owned(),
            |it| format!("cosigned at {} entries", output::grouped(it.size)),
        );
        output::print(&format!("{}: {size}", log.origin));
    }
    Ok(0)
}

fn run_server(path: &Path, arguments: &ServerArgs, output: &OutputArgs) -> Outcome {
    let folder = Folder::open(path).map_err(|error| problems(&error))?;
    let stopped = setup::interrupted();
    let log = serving::set_up_log(arguments);
    let name = folder.config.name.clone();
    let listening = |address| {
        if !output.quiet {
            output::say(&format!("{name} at http://{address}/"));
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        let message = format!("the runtime cannot be set up: {error}");
        vec![Problem::new("runtime", Class::Unavailable, message)]
    })?;
    let options = serving::options(arguments);
    let stop = serving::until(&stopped);
    let served = runtime.block_on(serve(folder, arguments.listen, options, listening, stop));
    let is_read = log.finish();
    let stopped = served.map_err(|error| problems(&error))?;
    if is_read {
        serving::tell(stopped, output);
    }
    Ok(0)
}

fn problems(error: &FolderError) -> Vec<Problem> {
    if let FolderError::Mistakes(mistakes) = error {
        return mistakes.iter().map(Problem::from).collect();
    }
    let problem = Problem::of("witness", error.class(), error);
    vec![match error.hint() {
        Some(hint) => problem.with_hint(hint),
        None => problem,
    }]
}
