//! Progress for people on a terminal, plain lines for everybody else.

use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::time::Duration;

use countermark_client::report::{Note, Progress, Reporter};
use indicatif::{ProgressBar, ProgressStyle};

use crate::output;

/// How often the spinner turns.
const TICK: Duration = Duration::from_millis(120);

/// Tells a person what happens.
pub(crate) struct Teller {
    quiet: bool,
    terminal: bool,
    bar: Mutex<Option<ProgressBar>>,
    notes: Mutex<Vec<Note>>,
}

impl Teller {
    /// For this process's standard error.
    pub(crate) fn new(arguments: &crate::cli::OutputArgs) -> Self {
        let terminal =
            std::io::stderr().is_terminal() && !arguments.no_progress && !arguments.quiet;
        let (bar, notes) = (Mutex::new(None), Mutex::new(Vec::new()));
        Self { quiet: arguments.quiet, terminal, bar, notes }
    }

    /// Everything that was noted, for reports.
    pub(crate) fn notes(&self) -> Vec<Note> {
        lock(&self.notes).clone()
    }

    /// A line that is not progress: a summary.
    pub(crate) fn line(&self, text: &str) {
        if !self.quiet {
            self.suspended(|| output::say(text));
        }
    }

    fn suspended(&self, what: impl FnOnce()) {
        match &*lock(&self.bar) {
            Some(bar) => bar.suspend(what),
            None => what(),
        }
    }

    fn start(&self, length: Option<u64>, template: &str, message: String) {
        self.stop();
        if !self.terminal {
            return;
        }
        let bar = length.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        // The templates are constants of this file; a wrong one would only look different.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━╸ "));
        }
        bar.set_message(message);
        bar.enable_steady_tick(TICK);
        *lock(&self.bar) = Some(bar);
    }

    fn resolving(&self, projects: u64, releases: u64) {
        self.working(format!("choosing versions: {projects} projects, {releases} releases read"));
    }

    /// One spinner whose text changes.
    fn working(&self, message: String) {
        match &*lock(&self.bar) {
            Some(bar) => {
                bar.set_message(message);
                return;
            }
            None if !self.terminal => return,
            None => {}
        }
        self.start(None, PLAIN, message);
    }

    fn advance(&self, by: u64) {
        if let Some(bar) = &*lock(&self.bar) {
            bar.inc(by);
        }
    }

    fn stop(&self) {
        if let Some(bar) = lock(&self.bar).take() {
            bar.finish_and_clear();
        }
    }
}

/// A panic of another thread while it held the lock does not matter for what is shown.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

const BYTES: &str = "{spinner} {msg} {bar:24} {decimal_bytes:>10}/{decimal_total_bytes} {decimal_bytes_per_sec:>12} {eta:>4}";
const BYTES_UNKNOWN: &str = "{spinner} {msg} {decimal_bytes:>10} {decimal_bytes_per_sec:>12}";
const COUNT: &str = "{spinner} {msg} {bar:24} {pos}/{len}";
const COUNT_ETA: &str = "{spinner} {msg} {bar:24} {pos}/{len}, {eta} left";
const PLAIN: &str = "{spinner} {msg}";

impl Reporter for Teller {
    fn note(&self, note: Note) {
        if !self.quiet {
            self.suspended(|| output::show_note(&note));
        }
        lock(&self.notes).push(note);
    }

    fn progress(&self, progress: Progress<'_>) {
        match progress {
            Progress::Asking { projects } => {
                self.start(Some(projects as u64), COUNT, "asking the index".to_owned());
            }
            Progress::Reading { projects } => {
                let message = output::count(projects, "project", "projects");
                if !self.terminal {
                    self.line(&format!("reading {message} from the index"));
                }
                self.start(Some(projects as u64), COUNT_ETA, format!("reading {message}"));
            }
            Progress::Resolving { projects, releases } => self.resolving(projects, releases),
            Progress::Asked => self.advance(1),
            Progress::Downloading { files, bytes } => {
                let message = output::count(files, "file", "files");
                let amount = bytes.map(|bytes| format!(", {}", output::size(bytes)));
                if !self.terminal {
                    self.line(&format!("downloading {message}{}", amount.unwrap_or_default()));
                }
                let template = if bytes.is_some() { BYTES } else { BYTES_UNKNOWN };
                self.start(bytes, template, format!("fetching and checking {message}"));
            }
            Progress::Received { bytes } => self.advance(bytes),
            Progress::Stored { filename } => {
                if !self.terminal {
                    self.line(&format!("checked {filename}"));
                }
            }
            Progress::Staging { packages } => {
                let message =
                    format!("installing {}", output::count(packages, "package", "packages"));
                self.start(None, PLAIN, message);
            }
            Progress::Compiling { files } => {
                let message = format!("compiling {}", output::count(files, "file", "files"));
                self.start(None, PLAIN, message);
            }
            Progress::Checking { packages } => {
                let message =
                    format!("checking {}", output::count(packages, "package", "packages"));
                self.start(None, PLAIN, message);
            }
            Progress::Working { what } => self.working(what.to_owned()),
            Progress::Done => self.stop(),
        }
    }
}
