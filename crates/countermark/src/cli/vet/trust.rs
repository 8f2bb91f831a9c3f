//! The command line of `countermark vet trust`, as plain data.

use clap::Args;
use jiff::civil::Date;

use super::{LedgerArgs, SubjectArgs};

const EXAMPLES: &str = "Examples:
  countermark vet trust github:acme/app/release.yml --project 'acme-*' --until 2027-01-31 \\
      --reason 'we know who can release'";

/// `countermark vet trust`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TrustArgs {
    /// As provenance names it, whole: github:owner/repository/workflow.yml.
    #[arg(value_name = "PUBLISHER")]
    pub(crate) publisher: String,
    /// For which projects: a name, or a beginning with `*`; may be given again.
    #[arg(long, value_name = "NAME", required = true)]
    pub(crate) project: Vec<String>,
    /// What their files pass as, in place of what the ledger requires; may be given again.
    #[arg(long, value_name = "NAME")]
    pub(crate) criteria: Vec<String>,
    /// The first day of releases that are covered; today where it is not given.
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<Date>,
    /// The last day, at most a year from today.
    #[arg(long, value_name = "DATE")]
    pub(crate) until: Date,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// Show what it would cover, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) subjects: SubjectArgs,
    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,
}
