//! One of the two files of a release, as it was read: its files by path, and the few texts that the rules
//! look into.
//!
//! Decides where a file of a wheel ends up when it is installed, since that, and not how the archive
//! spells it, is what it can do. The archive is hostile: a second folder of metadata, a data folder of
//! another project or two names for one place are seen here.
//!
//! Specification: <https://packaging.python.org/en/latest/specifications/binary-distribution-format/>

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::digest::Sha256;
use countermark_packaging::filename::DistributionFilename;
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use countermark_trust::change::FileKind;
use unicode_normalization::UnicodeNormalization as _;

/// The most bytes of one text that the rules look into; of a longer one only its digest counts.
pub const MAX_TEXT: u64 = 1 << 20;

/// The most bytes of all texts of one side that are compared by meaning.
pub const MAX_TEXTS: u64 = 64 << 20;

/// A file in a wheel or a source distribution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Bytes.
    pub size: u64,
    /// SHA-256 of its bytes.
    pub digest: Sha256,
    /// What it is, by its bytes.
    pub kind: FileKind,
    /// Of a `.gz` in a wheel SHA-256 of what it holds, where it holds one text of bounded length.
    pub inner: Option<Sha256>,
}

/// A wheel or a source distribution whose bytes were verified and read.
#[derive(Clone, Debug)]
pub struct Side {
    /// Its name.
    pub filename: DistributionFilename,
    /// SHA-256 of it.
    pub digest: Sha256,
    /// Its files by path as the archive has them; of a source distribution without the one folder at
    /// the top.
    pub files: BTreeMap<String, Member>,
    /// The texts that were kept, by the same paths: all that [`is_saying`] names, and what
    /// [`wanted`](super::wanted) asked for.
    pub texts: BTreeMap<String, Vec<u8>>,
}

impl Side {
    /// Whether it is a wheel.
    #[must_use]
    pub fn is_wheel(&self) -> bool {
        matches!(self.filename, DistributionFilename::Wheel(_))
    }

    pub(super) fn project(&self) -> &ProjectName {
        self.filename.name()
    }

    pub(super) fn version(&self) -> &Version {
        self.filename.version()
    }

    pub(super) fn text(&self, path: &str) -> Option<&[u8]> {
        self.texts.get(path).map(Vec::as_slice)
    }
}

/// Whether a file says what a release is or how it is built, so that its text is kept.
#[must_use]
pub fn is_saying(is_wheel: bool, path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    if is_wheel {
        return parts.len() == 2 && parts[0].to_ascii_lowercase().ends_with(".dist-info");
    }
    match parts.as_slice() {
        [name] => matches!(*name, "PKG-INFO" | "pyproject.toml" | "setup.cfg" | "setup.py"),
        [.., folder, name] if parts.len() <= 3 => {
            folder.ends_with(".egg-info") && matches!(*name, "entry_points.txt" | "requires.txt")
        }
        _ => false,
    }
}

/// Where a file of a wheel ends up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// In the folder of metadata.
    Info(String),
    /// Where modules are imported from.
    Site(String),
    /// A command.
    Script(String),
    /// Anywhere below the environment.
    Data(String),
    /// A header for compilers.
    Header(String),
    /// Metadata that is not this release's, or a folder that no installer knows.
    Foreign(String),
}

impl Place {
    /// As it is shown and written down: without the version.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Info(path) => format!(".dist-info/{path}"),
            Self::Site(path) | Self::Foreign(path) => path.clone(),
            Self::Script(path) => format!(".data/scripts/{path}"),
            Self::Data(path) => format!(".data/data/{path}"),
            Self::Header(path) => format!(".data/headers/{path}"),
        }
    }
}

/// The places of all files of a wheel, with the path of each in the archive; and the paths of which two
/// end up at one place, also on a disk that takes `A` for `a` or two spellings of one letter for the same.
pub(super) fn places(wheel: &Side) -> (BTreeMap<Place, &str>, BTreeSet<String>) {
    let (mut places, mut collisions) = (BTreeMap::new(), BTreeSet::new());
    let mut folded: BTreeMap<String, String> = BTreeMap::new();
    let release = stem(wheel);
    for path in wheel.files.keys() {
        let place = place(release, path);
        let shown = place.shown();
        let key: String = shown.nfkc().flat_map(char::to_lowercase).nfkc().collect();
        if let Some(other) = folded.insert(key, shown.clone()) {
            collisions.extend([other, shown]);
        }
        places.insert(place, path.as_str());
    }
    (places, collisions)
}

/// What the folders of metadata and of data are called but for their endings. Two spellings of it are none:
/// installers disagree about which of the folders is meant.
fn stem(wheel: &Side) -> Option<&str> {
    let own = |stem: &&str| {
        stem.split_once('-').is_some_and(|(name, version)| {
            ProjectName::parse(name).is_ok_and(|name| name == *wheel.project())
                && version.parse::<Version>().is_ok_and(|version| version == *wheel.version())
        })
    };
    let tops = wheel.files.keys().filter_map(|path| path.split_once('/')).map(|(top, _)| top);
    let stems: BTreeSet<&str> =
        tops.filter_map(|top| top.strip_suffix(".dist-info")).filter(own).collect();
    let mut stems = stems.into_iter();
    stems.next().filter(|_| stems.next().is_none())
}

fn place(release: Option<&str>, path: &str) -> Place {
    let foreign = || Place::Foreign(path.to_owned());
    let Some((top, rest)) = path.split_once('/') else { return site(path) };
    let lower = top.to_ascii_lowercase();
    // Some installers take any spelling for the folder of this release, others leave it where it is.
    let own = |end: &str| top.strip_suffix(end).is_some_and(|stem| release == Some(stem));
    if lower.ends_with(".dist-info") {
        return if own(".dist-info") { Place::Info(rest.to_owned()) } else { foreign() };
    }
    if !lower.ends_with(".data") {
        return site(path);
    }
    match rest.split_once('/') {
        Some((scheme, inner)) if own(".data") => match scheme {
            "purelib" | "platlib" => site(inner),
            "scripts" => Place::Script(inner.to_owned()),
            "data" => Place::Data(inner.to_owned()),
            "headers" => Place::Header(inner.to_owned()),
            _ => foreign(),
        },
        _ => foreign(),
    }
}

/// Python reads metadata from every such folder, also from one that is not this project's.
fn site(path: &str) -> Place {
    let top = path.split('/').next().unwrap_or_default().to_ascii_lowercase();
    let is_metadata =
        [".dist-info", ".egg-info", ".egg-link", ".egg"].iter().any(|end| top.ends_with(end));
    if is_metadata { Place::Foreign(path.to_owned()) } else { Place::Site(path.to_owned()) }
}

/// The last part of a path.
pub(super) fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What follows the last full stop of a name, in lower case.
pub(super) fn extension(path: &str) -> String {
    name_of(path).rsplit_once('.').map_or(String::new(), |(_, end)| end.to_ascii_lowercase())
}

/// Whether a folder is one of tests and documents, which are read with other eyes and may be left out.
pub(super) fn is_aside(part: &str) -> bool {
    let lower = part.to_ascii_lowercase();
    matches!(
        lower.trim_matches('_'),
        "test" | "tests" | "testing" | "doc" | "docs" | "example" | "examples" | "benchmarks"
    ) || lower == "conftest.py"
}

/// Whether nobody expects packages that are installed in a folder of this name.
pub(super) fn is_no_root(part: &str) -> bool {
    let lower = part.to_ascii_lowercase();
    is_aside(part)
        || part.starts_with(['.', '_'])
        || matches!(
            lower.as_str(),
            "sample" | "samples" | "demo" | "demos" | "bench" | "fixture" | "fixtures" | "data"
        )
        || matches!(lower.as_str(), "tools" | "scripts" | "ci" | "contrib" | "misc" | "testsuite")
}
