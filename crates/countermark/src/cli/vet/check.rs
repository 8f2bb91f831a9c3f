//! The command line of `countermark vet` and `countermark vet check`, as plain data.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{LedgerArgs, ProposedArgs};
use crate::cli::{PythonArgs, StoreArgs};

/// `countermark vet`
#[derive(Clone, Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) subjects: SubjectArgs,
    #[command(flatten)]
    pub(crate) proposed: ProposedArgs,
    /// What every file has to meet, in place of what the ledger says; may be given again.
    #[arg(long, value_name = "NAME")]
    pub(crate) criteria: Vec<String>,
    /// Since a git revision no exemption is new without a reason, and no violation gone.
    #[arg(long, value_name = "REV", conflicts_with = "base")]
    pub(crate) since: Option<String>,
    /// The same against another ledger.toml.
    #[arg(long, value_name = "FILE")]
    pub(crate) base: Option<PathBuf>,
    /// Verify every signature, not only those that decide.
    #[arg(long)]
    pub(crate) all_reviews: bool,
    /// In the text, also show what passes, and every review that does not count.
    #[arg(short, long)]
    pub(crate) all: bool,
    /// How to report.
    #[arg(long, value_enum, default_value_t = VetFormat::Text, value_name = "FORMAT")]
    pub(crate) format: VetFormat,
    /// Write the report into a file.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,
}

/// Which files are judged.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct SubjectArgs {
    /// Locks of any format: requirements files, pylock.toml, uv.lock, poetry.lock, pdm.lock,
    /// Pipfile.lock, conda-lock.yml; without one, the only lock of the folder.
    #[arg(value_name = "LOCK")]
    pub(crate) locks: Vec<PathBuf>,
    /// A lock, as other tools name it; may be given again.
    #[arg(short = 'r', long = "requirement", value_name = "FILE")]
    pub(crate) requirements: Vec<PathBuf>,
    /// What is installed in this environment, in place of a lock.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["locks", "requirements"])]
    pub(crate) environment: Option<PathBuf>,
    /// Only the files that the interpreter would take.
    #[arg(long)]
    pub(crate) usable: bool,
    #[command(flatten)]
    pub(crate) python: PythonArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum VetFormat {
    /// For people at a terminal.
    Text,
    /// For programs.
    Json,
    /// For code scanning.
    Sarif,
}
