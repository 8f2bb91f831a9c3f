//! A pin, whichever lock it is in.

use std::collections::BTreeSet;
use std::fmt;

use countermark_packaging::digest::Digest;
use countermark_packaging::filename::SdistFilename;
use countermark_packaging::lock::document::{LockDocument, LockPackage, LockSource};
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use countermark_trust::policy::AllowedIndex;

use crate::pins::{PinnedSource, Pins};

/// One release that a lock pins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The project.
    pub project: ProjectName,
    /// The release; none where the lock does not tell it.
    pub version: Option<Version>,
    /// From where.
    pub source: Source,
    /// The files, as far as the lock names them.
    pub files: BTreeSet<FileId>,
    /// Who held which role when the pin was written; empty where nobody knows.
    pub roles: Vec<String>,
}

/// Where a pin comes from, without credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// An index; none where the lock does not say which.
    Index(Option<String>),
    /// A URL or path that names one file, a folder, or a commit.
    Direct(String),
}

/// A file of a pin.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId {
    /// Its name; none in formats that list digests alone.
    pub name: Option<String>,
    /// Its digests as `algorithm:hex`, the strongest first; empty where the lock has none.
    pub digest: String,
}

impl Pin {
    /// The version, for people.
    #[must_use]
    pub fn shown_version(&self) -> String {
        self.version.as_ref().map_or("of no version".to_owned(), ToString::to_string)
    }

    /// By version, and among equal ones by what else they say.
    pub(super) fn order(&self) -> (Option<Version>, String, Vec<FileId>) {
        (self.version.clone(), self.source.to_string(), self.files.iter().cloned().collect())
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.version == other.version
            && self.source.is_same(&other.source)
            && files_beyond(self, other).is_empty()
            && files_beyond(other, self).is_empty()
    }

    /// Whether a source distribution would be used, because no wheel is named; none where the lock
    /// names no file.
    #[must_use]
    pub fn has_source(&self) -> Option<bool> {
        let names: Vec<&str> = self.files.iter().filter_map(|it| it.name.as_deref()).collect();
        if names.is_empty() || names.len() < self.files.len() {
            return None;
        }
        let is_source = |name: &&str| SdistFilename::parse_for(&self.project, name).is_ok();
        Some(names.iter().all(is_source))
    }
}

impl Source {
    /// Whether both are one place. A lock that does not say from which index contradicts none.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Index(Some(one)), Self::Index(Some(two))) => {
                one == two || AllowedIndex::parse(one).is_some_and(|one| one.is(two))
            }
            (Self::Index(_), Self::Index(_)) => true,
            (Self::Direct(one), Self::Direct(two)) => one == two,
            _ => false,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(Some(index)) => formatter.write_str(index),
            Self::Index(None) => formatter.write_str("an index"),
            Self::Direct(place) => formatter.write_str(place),
        }
    }
}

/// Files of one pin that the other does not have. Where one of them gives digests without names, the
/// digests alone are compared.
pub(super) fn files_beyond(one: &Pin, other: &Pin) -> Vec<FileId> {
    let has = |file: &FileId| {
        other.files.iter().any(|theirs| match (&file.name, &theirs.name) {
            (Some(name), Some(their)) if file.digest.is_empty() || theirs.digest.is_empty() => {
                name == their
            }
            (Some(name), Some(their)) => name == their && file.digest == theirs.digest,
            _ => file.digest == theirs.digest,
        })
    };
    one.files.iter().filter(|file| !has(file)).cloned().collect()
}

/// Whether a file of the same name has another digest of the same algorithm.
pub(super) fn has_replaced(before: &Pin, after: &Pin) -> bool {
    let algorithm = |file: &FileId| file.digest.split(':').next().map(str::to_owned);
    let is_replaced = |was: &FileId| {
        after.files.iter().any(|is| {
            was.name.is_some()
                && was.name == is.name
                && !was.digest.is_empty()
                && algorithm(was) == algorithm(is)
                && was.digest != is.digest
        })
    };
    // A lock may list one name with several digests; then a new one beside the old is no replacement.
    let still_there = |was: &FileId| after.files.contains(was);
    before.files.iter().any(|was| is_replaced(was) && !still_there(was))
}

/// The pins of a lock of ours.
#[must_use]
pub fn pins_of(pins: &Pins) -> Vec<Pin> {
    let pinned = pins.releases.iter().map(|release| Pin {
        project: release.project.clone(),
        version: Some(release.version.clone()),
        source: match &release.source {
            PinnedSource::Index(index) => Source::Index(Some(index.clone())),
            PinnedSource::Url(place) | PinnedSource::Path(place) => Source::Direct(place.clone()),
        },
        files: release
            .files
            .iter()
            .map(|file| FileId {
                name: Some(file.filename.clone()),
                digest: Digest::from(file.sha256).to_string(),
            })
            .collect(),
        roles: release.roles.clone(),
    });
    pinned.collect()
}

/// The pins of anybody's lock. Folders are left out: they are the project itself.
#[must_use]
pub fn pins_of_document(document: &LockDocument) -> Vec<Pin> {
    document.packages.iter().filter_map(|package| pin_of(document, package)).collect()
}

fn pin_of(document: &LockDocument, package: &LockPackage) -> Option<Pin> {
    let source = match &package.source {
        LockSource::Index(Some(index)) => Source::Index(Some(index.clone())),
        LockSource::Index(None) => match document.indexes.as_slice() {
            // With several, the lock does not say which of them it was.
            [only] => Source::Index(Some(only.clone())),
            _ => Source::Index(None),
        },
        LockSource::Url(place) | LockSource::Path(place) => Source::Direct(place.clone()),
        LockSource::Vcs { url, commit } => {
            Source::Direct(format!("{url}@{}", commit.as_deref().unwrap_or("a branch or tag")))
        }
        LockSource::Directory { .. } => return None,
    };
    let files = package.files.iter().flat_map(|file| {
        // Each of several digests of one kind may be another file's, where files have no names.
        let mut digests: Vec<String> = file.digests.iter().map(ToString::to_string).collect();
        if file.name.is_some() {
            digests.sort_by_key(|digest| std::cmp::Reverse(digest.len()));
            digests.truncate(1);
        }
        if digests.is_empty() {
            digests.push(String::new());
        }
        digests.into_iter().map(|digest| FileId { name: file.name.clone(), digest })
    });
    Some(Pin {
        project: package.project.clone(),
        version: package.version.clone(),
        source,
        files: files.collect(),
        roles: Vec::new(),
    })
}
