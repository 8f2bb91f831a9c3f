//! The command line of `countermark vet aggregate`, as plain data.

use std::path::PathBuf;

use clap::Args;

const EXAMPLES: &str = "Examples:
  countermark vet aggregate web/ledger data/ledger --output ledger --name example.org/all
  countermark vet aggregate teams/*/ledger --output ledger --allow author-keys";

/// `countermark vet aggregate`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AggregateArgs {
    /// The folders of the ledgers, in any order.
    #[arg(value_name = "FOLDER", required = true)]
    pub(crate) folders: Vec<PathBuf>,
    /// Where the joined ledger goes.
    #[arg(long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// What others call it, such as example.org/all; else what it is called there already.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Write it in spite of contradictions of this kind; may be given again.
    #[arg(long, value_name = "CODE")]
    pub(crate) allow: Vec<String>,
}
