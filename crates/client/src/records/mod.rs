//! Where official records are read from: a folder, a git checkout, a host.
//!
//! This is the side of effects of `countermark_audit::source`: what is read here is bounded in size
//! and number, never leaves the place that was named, and is not judged. A git checkout is read
//! through the program `git`, which is told to run nothing and to fetch nothing, whatever the
//! repository's own configuration says.

mod folder;
pub(crate) mod git;
mod host;
mod remembered;

use std::path::Path;
use std::sync::Arc;

use countermark_audit::federation::RecordsEntry;
use countermark_audit::source::{Documents, SourceError};
use url::Url;

pub use folder::FolderDocuments;
pub use git::{GitDocuments, file_at};
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

#[cfg(test)]
mod tests {
    use countermark_packaging::lock::Place;

    use super::*;

    fn opened(path: Option<&str>, url: Option<&str>, base: &Path) -> Result<String, String> {
        let place = Place { file: "federation.toml".into(), line: 3, column: 1, span: 0..0 };
        let entry = RecordsEntry {
            kind: "table".into(),
            path: path.map(str::to_owned),
            url: url.map(str::to_owned),
            project: None,
            settings: std::collections::BTreeMap::new(),
            place,
        };
        let client = Arc::new(Client::new(crate::http::Options::default(), Arc::default()));
        documents_of(&entry, base, &client, None)
            .map(|documents| documents.root().to_owned())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn an_entry_is_at_a_path_or_at_a_url() {
        let base = Path::new("/federation");
        assert_eq!(opened(Some("x"), None, base).unwrap(), "/federation/x");
        assert_eq!(opened(Some("/x"), None, base).unwrap(), "/x");
        assert_eq!(opened(None, None, base).unwrap(), "/federation/");
        let url = "https://user:secret@h.example.org/t";
        assert_eq!(opened(None, Some(url), base).unwrap(), "https://user:****@h.example.org/t");
        let refused = |path, url| opened(path, Some(url), base).unwrap_err();
        let start = "the setting `url` of the `table` records (federation.toml:3:1): ";
        let check = |found: String, expect: &str| {
            assert!(found.starts_with(start) && found.contains(expect), "{found}");
        };
        check(refused(Some("x"), url), "there is a `path` too; one of them is read");
        check(refused(None, "ftp://h.example.org/t"), "is not the address of a folder");
        check(refused(None, "user:secret@[h"), "`****@[h` is not the address");
    }

    #[test]
    fn a_checkout_is_read_through_git() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| documents(&folder.path().join(path), None);
        std::fs::create_dir_all(folder.path().join("plain")).unwrap();
        std::fs::create_dir_all(folder.path().join("clone/.git")).unwrap();
        assert!(at("plain").tags().unwrap().is_none());
        // A `.git` that is none is not passed over as if nothing were there.
        assert!(at("clone").tags().is_err());
    }
}
