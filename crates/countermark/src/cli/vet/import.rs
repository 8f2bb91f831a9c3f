//! The command line of `countermark vet import`, as plain data.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::LedgerArgs;
use crate::cli::ReportFormat;
use crate::cli::log_client::LogNetworkArgs;

const EXAMPLES: &str = "Examples:
  countermark vet import add https://example.org/ledger --name acme
  countermark vet import                      fetch all of them again, and show what is new
  countermark vet import acme --dry-run
  countermark vet import list";
const ADD_EXAMPLES: &str = "Examples:
  countermark vet import add https://example.org/ledger --name acme
  countermark vet import add ../platform/ledger --name platform --map-builtin --accept-keys
  countermark vet import add git+https://example.org/team/reviews@main --name acme \\
      --map reviewed=safe-to-deploy --key alice@example.org";

/// `countermark vet import`; without a command it fetches again.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub(crate) struct ImportArgs {
    #[command(subcommand)]
    pub(crate) command: Option<ImportCommand>,
    #[command(flatten)]
    pub(crate) again: ImportAgainArgs,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ImportCommand {
    /// Take in somebody's ledger: fetch it, and decide whose keys and which criteria count.
    Add(Box<ImportAddArgs>),
    /// Take an import out, and its files.
    Remove(ImportRemoveArgs),
    /// List the imports: when they were fetched, what of them counts.
    List(ImportListArgs),
}

/// Fetches again.
#[derive(Clone, Debug, Args)]
pub(crate) struct ImportAgainArgs {
    /// Which ones; without a name all of them.
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Take in a ledger that changed its past, for this reason, which is written beside it.
    #[arg(long, value_name = "REASON")]
    pub(crate) accept_changes: Option<String>,
    /// Show what is new, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) place: ImportPlaceArgs,
}

/// What all of them need.
#[derive(Clone, Debug, Args)]
pub(crate) struct ImportPlaceArgs {
    /// A lock, of which files that are known bad are told; else the only one here; may be given again.
    #[arg(short = 'r', long = "requirement", value_name = "FILE")]
    pub(crate) requirements: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,
    #[command(flatten)]
    pub(crate) network: LogNetworkArgs,
    /// The private folder, for what servers said of their files, and for clones.
    #[arg(long, value_name = "DIR", env = "COUNTERMARK_STATE_DIR", hide = true)]
    pub(crate) state_dir: Option<PathBuf>,
}

/// `countermark vet import add`
#[derive(Clone, Debug, Args)]
#[command(after_help = ADD_EXAMPLES)]
pub(crate) struct ImportAddArgs {
    /// The folder with its ledger.toml: https://…, git+https://…@branch#subdirectory=…, or a path.
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// What it is called here: the name of its folder below `imports`.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: String,
    /// What one of its criteria counts as here; may be given again.
    #[arg(long, value_name = "THEIRS=OURS")]
    pub(crate) map: Vec<String>,
    /// Its safe-to-run and safe-to-deploy count as ours.
    #[arg(long)]
    pub(crate) map_builtin: bool,
    /// An author of its keys, or a key, that counts here; may be given again.
    #[arg(long, value_name = "AUTHOR|KEY", conflicts_with = "accept_keys")]
    pub(crate) key: Vec<String>,
    /// All of its keys count here.
    #[arg(long)]
    pub(crate) accept_keys: bool,
    /// Projects of which its reviews do not count: a name, or a beginning with `*`.
    #[arg(long, value_name = "NAME")]
    pub(crate) exclude: Vec<String>,
    /// Show it, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) place: ImportPlaceArgs,
}

/// `countermark vet import remove`
#[derive(Clone, Debug, Args)]
pub(crate) struct ImportRemoveArgs {
    /// Which one.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,
}

/// `countermark vet import list`
#[derive(Clone, Debug, Args)]
pub(crate) struct ImportListArgs {
    /// How to print it.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text, value_name = "FORMAT")]
    pub(crate) format: ReportFormat,
    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,
}
