//! Asks indexes what they have of a project.
//!
//! Decides which indexes are asked for a name, in which order their answers count, and what a
//! project's status means: a quarantined project is refused, an archived or deprecated one is
//! noted (PEP 792). A page is kept for the run at most, so every run that contacts an index learns
//! the status as it is; what a page says of files is evidence to compare.
//!
//! The order: places of `--find-links` (they are the user's own), then the indexes as configured.
//! A name that is bound to an index is asked there and nowhere else. An index that cannot be asked
//! is an error, never a reason to ask the next one: an outage of a private index must not let a
//! public upload of the same name in.

mod links;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use countermark_packaging::name::ProjectName;
use countermark_packaging::simple::{self, PageError, ProjectPage, StatusMarker};
use countermark_trust::Class;
use futures_util::future::join_all;
use tokio::sync::OnceCell;
use url::Url;

use crate::http::{Client, HttpError, RedactedUrl, Request};
use crate::settings::{Index, Sources};

/// Longest project page, in bytes; the longest known have about half of it.
pub const MAX_PAGE: u64 = 64 * 1024 * 1024;

/// Files of pages that are kept for the run, about half a kilobyte each.
const MAX_KEPT_FILES: usize = 20_000;

/// JSON first, HTML as its equal.
pub(crate) const ACCEPT: &str = "application/vnd.pypi.simple.v1+json, \
                      application/vnd.pypi.simple.v1+html;q=0.9, text/html;q=0.8";

/// For when HTML came though JSON was wanted more.
pub(crate) const ACCEPT_JSON: &str = "application/vnd.pypi.simple.v1+json";

/// Why an index gives no answer, or the wrong one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// It cannot be asked.
    #[error("cannot ask {index} about `{project}`: {source}")]
    Http {
        /// The index.
        index: String,
        /// The project.
        project: ProjectName,
        /// Why.
        source: HttpError,
    },
    /// Its page cannot be used.
    #[error("the page of `{project}` at `{url}` cannot be used: {source}")]
    Page {
        /// The project.
        project: String,
        /// Where the page came from.
        url: RedactedUrl,
        /// Why.
        source: PageError,
    },
    /// Its page is that of another project.
    #[error("the page at `{url}` is that of `{found}`, expected `{project}`")]
    OtherProject {
        /// The project.
        project: ProjectName,
        /// Where the page came from.
        url: RedactedUrl,
        /// The name on the page.
        found: String,
    },
    /// PEP 792: the index considers the project unsafe.
    #[error("{index} has put `{project}` into quarantine{}", reason.as_ref().map(|it| format!(": {it}")).unwrap_or_default())]
    Quarantined {
        /// The project.
        project: ProjectName,
        /// The index.
        index: String,
        /// What the index says.
        reason: Option<String>,
    },
    /// A page of `--find-links` cannot be had.
    #[error("cannot read the links at `{url}`: {source}")]
    Links {
        /// The page.
        url: RedactedUrl,
        /// Why.
        source: HttpError,
    },
    /// A local folder or page cannot be read.
    #[error("cannot read `{}`: {reason}", path.display())]
    Local {
        /// The folder or page.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl IndexError {
    /// Who is at fault, and so the exit code.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Http { source, .. } | Self::Links { source, .. } => source.class(),
            Self::Page { .. } | Self::OtherProject { .. } => Class::Unavailable,
            Self::Quarantined { .. } => Class::Rejected,
            Self::Local { .. } => Class::Usage,
        }
    }

    /// A short name for messages and reports.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Http { source, .. } | Self::Links { source, .. } => source.code(),
            Self::Page { .. } => "bad-page",
            Self::OtherProject { .. } => "other-project",
            Self::Quarantined { .. } => "quarantined",
            Self::Local { .. } => "unreadable-links",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Http { source, .. } | Self::Links { source, .. } => source.hint(),
            Self::Page { .. } => {
                Some("the address may not be that of an index: it usually ends with `/simple/`")
            }
            Self::Quarantined { .. } => {
                Some("what is installed of it may be unsafe too; ask the index or the project")
            }
            Self::OtherProject { .. } | Self::Local { .. } => None,
        }
    }
}

/// Who gave a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageSource {
    /// An index.
    Index(Index),
    /// A place of `--find-links`.
    Links(String),
}

impl fmt::Display for PageSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(formatter, "{index}"),
            Self::Links(place) => formatter.write_str(place),
        }
    }
}

/// What one source has of a project. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexPage {
    /// Who says it.
    pub source: PageSource,
    /// What it says.
    pub page: Arc<ProjectPage>,
    /// What a person may want to know: archived, deprecated, unusable entries.
    pub notes: Vec<String>,
}

type Answer = Arc<OnceCell<Option<IndexPage>>>;

/// Answers that may be needed again, as many as do not fill the memory.
#[derive(Debug, Default)]
struct Answers {
    by_url: HashMap<String, Answer>,
    /// Those that came, oldest first, with the number of their files.
    order: VecDeque<(String, usize)>,
    files: usize,
}

impl Answers {
    fn entry(&mut self, url: &str) -> Answer {
        Arc::clone(self.by_url.entry(url.to_owned()).or_default())
    }

    fn came(&mut self, url: &str, page: Option<&IndexPage>) {
        let files = page.map_or(0, |page| page.page.files.len());
        self.order.push_back((url.to_owned(), files));
        self.files += files;
        while self.files > MAX_KEPT_FILES {
            let Some((url, files)) = self.order.pop_front() else { break };
            self.by_url.remove(&url);
            self.files -= files;
        }
    }
}

/// Asks the configured sources.
#[derive(Debug)]
pub struct IndexClient {
    http: Arc<Client>,
    sources: Sources,
    answers: Mutex<Answers>,
    links: OnceCell<Vec<(String, ProjectPage)>>,
}

impl IndexClient {
    /// Over the one HTTP client.
    #[must_use]
    pub fn new(http: Arc<Client>, sources: Sources) -> Self {
        Self { http, sources, answers: Mutex::default(), links: OnceCell::new() }
    }

    /// What is asked.
    #[must_use]
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// What all sources have of a project, in the order in which they count; a source that does
    /// not have it is left out. No source at all gives no page.
    ///
    /// Each source is asked once per run, unless its pages are many. Where a pin decides, a file may come from any of the
    /// pages; where none does, from [`first_offer`] only.
    ///
    /// # Errors
    /// See [`IndexError`]; also when the first index that has the project has it in quarantine.
    /// Of a later one, in quarantine, the files are left out and a note says so.
    pub async fn project_pages(&self, project: &ProjectName) -> Result<Vec<IndexPage>, IndexError> {
        let bound = self.sources.bound_to(project);
        let mut pages = match bound {
            Some(_) => Vec::new(),
            None => self.linked(project).await?,
        };
        let asked: Vec<&Index> = match bound {
            Some(index) => vec![index],
            None => self.sources.indexes.iter().filter(|index| !index.explicit).collect(),
        };
        let answers = join_all(asked.iter().map(|index| self.ask(index, project))).await;
        let mut is_first = true;
        for answer in answers {
            let Some(mut page) = answer? else { continue };
            if page.page.status.marker == StatusMarker::Quarantined {
                let refusal = quarantined(project, &page);
                if is_first {
                    return Err(refusal);
                }
                page.notes.push(format!("{refusal}; its files there are not used"));
                page.page =
                    Arc::new(ProjectPage { files: Vec::new(), ..ProjectPage::clone(&page.page) });
            }
            is_first = false;
            pages.push(page);
        }
        Ok(pages)
    }

    async fn ask(
        &self,
        index: &Index,
        project: &ProjectName,
    ) -> Result<Option<IndexPage>, IndexError> {
        let url = page_url(index, project);
        let answer = self.answers().entry(url.as_str());
        let asking = answer.get_or_try_init(|| async {
            let page = self.fetch(index, project, &url).await?;
            self.answers().came(url.as_str(), page.as_ref());
            Ok(page)
        });
        Ok(asking.await?.clone())
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn fetch(
        &self,
        index: &Index,
        project: &ProjectName,
        url: &Url,
    ) -> Result<Option<IndexPage>, IndexError> {
        let (url, content_type, body) = if url.scheme() == "file" {
            match links::read_local_page(index, url)? {
                Some((url, body)) => (url, Some("text/html".to_owned()), body),
                None => return Ok(None),
            }
        } else {
            match self.http.fetch(&Request::document(url, ACCEPT, MAX_PAGE)).await {
                Ok(document) => (document.url, document.content_type, document.body),
                Err(HttpError::Status { code: 404 | 410, .. }) => return Ok(None),
                Err(source) => {
                    let (index, project) = (index.to_string(), project.clone());
                    return Err(IndexError::Http { index, project, source });
                }
            }
        };
        let page = parse_page(project, &body, content_type.as_deref(), &url)?;
        let notes = notes(project, index, &page);
        let source = PageSource::Index(index.clone());
        Ok(Some(IndexPage { source, page: Arc::new(page), notes }))
    }

    /// The page of a project in an index that is a folder; nothing where it has none.
    pub(crate) fn local_page(
        &self,
        index: &Index,
        project: &ProjectName,
        url: &Url,
    ) -> Result<Option<ProjectPage>, IndexError> {
        let Some((url, body)) = links::read_local_page(index, url)? else { return Ok(None) };
        parse_page(project, &body, Some("text/html"), &url).map(Some)
    }

    /// What the places of `--find-links` have of a project, in their order.
    pub(crate) async fn linked(&self, project: &ProjectName) -> Result<Vec<IndexPage>, IndexError> {
        let all = self
            .links
            .get_or_try_init(|| links::read_all(&self.http, &self.sources.find_links))
            .await?;
        let mut pages = Vec::new();
        for (place, page) in all {
            let files: Vec<_> =
                page.files.iter().filter(|file| links::is_of(file, project)).cloned().collect();
            if !files.is_empty() {
                pages.push(IndexPage {
                    source: PageSource::Links(place.clone()),
                    page: Arc::new(ProjectPage { files, ..ProjectPage::default() }),
                    notes: Vec::new(),
                });
            }
        }
        Ok(pages)
    }
}

/// What may be chosen from where no pin decides: all places of `--find-links`, which are the
/// user's own, and the first index that has the name.
pub fn first_offer(pages: &[IndexPage]) -> impl Iterator<Item = &simple::File> {
    let is_index = |page: &IndexPage| matches!(page.source, PageSource::Index(_));
    let end = pages.iter().position(is_index).map_or(pages.len(), |at| at + 1);
    pages[..end].iter().flat_map(|page| &page.page.files)
}

/// PEP 503: the normalised name and a slash.
pub(crate) fn page_url(index: &Index, project: &ProjectName) -> Url {
    let mut url = index.url.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().push(project.as_str()).push("");
    }
    url
}

/// Reads a page, which is that of the project.
pub(crate) fn parse_page(
    project: &ProjectName,
    body: &[u8],
    content_type: Option<&str>,
    url: &Url,
) -> Result<ProjectPage, IndexError> {
    let page = simple::parse(body, content_type, url).map_err(|source| IndexError::Page {
        project: project.to_string(),
        url: url.into(),
        source,
    })?;
    check_name(project, &page, url)?;
    Ok(page)
}

/// A page of another project would offer its files under this name.
fn check_name(project: &ProjectName, page: &ProjectPage, url: &Url) -> Result<(), IndexError> {
    let Some(found) = &page.name else { return Ok(()) };
    if ProjectName::parse(found).is_ok_and(|found| found == *project) {
        return Ok(());
    }
    let found = found.chars().take(100).collect();
    Err(IndexError::OtherProject { project: project.clone(), url: url.into(), found })
}

fn quarantined(project: &ProjectName, page: &IndexPage) -> IndexError {
    IndexError::Quarantined {
        project: project.clone(),
        index: page.source.to_string(),
        reason: page.page.status.reason.clone(),
    }
}

fn notes(project: &ProjectName, index: &Index, page: &ProjectPage) -> Vec<String> {
    let mut notes = Vec::new();
    let what = match page.status.marker {
        StatusMarker::Active | StatusMarker::Quarantined => None,
        StatusMarker::Archived => Some("archived: no more releases are expected"),
        StatusMarker::Deprecated => Some("deprecated: something else should be used"),
    };
    if let Some(what) = what {
        let reason = page.status.reason.as_deref();
        let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
        notes.push(format!("`{project}` is {what}{reason}, says {index}"));
    }
    if let Some(first) = page.unusable.first() {
        let count = page.unusable.len();
        let name = first.filename.chars().take(100).collect::<String>();
        notes.push(format!(
            "{count} of the entries of `{project}` on {index} cannot be used, the first is `{}`: {}",
            name.escape_debug(),
            first.reason
        ));
    }
    notes
}
