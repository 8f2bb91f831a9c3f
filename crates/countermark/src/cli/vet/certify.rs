//! The command line of `countermark vet certify`, as plain data.

use std::path::PathBuf;

use clap::Args;
use jiff::civil::Date;

use super::{LedgerArgs, ProposedArgs};
use crate::cli::{IndexArgs, StoreArgs};

const EXAMPLES: &str = "Examples:
  countermark vet certify flask==3.1.3                    read in full
  countermark vet certify flask==3.1.3 --from 3.1.2       only the difference
  countermark vet certify numpy==2.4.1 --compiled         how its extensions were made
  countermark vet certify flask==3.1.3 --ssh ~/.ssh/id_ed25519.pub
  countermark vet certify flask==3.1.3 --dry-run          what would be signed";

/// `countermark vet certify`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CertifyArgs {
    /// What was read.
    #[arg(value_name = "NAME==VERSION")]
    pub(crate) release: String,
    /// Only the difference from this release was read.
    #[arg(long, value_name = "VERSION", conflicts_with = "compiled")]
    pub(crate) from: Option<String>,
    /// Only the compiled extensions were looked at, or how they were made.
    #[arg(long)]
    pub(crate) compiled: bool,
    /// A lock whose files of the release were read, in place of the only one of the folder; may be
    /// given again.
    #[arg(short = 'r', long = "lock", value_name = "FILE")]
    pub(crate) locks: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) proposed: ProposedArgs,
    /// A file that was read, or `sha256:HEX NAME`, in place of a lock's; may be given again.
    #[arg(long = "file", value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// A file of the other release; those that the ledger knows without one.
    #[arg(long = "from-file", value_name = "FILE", requires = "from")]
    pub(crate) from_files: Vec<PathBuf>,
    /// What is said of it, in place of what is missing; may be given again.
    #[arg(long, value_name = "NAME")]
    pub(crate) criteria: Vec<String>,
    /// What was looked at and what was not.
    #[arg(long, value_name = "TEXT")]
    pub(crate) notes: Option<String>,
    /// The last day on which it counts.
    #[arg(long, value_name = "DATE")]
    pub(crate) until: Option<Date>,
    /// Open no editor: what the options say is signed.
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Open the editor also where there is no terminal.
    #[arg(short, long, conflicts_with = "yes")]
    pub(crate) edit: bool,
    /// Show what would be signed, sign and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) signing: SigningArgs,
    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,
    #[command(flatten)]
    pub(crate) index: IndexArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// Who signs, and with what.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Signing options")]
pub(crate) struct SigningArgs {
    /// Whose review it is; else whose key signs.
    #[arg(long, value_name = "NAME")]
    pub(crate) author: Option<String>,
    /// A key of `vet key new`, in place of the one that is kept in the folder of settings.
    #[arg(long, value_name = "FILE", group = "signer")]
    pub(crate) key: Option<PathBuf>,
    /// An SSH key, or the public half of one in an agent.
    #[arg(long, value_name = "FILE", group = "signer")]
    pub(crate) ssh: Option<PathBuf>,
    /// A key of gpg.
    #[arg(long, value_name = "FINGERPRINT", group = "signer")]
    pub(crate) openpgp: Option<String>,
    /// The signed commit that adds it will be its signature.
    #[arg(long, group = "signer")]
    pub(crate) git: bool,
}
