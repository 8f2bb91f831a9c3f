//! The command lines of `countermark vet inspect` and `vet diff`, as plain data.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::ProposedArgs;
use crate::cli::{IndexArgs, PythonArgs, StoreArgs};

const INSPECT_EXAMPLES: &str = "Examples:
  countermark vet inspect flask==3.1.3              the wheel that this interpreter would take
  countermark vet inspect flask==3.1.3 --sdist      the source package
  countermark vet inspect flask==3.1.3 --list       what there is to look at, and where
  countermark vet inspect dist/a-1.0.tar.gz         a file on disk
  countermark vet inspect flask==3.1.3 --browser    the same as a page in the browser";

const DIFF_EXAMPLES: &str = "Examples:
  countermark vet diff flask 3.1.2 3.1.3            what moved between two releases
  countermark vet diff flask 3.1.2 3.1.3 --list     what there is to look at, and where
  countermark vet diff dist/a-1.0.tar.gz dist/a-1.1.tar.gz
  countermark vet diff flask 3.1.2 3.1.3 --browser  side by side in the browser";

/// `countermark vet inspect`
#[derive(Clone, Debug, Args)]
#[command(after_help = INSPECT_EXAMPLES)]
pub(crate) struct InspectArgs {
    /// A release, or a wheel or source package on disk.
    #[arg(value_name = "NAME==VERSION|FILE")]
    pub(crate) what: String,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
}

/// `countermark vet diff`
#[derive(Clone, Debug, Args)]
#[command(after_help = DIFF_EXAMPLES)]
pub(crate) struct DiffArgs {
    /// A project and two versions, or two files on disk.
    #[arg(required = true, num_args = 2..=3, value_name = "NAME A B|FILE")]
    pub(crate) what: Vec<String>,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
}

/// Which file is read, and how it is shown.
#[derive(Clone, Debug, Args)]
pub(crate) struct ReadingArgs {
    /// The file of the release, by its name; of a difference the new one.
    #[arg(long, value_name = "NAME", conflicts_with = "sdist")]
    pub(crate) file: Option<String>,
    /// The source package rather than a wheel.
    #[arg(long)]
    pub(crate) sdist: bool,
    /// A lock whose digests decide; else the only one of this folder.
    #[arg(long, value_name = "FILE")]
    pub(crate) lock: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) proposed: ProposedArgs,
    /// Only the list of files with what was found in them.
    #[arg(long)]
    pub(crate) list: bool,
    /// Only files whose path begins so; may be given again.
    #[arg(long, value_name = "PATH")]
    pub(crate) only: Vec<String>,
    /// How to report.
    #[arg(long, value_enum, default_value_t = ReadingFormat::Text, value_name = "FORMAT")]
    pub(crate) format: ReadingFormat,
    #[cfg(feature = "service")]
    #[command(flatten)]
    pub(crate) browser: BrowserArgs,
    #[command(flatten)]
    pub(crate) python: PythonArgs,
    #[command(flatten)]
    pub(crate) index: IndexArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// The page in the browser.
#[cfg(feature = "service")]
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Browser options")]
pub(crate) struct BrowserArgs {
    /// Serve it as a page for this machine alone, until stopped or idle.
    #[arg(long, conflicts_with_all = ["list", "format", "only"])]
    pub(crate) browser: bool,
    /// Open the page in the browser of this user.
    #[arg(long, requires = "browser")]
    pub(crate) open: bool,
    /// Minutes without a request after which it ends.
    #[arg(long, value_name = "MINUTES", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=1440))]
    pub(crate) idle: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReadingFormat {
    /// For people: a pager on a terminal.
    Text,
    /// For programs: the list of files.
    Json,
}
