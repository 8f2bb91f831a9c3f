//! The command line of `log`: what everybody asks a log, and what its operator does with it.

use clap::{Args, Subcommand};

use super::log_client::{LogConvictArgs, LogLookupArgs, LogMonitorArgs, LogUseArgs, LogVerifyArgs};
#[cfg(feature = "service")]
use super::log_operator::OperatorCommand;

/// `countermark log`
#[derive(Clone, Debug, Args)]
pub(crate) struct LogArgs {
    #[command(subcommand)]
    pub(crate) command: LogCommand,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// Ask a log about new pins: show its key, or write it into the policy.
    Use(LogUseArgs),
    /// Show who saw which bytes under which name.
    Lookup(LogLookupArgs),
    /// Verify the proofs beside a lock, without any network.
    Verify(LogVerifyArgs),
    /// Read every entry for one's own names, and report what is new.
    Monitor(LogMonitorArgs),
    /// Verify a file that convicts somebody.
    Convict(LogConvictArgs),
    // The questions of a client stand above; the operator's commands come last in the help.
    /// What needs the database, the keys or a server.
    #[cfg(feature = "service")]
    #[command(flatten)]
    Operator(OperatorCommand),
}
