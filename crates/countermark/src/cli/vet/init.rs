//! The command line of `countermark vet init`, as plain data.

use clap::Args;

use super::{LedgerArgs, SubjectArgs};
use crate::cli::IndexArgs;

const EXAMPLES: &str = "Examples:
  countermark vet init                        for the lock of this folder, in ./ledger
  countermark vet init uv.lock --name example.org/web
  countermark vet init --criteria safe-to-run";

/// `countermark vet init`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InitArgs {
    #[command(flatten)]
    pub(crate) subjects: SubjectArgs,
    /// What others call the ledger, such as example.org/team; else the name of the folder.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// What every file has to meet; may be given again.
    #[arg(long, value_name = "NAME", default_value = "safe-to-deploy")]
    pub(crate) criteria: Vec<String>,
    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,
    #[command(flatten)]
    pub(crate) index: IndexArgs,
}
