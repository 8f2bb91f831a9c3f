//! The command line of `vet`: the ledger of reviews. One line a command; the arguments of each stand in
//! a file of their own below `vet/`.

mod aggregate;
mod certify;
mod check;
mod exempt;
mod explain;
mod facts;
mod import;
mod init;
mod inspect;
mod key;
mod merge;
mod prune;
mod relate;
mod renew;
mod suggest;
mod trust;
mod violation;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::civil::Date;

pub(crate) use aggregate::AggregateArgs;
pub(crate) use certify::{CertifyArgs, SigningArgs};
pub(crate) use check::{CheckArgs, SubjectArgs, VetFormat};
pub(crate) use exempt::ExemptArgs;
pub(crate) use explain::ExplainArgs;
pub(crate) use facts::FactsArgs;
pub(crate) use import::{
    ImportAddArgs, ImportAgainArgs, ImportArgs, ImportCommand, ImportListArgs, ImportPlaceArgs,
    ImportRemoveArgs,
};
pub(crate) use init::InitArgs;
#[cfg(feature = "service")]
pub(crate) use inspect::BrowserArgs;
pub(crate) use inspect::{DiffArgs, InspectArgs, ReadingArgs, ReadingFormat};
pub(crate) use key::{KeyAddArgs, KeyArgs, KeyCommand, KeyNewArgs, KeyShowArgs};
pub(crate) use merge::MergeArgs;
pub(crate) use prune::PruneArgs;
pub(crate) use relate::{RelateArgs, RelateFormat};
pub(crate) use renew::RenewArgs;
pub(crate) use suggest::SuggestArgs;
pub(crate) use trust::TrustArgs;
pub(crate) use violation::ViolationArgs;

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
    /// Ask the index who published what is locked, and write it down.
    Facts(Box<FactsArgs>),
    /// Show and write down what the files of one release share.
    Relate(Box<RelateArgs>),
    /// Read a release, what is dangerous first.
    Inspect(Box<InspectArgs>),
    /// Read what moved between two releases, what is dangerous first.
    Diff(Box<DiffArgs>),
    /// Say what was read, and sign it.
    Certify(Box<CertifyArgs>),
    /// Make keys that sign reviews, and say whose they are.
    Key(Box<KeyArgs>),
    /// Take in the ledgers of others, and fetch them again.
    Import(Box<ImportArgs>),
    /// Let a release pass without a review, for a reason.
    Exempt(Box<ExemptArgs>),
    /// Trust a publisher's releases for a time.
    Trust(Box<TrustArgs>),
    /// Write down that files are known to be bad.
    Violation(Box<ViolationArgs>),
    /// Show what ends soon, and go on trusting a publisher.
    Renew(Box<RenewArgs>),
    /// Drop what is not needed any more.
    Prune(Box<PruneArgs>),
    /// Join two branches of a ledger, entry by entry.
    Merge(Box<MergeArgs>),
    /// Join the ledgers of many teams into one for others to import.
    Aggregate(Box<AggregateArgs>),
}

/// Whether the lock as it would be is meant.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct ProposedArgs {
    /// Look at the lock that the ledger kept from being written, in place of the one on disk.
    #[arg(long)]
    pub(crate) proposed: bool,
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
