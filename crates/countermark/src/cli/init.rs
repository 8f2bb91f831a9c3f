//! The command line of `countermark init`, as plain data.

use clap::{Args, ValueEnum};

use super::IndexArgs;

const EXAMPLES: &str = "Examples:
  countermark init --dry-run          say what would be written
  countermark init                    policy, CI job, pre-commit hook, and what the gate lets pass
  countermark init --ci gitlab        for GitLab, whatever is there";

/// `countermark init`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InitArgs {
    /// The CI system for which a job is written; may be given again. Without it those that the
    /// project has.
    #[arg(long, value_enum, value_name = "SYSTEM")]
    pub(crate) ci: Vec<CiSystem>,
    /// Write no CI job.
    #[arg(long, conflicts_with = "ci")]
    pub(crate) no_ci: bool,
    /// Write no pre-commit hook.
    #[arg(long)]
    pub(crate) no_pre_commit: bool,
    /// Say what would be written, and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Write files anew that are there already and say something else.
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) index: IndexArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum CiSystem {
    /// GitHub Actions.
    Github,
    /// GitLab CI.
    Gitlab,
    /// Zuul.
    Zuul,
}
