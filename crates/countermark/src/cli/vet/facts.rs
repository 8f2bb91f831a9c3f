//! The command line of `countermark vet facts`, as plain data.

use std::path::PathBuf;

use clap::Args;

use super::{LedgerArgs, ProposedArgs};
use crate::cli::{IndexArgs, StoreArgs};

/// `countermark vet facts`
#[derive(Clone, Debug, Args)]
pub(crate) struct FactsArgs {
    /// Locks of any format; without one, the only lock of the folder.
    #[arg(value_name = "LOCK")]
    pub(crate) locks: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) proposed: ProposedArgs,
    /// The lock as it was before: new files are compared with its files.
    #[arg(long, value_name = "FILE")]
    pub(crate) base: Option<PathBuf>,
    /// Write nothing; say what differs from what is recorded.
    #[arg(long)]
    pub(crate) check: bool,
    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,
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

impl FactsArgs {
    /// Where the store is. The other options of a store say how wheels are installed.
    pub(crate) fn store(&self) -> StoreArgs {
        StoreArgs {
            cache_dir: self.cache_dir.clone(),
            state_dir: self.state_dir.clone(),
            ..StoreArgs::default()
        }
    }
}
