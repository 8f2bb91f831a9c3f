//! The command line of the handbook, as plain data.

use std::path::PathBuf;

use clap::Args;

use super::audit::{AuditInputArgs, FailOn};

const EXAMPLES: &str = "Examples:
  countermark handbook > HANDBOOK.md
  countermark handbook --check HANDBOOK.md                        in CI: is it up to date?
  countermark handbook --check HANDBOOK.md --replay facts.jsonl   and does the index agree?
  countermark handbook --check HANDBOOK.md --audit                the same, asking the index";

/// `countermark handbook`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct HandbookArgs {
    /// Write the page into a file.
    #[arg(short, long, value_name = "FILE", conflicts_with = "check")]
    pub(crate) output: Option<PathBuf>,
    /// Say whether this page is what federation.toml says; exit with 1 if not.
    #[arg(long, value_name = "FILE")]
    pub(crate) check: Option<PathBuf>,
    /// Also say where the index differs from the page. With --replay that is so by itself.
    #[arg(long, requires = "check")]
    pub(crate) audit: bool,
    /// Exit with 1 when the index differs in something of this severity or worse.
    #[arg(long, value_enum, default_value_t = FailOn::Medium, value_name = "LEVEL")]
    pub(crate) fail_on: FailOn,
    /// As for the audit.
    #[command(flatten)]
    pub(crate) input: AuditInputArgs,
}
