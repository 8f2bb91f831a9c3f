//! One entry of the log: "observer O saw file F with digest H at time T".
//!
//! Decides what may be said in an entry and how it is written. The text is canonical: one
//! observation has exactly one text, and a text that would be written differently is refused, so
//! that two texts are two records and the bytes of a leaf can be made again from their parts. The
//! text comes from a log or an observer and is not trusted for anything but its form; what it says
//! is worth what its observer is worth.
//!
//! The form is ours, `observation/v1`, and written down in [`Observation`].

use std::fmt;

use countermark_packaging::digest::{Digest, DigestError};
use countermark_packaging::name::{NameError, ProjectName};
use jiff::Timestamp;

/// The most bytes of a record. A record whose parts have their greatest lengths is shorter.
pub const MAXIMUM_RECORD: usize = 1024;

/// The first line of every record.
pub const VERSION_LINE: &str = "observation/v1";

/// The longest name of a file, in bytes; no common file system holds a longer one.
const MAXIMUM_FILE: usize = 255;

/// The longest name of an observer, in bytes.
const MAXIMUM_OBSERVER: usize = 200;

/// The greatest size of a file: what every reader of JSON keeps exactly.
const MAXIMUM_SIZE: u64 = (1 << 53) - 1;

/// Why something is no record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Too many bytes.
    #[error("a record has at most {MAXIMUM_RECORD} bytes, found {found}")]
    TooLong {
        /// The number of bytes.
        found: usize,
    },
    /// Not UTF-8.
    #[error("a record is text in UTF-8")]
    Encoding,
    /// A line that is missing, has another name, or does not end.
    #[error("expected the line `{expected}` in a record")]
    Line {
        /// How the line begins.
        expected: &'static str,
    },
    /// Something after the last line.
    #[error("a record ends after the line `first-seen`")]
    Trailing,
    /// The name of the project.
    #[error("the project of a record: {0}")]
    Project(#[source] NameError),
    /// The name of the file.
    #[error("the file of a record: {0}")]
    File(#[source] FileError),
    /// The digest.
    #[error("the digest of a record: {0}")]
    Digest(#[source] DigestError),
    /// A digest that does not identify a file.
    #[error("a record has a sha256, sha384 or sha512 digest, found {algorithm}")]
    Weak {
        /// The algorithm found.
        algorithm: &'static str,
    },
    /// The size.
    #[error("the size of a record is a number up to {MAXIMUM_SIZE} or `-`, found `{found}`")]
    Size {
        /// The text found.
        found: String,
    },
    /// A time.
    #[error(
        "the line `{line}` of a record has a time such as 2027-06-30T08:00:00Z, found `{found}`"
    )]
    Time {
        /// The line.
        line: &'static str,
        /// The text found.
        found: String,
    },
    /// The observer.
    #[error("the observer of a record: {0}")]
    Observer(#[source] ObserverError),
    /// Readable, but not as it would be written.
    #[error("a record is not in canonical form: the line `{line}`")]
    NotCanonical {
        /// The line as it would be written.
        line: String,
    },
}

/// Why a text is no name of a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Empty or too long.
    #[error("a file name has 1 to {MAXIMUM_FILE} bytes, found {found}")]
    Length {
        /// The number of bytes.
        found: usize,
    },
    /// It begins with a character that could make it an option or a hidden file.
    #[error("a file name begins with an ASCII letter, a digit or `_`")]
    Beginning,
    /// A character that no record has.
    #[error("a file name has ASCII letters, digits and `._+!~=@,-` only, found {character:?}")]
    Character {
        /// The first such character.
        character: char,
    },
}

/// Why a text is no observer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObserverError {
    /// Neither kind, or no colon.
    #[error("expected `index:` or `distribution:` and a name, found `{found}`")]
    Kind {
        /// The text found.
        found: String,
    },
    /// Not a URL without its scheme.
    #[error(
        "the name of an observer is a URL without a scheme, such as example.org/crawler, found `{found}`"
    )]
    Name {
        /// The text found.
        found: String,
    },
}

/// Whether a text may stand as the name of a file in a record. It is never a path: no separator, no
/// white space, nothing that a shell, a URL or a terminal would read as something else.
///
/// # Errors
/// [`FileError`] with what is in the way.
pub fn check_file(text: &str) -> Result<(), FileError> {
    if text.is_empty() || text.len() > MAXIMUM_FILE {
        return Err(FileError::Length { found: text.len() });
    }
    let allowed = |c: &char| c.is_ascii_alphanumeric() || "._+!~=@,-".contains(*c);
    if let Some(character) = text.chars().find(|character| !allowed(character)) {
        return Err(FileError::Character { character });
    }
    if !text.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_') {
        return Err(FileError::Beginning);
    }
    Ok(())
}

/// What an observer looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObserverKind {
    /// The files of an index. Two of them that differ are an equivocation.
    Index,
    /// What a distribution publishes about source packages. It may have its own build of a file, so
    /// that a difference is told and proves nothing.
    Distribution,
}

impl ObserverKind {
    /// The word in a record.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Distribution => "distribution",
        }
    }
}

/// Who saw it: a kind, and a name that is a URL without its scheme.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Observer {
    kind: ObserverKind,
    name: String,
}

impl Observer {
    /// An observer with this name.
    ///
    /// # Errors
    /// When the name is no URL without a scheme: a host in lower case with or without a port, and
    /// segments of a path.
    pub fn new(kind: ObserverKind, name: &str) -> Result<Self, ObserverError> {
        let wrong = || ObserverError::Name { found: shortened(name) };
        let mut segments = name.split('/');
        // `split` gives at least one part.
        let host = segments.next().unwrap_or_default();
        let in_host =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | ':');
        let in_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '~');
        let is_good = name.len() <= MAXIMUM_OBSERVER
            && host.starts_with(|c: char| c.is_ascii_alphanumeric())
            && host.chars().all(in_host)
            && segments.all(|part| !matches!(part, "" | "." | "..") && part.chars().all(in_path));
        is_good.then(|| Self { kind, name: name.to_owned() }).ok_or_else(wrong)
    }

    /// Reads `index:example.org/crawler`.
    ///
    /// # Errors
    /// When the kind is not known or the name is none.
    pub fn parse(text: &str) -> Result<Self, ObserverError> {
        let wrong = || ObserverError::Kind { found: shortened(text) };
        let (kind, name) = text.split_once(':').ok_or_else(wrong)?;
        let kinds = [ObserverKind::Index, ObserverKind::Distribution];
        let kind = kinds.into_iter().find(|it| it.name() == kind).ok_or_else(wrong)?;
        Self::new(kind, name)
    }

    /// What it looks at.
    #[must_use]
    pub const fn kind(&self) -> ObserverKind {
        self.kind
    }

    /// Its name without the kind.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Observer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.kind.name(), self.name)
    }
}

/// The parts of an [`Observation`], before anybody looked whether they can be written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fields {
    /// The project, as the observer assigns the file to it. The log does not compare it with the
    /// name of the file, whose form is not always known.
    pub project: ProjectName,
    /// The name of the file.
    pub file: String,
    /// What the file's bytes hash to; sha256, sha384 or sha512.
    pub digest: Digest,
    /// How many bytes it has.
    pub size: Option<u64>,
    /// When it was uploaded, as the observer was told.
    pub uploaded: Option<Timestamp>,
    /// Who saw it.
    pub observer: Observer,
    /// When it was seen for the first time.
    pub first_seen: Timestamp,
}

/// One record of the log. Its text has eight lines, each ends with a line feed:
///
/// ```text
/// observation/v1
/// project flask
/// file flask-3.0.0-py3-none-any.whl
/// digest sha256:21128f47e4e3b9d597a3e8521a329bf56909b690fcc3fa3e477725aa81367638
/// size 101817
/// uploaded 2023-09-30T14:36:10Z
/// observer index:example.org/crawler
/// first-seen 2026-11-22T08:00:00Z
/// ```
///
/// `size` and `uploaded` are `-` where they are not known. Times are whole seconds in UTC from 1970 on.
/// Two records are the same when file, digest and observer are ([`Self::key`]).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Observation(Fields);

/// What makes a record the same record again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey<'a> {
    /// The name of the file.
    pub file: &'a str,
    /// Its digest.
    pub digest: &'a Digest,
    /// Who saw it.
    pub observer: &'a Observer,
}

impl Observation {
    /// A record of these parts. Fractions of seconds are dropped.
    ///
    /// # Errors
    /// When the file name, the digest, the size or a time cannot be written.
    pub fn new(mut fields: Fields) -> Result<Self, RecordError> {
        check_file(&fields.file).map_err(RecordError::File)?;
        let algorithm = fields.digest.algorithm();
        if !algorithm.is_strong() {
            return Err(RecordError::Weak { algorithm: algorithm.name() });
        }
        if let Some(size) = fields.size.filter(|size| *size > MAXIMUM_SIZE) {
            return Err(RecordError::Size { found: size.to_string() });
        }
        fields.uploaded = fields.uploaded.map(|time| whole("uploaded", time)).transpose()?;
        fields.first_seen = whole("first-seen", fields.first_seen)?;
        Ok(Self(fields))
    }

    /// Reads the text of a record.
    ///
    /// # Errors
    /// When it is not exactly what [`Self::text`] writes.
    pub fn parse(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.len() > MAXIMUM_RECORD {
            return Err(RecordError::TooLong { found: bytes.len() });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| RecordError::Encoding)?;
        let mut rest = text;
        if !line(&mut rest, VERSION_LINE)?.is_empty() {
            return Err(RecordError::Line { expected: VERSION_LINE });
        }
        let project = ProjectName::parse(line(&mut rest, "project ")?);
        let file = line(&mut rest, "file ")?.to_owned();
        let digest = Digest::parse(line(&mut rest, "digest ")?).map_err(RecordError::Digest)?;
        let size = match line(&mut rest, "size ")? {
            "-" => None,
            digits => Some(parse_size(digits)?),
        };
        let uploaded = match line(&mut rest, "uploaded ")? {
            "-" => None,
            time => Some(parse_time("uploaded", time)?),
        };
        let observer = Observer::parse(line(&mut rest, "observer ")?);
        let first_seen = parse_time("first-seen", line(&mut rest, "first-seen ")?)?;
        if !rest.is_empty() {
            return Err(RecordError::Trailing);
        }
        let project = project.map_err(RecordError::Project)?;
        let observer = observer.map_err(RecordError::Observer)?;
        let fields = Fields { project, file, digest, size, uploaded, observer, first_seen };
        let observation = Self::new(fields)?;
        let written = observation.text();
        if written == text {
            return Ok(observation);
        }
        let mut lines = written.lines().zip(text.lines());
        let line = lines.find(|(ours, theirs)| ours != theirs).map_or("", |(ours, _)| ours);
        Err(RecordError::NotCanonical { line: line.to_owned() })
    }

    /// Its text, which is the leaf of the log.
    #[must_use]
    pub fn text(&self) -> String {
        let Fields { project, file, digest, size, uploaded, observer, first_seen } = &self.0;
        let size = size.map_or_else(|| "-".to_owned(), |size| size.to_string());
        let uploaded = uploaded.map_or_else(|| "-".to_owned(), |time| time.to_string());
        format!(
            "{VERSION_LINE}\nproject {project}\nfile {file}\ndigest {digest}\nsize {size}\n\
             uploaded {uploaded}\nobserver {observer}\nfirst-seen {first_seen}\n"
        )
    }

    /// What makes it the same record again.
    #[must_use]
    pub fn key(&self) -> RecordKey<'_> {
        RecordKey { file: &self.0.file, digest: &self.0.digest, observer: &self.0.observer }
    }

    /// The project.
    #[must_use]
    pub fn project(&self) -> &ProjectName {
        &self.0.project
    }

    /// The name of the file.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.0.file
    }

    /// The digest, of a strong algorithm.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.0.digest
    }

    /// How many bytes the file has.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.0.size
    }

    /// When it was uploaded, as the observer was told.
    #[must_use]
    pub fn uploaded(&self) -> Option<Timestamp> {
        self.0.uploaded
    }

    /// Who saw it.
    #[must_use]
    pub fn observer(&self) -> &Observer {
        &self.0.observer
    }

    /// When it was seen for the first time.
    #[must_use]
    pub fn first_seen(&self) -> Timestamp {
        self.0.first_seen
    }

    /// The parts, for who keeps them in columns.
    #[must_use]
    pub fn into_fields(self) -> Fields {
        self.0
    }

    /// Whether both are of index observers, about one file, and cannot both be true: two digests of
    /// one algorithm that differ.
    #[must_use]
    pub fn contradicts(&self, other: &Self) -> bool {
        let of_index = |it: &Self| it.observer().kind() == ObserverKind::Index;
        of_index(self)
            && of_index(other)
            && self.file() == other.file()
            && self.differs(&other.0.digest)
    }

    /// Whether a digest of the same algorithm is another one.
    #[must_use]
    pub fn differs(&self, digest: &Digest) -> bool {
        self.0.digest.algorithm() == digest.algorithm() && self.0.digest != *digest
    }
}

/// The rest of the next line, which begins like this; `rest` moves behind it.
fn line<'a>(rest: &mut &'a str, beginning: &'static str) -> Result<&'a str, RecordError> {
    let missing = RecordError::Line { expected: beginning.trim_end() };
    let Some((line, after)) = rest.split_once('\n') else { return Err(missing) };
    let Some(value) = line.strip_prefix(beginning) else { return Err(missing) };
    *rest = after;
    Ok(value)
}

fn parse_size(digits: &str) -> Result<u64, RecordError> {
    let size = digits.parse().ok().filter(|size| *size <= MAXIMUM_SIZE);
    size.ok_or_else(|| RecordError::Size { found: shortened(digits) })
}

fn parse_time(line: &'static str, text: &str) -> Result<Timestamp, RecordError> {
    let wrong = || RecordError::Time { line, found: shortened(text) };
    // The reader of times takes many forms; nothing is accepted that has another length.
    if text.len() != "1970-01-01T00:00:00Z".len() {
        return Err(wrong());
    }
    text.parse().map_err(|_| wrong())
}

/// A time without its fraction, from 1970 on: before, or with a sign, nobody saw a file.
fn whole(line: &'static str, time: Timestamp) -> Result<Timestamp, RecordError> {
    let wrong = || RecordError::Time { line, found: time.to_string() };
    if time < Timestamp::UNIX_EPOCH {
        return Err(wrong());
    }
    Timestamp::from_second(time.as_second()).map_err(|_| wrong())
}

/// A text of somebody else, as a message shows it.
pub(super) fn shortened(text: &str) -> String {
    const SHOWN: usize = 80;
    let shown: String = text.chars().take(SHOWN).flat_map(crate::policy::rule::escaped).collect();
    if text.chars().nth(SHOWN).is_some() { shown + "…" } else { shown }
}

#[cfg(test)]
mod tests;
