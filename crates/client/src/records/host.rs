//! Records on a web server: its listings and the files that they lead to.
//!
//! Everything comes from the origin that was named: a link or a redirect to another one is not
//! followed, so that a listing cannot choose whose files are read. Plain `http` is used when the
//! address was written so; what comes is verified by digests and signatures, or is not evidence.

mod requests;

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, Write};
use std::sync::{Arc, OnceLock};

use countermark_audit::source::{Documents, SourceError};
use countermark_packaging::listing;
use url::Url;

use super::remembered::Remembered;
use crate::http::{Client, DownloadError, HttpError, Piece, RedactedUrl, Request};
use requests::Requests;

/// Longest listing, in bytes.
const MAX_PAGE: u64 = 32 * 1024 * 1024;

/// Most listings of one call.
const MAX_PAGES: u64 = 20_000;

/// Most files of one call.
const MAX_FILES: u64 = 1_000_000;

/// How deep folders are entered: one for each project, and one in it for each release.
const MAX_DEPTH: usize = 2;

/// See the module.
#[derive(Debug)]
pub struct HostDocuments {
    /// With a slash at its end.
    root: Url,
    /// For people.
    shown: String,
    client: Arc<Client>,
    requests: OnceLock<Result<Requests, String>>,
    remembered: Remembered,
}

/// What came instead of bytes.
enum Failed {
    Absent,
    Other(SourceError),
}

impl HostDocuments {
    /// A folder of a web server.
    ///
    /// # Errors
    /// When the URL is not one of a folder over HTTP.
    pub fn new(
        url: &Url,
        client: Arc<Client>,
        cache: Option<&std::path::Path>,
    ) -> Result<Self, SourceError> {
        // `user:secret@host` is a URL too, with a scheme that nobody meant.
        let shown = RedactedUrl::of_text(url.as_str()).to_string();
        if !matches!(url.scheme(), "http" | "https") || url.query().is_some() {
            let expected = "the address of a folder, `https://…/`".to_owned();
            return Err(SourceError::NotThis { what: format!("`{shown}`"), expected });
        }
        let mut root = url.clone();
        root.set_fragment(None);
        if !root.path().ends_with('/') {
            root.set_path(&format!("{}/", url.path()));
        }
        // Userinfo is left out of what tells caches apart, and so never written.
        let remembered = Remembered::new(cache, std::path::Path::new(&shown));
        Ok(Self { root, shown, client, requests: OnceLock::new(), remembered })
    }

    fn url(&self, path: &str, is_folder: bool) -> Result<Url, SourceError> {
        let refused = || SourceError::Unreadable {
            what: self.shown_path(path),
            reason: "the path leads out of it".to_owned(),
        };
        let mut url = self.root.clone();
        let parts = path.split('/').filter(|part| !part.is_empty());
        let mut segments = url.path_segments_mut().map_err(|()| refused())?;
        segments.pop_if_empty();
        for part in parts {
            if matches!(part, "." | "..") || part.contains('\\') {
                drop(segments);
                return Err(refused());
            }
            segments.push(part);
        }
        if is_folder {
            segments.push("");
        }
        drop(segments);
        Ok(url)
    }

    fn shown_path(&self, path: &str) -> String {
        let shown = self.shown.trim_end_matches('/');
        if path.is_empty() { self.shown.clone() } else { format!("{shown}/{path}") }
    }

    fn request(&self, request: Request) -> Request {
        let request = request.only_origin();
        // The scheme is that of the address that a person wrote.
        if self.root.scheme() == "http" { request.allow_plain_http() } else { request }
    }

    /// Runs one request to its end.
    fn wait<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, SourceError> {
        let failed = |reason: String| SourceError::Unreadable { what: self.shown.clone(), reason };
        let requests = match self.requests.get_or_init(Requests::start) {
            Ok(requests) => requests,
            Err(reason) => return Err(failed(reason.clone())),
        };
        requests.wait(future).ok_or_else(|| failed("the request was given up".to_owned()))
    }

    fn page(&self, path: &str) -> Result<listing::Listing, Failed> {
        let url = self.url(path, true).map_err(Failed::Other)?;
        let request = self.request(Request::document(&url, "text/html", MAX_PAGE));
        let document = self
            .wait({
                let client = Arc::clone(&self.client);
                async move { client.fetch(&request).await }
            })
            .map_err(Failed::Other)?
            .map_err(|error| self.failed(path, &error))?;
        // Links are below the page itself, wherever on this host it was moved to.
        listing::parse(&document.body, &document.url).map_err(|error| {
            let reason = error.to_string();
            Failed::Other(SourceError::Unreadable { what: self.shown_path(path), reason })
        })
    }

    fn failed(&self, path: &str, error: &HttpError) -> Failed {
        match error {
            HttpError::Status { code: 404 | 410, .. } => Failed::Absent,
            HttpError::TooLong { limit, .. } => Failed::Other(SourceError::TooLarge {
                what: self.shown_path(path),
                limit: *limit,
                unit: "bytes",
            }),
            error => Failed::Other(SourceError::Unreadable {
                what: self.shown_path(path),
                reason: error.to_string(),
            }),
        }
    }

    /// Downloads a file piece by piece into what is given.
    fn download<S: Send + 'static>(
        &self,
        path: &str,
        limit: u64,
        mut sink: S,
        each: fn(&mut S, Piece<'_>) -> io::Result<()>,
    ) -> Result<Option<S>, SourceError> {
        let url = self.url(path, false)?;
        let request = self.request(Request::file(&url, limit));
        let client = Arc::clone(&self.client);
        let downloaded = self.wait(async move {
            let downloaded = client.download(&request, |piece| each(&mut sink, piece)).await;
            downloaded.map(|_| sink)
        })?;
        match downloaded {
            Ok(sink) => Ok(Some(sink)),
            Err(DownloadError::Http(error)) => match self.failed(path, &error) {
                Failed::Absent => Ok(None),
                Failed::Other(error) => Err(error),
            },
            Err(DownloadError::Sink(error)) => Err(self.not_kept(path, &error)),
        }
    }

    fn not_kept(&self, path: &str, error: &io::Error) -> SourceError {
        let reason = format!("it cannot be kept: {error}");
        SourceError::Unreadable { what: self.shown_path(path), reason }
    }
}

impl Documents for HostDocuments {
    fn root(&self) -> &str {
        &self.shown
    }

    fn list(&self, folder: &str, ending: &str) -> Result<Vec<String>, SourceError> {
        let too_many =
            |limit, unit| Err(SourceError::TooLarge { what: self.shown_path(folder), limit, unit });
        let folder = folder.trim_matches('/');
        let depth = folder.split('/').filter(|part| !part.is_empty()).count();
        let mut open = vec![(folder.to_owned(), depth)];
        let mut files = Vec::new();
        let (mut pages, mut count) = (0, 0);
        while let Some((path, depth)) = open.pop() {
            pages += 1;
            if pages > MAX_PAGES {
                return too_many(MAX_PAGES, "listings");
            }
            let page = match self.page(&path) {
                Ok(page) => page,
                // A folder that was asked for and is not there has no files; the root has to be
                // there, and so has what a listing names.
                Err(Failed::Absent) if pages == 1 && !path.is_empty() => return Ok(files),
                Err(Failed::Absent) => {
                    let reason = "there is no such listing".to_owned();
                    let what = self.shown_path(&path);
                    return Err(SourceError::Unreadable { what, reason });
                }
                Err(Failed::Other(error)) => return Err(error),
            };
            let below = |name: &String| {
                if path.is_empty() { name.clone() } else { format!("{path}/{name}") }
            };
            count += page.files.len() as u64;
            if count > MAX_FILES {
                return too_many(MAX_FILES, "files");
            }
            files.extend(page.files.iter().map(below).filter(|path| path.ends_with(ending)));
            if depth < MAX_DEPTH {
                open.extend(page.folders.iter().map(|name| (below(name), depth + 1)));
            }
        }
        files.sort_unstable();
        Ok(files)
    }

    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, SourceError> {
        self.download(path, limit, Vec::new(), |bytes, piece| {
            match piece {
                Piece::Start { .. } => bytes.clear(),
                Piece::Bytes(more) => bytes.extend_from_slice(more),
            }
            Ok(())
        })
    }

    fn open(&self, path: &str, limit: u64) -> Result<Option<Box<dyn Read + '_>>, SourceError> {
        let file = tempfile::tempfile().map_err(|error| self.not_kept(path, &error))?;
        let downloaded = self.download(path, limit, file, |file, piece| match piece {
            Piece::Start { .. } => {
                file.set_len(0)?;
                file.rewind()
            }
            Piece::Bytes(more) => file.write_all(more),
        })?;
        let Some(mut file) = downloaded else { return Ok(None) };
        file.rewind().map_err(|error| self.not_kept(path, &error))?;
        Ok(Some(Box::new(file)))
    }

    fn remembered(&self, form: &str) -> BTreeMap<[u8; 32], Vec<u8>> {
        self.remembered.read(form)
    }

    fn remember(&self, form: &str, derived: &BTreeMap<[u8; 32], Vec<u8>>) {
        self.remembered.write(form, derived);
    }
}

#[cfg(test)]
mod tests;
