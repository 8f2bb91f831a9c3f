//! `log serve`, and what `witness serve` shares with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use countermark_service::log::operator::serve::{Serving, serve};
use countermark_service::server::logging::{self, Format, Written};
use countermark_service::server::{Limits, Options, Stopped};

use super::super::super::Outcome;
use crate::cli::OutputArgs;
use crate::cli::log_operator::{LogFormat, LogServeArgs, ServerArgs};
use crate::{output, setup};

/// How often it is looked whether a signal came.
const LOOK: Duration = Duration::from_millis(50);

/// Runs the command.
pub(super) fn run(arguments: &LogServeArgs, output: &OutputArgs) -> Outcome {
    let folder = super::open(&arguments.folder)?;
    let stopped = setup::interrupted();
    let log = set_up_log(&arguments.server);
    let serving = Serving {
        listen: arguments.server.listen,
        options: options(&arguments.server),
        sequences: !arguments.no_sequencer,
    };
    let origin = folder.config.origin.clone();
    let listening = |address| {
        if !output.quiet {
            output::say(&format!("{origin} at http://{address}/"));
        }
    };
    let runtime = super::runtime()?;
    let served =
        runtime.block_on(serve(folder, super::client(), serving, listening, until(&stopped)));
    let is_read = log.finish();
    let stopped = served.map_err(|error| super::serve_problem(&error))?;
    if is_read {
        tell(stopped, output);
    }
    // A thread that waits for a disk must not keep the process: nothing that it does is half done.
    runtime.shutdown_timeout(Duration::from_secs(5));
    Ok(0)
}

/// What a server gives, by its arguments.
pub(in crate::commands) fn options(arguments: &ServerArgs) -> Options {
    let limits = Limits { connections: arguments.max_connections.max(1), ..Limits::default() };
    let rate = (arguments.rate > 0).then_some(arguments.rate);
    let trusted_proxies =
        arguments.trusted_proxy.iter().map(std::net::IpAddr::to_canonical).collect();
    Options { limits, trusted_proxies, rate }
}

/// The log of a server.
pub(in crate::commands) fn set_up_log(arguments: &ServerArgs) -> Written {
    let format = match arguments.log_format {
        LogFormat::Text => Format::Text,
        LogFormat::Json => Format::Json,
    };
    let filter = setup::variable("COUNTERMARK_LOG");
    logging::set_up(format, filter.as_ref().and_then(|it| it.to_str()))
}

/// Until a signal came.
pub(in crate::commands) async fn until(stopped: &Arc<AtomicBool>) {
    while !stopped.load(Ordering::Relaxed) {
        tokio::time::sleep(LOOK).await;
    }
}

/// The last words.
pub(in crate::commands) fn tell(stopped: Stopped, output: &OutputArgs) {
    if output.quiet {
        return;
    }
    match stopped.cut_off {
        0 => output::say("stopped"),
        number => {
            let requests = output::count(number, "connection", "connections");
            output::say(&format!("stopped; {requests} took too long and were cut off"));
        }
    }
}
