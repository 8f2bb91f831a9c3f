//! The command line of those who ask a log, as plain data.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::IndexArgs;

const LOOKUP_EXAMPLES: &str = "Examples:
  countermark log lookup flask==3.0.0             every file of a release, and who saw which bytes
  countermark log lookup dist/example-1.0-py3-none-any.whl
                                                  is this what others got?";
const USE_EXAMPLES: &str = "Examples:
  countermark log use https://log.example.org               shows the key; writes nothing
  countermark log use https://log.example.org --key 'log.example.org+65ca920a+Af…'";
const VERIFY_EXAMPLE: &str = "Example:
  countermark lock --proofs && countermark log verify requirements.txt";
const CONVICT_EXAMPLE: &str = "Example:
  countermark log convict fork-inconsistent-2c26b46b68ff.json --key 'log.example.org+65ca920a+Af…'";
const MONITOR_EXAMPLES: &str = "Examples:
  countermark log monitor --project flask --project 'acme-*'
  countermark log monitor --federation federation.toml --json";

/// Which log, as the policy says.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct LogPolicyArgs {
    /// The policy, in place of the countermark.toml or pyproject.toml of the folder or above it.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// The private folder with what was seen of logs.
    #[arg(long, value_name = "DIR", env = "COUNTERMARK_STATE_DIR", hide = true)]
    pub(crate) state_dir: Option<PathBuf>,
    /// Where to save what convicts the log; by default a file of the state folder.
    #[arg(long, value_name = "FILE")]
    pub(crate) evidence: Option<PathBuf>,
}

/// How a log is reached.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Network options")]
pub(crate) struct LogNetworkArgs {
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
    /// Read neither variables nor configuration files of pip, uv and countermark.
    #[arg(long)]
    pub(crate) isolated: bool,
}

impl LogNetworkArgs {
    /// The same as settings are read from.
    pub(crate) fn index_arguments(&self) -> IndexArgs {
        IndexArgs {
            offline: self.offline,
            cert: self.cert.clone(),
            client_cert: self.client_cert.clone(),
            proxy: self.proxy.clone(),
            timeout: self.timeout,
            isolated: self.isolated,
            ..IndexArgs::default()
        }
    }
}

/// `countermark log lookup`
#[derive(Clone, Debug, Args)]
#[command(after_help = LOOKUP_EXAMPLES)]
pub(crate) struct LogLookupArgs {
    /// Releases, NAME==VERSION, and files; of a file that is here the bytes are compared.
    #[arg(required = true, value_name = "RELEASE|FILE")]
    pub(crate) subjects: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) log: LogPolicyArgs,
    #[command(flatten)]
    pub(crate) network: LogNetworkArgs,
}

/// `countermark log use`
#[derive(Clone, Debug, Args)]
#[command(after_help = USE_EXAMPLES)]
pub(crate) struct LogUseArgs {
    /// The log.
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// Its key, as somebody whom you believe published it; may be given again.
    #[arg(long, value_name = "VKEY")]
    pub(crate) key: Vec<String>,
    /// What follows when the log has no good answer about a new pin.
    #[arg(long, value_enum, default_value_t = LogModeChoice::Warn, value_name = "MODE")]
    pub(crate) mode: LogModeChoice,
    /// Print the table, and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) log: LogPolicyArgs,
    #[command(flatten)]
    pub(crate) network: LogNetworkArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogModeChoice {
    /// Nobody is asked.
    Off,
    /// It is told.
    Warn,
    /// Nothing is written.
    Require,
}

/// `countermark log verify`
#[derive(Clone, Debug, Args)]
#[command(after_help = VERIFY_EXAMPLE)]
pub(crate) struct LogVerifyArgs {
    /// A lock whose proofs lie beside it, in `<LOCK>.proofs`.
    #[arg(value_name = "LOCK")]
    pub(crate) lock: PathBuf,
    /// The folder of the proofs, where it is another one.
    #[arg(long, value_name = "DIR")]
    pub(crate) proofs: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// The policy, in place of the countermark.toml or pyproject.toml of the folder or above it.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
}

/// `countermark log convict`
#[derive(Clone, Debug, Args)]
#[command(after_help = CONVICT_EXAMPLE)]
pub(crate) struct LogConvictArgs {
    /// What was saved as evidence.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// A key of the log or the witness; may be given again. Without it, those of the policy.
    #[arg(long, value_name = "VKEY")]
    pub(crate) key: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// The policy, in place of the countermark.toml or pyproject.toml of the folder or above it.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
}

/// `countermark log monitor`
#[derive(Clone, Debug, Args)]
#[command(after_help = MONITOR_EXAMPLES)]
pub(crate) struct LogMonitorArgs {
    /// A project, or a beginning with `*`; may be given again.
    #[arg(long = "project", value_name = "NAME", required_unless_present = "federation")]
    pub(crate) projects: Vec<String>,
    /// All projects of a federation.
    #[arg(long, value_name = "FILE")]
    pub(crate) federation: Option<PathBuf>,
    /// Begin at the first entry, whatever was read before.
    #[arg(long)]
    pub(crate) from_start: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) log: LogPolicyArgs,
    #[command(flatten)]
    pub(crate) network: LogNetworkArgs,
}
