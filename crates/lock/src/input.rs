//! What a project wants, from the files in which people say it.
//!
//! Decides which requirements count: those of requirements files with all that they include, of the
//! chosen parts of a `pyproject.toml`, and of every project that these reach on this machine (a
//! workspace's members, `-e .`, sources with a path). Such projects are not locked themselves;
//! what they depend on is. Files are trusted for what they say, as the ones a person wrote; what is
//! in them and is not followed is told in [`Inputs::notes`].
//!
//! Markers are kept: they are asked per target. Paths are joined with `/`.

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::digest::Digest;
use countermark_packaging::lock::requirements::statements::{self, Statement, Subject};
use countermark_packaging::lock::requirements::{FileKind, LoadError, Loader, Root};
use countermark_packaging::lock::{FileOption, Place, SourceError, codes};
use countermark_packaging::name::{ExtraName, ProjectName};
use countermark_packaging::requirement::Requirement;
use countermark_packaging::version::VersionSpecifiers;

use crate::request::{Prereleases, Strategy};
use crate::wish::{Origin, Wish};

mod members;
mod pattern;
pub mod pyproject;
mod workspace;

#[cfg(test)]
mod tests;

pub use workspace::Projects;

/// The folders and files of the projects on this machine.
///
/// Paths are relative to the folder from which inputs are named, `/` between their parts; `..` may
/// occur at their beginning. Implementations may refuse to leave a folder.
pub trait Files {
    /// A file's bytes; `None` when there is no such file.
    ///
    /// # Errors
    /// When it is there and cannot be read, is too large, or may not be read.
    fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, LoadError>;

    /// The names of the folders directly inside a folder, in any order; of none that does not
    /// exist. Links need not be followed.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    fn folders(&mut self, path: &str) -> Result<Vec<String>, LoadError>;
}

/// What is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// What is wanted, in the order in which it is said; a requirement that is said twice is here
    /// twice.
    pub wishes: Vec<Wish>,
    /// Hold where the project is wanted at all.
    pub constraints: Vec<Wish>,
    /// Stand in place of every requirement of the project.
    pub overrides: Vec<Wish>,
    /// Digests that wishes and constraints give.
    pub expected: Vec<Expected>,
    /// Projects that are never taken: those that were asked for, and the names of `members`.
    pub excludes: BTreeSet<ProjectName>,
    /// Projects on this machine whose requirements are among the wishes, by the path of the folder.
    pub members: BTreeMap<String, Option<ProjectName>>,
    /// The versions of Python for which all of them are made.
    pub requires_python: Option<VersionSpecifiers>,
    /// Settings in requirements files.
    pub options: Vec<FileOption>,
    /// Names of indexes that `tool.uv.sources` gives to single projects.
    pub indexes: BTreeMap<ProjectName, (String, Place)>,
    /// What `tool.uv` says of how to resolve. The caller decides whether something says otherwise.
    pub told: Told,
    /// What was seen and is not followed.
    pub notes: Vec<String>,
}

/// The digests that a person gives for what a line asks for: each file that is pinned for it has to
/// have one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The line.
    pub requirement: Requirement,
    /// At least one.
    pub digests: Vec<Digest>,
    /// Where it stands.
    pub place: Place,
}

/// How to resolve, as `tool.uv` says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// `prerelease`.
    pub prereleases: Option<Prereleases>,
    /// `resolution`.
    pub strategy: Option<Strategy>,
    /// `exclude-newer`: a time, a day, or a length of time before now, as written.
    pub exclude_newer: Option<(String, Place)>,
    /// `exclude-newer-package`; `None` lifts the limit.
    pub exclude_newer_package: BTreeMap<ProjectName, (Option<String>, Place)>,
}

/// Which parts of a project are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// What the project itself depends on; not with `--only-group`.
    pub project: bool,
    /// Its extras.
    pub extras: Chosen<ExtraName>,
    /// Its dependency groups, besides the default ones.
    pub groups: Chosen<String>,
    /// The groups that are chosen when nobody says anything.
    pub default_groups: bool,
}

/// Some names, or all that there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen<T: Ord> {
    /// These.
    Named(BTreeSet<T>),
    /// All.
    All,
}

impl<T: Ord> Default for Chosen<T> {
    fn default() -> Self {
        Self::Named(BTreeSet::new())
    }
}

impl Default for Selection {
    fn default() -> Self {
        Self {
            project: true,
            extras: Chosen::default(),
            groups: Chosen::default(),
            default_groups: true,
        }
    }
}

/// Reads requirements files and a project, in any combination. `project` is the path of a
/// `pyproject.toml`.
///
/// # Errors
/// Everything that is wrong, in the order in which files are read.
pub fn read(
    roots: &[Root],
    project: Option<(&str, &Selection)>,
    loader: &mut dyn Loader,
    variables: &dyn Fn(&str) -> Option<String>,
    files: &mut dyn Files,
) -> Result<Inputs, Vec<SourceError>> {
    let mut errors = Vec::new();
    let mut projects = Projects::new(files);
    if let Some((path, selection)) = project {
        projects.choose(path, selection);
    }
    match statements::read(roots, loader, variables) {
        Ok(found) => {
            projects.inputs.options = found.options;
            for statement in found.statements {
                state(&mut projects, statement);
            }
        }
        Err(found) => errors.extend(found),
    }
    let (inputs, found) = projects.finish();
    errors.splice(0..0, found);
    if errors.is_empty() { Ok(inputs) } else { Err(errors) }
}

fn state(projects: &mut Projects<'_>, statement: Statement) {
    let Statement { kind, subject, digests, place } = statement;
    match subject {
        Subject::Requirement(requirement) => {
            if !digests.is_empty() {
                let (requirement, place) = (requirement.clone(), place.clone());
                projects.inputs.expected.push(Expected { requirement, digests, place });
            }
            let wish = Wish { requirement, origin: Origin::File { place, section: None } };
            match kind {
                FileKind::Requirements => projects.inputs.wishes.push(wish),
                FileKind::Constraints => projects.inputs.constraints.push(wish),
            }
        }
        Subject::Directory { path, extras, marker, .. } => {
            projects.want_folder(&path, &extras, marker.as_ref(), &place);
        }
    }
}

/// Something wrong, without a file's text at hand.
fn error(code: &'static str, message: impl Into<String>, place: Place) -> SourceError {
    SourceError { code, message: message.into(), place, hint: None }
}

/// A file that could not be had.
fn unloaded(found: LoadError, place: Place) -> SourceError {
    let code = if found.unavailable { codes::FILE_UNAVAILABLE } else { codes::FILE_UNREADABLE };
    error(code, found.message, place)
}

/// The start of a file.
fn start_of(file: &str) -> Place {
    Place { file: file.to_owned(), line: 1, column: 1, span: 0..0 }
}
