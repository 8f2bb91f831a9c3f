//! A review: what one person says of the files of one release, under their signature.

use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use jiff::civil::Date;

use crate::criteria::CriterionName;
use crate::file::FileId;

/// What a person says. Nothing of it counts before its signature was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// The project.
    pub project: ProjectName,
    /// The release.
    pub version: Version,
    /// The files that were looked at, sorted, each once; at least one.
    pub files: Vec<FileId>,
    /// What is said of them, sorted, each once; at least one.
    pub criteria: Vec<CriterionName>,
    /// What was read.
    pub how: How,
    /// Who, by the name under which a ledger has their keys: an address, as a rule.
    pub author: String,
    /// The day on which it was signed, in UTC.
    pub on: Date,
    /// The last day on which it counts, where the author set one.
    pub until: Option<Date>,
    /// For people; may have several lines.
    pub notes: String,
    /// The signature as it is written; none where there is none. See `signature`.
    pub signature: Option<String>,
}

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// All of the files.
    Full,
    /// The difference from files of another release. It counts where all of those meet the criteria.
    Delta {
        /// The other release.
        from: Version,
        /// Its files that were compared with, sorted, each once; at least one.
        files: Vec<FileId>,
    },
    /// Only the compiled extensions in these wheels, or how they were made: what the relation to a source
    /// distribution leaves over.
    Compiled,
}
