//! What one file of an index says of its release: from the metadata beside it, from parts of it, or
//! from all of it, whichever costs least.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use countermark_lock::catalogue::{CatalogueError, ReleaseFile, Requires};
use countermark_packaging::digest::Digest;
use countermark_packaging::filename::DistributionFilename;
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use countermark_trust::{ArtifactVerifier, Pin, Rejection};
use url::Url;

use super::error::{bad_metadata, interrupted, mismatch, of_file, of_http, of_inside};
use super::{remote, says};
use crate::http::{Client, DownloadError, HttpError, Piece, Request};
use crate::inside::{Requiring, read_requiring};

/// Longest metadata file, in bytes: what its reader takes.
const MAX_METADATA: u64 = 16 << 20;

/// Longest file that is downloaded for its metadata, in bytes.
const MAX_FILE: u64 = 4 << 30;

/// Bytes that a file may be longer than the index says before the download is given up.
const SIZE_SLACK: u64 = 1 << 20;

/// Answers of one host that there is no metadata beside a file, without one that there is, after
/// which it is no longer asked for what it does not offer.
const MAX_MISSES: u32 = 3;

/// Bytes of a local file that are read at once.
const SLICE: usize = 256 << 10;

/// One file of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) project: ProjectName,
    pub(super) version: Version,
    pub(super) file: ReleaseFile,
}

/// Reads files' metadata.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// By host: whether it had unadvertised metadata, and how often not.
    hosts: Mutex<HashMap<String, (bool, u32)>>,
}

/// A file that was received whole, without a name in any folder.
pub(super) struct Received {
    pub(super) file: File,
    pub(super) digests: Vec<Digest>,
    pub(super) size: u64,
}

impl Files {
    pub(super) async fn requires(
        &self,
        http: &Client,
        asked: &Asked,
        interrupted: &AtomicBool,
    ) -> Result<Requires, CatalogueError> {
        let filename = asked.file.filename.as_str();
        let url = parse_url(asked)?;
        if url.scheme() == "file" {
            return of_local(asked, &url).await;
        }
        if let Some(bytes) = self.beside(http, asked, &url).await? {
            return read_beside(asked, &bytes);
        }
        let is_wheel = matches!(asked.file.filename, DistributionFilename::Wheel(_));
        if is_wheel && asked.file.metadata.is_none() && self.may_probe(&url) {
            let found = self.probe(http, asked, &url).await?;
            self.count(&url, found.is_some());
            if let Some(requires) = found {
                return Ok(requires);
            }
        }
        if is_wheel {
            match remote::read_metadata(http, &url, filename).await {
                Ok(Some(bytes)) => {
                    return says::of_metadata(&asked.project, &asked.version, &bytes);
                }
                Ok(None) => {}
                Err(remote::RemoteError::Http(error)) => {
                    return Err(of_http(&format!("the metadata of `{filename}`"), &error));
                }
                Err(remote::RemoteError::Inside(error)) => {
                    return Err(of_inside(&asked.project, &asked.version, &error));
                }
            }
        }
        let claims = &asked.file.digests;
        let received = receive(http, &url, filename, claims, asked.file.size, interrupted).await?;
        let asked = asked.clone();
        aside(move || look_inside(&asked, &received.file)).await
    }

    /// The metadata file that the index offers; nothing where it offers none, or has none after all.
    async fn beside(
        &self,
        http: &Client,
        asked: &Asked,
        url: &Url,
    ) -> Result<Option<Vec<u8>>, CatalogueError> {
        let Some(claims) = &asked.file.metadata else { return Ok(None) };
        let what = format!("the metadata of `{}`", asked.file.filename.as_str());
        let request = Request::document(&metadata_url(url), "*/*", MAX_METADATA);
        let document = match http.fetch(&request).await {
            Ok(document) => document,
            Err(HttpError::Status { code: 404 | 410, .. }) => return Ok(None),
            Err(error) => return Err(of_http(&what, &error)),
        };
        check_claims(&what, claims, &document.body)?;
        Ok(Some(document.body))
    }

    /// Metadata beside a file that offers none. What is not that of the release is as good as none:
    /// some servers answer everything.
    async fn probe(
        &self,
        http: &Client,
        asked: &Asked,
        url: &Url,
    ) -> Result<Option<Requires>, CatalogueError> {
        let request = Request::document(&metadata_url(url), "*/*", MAX_METADATA);
        match http.fetch(&request).await {
            Ok(document) => {
                Ok(says::of_metadata(&asked.project, &asked.version, &document.body).ok())
            }
            Err(
                HttpError::Status { .. }
                | HttpError::Unauthorized { .. }
                | HttpError::Encoding { .. }
                | HttpError::TooLong { .. }
                | HttpError::Redirect { .. },
            ) => Ok(None),
            Err(error) => {
                let what = format!("the metadata of `{}`", asked.file.filename.as_str());
                Err(of_http(&what, &error))
            }
        }
    }

    fn may_probe(&self, url: &Url) -> bool {
        let hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let (has, misses) = hosts.get(&host(url)).copied().unwrap_or_default();
        has || misses < MAX_MISSES
    }

    fn count(&self, url: &Url, is_there: bool) {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let (has, misses) = hosts.entry(host(url)).or_default();
        *has |= is_there;
        *misses += u32::from(!is_there);
    }
}

fn host(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// PEP 658: the file's URL with `.metadata` at the end of its path.
fn metadata_url(url: &Url) -> Url {
    let mut url = url.clone();
    url.set_path(&format!("{}.metadata", url.path()));
    url
}

fn parse_url(asked: &Asked) -> Result<Url, CatalogueError> {
    Url::parse(&asked.file.url).map_err(|_| {
        let reason = format!("`{}` has no usable address", asked.file.filename.as_str());
        bad_metadata(&asked.project, &asked.version, reason)
    })
}

fn read_beside(asked: &Asked, bytes: &[u8]) -> Result<Requires, CatalogueError> {
    match asked.file.filename {
        DistributionFilename::Wheel(_) => says::of_metadata(&asked.project, &asked.version, bytes),
        DistributionFilename::Sdist(_) => {
            let said = Requiring { metadata: Some(bytes.to_vec()), pyproject: None };
            says::of_sdist(&asked.project, &asked.version, &said)
        }
    }
}

/// Compares bytes with every digest that is claimed of them.
pub(super) fn check_claims(
    what: &str,
    claims: &[Digest],
    bytes: &[u8],
) -> Result<(), CatalogueError> {
    let Ok(pin) = Pin::new(claims.iter().cloned()) else { return Ok(()) };
    let mut verifier = ArtifactVerifier::new(what, Some(&pin), None);
    verifier.update(bytes);
    match verifier.finish(&pin) {
        Err(Rejection::DigestMismatch { expected, found, .. }) => {
            Err(mismatch(what, &expected, &found))
        }
        _ => Ok(()),
    }
}

async fn of_local(asked: &Asked, url: &Url) -> Result<Requires, CatalogueError> {
    let path = url.to_file_path().map_err(|()| {
        bad_metadata(&asked.project, &asked.version, "its address is no path".to_owned())
    })?;
    let asked = asked.clone();
    aside(move || {
        let file = File::open(&path).map_err(|error| of_file(&path, &error))?;
        if !asked.file.digests.is_empty() {
            let what = format!("`{}`", asked.file.filename.as_str());
            hash(&file, &path, &what, &asked.file.digests)?;
        }
        look_inside(&asked, &file)
    })
    .await
}

/// Does what may take long on a thread where nobody waits for it but who asked.
pub(super) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CatalogueError> + Send + 'static,
) -> Result<T, CatalogueError> {
    let working = tokio::task::spawn_blocking(work);
    working.await.unwrap_or_else(|error| Err(super::error::gone(&error.to_string())))
}

/// What a whole file says.
pub(super) fn look_inside(asked: &Asked, file: &File) -> Result<Requires, CatalogueError> {
    let (project, version) = (&asked.project, &asked.version);
    let said = read_requiring(file, asked.file.filename.as_str())
        .map_err(|error| of_inside(project, version, &error))?;
    match (&asked.file.filename, &said.metadata) {
        (DistributionFilename::Wheel(_), Some(bytes)) => says::of_metadata(project, version, bytes),
        _ => says::of_sdist(project, version, &said),
    }
}

/// Hashes a local file; SHA-256 first, then what is claimed.
pub(super) fn hash(
    mut file: &File,
    path: &Path,
    what: &str,
    claims: &[Digest],
) -> Result<(Vec<Digest>, u64), CatalogueError> {
    let pin = Pin::new(claims.iter().cloned()).ok();
    let mut verifier = ArtifactVerifier::new(what, pin.as_ref(), None);
    let mut buffer = vec![0; SLICE];
    let mut size = 0;
    loop {
        let count = file.read(&mut buffer).map_err(|error| of_file(path, &error))?;
        if count == 0 {
            break;
        }
        verifier.update(&buffer[..count]);
        size += count as u64;
    }
    let digests = judge(verifier, pin.as_ref(), what)?;
    Ok((digests, size))
}

/// Downloads a file and compares it with what is claimed of it.
pub(super) async fn receive(
    http: &Client,
    url: &Url,
    filename: &str,
    claims: &[Digest],
    size: Option<u64>,
    stop: &AtomicBool,
) -> Result<Received, CatalogueError> {
    let what = format!("`{filename}`");
    let here = Path::new("the folder for temporary files");
    let unwritten = |error: &std::io::Error| of_file(here, error);
    // Without a name in any folder: it is gone when this ends, however it ends.
    let mut file = tempfile::tempfile().map_err(|error| unwritten(&error))?;
    let pin = Pin::new(claims.iter().cloned()).ok();
    let begin = || ArtifactVerifier::new(filename, pin.as_ref(), None);
    let mut verifier = begin();
    let limit = size.map_or(MAX_FILE, |size| size.saturating_add(SIZE_SLACK)).min(MAX_FILE);
    let request = Request::file(url, limit).advertised_size(size);
    let mut received = 0;
    let result = http
        .download(&request, |piece| {
            if stop.load(Ordering::Relaxed) {
                return Err(None);
            }
            match piece {
                Piece::Start { .. } => {
                    verifier = begin();
                    received = 0;
                    file.set_len(0).map_err(Some)?;
                    file.seek(SeekFrom::Start(0)).map(drop).map_err(Some)
                }
                Piece::Bytes(bytes) => {
                    verifier.update(bytes);
                    received += bytes.len() as u64;
                    file.write_all(bytes).map_err(Some)
                }
            }
        })
        .await;
    match result {
        Ok(_) => {}
        Err(DownloadError::Sink(None)) => return Err(interrupted()),
        Err(DownloadError::Sink(Some(error))) => return Err(unwritten(&error)),
        Err(DownloadError::Http(error)) => return Err(of_http(&what, &error)),
    }
    let digests = judge(verifier, pin.as_ref(), &what)?;
    file.seek(SeekFrom::Start(0)).map_err(|error| unwritten(&error))?;
    Ok(Received { file, digests, size: received })
}

/// What the bytes have, if that is what was claimed.
fn judge(
    verifier: ArtifactVerifier,
    pin: Option<&Pin>,
    what: &str,
) -> Result<Vec<Digest>, CatalogueError> {
    let sha256 = Digest::from(verifier.sha256());
    let Some(pin) = pin else { return Ok(vec![sha256]) };
    match verifier.finish(pin) {
        Ok(_) => Ok(vec![sha256]),
        Err(Rejection::DigestMismatch { expected, found, .. }) => {
            Err(mismatch(what, &expected, &found))
        }
        Err(_) => {
            let expected: Vec<Digest> = pin.digests().cloned().collect();
            Err(mismatch(what, &expected, &sha256))
        }
    }
}
