//! The command line of `countermark vet relate`, as plain data.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{LedgerArgs, ProposedArgs};
use crate::cli::{IndexArgs, PythonArgs, StoreArgs};

const EXAMPLES: &str = "Examples:
  countermark vet relate                            every release of the lock of this folder
  countermark vet relate flask==3.1.3 --dry-run     what the files of one release share
  countermark vet relate dist/a-1.0.tar.gz dist/a-1.0-py3-none-any.whl
  countermark vet relate --check                    is what is written down still what comes out";

/// `countermark vet relate`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RelateArgs {
    /// Releases, or files of one release; without any, all releases of the lock.
    #[arg(value_name = "NAME==VERSION|FILE")]
    pub(crate) what: Vec<String>,
    /// A lock of any format, whose digests decide; may be given again.
    #[arg(long = "lock", short = 'r', value_name = "FILE")]
    pub(crate) locks: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) proposed: ProposedArgs,
    /// Of the wheels only the one that the interpreter would take.
    #[arg(long)]
    pub(crate) usable: bool,
    /// Compare what is written down with what comes out, and write nothing.
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) check: bool,
    /// Only show; write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Keep what is downloaded in a folder, and look there first.
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
    /// Show every file that differs, also in a permitted way.
    #[arg(long)]
    pub(crate) all: bool,
    /// How to report.
    #[arg(long, value_enum, default_value_t = RelateFormat::Text, value_name = "FORMAT")]
    pub(crate) format: RelateFormat,
    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,
    #[command(flatten)]
    pub(crate) python: PythonArgs,
    #[command(flatten)]
    pub(crate) index: IndexArgs,
    /// The folder of the store.
    #[arg(long, value_name = "DIR", env = "COUNTERMARK_CACHE_DIR")]
    #[arg(help_heading = "Store options")]
    pub(crate) cache_dir: Option<PathBuf>,
    /// The private folder of seals; must not be shared.
    #[arg(long, value_name = "DIR", env = "COUNTERMARK_STATE_DIR", hide = true)]
    pub(crate) state_dir: Option<PathBuf>,
}

impl RelateArgs {
    /// Where the store is. The other options of a store say how wheels are installed.
    pub(crate) fn store(&self) -> StoreArgs {
        let (cache_dir, state_dir) = (self.cache_dir.clone(), self.state_dir.clone());
        StoreArgs { cache_dir, state_dir, ..StoreArgs::default() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RelateFormat {
    /// For people at a terminal.
    Text,
    /// For programs.
    Json,
}
