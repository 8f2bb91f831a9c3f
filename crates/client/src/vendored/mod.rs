//! A folder of vendored packages, turned into releases: which files of an index they are, or are
//! copies of.
//!
//! Decides by bytes. A wheel or a source distribution is itself; a package that was unpacked is held
//! against the wheels of releases, file by file, and the release that agrees best is named, with
//! everything that differs. What the folder says of itself (`.dist-info`, lists such as
//! `vendor.txt`, `__version__`) only chooses which releases are looked at first. Wheels are
//! downloaded, hashed and unpacked by the same rules as for an installation; nothing in the folder
//! and nothing in a wheel is run, and links in the folder are not followed.

mod claimed;
mod compare;
mod identify;
mod scan;

use std::path::PathBuf;

use countermark_packaging::digest::Sha256;
use countermark_packaging::filename::DistributionFilename;
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;

use crate::report::Problem;

pub use compare::{Changed, Comparison};
pub use identify::{Context, OnIndex, Ported, identify, on_index};
pub use scan::{MAX_FILES, ScanError, scan};

/// What lies in a folder.
#[derive(Debug, Default)]
pub struct Vendored {
    /// Wheels and source distributions, by name.
    pub distributions: Vec<Distribution>,
    /// Packages and modules that were unpacked, by name.
    pub packages: Vec<Package>,
    /// Releases that lists in the folder name, in their order.
    pub listed: Vec<(ProjectName, Version)>,
    /// What cannot be a package and looks as if it should be one: archives without a usable name.
    pub unusable: Vec<Problem>,
}

/// A wheel or a source distribution.
#[derive(Clone, Debug)]
pub struct Distribution {
    /// Its name.
    pub filename: DistributionFilename,
    /// Where it lies.
    pub path: PathBuf,
    /// Digest of its bytes.
    pub sha256: Sha256,
    /// Number of its bytes.
    pub size: u64,
}

/// A package or module that was unpacked.
#[derive(Clone, Debug)]
pub struct Package {
    /// The folder's or file's name, as Python imports it.
    pub name: String,
    /// Its files, with `/` between components, from the vendored folder on.
    pub files: Vec<LocalFile>,
    /// The release that a `.dist-info` beside it names.
    pub recorded: Option<(ProjectName, Version)>,
    /// Versions that its own files mention.
    pub hints: Vec<Version>,
}

/// A file of the folder.
#[derive(Clone, Debug)]
pub struct LocalFile {
    /// From the vendored folder on.
    pub path: String,
    /// Digest of its bytes.
    pub sha256: Sha256,
}
