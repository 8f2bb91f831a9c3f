//! What removing a package means: an exact list of files, worked out before anything is touched.
//!
//! RECORD was written by another program and may have been changed since, so a path in it is only
//! followed inside the scheme. One that leaves it, or leads through a link, or names the
//! interpreter's own files, refuses the whole removal; nothing is removed in part.
//!
//! As pip does, bytecode of a removed source goes with it (`__pycache__/name.*.pyc`, `name.pyc`,
//! `name.pyo`), and so do folders that become empty, up to the folders of the scheme. Off pip: files
//! that another package records too stay, bytecode of every interpreter and level goes, files that
//! lie unrecorded in the `dist-info` folder go, and a folder that RECORD names is not removed with
//! all that is in it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use countermark_packaging::record::RecordEntry;
use countermark_trust::Class;

use super::{EnvironmentError, Installed, Unknown, UnknownKind};
use crate::bytecode::PycName;
use crate::interpreter::{Interpreter, Layout};

/// Entries of one folder that are looked at.
const MAX_NAMES: usize = 200_000;
/// A `dist-info` folder has licences below it, not trees.
const MAX_DEPTH: usize = 16;

/// What lies at a path, links not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A file, or anything else that is removed by itself.
    File,
    /// A symbolic link.
    Link,
    /// A folder.
    Folder,
}

/// What the plan asks the disk.
pub trait Listing {
    /// What lies at a path, `None` for nothing. The last component is not followed.
    ///
    /// # Errors
    /// When the file system does not say.
    fn kind(&self, path: &Path) -> io::Result<Option<EntryKind>>;

    /// The names in a folder, in any order; none when there is no such folder.
    ///
    /// # Errors
    /// When the file system does not say, or there are too many.
    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>>;
}

/// The real disk.
#[derive(Clone, Copy, Debug)]
pub struct DiskListing;

impl Listing for DiskListing {
    fn kind(&self, path: &Path) -> io::Result<Option<EntryKind>> {
        match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_dir() => Ok(Some(EntryKind::Folder)),
            Ok(metadata) if metadata.is_symlink() => Ok(Some(EntryKind::Link)),
            Ok(_) => Ok(Some(EntryKind::File)),
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if is_absence(&error) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut names = Vec::new();
        for entry in entries {
            if names.len() == MAX_NAMES {
                return Err(io::Error::other("too many entries"));
            }
            names.push(entry?.file_name());
        }
        Ok(names)
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// What removing a package means. All paths are absolute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removal {
    /// Files and links to remove, sorted.
    pub files: Vec<PathBuf>,
    /// Folders that are empty then, each before the one it lies in.
    pub folders: Vec<PathBuf>,
    /// Recorded and not there.
    pub missing: Vec<PathBuf>,
    /// Recorded and left alone: another package has the file too, or it is a folder.
    pub kept: Vec<PathBuf>,
}

/// Why a recorded path is not removed, and nothing else is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It lies outside of every folder of the scheme.
    Outside,
    /// A folder on the way is a link.
    ThroughLink,
    /// It belongs to the interpreter or the environment itself.
    Protected,
}

impl Refusal {
    fn description(self) -> &'static str {
        match self {
            Self::Outside => "lies outside the environment",
            Self::ThroughLink => "leads through a link",
            Self::Protected => "belongs to the interpreter",
        }
    }
}

/// Why a package cannot be removed.
#[derive(Debug, thiserror::Error)]
pub enum UninstallError {
    /// RECORD names files that are not the package's to remove.
    #[error("`{name}` records files that are not its own: {}", describe(paths))]
    Refused {
        /// The project.
        name: String,
        /// Paths as recorded, with the reason, in the order of RECORD.
        paths: Vec<(String, Refusal)>,
    },
    /// There is no list of its files.
    #[error("`{}` {}", path.display(), kind.description())]
    Unknown {
        /// Where it lies.
        path: PathBuf,
        /// What it is.
        kind: UnknownKind,
    },
    /// RECORD cannot be read.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The disk does not say what is there.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
}

fn describe(paths: &[(String, Refusal)]) -> String {
    const SHOWN: usize = 20;
    let shown = paths.iter().take(SHOWN);
    let shown: Vec<String> =
        shown.map(|(path, refusal)| format!("{path:?} {}", refusal.description())).collect();
    let more = paths.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    shown.join(", ") + &more
}

impl From<&Unknown> for UninstallError {
    fn from(unknown: &Unknown) -> Self {
        Self::Unknown { path: unknown.path.clone(), kind: unknown.kind }
    }
}

impl UninstallError {
    /// The table of exit codes.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Refused { .. } => Class::Rejected,
            Self::Unknown { .. } => Class::Usage,
            Self::Environment(error) => error.class(),
            Self::Io { .. } => Class::Unavailable,
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Refused { .. } => Some("make a new environment with `--venv DIR`"),
            Self::Unknown { kind, .. } => Some(match kind {
                UnknownKind::Distutils => {
                    "remove it with the tool that installed it, or make a new environment"
                }
                UnknownKind::EggInfo | UnknownKind::Egg => "remove it with `pip uninstall`",
                UnknownKind::EggLink => "remove it with `pip uninstall` or `setup.py develop -u`",
                UnknownKind::Name | UnknownKind::NotAFolder => "look at it and remove it by hand",
            }),
            Self::Environment(EnvironmentError::NoRecord { .. }) => {
                Some("its INSTALLER file names the tool that installed it and can remove it")
            }
            Self::Environment(_) | Self::Io { .. } => None,
        }
    }
}

/// Works out what removing a package means.
///
/// `record` is what its RECORD says, `layout` where packages of the environment go, and `others`
/// the absolute paths that packages record which stay. `interpreter` is the environment's own; its
/// files are never removed.
///
/// # Errors
/// [`UninstallError::Refused`] with every path that is not the package's, or `Io`.
pub fn plan_uninstall(
    package: &Installed,
    record: &[RecordEntry],
    layout: &Layout,
    interpreter: &Interpreter,
    others: &BTreeSet<PathBuf>,
    listing: &dyn Listing,
) -> Result<Removal, UninstallError> {
    let mut plan = Plan {
        bounds: Bounds { layout, interpreter, roots: layout.roots() },
        listing,
        others,
        names: BTreeMap::new(),
        files: BTreeSet::new(),
        removal: Removal::default(),
    };
    let mut refused = Vec::new();
    for entry in record {
        if let Some(refusal) = plan.add_recorded(&package.site, &entry.path)? {
            refused.push((entry.path.clone(), refusal));
        }
    }
    if !refused.is_empty() {
        return Err(UninstallError::Refused { name: package.name.to_string(), paths: refused });
    }
    plan.add_folder_contents(&package.dist_info, 0)?;
    plan.finish()
}

struct Bounds<'a> {
    layout: &'a Layout,
    interpreter: &'a Interpreter,
    /// Longest first.
    roots: Vec<&'a Path>,
}

impl Bounds<'_> {
    fn root_of(&self, path: &Path) -> Option<&Path> {
        self.roots.iter().copied().find(|root| path.starts_with(root) && path != *root)
    }

    /// Files without which the environment is none.
    fn is_protected(&self, path: &Path) -> bool {
        let is_program = path.parent() == Some(&self.layout.scripts)
            && path.file_name().and_then(OsStr::to_str).is_some_and(is_interpreter_name);
        let is_site = self.layout.site_folders().iter().any(|site| path.starts_with(site));
        is_program
            || path == self.layout.data.join("pyvenv.cfg")
            || path == self.interpreter.executable()
            || path == self.interpreter.base_executable()
            || (path.starts_with(self.interpreter.standard_library()) && !is_site)
    }
}

/// `python`, `python3`, `python3.11`, `pythonw`, `python3.13t`.
fn is_interpreter_name(name: &str) -> bool {
    name.strip_prefix("python").is_some_and(|rest| {
        rest == "w"
            || rest.trim_end_matches('t').bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    })
}

struct Plan<'a> {
    bounds: Bounds<'a>,
    listing: &'a dyn Listing,
    others: &'a BTreeSet<PathBuf>,
    names: BTreeMap<PathBuf, Vec<OsString>>,
    files: BTreeSet<PathBuf>,
    removal: Removal,
}

impl Plan<'_> {
    /// Adds a path of RECORD, or says why it must not be.
    fn add_recorded(
        &mut self,
        site: &Path,
        recorded: &str,
    ) -> Result<Option<Refusal>, UninstallError> {
        let Some(path) = normalize(&site.join(recorded)) else {
            return Ok(Some(Refusal::Outside));
        };
        if self.bounds.is_protected(&path) {
            return Ok(Some(Refusal::Protected));
        }
        let Some(root) = self.bounds.root_of(&path) else {
            return Ok(Some(Refusal::Outside));
        };
        let folders: Vec<&Path> =
            path.ancestors().skip(1).take_while(|folder| *folder != root).collect();
        for folder in folders.into_iter().rev() {
            match self.kind(folder)? {
                Some(EntryKind::Folder) => {}
                Some(EntryKind::Link) => return Ok(Some(Refusal::ThroughLink)),
                Some(EntryKind::File) | None => break,
            }
        }
        if self.others.contains(&path) {
            self.removal.kept.push(path);
            return Ok(None);
        }
        match self.kind(&path)? {
            Some(EntryKind::Folder) => self.removal.kept.push(path.clone()),
            Some(EntryKind::File | EntryKind::Link) => {
                self.files.insert(path.clone());
            }
            None => self.removal.missing.push(path.clone()),
        }
        if path.extension() == Some(OsStr::new("py")) {
            self.add_bytecode(&path)?;
        }
        Ok(None)
    }

    /// Bytecode of a source that goes.
    fn add_bytecode(&mut self, source: &Path) -> Result<(), UninstallError> {
        let (Some(folder), Some(stem)) =
            (source.parent(), source.file_stem().and_then(OsStr::to_str))
        else {
            return Ok(());
        };
        for extension in ["pyc", "pyo"] {
            let beside = source.with_extension(extension);
            if self.kind(&beside)? == Some(EntryKind::File) && !self.others.contains(&beside) {
                self.files.insert(beside);
            }
        }
        let cache = folder.join("__pycache__");
        if self.kind(&cache)? != Some(EntryKind::Folder) {
            return Ok(());
        }
        for name in self.names(&cache)? {
            let is_ours = name
                .to_str()
                .and_then(PycName::parse)
                .is_some_and(|found| found.stem == stem && !found.cache_tag.is_empty());
            let path = cache.join(&name);
            if is_ours
                && !self.others.contains(&path)
                && self.kind(&path)? != Some(EntryKind::Folder)
            {
                self.files.insert(path);
            }
        }
        Ok(())
    }

    /// Everything in the `dist-info` folder: it is the package's alone.
    fn add_folder_contents(&mut self, folder: &Path, depth: usize) -> Result<(), UninstallError> {
        if depth > MAX_DEPTH {
            let source = io::Error::other("nested too deeply");
            return Err(UninstallError::Io { path: folder.to_owned(), source });
        }
        for name in self.names(folder)? {
            let path = folder.join(name);
            if self.kind(&path)? == Some(EntryKind::Folder) {
                self.add_folder_contents(&path, depth + 1)?;
            } else {
                self.files.insert(path);
            }
        }
        Ok(())
    }

    /// Adds the folders that become empty.
    fn finish(mut self) -> Result<Removal, UninstallError> {
        let mut candidates: BTreeSet<PathBuf> = BTreeSet::new();
        for file in self.files.iter().chain(&self.removal.missing) {
            if let Some(root) = self.bounds.root_of(file) {
                let folders = file.ancestors().skip(1).take_while(|folder| *folder != root);
                candidates.extend(folders.map(Path::to_path_buf));
            }
        }
        // Deepest first: a folder is decided after everything in it.
        let mut candidates: Vec<PathBuf> = candidates.into_iter().collect();
        candidates.sort_by_key(|folder| std::cmp::Reverse(folder.components().count()));
        let mut emptied: BTreeSet<PathBuf> = BTreeSet::new();
        for folder in candidates {
            if self.kind(&folder)? != Some(EntryKind::Folder)
                || self.bounds.roots.contains(&folder.as_path())
            {
                continue;
            }
            let names = self.names(&folder)?;
            let goes = |name: &OsString| {
                let path = folder.join(name);
                self.files.contains(&path) || emptied.contains(&path)
            };
            if names.iter().all(goes) {
                emptied.insert(folder.clone());
                self.removal.folders.push(folder);
            }
        }
        self.removal.files = self.files.into_iter().collect();
        Ok(self.removal)
    }

    fn kind(&self, path: &Path) -> Result<Option<EntryKind>, UninstallError> {
        self.listing
            .kind(path)
            .map_err(|source| UninstallError::Io { path: path.to_owned(), source })
    }

    /// Each folder is listed once.
    fn names(&mut self, folder: &Path) -> Result<Vec<OsString>, UninstallError> {
        if let Some(names) = self.names.get(folder) {
            return Ok(names.clone());
        }
        let names = self
            .listing
            .names(folder)
            .map_err(|source| UninstallError::Io { path: folder.to_owned(), source })?;
        self.names.insert(folder.to_owned(), names.clone());
        Ok(names)
    }
}

/// Takes `.` and `..` out of an absolute path by its text; `None` when it leads above the root.
fn normalize(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                if !normal.pop() {
                    return None;
                }
            }
            other => normal.push(other),
        }
    }
    Some(normal)
}
