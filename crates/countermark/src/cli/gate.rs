//! The command line of `countermark gate`, as plain data.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::IndexArgs;
use super::audit::FailOn;

const EXAMPLES: &str = "Examples:
  countermark gate uv.lock                              every entry
  countermark gate uv.lock --since origin/main          only what moved, for a pull request
  countermark gate uv.lock --base old/uv.lock           the same, against another file
  countermark gate requirements.txt pylock.toml --offline
  countermark gate uv.lock --format markdown --output comment.md";

/// `countermark gate`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct GateArgs {
    /// Locks of any format: requirements files, pylock.toml, uv.lock, poetry.lock, pdm.lock,
    /// Pipfile.lock, conda-lock.yml.
    #[arg(required_unless_present = "schema", value_name = "LOCK")]
    pub(crate) locks: Vec<PathBuf>,
    /// Judge only what moved against this lock.
    #[arg(long, value_name = "FILE", conflicts_with = "since")]
    pub(crate) base: Option<PathBuf>,
    /// Judge only what moved since a git revision.
    #[arg(long, value_name = "REV")]
    pub(crate) since: Option<String>,
    /// The policy; without it the nearest countermark.toml or pyproject.toml counts.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// The list of findings that are let pass; countermark-gate.toml of the working folder is taken
    /// by itself.
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// How to report.
    #[arg(long, value_enum, default_value_t = GateFormat::Text, value_name = "FORMAT")]
    pub(crate) format: GateFormat,
    /// Write the report into a file.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// In the text, also show notes and what is let pass.
    #[arg(short, long)]
    pub(crate) all: bool,
    /// Exit with 1 when there is a finding of this severity or worse.
    #[arg(long, value_enum, default_value_t = FailOn::Medium, value_name = "LEVEL")]
    pub(crate) fail_on: FailOn,
    /// Print the JSON Schema of the report in JSON, and judge nothing.
    #[arg(long, exclusive = true)]
    pub(crate) schema: bool,
    #[command(flatten)]
    pub(crate) index: IndexArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GateFormat {
    /// For people at a terminal.
    Text,
    /// For programs.
    Json,
    /// For code scanning.
    Sarif,
    /// For CI.
    Junit,
    /// For the comment of a pull request.
    Markdown,
}
