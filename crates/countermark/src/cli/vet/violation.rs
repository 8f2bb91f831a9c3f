//! The command line of `countermark vet violation`, as plain data.

use clap::Args;

use super::{LedgerArgs, SubjectArgs};
use crate::cli::IndexArgs;

const EXAMPLES: &str = "Examples:
  countermark vet violation example==1.4.2 --reason 'mines coins'
  countermark vet violation sha256:0123… --project acme --reason 'sends keys away'";

/// `countermark vet violation`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ViolationArgs {
    /// A release, all files of which that the lock and the ledger know are bad; or one digest.
    #[arg(value_name = "NAME==VERSION|sha256:DIGEST")]
    pub(crate) what: String,
    /// What is bad.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// The project of a digest that neither the lock nor the ledger knows.
    #[arg(long, value_name = "NAME", requires = "file")]
    pub(crate) project: Option<String>,
    /// The file name of such a digest.
    #[arg(long, value_name = "FILENAME", requires = "project")]
    pub(crate) file: Option<String>,
    #[command(flatten)]
    pub(crate) subjects: SubjectArgs,
    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,
    #[command(flatten)]
    pub(crate) index: IndexArgs,
}
