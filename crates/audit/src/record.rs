//! What a federation says that it released.
//!
//! Sources fill a [`Records`]; nothing of it comes from the index.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use countermark_packaging::digest::Sha256;
use countermark_packaging::name::ProjectName;
use jiff::Timestamp;

/// Everything that the sources of a federation know.
#[derive(Clone, Debug, Default)]
pub struct Records {
    /// By the name that a release has, or would have, on the index.
    pub projects: BTreeMap<ProjectName, ProjectRecords>,
    /// Which names of the index belong to one repository: what is missing under one name may be there
    /// under another.
    pub names_of_repository: BTreeMap<Arc<str>, BTreeSet<ProjectName>>,
    /// Up to when the records speak; what was uploaded later is not judged by them.
    pub date: Option<RecordsDate>,
    /// The release cycles that the records know, in the order of their releases.
    pub series: Vec<Series>,
    /// What could not be read, each with its place; the rest was read.
    pub problems: Vec<RecordProblem>,
    /// What was taken for granted while reading, a sentence each.
    pub assumptions: Vec<String>,
    /// The sources that were read, one line each.
    pub sources: Vec<String>,
}

/// Up to when records speak, and how that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordsDate {
    /// The moment.
    pub at: Timestamp,
    /// For people: `commit 02df7c9a3cc3`, `newest official upload`.
    pub from: String,
}

/// A release cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// `rocky`.
    pub name: Arc<str>,
    /// The day of its first final release.
    pub released: Option<Timestamp>,
    /// After it nothing is released from this cycle any more.
    pub ended: Option<Timestamp>,
}

/// One project of the records.
#[derive(Clone, Debug, Default)]
pub struct ProjectRecords {
    /// In the order in which the source lists them.
    pub releases: Vec<OfficialRelease>,
    /// The units of the federation's own files that this project is part of.
    pub deliverables: BTreeSet<Arc<str>>,
    /// The source repositories, such as `openstack/heat`.
    pub repositories: BTreeSet<Arc<str>>,
    /// Who answers for it.
    pub team: Option<Arc<str>>,
    /// Whether the federation still releases it.
    pub standing: Standing,
    /// Whether its releases are meant to be on the index.
    pub publishes: Publishes,
    /// A source lists it that is taken as complete up to now, such as the tags of a clone: what is
    /// newer than other records is judged all the same.
    pub up_to_now: bool,
}

/// Whether a federation still releases a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    #[default]
    Live,
    /// Nobody works on it; the name is still the federation's.
    Abandoned {
        /// Also taken out of the federation's governance, with the day where it is known.
        retired: Option<Timestamp>,
    },
    /// Taken out of the federation's governance.
    Retired {
        /// The day, where it is known.
        on: Option<Timestamp>,
    },
}

impl Standing {
    /// The day on which the project was taken out of governance.
    #[must_use]
    pub fn retired_on(&self) -> Option<Timestamp> {
        match self {
            Self::Live => None,
            Self::Abandoned { retired } => *retired,
            Self::Retired { on } => *on,
        }
    }
}

/// Whether the releases of a project are meant to be on the index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Publishes {
    /// The records name a job or a setting that uploads them.
    Yes,
    /// The records say that they are not uploaded, or that somebody else does it.
    No,
    /// Nothing is said.
    #[default]
    Unknown,
}

/// One release of the records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfficialRelease {
    /// As written: `v0.4.0`, `0.3.rc1`.
    pub version: Box<str>,
    /// The repository that it was made from.
    pub repository: Option<Arc<str>>,
    /// The commit that was approved.
    pub commit: Option<Commit>,
    /// The cycle.
    pub series: Option<Arc<str>>,
    /// When it was approved (for a tag: when it was made).
    pub approved: Option<Timestamp>,
    /// How the records know it.
    pub known: Known,
    /// Files that the record names; empty when it names none.
    pub files: Vec<OfficialFile>,
    /// A job that was run again rebuilds: other bytes than the index's have an honest reason here.
    pub expects_rebuild: bool,
    /// Where it stands: `deliverables/rocky/heat.yaml:40`.
    pub place: Option<Arc<str>>,
}

impl OfficialRelease {
    /// A listed release of which nothing but the version is known.
    #[must_use]
    pub fn new(version: &str) -> Self {
        Self {
            version: version.into(),
            repository: None,
            commit: None,
            series: None,
            approved: None,
            known: Known::Listed,
            files: Vec::new(),
            expects_rebuild: false,
            place: None,
        }
    }
}

/// How the records know a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Known {
    /// It is listed today.
    Listed,
    /// It was listed once, and edited away since: a fact, not an alarm.
    OnceListed,
    /// Only a tag of the repository names it: it explains a release, it does not ask for one.
    Tagged {
        /// With a signature in the tag. Whether it is good is not known here.
        signed: bool,
    },
}

/// A file that a record names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfficialFile {
    /// A single path component.
    pub filename: Box<str>,
    /// Of the bytes, as the record says or as they were computed from the publisher's own copy.
    pub sha256: Option<Sha256>,
    /// In bytes.
    pub size: Option<u64>,
    /// What is known of the signature beside it.
    pub signature: Signature,
}

/// The signature beside a file on the publisher's own host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Signature {
    /// The source has no signatures, or they were not asked for.
    #[default]
    NotLooked,
    /// The source has signatures, and this file has none.
    Missing,
    /// Good at the time that the record gives for it.
    Good {
        /// Fingerprint of the certificate, lower-case hexadecimal.
        signer: String,
    },
    /// Refused, with the reason.
    Bad {
        /// Stable name, such as `expired-then` or `sha1`.
        code: &'static str,
        /// For people.
        reason: String,
    },
    /// It is there and could not be checked, with the reason (built without the feature `openpgp`).
    Unchecked {
        /// For people.
        reason: String,
    },
}

/// A git object name: 20 or 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Commit {
    bytes: [u8; 32],
    length: u8,
}

impl Commit {
    /// Reads 40 or 64 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let length = text.len() / 2;
        if !matches!(text.len(), 40 | 64) {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let high = char::from(digits[0]).to_digit(16)?;
            let low = char::from(digits[1]).to_digit(16)?;
            *byte = u8::try_from(high * 16 + low).ok()?;
        }
        Some(Self { bytes, length: u8::try_from(length).ok()? })
    }

    /// Whether a name, which may be abbreviated to 7 digits or more, can mean this commit.
    #[must_use]
    pub fn matches(&self, abbreviated: &str) -> bool {
        abbreviated.len() >= 7 && self.to_string().starts_with(&abbreviated.to_ascii_lowercase())
    }
}

impl fmt::Display for Commit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes[..usize::from(self.length)]
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Commit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Something in the records that could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordProblem {
    /// The file, as the source calls it.
    pub file: String,
    /// Line and column, from 1, where they are known.
    pub position: Option<(u32, u32)>,
    /// What is wrong; lower case, no full stop.
    pub message: String,
}

impl Records {
    /// The records of a project, made when there are none.
    pub fn project(&mut self, name: &ProjectName) -> &mut ProjectRecords {
        self.projects.entry(name.clone()).or_default()
    }

    /// Remembers that releases of a repository go by this name.
    pub fn connect(&mut self, repository: &Arc<str>, name: &ProjectName) {
        self.names_of_repository.entry(repository.clone()).or_default().insert(name.clone());
        self.project(name).repositories.insert(repository.clone());
    }

    /// The records speak at least up to this moment.
    pub fn reach(&mut self, date: RecordsDate) {
        if self.date.as_ref().is_none_or(|known| known.at < date.at) {
            self.date = Some(date);
        }
    }
}
