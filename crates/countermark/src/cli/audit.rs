//! The command line of the audit and of what belongs to it, as plain data.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::IndexArgs;

const EXAMPLES: &str = "Examples:
  countermark audit                              in a checkout of a releases tree
  countermark audit --project example-tool       only this project
  countermark audit --record today.jsonl         and keep what the index said
  countermark audit --replay today.jsonl --all   judge that again, with what is explained
  countermark audit --format html --output audit.html
  countermark audit init > federation.toml
  countermark audit explain rogue-release";

/// `countermark audit`
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub(crate) struct AuditArgs {
    /// What else there is to do.
    #[command(subcommand)]
    pub(crate) command: Option<AuditCommand>,
    #[command(flatten)]
    pub(crate) input: AuditInputArgs,
    /// How to report.
    #[arg(long, value_enum, default_value_t = AuditFormat::Text, value_name = "FORMAT")]
    pub(crate) format: AuditFormat,
    /// Write the report into a file.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Also show what is explained, with the reason.
    #[arg(short, long)]
    pub(crate) all: bool,
    /// In the text, show the evidence and the next step of each finding.
    #[arg(short, long)]
    pub(crate) details: bool,
    /// Show nothing below this.
    #[arg(long, value_enum, default_value_t = Level::Low, value_name = "LEVEL")]
    pub(crate) least: Level,
    /// Exit with 1 when there is a finding of this severity or worse.
    #[arg(long, value_enum, default_value_t = FailOn::Medium, value_name = "LEVEL")]
    pub(crate) fail_on: FailOn,
}

/// What is judged, for the audit and for what rests on it.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct AuditInputArgs {
    /// What the federation expects; `federation.toml` of the working folder is taken by itself.
    #[arg(long, value_name = "FILE")]
    pub(crate) federation: Option<PathBuf>,
    /// Official records: a releases tree, a git clone, a checksum list; in place of the working
    /// folder. May be given again.
    #[arg(long, value_name = "PATH")]
    pub(crate) records: Vec<PathBuf>,
    /// A folder with the files of governance, jobs and cycles, where they are not beside the
    /// records; may be given again.
    #[arg(long, value_name = "DIR")]
    pub(crate) governance: Vec<PathBuf>,
    /// Only this project; may be given again.
    #[arg(long = "project", value_name = "NAME")]
    pub(crate) projects: Vec<String>,
    /// Also names that the records predict for repositories that do not publish.
    #[arg(long)]
    pub(crate) all_names: bool,
    /// Take the facts from a snapshot, and ask no index.
    #[arg(long, value_name = "FILE", conflicts_with = "record")]
    pub(crate) replay: Option<PathBuf>,
    /// Write the facts into a snapshot.
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// The snapshot of the run before, to see what changed.
    #[arg(long, value_name = "FILE")]
    pub(crate) previous: Option<PathBuf>,
    /// Constraints, requirements or locks in which releases may still be pinned; may be given again.
    #[arg(long = "constraints", value_name = "FILE")]
    pub(crate) constraints: Vec<PathBuf>,
    /// Names on the index among which look-alikes are looked for: one a line, with a number of
    /// downloads behind it or not.
    #[arg(long, value_name = "FILE")]
    pub(crate) names: Option<PathBuf>,
    /// A folder with copies of the index's files, to look into them.
    #[arg(long, value_name = "DIR")]
    pub(crate) artifacts: Option<PathBuf>,
    /// Download the files of so many days, compare them with the index's digests, and look into
    /// them for the commit that they were built from.
    #[arg(long, value_name = "DAYS", conflicts_with = "replay")]
    pub(crate) inspect: Option<u16>,
    /// A folder or file with OpenPGP certificates for the signatures of the records; may be given
    /// again.
    #[arg(long, value_name = "PATH")]
    pub(crate) keys: Vec<PathBuf>,
    /// The time at which to judge, such as 2026-01-31T12:00:00Z; now, or the time of the snapshot.
    #[arg(long, value_name = "TIME")]
    pub(crate) as_of: Option<String>,
    /// Requests a second at most.
    #[arg(long, value_name = "COUNT")]
    pub(crate) rate: Option<f64>,
    /// The folder for answers of the index and for what was read of the records.
    #[arg(long, value_name = "DIR", env = "COUNTERMARK_CACHE_DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) index: IndexArgs,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Print a federation.toml that says what was found.
    Init(Box<InitArgs>),
    /// Tell what a rule means, and what to do about it.
    Explain {
        /// The rule's code, as reports show it; without one all rules are listed.
        rule: Option<String>,
    },
    /// Print the JSON Schema of a file.
    Schema {
        /// Which file.
        file: SchemaFile,
    },
}

/// `countermark audit init`
#[derive(Clone, Debug, Args)]
pub(crate) struct InitArgs {
    #[command(flatten)]
    pub(crate) input: AuditInputArgs,
    /// Write it into a file that is not there yet.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaFile {
    /// federation.toml
    Federation,
    /// Snapshots of facts.
    Facts,
    /// The report in JSON.
    Report,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AuditFormat {
    /// For people at a terminal.
    Text,
    /// For programs.
    Json,
    /// For code scanning.
    Sarif,
    /// For CI.
    Junit,
    /// For an issue or a mail.
    Markdown,
    /// One page, for everybody else.
    Html,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    /// A person should look at it today.
    High,
    /// A person should look at it.
    Medium,
    /// Worth one line.
    Low,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// High only.
    High,
    /// Medium and high.
    Medium,
    /// Anything that is shown.
    Low,
    /// Findings are no reason to fail.
    Never,
}
