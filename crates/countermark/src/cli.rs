//! The command line, as plain data. Options have pip's names where pip has them.

pub(crate) mod audit;
mod cache;
pub(crate) mod gate;
pub(crate) mod handbook;
pub(crate) mod incident;
pub(crate) mod init;
pub(crate) mod lock;
pub(crate) mod log;
pub(crate) mod log_client;
#[cfg(feature = "service")]
pub(crate) mod log_operator;
pub(crate) mod observe;
#[cfg(feature = "service")]
pub(crate) mod observe_feed;
pub(crate) mod port;
pub(crate) mod project;
pub(crate) mod relock;
pub(crate) mod roles;
pub(crate) mod tree;
pub(crate) mod vet;
#[cfg(feature = "service")]
pub(crate) mod watch;
#[cfg(feature = "service")]
pub(crate) mod witness;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use cache::{CacheArgs, CacheCommand};

/// The version, and what was built in that the default build has not.
const VERSION: &str = if cfg!(feature = "openpgp") {
    concat!(env!("CARGO_PKG_VERSION"), " (with openpgp)")
} else {
    env!("CARGO_PKG_VERSION")
};

/// Python packages that are the right ones.
///
/// Replace `pip install -r` with `countermark install -r`: every byte is checked before anything
/// changes, a mismatch stops the build, and there is no server to run.
#[derive(Debug, Parser)]
#[command(name = "countermark", version = VERSION, max_term_width = 100, disable_help_subcommand = true)]
#[command(after_help = "Exit codes: 0 yes · 1 a check said no · 2 the input cannot be used · \
    3 could not decide · 4 proof of misbehaviour\n\nThe guide: docs/README.md")]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// How much to say, and in which colours.
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// For every command.
#[derive(Clone, Debug, Args)]
pub(crate) struct OutputArgs {
    /// Say only what went wrong.
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// When to use colours.
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN")]
    pub(crate) color: ColorChoice,
    /// Never show progress, not even on a terminal.
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On terminals, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Install exactly what a file with digests lists.
    #[command(after_help = INSTALL_EXAMPLES)]
    Install(Box<InstallArgs>),
    /// Write the pins of what a project wants, each digest of bytes that were downloaded.
    Lock(Box<lock::LockArgs>),
    /// Judge locks of any format by the policy and by what the index says now.
    Gate(Box<gate::GateArgs>),
    /// Show who wants what in a lock.
    Tree(tree::TreeArgs),
    /// Print every chain from what somebody asked for to a package.
    Why(tree::WhyArgs),
    /// Point the URLs of locks at another index, and back.
    Relock(Box<relock::RelockArgs>),
    /// Make a project ready: policy, CI job, hook, and the list of what is let pass.
    Init(Box<init::InitArgs>),
    /// Add requirements to the input, and their pins to the lock.
    Add(Box<project::AddArgs>),
    /// Remove requirements from the input, and what only they needed from the lock.
    Remove(Box<project::RemoveArgs>),
    /// Move pins, after showing what changes with each of them.
    Update(Box<project::UpdateArgs>),
    /// Download and check the files, and keep them.
    #[command(after_help = DOWNLOAD_EXAMPLES)]
    Download(Box<DownloadArgs>),
    /// Print the digests of files, as requirements files want them.
    #[command(after_help = HASH_EXAMPLES)]
    Hash(HashArgs),
    /// Turn peep's `# sha256:` comments, or a vendored folder, into pins.
    Port(Box<port::PortArgs>),
    /// Check that an environment is still what was installed, file by file.
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(Box<VerifyArgs>),
    /// Find releases that nobody made, releases that are missing, and who could upload.
    Audit(Box<audit::AuditArgs>),
    /// Print the written policy of a federation, or say where it is not kept.
    Handbook(Box<handbook::HandbookArgs>),
    /// Print who can do what on each project, and what has to be done about it.
    Roles(Box<roles::RolesArgs>),
    /// Print the plan for a release that must go, an account that is lost, a job that failed.
    Incident(Box<incident::IncidentArgs>),
    /// Has somebody we trust read every file? The ledger of reviews.
    Vet(Box<vet::VetArgs>),
    /// Run the audit on a schedule, and tell what is new or gone.
    #[cfg(feature = "service")]
    Watch(Box<watch::WatchArgs>),
    /// Compare the pins that projects publish, and tell which of them disagree.
    Observe(Box<observe::ObserveArgs>),
    /// Ask a log whether everybody else got these bytes; run such a log.
    Log(Box<log::LogArgs>),
    /// Cosign the checkpoints of logs that were seen to grow and never change.
    #[cfg(feature = "service")]
    Witness(Box<witness::WitnessArgs>),
    /// List what is installed, and what it came from.
    List(ListArgs),
    /// Remove packages.
    Uninstall(UninstallArgs),
    /// Look after the store of unpacked wheels.
    Cache(CacheArgs),
    /// Print completions for a shell.
    #[command(
        after_help = "Example:\n  countermark completions bash > ~/.local/share/bash-completion/completions/countermark"
    )]
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a folder.
    Man {
        /// Made if absent.
        folder: PathBuf,
    },
}

const INSTALL_EXAMPLES: &str = "Examples:
  countermark install -r requirements.txt                into the active environment
  countermark install -r requirements.txt --venv .venv   into a new or existing one
  countermark install pylock.toml --sync                 and remove what it does not list
  countermark install flask 'requests>=2.32'             resolve, judge, install, print the pins
  countermark install -r requirements.txt --dry-run      only say what would change";
const DOWNLOAD_EXAMPLES: &str = "Examples:
  countermark download -r requirements.txt -d wheels
  countermark download -r requirements.txt -d bundle --bundle \\
      --python-version 3.12 --platform manylinux_2_28_x86_64
  countermark install --no-index --find-links bundle -r bundle/requirements.txt";
const HASH_EXAMPLES: &str = "Examples:
  countermark hash dist/*
  countermark hash --write requirements.txt example-1.0-py3-none-any.whl";
const VERIFY_EXAMPLES: &str = "Examples:
  countermark verify                          the active environment
  countermark verify --python .venv -r requirements.txt
  countermark verify --format json > report.json";

/// What to install.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct InputArgs {
    /// A requirements file, or a pylock.toml; may be given again.
    #[arg(short = 'r', long = "requirement", value_name = "FILE")]
    pub(crate) requirements: Vec<String>,
    /// A constraints file; may be given again.
    #[arg(short = 'c', long = "constraint", value_name = "FILE")]
    pub(crate) constraints: Vec<String>,
    /// A pylock.toml, or names of projects.
    #[arg(value_name = "PYLOCK|NAME")]
    pub(crate) names: Vec<String>,
    /// An extra of a pylock.toml; may be given again.
    #[arg(long = "extra", value_name = "NAME")]
    pub(crate) extras: Vec<String>,
    /// A dependency group of a pylock.toml; may be given again.
    #[arg(long = "group", value_name = "NAME")]
    pub(crate) groups: Vec<String>,
    /// Files that list nothing are fine.
    #[arg(long)]
    pub(crate) allow_empty: bool,
    /// A dependency that the file lacks is a note and not an error.
    #[arg(long)]
    pub(crate) no_deps: bool,
}

/// Where files come from.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Index options")]
pub(crate) struct IndexArgs {
    /// The index to ask first.
    #[arg(short = 'i', long, value_name = "URL")]
    pub(crate) index_url: Option<String>,
    /// An index to ask after it; may be given again.
    #[arg(long, value_name = "URL")]
    pub(crate) extra_index_url: Vec<String>,
    /// A folder or page with files; may be given again.
    #[arg(short = 'f', long, value_name = "PLACE")]
    pub(crate) find_links: Vec<String>,
    /// Ask no index, only what --find-links names.
    #[arg(long)]
    pub(crate) no_index: bool,
    /// Take a project from one index only: its name or URL; may be given again.
    #[arg(long, value_name = "NAME=INDEX")]
    pub(crate) index_for: Vec<String>,
    /// Accepted for pip's sake: only wheels are ever installed.
    #[arg(long, value_name = "NAMES")]
    pub(crate) only_binary: Vec<String>,
    /// Accepted for pip's sake: wheels are preferred anyway.
    #[arg(long)]
    pub(crate) prefer_binary: bool,
    /// No network at all.
    #[arg(long)]
    pub(crate) offline: bool,
    /// Ask the index even when everything is in the store.
    #[arg(long)]
    pub(crate) refresh: bool,
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
    #[command(flatten)]
    pub(crate) weakening: WeakeningArgs,
}

/// Options of other tools that would weaken a check: known, so that they are refused by name.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct WeakeningArgs {
    #[arg(long, hide = true, value_name = "HOST")]
    trusted_host: Vec<String>,
    #[arg(long, hide = true, value_name = "HOST")]
    allow_insecure_host: Vec<String>,
    #[arg(long, hide = true)]
    no_verify_hashes: bool,
    #[arg(long, hide = true)]
    no_require_hashes: bool,
    #[arg(long, hide = true)]
    break_system_packages: bool,
    #[arg(long, hide = true)]
    ignore_requires_python: bool,
}

impl WeakeningArgs {
    /// The options that were given.
    pub(crate) fn given(&self) -> Vec<&'static str> {
        [
            (!self.trusted_host.is_empty(), "--trusted-host"),
            (!self.allow_insecure_host.is_empty(), "--allow-insecure-host"),
            (self.no_verify_hashes, "--no-verify-hashes"),
            (self.no_require_hashes, "--no-require-hashes"),
            (self.break_system_packages, "--break-system-packages"),
            (self.ignore_requires_python, "--ignore-requires-python"),
        ]
        .into_iter()
        .filter_map(|(given, name)| given.then_some(name))
        .collect()
    }
}

/// Where the store is.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Store options")]
pub(crate) struct StoreArgs {
    /// The folder of the store.
    #[arg(long, value_name = "DIR", env = "COUNTERMARK_CACHE_DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
    /// The private folder of seals; must not be shared.
    #[arg(long, value_name = "DIR", env = "COUNTERMARK_STATE_DIR", hide = true)]
    pub(crate) state_dir: Option<PathBuf>,
    /// How much of a stored wheel is looked at: seals of its files, or every byte. Every byte is
    /// the default under CI and where others can write the store.
    #[arg(long, value_enum, value_name = "HOW")]
    pub(crate) check: Option<CheckChoice>,
    /// How files get from the store into an environment.
    #[arg(
        long,
        value_enum,
        value_name = "HOW",
        default_value = "hardlink",
        env = "COUNTERMARK_LINK_MODE"
    )]
    pub(crate) link_mode: LinkChoice,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckChoice {
    /// Device, inode, size, time and mode; every byte when one differs.
    Auto,
    /// Every byte, every time.
    Full,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LinkChoice {
    /// One file, many names.
    #[default]
    Hardlink,
    /// A copy that shares blocks (btrfs, xfs).
    Reflink,
    /// A copy.
    Copy,
}

/// Which environment.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct PythonArgs {
    /// An interpreter, an environment's folder, or a version such as 3.12.
    #[arg(short = 'p', long, value_name = "PYTHON")]
    pub(crate) python: Option<String>,
}

/// `countermark install`
#[derive(Clone, Debug, Args)]
pub(crate) struct InstallArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) python: PythonArgs,
    /// A virtual environment, made if absent.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["target", "prefix"])]
    pub(crate) venv: Option<PathBuf>,
    /// A plain folder for everything.
    #[arg(short, long, value_name = "DIR", conflicts_with = "prefix")]
    pub(crate) target: Option<PathBuf>,
    /// A prefix with the usual folders below it.
    #[arg(long, value_name = "DIR")]
    pub(crate) prefix: Option<PathBuf>,
    /// Check everything and say what would change; change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Write what was checked, as JSON; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Remove packages that the file does not list.
    #[arg(long)]
    pub(crate) sync: bool,
    /// Put packages back whose files were changed.
    #[arg(long, visible_alias = "force-reinstall")]
    pub(crate) reinstall: bool,
    /// What cannot be proved is an error: packages of unknown origin above all.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Compile to bytecode, once for all environments.
    #[arg(long, visible_alias = "compile-bytecode", overrides_with = "no_compile")]
    pub(crate) compile: bool,
    /// Do not compile (the default).
    #[arg(long)]
    pub(crate) no_compile: bool,
    /// Hashes are always required; accepted for pip's sake.
    #[arg(long, hide = true)]
    pub(crate) require_hashes: bool,
    #[command(flatten)]
    pub(crate) by_name: ByNameArgs,
    #[command(flatten)]
    pub(crate) index: IndexArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// What `install NAME` takes beside the names.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Options for names")]
pub(crate) struct ByNameArgs {
    /// Write the names into the project's input and their pins into its lock, as `add` does.
    #[arg(long, conflicts_with_all = ["requirements"])]
    pub(crate) save: bool,
    /// Take the newest of everything that is needed, whatever is installed.
    #[arg(short = 'U', long)]
    pub(crate) upgrade: bool,
    /// Which prereleases may be taken.
    #[arg(long, value_enum, value_name = "WHICH")]
    pub(crate) prerelease: Option<lock::PrereleaseChoice>,
    /// Nothing uploaded at or after this date or time, or `7 days`.
    #[arg(long, value_name = "WHEN")]
    pub(crate) exclude_newer: Option<String>,
    #[command(flatten)]
    pub(crate) policy: lock::PolicyArgs,
}

/// `countermark download`
#[derive(Clone, Debug, Args)]
pub(crate) struct DownloadArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    /// Where the files go; made if absent.
    #[arg(short, long = "dest", value_name = "DIR", default_value = ".")]
    pub(crate) dest: PathBuf,
    #[command(flatten)]
    pub(crate) python: PythonArgs,
    /// For another version of Python, such as 3.12.
    #[arg(long, value_name = "VERSION")]
    pub(crate) python_version: Option<String>,
    /// For another platform, such as manylinux_2_28_x86_64; may be given again.
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Vec<String>,
    /// For another implementation, such as cp or pp.
    #[arg(long, value_name = "NAME")]
    pub(crate) implementation: Option<String>,
    /// For another ABI; may be given again.
    #[arg(long, value_name = "ABI")]
    pub(crate) abi: Vec<String>,
    /// Also write a requirements.txt and SHA256SUMS beside the files: an offline bundle.
    #[arg(long)]
    pub(crate) bundle: bool,
    #[command(flatten)]
    pub(crate) index: IndexArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// `countermark hash`
#[derive(Clone, Debug, Args)]
pub(crate) struct HashArgs {
    /// Wheels, source packages, or any files.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Add the digests to the matching requirements of this file.
    #[arg(short, long, value_name = "REQUIREMENTS")]
    pub(crate) write: Option<PathBuf>,
    /// sha256, sha384 or sha512.
    #[arg(short, long, value_name = "NAME", default_value = "sha256")]
    pub(crate) algorithm: String,
}

/// `countermark verify`
#[derive(Clone, Debug, Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) python: PythonArgs,
    /// A folder that `install --target` filled.
    #[arg(short, long, value_name = "DIR", conflicts_with = "prefix")]
    pub(crate) target: Option<PathBuf>,
    /// A prefix that `install --prefix` filled.
    #[arg(long, value_name = "DIR")]
    pub(crate) prefix: Option<PathBuf>,
    /// What cannot be proved is an error.
    #[arg(long)]
    pub(crate) strict: bool,
    /// How to report.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text, value_name = "FORMAT")]
    pub(crate) format: ReportFormat,
    #[command(flatten)]
    pub(crate) index: IndexArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// `countermark list`
#[derive(Clone, Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) python: PythonArgs,
    /// A folder that `install --target` filled.
    #[arg(short, long, value_name = "DIR", conflicts_with = "prefix")]
    pub(crate) target: Option<PathBuf>,
    /// A prefix that `install --prefix` filled.
    #[arg(long, value_name = "DIR")]
    pub(crate) prefix: Option<PathBuf>,
    /// How to list.
    #[arg(long, value_enum, default_value_t = ListFormat::Columns, value_name = "FORMAT")]
    pub(crate) format: ListFormat,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    /// A table.
    Columns,
    /// Requirements with the digests of what was installed.
    Freeze,
    /// For programs.
    Json,
}

/// `countermark uninstall`
#[derive(Clone, Debug, Args)]
pub(crate) struct UninstallArgs {
    /// Projects.
    #[arg(required = true, value_name = "NAME")]
    pub(crate) names: Vec<String>,
    #[command(flatten)]
    pub(crate) python: PythonArgs,
    /// A folder that `install --target` filled.
    #[arg(short, long, value_name = "DIR", conflicts_with = "prefix")]
    pub(crate) target: Option<PathBuf>,
    /// A prefix that `install --prefix` filled.
    #[arg(long, value_name = "DIR")]
    pub(crate) prefix: Option<PathBuf>,
    /// Do not ask. Nothing is asked without a terminal either.
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Say what would be removed; remove nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}
