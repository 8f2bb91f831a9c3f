//! What an index shows of a project, at one time.
//!
//! All of it is a claim of the index: evidence to compare, never the truth. Texts that do not parse
//! (versions, times, file names) are kept as they were written, so that a rule can report them.

use countermark_packaging::digest::Sha256;
use countermark_packaging::name::ProjectName;
use countermark_packaging::simple::StatusMarker;
use jiff::Timestamp;

pub mod from_page;
pub mod snapshot;

/// One project as the index had it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectFacts {
    /// Normalised.
    pub name: ProjectName,
    /// The name as the index spells it.
    pub shown_name: Option<String>,
    /// Whether the index has the project at all.
    pub presence: Presence,
    /// PEP 792; `Active` when the index says nothing.
    pub status: StatusMarker,
    /// Why, in the index's words.
    pub status_reason: Option<String>,
    /// In the order of the index.
    pub releases: Vec<IndexRelease>,
    /// Who may do what; `None` when the index does not say.
    pub roles: Option<Vec<Role>>,
    /// The organisation that owns the project there.
    pub organization: Option<String>,
    /// The number of the index's last change to the project.
    pub last_serial: Option<u64>,
    /// Entries that could not be used, and why, a line each: nothing is dropped in silence.
    pub unusable: Vec<String>,
}

/// Whether an index has a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It has a page.
    Present,
    /// The index says that there is no such project (404, 410).
    Absent,
    /// The index could not be asked, or its answer could not be used; the reason. Never the same as
    /// absent.
    Unread(String),
}

/// One version with its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexRelease {
    /// As written by the index, or as the file names have it.
    pub version: String,
    /// May be empty: a release that was registered without a file.
    pub files: Vec<IndexFile>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexFile {
    /// A single path component.
    pub filename: String,
    /// By what its name says.
    pub kind: FileKind,
    /// In bytes.
    pub size: Option<u64>,
    /// When it was uploaded.
    pub uploaded: Option<Timestamp>,
    /// As the index claims it.
    pub sha256: Option<Sha256>,
    /// Yanked, with a reason that may be empty (PEP 592).
    pub yanked: Option<String>,
    /// What the artifact says about its own origin, when it was looked into.
    pub inside: Option<Inside>,
}

/// The kinds of files that indexes have held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// A source distribution.
    Sdist,
    /// A wheel.
    Wheel,
    /// An egg, an installer, or anything else of old times.
    Other,
}

/// What was found inside an artifact whose bytes were seen, without running it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inside {
    /// The digest of the bytes that were looked into.
    pub sha256: Option<Sha256>,
    /// `Name` of its metadata, as written.
    pub name: Option<String>,
    /// `Version` of its metadata, as written.
    pub version: Option<String>,
    /// The git commit that it was built from, as it says (`pbr.json`, `direct_url.json`); hexadecimal,
    /// may be abbreviated.
    pub commit: Option<String>,
    /// Which file inside said so.
    pub commit_from: Option<String>,
}

/// One role of one account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Role {
    /// In the index's terms.
    pub kind: RoleKind,
    /// The account's name there, as written.
    pub account: String,
}

/// The roles that the index knows. An owner can do everything, also to the other roles; a
/// maintainer can upload.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoleKind {
    /// May upload, yank, delete, and change roles.
    Owner,
    /// May upload.
    Maintainer,
    /// A word that is not known here; counted as able to upload.
    Other(String),
}

impl RoleKind {
    /// The role with this name, in any case of letters.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        if text.eq_ignore_ascii_case("owner") {
            Self::Owner
        } else if text.eq_ignore_ascii_case("maintainer") {
            Self::Maintainer
        } else {
            Self::Other(text.to_owned())
        }
    }

    /// The index's word for it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Owner => "Owner",
            Self::Maintainer => "Maintainer",
            Self::Other(text) => text,
        }
    }
}

impl ProjectFacts {
    /// A project of which nothing is known yet but that the index has it.
    #[must_use]
    pub fn new(name: ProjectName, presence: Presence) -> Self {
        Self {
            name,
            shown_name: None,
            presence,
            status: StatusMarker::Active,
            status_reason: None,
            releases: Vec::new(),
            roles: None,
            organization: None,
            last_serial: None,
            unusable: Vec::new(),
        }
    }
}

impl IndexRelease {
    /// When the first file arrived.
    #[must_use]
    pub fn first_upload(&self) -> Option<Timestamp> {
        self.files.iter().filter_map(|file| file.uploaded).min()
    }

    /// Whether it has a file of this kind.
    #[must_use]
    pub fn has(&self, kind: FileKind) -> bool {
        self.files.iter().any(|file| file.kind == kind)
    }
}

impl FileKind {
    /// By the ending of a file's name.
    #[must_use]
    pub fn of(filename: &str) -> Self {
        let lower = filename.to_ascii_lowercase();
        let is_sdist = [".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar.xz", ".tar.z", ".tar"]
            .iter()
            .any(|ending| lower.ends_with(ending));
        if lower.ends_with(".whl") {
            Self::Wheel
        } else if is_sdist {
            Self::Sdist
        } else {
            Self::Other
        }
    }
}
