//! Releases behind URLs that a requirement names: wheels and source distributions on a server or on
//! this machine.
//!
//! Nobody claims anything of them but the URL's own fragment, so all of the file is received, hashed
//! and kept for the lock before it is looked into.

use std::collections::HashMap;
use std::fs::File;
use std::io::Seek as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use countermark_lock::catalogue::{CatalogueError, ReleaseFile, UrlRelease};
use countermark_packaging::digest::{Algorithm, Digest};
use countermark_packaging::filename::{DistributionFilename, SdistFilename};
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use url::Url;

use super::error::{bad_metadata, of_file, of_inside};
use super::file::{self, Asked, Received};
use super::{Work, says};
use crate::http::RedactedUrl;
use crate::inside::{Requiring, read_requiring};

/// A file behind a URL, whole, without a name in any folder.
#[derive(Debug)]
pub struct KeptFile {
    /// Its bytes. Shared: to be read by position, and not from wherever somebody left it.
    pub file: File,
    /// SHA-256, computed.
    pub digests: Vec<Digest>,
    /// Bytes.
    pub size: u64,
}

/// By the URL as it was asked for, and as a lock shows it.
#[derive(Debug, Default)]
pub(super) struct KeptFiles(Mutex<HashMap<String, Arc<KeptFile>>>);

impl KeptFiles {
    pub(super) fn of(&self, url: &str) -> Option<Arc<KeptFile>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(url).cloned()
    }

    fn keep(&self, urls: [&str; 2], kept: &Arc<KeptFile>) {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for url in urls {
            files.insert(url.to_owned(), Arc::clone(kept));
        }
    }
}

/// A URL taken apart.
struct Target {
    /// With credentials, without the fragment.
    url: Url,
    /// As it may be shown and written.
    shown: String,
    filename: String,
    /// Of the fragment.
    digests: Vec<Digest>,
}

impl Work {
    pub(super) async fn at_url(
        &self,
        project: &ProjectName,
        text: &str,
    ) -> Result<UrlRelease, CatalogueError> {
        let target = parse(project, text)?;
        let received = self.receive(&target).await?;
        let kept = KeptFile { file: received.file, digests: received.digests, size: received.size };
        let kept = Arc::new(kept);
        let release = {
            let (project, kept) = (project.clone(), Arc::clone(&kept));
            let (filename, shown) = (target.filename.clone(), target.shown.clone());
            file::aside(move || look(&project, &filename, &shown, &kept)).await?
        };
        self.kept.keep([text, &target.shown], &kept);
        Ok(release)
    }

    async fn receive(&self, target: &Target) -> Result<Received, CatalogueError> {
        if target.url.scheme() == "file" {
            let path = target.url.to_file_path().unwrap_or_default();
            let (filename, digests) = (target.filename.clone(), target.digests.clone());
            return file::aside(move || copy(&path, &filename, &digests)).await;
        }
        let (http, stop) = (&self.pages.http, &self.pages.options.interrupted);
        let claims = &target.digests;
        file::receive(http, &target.url, &target.filename, claims, None, stop).await
    }
}

/// A copy: the file may be written to while the lock is being made.
fn copy(path: &Path, filename: &str, claims: &[Digest]) -> Result<Received, CatalogueError> {
    let failed = |error: std::io::Error| of_file(path, &error);
    let mut from = File::open(path).map_err(failed)?;
    let mut file = tempfile::tempfile().map_err(failed)?;
    std::io::copy(&mut from, &mut file).map_err(failed)?;
    file.rewind().map_err(failed)?;
    let (digests, size) = file::hash(&file, path, &format!("`{filename}`"), claims)?;
    file.rewind().map_err(failed)?;
    Ok(Received { file, digests, size })
}

fn look(
    project: &ProjectName,
    filename: &str,
    shown: &str,
    kept: &KeptFile,
) -> Result<UrlRelease, CatalogueError> {
    let refused = |reason: String| CatalogueError::Url {
        project: project.clone(),
        url: shown.to_owned(),
        reason,
    };
    let file = |filename: DistributionFilename| ReleaseFile {
        filename,
        url: shown.to_owned(),
        digests: kept.digests.clone(),
        size: Some(kept.size),
        requires_python: None,
        yanked: None,
        uploaded: None,
        metadata: None,
    };
    if super::error::is_wheel(filename) {
        let name =
            DistributionFilename::parse(filename).map_err(|error| refused(error.to_string()))?;
        if name.name() != project {
            return Err(refused(format!("it is a wheel of `{}`", name.name())));
        }
        let (project, version) = (project.clone(), name.version().clone());
        let asked = Asked { project, version: version.clone(), file: file(name) };
        let requires = file::look_inside(&asked, &kept.file)?;
        return Ok(UrlRelease { version, file: asked.file, requires });
    }
    // Nothing but the archive says which version it is; of an error in it, none is known.
    let nameless = Version::new([0]);
    let said = read_requiring(&kept.file, filename)
        .map_err(|error| of_inside(project, &nameless, &error))?;
    let version = version_of(project, &said)?.ok_or_else(|| {
        refused("which version it is, is only known to its build; use a wheel".to_owned())
    })?;
    let requires = says::of_sdist(project, &version, &said)?;
    let ending = if filename.ends_with(".zip") { "zip" } else { "tar.gz" };
    // An archive may have any name, and a file of a release has one that says which.
    let name = SdistFilename::parse_for(project, filename)
        .or_else(|_| SdistFilename::parse_for(project, &format!("{project}-{version}.{ending}")))
        .map_err(|error| bad_metadata(project, &version, error.to_string()))?;
    Ok(UrlRelease { version, file: file(DistributionFilename::Sdist(name)), requires })
}

fn version_of(project: &ProjectName, said: &Requiring) -> Result<Option<Version>, CatalogueError> {
    says::version_of(said).map_err(|reason| bad_metadata(project, &Version::new([0]), reason))
}

fn parse(project: &ProjectName, text: &str) -> Result<Target, CatalogueError> {
    let shown = RedactedUrl::of_text(text.split('#').next().unwrap_or_default()).to_string();
    let refused = |reason: &str| CatalogueError::Url {
        project: project.clone(),
        url: shown.clone(),
        reason: reason.to_owned(),
    };
    let scheme = text.split(':').next().unwrap_or_default().to_ascii_lowercase();
    if scheme.contains('+') || matches!(scheme.as_str(), "git" | "hg" | "svn" | "bzr" | "ssh") {
        return Err(refused(
            "no digest pins what a version control system has; build a wheel of it, and name that",
        ));
    }
    let mut url = Url::parse(text).map_err(|error| refused(&error.to_string()))?;
    let digests = fragment(&url).map_err(|reason| refused(&reason))?;
    url.set_fragment(None);
    let filename = match url.scheme() {
        "https" | "http" => last_segment(&url),
        "file" => {
            let path = url.to_file_path();
            let path = path.map_err(|()| refused("it is no path of this machine"))?;
            if path.is_dir() {
                return Err(refused("no digest pins a folder; build a wheel of it, and name that"));
            }
            path.file_name().and_then(|name| name.to_str()).map(str::to_owned)
        }
        _ => return Err(refused("only https, http and file urls can be locked")),
    };
    let is_archive =
        |name: &String| [".whl", ".tar.gz", ".zip"].iter().any(|ending| name.ends_with(ending));
    let filename = filename
        .filter(is_archive)
        .ok_or_else(|| refused("it names neither a wheel nor a `.tar.gz` or `.zip` archive"))?;
    let shown = bare(&url);
    Ok(Target { url, shown, filename, digests })
}

/// As it is written into a lock: without userinfo.
fn bare(url: &Url) -> String {
    let mut url = url.clone();
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}

/// The digests of a fragment. What asks for another thing than the file is refused.
fn fragment(url: &Url) -> Result<Vec<Digest>, String> {
    let mut digests = Vec::new();
    for pair in url.fragment().into_iter().flat_map(|it| it.split('&')) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        match (Algorithm::parse(key), key) {
            (Some(algorithm), _) => {
                let digest = Digest::parse_hex(algorithm, value);
                digests.push(digest.map_err(|error| error.to_string())?);
            }
            (None, "egg" | "") => {}
            (None, "subdirectory") => {
                return Err("what a folder in an archive requires is only known to its build; \
                            build a wheel of it, and name that"
                    .to_owned());
            }
            (None, other) => return Err(format!("`#{other}=` is not known")),
        }
    }
    Ok(digests)
}

/// The name of the file, with `%xx` undone.
fn last_segment(url: &Url) -> Option<String> {
    let last = url.path_segments()?.next_back()?;
    let mut bytes = Vec::with_capacity(last.len());
    let mut rest = last.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            bytes.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    let name = String::from_utf8(bytes).ok()?;
    (!name.contains(['/', '\\', '\0'])).then_some(name)
}
