//! What lies in a vendored folder. Reads it, and trusts nothing in it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use countermark_packaging::digest::Sha256;
use countermark_packaging::filename::DistributionFilename;
use countermark_packaging::metadata::CoreMetadata;
use countermark_packaging::name::ProjectName;
use countermark_packaging::record::parse_record;
use countermark_packaging::version::Version;
use countermark_trust::Class;
use sha2::Digest as _;

use super::{Distribution, LocalFile, Package, Vendored};
use crate::report::Problem;
use crate::store::{hash_file, open_regular, read_regular};

/// Files that are looked at.
pub const MAX_FILES: usize = 200_000;

/// Folders within folders.
const MAX_DEPTH: usize = 40;

/// Bytes of a list, of a METADATA, of a file that may mention its version.
const MAX_TEXT: u64 = 4 << 20;

/// Bytes of a RECORD.
const MAX_RECORD: u64 = 64 << 20;

/// Versions that one package's own files may mention.
const MAX_HINTS: usize = 4;

/// Ends of names of archives.
const ARCHIVES: [&str; 7] = [".whl", ".tar.gz", ".tgz", ".zip", ".tar.bz2", ".tar.xz", ".egg"];

/// Ends of names of files that Python runs: modules, and what it reads when it starts.
const CODE: [&str; 4] = [".py", ".so", ".pyd", ".pth"];

/// Why a folder cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The system said no.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// What was read.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// More files than anybody vendors.
    #[error("`{}` has more than {MAX_FILES} files", path.display())]
    TooMany {
        /// The folder.
        path: PathBuf,
    },
    /// Folders within folders within folders.
    #[error("`{}` is more than {MAX_DEPTH} folders deep", path.display())]
    TooDeep {
        /// The folder.
        path: PathBuf,
    },
}

impl ScanError {
    /// Who is at fault.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Io { .. } | Self::TooMany { .. } | Self::TooDeep { .. } => Class::Usage,
        }
    }

    /// A short name for messages.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "file-unreadable",
            Self::TooMany { .. } | Self::TooDeep { .. } => "vendored-too-much",
        }
    }
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> ScanError {
    let path = path.to_owned();
    move |source| ScanError::Io { path, source }
}

/// Reads the folder.
///
/// # Errors
/// When something in it cannot be read, or there is too much of it.
pub fn scan(root: &Path) -> Result<Vendored, ScanError> {
    let mut vendored = Vendored::default();
    let mut owners = Owners::default();
    let mut left = MAX_FILES;
    for (name, path, kind) in list(root)? {
        if kind.is_dir() {
            if name.ends_with(".dist-info") {
                read_dist_info(&path, &mut owners)?;
            } else if is_importable(&name) {
                let mut files = Vec::new();
                walk(&path, &name, 1, &mut left, &mut files)?;
                vendored.packages.extend(package(root, name, files)?);
            }
        } else if kind.is_file() {
            look_at_file(root, name, path, &mut vendored)?;
        }
    }
    let packages = std::mem::take(&mut vendored.packages);
    vendored.packages = packages.into_iter().flat_map(|package| owners.split(package)).collect();
    Ok(vendored)
}

type Release = (ProjectName, Version);

/// Which release put what there, as `.dist-info` folders say.
#[derive(Default)]
struct Owners {
    /// Files, by RECORDs.
    files: BTreeMap<String, Release>,
    /// Folders and modules, where there is no RECORD.
    names: BTreeMap<String, Release>,
}

impl Owners {
    /// Several releases may share a folder. What nobody claims goes with the largest part, where it
    /// will be found to be no part of that release.
    fn split(&self, mut package: Package) -> Vec<Package> {
        let mut parts: BTreeMap<&Release, Vec<LocalFile>> = BTreeMap::new();
        let mut rest = Vec::new();
        for file in std::mem::take(&mut package.files) {
            match self.files.get(&file.path) {
                Some(release) => parts.entry(release).or_default().push(file),
                None => rest.push(file),
            }
        }
        let Some(largest) = parts.iter().max_by_key(|(_, files)| files.len()) else {
            let recorded = self.names.get(&package.name).cloned();
            return vec![Package { files: rest, recorded, ..package }];
        };
        let largest = *largest.0;
        if let Some(files) = parts.get_mut(largest) {
            files.append(&mut rest);
        }
        let part = |(release, files): (&Release, Vec<LocalFile>)| Package {
            files,
            recorded: Some(release.clone()),
            ..package.clone()
        };
        parts.into_iter().map(part).collect()
    }
}

/// Names that are not text cannot be imported. Links are not followed: [`fs::DirEntry::file_type`]
/// says what the entry itself is.
fn list(folder: &Path) -> Result<Vec<(String, PathBuf, fs::FileType)>, ScanError> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable(folder))? {
        let entry = entry.map_err(unreadable(folder))?;
        let kind = entry.file_type().map_err(unreadable(&entry.path()))?;
        if let Ok(name) = entry.file_name().into_string() {
            entries.push((name, entry.path(), kind));
        }
    }
    entries.sort_by(|left, right| left.0.cmp(&right.0));
    Ok(entries)
}

/// What Python writes by itself is part of no release.
fn is_generated(name: &str) -> bool {
    name == "__pycache__" || name.ends_with(".pyc") || name.ends_with(".pyo")
}

pub(super) fn is_importable(name: &str) -> bool {
    !name.is_empty()
        && !is_generated(name)
        && name.chars().all(|c| c == '_' || c.is_alphanumeric())
        && !name.starts_with(|c: char| c.is_ascii_digit())
}

fn walk(
    folder: &Path,
    inside: &str,
    depth: usize,
    left: &mut usize,
    files: &mut Vec<LocalFile>,
) -> Result<(), ScanError> {
    if depth > MAX_DEPTH {
        return Err(ScanError::TooDeep { path: folder.to_owned() });
    }
    for (name, path, kind) in list(folder)? {
        if is_generated(&name) {
            continue;
        }
        let inside = format!("{inside}/{name}");
        if kind.is_dir() {
            walk(&path, &inside, depth + 1, left, files)?;
        } else if kind.is_file() {
            *left =
                left.checked_sub(1).ok_or_else(|| ScanError::TooMany { path: folder.into() })?;
            let (sha256, _) = hash(&path)?;
            files.push(LocalFile { path: inside, sha256 });
        }
    }
    Ok(())
}

fn hash(path: &Path) -> Result<(Sha256, u64), ScanError> {
    let file = open_regular(path).map_err(unreadable(path))?;
    let (mut hasher, mut size) = (sha2::Sha256::new(), 0);
    hash_file(&file, |bytes| {
        hasher.update(bytes);
        size += bytes.len() as u64;
    })
    .map_err(unreadable(path))?;
    Ok((Sha256(hasher.finalize().into()), size))
}

/// A folder without anything that Python could run is no package.
fn package(root: &Path, name: String, files: Vec<LocalFile>) -> Result<Option<Package>, ScanError> {
    let is_code = |file: &LocalFile| CODE.iter().any(|end| file.path.ends_with(end));
    if !files.iter().any(is_code) {
        return Ok(None);
    }
    let mut hints: Vec<Version> = Vec::new();
    for file in files.iter().filter(|file| may_mention_version(&file.path)) {
        let path = root.join(&file.path);
        let Ok(text) = read_regular(&path, MAX_TEXT) else { continue };
        for version in mentioned_versions(&String::from_utf8_lossy(&text)) {
            if hints.len() < MAX_HINTS && !hints.contains(&version) {
                hints.push(version);
            }
        }
    }
    Ok(Some(Package { name, files, recorded: None, hints }))
}

fn may_mention_version(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let depth = path.matches('/').count();
    depth == 0
        || depth == 1
            && (name.contains("version")
                || matches!(name, "__init__.py" | "__about__.py" | "__meta__.py"))
}

/// `__version__ = "1.2"` and its like, at the beginning of a line.
fn mentioned_versions(text: &str) -> Vec<Version> {
    let assigned = |line: &str| {
        let (name, value) = line.split_once('=')?;
        let name = name.split(':').next()?.trim().to_ascii_lowercase();
        if !matches!(name.as_str(), "__version__" | "version" | "_version") {
            return None;
        }
        let start = value.find(['"', '\''])?;
        let quote = value.get(start..=start)?;
        value.get(start + 1..)?.split(quote).next()?.trim().parse::<Version>().ok()
    };
    text.lines().filter_map(assigned).take(MAX_HINTS).collect()
}

fn look_at_file(
    root: &Path,
    name: String,
    path: PathBuf,
    vendored: &mut Vendored,
) -> Result<(), ScanError> {
    if ARCHIVES.iter().any(|end| name.to_ascii_lowercase().ends_with(end)) {
        match DistributionFilename::parse(&name) {
            Ok(filename) => {
                let (sha256, size) = hash(&path)?;
                vendored.distributions.push(Distribution { filename, path, sha256, size });
            }
            Err(error) => {
                let shown = path.display().to_string();
                let message =
                    format!("`{}` does not say which release it is", shown.escape_debug());
                let problem = Problem::new("vendored-unknown", Class::Rejected, message);
                vendored.unusable.push(problem.with_detail(error.to_string()));
            }
        }
    } else if name.to_ascii_lowercase().ends_with(".txt") {
        let text = read_regular(&path, MAX_TEXT).unwrap_or_default();
        vendored.listed.extend(listed(&String::from_utf8_lossy(&text)));
    } else if CODE.iter().any(|end| name.ends_with(end))
        && !matches!(name.as_str(), "__init__.py" | "conftest.py")
    {
        let (sha256, _) = hash(&path)?;
        let files = vec![LocalFile { path: name.clone(), sha256 }];
        vendored.packages.extend(package(root, name, files)?);
    }
    Ok(())
}

/// Lines `name==version` of a list; everything else in it says nothing here.
fn listed(text: &str) -> Vec<(ProjectName, Version)> {
    let release = |line: &str| {
        let line = line.split('#').next()?.split(';').next()?;
        let (name, version) = line.split_once("==")?;
        let name = name.split('[').next()?.trim();
        let version = version.trim_start().split([' ', '\t', '\\', ',']).next()?;
        Some((ProjectName::parse(name).ok()?, version.trim().parse().ok()?))
    };
    text.lines().filter_map(release).take(MAX_FILES).collect()
}

/// Notes which folders and modules a release put there, as its RECORD says, or `top_level.txt`, or
/// its name.
fn read_dist_info(folder: &Path, owners: &mut Owners) -> Result<(), ScanError> {
    let path = folder.join("METADATA");
    let text = match read_regular(&path, MAX_TEXT) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(unreadable(&path))?,
    };
    let Ok(metadata) = CoreMetadata::parse(&text) else { return Ok(()) };
    let release = (metadata.name, metadata.version);
    let record = read_regular(&folder.join("RECORD"), MAX_RECORD).unwrap_or_default();
    let record = parse_record(&record).unwrap_or_default();
    if !record.is_empty() {
        for entry in record {
            owners.files.entry(entry.path).or_insert_with(|| release.clone());
        }
        return Ok(());
    }
    let mut names = Vec::new();
    let top_level = read_regular(&folder.join("top_level.txt"), MAX_TEXT).unwrap_or_default();
    for name in String::from_utf8_lossy(&top_level).lines().map(str::trim) {
        names.extend([name.to_owned(), format!("{name}.py")]);
    }
    if names.is_empty() {
        let name = release.0.as_str().replace('-', "_");
        names.extend([format!("{name}.py"), name]);
    }
    for name in names {
        owners.names.entry(name).or_insert_with(|| release.clone());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_mentions_are_read_leniently() {
        let text = "# a comment\nurllib3==1.26.18\n    idna == 3.6 ; x\nrequests[socks]==2.31.0 \\\n\
                    none\nbad name==1\nx==not a version\n";
        let found: Vec<String> =
            listed(text).iter().map(|(name, version)| format!("{name} {version}")).collect();
        assert_eq!(found, ["urllib3 1.26.18", "idna 3.6", "requests 2.31.0"]);
        let text = "__version__ = \"1.2\"\nVERSION: str = '1.3'\nversion = (1, 2)\n# __version__ = '9'\n\
                    __version__ = 'none'\nmy_version = '7'\n";
        let found: Vec<String> = mentioned_versions(text).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["1.2", "1.3"]);
    }

    #[test]
    fn what_is_a_package_and_what_is_not() {
        for (name, expect) in [
            ("requests", true),
            ("_internal", true),
            ("__pycache__", false),
            ("a-b", false),
            (".git", false),
            ("9to5", false),
            ("a b", false),
        ] {
            assert_eq!(is_importable(name), expect, "{name}");
        }
    }
}
