//! The command line of `countermark vet key`, as plain data.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::civil::Date;

use super::LedgerArgs;

const EXAMPLES: &str = "Examples:
  countermark vet key new --author alice@example.org
  countermark vet key add --author alice@example.org          the key that was made
  countermark vet key add --author bob@example.org bob.pub    an SSH key
  countermark vet key add --author eve@example.org eve.asc --account eve";

/// `countermark vet key`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    pub(crate) command: KeyCommand,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key that signs reviews; it stays on this machine.
    New(KeyNewArgs),
    /// Show the public half of a key.
    Show(KeyShowArgs),
    /// Write whose key it is into the ledger, so that it counts.
    Add(Box<KeyAddArgs>),
}

/// `countermark vet key new`
#[derive(Clone, Debug, Args)]
pub(crate) struct KeyNewArgs {
    /// Whose it is: what their reviews say, an address as a rule.
    #[arg(long, value_name = "NAME")]
    pub(crate) author: String,
    /// Where it is kept, in place of the folder of settings; never written over.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// `countermark vet key show`
#[derive(Clone, Debug, Args)]
pub(crate) struct KeyShowArgs {
    /// Files with keys; all that are kept in the folder of settings without one.
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

/// `countermark vet key add`
#[derive(Clone, Debug, Args)]
pub(crate) struct KeyAddArgs {
    /// A key, or a file with one: of `vet key new`, an SSH `.pub` file, an OpenPGP certificate; the
    /// author's own of this machine without one.
    #[arg(value_name = "KEY|FILE")]
    pub(crate) key: Option<String>,
    /// Whose it is: what their reviews say.
    #[arg(long, value_name = "NAME")]
    pub(crate) author: String,
    /// Their name at the index, for the rule about own projects; may be given again.
    #[arg(long = "account", value_name = "NAME")]
    pub(crate) accounts: Vec<String>,
    /// The first day of reviews that it may sign.
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<Date>,
    /// The last one.
    #[arg(long, value_name = "DATE")]
    pub(crate) until: Option<Date>,
    /// The fingerprint of an OpenPGP certificate, for builds that cannot read one.
    #[arg(long, value_name = "FINGERPRINT")]
    pub(crate) fingerprint: Option<String>,
    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,
}
