//! Pages of indexes: from the disk where they are fresh, else from the index, in the order of the
//! indexes. The first that has the name wins it, and later ones are not told that it was asked for.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use countermark_lock::catalogue::{CatalogueError, Files, Release, ReleaseFile, Releases};
use countermark_packaging::name::ProjectName;
use countermark_packaging::simple::StatusMarker;
use countermark_packaging::version::Version;
use tokio::sync::OnceCell;

use super::cache::{Cache, Kept, is_within};
use super::error::of_index;
use super::listing::Listing;
use super::{CatalogueOptions, Counts};
use crate::http::{Client, Document, HttpError, Request, Validators};
use crate::index::{ACCEPT, ACCEPT_JSON, IndexClient, IndexError, MAX_PAGE, page_url, parse_page};
use crate::settings::Index;

/// What one index has of a project: nothing where it does not have it.
type Page = Option<Arc<Listing>>;

/// Pages of one index by its place, each asked for once.
type Asked = Mutex<HashMap<(String, ProjectName), Arc<OnceCell<Page>>>>;

pub(super) struct Pages {
    pub(super) http: Arc<Client>,
    pub(super) index: Arc<IndexClient>,
    pub(super) options: CatalogueOptions,
    pub(super) cache: Option<Arc<Cache>>,
    pub(super) counts: Arc<Counts>,
    pub(super) asked: Asked,
    /// Indexes from which HTML came where JSON was wanted, and again.
    pub(super) html: Mutex<HashSet<String>>,
}

/// What counts for a project.
#[derive(Clone)]
pub(super) struct Found {
    pub(super) releases: Arc<Releases>,
    /// The index; nothing where only places of `--find-links` have it.
    pub(super) index: Option<Index>,
}

impl Pages {
    /// The places of `--find-links` and the first index that has the project.
    pub(super) async fn find(&self, project: &ProjectName) -> Result<Found, CatalogueError> {
        let bound = self.index.sources().bound_to(project);
        let linked = match bound {
            Some(_) => Vec::new(),
            None => {
                let linked = self.index.linked(project).await;
                linked.map_err(|error| of_index(project, &error))?
            }
        };
        let indexes = self.indexes(project);
        let mut first = None;
        for index in &indexes {
            if let Some(listing) = self.page(index, project).await? {
                first = Some((index, listing));
                break;
            }
        }
        self.counts.pages.fetch_add(1, Ordering::Relaxed);
        if let Some((index, listing)) = &first
            && listing.status().marker == StatusMarker::Quarantined
        {
            let (project, index) = (project.clone(), index.to_string());
            return Err(CatalogueError::Quarantined { project, index });
        }
        let mut releases = match &first {
            Some((index, listing)) => listing.releases(index.to_string()),
            None => Releases::default(),
        };
        for page in linked.iter().rev() {
            if releases.index.is_empty() {
                releases.index = page.source.to_string();
            }
            add_before(&mut releases, &Arc::new(Listing::of_page(project, &page.page)));
        }
        if first.is_none() && linked.is_empty() {
            let mut asked: Vec<String> = indexes.iter().map(ToString::to_string).collect();
            let links = &self.index.sources().find_links;
            asked.extend(links.iter().map(|links| links.place.to_string()));
            let index = match asked.as_slice() {
                [] => "any index: none is configured".to_owned(),
                asked => asked.join(", "),
            };
            return Err(CatalogueError::Absent { project: project.clone(), index });
        }
        Ok(Found {
            releases: Arc::new(releases),
            index: first.map(|(index, _)| Index::clone(index)),
        })
    }

    /// The indexes that are asked for a project, in their order.
    fn indexes(&self, project: &ProjectName) -> Vec<&Index> {
        let sources = self.index.sources();
        match sources.bound_to(project) {
            Some(index) => vec![index],
            None => sources.indexes.iter().filter(|index| !index.explicit).collect(),
        }
    }

    /// Which indexes behind the one that counts have the project too.
    pub(super) async fn also_on(
        &self,
        project: &ProjectName,
    ) -> Result<Vec<String>, CatalogueError> {
        let first = match self.find(project).await {
            Ok(found) => found.index,
            Err(CatalogueError::Absent { .. }) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut others = Vec::new();
        for index in self.indexes(project) {
            if first.as_ref() != Some(index) && self.page(index, project).await?.is_some() {
                others.push(index.to_string());
            }
        }
        Ok(others)
    }

    async fn page(&self, index: &Index, project: &ProjectName) -> Result<Page, CatalogueError> {
        let key = (index.url.to_string(), project.clone());
        let cell = {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(asked.entry(key).or_default())
        };
        let page = cell.get_or_try_init(|| self.read(index, project)).await;
        page.cloned().map_err(|error| of_index(project, &error))
    }

    async fn read(&self, index: &Index, project: &ProjectName) -> Result<Page, IndexError> {
        let url = page_url(index, project);
        if url.scheme() == "file" {
            let page = self.index.local_page(index, project, &url)?;
            return Ok(page.map(|page| Arc::new(Listing::of_page(project, &page))));
        }
        let kept = self.kept(index, project).await;
        let options = &self.options;
        let kept = match kept {
            Some(kept)
                if options.offline
                    || (!options.refresh
                        && is_within(kept.read, options.now, options.freshness)) =>
            {
                return Ok(kept.listing.map(Arc::new));
            }
            other => other,
        };
        if options.offline {
            return Err(unasked(index, project, HttpError::Offline { url: (&url).into() }));
        }
        self.fetch(index, project, kept).await
    }

    async fn kept(&self, index: &Index, project: &ProjectName) -> Option<Kept> {
        let cache = Arc::clone(self.cache.as_ref()?);
        let (index, project) = (index.clone(), project.clone());
        let reading = tokio::task::spawn_blocking(move || cache.page(&index, &project));
        // A panic while reading is a kept page that cannot be used.
        reading.await.ok().flatten()
    }

    async fn fetch(
        &self,
        index: &Index,
        project: &ProjectName,
        kept: Option<Kept>,
    ) -> Result<Page, IndexError> {
        let url = page_url(index, project);
        let validators = kept.as_ref().map(|kept| kept.validators.clone()).unwrap_or_default();
        let request = Request::document(&url, ACCEPT, MAX_PAGE).if_changed(validators);
        self.counts.requests.fetch_add(1, Ordering::Relaxed);
        let document = match self.http.fetch_changed(&request).await {
            Ok(Some(document)) => document,
            Ok(None) => {
                // Only what was kept can be unchanged.
                let (validators, listing) =
                    kept.map(|kept| (kept.validators, kept.listing)).unwrap_or_default();
                self.keep(index, project, &validators, listing.as_ref());
                return Ok(listing.map(Arc::new));
            }
            Err(HttpError::Status { code: 404 | 410, .. }) => {
                self.keep(index, project, &Validators::default(), None);
                return Ok(None);
            }
            Err(error) => return Err(unasked(index, project, error)),
        };
        let mut validators = document.validators.clone();
        let (mut listing, mut has_secrets, is_json) = parse(project, document).await?;
        if !is_json && !self.html().contains(index.url.as_str()) {
            // HTML came once from an index that has JSON, which says more; asking again costs one
            // request.
            let request = Request::document(&url, ACCEPT_JSON, MAX_PAGE);
            self.counts.requests.fetch_add(1, Ordering::Relaxed);
            let again = match self.http.fetch(&request).await {
                Ok(document) => Some((document.validators.clone(), parse(project, document).await)),
                Err(_) => None,
            };
            match again {
                Some((said, Ok((better, secrets, true)))) => {
                    (validators, listing, has_secrets) = (said, better, secrets);
                }
                _ => drop(self.html().insert(index.url.to_string())),
            }
        }
        if !has_secrets {
            self.keep(index, project, &validators, Some(&listing));
        }
        Ok(Some(Arc::new(listing)))
    }

    fn html(&self) -> MutexGuard<'_, HashSet<String>> {
        self.html.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(
        &self,
        index: &Index,
        project: &ProjectName,
        validators: &Validators,
        listing: Option<&Listing>,
    ) {
        if let Some(cache) = &self.cache {
            cache.keep_page(index, project, self.options.now, validators, listing);
        }
    }
}

fn unasked(index: &Index, project: &ProjectName, source: HttpError) -> IndexError {
    IndexError::Http { index: index.to_string(), project: project.clone(), source }
}

/// The page, whether a URL in it holds a password, and whether it came as JSON.
async fn parse(
    project: &ProjectName,
    document: Document,
) -> Result<(Listing, bool, bool), IndexError> {
    let wanted = project.clone();
    let parsing = tokio::task::spawn_blocking(move || {
        let content_type = document.content_type.as_deref();
        let page = parse_page(&wanted, &document.body, content_type, &document.url)?;
        drop(document);
        let listing = Listing::of_page(&wanted, &page);
        Ok((listing, Listing::has_secrets(&page), page.name.is_some()))
    });
    match parsing.await {
        Ok(parsed) => parsed,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is ending, and so is whoever waits for this.
            Err(_) => std::future::pending().await,
        },
    }
}

/// Adds the files of a listing before those that are there.
fn add_before(releases: &mut Releases, listing: &Arc<Listing>) {
    let more: BTreeMap<Version, Release> = listing.releases(String::new()).versions;
    for (version, release) in more {
        let there = releases.versions.entry(version).or_default();
        let files: Vec<ReleaseFile> = release.files.iter().chain(&there.files).cloned().collect();
        there.files = Files::from(files);
    }
}
