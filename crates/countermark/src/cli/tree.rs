//! The command lines of `countermark tree` and `countermark why`, as plain data.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

const TREE_EXAMPLES: &str = "Examples:
  countermark tree                              the lock of this folder
  countermark tree uv.lock --depth 1
  countermark tree --package requests           what one package leads to
  countermark tree --invert --package urllib3   what leads to it";
const WHY_EXAMPLES: &str = "Examples:
  countermark why urllib3
  countermark why urllib3 uv.lock --limit 100";

/// `countermark tree`
#[derive(Clone, Debug, Args)]
#[command(after_help = TREE_EXAMPLES)]
pub(crate) struct TreeArgs {
    /// A lock of any format; without one, the only lock of the folder.
    #[arg(value_name = "LOCK")]
    pub(crate) lock: Option<PathBuf>,
    /// How many steps to show.
    #[arg(short, long, value_name = "STEPS")]
    pub(crate) depth: Option<usize>,
    /// Show what leads to a package, in place of what it leads to.
    #[arg(short, long)]
    pub(crate) invert: bool,
    /// Begin with this package; may be given again.
    #[arg(short, long = "package", value_name = "NAME")]
    pub(crate) packages: Vec<String>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t = TreeFormat::Text)]
    pub(crate) format: TreeFormat,
}

/// `countermark why`
#[derive(Clone, Debug, Args)]
#[command(after_help = WHY_EXAMPLES)]
pub(crate) struct WhyArgs {
    /// The package.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// A lock of any format; without one, the only lock of the folder.
    #[arg(value_name = "LOCK")]
    pub(crate) lock: Option<PathBuf>,
    /// How many chains to print at most.
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    pub(crate) limit: usize,
    /// How to print it.
    #[arg(long, value_enum, default_value_t = TreeFormat::Text)]
    pub(crate) format: TreeFormat,
}

/// How to print a tree, or chains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TreeFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}
