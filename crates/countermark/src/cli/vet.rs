//! The command line of `vet`: the ledger of reviews. One line a command; the arguments of each stand in
//! a file of their own below `vet/`.

mod check;
mod explain;
mod init;
mod relate;
mod suggest;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::civil::Date;

pub(crate) use check::{CheckArgs, SubjectArgs, VetFormat};
pub(crate) use explain::ExplainArgs;
pub(crate) use init::InitArgs;
pub(crate) use relate::{RelateArgs, RelateFormat};
pub(crate) use suggest::SuggestArgs;

const EXAMPLES: &str = "Examples:
  countermark vet init                        begin: what is here now passes
  countermark vet                             does every file of the lock meet the criteria
  countermark vet uv.lock --since origin/main and was nothing let pass without a reason
  countermark vet --environment .venv         the same for what is installed
  countermark vet suggest                     the least that has to be read
  countermark vet explain urllib3             why it passes, or does not";

/// `countermark vet`; without a command it is `countermark vet check`.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub(crate) struct VetArgs {
    #[command(subcommand)]
    pub(crate) command: Option<VetCommand>,
    #[command(flatten)]
    pub(crate) check: CheckArgs,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum VetCommand {
    /// Does every file meet its criteria? The same as `vet` alone.
    Check(Box<CheckArgs>),
    /// Make a ledger in which everything that is locked passes.
    Init(Box<InitArgs>),
    /// Tell the least that has to be read for the lock to pass.
    Suggest(Box<SuggestArgs>),
    /// Tell why the files of a project pass, or do not.
    Explain(Box<ExplainArgs>),
    /// Show and write down what the files of one release share.
    Relate(Box<RelateArgs>),
}

/// Which ledger, and as on which day it is read.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Ledger options")]
pub(crate) struct LedgerArgs {
    /// The folder of the ledger; else what the policy names, else the nearest `ledger` folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) ledger: Option<PathBuf>,
    /// The policy, in place of the countermark.toml or pyproject.toml of the folder or above it.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// As on this day, such as 2026-01-31, in place of today.
    #[arg(long, value_name = "DATE")]
    pub(crate) date: Option<Date>,
}
