//! What a server writes about itself, on standard error.
//!
//! Fields that clients choose are written in quotes with everything escaped, so that nobody writes
//! lines of their own into the log. No header and no body is ever written, and of an address only the
//! path: queries hold what people look for.
//!
//! Nothing waits for standard error: see `lines`.

mod lines;

use std::io;
use std::time::Duration;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use self::lines::Lines;
pub(super) use self::lines::dropped;

/// How long a server that stops waits for whoever reads standard error.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The log of this process, until it ends.
#[derive(Debug)]
#[must_use]
pub struct Written {
    lines: Option<Lines>,
}

impl Written {
    /// Writes what waits, if somebody reads it. Whether somebody does: if not, nothing more should be
    /// written to standard error, since that would wait.
    #[must_use]
    pub fn finish(self) -> bool {
        self.lines.is_none_or(|lines| lines.flush(LAST_WORDS))
    }
}

/// Sets the log up, once for the process. `filter` is what `COUNTERMARK_LOG` says, such as `debug` or
/// `countermark_service::witness=debug`; without it successes are not written, all else is.
pub fn set_up(format: Format, filter: Option<&str>) -> Written {
    let filter = filter.and_then(|filter| EnvFilter::try_new(filter).ok());
    let filter = filter.unwrap_or_else(|| EnvFilter::new("warn,countermark_service=info"));
    let tell = match format {
        Format::Text => told_as_text,
        Format::Json => told_as_json,
    };
    // A process that gets no thread serves nobody either; it is told when it makes those that serve.
    let Ok(lines) = Lines::start(io::stderr(), tell) else {
        return Written { lines: None };
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_span_events(FmtSpan::NONE)
        .with_writer(lines.clone())
        .with_ansi(false);
    // A second set-up, as in tests, changes nothing.
    let _ = match format {
        Format::Text => subscriber.try_init(),
        Format::Json => subscriber.json().flatten_event(true).try_init(),
    };
    Written { lines: Some(lines) }
}

fn told_as_text(dropped: u64) -> String {
    format!("WARN {dropped} lines of the log were dropped, since nobody read them\n")
}

fn told_as_json(dropped: u64) -> String {
    let message = "lines of the log were dropped, since nobody read them";
    format!("{{\"level\":\"WARN\",\"message\":\"{message}\",\"dropped\":{dropped}}}\n")
}
