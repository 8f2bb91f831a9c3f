//! One module a command. Each gives the exit code, after everything was said.

pub(crate) mod audit;
mod by_name;
mod cache;
mod download;
mod gate;
mod handbook;
mod hash;
mod incident;
mod init;
pub(crate) mod input;
mod install;
pub(crate) mod ledger;
mod list;
mod lock;
pub(crate) mod log;
mod observe;
mod pager;
mod port;
mod project;
mod relock;
mod report;
mod roles;
mod shell;
mod tree;
mod uninstall;
mod verify;
pub(crate) mod vet;
#[cfg(feature = "service")]
mod watch;
mod why;
#[cfg(feature = "service")]
mod witness;

use countermark_client::report::Problem;

use crate::cli::{Cli, Command};
use crate::output;

/// The exit code, or everything that is wrong.
pub(crate) type Outcome = Result<u8, Vec<Problem>>;

/// Runs the command.
pub(crate) fn run(arguments: Cli) -> u8 {
    let output = arguments.output;
    let outcome = match arguments.command {
        Command::Install(arguments) => install::run(&arguments, &output),
        Command::Lock(arguments) => lock::run(&arguments, &output),
        Command::Gate(arguments) => gate::run(&arguments, &output),
        Command::Init(arguments) => init::run(&arguments, &output),
        Command::Relock(arguments) => relock::run(&arguments, &output),
        Command::Tree(arguments) => tree::run(&arguments, &output),
        Command::Why(arguments) => why::run(&arguments, &output),
        Command::Add(arguments) => project::add(&arguments, &output),
        Command::Remove(arguments) => project::remove(&arguments, &output),
        Command::Update(arguments) => project::update(&arguments, &output),
        Command::Download(arguments) => download::run(&arguments, &output),
        Command::Hash(arguments) => hash::run(&arguments),
        Command::Port(arguments) => port::run(&arguments, &output),
        Command::Verify(arguments) => verify::run(&arguments, &output),
        Command::Audit(arguments) => audit::run(&arguments, &output),
        Command::Handbook(arguments) => handbook::run(&arguments, &output),
        Command::Roles(arguments) => roles::run(&arguments, &output),
        Command::Incident(arguments) => incident::run(&arguments, &output),
        Command::Vet(arguments) => vet::run(*arguments, &output),
        #[cfg(feature = "service")]
        Command::Watch(arguments) => watch::run(&arguments, &output),
        Command::Observe(arguments) => observe::run(&arguments, &output),
        Command::Log(arguments) => log::run(*arguments, &output),
        #[cfg(feature = "service")]
        Command::Witness(arguments) => witness::run(*arguments, &output),
        Command::List(arguments) => list::run(&arguments, &output),
        Command::Uninstall(arguments) => uninstall::run(&arguments, &output),
        Command::Cache(arguments) => cache::run(&arguments),
        Command::Completions { shell } => Ok(shell::completions(shell)),
        Command::Man { folder } => shell::manual(&folder),
    };
    let code = match outcome {
        Ok(code) => code,
        Err(problems) => output::show_problems(&problems),
    };
    match output::lost() {
        // A "no" stays a "no".
        Some(problem) => {
            let lost = output::show_problems(&[problem]);
            if code == 0 { lost } else { code }
        }
        None => code,
    }
}
