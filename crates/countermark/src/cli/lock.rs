//! `lock`, and what `add`, `remove`, `update` and `install NAME` have in common with it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{IndexArgs, PythonArgs, StoreArgs};

/// `countermark lock`.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct LockArgs {
    /// Requirements files, pyproject.toml, or names such as `flask>=3`; by default what the folder
    /// has.
    #[arg(value_name = "INPUT")]
    pub(crate) inputs: Vec<String>,
    /// The lock: requirements*.txt or pylock*.toml; `-` is standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// The format, where the name of the output does not tell.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: Option<LockFormatChoice>,
    /// Give digests to the pins of a constraints file, in place.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["inputs", "output", "format"])]
    pub(crate) constraints: Option<PathBuf>,
    /// Write nothing; exit 1 if the lock is not what would be written.
    #[arg(long)]
    pub(crate) locked: bool,
    /// No comments on who wants what.
    #[arg(long)]
    pub(crate) no_annotate: bool,
    /// Write what the log proves of each file beside the lock, into `<OUTPUT>.proofs`.
    #[arg(long)]
    pub(crate) proofs: bool,
    /// Write the lock as it would be also into this file, whatever the policy says of it.
    #[arg(long, value_name = "FILE")]
    pub(crate) proposed: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    #[command(flatten)]
    pub(crate) upgrade: UpgradeArgs,
    #[command(flatten)]
    pub(crate) targets: TargetArgs,
    #[command(flatten)]
    pub(crate) resolution: ResolutionArgs,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
    #[command(flatten)]
    pub(crate) index: IndexArgs,
    #[command(flatten)]
    pub(crate) python: PythonArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

const EXAMPLES: &str = "Examples:
  countermark lock                                  what the folder wants, into its lock
  countermark lock requirements.in                  writes requirements.txt
  countermark lock pyproject.toml -o pylock.toml --all-extras
  countermark lock 'flask>=3' requests -o -         print the pins of two names
  countermark lock requirements.in --python-version 3.11 --python-version 3.13 \\
      --platform linux --platform macos             one file for four targets
  countermark lock --constraints upper-constraints.txt";

/// The formats of locks that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LockFormatChoice {
    /// A requirements file with digests.
    Requirements,
    /// A pylock.toml (PEP 751).
    Pylock,
}

/// Which parts of a pyproject.toml are wanted.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Parts of pyproject.toml")]
pub(crate) struct SelectionArgs {
    /// An extra of the project; may be given again.
    #[arg(long = "extra", value_name = "NAME")]
    pub(crate) extras: Vec<String>,
    /// All extras of the project.
    #[arg(long)]
    pub(crate) all_extras: bool,
    /// A dependency group; may be given again.
    #[arg(long = "group", value_name = "NAME")]
    pub(crate) groups: Vec<String>,
    /// All dependency groups.
    #[arg(long)]
    pub(crate) all_groups: bool,
    /// Only this dependency group; may be given again.
    #[arg(long = "only-group", value_name = "NAME")]
    pub(crate) only_groups: Vec<String>,
}

/// Which pins may move.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Pins that are there")]
pub(crate) struct UpgradeArgs {
    /// Move every pin that can be moved.
    #[arg(short = 'U', long)]
    pub(crate) upgrade: bool,
    /// Move the pin of this project; may be given again.
    #[arg(short = 'P', long, value_name = "NAME")]
    pub(crate) upgrade_package: Vec<String>,
}

/// What the lock is for.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Targets")]
pub(crate) struct TargetArgs {
    /// A version of Python; with several, and several platforms, the lock is for all combinations.
    #[arg(long, value_name = "VERSION")]
    pub(crate) python_version: Vec<String>,
    /// linux, linux-arm64, musl, macos, macos-intel, windows, or a platform tag; may be given again.
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Vec<String>,
    /// One version of each project for all targets, where that is possible; otherwise only those of
    /// the same Python agree.
    #[arg(long)]
    pub(crate) agree: bool,
    /// The digests of every file of a release, not only of those that the targets can use.
    #[arg(long)]
    pub(crate) all_files: bool,
}

/// How versions are chosen.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Resolution")]
pub(crate) struct ResolutionArgs {
    /// Which versions are tried first; the highest, where nobody says anything.
    #[arg(long, value_enum, value_name = "STRATEGY")]
    pub(crate) resolution: Option<StrategyChoice>,
    /// Which prereleases may be taken; if-necessary-or-explicit, where nobody says anything.
    #[arg(long, value_enum, value_name = "WHICH")]
    pub(crate) prerelease: Option<PrereleaseChoice>,
    /// A constraints file; may be given again.
    #[arg(short = 'c', long = "constraint", value_name = "FILE")]
    pub(crate) constraint: Vec<String>,
    /// A file of requirements that stand in place of everybody's; may be given again.
    #[arg(long = "override", value_name = "FILE")]
    pub(crate) overrides: Vec<String>,
    /// A project that is never taken, whoever requires it; may be given again.
    #[arg(long = "exclude", value_name = "NAME")]
    pub(crate) excludes: Vec<String>,
    /// Nothing uploaded at or after this date or time: 2026-11-01, an RFC 3339 time, or `7 days`.
    #[arg(long, value_name = "WHEN")]
    pub(crate) exclude_newer: Option<String>,
    /// The same for one project: NAME=WHEN, or NAME=never to lift it; may be given again.
    #[arg(long, value_name = "NAME=WHEN")]
    pub(crate) exclude_newer_package: Vec<String>,
    /// A project that may come as a source package when no wheel can be used; `:all:` for any; may be
    /// given again.
    #[arg(long, value_name = "NAME")]
    pub(crate) allow_source: Vec<String>,
}

/// What decides whether a pin may be written.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Policy")]
pub(crate) struct PolicyArgs {
    /// The policy, in place of the countermark.toml or pyproject.toml of the folder or above it.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Where to save what convicts a log or an index; by default a file of the state folder.
    #[arg(long, value_name = "FILE")]
    pub(crate) evidence: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StrategyChoice {
    /// The highest.
    Highest,
    /// The lowest of every project.
    Lowest,
    /// The lowest of what is wanted directly, the highest of the rest.
    LowestDirect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PrereleaseChoice {
    /// None.
    Disallow,
    /// All.
    Allow,
    /// Of projects that have nothing else.
    IfNecessary,
    /// Of projects for which a requirement of yours names one.
    Explicit,
    /// Either of the last two.
    IfNecessaryOrExplicit,
}
