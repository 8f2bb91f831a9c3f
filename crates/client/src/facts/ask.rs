//! One project: its page, then its JSON document.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use countermark_audit::fact::from_page::{add_document, project_facts};
use countermark_audit::fact::{Presence, ProjectFacts};
use countermark_packaging::name::ProjectName;
use countermark_packaging::project_json;
use countermark_packaging::simple;
use jiff::Timestamp;
use url::Url;

use super::cache::{Cache, Entry, Kept, Stamp, is_within};
use super::{FactsError, MAX_FAILURES, Options, shown};
use crate::http::{Client, Document, HttpError, Meter, Request, Traffic, Validators};
use crate::index::{ACCEPT, ACCEPT_JSON, MAX_PAGE, page_url};
use crate::report::{Note, Reporter};
use crate::settings::Index;

/// Longest JSON document, in bytes; they hold every file of a project twice.
pub(crate) const MAX_DOCUMENT: u64 = 64 << 20;

/// Projects without a JSON document, one after the other and none before with one, after which no
/// more documents are asked for: the index has none.
const MAX_MISSING: usize = 8;

/// Asks one index.
pub(super) struct Asker<'a> {
    index: &'a Index,
    http: &'a Client,
    options: &'a Options,
    cache: Option<&'a Cache>,
    /// When the run began that is gone on with.
    since: Option<Timestamp>,
    meter: Arc<Meter>,
    /// Requests without an answer, one after the other.
    failures: AtomicUsize,
    /// Why nothing more is asked.
    stopped: OnceLock<String>,
    has_json: AtomicBool,
    /// HTML came twice where JSON was wanted.
    is_html: AtomicBool,
    has_documents: AtomicBool,
    missing: AtomicUsize,
}

/// What came for a page.
enum Answer {
    /// The kept one still is what the index has.
    Same,
    New(Box<ProjectFacts>, Validators),
    Absent,
}

impl<'a> Asker<'a> {
    pub(super) fn new(
        index: &'a Index,
        http: &'a Client,
        options: &'a Options,
        cache: Option<&'a Cache>,
        since: Option<Timestamp>,
    ) -> Result<Self, FactsError> {
        if !matches!(index.url.scheme(), "http" | "https") {
            return Err(FactsError::NotAnIndex { url: (&index.url).into() });
        }
        Ok(Self {
            index,
            http,
            options,
            cache,
            since,
            meter: Arc::new(Meter::new(options.rate)),
            failures: AtomicUsize::new(0),
            stopped: OnceLock::new(),
            has_json: AtomicBool::new(false),
            is_html: AtomicBool::new(false),
            has_documents: AtomicBool::new(false),
            missing: AtomicUsize::new(0),
        })
    }

    pub(super) fn traffic(&self) -> Traffic {
        self.meter.traffic()
    }

    /// What is worth a word about the index.
    pub(super) fn tell(&self, reporter: &dyn Reporter) {
        let index = shown(self.index);
        if let Some(reason) = self.stopped.get() {
            let message = format!("not everything was asked for: {reason}");
            let hint = "run it again later; what was read is kept, and not asked for again so soon";
            reporter.note(Note::new("index-gave-up", message).with_hint(hint));
        }
        if self.is_html.load(Ordering::Relaxed) {
            let what = "sizes, upload times and versions without files are not known";
            reporter.note(Note::new("html-only", format!("{index} has no json pages: {what}")));
        }
        if self.has_no_documents() {
            let what = "who holds roles is not known";
            let message = format!("{index} has no json documents of projects: {what}");
            reporter.note(Note::new("no-roles", message));
        }
    }

    /// Reads one project. Whatever goes wrong is in the facts.
    pub(super) async fn ask(&self, name: &ProjectName) -> ProjectFacts {
        let limit = self.options.longest;
        match tokio::time::timeout(limit, self.ask_with_patience(name)).await {
            Ok(facts) => facts,
            Err(_) => {
                let reason = format!("the index gave no whole answer within {} s", limit.as_secs());
                self.count_failure(|| reason.clone());
                ProjectFacts::new(name.clone(), Presence::Unread(reason))
            }
        }
    }

    async fn ask_with_patience(&self, name: &ProjectName) -> ProjectFacts {
        let kept = self.cache.and_then(|cache| cache.read(name));
        if let (Some(kept), Some(since)) = (&kept, self.since)
            && kept.page.read >= since
        {
            return merged(kept);
        }
        let unread = |reason| ProjectFacts::new(name.clone(), Presence::Unread(reason));
        let validators = kept.as_ref().map(|kept| kept.page.validators.clone());
        let answer = match self.page(name, validators.unwrap_or_default()).await {
            Ok(answer) => answer,
            Err(reason) => return unread(reason),
        };
        let (facts, validators) = match (answer, &kept) {
            (Answer::New(facts, validators), _) => (*facts, validators),
            (Answer::Same, Some(kept)) => (kept.facts.clone(), kept.page.validators.clone()),
            (Answer::Same, None) => {
                return unread("the index says that nothing changed".to_owned());
            }
            (Answer::Absent, _) => {
                (ProjectFacts::new(name.clone(), Presence::Absent), Validators::default())
            }
        };
        let page = Stamp { read: self.options.now, validators };
        match facts.presence {
            Presence::Unread(_) => return facts,
            Presence::Absent => return self.keep(&Entry { facts, page, document: None }),
            Presence::Present => {}
        }
        let before = kept.and_then(|kept| kept.document);
        if !self.options.roles {
            return self.keep(&Entry { facts, page, document: before });
        }
        match self.document(name, &facts, before).await {
            Ok(document) => self.keep(&Entry { facts, page, document: Some(document) }),
            // Not kept: the next run asks for all of it again.
            Err(reason) => {
                let mut facts = facts;
                add_document(&mut facts, Err(&reason));
                facts
            }
        }
    }

    fn keep(&self, entry: &Entry) -> ProjectFacts {
        if let Some(cache) = self.cache {
            cache.keep(entry);
        }
        merged(entry)
    }

    async fn page(&self, name: &ProjectName, validators: Validators) -> Result<Answer, String> {
        let url = page_url(self.index, name);
        let request = Request::document(&url, ACCEPT, MAX_PAGE).if_changed(validators);
        let document = match self.fetch(request).await? {
            Fetched::Document(document) => document,
            Fetched::Same => return Ok(Answer::Same),
            Fetched::NotThere => return Ok(Answer::Absent),
        };
        let mut facts = self.read_page(name, &url, &document)?;
        let mut validators = document.validators;
        // Only JSON has the name.
        if facts.shown_name.is_some() {
            self.has_json.store(true, Ordering::Relaxed);
        } else if !self.is_html.load(Ordering::Relaxed) {
            // HTML came once from an index that has JSON; asking again costs one request.
            let request = Request::document(&url, ACCEPT_JSON, MAX_PAGE);
            let again = match self.fetch(request).await {
                Ok(Fetched::Document(document)) => {
                    self.read_page(name, &url, &document).ok().map(|it| (it, document.validators))
                }
                _ => None,
            };
            match again.filter(|(facts, _)| facts.shown_name.is_some()) {
                Some(better) => {
                    (facts, validators) = better;
                    self.has_json.store(true, Ordering::Relaxed);
                }
                None if self.has_json.load(Ordering::Relaxed) => {
                    let what = "sizes, upload times and versions without files are not known";
                    facts.unusable.push(format!("the page came in html: {what}"));
                    // The next run wants JSON, and not to hear that this is unchanged.
                    validators = Validators::default();
                }
                None => self.is_html.store(true, Ordering::Relaxed),
            }
        }
        Ok(Answer::New(Box::new(facts), validators))
    }

    fn read_page(
        &self,
        name: &ProjectName,
        asked: &Url,
        document: &Document,
    ) -> Result<ProjectFacts, String> {
        let page = simple::parse(&document.body, document.content_type.as_deref(), &document.url)
            .map_err(|error| format!("its page cannot be used: {error}"))?;
        // HTML has no name; where it came from is all there is.
        if page.name.is_none()
            && document.url != *asked
            && let Some(found) = project_of(&document.url).filter(|found| found != name)
        {
            return Err(format!("the index leads from `{name}` to `{found}`"));
        }
        Ok(project_facts(name, &page))
    }

    /// The document, or why who holds roles is not known.
    async fn document(
        &self,
        name: &ProjectName,
        facts: &ProjectFacts,
        kept: Option<(Stamp, Kept)>,
    ) -> Result<(Stamp, Kept), String> {
        let now = self.options.now;
        if let Some((stamp, Kept::Document(document))) = &kept
            && facts.last_serial.is_some()
            && document.last_serial == facts.last_serial
            && is_within(stamp.read, now, self.options.trust_serial)
        {
            return Ok((stamp.clone(), Kept::Document(document.clone())));
        }
        let url = document_url(self.index, name)
            .ok_or_else(|| "the address of the index does not end with `/simple/`".to_owned())?;
        if self.has_no_documents() {
            return Err("the index has no json documents of projects".to_owned());
        }
        let validators = kept.as_ref().map(|(stamp, _)| stamp.validators.clone());
        let request = Request::document(&url, "application/json", MAX_DOCUMENT)
            .if_changed(validators.unwrap_or_default());
        let fetched = self.fetch(request).await;
        let fetched =
            fetched.map_err(|reason| format!("its json document could not be had: {reason}"))?;
        match (fetched, kept) {
            (Fetched::Document(found), _) => {
                let document = project_json::parse(&found.body)
                    .map_err(|error| format!("its json document cannot be used: {error}"))?;
                self.has_documents.store(true, Ordering::Relaxed);
                let stamp = Stamp { read: now, validators: found.validators };
                Ok((stamp, Kept::Document(document)))
            }
            (Fetched::Same, Some((stamp, kept))) => Ok((Stamp { read: now, ..stamp }, kept)),
            (Fetched::Same, None) => Err("the index says that nothing changed".to_owned()),
            (Fetched::NotThere, _) => {
                self.missing.fetch_add(1, Ordering::Relaxed);
                Ok((Stamp { read: now, validators: Validators::default() }, Kept::Missing))
            }
        }
    }

    fn has_no_documents(&self) -> bool {
        !self.has_documents.load(Ordering::Relaxed)
            && self.missing.load(Ordering::Relaxed) >= MAX_MISSING
    }

    async fn fetch(&self, request: Request) -> Result<Fetched, String> {
        if let Some(reason) = self.stopped.get() {
            return Err(format!("not asked for: {reason}"));
        }
        match self.http.fetch_changed(&request.metered(&self.meter)).await {
            Ok(answer) => {
                self.failures.store(0, Ordering::Relaxed);
                Ok(answer.map_or(Fetched::Same, Fetched::Document))
            }
            Err(HttpError::Status { code: 404 | 410, .. }) => {
                self.failures.store(0, Ordering::Relaxed);
                Ok(Fetched::NotThere)
            }
            Err(error) => {
                self.failed(&error);
                Err(error.to_string())
            }
        }
    }

    /// An index that refuses, or never answers, is left alone.
    fn failed(&self, error: &HttpError) {
        let is_over = match error {
            // What was not waited for was longer than anybody should wait with a connection open.
            HttpError::Status { code: 429, .. }
            | HttpError::Status { code: 503, retry_after: Some(_), .. }
            | HttpError::Offline { .. } => true,
            _ => false,
        };
        let reason = || match error {
            HttpError::Status { retry_after: Some(wait), .. } => {
                format!("{error}, and asked to be left alone for {} s", wait.as_secs())
            }
            _ => error.to_string(),
        };
        if is_over {
            // The first reason stays.
            let _ = self.stopped.set(reason());
        }
        self.count_failure(reason);
    }

    fn count_failure(&self, reason: impl FnOnce() -> String) {
        if self.failures.fetch_add(1, Ordering::Relaxed) + 1 >= MAX_FAILURES {
            let _ = self.stopped.set(reason());
        }
    }
}

/// What came for a request.
enum Fetched {
    Document(Document),
    Same,
    NotThere,
}

/// The page with what the document adds.
fn merged(entry: &Entry) -> ProjectFacts {
    let mut facts = entry.facts.clone();
    match &entry.document {
        Some((_, Kept::Document(document))) => add_document(&mut facts, Ok(document)),
        Some((_, Kept::Missing)) => {
            add_document(&mut facts, Err("the index has no json document of it"));
        }
        None => {}
    }
    facts
}

/// The JSON document beside the simple API: `…/simple/` becomes `…/pypi/NAME/json`.
pub(crate) fn document_url(index: &Index, name: &ProjectName) -> Option<Url> {
    let mut url = index.url.clone();
    let last = url.path_segments()?.rfind(|segment| !segment.is_empty())?;
    if last != "simple" {
        return None;
    }
    let mut segments = url.path_segments_mut().ok()?;
    segments.pop_if_empty().pop().extend(["pypi", name.as_str(), "json"]);
    drop(segments);
    Some(url)
}

/// The project that an address of a page names: its last part, with a slash behind it.
fn project_of(url: &Url) -> Option<ProjectName> {
    let folder = url.path().strip_suffix('/')?;
    ProjectName::parse(folder.rsplit('/').next()?).ok()
}
