//! The command line of `countermark vet prune`, as plain data.

use clap::Args;

use super::{LedgerArgs, SubjectArgs};

const EXAMPLES: &str = "Examples:
  countermark vet prune                       for the lock of this folder
  countermark vet prune uv.lock docs.lock     a ledger of several locks: name them all
  countermark vet prune --dry-run";

/// `countermark vet prune`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PruneArgs {
    #[command(flatten)]
    pub(crate) subjects: SubjectArgs,
    /// Also drop our reviews of projects that are not locked; others may need them.
    #[arg(long)]
    pub(crate) reviews: bool,
    /// Show what would go, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,
}
