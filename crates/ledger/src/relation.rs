//! What two files of one release share: `relations.toml`.
//!
//! A relation is computed from the bytes of both files and can be computed again by anybody; it is
//! written down so that a check needs neither file. Imported ones do not count.

use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;

use crate::file::FileId;

/// That a review of one file says something about another file of the same release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// The project.
    pub project: ProjectName,
    /// The release.
    pub version: Version,
    /// The file that somebody may have reviewed.
    pub from: FileId,
    /// The file that it may cover.
    pub to: FileId,
    /// Files that both have, byte for byte.
    pub same: u32,
    /// Files that differ in a permitted way: metadata, generated version files.
    pub permitted: Vec<String>,
    /// Compiled extensions of `to`, which need a review of their own ([`crate::review::How::Compiled`]).
    pub compiled: Vec<String>,
    /// Files of `to` that nothing explains. Where there are any, `from` does not cover `to`.
    pub unexplained: Vec<String>,
}

impl Relation {
    /// Whether a review of `from` covers `to`, but for its compiled extensions.
    #[must_use]
    pub fn covers(&self) -> bool {
        self.unexplained.is_empty()
    }
}
