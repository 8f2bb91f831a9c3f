//! What moved between two releases of a project: evidence for the policy and for people.
//!
//! Compares what two distributions contain and say of themselves. Knows nothing about where they
//! are from; the contents were read from verified bytes by others.

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::version::Version;
use jiff::Timestamp;

mod compare;
mod kind;
mod lines;
#[cfg(test)]
mod tests;

pub use kind::KindReader;
pub use lines::{Line, lines};

/// What one release is like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Files by path as they are in the archive, without the folder of metadata, which has the
    /// version in its name.
    pub files: BTreeMap<String, ContentFile>,
    /// `name = module:function` of console and GUI scripts, and files of `scripts`.
    pub scripts: BTreeSet<String>,
    /// Importable names at the top.
    pub top_level: BTreeSet<String>,
    /// `Requires-Dist`, as written but normalised.
    pub requires: BTreeSet<String>,
    /// `Requires-Python`.
    pub requires_python: Option<String>,
    /// `License-Expression`, else `License`, else its classifiers.
    pub license: Option<String>,
    /// Bytes of the archive.
    pub size: u64,
}

/// A file in a distribution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentFile {
    /// Bytes.
    pub size: u64,
    /// BLAKE3 or SHA-256 of its bytes, the same kind on both sides.
    pub digest: [u8; 32],
    /// What kind of file it is, by its bytes rather than its name.
    pub kind: FileKind,
}

/// What a file can do when the package is installed or imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// Python source, data, documentation: text that a person can read.
    Text,
    /// Runs at every start of the interpreter: a `.pth` or `.start` file (PEP 829),
    /// `sitecustomize.py`, and what says where modules are (`pyvenv.cfg`, `._pth`).
    Pth,
    /// Machine code: ELF, Mach-O, PE, WebAssembly, static archives.
    Native,
    /// Bytes that nobody can read and that are no known harmless format: bytecode, encrypted or
    /// packed data, one very long line of encoded text in a program.
    Opaque,
    /// A known harmless binary, by its first bytes: pictures, fonts, sound, archives of data,
    /// translations. What hides in a well-formed one is not seen.
    Binary,
}

/// What moved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// From.
    pub before: Option<Version>,
    /// When the release before was uploaded.
    pub before_uploaded: Option<Timestamp>,
    /// Bytes of the archives, before and after.
    pub sizes: Option<(u64, u64)>,
    /// Paths that are new.
    pub added: Vec<String>,
    /// Paths that are gone.
    pub removed: Vec<String>,
    /// Paths of files that have other bytes.
    pub modified: Vec<String>,
    /// New or changed `.pth` files.
    pub pth: Vec<String>,
    /// New native files: a path that was not there, or was not native.
    pub native: Vec<String>,
    /// New opaque files.
    pub opaque: Vec<String>,
    /// New console scripts and GUI scripts.
    pub scripts: Vec<String>,
    /// Importable names that are new, and those that are gone.
    pub top_level: (Vec<String>, Vec<String>),
    /// Requirements that are new, and those that are gone.
    pub requires: (Vec<String>, Vec<String>),
    /// Other projects than before among the requirements.
    pub new_dependencies: Vec<String>,
    /// Licences, where they differ.
    pub license: Option<(Option<String>, Option<String>)>,
    /// Roles, where both are known and differ: new, gone. `None` is unknown.
    pub roles: Option<(Vec<String>, Vec<String>)>,
}
