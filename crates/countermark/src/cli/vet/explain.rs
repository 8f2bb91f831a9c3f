//! The command line of `countermark vet explain`, as plain data.

use clap::Args;

use super::{LedgerArgs, ProposedArgs, SubjectArgs};
use crate::cli::ReportFormat;

const EXAMPLES: &str = "Examples:
  countermark vet explain urllib3
  countermark vet explain urllib3==2.5.0 -r uv.lock";

/// `countermark vet explain`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExplainArgs {
    /// The project, with its version where the lock has several, or has it not.
    #[arg(value_name = "NAME[==VERSION]")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) subjects: SubjectArgs,
    #[command(flatten)]
    pub(crate) proposed: ProposedArgs,
    /// How to print it.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text, value_name = "FORMAT")]
    pub(crate) format: ReportFormat,
    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,
}
