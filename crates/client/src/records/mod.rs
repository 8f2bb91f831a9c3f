//! Where official records are read from: a folder, a git checkout, a host.
//!
//! This is the side of effects of `countermark_audit::source`: what is read here is bounded in size
//! and number, never leaves the place that was named, and is not judged. A git checkout is read
//! through the program `git`, which is told to run nothing and to fetch nothing, whatever the
//! repository's own configuration says.

mod folder;
mod git;
mod host;
mod remembered;

use std::path::Path;
use std::sync::Arc;

use countermark_audit::federation::RecordsEntry;
use countermark_audit::source::{Documents, SourceError};
use url::Url;

pub use folder::FolderDocuments;
pub use git::GitDocuments;
pub use host::HostDocuments;

use crate::http::{Client, RedactedUrl};

/// Documents at a path: of a git repository where there is one, of a folder, or of one file with the
/// signatures beside it. What is derived from them is remembered below `cache`.
#[must_use]
pub fn documents(path: &Path, cache: Option<&Path>) -> Box<dyn Documents> {
    if git::is_repository(path) {
        Box::new(GitDocuments::new(path, cache))
    } else {
        Box::new(FolderDocuments::new(path, cache))
    }
}

/// Documents of an entry of `[[records]]`, whose path is relative to `base`.
///
/// # Errors
/// When its URL cannot be used, or it has both a path and a URL.
pub fn documents_of(
    entry: &RecordsEntry,
    base: &Path,
    client: &Arc<Client>,
    cache: Option<&Path>,
) -> Result<Box<dyn Documents>, SourceError> {
    let refused = |reason: String| SourceError::Setting {
        what: format!("the `{}` records ({})", entry.kind, entry.place),
        setting: "url".to_owned(),
        reason,
    };
    match (&entry.path, &entry.url) {
        (Some(_), Some(_)) => Err(refused("there is a `path` too; one of them is read".to_owned())),
        (path, None) => Ok(documents(&base.join(path.as_deref().unwrap_or_default()), cache)),
        (None, Some(text)) => {
            let shown = RedactedUrl::of_text(text);
            let url = Url::parse(text).map_err(|error| refused(format!("`{shown}`: {error}")))?;
            HostDocuments::new(&url, Arc::clone(client), cache)
                .map(|host| Box::new(host) as Box<dyn Documents>)
                .map_err(|error| refused(error.to_string()))
        }
    }
}
