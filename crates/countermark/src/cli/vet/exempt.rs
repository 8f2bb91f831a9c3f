//! The command line of `countermark vet exempt`, as plain data.

use clap::Args;

use super::{LedgerArgs, ProposedArgs, SubjectArgs};
use crate::cli::IndexArgs;

const EXAMPLES: &str = "Examples:
  countermark vet exempt urllib3==2.5.0 --reason 'fixes a flaw; will be read next week'";

/// `countermark vet exempt`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExemptArgs {
    /// The release; its files of the lock pass.
    #[arg(value_name = "NAME==VERSION")]
    pub(crate) release: String,
    /// Why it passes without a review.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// What it passes as, in place of what is required of it; may be given again.
    #[arg(long, value_name = "NAME")]
    pub(crate) criteria: Vec<String>,
    #[command(flatten)]
    pub(crate) subjects: SubjectArgs,
    #[command(flatten)]
    pub(crate) proposed: ProposedArgs,
    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,
    #[command(flatten)]
    pub(crate) index: IndexArgs,
}
