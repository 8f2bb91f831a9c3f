//! The command line of a witness, as plain data.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::log_operator::ServerArgs;

/// `countermark witness`
#[derive(Clone, Debug, Args)]
pub(crate) struct WitnessArgs {
    #[command(subcommand)]
    pub(crate) command: WitnessCommand,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum WitnessCommand {
    /// Make the folder of a new witness: configuration, key, state.
    #[command(
        after_help = "Example:\n  countermark witness init /srv/witness --name witness.example.org/w1"
    )]
    Init {
        /// Made if absent; one that holds a witness is refused.
        folder: PathBuf,
        /// The name of its key: the URL of the witness without the scheme, and what tells its keys apart.
        #[arg(long, value_name = "NAME")]
        name: String,
    },
    /// Watch a log, or know one more key of it.
    AddLog {
        /// The folder that `witness init` made.
        folder: PathBuf,
        /// The verifier key of the log, as `log init` prints it.
        key: String,
        /// What the log is called, if its key is called otherwise.
        #[arg(long, value_name = "ORIGIN")]
        origin: Option<String>,
    },
    /// List the logs, and what was cosigned last of each.
    List {
        /// The folder that `witness init` made.
        folder: PathBuf,
    },
    /// Cosign checkpoints over HTTP.
    Serve {
        /// The folder that `witness init` made.
        folder: PathBuf,
        #[command(flatten)]
        server: ServerArgs,
    },
}
