//! `add`, `remove` and `update`: the input and its lock together.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::lock::{PolicyArgs, PrereleaseChoice};
use super::{IndexArgs, PythonArgs, StoreArgs};

/// Which files.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Files")]
pub(crate) struct ProjectArgs {
    /// The file that people write: requirements.in or pyproject.toml; by default the one of the folder.
    #[arg(long, value_name = "FILE")]
    pub(crate) input: Option<String>,
    /// Its lock; by default the one that belongs to it.
    #[arg(long, value_name = "FILE")]
    pub(crate) lock: Option<PathBuf>,
    /// Show what would change, and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Write the lock as it would be also into this file, whatever the policy says of it.
    #[arg(long, value_name = "FILE")]
    pub(crate) proposed: Option<PathBuf>,
}

/// `countermark add`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  countermark add flask                       the newest that the policy allows
  countermark add 'django>=5,<6' psycopg
  countermark add --group dev pytest          into a dependency group of pyproject.toml")]
pub(crate) struct AddArgs {
    /// What to add, such as `flask` or `flask>=3`.
    #[arg(value_name = "REQUIREMENT", required = true)]
    pub(crate) requirements: Vec<String>,
    #[command(flatten)]
    pub(crate) section: SectionArgs,
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
    /// Which prereleases may be taken.
    #[arg(long, value_enum, value_name = "WHICH")]
    pub(crate) prerelease: Option<PrereleaseChoice>,
    /// Nothing uploaded at or after this date or time, or `7 days`; the lock remembers it.
    #[arg(long, value_name = "WHEN")]
    pub(crate) exclude_newer: Option<String>,
    /// A project that may come as a source package when no wheel can be used; may be given again.
    #[arg(long, value_name = "NAME")]
    pub(crate) allow_source: Vec<String>,
    #[command(flatten)]
    pub(crate) index: IndexArgs,
    #[command(flatten)]
    pub(crate) python: PythonArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// Which part of a pyproject.toml.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct SectionArgs {
    /// The dependency group of pyproject.toml.
    #[arg(long, value_name = "NAME", conflicts_with = "extra")]
    pub(crate) group: Option<String>,
    /// The extra of pyproject.toml.
    #[arg(long, value_name = "NAME")]
    pub(crate) extra: Option<String>,
}

/// `countermark remove`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:
  countermark remove flask       and what only flask needed leaves the lock with it")]
pub(crate) struct RemoveArgs {
    /// The projects.
    #[arg(value_name = "NAME", required = true)]
    pub(crate) names: Vec<String>,
    #[command(flatten)]
    pub(crate) section: SectionArgs,
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
    #[command(flatten)]
    pub(crate) index: IndexArgs,
    #[command(flatten)]
    pub(crate) python: PythonArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// `countermark update`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  countermark update                    move every pin that can move, after showing what moves
  countermark update flask              this one, and what it forces to move
  countermark update --dry-run          only show
  countermark update --diff flask       the text that changed, page by page, and saved as a patch")]
pub(crate) struct UpdateArgs {
    /// The projects; all of the lock when none is given.
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Show the difference of the text of this project's two releases, and save it as a patch; may be
    /// given again.
    #[arg(long, value_name = "NAME")]
    pub(crate) diff: Vec<String>,
    /// The folder of the patches.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) patches: PathBuf,
    /// The form in which the moves are shown.
    #[arg(long, value_enum, default_value_t = MovesFormat::Text, value_name = "FORMAT")]
    pub(crate) format: MovesFormat,
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
    /// Nothing uploaded at or after this date or time, or `7 days`; the lock remembers it.
    #[arg(long, value_name = "WHEN")]
    pub(crate) exclude_newer: Option<String>,
    #[command(flatten)]
    pub(crate) index: IndexArgs,
    #[command(flatten)]
    pub(crate) python: PythonArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// The forms in which moves of pins are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum MovesFormat {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
    /// For a pull request.
    Markdown,
}
