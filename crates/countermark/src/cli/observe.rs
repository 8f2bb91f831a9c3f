//! The command line of `countermark observe`, as plain data.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[cfg(feature = "service")]
use super::observe_feed;

const EXAMPLES: &str = "Examples:
  countermark observe --once repositories --output seen    every lock below it, with its past
  countermark observe --once . --no-history                only what is there now
  countermark observe --once --clone https://git.example.org/team/app.git --output seen
  countermark observe report seen/observations.jsonl --format sarif";

/// `countermark observe`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct ObserveArgs {
    /// What to do, where it is not `--once`.
    #[command(subcommand)]
    pub(crate) command: Option<ObserveCommand>,
    #[command(flatten)]
    pub(crate) once: OnceArgs,
}

/// What an observatory with a database does.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ObserveCommand {
    /// Print what is held against what: the share of each class, and the evidence.
    Report(Box<ReportArgs>),
    /// Record which files an index lists, and append it to a log.
    #[cfg(feature = "service")]
    #[command(after_help = observe_feed::INDEX_EXAMPLES)]
    Index(Box<observe_feed::ObserveIndexArgs>),
    /// Record what distributions state of their sources.
    #[cfg(feature = "service")]
    #[command(after_help = observe_feed::DISTRIBUTIONS_EXAMPLES)]
    Distributions(Box<observe_feed::ObserveDistributionsArgs>),
    /// Read project trees on a schedule, and tell of alarms.
    #[cfg(feature = "service")]
    #[command(after_help = observe_feed::CRAWL_EXAMPLES)]
    Crawl(Box<observe_feed::ObserveCrawlArgs>),
}

/// `countermark observe --once`
#[derive(Clone, Debug, Args)]
pub(crate) struct OnceArgs {
    /// Read the locks of these folders once, without any server.
    #[arg(long)]
    pub(crate) once: bool,
    /// Repositories, folders of repositories, folders with locks, or locks.
    #[arg(value_name = "FOLDER", requires = "once")]
    pub(crate) folders: Vec<PathBuf>,
    /// A repository to clone and read; may be given again.
    #[arg(long, value_name = "URL", requires = "once")]
    pub(crate) clone: Vec<String>,
    /// Where the list and the reports go; made if absent.
    #[arg(short, long, value_name = "DIR", default_value = "observed")]
    pub(crate) output: PathBuf,
    /// Read only what is there now, and no past versions.
    #[arg(long)]
    pub(crate) no_history: bool,
    /// Which files an index had: a page of its JSON interface; may be given again.
    #[arg(long, value_name = "FILE", requires = "once")]
    pub(crate) listing: Vec<PathBuf>,
    /// The index that locks mean that name none; the public one without it.
    #[arg(short, long, value_name = "URL")]
    pub(crate) index_url: Option<String>,
    /// The most commits of a repository in one run, the newest of those that were not read.
    #[arg(long, value_name = "NUMBER", default_value_t = 100_000)]
    pub(crate) max_commits: usize,
    /// The most bytes of a clone, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 512)]
    pub(crate) max_clone: u64,
    /// The most seconds for one repository.
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub(crate) max_seconds: u64,
    /// The private folder for clones, and for what was read of repositories.
    #[arg(long, value_name = "DIR", env = "COUNTERMARK_STATE_DIR")]
    pub(crate) state_dir: Option<PathBuf>,
    /// When to exit with 1.
    #[arg(long, value_enum, default_value_t = FailOnClass::Alarm, value_name = "WHEN")]
    pub(crate) fail_on: FailOnClass,
}

/// `countermark observe report`
#[derive(Clone, Debug, Args)]
pub(crate) struct ReportArgs {
    /// observations.jsonl or digests.txt of an earlier run; may be several.
    #[arg(value_name = "FILE", default_value = "observed/observations.jsonl")]
    pub(crate) files: Vec<PathBuf>,
    /// The observatory's database in place of files: a file, or postgres://…
    #[cfg(feature = "service")]
    #[arg(long, value_name = "ADDRESS", conflicts_with = "files")]
    pub(crate) database: Option<String>,
    /// How to report.
    #[arg(long, value_enum, default_value_t = ObserveFormat::Text, value_name = "FORMAT")]
    pub(crate) format: ObserveFormat,
    /// Write the report into a file.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// When to exit with 1.
    #[arg(long, value_enum, default_value_t = FailOnClass::Alarm, value_name = "WHEN")]
    pub(crate) fail_on: FailOnClass,
}

/// When the answer is a "no".
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOnClass {
    /// When one file has two digests that nothing explains.
    Alarm,
    /// When anything disagrees, whatever explains it.
    Any,
    /// Never.
    Never,
}

/// The forms of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ObserveFormat {
    /// For people at a terminal.
    Text,
    /// For a page of a repository.
    Markdown,
    /// For programs.
    Json,
    /// For code scanning.
    Sarif,
    /// For browsers.
    Html,
}
