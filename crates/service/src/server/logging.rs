//! What a server writes about itself, on standard error.
//!
//! Fields that clients choose are written in quotes with everything escaped, so that nobody writes
//! lines of their own into the log. No header and no body is ever written, and of an address only the
//! path: queries hold what people look for.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Sets the log up, once for the process. `filter` is what `COUNTERMARK_LOG` says, such as `debug` or
/// `countermark_service::witness=debug`; without it successes are not written, all else is.
pub fn set_up(format: Format, filter: Option<&str>) {
    let filter = filter.and_then(|filter| EnvFilter::try_new(filter).ok());
    let filter = filter.unwrap_or_else(|| EnvFilter::new("warn,countermark_service=info"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_span_events(FmtSpan::NONE)
        .with_writer(std::io::stderr)
        .with_ansi(false);
    // A second set-up, as in tests, changes nothing.
    let _ = match format {
        Format::Text => subscriber.try_init(),
        Format::Json => subscriber.json().flatten_event(true).try_init(),
    };
}
