//! What is installed in an environment, as its `dist-info` folders tell, and what removing it means.
//!
//! Everything here was written by somebody else: reads are bounded, no link is followed below the
//! folders of the scheme, and what does not fit the form is reported as unknown instead of being
//! guessed at. Whether the files are the right ones is for `verify` to say.
//!
//! Follows "Recording installed projects"
//! (<https://packaging.python.org/en/latest/specifications/recording-installed-packages/>); names
//! and versions are taken from the folder's name, as `importlib.metadata` and pip do.

mod list;
mod uninstall;

use crate::system::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use countermark_packaging::metadata::{CoreMetadata, MetadataError};
use countermark_packaging::name::ProjectName;
use countermark_packaging::record::{RecordEntry, RecordError, parse_record};
use countermark_packaging::version::Version;
use countermark_trust::Class;

use crate::interpreter::Layout;
use crate::provenance::{self, Provenance};

pub use list::{ListedPackage, list_packages, render_columns, render_json};
pub use uninstall::{
    DiskListing, EntryKind, Listing, Refusal, Removal, UninstallError, plan_uninstall,
};

/// Names in one folder of packages; a large environment has a few thousand.
const MAX_NAMES: usize = 200_000;
/// The largest RECORD in use has some 5 MiB.
const MAX_RECORD: u64 = 64 << 20;
/// Readme texts are part of METADATA.
const MAX_METADATA: u64 = 16 << 20;
const MAX_SMALL: u64 = 64 << 10;

/// Why an environment or something in it cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// The file system said no, or a link stands where a file should.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
    /// More than anybody has.
    #[error("`{}` has more than {limit} {unit}", path.display())]
    TooLarge {
        /// The file or folder.
        path: PathBuf,
        /// The limit.
        limit: u64,
        /// Of what.
        unit: &'static str,
    },
    /// There is no `RECORD`.
    #[error("`{}` has no RECORD", path.display())]
    NoRecord {
        /// The `dist-info` folder.
        path: PathBuf,
    },
    /// The `RECORD` is not one.
    #[error("`{}`: {source}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: RecordError,
    },
    /// The `METADATA` is not one.
    #[error("`{}`: {source}", path.display())]
    Metadata {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: MetadataError,
    },
}

impl EnvironmentError {
    /// The table of exit codes.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Io { .. } | Self::TooLarge { .. } => Class::Unavailable,
            Self::NoRecord { .. } | Self::Record { .. } | Self::Metadata { .. } => Class::Rejected,
        }
    }
}

/// A package with a `dist-info` folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Normalised.
    pub name: ProjectName,
    /// From the folder's name or, where that is no version, from METADATA.
    pub version: Version,
    /// The `dist-info` folder, absolute.
    pub dist_info: PathBuf,
    /// The folder it lies in, which paths in RECORD are relative to.
    pub site: PathBuf,
}

/// Something that looks like a package and is not one that we can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// Where it lies.
    pub path: PathBuf,
    /// What it is.
    pub kind: UnknownKind,
}

/// Why a package is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownKind {
    /// An `.egg-info` file: installed by distutils, which recorded no files.
    Distutils,
    /// An `.egg-info` folder: installed by an old setuptools or pip.
    EggInfo,
    /// An `.egg` folder or archive of `easy_install`.
    Egg,
    /// An `.egg-link`: a working copy made known by `setup.py develop`.
    EggLink,
    /// A `dist-info` whose name is none, such as what an interrupted pip leaves behind.
    Name,
    /// A `dist-info` that is not a folder but a link or a file.
    NotAFolder,
}

impl UnknownKind {
    /// As a message says it.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::Distutils => "was installed by distutils, which recorded no files",
            Self::EggInfo => "was installed by an old setuptools",
            Self::Egg => "was installed by easy_install",
            Self::EggLink => "is a working copy (`setup.py develop`)",
            Self::Name => {
                "has a name that no installer gives, maybe left behind by one that was interrupted"
            }
            Self::NotAFolder => "is not a folder",
        }
    }
}

/// What is installed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// Sorted by name, then by folder.
    pub installed: Vec<Installed>,
    /// Sorted by path.
    pub unknown: Vec<Unknown>,
}

impl Environment {
    /// Packages of one project; more than one is a fault of the environment.
    pub fn of<'a>(&'a self, name: &'a ProjectName) -> impl Iterator<Item = &'a Installed> {
        self.installed.iter().filter(move |installed| installed.name == *name)
    }

    /// Projects that are installed more than once; which one is imported is anybody's guess.
    #[must_use]
    pub fn duplicates(&self) -> BTreeMap<&ProjectName, Vec<&Installed>> {
        let mut found: BTreeMap<&ProjectName, Vec<&Installed>> = BTreeMap::new();
        for installed in &self.installed {
            found.entry(&installed.name).or_default().push(installed);
        }
        found.retain(|_, installed| installed.len() > 1);
        found
    }
}

/// Reads which packages lie in the folders of a layout. A folder that is not there is empty.
///
/// # Errors
/// [`EnvironmentError`] when a folder cannot be listed.
pub fn read_environment(layout: &Layout) -> Result<Environment, EnvironmentError> {
    let mut environment = Environment::default();
    let mut seen = Vec::new();
    for site in layout.site_folders() {
        let metadata = match fs::metadata(site) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(io_error(site)(error)),
        };
        // `lib64` may be a link to `lib`.
        let identity = (metadata.dev(), metadata.ino());
        if !seen.contains(&identity) {
            seen.push(identity);
            read_site(site, &mut environment)?;
        }
    }
    environment
        .installed
        .sort_by(|left, right| (&left.name, &left.dist_info).cmp(&(&right.name, &right.dist_info)));
    environment.unknown.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(environment)
}

fn read_site(site: &Path, environment: &mut Environment) -> Result<(), EnvironmentError> {
    for (count, entry) in fs::read_dir(site).map_err(io_error(site))?.enumerate() {
        if count == MAX_NAMES {
            let (limit, unit) = (MAX_NAMES as u64, "entries");
            return Err(EnvironmentError::TooLarge { path: site.to_owned(), limit, unit });
        }
        let entry = entry.map_err(io_error(site))?;
        let name = entry.file_name();
        let Some((stem, extension)) = name.to_str().and_then(|name| name.rsplit_once('.')) else {
            continue;
        };
        let path = entry.path();
        let file_type = || entry.file_type().map_err(io_error(&path));
        let kind = match extension {
            "dist-info" if !file_type()?.is_dir() => UnknownKind::NotAFolder,
            "dist-info" => match read_installed(stem, &path, site) {
                Some(installed) => {
                    environment.installed.push(installed);
                    continue;
                }
                None => UnknownKind::Name,
            },
            "egg-info" if file_type()?.is_dir() => UnknownKind::EggInfo,
            "egg-info" => UnknownKind::Distutils,
            "egg-link" => UnknownKind::EggLink,
            "egg" => UnknownKind::Egg,
            _ => continue,
        };
        environment.unknown.push(Unknown { path, kind });
    }
    Ok(())
}

/// `name-version`; a version that cannot be read there may still be in METADATA (`1.0-1` becomes
/// `1.0_1` in a folder's name).
fn read_installed(stem: &str, path: &Path, site: &Path) -> Option<Installed> {
    let (name, version) = stem.split_once('-')?;
    let mut installed = Installed {
        name: ProjectName::parse(name).ok()?,
        version: Version::new([0]),
        dist_info: path.to_owned(),
        site: site.to_owned(),
    };
    installed.version = match Version::from_str(version) {
        Ok(version) => version,
        Err(_) => installed.read_metadata().ok()?.version,
    };
    Some(installed)
}

impl Installed {
    /// The files it says it has.
    ///
    /// # Errors
    /// [`EnvironmentError`]; without a RECORD, `NoRecord`.
    pub fn read_record(&self) -> Result<Vec<RecordEntry>, EnvironmentError> {
        let path = self.dist_info.join("RECORD");
        let bytes = self
            .read("RECORD", MAX_RECORD)?
            .ok_or_else(|| EnvironmentError::NoRecord { path: self.dist_info.clone() })?;
        parse_record(&bytes).map_err(|source| EnvironmentError::Record { path, source })
    }

    /// Its METADATA.
    ///
    /// # Errors
    /// [`EnvironmentError`]; a missing file is one that cannot be read.
    pub fn read_metadata(&self) -> Result<CoreMetadata, EnvironmentError> {
        let path = self.dist_info.join("METADATA");
        let bytes = self.read("METADATA", MAX_METADATA)?.unwrap_or_default();
        CoreMetadata::parse(&bytes).map_err(|source| EnvironmentError::Metadata { path, source })
    }

    /// Who installed it, the first line of `INSTALLER`.
    ///
    /// # Errors
    /// [`EnvironmentError`] when a file is there and cannot be read.
    pub fn read_installer(&self) -> Result<Option<String>, EnvironmentError> {
        let text = self.read_text("INSTALLER")?;
        let line = text.as_deref().and_then(|text| text.lines().next()).map(str::trim);
        Ok(line.filter(|line| !line.is_empty()).map(str::to_owned))
    }

    /// Was it asked for by name (`REQUESTED` is there), or came it as a dependency?
    #[must_use]
    pub fn is_requested(&self) -> bool {
        fs::symlink_metadata(self.dist_info.join("REQUESTED")).is_ok()
    }

    /// The text of `direct_url.json` (PEP 610).
    ///
    /// # Errors
    /// [`EnvironmentError`] when a file is there and cannot be read.
    pub fn read_direct_url(&self) -> Result<Option<String>, EnvironmentError> {
        self.read_text("direct_url.json")
    }

    /// What we wrote when we installed it; `None` when others did, or the record is not one of
    /// ours. It may have been changed, so it is to be compared and never believed.
    ///
    /// # Errors
    /// [`EnvironmentError`] when a file is there and cannot be read.
    pub fn read_provenance(&self) -> Result<Option<Provenance>, EnvironmentError> {
        Ok(self.read_text(provenance::FILENAME)?.as_deref().and_then(Provenance::parse))
    }

    fn read_text(&self, name: &str) -> Result<Option<String>, EnvironmentError> {
        let bytes = self.read(name, MAX_SMALL)?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// A file of the `dist-info` folder, `None` when it is not there.
    fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, EnvironmentError> {
        let path = self.dist_info.join(name);
        let flags = crate::system::fs::OFlags::NOFOLLOW | crate::system::fs::OFlags::NONBLOCK;
        // The flags fit: they are those of `open`.
        let flags = i32::try_from(flags.bits()).unwrap_or(0);
        let file = match fs::OpenOptions::new().read(true).custom_flags(flags).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error(&path)(error)),
        };
        if !file.metadata().map_err(io_error(&path))?.is_file() {
            return Err(io_error(&path)(io::ErrorKind::InvalidInput.into()));
        }
        let mut bytes = Vec::new();
        file.take(limit + 1).read_to_end(&mut bytes).map_err(io_error(&path))?;
        if bytes.len() as u64 > limit {
            return Err(EnvironmentError::TooLarge { path, limit, unit: "bytes" });
        }
        Ok(Some(bytes))
    }
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> EnvironmentError {
    let path = path.to_owned();
    move |source| EnvironmentError::Io { path, source }
}

#[cfg(test)]
mod tests;
