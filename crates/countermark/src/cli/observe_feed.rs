//! The command line of what feeds the observatory and a log, as plain data.

use std::path::PathBuf;

use clap::Args;
use url::Url;

use super::IndexArgs;

pub(crate) const INDEX_EXAMPLES: &str = "Examples:
  countermark observe index --observer index:example.org/crawler teapot lid
  countermark observe index --observer index:example.org/crawler --projects names.txt \\
      --log-url https://log.example.org --key crawler.key";
pub(crate) const DISTRIBUTIONS_EXAMPLES: &str = "Examples:
  countermark observe distributions gentoo=/srv/gentoo freebsd=/srv/ports/devel
  countermark observe distributions debian=Sources --log /srv/log";
pub(crate) const CRAWL_EXAMPLES: &str = "Examples:
  countermark observe crawl observe.toml           until it is stopped
  countermark observe crawl observe.toml --once    everything that is due, for cron";

/// Where what is seen goes.
#[derive(Clone, Debug, Args)]
pub(crate) struct FeedArgs {
    /// The observatory's database: a file, made if absent, or postgres://…
    #[arg(long, value_name = "ADDRESS", default_value = "observatory.sqlite")]
    pub(crate) database: String,
    /// The folder of a log on this machine to append to.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["log_url", "key"])]
    pub(crate) log: Option<PathBuf>,
    /// A server of a log to append to.
    #[arg(long, value_name = "URL", requires = "key")]
    pub(crate) log_url: Option<Url>,
    /// The file of the observer's key.
    #[arg(long, value_name = "FILE", requires = "log_url")]
    pub(crate) key: Option<PathBuf>,
    /// The log that is meant, if the server is not to be believed.
    #[arg(long, value_name = "ORIGIN", requires = "log_url")]
    pub(crate) origin: Option<String>,
}

/// `countermark observe index`
#[derive(Clone, Debug, Args)]
pub(crate) struct ObserveIndexArgs {
    /// Projects to look at.
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// A file with more of them, a name a line.
    #[arg(long, value_name = "FILE")]
    pub(crate) projects: Option<PathBuf>,
    /// The projects of a federation.toml.
    #[arg(long, value_name = "FILE")]
    pub(crate) federation: Option<PathBuf>,
    /// In whose name, such as index:example.org/crawler.
    #[arg(long, value_name = "OBSERVER")]
    pub(crate) observer: String,
    /// How often a project that changes is looked at, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub(crate) interval: u32,
    /// The most requests a second.
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    pub(crate) rate: u32,
    /// The most projects that are asked for at a time.
    #[arg(long, value_name = "NUMBER", default_value_t = 4)]
    pub(crate) concurrency: usize,
    /// Look again at once, whenever it was done last.
    #[arg(long)]
    pub(crate) now: bool,
    /// A folder for what can be read again.
    #[arg(long, value_name = "DIR", env = "COUNTERMARK_CACHE_DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) feed: FeedArgs,
    #[command(flatten)]
    pub(crate) index: IndexArgs,
}

/// `countermark observe distributions`
#[derive(Clone, Debug, Args)]
pub(crate) struct ObserveDistributionsArgs {
    /// gentoo, freebsd, debian, conda-forge or homebrew, and a folder or file.
    #[arg(required = true, value_name = "KIND=PATH")]
    pub(crate) places: Vec<String>,
    /// Also files that are no index's, under the name of their package.
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) feed: FeedArgs,
}

/// `countermark observe crawl`
#[derive(Clone, Debug, Args)]
pub(crate) struct ObserveCrawlArgs {
    /// What to read, what to remember where, and who is told.
    #[arg(value_name = "CONFIG", default_value = "observe.toml")]
    pub(crate) config: PathBuf,
    /// Read what is due, deliver, and end.
    #[arg(long)]
    pub(crate) once: bool,
    /// Forget all pins of this folder or repository, and end; may be given again.
    #[arg(long, value_name = "REPOSITORY", conflicts_with = "once")]
    pub(crate) forget: Vec<String>,
    #[command(flatten)]
    pub(crate) index: IndexArgs,
}
