//! Project pages of the simple repository API, in HTML and in JSON.
//!
//! Decides what a page says: the status of the project and, for every file, its name, URL, digests
//! and the rest. All of it is a claim of the index, evidence to compare and never the truth.
//!
//! A page that is not in the promised form is refused whole ([`PageError`]). An entry whose values
//! cannot be what they must be (a digest of a wrong length, a file name with a slash) is never
//! repaired: it is set apart in [`ProjectPage::unusable`], so that one bad upload does not take all
//! releases of a project away.
//!
//! Specification: the simple repository API of the Python Packaging User Guide, that is PEP 503
//! (HTML), 592 (yanked), 629 (versioning), 658 and 714 (metadata), 691 (JSON), 700 (size, upload
//! time), 740 (provenance), 792 (project status).

pub mod html;
pub mod json;

#[cfg(test)]
mod tests;

use std::fmt;

use url::Url;

use crate::digest::{Algorithm, Digest};

/// The newest minor version of the API that is known here; a page may be newer (PEP 629).
pub const API_VERSION: (u32, u32) = (1, 4);

/// Most files of one page.
pub const MAX_FILES: usize = 500_000;

/// Longest text of one value (URL, specifiers, reasons), in bytes.
pub const MAX_TEXT: usize = 16 * 1024;

/// A project as one index shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectPage {
    /// Version of the API that the page claims; `(1, 0)` when it says nothing.
    pub api_version: (u32, u32),
    /// The name that the page gives the project (JSON only), as written.
    pub name: Option<String>,
    /// PEP 792.
    pub status: ProjectStatus,
    /// All versions that the project has, as written, also those without files (PEP 700; JSON
    /// only). `None` when the page does not say.
    pub versions: Option<Vec<String>>,
    /// In the order of the page.
    pub files: Vec<File>,
    /// Entries that look like files and cannot be used.
    pub unusable: Vec<UnusableFile>,
    /// The number of the index's last change of this page, where it has such numbers.
    pub last_serial: Option<u64>,
}

/// PEP 792: what an index thinks of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectStatus {
    /// The marker.
    pub marker: StatusMarker,
    /// Free text that the index adds.
    pub reason: Option<String>,
}

/// The status markers of PEP 792.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StatusMarker {
    /// Nothing special, or nothing said.
    #[default]
    Active,
    /// No more releases are expected.
    Archived,
    /// Considered unsafe; not to be installed.
    Quarantined,
    /// Obsolete; something else should be used.
    Deprecated,
}

impl StatusMarker {
    /// The marker with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Active, Self::Archived, Self::Quarantined, Self::Deprecated]
            .into_iter()
            .find(|marker| marker.name() == name)
    }

    /// The name in PEP 792.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Archived => "archived",
            Self::Quarantined => "quarantined",
            Self::Deprecated => "deprecated",
        }
    }
}

impl fmt::Display for StatusMarker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// One file of a project, as the index describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// A single path component; not yet known to be the name of a wheel or a source distribution.
    pub filename: String,
    /// Absolute, without a fragment; `http`, `https` or `file`.
    pub url: String,
    /// Digests of algorithms that are known here.
    pub digests: Vec<Digest>,
    /// In bytes (PEP 700).
    pub size: Option<u64>,
    /// Version specifiers, as written.
    pub requires_python: Option<String>,
    /// Yanked, with a reason that may be empty (PEP 592).
    pub yanked: Option<String>,
    /// RFC 3339, as written (PEP 700).
    pub upload_time: Option<String>,
    /// Whether the metadata can be had beside the file, at its URL with `.metadata` (PEP 658).
    pub core_metadata: CoreMetadataClaim,
    /// URL of the provenance object, absolute (PEP 740).
    pub provenance: Option<String>,
}

/// PEP 658 and 714.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CoreMetadataClaim {
    /// Not offered, or nothing said.
    #[default]
    None,
    /// Offered.
    Available {
        /// Digests of the metadata file; may be empty.
        digests: Vec<Digest>,
    },
}

/// An entry that cannot be used, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusableFile {
    /// What the page calls it, as written.
    pub filename: String,
    /// Why.
    pub reason: FileError,
}

/// What is wrong with an entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Empty, longer than 255 bytes, `.`, `..`, or with a separator or control character.
    #[error("the file name is not a single path component")]
    Filename,
    /// It does not parse, or it is not `http`, `https` or `file`.
    #[error("`{url}` is not a usable url")]
    Url {
        /// As written.
        url: String,
    },
    /// A digest of a known algorithm that is not one.
    #[error("`{value}` is not a {algorithm} digest")]
    Digest {
        /// The algorithm.
        algorithm: Algorithm,
        /// As written.
        value: String,
    },
    /// A text above [`MAX_TEXT`].
    #[error("`{field}` is longer than {MAX_TEXT} bytes")]
    TooLong {
        /// Which one.
        field: &'static str,
    },
}

/// Why a page cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// Neither JSON nor HTML of this API.
    #[error("expected a project page in json or html, found content type `{found}`")]
    ContentType {
        /// As sent.
        found: String,
    },
    /// A major version that is not 1; its meaning is not known (PEP 629).
    #[error("expected version 1 of the simple api, found `{found}`")]
    ApiVersion {
        /// As written.
        found: String,
    },
    /// Not UTF-8.
    #[error("the page is not utf-8")]
    Encoding,
    /// Not JSON, or JSON of another form.
    #[error("the page is not json of the simple api: {reason}")]
    Json {
        /// What the parser says.
        reason: String,
    },
    /// No sign of HTML.
    #[error("the page is not html")]
    Html,
    /// A status that PEP 792 does not have: what it asks for is not known.
    #[error("unknown project status `{found}`")]
    Status {
        /// As written.
        found: String,
    },
    /// More than [`MAX_FILES`].
    #[error("the page has more than {MAX_FILES} files")]
    TooManyFiles,
    /// More than [`MAX_FILES`].
    #[error("the page has more than {MAX_FILES} versions")]
    TooManyVersions,
}

/// Reads a project page of either form.
///
/// `content_type` decides which one; where it is absent or says nothing (`text/plain`,
/// `application/octet-stream`), the first character of the page does. `base_url` is the URL that
/// the page was read from, after redirects.
///
/// # Errors
/// See [`PageError`].
pub fn parse(
    bytes: &[u8],
    content_type: Option<&str>,
    base_url: &Url,
) -> Result<ProjectPage, PageError> {
    match form(bytes, content_type)? {
        Form::Json => json::parse(bytes, base_url),
        Form::Html => html::parse(bytes, base_url),
    }
}

enum Form {
    Json,
    Html,
}

fn form(bytes: &[u8], content_type: Option<&str>) -> Result<Form, PageError> {
    let whole = content_type.unwrap_or_default();
    let media_type = whole.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let refused = || PageError::ContentType { found: whole.chars().take(200).collect() };
    match media_type.as_str() {
        "text/html" | "application/xhtml+xml" => return Ok(Form::Html),
        "application/json" => return Ok(Form::Json),
        "" | "text/plain" | "application/octet-stream" => {}
        other => {
            let rest = other.strip_prefix("application/vnd.pypi.simple.").ok_or_else(refused)?;
            return match rest {
                "v1+json" | "latest+json" => Ok(Form::Json),
                "v1+html" | "latest+html" => Ok(Form::Html),
                other => Err(PageError::ApiVersion { found: other.to_owned() }),
            };
        }
    }
    match bytes.trim_ascii_start().first() {
        Some(b'{') => Ok(Form::Json),
        Some(b'<') => Ok(Form::Html),
        _ => Err(refused()),
    }
}

/// PEP 629: `1.x` is read whatever the `x`, other versions are not.
fn parse_api_version(text: &str) -> Result<(u32, u32), PageError> {
    let parsed = text
        .split_once('.')
        .and_then(|(major, minor)| Some((parse_number(major)?, parse_number(minor)?)));
    match parsed {
        Some((1, minor)) => Ok((1, minor)),
        _ => Err(PageError::ApiVersion { found: text.chars().take(40).collect() }),
    }
}

fn parse_number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn parse_status(marker: &str, reason: Option<String>) -> Result<ProjectStatus, PageError> {
    let marker = StatusMarker::parse(marker)
        .ok_or_else(|| PageError::Status { found: marker.chars().take(40).collect() })?;
    Ok(ProjectStatus { marker, reason })
}

/// A file name that is a single component of a path on every platform.
fn check_filename(filename: &str) -> Result<(), FileError> {
    let is_separator = |c: char| matches!(c, '/' | '\\' | ':') || c.is_control();
    if matches!(filename, "" | "." | "..")
        || filename.len() > 255
        || filename.chars().any(is_separator)
    {
        return Err(FileError::Filename);
    }
    Ok(())
}

/// Resolves a reference against the page; the fragment is given apart, not decoded.
fn resolve(base: &Url, reference: &str) -> Result<(Url, Option<String>), FileError> {
    let refused = || FileError::Url { url: reference.chars().take(200).collect() };
    if reference.len() > MAX_TEXT {
        return Err(FileError::TooLong { field: "url" });
    }
    let mut url = base.join(reference.trim()).map_err(|_| refused())?;
    // An index on the network must not point at files of this machine.
    let is_usable = match url.scheme() {
        "http" | "https" => url.has_host(),
        "file" => base.scheme() == "file",
        _ => false,
    };
    if !is_usable {
        return Err(refused());
    }
    let fragment = url.fragment().map(str::to_owned);
    url.set_fragment(None);
    Ok((url, fragment))
}

/// Reads `hashes`; algorithms that are not known here are left out, as PEP 691 wants it.
fn parse_digests<'a>(
    pairs: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<Vec<Digest>, FileError> {
    let mut digests = Vec::new();
    for (name, value) in pairs {
        let Some(algorithm) = Algorithm::parse(name) else { continue };
        let digest = Digest::parse_hex(algorithm, value).map_err(|_| FileError::Digest {
            algorithm,
            value: value.chars().take(200).collect(),
        })?;
        digests.push(digest);
    }
    Ok(digests)
}

fn check_text(field: &'static str, text: Option<String>) -> Result<Option<String>, FileError> {
    match text {
        Some(text) if text.len() > MAX_TEXT => Err(FileError::TooLong { field }),
        text => Ok(text),
    }
}
