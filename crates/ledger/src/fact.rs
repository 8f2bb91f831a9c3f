//! What was seen of releases at an index and in their files, written down so that a check needs no
//! network: `facts.toml`. Machines write it, people review it with the lock that it belongs to.

use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use jiff::civil::Date;

use crate::file::FileId;

/// All facts of a ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Who holds roles, by project, sorted.
    pub roles: Vec<Roles>,
    /// What is known of files, sorted by project, version and file name.
    pub files: Vec<FileFact>,
}

/// Who may release a project, as the index said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles {
    /// The project.
    pub project: ProjectName,
    /// Account names, sorted, without what they may do.
    pub accounts: Vec<String>,
    /// When the index was asked.
    pub on: Date,
}

/// What is known of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFact {
    /// The project.
    pub project: ProjectName,
    /// The release.
    pub version: Version,
    /// The file.
    pub file: FileId,
    /// The day of the upload, in UTC, as the index says; none where it does not.
    pub uploaded: Option<Date>,
    /// Who published it, as its provenance says; none where it has none. Nobody verified it yet: it is
    /// the index's word.
    pub publisher: Option<String>,
    /// The file of the release before with which it was compared; none where there was none.
    pub before: Option<FileId>,
    /// The publisher of that file.
    pub publisher_before: Option<String>,
    /// Native files, `.pth` files and other programs that start by themselves, which the file before did
    /// not have; all of them where there was no file before.
    pub adds: Vec<String>,
}
