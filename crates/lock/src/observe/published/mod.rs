//! What distributions publish about the source archives that they build from.
//!
//! Decides which file names, sizes and digests a Manifest of Gentoo, a `distinfo` of FreeBSD, a `.dsc`
//! or `Sources` of Debian, a recipe of conda-forge or a formula of Homebrew states, and which of them
//! are about a file of an index. Each is a claim of an observer, to be compared with others; no
//! signature of a distribution is checked here.
//!
//! A file with a mistake gives nothing: it may be half written. In an index of many packages that holds
//! for each package by itself. What is in order and cannot be used (a source without a digest, an
//! expression that only the distribution's own tool can evaluate) is passed over, with its place.

mod conda;
mod debian;
mod expression;
mod freebsd;
mod gentoo;
mod homebrew;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;

use countermark_packaging::digest::{Algorithm, Digest};
use countermark_packaging::filename::DistributionFilename;
use countermark_packaging::lock::codes;
use countermark_packaging::lock::source::Source;
use countermark_packaging::lock::{Place, SourceError};
use countermark_packaging::name::ProjectName;

/// The most bytes of one file, other than an index of many packages.
pub const MAXIMUM_SIZE: usize = 4 << 20;
/// The most bytes of a `Sources` of Debian.
pub const MAXIMUM_INDEX: usize = 256 << 20;
/// The most files that one document may name.
const MAXIMUM_ENTRIES: usize = 1 << 20;
/// The most mistakes that are told of one document.
const MAXIMUM_MISTAKES: usize = 100;

/// Whose form a document has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `Manifest`, lines `DIST` (GLEP 74).
    Gentoo,
    /// `distinfo` of the ports.
    FreeBsd,
    /// `.dsc`, and `Sources` of an archive.
    Debian,
    /// `meta.yaml` and `recipe.yaml`.
    CondaForge,
    /// Formulae in Ruby.
    Homebrew,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Gentoo, Self::FreeBsd, Self::Debian, Self::CondaForge, Self::Homebrew];

    /// The kind with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The name, which is also that of the observer: `distribution:gentoo`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gentoo => "gentoo",
            Self::FreeBsd => "freebsd",
            Self::Debian => "debian",
            Self::CondaForge => "conda-forge",
            Self::Homebrew => "homebrew",
        }
    }

    /// Whether a file of this name in a tree of this kind is such a document.
    #[must_use]
    pub fn is_document(self, name: &str) -> bool {
        match self {
            Self::Gentoo => name == "Manifest",
            Self::FreeBsd => name == "distinfo",
            Self::Debian => name.ends_with(".dsc") || is_index(name),
            Self::CondaForge => matches!(name, "meta.yaml" | "recipe.yaml"),
            Self::Homebrew => name.ends_with(".rb"),
        }
    }

    /// Whether a file beside a document says where the archives come from.
    #[must_use]
    pub fn is_beside(self, name: &str) -> bool {
        match self {
            Self::Gentoo => name.ends_with(".ebuild"),
            Self::FreeBsd => name == "Makefile",
            Self::Debian | Self::CondaForge | Self::Homebrew => false,
        }
    }

    /// The most bytes that are read of a document of this name.
    #[must_use]
    pub fn maximum_size(self, name: &str) -> usize {
        if self == Self::Debian && !name.ends_with(".dsc") { MAXIMUM_INDEX } else { MAXIMUM_SIZE }
    }
}

/// `Sources`, and as package managers keep it: the address with `_` for `/`.
fn is_index(name: &str) -> bool {
    name == "Sources" || name.ends_with("_Sources")
}

/// Where an archive comes from, as far as the document says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file of an index: the address has the form of one, or the recipe says so.
    Index,
    /// Somewhere else, such as the host of the project's repository.
    Elsewhere,
    /// The document does not say.
    Unknown,
}

/// One file, as a distribution states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Its name: one component of a path. A distribution may have renamed it.
    pub file: String,
    /// What its bytes have to be. Always of a strong algorithm.
    pub digest: Digest,
    /// In bytes.
    pub size: Option<u64>,
    /// Where the distribution downloads it.
    pub url: Option<String>,
    /// Where it comes from.
    pub origin: Origin,
    /// The package of the distribution, where the document says it.
    pub package: Option<String>,
    /// Where it is stated.
    pub place: Place,
}

impl Published {
    /// The name as that of a distribution file of Python, if it is one and does not come from elsewhere.
    ///
    /// The same name elsewhere is another file: an archive of a repository, or another project of
    /// that name in another language.
    #[must_use]
    pub fn distribution(&self) -> Option<DistributionFilename> {
        match self.origin {
            Origin::Elsewhere => None,
            Origin::Index | Origin::Unknown => DistributionFilename::parse(&self.file).ok(),
        }
    }

    /// What is looked for in a log or a database under: the project of the file, or the package's
    /// own name where only the digest can tell which file it is.
    #[must_use]
    pub fn project(&self) -> Option<ProjectName> {
        match self.distribution() {
            Some(name) => Some(name.name().clone()),
            None => ProjectName::parse(self.package.as_deref()?).ok(),
        }
    }
}

/// Something that is in order and says nothing that can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedOver {
    /// Why.
    pub reason: String,
    /// Where.
    pub place: Place,
}

/// What a document states.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// In the order of the document, each once.
    pub published: Vec<Published>,
    /// What could not be used though it is in order.
    pub passed_over: Vec<PassedOver>,
    /// What is wrong; a document, or a package of an index, with one of them gives nothing.
    pub mistakes: Vec<SourceError>,
}

/// Reads a document. `beside` are the texts of the files for which [`Kind::is_beside`] is true in the
/// same folder. `location` is what the document is called; its last component matters.
#[must_use]
pub fn read(kind: Kind, location: &str, bytes: &[u8], beside: &[&str]) -> Reading {
    let name = location.rsplit('/').next().unwrap_or(location);
    let source = match decode(location, bytes, kind.maximum_size(name)) {
        Ok(source) => source,
        Err(mistake) => return Reading { mistakes: vec![mistake], ..Reading::default() },
    };
    let mut reader = Reader::new(&source);
    match kind {
        Kind::Gentoo => gentoo::read(&mut reader, gentoo::origin(beside)),
        Kind::FreeBsd => freebsd::read(&mut reader, freebsd::origin(beside)),
        Kind::Debian => debian::read(&mut reader, !name.ends_with(".dsc")),
        Kind::CondaForge => conda::read(&mut reader, name != "meta.yaml"),
        Kind::Homebrew => homebrew::read(&mut reader),
    }
    reader.finish()
}

fn decode(location: &str, bytes: &[u8], most: usize) -> Result<Source, SourceError> {
    let nowhere = || Source::new(location, String::new());
    if bytes.len() > most {
        let message = format!("the file has {} bytes, at most {most} are read", bytes.len());
        return Err(nowhere().error(codes::TOO_LARGE, message, 0..0));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Source::new(location, text.to_owned())),
        Err(error) => {
            let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned();
            let at = before.len();
            let source = Source::new(location, before);
            Err(source.error(codes::ENCODING, "the file is not UTF-8", at..at))
        }
    }
}

/// A line without its end, and where it is.
#[derive(Clone, Copy, Debug)]
struct Line<'a> {
    text: &'a str,
    start: usize,
}

impl<'a> Line<'a> {
    fn span(&self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }

    /// Where a part of the line is.
    fn span_of(&self, part: &str) -> Range<usize> {
        let offset = (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let start = self.start + offset.min(self.text.len());
        start..(start + part.len()).min(self.start + self.text.len())
    }

    fn words(&self) -> Vec<&'a str> {
        self.text.split_ascii_whitespace().collect()
    }
}

fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut start = 0;
    text.split_inclusive('\n').map(move |whole| {
        let line = Line { text: whole.trim_end_matches(['\n', '\r']), start };
        start += whole.len();
        line
    })
}

/// Collects what a document states.
struct Reader<'a> {
    source: &'a Source,
    reading: Reading,
    /// Where among what was read the unit begins that a mistake takes back.
    unit: usize,
    /// Whether there was a mistake in the unit.
    is_broken: bool,
    seen: BTreeMap<(String, Algorithm), Digest>,
}

/// What the readers hand in for one file.
struct Stated<'a> {
    file: &'a str,
    algorithm: Algorithm,
    hexadecimal: &'a str,
    size: Option<u64>,
    url: Option<String>,
    origin: Origin,
    package: Option<String>,
}

impl<'a> Reader<'a> {
    fn new(source: &'a Source) -> Self {
        let reading = Reading::default();
        Self { source, reading, unit: 0, is_broken: false, seen: BTreeMap::new() }
    }

    fn text(&self) -> &'a str {
        self.source.text()
    }

    fn mistake(&mut self, code: &'static str, message: impl Into<String>, span: Range<usize>) {
        self.is_broken = true;
        if self.reading.mistakes.len() < MAXIMUM_MISTAKES {
            self.reading.mistakes.push(self.source.error(code, message, span));
        }
    }

    fn pass_over(&mut self, reason: impl Into<String>, span: Range<usize>) {
        let passed = PassedOver { reason: reason.into(), place: self.source.place(span) };
        self.reading.passed_over.push(passed);
    }

    /// What comes now stands or falls by itself.
    fn begin_unit(&mut self) {
        self.end_unit();
        // Names of different packages may be the same; within one they may not.
        self.seen.clear();
    }

    fn end_unit(&mut self) {
        if std::mem::take(&mut self.is_broken) {
            self.reading.published.truncate(self.unit);
        }
        self.unit = self.reading.published.len();
    }

    fn add(&mut self, stated: Stated<'_>, at: Range<usize>) {
        if let Err(reason) = check_name(stated.file) {
            let message = format!("`{}` is not the name of a file: {reason}", shown(stated.file));
            return self.mistake(codes::INVALID_VALUE, message, at);
        }
        let digest = match Digest::parse_hex(stated.algorithm, stated.hexadecimal) {
            Ok(digest) => digest,
            Err(error) => return self.mistake(codes::MALFORMED_DIGEST, error.to_string(), at),
        };
        let key = (stated.file.to_owned(), stated.algorithm);
        match self.seen.get(&key) {
            Some(before) if *before == digest => return,
            Some(_) => {
                let message = format!("`{}` has two digests in one document", stated.file);
                return self.mistake(codes::DIGEST_CONFLICT, message, at);
            }
            None => {}
        }
        if self.reading.published.len() >= MAXIMUM_ENTRIES {
            let message = format!("the document names more than {MAXIMUM_ENTRIES} files");
            return self.mistake(codes::TOO_LARGE, message, at);
        }
        self.seen.insert(key, digest.clone());
        let Stated { file, size, url, origin, package, .. } = stated;
        let place = self.source.place(at);
        let file = file.to_owned();
        self.reading.published.push(Published { file, digest, size, url, origin, package, place });
    }

    fn finish(mut self) -> Reading {
        self.end_unit();
        self.reading
    }
}

/// Whether a text may be the name of a file wherever it is written.
fn check_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("it is empty");
    }
    if name.len() > 255 {
        return Err("it has more than 255 bytes");
    }
    if name.starts_with('.') {
        return Err("it begins with a dot");
    }
    if name.contains(['/', '\\']) {
        return Err("it has a separator of paths");
    }
    if name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("it has a space or a control character");
    }
    Ok(())
}

/// The beginning of a text that somebody else wrote.
fn shown(text: &str) -> String {
    text.chars().take(80).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// The file that an address leads to, and whether the address has the form of an index's file:
/// `…/packages/…/<file>`.
fn of_url(url: &str) -> Option<(&str, Origin)> {
    let (scheme, rest) = url.split_once("://")?;
    if !matches!(scheme, "https" | "http" | "ftp") {
        return None;
    }
    let rest = rest.split(['#', '?']).next().unwrap_or_default();
    let (_, path) = rest.split_once('/')?;
    let (folders, file) = path.rsplit_once('/').unwrap_or(("", path));
    let is_index = folders.split('/').any(|part| part == "packages")
        && DistributionFilename::parse(file).is_ok();
    Some((file, if is_index { Origin::Index } else { Origin::Elsewhere }))
}
