//! What indexes say now about the projects of a lock: claims, to be held against the lock's.
//!
//! Of a project page only what concerns the locked releases is kept, so that a thousand projects
//! need no more memory than their locks.

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::digest::Digest;
use countermark_packaging::filename::{DistributionFilename, SdistFilename};
use countermark_packaging::name::ProjectName;
use countermark_packaging::simple::{File, ProjectPage, ProjectStatus};
use countermark_packaging::version::Version;
use jiff::Timestamp;

use super::location::host_of;

/// What is known of all projects. A project that is not in it was not asked for.
pub type Facts = BTreeMap<ProjectName, ProjectFacts>;

/// What is known of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProjectFacts {
    /// It could not be asked for.
    Unavailable {
        /// Why, in a sentence.
        reason: String,
    },
    /// What each index says that has it, in the order in which they count; none has it when this is
    /// empty.
    Known(Vec<IndexFacts>),
}

/// What one index says about a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndexFacts {
    /// The index, without credentials: its URL.
    pub index: String,
    /// PEP 792.
    pub status: ProjectStatus,
    /// Its files of the releases that are locked.
    pub files: Vec<ListedFile>,
    /// Whether it lists files of other releases.
    pub has_others: bool,
    /// The hosts that its files are on.
    pub hosts: BTreeSet<String>,
}

/// A file of a locked release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedFile {
    /// Its name.
    pub name: String,
    /// The release; none where the name does not tell it.
    pub version: Option<Version>,
    /// Whether it is a source distribution.
    pub is_source: bool,
    /// What the index claims.
    pub digests: Vec<Digest>,
    /// In bytes.
    pub size: Option<u64>,
    /// Yanked, with a reason that may be empty.
    pub yanked: Option<String>,
    /// When it was uploaded.
    pub uploaded: Option<Timestamp>,
}

/// Which files of a project are meant by some lock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Locked {
    /// Releases.
    pub versions: BTreeSet<Version>,
    /// Names of files.
    pub names: BTreeSet<String>,
}

impl IndexFacts {
    /// What a page says of what is locked.
    #[must_use]
    pub fn of(index: &str, page: &ProjectPage, project: &ProjectName, locked: &Locked) -> Self {
        let mut facts =
            Self { index: index.to_owned(), status: page.status.clone(), ..Self::default() };
        for file in &page.files {
            facts.hosts.extend(host_of(&file.url));
            let (version, is_source) = release_of(project, &file.filename);
            let is_locked = version.as_ref().is_some_and(|it| locked.versions.contains(it))
                || locked.names.contains(&file.filename);
            if is_locked {
                facts.files.push(listed(file, version, is_source));
            } else {
                facts.has_others = true;
            }
        }
        facts
    }
}

fn listed(file: &File, version: Option<Version>, is_source: bool) -> ListedFile {
    ListedFile {
        name: file.filename.clone(),
        version,
        is_source,
        digests: file.digests.clone(),
        size: file.size,
        yanked: file.yanked.clone(),
        uploaded: file.upload_time.as_deref().and_then(|time| time.parse().ok()),
    }
}

/// The release that a file name belongs to, and whether it is a source distribution.
pub(super) fn release_of(project: &ProjectName, filename: &str) -> (Option<Version>, bool) {
    if let Ok(name) = SdistFilename::parse_for(project, filename) {
        return (Some(name.version), true);
    }
    match DistributionFilename::parse(filename) {
        Ok(name) => {
            let is_source = matches!(name, DistributionFilename::Sdist(_));
            ((name.name() == project).then(|| name.version().clone()), is_source)
        }
        Err(_) => (None, !filename.ends_with(".whl")),
    }
}
