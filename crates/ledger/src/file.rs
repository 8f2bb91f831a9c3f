//! Which file: its digest decides, its name is for people.

use countermark_packaging::digest::Sha256;

/// A file of a release. Two are the same file when their digests are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId {
    /// The file name, which sorts a list of them as people do.
    pub name: String,
    /// SHA-256 of its bytes.
    pub digest: Sha256,
}
