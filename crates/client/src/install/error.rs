//! Why an environment was not changed, and what that is for the user.

use std::io;
use std::path::PathBuf;

use countermark_trust::Class;

use super::journal::JournalError;
use super::stage::StageError;
use crate::package::generated::GenerateError;
use crate::report::Problem;
use crate::store::StoreError;
use crate::venv::VenvError;

/// Everything that can end an install after all packages were gathered.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// Files could not be put into staging.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// The change itself failed, and was undone.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A launcher could not be written.
    #[error("`{project}`: {source}")]
    Generate {
        /// Whose launcher.
        project: String,
        /// Why.
        source: GenerateError,
    },
    /// The new environment could not be made.
    #[error(transparent)]
    Venv(#[from] VenvError),
    /// The store failed while something was made again in it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file system said no.
    #[error("cannot {action} `{path}`")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A folder that is neither empty nor an environment.
    #[error("`{path}` is not empty and not a virtual environment")]
    NotAnEnvironment {
        /// The folder.
        path: PathBuf,
    },
    /// A folder in which an environment would be made, and that others own or can write.
    #[error("`{path}` is not ours alone")]
    Foreign {
        /// The folder.
        path: PathBuf,
    },
    /// An entry of the store turned out to be something else, and is gone: gather again.
    #[error("the stored copy of `{wheel}` was altered")]
    Evicted {
        /// The wheel.
        wheel: String,
    },
    /// Checks of the environment itself said no.
    #[error("{} of the environment's packages cannot be changed", .0.len())]
    Refused(Vec<Problem>),
}

impl InstallError {
    /// As problems for the user, at least one.
    #[must_use]
    pub fn into_problems(self) -> Vec<Problem> {
        let problem = match &self {
            Self::Refused(_) => None,
            Self::Stage(error) => Some(Problem::of(error.code(), error.class(), error)),
            Self::Journal(error) => {
                let problem = Problem::of(error.code(), error.class(), error);
                Some(match error.hint() {
                    Some(hint) => problem.with_hint(hint),
                    None => problem,
                })
            }
            Self::Generate { .. } => Some(Problem::of("bad-command", Class::Rejected, &self)),
            Self::Venv(error) => {
                let problem = Problem::of("venv", error.class(), error);
                Some(match error.hint() {
                    Some(hint) => problem.with_hint(hint),
                    None => problem,
                })
            }
            Self::Store(error) => Some(Problem::of(error.code(), error.class(), error)),
            Self::Io { source, .. } => {
                Some(Problem::of(io_code(source), Class::Unavailable, &self))
            }
            Self::NotAnEnvironment { .. } => {
                let hint = "name another folder, or remove this one";
                Some(Problem::of("not-an-environment", Class::Usage, &self).with_hint(hint))
            }
            Self::Foreign { .. } => {
                let hint = "an environment would be made in it; look whose it is, and remove it";
                Some(Problem::of("foreign-folder", Class::Unavailable, &self).with_hint(hint))
            }
            Self::Evicted { .. } => Some(Problem::of("store-altered", Class::Rejected, &self)),
        };
        match (problem, self) {
            (Some(problem), _) => vec![problem],
            (None, Self::Refused(problems)) => problems,
            (None, _) => Vec::new(),
        }
    }
}

fn io_code(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull => "disk-full",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => "no-permission",
        io::ErrorKind::Interrupted => "interrupted",
        _ => "environment-io",
    }
}

/// Wraps an I/O error with what was tried.
pub(crate) fn failed(
    action: &'static str,
    path: impl Into<PathBuf>,
) -> impl FnOnce(io::Error) -> InstallError {
    let path = path.into();
    move |source| InstallError::Io { action, path, source }
}
