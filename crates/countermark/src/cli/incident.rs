//! The command line of `incident`, as plain data.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::audit::AuditInputArgs;

const EXAMPLES: &str = "Examples:
  countermark incident                               the standing plan, for before
  countermark incident example-tool 2.0.1 --pins requirements.txt --pins uv.lock
  countermark incident --account example-bot         what it reaches, who is locked out
  countermark incident --failed-job example-tool 2.0.1
  countermark incident log --log incident.jsonl --who ann 'yanked 2.0.1'";

/// `countermark incident`
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub(crate) struct IncidentArgs {
    /// What else there is to do.
    #[command(subcommand)]
    pub(crate) command: Option<IncidentCommand>,
    /// The project of a release that must go.
    #[arg(value_name = "PROJECT", requires = "version")]
    pub(crate) project: Option<String>,
    /// The release.
    #[arg(value_name = "VERSION")]
    pub(crate) version: Option<String>,
    /// What this account reaches, and who is locked out if it is lost.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["project", "failed_job"])]
    pub(crate) account: Option<String>,
    /// What a release job that stopped half-way has published.
    #[arg(long, requires = "project")]
    pub(crate) failed_job: bool,
    /// A lock, a requirements or a constraints file of ours in which the release may be pinned; may
    /// be given again.
    #[arg(long = "pins", value_name = "FILE")]
    pub(crate) pins: Vec<PathBuf>,
    /// What was done so far, as `incident log` wrote it.
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,
    /// For the standing plan, also look at the index. With --replay that is so by itself.
    #[arg(long)]
    pub(crate) audit: bool,
    /// How to report.
    #[arg(long, value_enum, default_value_t = IncidentFormat::Text, value_name = "FORMAT")]
    pub(crate) format: IncidentFormat,
    /// Write it into a file.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// As for the audit.
    #[command(flatten)]
    pub(crate) input: AuditInputArgs,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum IncidentCommand {
    /// Write down what was done: a line with the time, at the end of a file.
    Log(LogArgs),
}

/// `countermark incident log`
#[derive(Clone, Debug, Args)]
pub(crate) struct LogArgs {
    /// The file; made if absent, and only ever appended to.
    #[arg(long, value_name = "FILE")]
    pub(crate) log: PathBuf,
    /// Who did it.
    #[arg(long, value_name = "NAME")]
    pub(crate) who: String,
    /// What was done.
    #[arg(required = true, value_name = "WHAT")]
    pub(crate) what: Vec<String>,
    /// When, if not now.
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum IncidentFormat {
    /// For people at a terminal.
    Text,
    /// With boxes to tick.
    Markdown,
}
