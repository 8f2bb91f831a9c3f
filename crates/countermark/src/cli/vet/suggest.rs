//! The command line of `countermark vet suggest`, as plain data.

use clap::Args;

use super::{LedgerArgs, ProposedArgs, SubjectArgs};
use crate::cli::{IndexArgs, ReportFormat};

const EXAMPLES: &str = "Examples:
  countermark vet suggest                     for the lock of this folder
  countermark vet suggest uv.lock --offline   with what was counted before";

/// `countermark vet suggest`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SuggestArgs {
    #[command(flatten)]
    pub(crate) subjects: SubjectArgs,
    #[command(flatten)]
    pub(crate) proposed: ProposedArgs,
    /// What every file has to meet, in place of what the ledger says; may be given again.
    #[arg(long, value_name = "NAME")]
    pub(crate) criteria: Vec<String>,
    /// Plan for every file by itself, not for one of each release.
    #[arg(long)]
    pub(crate) each_file: bool,
    /// How to print it.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text, value_name = "FORMAT")]
    pub(crate) format: ReportFormat,
    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,
    #[command(flatten)]
    pub(crate) index: IndexArgs,
}
