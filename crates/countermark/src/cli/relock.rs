//! The command line of `countermark relock`, as plain data.

use std::path::PathBuf;

use clap::Args;

const EXAMPLES: &str = "Examples:
  countermark relock uv.lock --to https://packages.example.org/simple/
  countermark relock uv.lock --to https://index.example.org/simple/       and back again
  countermark relock uv.lock poetry.lock --to https://packages.example.org/simple/ --check
  countermark relock pylock.toml --to https://packages.example.org/simple/ --offline \\
      --files https://files.example.org/packages/=https://packages.example.org/files/";

/// `countermark relock`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RelockArgs {
    /// Locks of any format: requirements files, pylock.toml, uv.lock, poetry.lock, pdm.lock,
    /// Pipfile.lock, conda-lock.yml.
    #[arg(required = true, value_name = "LOCK")]
    pub(crate) locks: Vec<PathBuf>,
    /// The index to which the locks are to point.
    #[arg(long, value_name = "INDEX")]
    pub(crate) to: String,
    /// The index that moves, where a lock names several.
    #[arg(long, value_name = "INDEX")]
    pub(crate) from: Option<String>,
    /// Where files are that begin with one URL: at the same place below another one; may be given
    /// again. Files without such a rule are looked up at the index.
    #[arg(long, value_name = "OLD=NEW")]
    pub(crate) files: Vec<String>,
    /// Write nothing; exit with 1 when a lock does not point there.
    #[arg(long)]
    pub(crate) check: bool,
    /// Write nothing; look everything up and say what would be written.
    #[arg(long, conflicts_with = "check")]
    pub(crate) dry_run: bool,
    /// No network at all.
    #[arg(long)]
    pub(crate) offline: bool,
    /// Certificates to trust, PEM.
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: Option<PathBuf>,
    /// A client certificate with its key, PEM.
    #[arg(long, value_name = "FILE")]
    pub(crate) client_cert: Option<PathBuf>,
    /// A proxy for all requests.
    #[arg(long, value_name = "URL")]
    pub(crate) proxy: Option<String>,
    /// Seconds without an answer after which a connection is given up.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) timeout: Option<f64>,
    /// How often a request is tried again.
    #[arg(long, value_name = "COUNT")]
    pub(crate) retries: Option<u32>,
    /// Whether to ask the `keyring` program for credentials.
    #[arg(long, value_name = "PROVIDER")]
    pub(crate) keyring_provider: Option<String>,
    /// Read neither variables nor configuration files of pip, uv and countermark.
    #[arg(long)]
    pub(crate) isolated: bool,
}
