//! Two lists of files, and how they differ. Pure.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countermark_packaging::record::RecordEntry;
use countermark_trust::tree::{Scheme, TreeFile};

use super::Package;

/// Names of files that people copy from a `.dist-info` into the package, in capitals.
const LEGAL: [&str; 6] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "AUTHORS"];

/// How a vendored package differs from a release.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Files that are the same.
    pub same: usize,
    /// Those of them that are not empty: an empty file is the same everywhere.
    pub telling: usize,
    /// Files with other bytes.
    pub changed: Vec<Changed>,
    /// Files of the release that the copy leaves out.
    pub left_out: Vec<String>,
    /// Files of the copy that the release does not have.
    pub added: Vec<String>,
}

/// A file with other bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// From the vendored folder on.
    pub path: String,
    /// The position in the release's tree.
    pub position: usize,
}

impl Comparison {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.same > 0 && self.differences() == 0
    }

    /// How many files differ.
    #[must_use]
    pub fn differences(&self) -> usize {
        self.changed.len() + self.left_out.len() + self.added.len()
    }
}

/// A file of a release, in the folder of modules.
pub(super) struct Released<'a> {
    path: &'a str,
    /// In base64, as trees and RECORDs write it.
    sha256: Cow<'a, str>,
    is_empty: bool,
    /// In the tree.
    position: usize,
}

/// The files of an unpacked wheel.
pub(super) fn of_tree(tree: &[TreeFile]) -> Vec<Released<'_>> {
    let library = |file: &TreeFile| matches!(file.scheme, Scheme::Purelib | Scheme::Platlib);
    let files = tree.iter().enumerate().filter(|(_, file)| library(file));
    files
        .map(|(position, file)| Released {
            path: &file.path,
            sha256: Cow::Borrowed(&file.sha256),
            is_empty: file.size == 0,
            position,
        })
        .collect()
}

/// The files that a RECORD lists.
pub(super) fn of_record(record: &[RecordEntry]) -> Vec<Released<'_>> {
    let files = record.iter().enumerate().filter_map(|(position, entry)| {
        let sha256 = entry.digest.as_ref()?.as_sha256()?;
        let sha256 = Cow::Owned(URL_SAFE_NO_PAD.encode(sha256.0));
        Some(Released { path: &entry.path, sha256, is_empty: entry.size == Some(0), position })
    });
    files.collect()
}

/// Holds the files of a package against those that a release puts in the same place.
pub(super) fn compare(package: &Package, files: &[Released<'_>]) -> Comparison {
    let folder = format!("{}/", package.name);
    let is_of_package = |path: &str| path == package.name || path.starts_with(&folder);
    let mut release: BTreeMap<&str, &Released<'_>> = BTreeMap::new();
    let mut elsewhere: BTreeSet<&str> = BTreeSet::new();
    for file in files {
        if is_of_package(file.path) {
            release.insert(file.path, file);
        } else {
            elsewhere.insert(&file.sha256);
        }
    }
    let mut comparison = Comparison::default();
    for file in &package.files {
        let digest = URL_SAFE_NO_PAD.encode(file.sha256.0);
        match release.remove(file.path.as_str()) {
            Some(theirs) if theirs.sha256 == digest => {
                comparison.same += 1;
                comparison.telling += usize::from(!theirs.is_empty);
            }
            Some(theirs) => {
                let position = theirs.position;
                comparison.changed.push(Changed { path: file.path.clone(), position });
            }
            // A licence that was copied from the metadata of the very release is no change.
            None if is_legal(&file.path) && elsewhere.contains(digest.as_str()) => {}
            None => comparison.added.push(file.path.clone()),
        }
    }
    comparison.left_out = release.into_keys().map(str::to_owned).collect();
    comparison
}

fn is_legal(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_uppercase();
    LEGAL.iter().any(|legal| name.starts_with(legal))
}
