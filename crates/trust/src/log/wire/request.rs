//! What a client asks: file names, releases, and what it saw last.

use std::collections::BTreeSet;

use countermark_packaging::filename::{SdistFilename, WheelFilename};
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use serde::{Deserialize, Serialize};

use super::{VERSION, WireError, check_count, check_version, read_json, write_json};
use crate::log::record::{Observation, check_file, shortened};

/// The most bytes of a request.
pub const MAXIMUM_REQUEST: usize = 4 << 20;

/// The most file names of a request.
pub const MAXIMUM_NAMES: usize = 20_000;

/// The most releases of a request; each is a search and not a single file.
pub const MAXIMUM_RELEASES: usize = 100;

const WHAT: &str = "the look-up";

/// What is asked of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LookupRequest {
    /// The size of the last checkpoint that was seen, 0 where there was none.
    pub seen: u64,
    /// Names of files, each once.
    pub files: BTreeSet<String>,
    /// Releases, of which every file is wanted, each once.
    pub releases: BTreeSet<Release>,
}

/// A release of a project.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    /// The project.
    pub project: ProjectName,
    /// The version.
    pub version: Version,
}

impl Release {
    /// Whether a record is about a file of this release. Both sides ask this, so that an honest log
    /// never sends what an honest client refuses.
    #[must_use]
    pub fn has(&self, record: &Observation) -> bool {
        *record.project() == self.project
            && release_of(&self.project, record.file()).is_some_and(|it| it == self.version)
    }
}

/// The version that the name of a file of this project says; none where the name has no known form.
#[must_use]
pub fn release_of(project: &ProjectName, file: &str) -> Option<Version> {
    if let Ok(wheel) = WheelFilename::parse(file) {
        return (wheel.name == *project).then_some(wheel.version);
    }
    SdistFilename::parse_for(project, file).ok().map(|sdist| sdist.version)
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    seen: u64,
    files: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    releases: Vec<ReleaseDocument>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReleaseDocument {
    project: String,
    version: String,
}

impl LookupRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// [`WireError`], also for a name that no record can have and for one that is there twice.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let document: Document = read_json(WHAT, bytes, MAXIMUM_REQUEST)?;
        check_version(WHAT, document.version)?;
        check_count(WHAT, "files", MAXIMUM_NAMES, document.files.len())?;
        check_count(WHAT, "releases", MAXIMUM_RELEASES, document.releases.len())?;
        let mut request = Self { seen: document.seen, ..Self::default() };
        for file in document.files {
            check_file(&file).map_err(|source| WireError::File { source })?;
            let found = file.clone();
            if !request.files.insert(file) {
                return Err(WireError::Twice { what: WHAT, found });
            }
        }
        for ReleaseDocument { project, version } in document.releases {
            let wrong = |field, found: &str| WireError::Value {
                what: WHAT,
                field,
                found: shortened(found),
            };
            let found = shortened(&format!("{project}=={version}"));
            let project = ProjectName::parse(&project).map_err(|_| wrong("project", &project))?;
            let version = version.parse().map_err(|_| wrong("version", &version))?;
            if !request.releases.insert(Release { project, version }) {
                return Err(WireError::Twice { what: WHAT, found });
            }
        }
        Ok(request)
    }

    /// The bytes to send.
    ///
    /// # Errors
    /// When a log would not read them: too many names, or one that no record can have.
    pub fn write(&self) -> Result<Vec<u8>, WireError> {
        check_count(WHAT, "files", MAXIMUM_NAMES, self.files.len())?;
        check_count(WHAT, "releases", MAXIMUM_RELEASES, self.releases.len())?;
        for file in &self.files {
            check_file(file).map_err(|source| WireError::File { source })?;
        }
        let releases = self.releases.iter().map(|release| ReleaseDocument {
            project: release.project.to_string(),
            version: release.version.to_string(),
        });
        let bytes = write_json(&Document {
            version: VERSION,
            seen: self.seen,
            files: self.files.iter().cloned().collect(),
            releases: releases.collect(),
        });
        let (maximum, found) = (MAXIMUM_REQUEST, bytes.len());
        if found > maximum {
            return Err(WireError::TooLarge { what: WHAT, maximum, found });
        }
        Ok(bytes)
    }

    /// Whether a record is an answer to it.
    #[must_use]
    pub fn asks_for(&self, record: &Observation) -> bool {
        self.files.contains(record.file()) || self.releases.iter().any(|it| it.has(record))
    }

    /// Whether nothing is asked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.releases.is_empty()
    }
}
