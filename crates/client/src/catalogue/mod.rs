//! Answers a resolution from indexes.
//!
//! Decides what an index lists of a project and what a release requires, and asks ahead for what the
//! resolver will probably want. Trusts nothing: what comes from an index chooses versions; the digests
//! of a lock come from bytes that were downloaded for it.
//!
//! * Pages: the places of `--find-links`, and the first index that has the name. An index that cannot
//!   be asked is an error, never a reason to ask the next one.
//! * What a release requires: the metadata that the index offers beside the file (PEP 658), which has
//!   to have the digest that the index claims; else metadata that lies there without being offered;
//!   else that in the wheel, by parts of the file where the server gives parts; else that of the whole
//!   file. A source distribution counts only where what it says is final (`says`).
//! * Each question is asked once in a run. Pages are kept for ten minutes and asked for with their
//!   validators after; what a file with a strong digest says of its release holds for ever (`cache`).
//!
//! Specifications: the simple repository API (PEP 503, 691, 700, 792), PEP 658 and 714 for metadata
//! beside files, PEP 643 for what is final in a source distribution.

mod cache;
mod engine;
mod error;
mod file;
mod listing;
mod mend;
mod pages;
mod remote;
mod roles;
mod says;
#[cfg(test)]
mod tests;
mod url;

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use countermark_lock::catalogue::{
    Catalogue, CatalogueError, ReleaseFile, Releases, Requires, UrlRelease,
};
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use jiff::Timestamp;

pub use cache::{CacheSize, cache_size, prune_cache};
pub use url::KeptFile;

use crate::http::Client;
use crate::index::IndexClient;
use cache::Cache;
use engine::{Answering, Engine, Unanswered};
use file::Asked;
use pages::{Found, Pages};

/// How long a page is taken to be the same.
const FRESHNESS: Duration = Duration::from_mins(10);

/// Questions at once.
const AT_ONCE: usize = 32;

/// Between two words about how far the reading is.
const TELLING: Duration = Duration::from_millis(100);

/// How a catalogue behaves.
#[derive(Clone, Debug)]
pub struct CatalogueOptions {
    /// The time of the run.
    pub now: Timestamp,
    /// How long a kept page is used without asking; zero is never.
    pub freshness: Duration,
    /// Every page is asked for, whatever is kept.
    pub refresh: bool,
    /// Nothing is asked for; whatever is kept is used, however old.
    pub offline: bool,
    /// Questions at once.
    pub at_once: usize,
    /// Set when the user said stop.
    pub interrupted: Arc<AtomicBool>,
}

impl CatalogueOptions {
    /// The defaults.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            now,
            freshness: FRESHNESS,
            refresh: false,
            offline: false,
            at_once: AT_ONCE,
            interrupted: Arc::default(),
        }
    }
}

/// What was read so far, for a line of progress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Projects whose page is known.
    pub projects: u64,
    /// Releases of which it is known what they require.
    pub releases: u64,
    /// Pages that an index was asked for.
    pub requests: u64,
}

#[derive(Debug, Default)]
struct Counts {
    pages: AtomicU64,
    metadata: AtomicU64,
    requests: AtomicU64,
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Page(ProjectName),
    /// By where the file is.
    Requires(ProjectName, String),
    Url(ProjectName, String),
    Also(ProjectName),
    Roles(ProjectName),
}

/// A question with all that it takes to answer it.
#[derive(Clone)]
enum Answer {
    Page(Result<Found, CatalogueError>),
    Requires(Result<Arc<Requires>, CatalogueError>),
    Url(Result<Arc<UrlRelease>, CatalogueError>),
    Also(Result<Vec<String>, CatalogueError>),
    Roles(Result<Option<Vec<String>>, CatalogueError>),
}

/// A [`Catalogue`] over the configured indexes.
pub struct IndexCatalogue {
    engine: Engine<Key, Answer>,
    work: Arc<Work>,
}

struct Work {
    pages: Pages,
    files: file::Files,
    /// What a question about a file is about, until it is answered.
    asked: Mutex<HashMap<Key, Asked>>,
    kept: url::KeptFiles,
}

impl IndexCatalogue {
    /// Over the configured sources. Answers are kept in `state`, the private folder of the user;
    /// without one, or where it cannot be used, everything is asked for.
    #[must_use]
    pub fn new(
        http: Arc<Client>,
        index: Arc<IndexClient>,
        state: Option<&Path>,
        options: CatalogueOptions,
    ) -> Self {
        let cache = state.and_then(Cache::open).map(Arc::new);
        let (at_once, interrupted) = (options.at_once, Arc::clone(&options.interrupted));
        let pages = Pages {
            http,
            index,
            options,
            cache,
            counts: Arc::default(),
            asked: Mutex::default(),
            html: Mutex::default(),
        };
        let work = Arc::new(Work {
            pages,
            files: file::Files::default(),
            asked: Mutex::default(),
            kept: url::KeptFiles::default(),
        });
        let answering = Arc::clone(&work);
        let ask = move |key: Key| -> Answering<Answer> {
            let work = Arc::clone(&answering);
            Box::pin(async move { work.answer(key).await })
        };
        Self { engine: Engine::new(at_once, interrupted, Arc::new(ask)), work }
    }

    /// What was read so far. Cheap, and may be asked from another thread.
    #[must_use]
    pub fn reading(&self) -> Reading {
        let counts = &self.work.pages.counts;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Reading {
            projects: read(&counts.pages),
            releases: read(&counts.metadata),
            requests: read(&counts.requests),
        }
    }

    /// Does something with this catalogue while another thread tells how far the reading is, a few
    /// times a second and at the end.
    pub fn watched<T>(&self, tell: impl Fn(Reading) + Sync, work: impl FnOnce() -> T) -> T {
        let over = Over::default();
        let worked = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.is_within(TELLING) {
                    tell(self.reading());
                }
            });
            // Also when the work panics: the thread must not wait for ever.
            let _ending = over.at_end();
            work()
        });
        tell(self.reading());
        worked
    }

    /// What the index that counts lists of a project: the same answer as the resolver has.
    ///
    /// # Errors
    /// As [`Catalogue::releases`].
    pub fn release_page(&self, project: &ProjectName) -> Result<Arc<Releases>, CatalogueError> {
        self.releases(project)
    }

    /// Which other configured indexes have the project, behind the one that counts. Asks them: a
    /// name that only a private index should hear of is told to all that are not named for others.
    /// A name that is bound to an index is asked nowhere else, so there are none.
    ///
    /// # Errors
    /// When one of them could not be asked.
    pub fn also_on(&self, project: &ProjectName) -> Result<Vec<String>, CatalogueError> {
        match self.engine.wait(&Key::Also(project.clone())) {
            Ok(Answer::Also(answer)) => answer,
            other => Err(unanswered(other)),
        }
    }

    /// Who holds which role of the project on the index that counts, as `owner alice`, sorted.
    /// `None` where the index does not say.
    ///
    /// # Errors
    /// When it could not be asked.
    pub fn roles(&self, project: &ProjectName) -> Result<Option<Vec<String>>, CatalogueError> {
        match self.engine.wait(&Key::Roles(project.clone())) {
            Ok(Answer::Roles(answer)) => answer,
            other => Err(unanswered(other)),
        }
    }

    /// Asks ahead for roles.
    pub fn expect_roles(&self, projects: &[ProjectName]) {
        self.engine.expect(projects.iter().cloned().map(Key::Roles));
    }

    /// Asks ahead for other indexes that have a project.
    pub fn expect_also_on(&self, projects: &[ProjectName]) {
        self.engine.expect(projects.iter().cloned().map(Key::Also));
    }

    /// The bytes behind a URL requirement that was asked for with [`Catalogue::at_url`].
    #[must_use]
    pub fn kept_file(&self, url: &str) -> Option<Arc<KeptFile>> {
        self.work.kept.of(url)
    }

    fn file_key(&self, project: &ProjectName, version: &Version, file: &ReleaseFile) -> Key {
        let key = Key::Requires(project.clone(), file.url.clone());
        let asked =
            Asked { project: project.clone(), version: version.clone(), file: file.clone() };
        self.work.asked().entry(key.clone()).or_insert(asked);
        key
    }
}

impl Catalogue for IndexCatalogue {
    fn releases(&self, project: &ProjectName) -> Result<Arc<Releases>, CatalogueError> {
        match self.engine.wait(&Key::Page(project.clone())) {
            Ok(Answer::Page(found)) => found.map(|found| found.releases),
            other => Err(unanswered(other)),
        }
    }

    fn requires(
        &self,
        project: &ProjectName,
        version: &Version,
        file: &ReleaseFile,
    ) -> Result<Arc<Requires>, CatalogueError> {
        match self.engine.wait(&self.file_key(project, version, file)) {
            Ok(Answer::Requires(answer)) => answer,
            other => Err(unanswered(other)),
        }
    }

    fn at_url(&self, project: &ProjectName, url: &str) -> Result<Arc<UrlRelease>, CatalogueError> {
        match self.engine.wait(&Key::Url(project.clone(), url.to_owned())) {
            Ok(Answer::Url(answer)) => answer,
            other => Err(unanswered(other)),
        }
    }

    fn expect(&self, projects: &[ProjectName]) {
        self.engine.expect(projects.iter().cloned().map(Key::Page));
    }

    fn expect_requires(&self, project: &ProjectName, version: &Version, file: &ReleaseFile) {
        let key = self.file_key(project, version, file);
        self.engine.expect([key]);
    }
}

/// Whether work is over, for a thread that watches it.
#[derive(Default)]
struct Over {
    is_over: Mutex<bool>,
    changed: Condvar,
}

impl Over {
    /// Waits no longer than this.
    fn is_within(&self, limit: Duration) -> bool {
        let is_over = self.is_over.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(is_over, limit, |is_over| !*is_over);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn at_end(&self) -> Ending<'_> {
        Ending(self)
    }
}

struct Ending<'a>(&'a Over);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        *self.0.is_over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.changed.notify_all();
    }
}

impl Drop for IndexCatalogue {
    /// Where something was asked for, more is kept than before, and not for ever.
    fn drop(&mut self) {
        if self.reading().requests > 0
            && let Some(cache) = &self.work.pages.cache
        {
            cache.prune();
        }
        self.engine.end();
    }
}

/// Only a question that was stopped has no answer of its own kind.
fn unanswered(answer: Result<Answer, Unanswered>) -> CatalogueError {
    match answer {
        Err(Unanswered::Interrupted) => error::interrupted(),
        Err(Unanswered::Gone(reason)) => error::gone(&reason),
        Ok(_) => error::gone("another question was answered"),
    }
}

impl Work {
    async fn answer(&self, key: Key) -> Answer {
        match key {
            Key::Page(project) => Answer::Page(self.pages.find(&project).await),
            Key::Requires(..) => Answer::Requires(self.requires(&key).await.map(Arc::new)),
            Key::Url(project, url) => {
                let release = self.at_url(&project, &url).await;
                Answer::Url(release.map(Arc::new))
            }
            Key::Also(project) => Answer::Also(self.pages.also_on(&project).await),
            Key::Roles(project) => Answer::Roles(self.pages.roles(&project).await),
        }
    }

    fn asked(&self) -> MutexGuard<'_, HashMap<Key, Asked>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn requires(&self, key: &Key) -> Result<Requires, CatalogueError> {
        let asked = self.asked().get(key).cloned();
        let asked = asked.ok_or_else(|| error::gone("a question was lost"))?;
        self.pages.counts.metadata.fetch_add(1, Ordering::Relaxed);
        let (project, version, file) = (&asked.project, &asked.version, &asked.file);
        let cache = self.pages.cache.as_deref();
        if let Some(kept) = cache.and_then(|cache| cache.metadata(project, version, file)) {
            return kept;
        }
        let options = &self.pages.options;
        let is_local = file.url.starts_with("file:");
        if options.offline && !is_local {
            let url = crate::http::RedactedUrl::of_text(&file.url);
            let what = format!("the metadata of `{}`", file.filename.as_str());
            return Err(error::of_http(&what, &crate::http::HttpError::Offline { url }));
        }
        let answer = self.files.requires(&self.pages.http, &asked, &options.interrupted).await;
        if let Some(cache) = cache {
            cache.keep_metadata(project, version, file, &answer);
        }
        answer
    }
}
