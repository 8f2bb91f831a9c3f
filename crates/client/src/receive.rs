//! Brings the bytes of one file into the store's private folder, hashed on the way.
//!
//! Decides nothing about them: who asked compares. Stops at a limit, at an error, and when the user
//! says stop.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use countermark_trust::{Class, Pin};
use url::Url;

use crate::http::{Client, DownloadError, HttpError, Piece, RedactedUrl, Request};
use crate::report::{Problem, Progress, Reporter};
use crate::store::{Download, Store, StoreError, hash_file};

/// No wheel is larger.
const MAX_FILE_BYTES: u64 = 16 << 30;

/// A file may be this much longer than it was said to be before the download is given up; within
/// it, the wrong size is told as what it is.
const SIZE_SLACK: u64 = 1 << 20;

/// How much of a local file is read at once.
const SLICE: usize = 256 << 10;

/// Where a file can be had.
pub(crate) enum Location {
    Url(Url),
    Path(PathBuf),
}

/// How large a file is said to be, in bytes, and by whom.
#[derive(Clone, Copy, Debug)]
pub(crate) enum DeclaredSize {
    /// Nobody says.
    Unknown,
    /// The index does.
    Claimed(u64),
    /// The lock does, so that it is part of the pin.
    Pinned(u64),
}

impl DeclaredSize {
    pub(crate) fn claimed(size: Option<u64>) -> Self {
        size.map_or(Self::Unknown, Self::Claimed)
    }

    pub(crate) fn pinned(size: Option<u64>) -> Self {
        size.map_or(Self::Unknown, Self::Pinned)
    }

    pub(crate) fn bytes(self) -> Option<u64> {
        match self {
            Self::Unknown => None,
            Self::Claimed(size) | Self::Pinned(size) => Some(size),
        }
    }
}

/// What receiving works with.
#[derive(Clone, Copy)]
pub(crate) struct Receiver<'a> {
    pub(crate) store: &'a Store,
    pub(crate) http: &'a Client,
    pub(crate) reporter: &'a dyn Reporter,
    pub(crate) interrupted: &'a AtomicBool,
}

/// How often a run that waits for an index looks whether the user said stop.
const INTERRUPT_PAUSE: Duration = Duration::from_millis(50);

/// An index that says nothing must not keep a person waiting who said stop.
pub(crate) async fn until_interrupted(interrupted: &AtomicBool) {
    while !interrupted.load(Ordering::Relaxed) {
        tokio::time::sleep(INTERRUPT_PAUSE).await;
    }
}

/// The user said stop.
pub(crate) fn interrupted() -> Problem {
    Problem::new("interrupted", Class::Unavailable, "interrupted; nothing was changed")
}

fn problem_of(error: &StoreError) -> Box<Problem> {
    Box::new(Problem::of(error.code(), error.class(), error))
}

impl Receiver<'_> {
    /// The whole file, and where its bytes came from, without credentials. `pin` chooses which
    /// digests are computed beside SHA-256.
    pub(crate) async fn receive(
        &self,
        location: &Location,
        filename: &str,
        pin: Option<&Pin>,
        declared: DeclaredSize,
    ) -> Result<(Download, String), Box<Problem>> {
        let size = declared.bytes();
        let begun = self.store.begin(filename, pin, size);
        let mut download = begun.map_err(|error| problem_of(&error))?;
        match location {
            Location::Path(path) => {
                copy(path, &mut download)?;
                Ok((download, path.display().to_string()))
            }
            Location::Url(url) => {
                let limit = size.map_or(MAX_FILE_BYTES, |size| size.saturating_add(SIZE_SLACK));
                let request = Request::file(url, limit.min(MAX_FILE_BYTES)).advertised_size(size);
                let result = self.http.download(&request, |piece| self.write(piece, &mut download));
                match result.await {
                    Ok(_) => Ok((download, RedactedUrl::new(url).to_string())),
                    Err(DownloadError::Sink(Some(error))) => Err(problem_of(&error)),
                    Err(DownloadError::Sink(None)) => Err(Box::new(interrupted())),
                    Err(DownloadError::Http(error)) => {
                        Err(Box::new(http_problem(&error, filename, declared)))
                    }
                }
            }
        }
    }

    /// The same from a file that was received before.
    pub(crate) fn receive_again(
        &self,
        file: &File,
        filename: &str,
        pin: Option<&Pin>,
        declared: DeclaredSize,
    ) -> Result<Download, Box<Problem>> {
        let begun = self.store.begin(filename, pin, declared.bytes());
        let mut download = begun.map_err(|error| problem_of(&error))?;
        let mut written = Ok(());
        let read = hash_file(file, |bytes| {
            if written.is_ok() {
                written = download.write(bytes);
            }
        });
        written.map_err(|error| problem_of(&error))?;
        read.map_err(|error| {
            let message = format!("cannot read `{filename}`, which was downloaded before");
            let problem = Problem::new("file-unreadable", Class::Unavailable, message);
            Box::new(problem.with_detail(error.to_string()))
        })?;
        Ok(download)
    }

    /// `None` says that the user said stop.
    fn write(&self, piece: Piece<'_>, download: &mut Download) -> Result<(), Option<StoreError>> {
        if self.interrupted.load(Ordering::Relaxed) {
            return Err(None);
        }
        match piece {
            Piece::Start { .. } => download.restart().map_err(Some),
            Piece::Bytes(bytes) => {
                self.reporter.progress(Progress::Received { bytes: bytes.len() as u64 });
                download.write(bytes).map_err(Some)
            }
        }
    }
}

fn http_problem(error: &HttpError, filename: &str, declared: DeclaredSize) -> Problem {
    let mut problem = match (error, declared) {
        // Far longer than the lock says is not what the lock says.
        (HttpError::TooLong { .. }, DeclaredSize::Pinned(expected)) => {
            let message = format!("`{filename}` does not have the size that was declared");
            let problem = Problem::new("size-mismatch", Class::Rejected, message);
            problem.with_detail(format!("expected {expected} bytes")).with_detail(error.to_string())
        }
        _ => Problem::of(error.code(), error.class(), error),
    };
    problem.hint = error.hint().map(str::to_owned);
    problem.with_detail(format!("while `{filename}` was downloaded"))
}

fn copy(path: &Path, download: &mut Download) -> Result<(), Box<Problem>> {
    use std::io::Read as _;
    let failed = |error: std::io::Error| {
        let message = format!("cannot read `{}`", path.display());
        let problem = Problem::new("file-unreadable", Class::Unavailable, message);
        Box::new(problem.with_detail(error.to_string()))
    };
    let mut file = std::fs::File::open(path).map_err(failed)?.take(MAX_FILE_BYTES);
    let mut buffer = vec![0; SLICE];
    loop {
        let count = file.read(&mut buffer).map_err(failed)?;
        if count == 0 {
            return Ok(());
        }
        download.write(&buffer[..count]).map_err(|error| problem_of(&error))?;
    }
}
