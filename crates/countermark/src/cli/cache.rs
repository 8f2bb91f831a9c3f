//! The command line of `cache`.

use clap::{Args, Subcommand};

use super::{ReportFormat, StoreArgs};

/// `countermark cache`
#[derive(Clone, Debug, Args)]
pub(crate) struct CacheArgs {
    #[command(subcommand)]
    pub(crate) command: CacheCommand,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum CacheCommand {
    /// Where the store is and how large.
    Info {
        /// How to report.
        #[arg(long, value_enum, default_value_t = ReportFormat::Text, value_name = "FORMAT")]
        format: ReportFormat,
    },
    /// Hash every archive, unpack it in memory and compare every stored file with it.
    Verify {
        /// Throw away what is not right.
        #[arg(long)]
        remove: bool,
    },
    /// Remove what interrupted runs left, and what was not used for longest.
    Prune {
        /// Keep at most this much, such as 2GB; without it only leftovers go. The setting
        /// `cache-limit` and COUNTERMARK_CACHE_LIMIT do this after each install.
        #[arg(long, value_name = "SIZE")]
        max_size: Option<String>,
        /// Remove every wheel.
        #[arg(long, conflicts_with = "max_size")]
        all: bool,
    },
}
