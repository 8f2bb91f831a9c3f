//! Anybody's lock as it stands: every entry of every platform, with its place.
//!
//! A [`WantedSet`](super::WantedSet) is what one environment takes from a lock; a [`LockDocument`]
//! is the lock itself, for those who judge, compare or move it. One reader a format gives it:
//! requirements files, `pylock.toml`, `uv.lock`, `poetry.lock`, `pdm.lock`, `Pipfile.lock`, and the
//! pip part of `conda-lock.yml`. A reader refuses what it cannot understand, with all mistakes at
//! their places; what it understands and a policy may not like (no digest, a weak one, a branch) is
//! not a mistake but an entry.

use std::fmt;

use super::source::Source;
use super::{Place, SourceError, codes};
use crate::digest::Digest;
use crate::name::{ExtraName, ProjectName};
use crate::version::{Version, VersionSpecifiers};

mod check;
mod conda;
mod detect;
mod pdm;
mod pipfile;
mod poetry;
mod pylock;
mod reader;
mod tree;
mod uv;

pub use detect::detect;
pub use reader::without_credentials;

/// The most bytes of a lock.
pub const MAXIMUM_SIZE: usize = 32 << 20;

/// The most entries of a lock.
pub const MAXIMUM_ENTRIES: usize = 100_000;

/// The formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockFormat {
    /// `requirements.txt` with pins.
    Requirements,
    /// `pylock.toml` (PEP 751).
    Pylock,
    /// `uv.lock`.
    Uv,
    /// `poetry.lock`, versions 1 and 2.
    Poetry,
    /// `pdm.lock`.
    Pdm,
    /// `Pipfile.lock`.
    Pipfile,
    /// `conda-lock.yml`, of which the pip part is read.
    Conda,
}

impl LockFormat {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Requirements,
        Self::Pylock,
        Self::Uv,
        Self::Poetry,
        Self::Pdm,
        Self::Pipfile,
        Self::Conda,
    ];

    /// The name in options, reports and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requirements => "requirements",
            Self::Pylock => "pylock",
            Self::Uv => "uv",
            Self::Poetry => "poetry",
            Self::Pdm => "pdm",
            Self::Pipfile => "pipfile",
            Self::Conda => "conda",
        }
    }
}

impl fmt::Display for LockFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// A whole lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockDocument {
    /// Which format.
    pub format: LockFormat,
    /// The version that the file gives for its format, as written.
    pub format_version: Option<String>,
    /// What messages call the file.
    pub file: String,
    /// Versions of Python for which it holds, where it says so in PEP 440's form.
    pub requires_python: Option<VersionSpecifiers>,
    /// In the order of the file. A project may occur several times, with different versions,
    /// markers or sources. The locked project itself and the members of its workspace are entries
    /// with [`LockSource::Directory`].
    pub packages: Vec<LockPackage>,
    /// Indexes that the file names for the whole of it, without credentials: `--index-url`,
    /// Pipfile's sources.
    pub indexes: Vec<String>,
    /// Other files whose entries belong to it and are not here: `-r` of a requirements file that was
    /// read alone.
    pub includes: Vec<Include>,
    /// What a reader may want to know: parts that were passed over (conda's own packages).
    pub notes: Vec<String>,
}

/// A file that a lock takes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Include {
    /// As written: a path that counts from the folder of the lock, or a URL, without credentials.
    pub location: String,
    /// Where it stands.
    pub place: Place,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockPackage {
    /// The project.
    pub project: ProjectName,
    /// The version; none where a URL, folder or an unpinned line does not tell it.
    pub version: Option<Version>,
    /// From where.
    pub source: LockSource,
    /// The files, or the digests that are given without saying of which file.
    pub files: Vec<FileEntry>,
    /// The marker, as written; not every format's is one of PEP 508.
    pub marker: Option<String>,
    /// The extras that are asked for on this line (requirements files, `Pipfile.lock`).
    pub extras: Vec<ExtraName>,
    /// What it depends on, as far as the format says: each name once, in order of the file.
    pub dependencies: Vec<ProjectName>,
    /// Groups or categories of the format (`main`, `dev`, `default`, `develop`), as written.
    pub groups: Vec<String>,
    /// Where it stands.
    pub place: Place,
}

/// Where an entry comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockSource {
    /// An index: its URL or name as the lock has it, without credentials; none where it does not
    /// say which.
    Index(Option<String>),
    /// One file at a URL, without credentials.
    Url(String),
    /// One file on disk.
    Path(String),
    /// A folder: the project itself, a member of a workspace, an editable.
    Directory {
        /// As written.
        path: String,
        /// Installed by reference.
        editable: bool,
    },
    /// Version control.
    Vcs {
        /// Without credentials.
        url: String,
        /// The commit that is locked, as written; none where only a branch or tag is.
        commit: Option<String>,
    },
}

/// A file of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// Its name; none in formats that list digests alone.
    pub name: Option<String>,
    /// Where it is, as written but without credentials; none in formats that do not say.
    pub url: Option<String>,
    /// Digests of known algorithms, also weak ones; may be empty.
    pub digests: Vec<Digest>,
    /// In bytes.
    pub size: Option<u64>,
    /// When it was uploaded, as written.
    pub uploaded: Option<String>,
    /// Where it stands.
    pub place: Place,
}

/// A document, or everything that is wrong with it.
pub type DocumentResult = Result<LockDocument, Vec<SourceError>>;

/// A URL in a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockUrl {
    /// What it is for.
    pub role: UrlRole,
    /// As written; it may hold credentials.
    pub text: String,
    /// Its bytes, without quotation marks.
    pub place: Place,
    /// Whether the bytes at the place are the URL itself; false when it is written with escapes.
    pub is_plain: bool,
}

/// What a URL in a lock is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UrlRole {
    /// An index.
    Index,
    /// A file that was found on an index.
    File {
        /// Whose file.
        project: ProjectName,
        /// The index that the lock names for the entry, without credentials.
        index: Option<String>,
        /// Its name.
        name: Option<String>,
        /// Digests that are given for it.
        digests: Vec<Digest>,
    },
    /// What was asked for by this URL and comes from no index: one file, a repository.
    Direct,
}

/// Reads a lock; the format is told by the file's name, else by what is in it.
///
/// # Errors
/// Everything that is wrong, in the order of the file; but when the text does not follow its
/// syntax or the version of the format is not known, nothing else.
pub fn parse(file: &str, bytes: &[u8]) -> DocumentResult {
    parse_as(detect(file, bytes), file, bytes)
}

/// Reads a lock of a known format.
///
/// # Errors
/// As [`parse`].
pub fn parse_as(format: LockFormat, file: &str, bytes: &[u8]) -> DocumentResult {
    read_document(format, file, bytes, false).map(|(document, _)| document)
}

/// Reads a lock of a known format for somebody who compares locks: a file with two digests is no
/// reason to refuse the rest, it is what is looked for. The second part says where such files stand.
///
/// # Errors
/// As [`parse`], but for [`codes::DIGEST_CONFLICT`].
pub fn parse_with_conflicts(
    format: LockFormat,
    file: &str,
    bytes: &[u8],
) -> Result<(LockDocument, Vec<SourceError>), Vec<SourceError>> {
    read_document_and_conflicts(format, file, bytes, false)
        .map(|(document, _, conflicts)| (document, conflicts))
}

/// Reads a lock together with every URL in it, in the order of the file.
///
/// # Errors
/// As [`parse`].
pub fn parse_with_urls(
    format: LockFormat,
    file: &str,
    bytes: &[u8],
) -> Result<(LockDocument, Vec<LockUrl>), Vec<SourceError>> {
    read_document(format, file, bytes, true)
}

fn read_document(
    format: LockFormat,
    file: &str,
    bytes: &[u8],
    keeps_urls: bool,
) -> Result<(LockDocument, Vec<LockUrl>), Vec<SourceError>> {
    match read_document_and_conflicts(format, file, bytes, keeps_urls)? {
        (document, urls, conflicts) if conflicts.is_empty() => Ok((document, urls)),
        (_, _, conflicts) => Err(conflicts),
    }
}

type DocumentAndConflicts = (LockDocument, Vec<LockUrl>, Vec<SourceError>);

fn read_document_and_conflicts(
    format: LockFormat,
    file: &str,
    bytes: &[u8],
    keeps_urls: bool,
) -> Result<DocumentAndConflicts, Vec<SourceError>> {
    if format == LockFormat::Requirements {
        let (document, urls) = super::requirements::document::parse(file, bytes)?;
        return Ok((document, urls, Vec::new()));
    }
    let source = decode(file, bytes).map_err(|error| vec![error])?;
    let syntax = match format {
        LockFormat::Pipfile => tree::Syntax::Json,
        LockFormat::Conda if source.text().trim_start().starts_with('{') => tree::Syntax::Json,
        LockFormat::Conda => tree::Syntax::Yaml,
        LockFormat::Pylock
        | LockFormat::Uv
        | LockFormat::Poetry
        | LockFormat::Pdm
        | LockFormat::Requirements => tree::Syntax::Toml,
    };
    let root = tree::parse(&source, syntax)?;
    let mut reader = reader::Reader::new(&source);
    reader.bare_texts = syntax == tree::Syntax::Yaml;
    reader.keeps_urls = keeps_urls;
    let Some(table) = reader.expect_table("the lock", &root) else { return Err(reader.errors) };
    let empty = LockDocument {
        format,
        format_version: None,
        file: file.to_owned(),
        requires_python: None,
        packages: Vec::new(),
        indexes: Vec::new(),
        includes: Vec::new(),
        notes: Vec::new(),
    };
    let document = match format {
        LockFormat::Pylock => pylock::read(&mut reader, table, empty),
        LockFormat::Uv => uv::read(&mut reader, table, empty),
        LockFormat::Poetry => poetry::read(&mut reader, table, empty),
        LockFormat::Pdm => pdm::read(&mut reader, table, empty),
        LockFormat::Pipfile => pipfile::read(&mut reader, table, empty),
        LockFormat::Conda => conda::read(&mut reader, table, empty),
        LockFormat::Requirements => Some(empty),
    };
    let reader::Reader { mut errors, notes, mut urls, .. } = reader;
    let Some(mut document) = document else { return Err(errors) };
    errors.sort_by_key(|error| error.place.span.start);
    if errors.iter().any(|error| error.code != codes::DIGEST_CONFLICT) {
        return Err(errors);
    }
    document.notes.extend(notes);
    urls.sort_by_key(|url| url.place.span.start);
    Ok((document, urls, errors))
}

fn decode(file: &str, bytes: &[u8]) -> Result<Source, SourceError> {
    let nowhere = Source::new(file, String::new());
    if bytes.len() > MAXIMUM_SIZE {
        let message =
            format!("the file has {} bytes, at most {MAXIMUM_SIZE} are read", bytes.len());
        return Err(nowhere.error(codes::TOO_LARGE, message, 0..0));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Source::new(file, text.to_owned())),
        Err(error) => {
            let at = error.valid_up_to();
            let before = String::from_utf8_lossy(&bytes[..at]).into_owned();
            let message = "the file is not UTF-8";
            Err(Source::new(file, before).error(codes::ENCODING, message, at..at))
        }
    }
}

#[cfg(test)]
mod tests;
