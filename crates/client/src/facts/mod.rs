//! What an index shows of projects, read politely.
//!
//! For each project the page of the simple API is asked for, JSON first and HTML as its equal, and
//! then the project's JSON document, of which only the roles and the number of the last change are
//! read. That is two requests a project, fewer where nothing changed:
//!
//! * an answer that came with validators (`ETag`, `Last-Modified`) is asked for with them, and a 304
//!   has no body;
//! * the JSON document is not asked for while the page's serial number is the one that the document
//!   had, for [`Options::trust_serial`] at most: an index raises the number with every change, those
//!   of roles too;
//! * a run that was broken off is gone on with: what it had read is not asked for again.
//!
//! Requests run a few at a time, no faster than [`Options::rate`], and all of them pause when the
//! index asks for a pause. An index that only fails is left alone after [`MAX_FAILURES`] in a row.
//!
//! Every project that was asked for is in the result. One that the index does not have is absent; one
//! whose answer could not be had or used is unread, with the reason, and the rest goes on.

mod ask;
mod cache;
mod error;
mod snapshot;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use countermark_audit::fact::snapshot::Header;
use countermark_audit::fact::{Presence, ProjectFacts};
use countermark_packaging::name::ProjectName;
use futures_util::stream::{self, StreamExt as _};
use jiff::Timestamp;

pub use crate::http::Traffic;
pub use error::FactsError;
pub use snapshot::{Replayed, open_snapshot, replay};

use crate::http::Client;
use crate::report::{Note, Progress, Reporter};
use crate::settings::{Index, Sources};
use ask::Asker;
pub(crate) use ask::{MAX_DOCUMENT, document_url};
use cache::Cache;
use snapshot::Recorder;

/// Requests without any answer, one after the other, after which nothing more is asked.
pub const MAX_FAILURES: usize = 16;

/// How often a run that waits for an index looks whether the user said stop.
const INTERRUPT_PAUSE: Duration = Duration::from_millis(50);

/// How facts are read.
#[derive(Clone, Debug)]
pub struct Options {
    /// The time of the run.
    pub now: Timestamp,
    /// Projects at a time.
    pub at_once: usize,
    /// Requests a second at most, with repetitions and redirects; `None` is no limit of ours.
    pub rate: Option<f64>,
    /// A folder of this user alone in which answers are kept; without one everything is asked for.
    pub cache: Option<PathBuf>,
    /// Whether roles are wanted; without them one request a project is made.
    pub roles: bool,
    /// How long roles are taken to be the same while the project's serial number is; zero is never.
    pub trust_serial: Duration,
    /// A run that began so long ago and was broken off is gone on with; zero is never.
    pub resume: Duration,
    /// Where a snapshot of what is read is written; it appears when everything was read.
    pub record: Option<PathBuf>,
    /// The longest time for one project, with all repetitions: an index that sends one page byte by
    /// byte holds up no other.
    pub longest: Duration,
    /// Set when the user said stop.
    pub interrupted: Arc<AtomicBool>,
}

impl Options {
    /// The defaults, without a cache and without a snapshot.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            now,
            at_once: 8,
            rate: None,
            cache: None,
            roles: true,
            trust_serial: Duration::from_hours(1),
            resume: Duration::from_hours(1),
            record: None,
            longest: Duration::from_mins(10),
            interrupted: Arc::default(),
        }
    }
}

/// What was read.
#[derive(Clone, Debug)]
pub struct Gathered {
    /// The index, without a password.
    pub index: String,
    /// In the order of names; one for each name that was asked for.
    pub facts: Vec<ProjectFacts>,
    /// What it took.
    pub traffic: Traffic,
}

/// The index of which facts are read: the one of `--index-url`, which stands behind those that were
/// named beside it. Those that are asked for names bound to them only do not count.
#[must_use]
pub fn audited_index(sources: &Sources) -> Option<&Index> {
    sources.indexes.iter().rev().find(|index| !index.explicit)
}

/// Reads the facts of projects, and keeps them all.
///
/// # Errors
/// See [`FactsError`]. What an index answers is never one: it is in the facts.
pub fn gather(
    names: &[ProjectName],
    options: &Options,
    index: &Index,
    http: &Client,
    reporter: &dyn Reporter,
) -> Result<Gathered, FactsError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| FactsError::Runtime { reason: error.to_string() })?;
    let mut facts = Vec::new();
    let reading = gather_each(names, options, index, http, reporter, |project| facts.push(project));
    let traffic = runtime.block_on(reading)?;
    Ok(Gathered { index: shown(index), facts, traffic })
}

/// Reads the facts of projects and gives them away one by one, in the order of names; only a few are
/// in memory at a time. For callers that are in a runtime, such as a service.
///
/// # Errors
/// See [`FactsError`].
pub async fn gather_each(
    names: &[ProjectName],
    options: &Options,
    index: &Index,
    http: &Client,
    reporter: &dyn Reporter,
    mut each: impl FnMut(ProjectFacts),
) -> Result<Traffic, FactsError> {
    let names: BTreeSet<ProjectName> = names.iter().cloned().collect();
    let cache = options.cache.as_deref().and_then(|folder| open_cache(folder, index, reporter));
    let since = cache.as_ref().and_then(|cache| cache.begin(options.now, options.resume));
    let asker = Asker::new(index, http, options, cache.as_ref(), since)?;
    let header = Header { index: shown(index), read: options.now };
    let mut recorder =
        options.record.as_deref().map(|path| Recorder::new(path, &header)).transpose()?;
    reporter.progress(Progress::Reading { projects: names.len() });
    let mut summary = Summary::default();
    let reading = async {
        let asker = &asker;
        let ask = |name: ProjectName| async move { asker.ask(&name).await };
        let mut answers = stream::iter(names).map(ask).buffered(options.at_once.max(1));
        while let Some(facts) = answers.next().await {
            reporter.progress(Progress::Asked);
            summary.add(&facts);
            if let Some(recorder) = &mut recorder {
                recorder.add(&facts)?;
            }
            each(facts);
        }
        Ok(())
    };
    let read = tokio::select! {
        read = reading => read,
        () = until_interrupted(&options.interrupted) => Err(FactsError::Interrupted),
    };
    reporter.progress(Progress::Done);
    read?;
    if let Some(recorder) = recorder {
        recorder.finish()?;
    }
    if let Some(cache) = &cache {
        cache.end();
    }
    asker.tell(reporter);
    summary.tell(&header.index, reporter);
    Ok(asker.traffic())
}

fn open_cache(folder: &Path, index: &Index, reporter: &dyn Reporter) -> Option<Cache> {
    let opened = Cache::open(folder, index);
    let told = opened.map_err(|reason| {
        let message = format!("answers of the index are not kept: {reason}");
        reporter.note(Note::new("facts-not-kept", message));
    });
    told.ok()
}

fn shown(index: &Index) -> String {
    crate::http::RedactedUrl::new(&index.url).to_string()
}

/// An index that says nothing must not keep a person waiting who said stop.
async fn until_interrupted(interrupted: &AtomicBool) {
    while !interrupted.load(Ordering::Relaxed) {
        tokio::time::sleep(INTERRUPT_PAUSE).await;
    }
}

/// What is worth a word about all of them.
#[derive(Debug, Default)]
struct Summary {
    projects: usize,
    absent: usize,
}

impl Summary {
    fn add(&mut self, facts: &ProjectFacts) {
        self.projects += 1;
        self.absent += usize::from(facts.presence == Presence::Absent);
    }

    /// An address that is no index's answers 404 to everything, which must not look like a
    /// federation whose every project was deleted.
    fn tell(&self, index: &str, reporter: &dyn Reporter) {
        if self.projects > 1 && self.absent == self.projects {
            let message = format!("{index} has none of the {} projects", self.projects);
            let hint = "the address may not be that of an index: it usually ends with `/simple/`";
            reporter.note(Note::new("nothing-there", message).with_hint(hint));
        }
    }
}
