//! What went wrong between a question and its answer, in the words of the resolver.

use countermark_audit::fact::FileKind;
use countermark_lock::catalogue::CatalogueError;
use countermark_packaging::digest::Digest;
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use countermark_trust::Class;

use crate::http::HttpError;
use crate::index::IndexError;
use crate::inside::InsideError;

/// A page.
pub(super) fn of_index(project: &ProjectName, error: &IndexError) -> CatalogueError {
    match error {
        IndexError::Quarantined { index, .. } => {
            CatalogueError::Quarantined { project: project.clone(), index: index.clone() }
        }
        _ => CatalogueError::Unavailable {
            code: error.code(),
            message: error.to_string(),
            class: error.class(),
            hint: error.hint().map(str::to_owned),
        },
    }
}

/// A file, or its metadata.
pub(super) fn of_http(what: &str, error: &HttpError) -> CatalogueError {
    CatalogueError::Unavailable {
        code: error.code(),
        message: format!("cannot read {what}: {error}"),
        class: error.class(),
        hint: error.hint().map(str::to_owned),
    }
}

/// Bytes that are not the promised ones. Shows both digests.
pub(super) fn mismatch(what: &str, expected: &[Digest], found: &Digest) -> CatalogueError {
    let expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
    let expected = expected.join(" or ");
    CatalogueError::Unavailable {
        code: "false-claim",
        message: format!("{what} is not what the index claims: expected {expected}, found {found}"),
        class: Class::Rejected,
        hint: Some("a mirror may be behind, or somebody changed one of the two".to_owned()),
    }
}

/// A file that does not say what it requires.
pub(super) fn of_inside(
    project: &ProjectName,
    version: &Version,
    error: &InsideError,
) -> CatalogueError {
    match error {
        InsideError::Read { source, .. } => CatalogueError::Unavailable {
            code: error.code(),
            message: format!("{error}: {source}"),
            class: error.class(),
            hint: None,
        },
        InsideError::TooLarge { .. }
        | InsideError::Zip { .. }
        | InsideError::Tar { .. }
        | InsideError::Limit { .. }
        | InsideError::Silent { .. }
        | InsideError::Contradiction { .. }
        | InsideError::Saying { .. } => bad_metadata(project, version, error.to_string()),
    }
}

/// What a release says cannot be used.
pub(super) fn bad_metadata(
    project: &ProjectName,
    version: &Version,
    reason: String,
) -> CatalogueError {
    CatalogueError::Metadata { project: project.clone(), version: version.clone(), reason }
}

/// A file of this machine. One that is not there was named wrongly.
pub(super) fn of_file(path: &std::path::Path, error: &std::io::Error) -> CatalogueError {
    let is_absent = error.kind() == std::io::ErrorKind::NotFound;
    CatalogueError::Unavailable {
        code: "file-unreadable",
        message: format!("cannot read `{}`: {error}", path.display()),
        class: if is_absent { Class::Usage } else { Class::Unavailable },
        hint: None,
    }
}

/// The user said stop.
pub(super) fn interrupted() -> CatalogueError {
    CatalogueError::Unavailable {
        code: "interrupted",
        message: "interrupted; nothing was changed".to_owned(),
        class: Class::Unavailable,
        hint: None,
    }
}

/// The thread that asks has ended.
pub(super) fn gone(reason: &str) -> CatalogueError {
    CatalogueError::Unavailable {
        code: "runtime",
        message: format!("the index cannot be asked: {reason}"),
        class: Class::Unavailable,
        hint: None,
    }
}

/// Whether a file name is that of a wheel.
pub(super) fn is_wheel(filename: &str) -> bool {
    FileKind::of(filename) == FileKind::Wheel
}
