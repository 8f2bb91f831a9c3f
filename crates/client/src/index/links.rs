//! `--find-links`: folders, pages and single files; and indexes in local folders.

use std::io::Read as _;
use std::path::Path;

use countermark_packaging::filename::{DistributionFilename, SdistFilename};
use countermark_packaging::name::ProjectName;
use countermark_packaging::simple::{self, CoreMetadataClaim, File, ProjectPage};
use url::Url;

use super::{IndexError, MAX_PAGE};
use crate::http::{Client, Request};
use crate::settings::{FindLinks, Index, LinksPlace};

/// Most entries of one folder.
const MAX_ENTRIES: usize = 200_000;

/// Reads all places, in their order.
pub(super) async fn read_all(
    http: &Client,
    places: &[FindLinks],
) -> Result<Vec<(String, ProjectPage)>, IndexError> {
    let mut pages = Vec::new();
    for links in places {
        let page = match &links.place {
            LinksPlace::Path(path) => read_path(path)?,
            LinksPlace::Page(url) => fetch_page(http, url).await?,
        };
        pages.push((links.place.to_string(), page));
    }
    Ok(pages)
}

/// Whether a file's name makes it one of a project.
pub(super) fn is_of(file: &File, project: &ProjectName) -> bool {
    // The name of an old source distribution can be split in several ways.
    SdistFilename::parse_for(project, &file.filename).is_ok()
        || DistributionFilename::parse(&file.filename).is_ok_and(|name| name.name() == project)
}

async fn fetch_page(http: &Client, url: &Url) -> Result<ProjectPage, IndexError> {
    let last = url.path_segments().and_then(|mut segments| segments.next_back());
    if let Some(filename) = last.filter(|last| is_distribution(last)) {
        let file = bare_file(filename, url);
        return Ok(ProjectPage { files: vec![file], ..ProjectPage::default() });
    }
    let document = http
        .fetch(&Request::document(url, "text/html", MAX_PAGE))
        .await
        .map_err(|source| IndexError::Links { url: url.into(), source })?;
    let content_type = document.content_type.as_deref();
    simple::parse(&document.body, content_type, &document.url)
        .map_err(|source| page_error(&document.url, source))
}

fn read_path(path: &Path) -> Result<ProjectPage, IndexError> {
    let refused = |reason: &dyn ToString| IndexError::Local {
        path: path.to_owned(),
        reason: reason.to_string(),
    };
    let metadata = std::fs::metadata(path).map_err(|error| refused(&error))?;
    if metadata.is_dir() {
        return read_folder(path);
    }
    let url = Url::from_file_path(path).map_err(|()| refused(&"not an absolute path"))?;
    let name = path.file_name().and_then(|name| name.to_str());
    if let Some(filename) = name.filter(|name| is_distribution(name)) {
        let file = bare_file(filename, &url);
        return Ok(ProjectPage { files: vec![file], ..ProjectPage::default() });
    }
    let body = read_bounded(path).map_err(|error| refused(&error))?;
    simple::parse(&body, Some("text/html"), &url).map_err(|source| page_error(&url, source))
}

/// The distributions in a folder, in the order of their names; other files do not matter.
fn read_folder(folder: &Path) -> Result<ProjectPage, IndexError> {
    let refused = |reason: &dyn ToString| IndexError::Local {
        path: folder.to_owned(),
        reason: reason.to_string(),
    };
    let mut files = Vec::new();
    for (number, entry) in std::fs::read_dir(folder).map_err(|error| refused(&error))?.enumerate() {
        if number >= MAX_ENTRIES {
            return Err(refused(&format!("more than {MAX_ENTRIES} entries")));
        }
        let entry = entry.map_err(|error| refused(&error))?;
        let name = entry.file_name();
        let Some(filename) = name.to_str().filter(|name| is_distribution(name)) else { continue };
        let url =
            Url::from_file_path(entry.path()).map_err(|()| refused(&"not an absolute path"))?;
        files.push(bare_file(filename, &url));
    }
    files.sort_by(|one, other| one.filename.cmp(&other.filename));
    Ok(ProjectPage { files, ..ProjectPage::default() })
}

/// The page of a project in a local index, `NAME/index.html`; `None` when it is not there.
pub(super) fn read_local_page(
    index: &Index,
    url: &Url,
) -> Result<Option<(Url, Vec<u8>)>, IndexError> {
    let folder = |url: &Url, reason: &str| {
        url.to_file_path()
            .map_err(|()| IndexError::Local { path: url.path().into(), reason: reason.to_owned() })
    };
    let root = folder(&index.url, "not a local path")?;
    if !root.is_dir() {
        return Err(IndexError::Local { path: root, reason: "no such folder".to_owned() });
    }
    let path = folder(url, "not a local path")?.join("index.html");
    match read_bounded(&path) {
        Ok(body) => {
            let url = Url::from_file_path(&path).unwrap_or_else(|()| url.clone());
            Ok(Some((url, body)))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(IndexError::Local { path, reason: error.to_string() }),
    }
}

fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    std::fs::File::open(path)?.take(MAX_PAGE + 1).read_to_end(&mut body)?;
    if body.len() as u64 > MAX_PAGE {
        return Err(std::io::Error::other(format!("longer than {MAX_PAGE} bytes")));
    }
    Ok(body)
}

fn is_distribution(filename: &str) -> bool {
    [".whl", ".tar.gz", ".zip"].iter().any(|suffix| filename.ends_with(suffix))
}

/// A file of which nothing is claimed.
pub(super) fn bare_file(filename: &str, url: &Url) -> File {
    File {
        filename: filename.to_owned(),
        url: url.to_string(),
        digests: Vec::new(),
        size: None,
        requires_python: None,
        yanked: None,
        upload_time: None,
        core_metadata: CoreMetadataClaim::None,
        provenance: None,
    }
}

fn page_error(url: &Url, source: simple::PageError) -> IndexError {
    IndexError::Page { project: "--find-links".to_owned(), url: url.into(), source }
}
