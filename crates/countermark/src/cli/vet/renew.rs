//! The command line of `countermark vet renew`, as plain data.

use clap::Args;
use jiff::civil::Date;

use super::LedgerArgs;

const EXAMPLES: &str = "Examples:
  countermark vet renew                       what ends within 30 days
  countermark vet renew --expiring 90
  countermark vet renew github:acme/app/release.yml --until 2027-06-01 --reason 'no change'";

/// `countermark vet renew`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RenewArgs {
    /// A trusted publisher, or a project that one is trusted for; without one nothing is changed.
    #[arg(value_name = "NAME", conflicts_with = "expiring", requires_all = ["until", "reason"])]
    pub(crate) name: Option<String>,
    /// Show what ends within so many days.
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    pub(crate) expiring: u16,
    /// The new last day, at most a year from today.
    #[arg(long, value_name = "DATE", requires = "name")]
    pub(crate) until: Option<Date>,
    /// Why the trust goes on.
    #[arg(long, value_name = "TEXT", requires = "name")]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,
}
