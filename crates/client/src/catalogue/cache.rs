//! Pages and metadata, kept for the next run.
//!
//! Whoever could change what is kept could choose which versions a lock gets, though never which
//! bytes: digests are those of bytes that were downloaded. So the folder is private, as are seals and
//! the answers that an audit keeps; one that somebody else owns or may write is not used. What is
//! damaged is not used either, and no error: it is asked for again.
//!
//! ```text
//! <state>/catalogue/<index>/<project>      a page: one line about it, and its listing
//! <state>/catalogue/metadata/<xy>/<file>   what one file says of its release; holds for ever
//! ```

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use countermark_lock::catalogue::{CatalogueError, ReleaseFile, Requires};
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use super::listing::Listing;
use super::says;
use crate::http::Validators;
use crate::index::MAX_PAGE;
use crate::settings::Index;
use crate::system::unix::fs::{DirBuilderExt as _, MetadataExt as _};

/// Longest file of metadata that is read.
const MAX_METADATA: u64 = 4 << 20;

/// Bytes of everything that is kept, after which what was not used for longest goes.
const MAX_KEPT: u64 = 1 << 30;

/// In the private folder of the user.
const FOLDER: &str = "catalogue";

/// The folder of metadata, beside those of indexes, whose names are digests.
const METADATA: &str = "metadata";

/// The folder.
#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
}

/// What is kept of a page.
pub(super) struct Kept {
    pub(super) read: Timestamp,
    pub(super) validators: Validators,
    /// Nothing where the index has no such project.
    pub(super) listing: Option<Listing>,
}

/// The first line of a kept page.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    read: String,
    etag: Option<String>,
    last_modified: Option<String>,
    /// Nothing for a project that is absent.
    crc32: Option<u32>,
}

impl Cache {
    /// In the private folder of the user, made when it is not there; nothing when it cannot be used.
    pub(super) fn open(state: &Path) -> Option<Self> {
        let folder = state.join(FOLDER);
        // Whoever may write to the outer one may put another in the place of the inner one.
        make_private(state)?;
        make_private(&folder)?;
        Some(Self { folder })
    }

    /// What is kept of a page, if it can be used.
    pub(super) fn page(&self, index: &Index, project: &ProjectName) -> Option<Kept> {
        let text = read_own(&self.page_path(index, project), MAX_PAGE)?;
        let (head, body) = text.split_once('\n')?;
        let from = head.len() + 1;
        let head: Head = serde_json::from_str(head).ok()?;
        let listing = match head.crc32 {
            Some(crc32) if crc32 == crc32fast::hash(body.as_bytes()) => {
                Some(Listing::parse(project, text, from)?)
            }
            Some(_) => return None,
            None => None,
        };
        let validators = Validators { etag: head.etag, last_modified: head.last_modified };
        Some(Kept { read: head.read.parse().ok()?, validators, listing })
    }

    /// Keeps a page. A cache that cannot be written costs time and nothing else.
    pub(super) fn keep_page(
        &self,
        index: &Index,
        project: &ProjectName,
        read: Timestamp,
        validators: &Validators,
        listing: Option<&Listing>,
    ) {
        let head = Head {
            read: read.to_string(),
            etag: validators.etag.clone(),
            last_modified: validators.last_modified.clone(),
            crc32: listing.map(|listing| crc32fast::hash(listing.text().as_bytes())),
        };
        let Ok(mut head) = serde_json::to_vec(&head) else { return };
        head.push(b'\n');
        let body = listing.map_or("", Listing::text);
        let _ = write(&self.page_path(index, project), &[&head, body.as_bytes()]);
    }

    /// What a file says of its release, if that is kept. Only what has a strong digest is.
    pub(super) fn metadata(
        &self,
        project: &ProjectName,
        version: &Version,
        file: &ReleaseFile,
    ) -> Option<Result<Requires, CatalogueError>> {
        let path = self.metadata_path(file)?;
        let text = read_own(&path, MAX_METADATA)?;
        let (crc32, text) = text.split_once('\n')?;
        let crc32 = u32::from_str_radix(crc32, 16).ok()?;
        if crc32 != crc32fast::hash(text.as_bytes()) {
            return None;
        }
        says::of_text(project, version, text)
    }

    /// Keeps what a file says of its release.
    pub(super) fn keep_metadata(
        &self,
        project: &ProjectName,
        version: &Version,
        file: &ReleaseFile,
        answer: &Result<Requires, CatalogueError>,
    ) {
        let Some(path) = self.metadata_path(file) else { return };
        let Some(text) = says::to_text(project, version, answer) else { return };
        let crc32 = format!("{:08x}\n", crc32fast::hash(text.as_bytes()));
        let _ = write(&path, &[crc32.as_bytes(), text.as_bytes()]);
    }

    /// Removes what is too much.
    pub(super) fn prune(&self) {
        prune_below(&self.folder, MAX_KEPT);
    }

    fn page_path(&self, index: &Index, project: &ProjectName) -> PathBuf {
        self.folder.join(short_digest(&bare(&index.url))).join(short_digest(project.as_str()))
    }

    /// By where the file is, its name, and what is claimed of its bytes and of its metadata: one that
    /// is replaced has another digest.
    fn metadata_path(&self, file: &ReleaseFile) -> Option<PathBuf> {
        let strong = file.digests.iter().filter(|digest| digest.algorithm().is_strong());
        let claims: Vec<String> = strong.map(ToString::to_string).collect();
        let url = Url::parse(&file.url).ok().filter(|_| !claims.is_empty())?;
        let beside = file.metadata.iter().flatten().map(ToString::to_string);
        let beside: Vec<String> = beside.collect();
        let name = file.filename.as_str();
        let host = url.origin().ascii_serialization();
        let key = [host.as_str(), name, &claims.join(","), &beside.join(",")].join("\n");
        let key = short_digest(&key);
        Some(self.folder.join(METADATA).join(&key[..2]).join(key))
    }
}

/// How much is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheSize {
    /// Pages and metadata.
    pub files: u64,
    /// Bytes.
    pub bytes: u64,
}

/// How much is kept in the private folder of the user.
#[must_use]
pub fn cache_size(state: &Path) -> CacheSize {
    let mut size = CacheSize::default();
    for (_, bytes, _) in kept_files(&state.join(FOLDER)) {
        size.files += 1;
        size.bytes += bytes;
    }
    size
}

/// Removes what was not written for longest until at most `limit` bytes are kept, 1 GiB when none is
/// given; what was removed.
#[must_use]
pub fn prune_cache(state: &Path, limit: Option<u64>) -> CacheSize {
    prune_below(&state.join(FOLDER), limit.unwrap_or(MAX_KEPT))
}

fn prune_below(folder: &Path, limit: u64) -> CacheSize {
    let mut files = kept_files(folder);
    let mut left: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
    files.sort_by_key(|(time, ..)| *time);
    let mut removed = CacheSize::default();
    for (_, bytes, path) in files {
        if left <= limit && limit > 0 {
            break;
        }
        if fs::remove_file(path).is_ok() {
            left = left.saturating_sub(bytes);
            removed.files += 1;
            removed.bytes += bytes;
        }
    }
    removed
}

/// When it was written, its bytes, its path. Links are not followed.
pub(super) fn kept_files(folder: &Path) -> Vec<(SystemTime, u64, PathBuf)> {
    let mut files = Vec::new();
    let mut open = vec![(folder.to_owned(), 0)];
    while let Some((next, depth)) = open.pop() {
        let Ok(listing) = fs::read_dir(next) else { continue };
        for item in listing.filter_map(Result::ok) {
            match item.metadata() {
                // Two folders below this one, and no more.
                Ok(metadata) if metadata.is_dir() && depth < 2 => {
                    open.push((item.path(), depth + 1));
                }
                Ok(metadata) if metadata.is_file() => {
                    let time = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                    files.push((time, metadata.len(), item.path()));
                }
                _ => {}
            }
        }
    }
    files
}

/// Whether `then` is not in the future and no longer ago than `limit`, which is never when it is zero.
pub(super) fn is_within(then: Timestamp, now: Timestamp, limit: Duration) -> bool {
    !limit.is_zero() && Duration::try_from(now.duration_since(then)).is_ok_and(|age| age <= limit)
}

/// Without userinfo: a name of a file must not depend on a password.
fn bare(url: &Url) -> String {
    let mut url = url.clone();
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}

fn make_private(folder: &Path) -> Option<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).ok()?;
    is_ours(&fs::metadata(folder).ok()?).then_some(())
}

fn is_ours(metadata: &fs::Metadata) -> bool {
    metadata.uid() == crate::system::process::geteuid().as_raw() && metadata.mode() & 0o022 == 0
}

fn read_own(path: &Path, limit: u64) -> Option<String> {
    let file = fs::File::open(path).ok()?;
    let metadata = file.metadata().ok()?;
    if !is_ours(&metadata) || metadata.size() > limit {
        return None;
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.size()).ok()?);
    file.take(limit).read_to_end(&mut bytes).ok()?;
    String::from_utf8(bytes).ok()
}

fn write(path: &Path, parts: &[&[u8]]) -> std::io::Result<()> {
    let folder = path.parent().ok_or(std::io::ErrorKind::InvalidInput)?;
    if !folder.is_dir() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut file = tempfile::Builder::new().prefix(".tmp-").tempfile_in(folder)?;
    for part in parts {
        file.write_all(part)?;
    }
    file.persist(path)?;
    Ok(())
}

fn short_digest(text: &str) -> String {
    let digest = blake3::hash(text.as_bytes()).to_hex();
    digest[..32].to_owned()
}
