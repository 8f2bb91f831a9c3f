//! The command line of a log's operator, as plain data.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use url::Url;

const INIT_EXAMPLE: &str = "Example:
  countermark log init /srv/log --origin log.example.org";
const APPEND_EXAMPLES: &str = "Examples:
  countermark log append /srv/log records.jsonl --observer index:example.org/crawler
  countermark log append --url https://log.example.org --key crawler.key records.jsonl";

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum OperatorCommand {
    /// Make the folder of a new log: configuration, key, database.
    #[command(after_help = INIT_EXAMPLE)]
    Init(LogInitArgs),
    /// Serve a log over HTTP, and sequence what is appended.
    Serve(Box<LogServeArgs>),
    /// Append records, signed by an observer.
    #[command(after_help = APPEND_EXAMPLES)]
    Append(LogAppendArgs),
    /// Sequence what is pending, and print the signed checkpoint.
    Checkpoint(LogFolderArgs),
    /// Recompute the whole log: records, tree, tiles, signatures.
    Fsck(LogFsckArgs),
    /// Write all entries and the checkpoint into one file.
    Export(LogExportArgs),
    /// Fill a new log from an export; the tree is the same.
    Import(LogImportArgs),
    /// Register who may append.
    Observer(LogObserverArgs),
    /// Register who cosigns.
    Witness(LogWitnessArgs),
    /// Make a new key; the old one signs too until a day.
    Rotate(LogRotateArgs),
}

/// `countermark log init`
#[derive(Clone, Debug, Args)]
pub(crate) struct LogInitArgs {
    /// Made if absent; one that holds a log is refused.
    pub(crate) folder: PathBuf,
    /// What the log is called for ever: its URL without the scheme.
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) origin: String,
}

/// A log, and nothing more.
#[derive(Clone, Debug, Args)]
pub(crate) struct LogFolderArgs {
    /// The folder that `log init` made.
    pub(crate) folder: PathBuf,
}

/// How a server listens and what it says.
#[derive(Clone, Debug, Args)]
pub(crate) struct ServerArgs {
    /// The address to listen at.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// A proxy whose X-Forwarded-For is believed; may be given again.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) trusted_proxy: Vec<IpAddr>,
    /// How to write the log of the server.
    #[arg(long, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,
    /// Most connections at once.
    #[arg(long, value_name = "COUNT", default_value_t = 2048)]
    pub(crate) max_connections: usize,
    /// Most requests a second of one client address; 0 for no limit.
    #[arg(long, value_name = "COUNT", default_value_t = 200)]
    pub(crate) rate: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// `countermark log serve`
#[derive(Clone, Debug, Args)]
pub(crate) struct LogServeArgs {
    /// The folder that `log init` made.
    pub(crate) folder: PathBuf,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// Only answer: another process sequences.
    #[arg(long)]
    pub(crate) no_sequencer: bool,
}

/// `countermark log append`
#[derive(Clone, Debug, Args)]
pub(crate) struct LogAppendArgs {
    /// The folder of the log, then files with records, JSON Lines or text; `-` is standard input.
    /// With --url only files.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// The observer whose key signs, as in `log observer add`.
    #[arg(long, value_name = "OBSERVER", conflicts_with = "key")]
    pub(crate) observer: Option<String>,
    /// The file of the observer's key.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// A server to hand the records to.
    #[arg(long, value_name = "URL", requires = "key")]
    pub(crate) url: Option<Url>,
    /// The log that is meant, if the server is not to be believed.
    #[arg(long, value_name = "ORIGIN", requires = "url")]
    pub(crate) origin: Option<String>,
}

/// `countermark log fsck`
#[derive(Clone, Debug, Args)]
pub(crate) struct LogFsckArgs {
    /// The folder that `log init` made.
    pub(crate) folder: PathBuf,
    /// Write missing and damaged tiles again from the database.
    #[arg(long)]
    pub(crate) repair: bool,
}

/// `countermark log export`
#[derive(Clone, Debug, Args)]
pub(crate) struct LogExportArgs {
    /// The folder that `log init` made.
    pub(crate) folder: PathBuf,
    /// The file to write; it must not be there yet. `-` is standard output.
    pub(crate) file: PathBuf,
}

/// `countermark log import`
#[derive(Clone, Debug, Args)]
pub(crate) struct LogImportArgs {
    /// The folder of a new log, without entries.
    pub(crate) folder: PathBuf,
    /// What `log export` wrote; `-` is standard input.
    pub(crate) file: PathBuf,
}

/// `countermark log observer`
#[derive(Clone, Debug, Args)]
pub(crate) struct LogObserverArgs {
    #[command(subcommand)]
    pub(crate) command: LogObserverCommand,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum LogObserverCommand {
    /// Let an observer append: a key pair is made, or its own key is given.
    Add {
        /// The folder that `log init` made.
        folder: PathBuf,
        /// `index:NAME` or `distribution:NAME`, such as index:example.org/crawler.
        observer: String,
        /// The observer's verifier key, if it made its own pair.
        #[arg(long, value_name = "VKEY")]
        key: Option<String>,
    },
    /// List who may append.
    List {
        /// The folder that `log init` made.
        folder: PathBuf,
    },
    /// Take an observer's right to append; its records stay.
    Remove {
        /// The folder that `log init` made.
        folder: PathBuf,
        /// Who.
        observer: String,
    },
}

/// `countermark log witness`
#[derive(Clone, Debug, Args)]
pub(crate) struct LogWitnessArgs {
    #[command(subcommand)]
    pub(crate) command: LogWitnessCommand,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum LogWitnessCommand {
    /// Ask a witness to cosign each checkpoint.
    Add {
        /// The folder that `log init` made.
        folder: PathBuf,
        /// Its verifier key, as `witness init` prints it.
        key: String,
        /// Where it takes checkpoints.
        url: Url,
    },
    /// List who is asked.
    List {
        /// The folder that `log init` made.
        folder: PathBuf,
    },
    /// Ask a witness no more.
    Remove {
        /// The folder that `log init` made.
        folder: PathBuf,
        /// Its name.
        name: String,
    },
}

/// `countermark log rotate`
#[derive(Clone, Debug, Args)]
pub(crate) struct LogRotateArgs {
    /// The folder that `log init` made.
    pub(crate) folder: PathBuf,
    /// The last day on which the old key signs too, such as 2027-06-30.
    #[arg(long, value_name = "DAY")]
    pub(crate) until: String,
}
