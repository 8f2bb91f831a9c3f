//! The command line of `roles`, as plain data.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::audit::AuditInputArgs;

const EXAMPLES: &str = "Examples:
  countermark roles                              who can do what on each project
  countermark roles --account example-bot        where this account holds a role
  countermark roles --todo                       who has to add or remove whom, in which order
  countermark roles --todo --format markdown --output todo.md";

/// `countermark roles`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RolesArgs {
    /// What has to be done so that the roles become those that are expected, in an order in which
    /// nobody locks themselves out.
    #[arg(long)]
    pub(crate) todo: bool,
    /// Only projects on which this account holds a role; may be given again.
    #[arg(long = "account", value_name = "NAME")]
    pub(crate) accounts: Vec<String>,
    /// Only projects of this team; may be given again.
    #[arg(long = "team", value_name = "NAME")]
    pub(crate) teams: Vec<String>,
    /// How to report.
    #[arg(long, value_enum, default_value_t = RolesFormat::Text, value_name = "FORMAT")]
    pub(crate) format: RolesFormat,
    /// Write it into a file.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// As for the audit.
    #[command(flatten)]
    pub(crate) input: AuditInputArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RolesFormat {
    /// For people at a terminal.
    Text,
    /// For programs.
    Json,
    /// For an issue: a table, or with --todo a list to tick.
    Markdown,
}
