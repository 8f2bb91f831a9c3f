//! The command line of the watch, as plain data.

use std::path::PathBuf;

use clap::Args;

use super::IndexArgs;

const EXAMPLES: &str = "Examples:
  countermark watch --test                one message to everybody who is told
  countermark watch                       until it is stopped
  countermark watch --once                one look at everything, for cron
  countermark watch --plan 1000           what that costs the index, for 1000 projects";

/// `countermark watch`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct WatchArgs {
    /// How often to look, what to remember where, and who is told.
    #[arg(short, long, value_name = "FILE", default_value = "watch.toml")]
    pub(crate) config: PathBuf,
    /// Look at everything once, deliver, and end.
    #[arg(long, conflicts_with_all = ["test", "plan"])]
    pub(crate) once: bool,
    /// Send one message to each destination, and look at nothing.
    #[arg(long, conflicts_with = "plan")]
    pub(crate) test: bool,
    /// Show what the watch costs the index: for so many projects, or for those of the state.
    #[arg(long, value_name = "PROJECTS", num_args = 0..=1)]
    #[expect(
        clippy::option_option,
        reason = "clap's form of an option whose value may be left out"
    )]
    pub(crate) plan: Option<Option<u64>>,
    #[command(flatten)]
    pub(crate) index: IndexArgs,
}
