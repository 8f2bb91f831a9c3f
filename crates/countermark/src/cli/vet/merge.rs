//! The command line of `countermark vet merge`, as plain data.

use std::path::PathBuf;

use clap::Args;

use super::LedgerArgs;

const EXAMPLES: &str = "Examples:
  countermark vet merge                       settle what git left in conflict
  countermark vet merge BASE OURS THEIRS      as a merge driver: the result is written to OURS
  git config merge.countermark.driver \"countermark vet merge %O %A %B %P\"";

/// `countermark vet merge`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct MergeArgs {
    /// The common ancestor; an empty file where there is none.
    #[arg(value_name = "BASE", requires = "ours")]
    pub(crate) base: Option<PathBuf>,
    /// Our side, to which the result is written.
    #[arg(value_name = "OURS", requires = "theirs")]
    pub(crate) ours: Option<PathBuf>,
    /// Their side.
    #[arg(value_name = "THEIRS")]
    pub(crate) theirs: Option<PathBuf>,
    /// Where the file is in the repository; else what it is follows from its content.
    #[arg(value_name = "PATH")]
    pub(crate) path: Option<String>,
    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,
}
