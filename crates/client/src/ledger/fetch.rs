//! Somebody else's ledger, brought here as bytes.
//!
//! Decides where a ledger is ([`Origin`]) and how much is taken from there: two files, and the OpenPGP
//! certificates that are asked for, each within a limit of bytes, all within a limit of time, from the one
//! origin that a person named. It trusts nobody: what comes is evidence for
//! [`countermark_ledger::import`], and nothing is written here but what a server needs to be told to
//! send no more than what changed. [`store`] puts it into our ledger, all of it or nothing.

mod git;
mod origin;
mod remembered;
pub mod store;

#[cfg(test)]
mod tests;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use countermark_packaging::digest::Sha256;
use countermark_trust::Class;
use sha2::Digest as _;
use url::Url;

use crate::http::{Client, HttpError, RedactedUrl, Request};
use crate::report::Reporter;
use crate::trees::TreesError;

pub use origin::{Origin, OriginError};

/// The two files of a ledger that others take in.
pub const LEDGER: &str = "ledger.toml";
/// See [`LEDGER`].
pub const REVIEWS: &str = "reviews.toml";

/// Most bytes of somebody else's `ledger.toml`.
pub const MAXIMUM_LEDGER: u64 = 16 << 20;

/// Most bytes of somebody else's `reviews.toml`.
pub const MAXIMUM_REVIEWS: u64 = 256 << 20;

/// Most bytes of a certificate.
pub const MAXIMUM_CERTIFICATE: u64 = 1 << 20;

/// The longest that one ledger may take to come: a server that sends just enough not to be given up
/// would keep a run for days.
pub const LONGEST: Duration = Duration::from_mins(10);

/// What a fetch needs from outside.
#[derive(Clone, Copy)]
pub struct Fetching<'a> {
    /// The client.
    pub http: &'a Client,
    /// The private folder, for validators and clones.
    pub state: &'a Path,
    /// No network: a folder can still be read.
    pub offline: bool,
    /// The longest it may take; [`LONGEST`].
    pub time: Duration,
    /// Set when the run is to end.
    pub stop: &'a AtomicBool,
    /// Told what goes on.
    pub reporter: &'a dyn Reporter,
}

impl std::fmt::Debug for Fetching<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Fetching").field("time", &self.time).finish_non_exhaustive()
    }
}

/// A ledger as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Its `ledger.toml`.
    pub ledger: FetchedFile,
    /// Its `reviews.toml`.
    pub reviews: FetchedFile,
    /// The clone that it came from, and the commit, for signatures that are commits.
    pub repository: Option<Repository>,
}

/// Where in a clone a ledger stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// A bare repository in the private folder.
    pub folder: PathBuf,
    /// The commit that was read, in hexadecimal digits.
    pub commit: String,
    /// The ledger's folder in it; empty for the top.
    pub path: String,
}

/// A file as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedFile {
    /// What it is called in messages: its address without credentials.
    pub shown: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Their digest.
    pub digest: Sha256,
}

impl FetchedFile {
    fn new(shown: String, bytes: Vec<u8>) -> Self {
        let digest = Sha256(sha2::Sha256::digest(&bytes).into());
        Self { shown, bytes, digest }
    }
}

/// What we have of a ledger already, so that only what changed has to come.
#[derive(Clone, Debug, Default)]
pub struct Had {
    /// Our copy of its `ledger.toml`, whose digest was compared.
    pub ledger: Option<Vec<u8>>,
    /// The same of its `reviews.toml`.
    pub reviews: Option<Vec<u8>>,
}

/// Why a ledger cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No address of a ledger.
    #[error(transparent)]
    Origin(#[from] OriginError),
    /// The network's fault, or the server's.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// There is no such file.
    #[error("there is no ledger: `{shown}` is not there")]
    NotThere {
        /// Which file.
        shown: String,
    },
    /// It takes longer than is waited.
    #[error("`{shown}` did not come within {seconds} seconds")]
    TooSlow {
        /// Which file.
        shown: String,
        /// The limit.
        seconds: u64,
    },
    /// More bytes than are taken.
    #[error("`{shown}` has more than {limit} bytes")]
    TooLarge {
        /// Which file.
        shown: String,
        /// The limit.
        limit: u64,
    },
    /// A file that cannot be read.
    #[error("cannot read `{shown}`")]
    Unreadable {
        /// Which file.
        shown: String,
        /// Why.
        source: std::io::Error,
    },
    /// A path that leads out of the ledger's folder.
    #[error("`{path}` is no path below the ledger's folder")]
    Path {
        /// As the ledger has it.
        path: String,
    },
    /// A repository that cannot be had.
    #[error(transparent)]
    Git(#[from] TreesError),
    /// A repository without the branch.
    #[error("{shown} has no such revision: {reason}")]
    Revision {
        /// Which repository.
        shown: String,
        /// What was looked for.
        reason: String,
    },
    /// The machine cannot start what it takes.
    #[error("cannot make requests: {reason}")]
    Setup {
        /// Why.
        reason: String,
    },
}

impl FetchError {
    /// Who is at fault.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Origin(error) => error.class(),
            Self::Http(error) => error.class(),
            Self::Path { .. } => Class::Usage,
            Self::Git(error) => error.class(),
            Self::NotThere { .. }
            | Self::TooSlow { .. }
            | Self::TooLarge { .. }
            | Self::Unreadable { .. }
            | Self::Revision { .. }
            | Self::Setup { .. } => Class::Unavailable,
        }
    }

    /// Its stable name.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Origin(_) => "import-address",
            Self::Http(HttpError::Offline { .. }) => "offline",
            Self::Http(HttpError::TooLong { .. }) | Self::TooLarge { .. } => "import-too-large",
            Self::Http(HttpError::TooSlow { .. } | HttpError::Timeout { .. })
            | Self::TooSlow { .. } => "import-too-slow",
            Self::Http(_) => "import-unreachable",
            Self::NotThere { .. } | Self::Revision { .. } => "import-not-there",
            Self::Unreadable { .. } => "import-unreadable",
            Self::Path { .. } => "import-path",
            Self::Git(error) => error.code(),
            Self::Setup { .. } => "network-setup",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Http(HttpError::Redirect { .. }) => Some(
                "nobody but the host that was named is asked: give the address that it leads to",
            ),
            Self::NotThere { .. } => {
                Some("the address is that of the folder in which ledger.toml and reviews.toml are")
            }
            Self::Http(HttpError::NotAFile { .. }) => {
                Some("the address of the plain file is wanted, not of a page that shows it")
            }
            Self::Revision { .. } => Some("name the branch: `git+https://…/repository@branch`"),
            _ => None,
        }
    }
}

/// Brings a ledger.
///
/// # Errors
/// See [`FetchError`]; nothing is half there then.
pub fn fetch(origin: &Origin, had: &Had, fetching: &Fetching<'_>) -> Result<Fetched, FetchError> {
    match origin {
        Origin::Web(url) => web(url, had, fetching),
        Origin::Folder(folder) => {
            let file = |name, limit| read_file(&folder.join(name), limit);
            let ledger = file(LEDGER, MAXIMUM_LEDGER)?;
            Ok(Fetched { ledger, reviews: file(REVIEWS, MAXIMUM_REVIEWS)?, repository: None })
        }
        Origin::Git(address) => git::fetch(address, fetching),
    }
}

/// Brings another file of a ledger, such as a certificate that it names.
///
/// # Errors
/// See [`FetchError`].
pub fn fetch_beside(
    origin: &Origin,
    fetched: &Fetched,
    path: &str,
    fetching: &Fetching<'_>,
) -> Result<FetchedFile, FetchError> {
    let parts = parts(path).ok_or_else(|| FetchError::Path { path: path.to_owned() })?;
    match (origin, &fetched.repository) {
        (Origin::Web(url), _) => {
            let url = below(url, &parts);
            let request = request(&url, MAXIMUM_CERTIFICATE);
            let document = wait(fetching, &url, fetching.http.fetch(&request))?;
            Ok(FetchedFile::new(shown(&url), document.body))
        }
        (Origin::Folder(folder), _) => {
            read_file(&folder.join(parts.join("/")), MAXIMUM_CERTIFICATE)
        }
        (Origin::Git(_), Some(repository)) => {
            git::read(repository, &parts.join("/"), MAXIMUM_CERTIFICATE)
        }
        (Origin::Git(address), None) => {
            Err(FetchError::NotThere { shown: format!("{}/{path}", address.shown()) })
        }
    }
}

/// The parts of a path that stays below its folder.
fn parts(path: &str) -> Option<Vec<&str>> {
    let parts: Vec<&str> = path.split('/').collect();
    let is_plain = |part: &&str| {
        !matches!(*part, "" | "." | "..") && !part.contains(['\\', ':']) && !part.contains('\0')
    };
    (path.len() <= 1024 && parts.iter().all(is_plain)).then_some(parts)
}

fn web(url: &Url, had: &Had, fetching: &Fetching<'_>) -> Result<Fetched, FetchError> {
    let one = |name: &str, limit, had: Option<&Vec<u8>>| {
        let url = below(url, &[name]);
        let memory = had.map(|had| {
            let digest = Sha256(sha2::Sha256::digest(had).into());
            remembered::Memory::new(fetching.state, &url, digest)
        });
        let validators = memory.as_ref().and_then(remembered::Memory::read).unwrap_or_default();
        let request = request(&url, limit).if_changed(validators);
        let answer = wait(fetching, &url, fetching.http.fetch_changed(&request))?;
        match (answer, had) {
            (None, Some(had)) => Ok(FetchedFile::new(shown(&url), had.clone())),
            (None, None) => Err(FetchError::NotThere { shown: shown(&url) }),
            (Some(document), _) => {
                if is_page(document.content_type.as_deref(), &document.body) {
                    return Err(HttpError::NotAFile { url: (&url).into() }.into());
                }
                let file = FetchedFile::new(shown(&url), document.body);
                let memory = remembered::Memory::new(fetching.state, &url, file.digest);
                memory.write(&document.validators);
                Ok(file)
            }
        }
    };
    let ledger = one(LEDGER, MAXIMUM_LEDGER, had.ledger.as_ref())?;
    let reviews = one(REVIEWS, MAXIMUM_REVIEWS, had.reviews.as_ref())?;
    Ok(Fetched { ledger, reviews, repository: None })
}

/// A login page or a viewer in place of a file; a ledger never begins so.
fn is_page(content_type: Option<&str>, body: &[u8]) -> bool {
    let is_named = content_type.is_some_and(|it| it.trim_start().starts_with("text/html"));
    let begins = body.iter().find(|byte| !byte.is_ascii_whitespace());
    is_named || begins == Some(&b'<')
}

/// Nobody but the origin that was named is asked: a server must not choose whom this machine talks to.
fn request(url: &Url, limit: u64) -> Request {
    Request::document(url, "application/toml, text/plain;q=0.9, */*;q=0.1", limit).only_origin()
}

/// A file below the folder of a URL.
fn below(folder: &Url, parts: &[&str]) -> Url {
    let mut url = folder.clone();
    // Only URLs that cannot have a path have none, and `Origin` refuses those.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(parts);
    }
    url
}

fn shown(url: &Url) -> String {
    RedactedUrl::new(url).to_string()
}

/// Runs a request to its end, within the time.
fn wait<T>(
    fetching: &Fetching<'_>,
    url: &Url,
    work: impl Future<Output = Result<T, HttpError>>,
) -> Result<T, FetchError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| FetchError::Setup { reason: error.to_string() })?;
    let limited = async { tokio::time::timeout(fetching.time, work).await };
    match runtime.block_on(limited) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(HttpError::Status { code: 404 | 410, .. })) => {
            Err(FetchError::NotThere { shown: shown(url) })
        }
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(FetchError::TooSlow { shown: shown(url), seconds: fetching.time.as_secs() }),
    }
}

/// A file of this machine, which may grow while it is read.
///
/// # Errors
/// When it is not there, is no file, or is longer than the limit.
pub fn read_file(path: &Path, limit: u64) -> Result<FetchedFile, FetchError> {
    let shown = path.display().to_string();
    let failed = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => FetchError::NotThere { shown: shown.clone() },
        _ => FetchError::Unreadable { shown: shown.clone(), source },
    };
    // A pipe would never end, and a device never begin.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(FetchError::NotThere { shown });
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(FetchError::TooLarge { shown, limit });
    }
    Ok(FetchedFile::new(shown, bytes))
}
