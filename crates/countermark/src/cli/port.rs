//! The command line of `port`, as plain data.

use std::path::PathBuf;

use clap::Args;

use super::{IndexArgs, PythonArgs, StoreArgs};

const EXAMPLES: &str = "Examples:
  countermark port requirements.txt               print the result
  countermark port --write requirements.txt       change the file
  countermark port vendor/ -o requirements.txt    which releases are the packages in the folder?
  countermark port vendor/ --compare              and does the index have the same wheels?";

/// `countermark port`
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PortArgs {
    /// Requirements files with peep's comments, or folders of vendored packages.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Change the files in place.
    #[arg(short, long)]
    pub(crate) write: bool,
    /// Write the pins of folders into a file.
    #[arg(short, long, value_name = "FILE", conflicts_with = "write")]
    pub(crate) output: Option<PathBuf>,
    /// Ask the index whether it has the very wheels and source packages of a folder.
    #[arg(long)]
    pub(crate) compare: bool,
    #[command(flatten)]
    pub(crate) python: PythonArgs,
    #[command(flatten)]
    pub(crate) index: IndexArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}
