//! The files of a distribution, with what it says of itself.

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::entry_points::EntryPoints;
use countermark_packaging::filename::DistributionFilename;
use countermark_packaging::metadata::{CoreMetadata, parse_license};
use countermark_packaging::requirement::Requirement;
use countermark_trust::change::{ContentFile, Contents, FileKind, KindReader};
use sha2::{Digest as _, Sha256};

use super::ContentsError;
use crate::inside::InsideError;
use crate::inside::sdist::walk_tar;
use crate::unpack::{Limits, ReadAt, UnpackError, Visitor, walk_members};

/// Bytes of a file that says something of the distribution.
const MAX_SAYING: u64 = 16 << 20;

/// A distribution whose bytes the caller has verified.
#[derive(Clone, Copy)]
pub struct Distribution<'a> {
    /// Its bytes.
    pub archive: &'a dyn ReadAt,
    /// Its name, which says what it is.
    pub filename: &'a str,
}

/// How paths of an archive are shown and compared: without what has the version in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// `NAME-VERSION.dist-info` and `NAME-VERSION.data` lose their beginning.
    Wheel,
    /// The one folder at the top is left out.
    Sdist,
}

impl Layout {
    /// The path to compare, and whether it is a file that says what the release is rather than one
    /// of its files.
    fn path(self, path: &str) -> (String, bool) {
        let (top, rest) = path.split_once('/').unwrap_or(("", path));
        match self {
            Self::Wheel => {
                let lower = top.to_ascii_lowercase();
                for folder in [".dist-info", ".data"] {
                    if lower.ends_with(folder) {
                        let says = folder == ".dist-info" && is_saying(rest);
                        return (format!("{folder}/{rest}"), says);
                    }
                }
                (path.to_owned(), false)
            }
            Self::Sdist => (rest.to_owned(), rest == "PKG-INFO"),
        }
    }
}

/// Files of `.dist-info` that follow from the rest of the wheel, or are compared by their meaning.
fn is_saying(name: &str) -> bool {
    matches!(name, "METADATA" | "RECORD" | "WHEEL" | "entry_points.txt" | "top_level.txt")
}

impl Distribution<'_> {
    /// Shows every file to a visitor under the path by which it is compared; `begin` gets to see
    /// also those that are no files of the release.
    pub(crate) fn walk(&self, files: &mut dyn Visitor) -> Result<(), ContentsError> {
        let filename = self.filename;
        let lower = filename.to_ascii_lowercase();
        if lower.ends_with(".whl") || lower.ends_with(".zip") {
            return match walk_members(self.archive, files, &Limits::default()) {
                Ok(()) => Ok(()),
                Err(UnpackError::Read(source)) => {
                    Err(ContentsError::Read { filename: filename.to_owned(), source })
                }
                Err(source) => Err(ContentsError::Zip {
                    filename: filename.to_owned(),
                    source: Box::new(source),
                }),
            };
        }
        if !lower.ends_with(".tar.gz") && !lower.ends_with(".tgz") {
            return Err(ContentsError::Unknown { filename: filename.to_owned() });
        }
        let mut buffer = vec![0; 64 << 10];
        let walked = walk_tar(self.archive, filename, &mut |member| {
            // Links and folders have no bytes; what they are named after is.
            if !member.is_file || !files.begin(member.path, member.size) {
                return Ok(());
            }
            loop {
                match member.bytes.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(count) => files.bytes(&buffer[..count]),
                    Err(error) => {
                        let (filename, reason) = (filename.to_owned(), error.to_string());
                        return Err(InsideError::Tar { filename, reason });
                    }
                }
            }
            files.end();
            Ok(())
        });
        walked.map_err(|error| match error {
            InsideError::Read { filename, source } => ContentsError::Read { filename, source },
            error => ContentsError::Tar(Box::new(error)),
        })
    }

    pub(super) fn path(&self, path: &str) -> (String, bool) {
        self.layout().path(path)
    }

    fn layout(&self) -> Layout {
        let is_wheel = self.filename.to_ascii_lowercase().ends_with(".whl");
        if is_wheel { Layout::Wheel } else { Layout::Sdist }
    }
}

/// Reads what a distribution contains.
///
/// # Errors
/// When it cannot be read, is not sound, or does not say what it is.
pub fn read_contents(distribution: Distribution<'_>) -> Result<Contents, ContentsError> {
    let filename = || distribution.filename.to_owned();
    if DistributionFilename::parse(distribution.filename).is_err() {
        return Err(ContentsError::Unknown { filename: filename() });
    }
    let size = distribution.archive.size();
    let size = size.map_err(|source| ContentsError::Read { filename: filename(), source })?;
    let mut reading = Reading {
        distribution,
        contents: Contents { size, ..Contents::default() },
        sayings: BTreeMap::new(),
        current: None,
        twice: None,
    };
    distribution.walk(&mut reading)?;
    if let Some(path) = reading.twice {
        return Err(ContentsError::Twice { filename: filename(), path });
    }
    let Reading { mut contents, sayings, .. } = reading;
    says(distribution, &sayings, &mut contents)?;
    Ok(contents)
}

struct Current {
    path: String,
    is_saying: bool,
    kind: KindReader,
    hasher: Sha256,
    size: u64,
    kept: Option<Vec<u8>>,
}

struct Reading<'a> {
    distribution: Distribution<'a>,
    contents: Contents,
    /// The few files that say something, by the path by which they are compared.
    sayings: BTreeMap<String, Vec<u8>>,
    current: Option<Current>,
    twice: Option<String>,
}

impl Visitor for Reading<'_> {
    fn begin(&mut self, path: &str, size: u64) -> bool {
        let (path, is_saying) = self.distribution.path(path);
        let name = path.rsplit('/').next().unwrap_or_default();
        let in_info = path.contains(".dist-info/") || path.contains(".egg-info/") || name == path;
        let is_kept = size <= MAX_SAYING
            && in_info
            && matches!(name, "METADATA" | "PKG-INFO" | "entry_points.txt" | "top_level.txt");
        self.current = Some(Current {
            kind: KindReader::new(&path),
            path,
            is_saying,
            hasher: Sha256::new(),
            size: 0,
            kept: is_kept.then(Vec::new),
        });
        true
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let Some(current) = &mut self.current else { return };
        current.kind.update(bytes);
        current.hasher.update(bytes);
        current.size += bytes.len() as u64;
        if let Some(kept) = &mut current.kept {
            kept.extend_from_slice(bytes);
        }
    }

    fn end(&mut self) {
        let Some(current) = self.current.take() else { return };
        let file = ContentFile {
            size: current.size,
            digest: current.hasher.finalize().into(),
            kind: current.kind.finish(),
        };
        if let Some(kept) = current.kept
            && self.sayings.insert(current.path.clone(), kept).is_some()
        {
            self.twice.get_or_insert(current.path.clone());
        }
        // A program among the metadata is a file all the same.
        let is_file = !current.is_saying || file.kind != FileKind::Text;
        if is_file && self.contents.files.insert(current.path.clone(), file).is_some() {
            self.twice.get_or_insert(current.path);
        }
    }
}

/// What a distribution says of itself, from its few files of metadata.
fn says(
    distribution: Distribution<'_>,
    sayings: &BTreeMap<String, Vec<u8>>,
    contents: &mut Contents,
) -> Result<(), ContentsError> {
    let filename = || distribution.filename.to_owned();
    let layout = distribution.layout();
    let expected = if layout == Layout::Wheel { "METADATA" } else { "PKG-INFO" };
    let at = if layout == Layout::Wheel { ".dist-info/METADATA" } else { "PKG-INFO" };
    let metadata = sayings.get(at);
    let bytes =
        metadata.ok_or_else(|| ContentsError::NoMetadata { filename: filename(), expected })?;
    let wrong = |source| ContentsError::Metadata { filename: filename(), source: Box::new(source) };
    let metadata = CoreMetadata::parse(bytes).map_err(wrong)?;
    contents.license = parse_license(bytes).map_err(wrong)?;
    contents.requires_python = metadata.requires_python.as_ref().map(ToString::to_string);
    // One extra of a project may ask for another: that is no dependency.
    let others = metadata.requires_dist.iter().filter(|it| it.name != metadata.name);
    contents.requires = others.map(Requirement::to_string).collect();
    let info = |name: &str| {
        let own = |path: &&String| {
            let folder = path.strip_suffix(name).and_then(|it| it.strip_suffix('/'));
            folder.is_some_and(|it| it == ".dist-info" || it.ends_with(".egg-info"))
        };
        // The outermost, as everywhere: test data has others.
        let found = sayings.keys().filter(own).min_by_key(|path| path.matches('/').count());
        found.and_then(|path| sayings.get(path))
    };
    // What is wrong with it stops the installation of the wheel, and is told there.
    if let Some(Ok(points)) = info("entry_points.txt").map(|bytes| EntryPoints::parse(bytes)) {
        for script in points.console.iter().chain(&points.gui) {
            let object = script.attribute.as_ref().map(|it| format!(":{it}")).unwrap_or_default();
            contents.scripts.insert(format!("{} = {}{object}", script.name, script.module));
        }
    }
    let programs = contents.files.keys().filter_map(|path| path.strip_prefix(".data/scripts/"));
    contents.scripts.extend(programs.map(str::to_owned).collect::<Vec<_>>());
    contents.top_level = match layout {
        Layout::Wheel => top_level(contents),
        Layout::Sdist => {
            let listed = info("top_level.txt").map(|bytes| String::from_utf8_lossy(bytes));
            listed.iter().flat_map(|text| text.lines()).map(|it| it.trim().to_owned()).collect()
        }
    };
    Ok(())
}

/// What can be imported: modules and folders with modules in them.
fn top_level(contents: &Contents) -> BTreeSet<String> {
    let is_module = |name: &str| {
        [".py", ".pyc", ".so", ".pyd"].iter().any(|end| name.to_ascii_lowercase().ends_with(end))
    };
    let mut names = BTreeSet::new();
    for path in contents.files.keys().filter(|path| is_module(path)) {
        let inner = path.strip_prefix(".data/purelib/");
        let inner = inner.or_else(|| path.strip_prefix(".data/platlib/")).unwrap_or(path);
        if inner.starts_with('.') {
            continue;
        }
        let name = match inner.split_once('/') {
            // Libraries beside the packages cannot be imported: the name is no identifier.
            Some((folder, _)) => folder,
            None => inner.split('.').next().unwrap_or(inner),
        };
        if !name.contains(['.', '-', ' ']) {
            names.insert(name.to_owned());
        }
    }
    names
}
