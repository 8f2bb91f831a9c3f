//! Where a ledger is, as people write it: `https://example.org/ledger`, `../other/ledger`,
//! `git+https://example.org/team/reviews@main#subdirectory=ledger`.

use std::path::{Path, PathBuf};

use countermark_trust::Class;
use url::Url;

use crate::http::RedactedUrl;
use crate::origin::is_loopback;

/// The folder of a ledger in a repository, where its address names none.
const IN_REPOSITORY: &str = "ledger";

/// Longest address, in bytes.
const MAXIMUM_LENGTH: usize = 2048;

/// Where a ledger is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A folder of a web server, without a slash at its end.
    Web(Url),
    /// A folder of this machine.
    Folder(PathBuf),
    /// A folder of a git repository.
    Git(GitAddress),
}

/// A folder of a git repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitAddress {
    /// As git has it.
    pub repository: String,
    /// A branch or tag; none for the only branch, `main` or `master`.
    pub revision: Option<String>,
    /// The ledger's folder; empty for the top.
    pub folder: String,
}

impl GitAddress {
    /// Without credentials.
    #[must_use]
    pub fn shown(&self) -> String {
        RedactedUrl::of_text(&self.repository).to_string()
    }
}

/// Why a text is no address of a ledger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{shown}` is no address of a ledger: {reason}")]
pub struct OriginError {
    shown: String,
    reason: &'static str,
}

impl OriginError {
    /// Who is at fault.
    #[must_use]
    pub const fn class(&self) -> Class {
        Class::Usage
    }
}

impl Origin {
    /// Reads an address; paths count from `base`.
    ///
    /// # Errors
    /// When it is none, or has a password in it: ledgers are shared, and their addresses with them.
    pub fn parse(text: &str, base: &Path) -> Result<Self, OriginError> {
        let shown = RedactedUrl::of_text(&text.chars().take(200).collect::<String>()).to_string();
        let refuse = |reason| OriginError { shown: shown.clone(), reason };
        if text.is_empty() || text.len() > MAXIMUM_LENGTH || text.contains(char::is_control) {
            return Err(refuse("it is empty, very long, or has control characters"));
        }
        if let Some(rest) = text.strip_prefix("git+") {
            return git(rest).map(Self::Git).map_err(refuse);
        }
        if !text.contains("://") {
            return Ok(Self::Folder(base.join(folder_of(text))));
        }
        let url = Url::parse(folder_of(text)).map_err(|_| refuse("it is no URL"))?;
        match url.scheme() {
            "file" => {
                let path = url.to_file_path().map_err(|()| refuse("it names another machine"))?;
                return Ok(Self::Folder(path));
            }
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => return Err(refuse("plain http can be changed on its way; use https")),
            _ => return Err(refuse("https, a path, `file:` and `git+https:` are")),
        }
        if url.password().is_some() || !url.username().is_empty() {
            return Err(refuse("it has credentials in it, which would stand in ledger.toml"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("it is that of a folder, without `?` and `#`"));
        }
        Ok(Self::Web(url))
    }

    /// For messages: without credentials.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Web(url) => RedactedUrl::new(url).to_string(),
            Self::Folder(path) => path.display().to_string(),
            Self::Git(address) => address.shown(),
        }
    }
}

/// People copy the address of the file as well.
fn folder_of(text: &str) -> &str {
    let text = text.strip_suffix("/ledger.toml").unwrap_or(text);
    let text = text.strip_suffix("/reviews.toml").unwrap_or(text);
    // The root of the file system is nothing but a slash.
    if text.len() > 1 { text.trim_end_matches('/') } else { text }
}

/// What stands after `git+`, as pip has it: `@` and a revision, `#subdirectory=` and a folder.
fn git(text: &str) -> Result<GitAddress, &'static str> {
    let (text, folder) = match text.split_once('#') {
        None => (text, IN_REPOSITORY),
        Some((text, fragment)) => {
            let folder = fragment.strip_prefix("subdirectory=");
            (text, folder.ok_or("after `#` only `subdirectory=` is known")?)
        }
    };
    let folder = folder.trim_matches('/');
    let folder = if folder == "." { "" } else { folder };
    if !folder.is_empty() && super::parts(folder).is_none() {
        return Err("its subdirectory leads out of the repository");
    }
    let (scheme, rest) = text.split_once("://").ok_or("after `git+` comes a URL")?;
    // An `@` before the first slash is that of a user.
    let path = rest.find('/').ok_or("it has no path")?;
    let (repository, revision) = match rest[path..].rsplit_once('@') {
        None => (rest, None),
        Some((before, revision)) => (&rest[..path + before.len()], Some(revision)),
    };
    if revision.is_some_and(|it| !is_revision(it)) {
        return Err("what stands after `@` is no branch, tag or commit");
    }
    Ok(GitAddress {
        repository: format!("{scheme}://{repository}"),
        revision: revision.map(str::to_owned),
        folder: folder.to_owned(),
    })
}

/// A name that git takes for nothing but a name.
fn is_revision(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    !text.is_empty()
        && text.len() <= 200
        && text.chars().all(is_plain)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && !text.contains("..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, String> {
        match Origin::parse(text, Path::new("/base")) {
            Ok(Origin::Web(url)) => Ok(url.to_string()),
            Ok(Origin::Folder(path)) => Ok(path.display().to_string()),
            Ok(Origin::Git(it)) => Ok(format!(
                "{} {} {}",
                it.repository,
                it.revision.as_deref().unwrap_or("-"),
                it.folder
            )),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn addresses() {
        for (text, expect) in [
            ("https://example.org/ledger", "https://example.org/ledger"),
            ("https://example.org/ledger/", "https://example.org/ledger"),
            ("https://example.org/ledger/ledger.toml", "https://example.org/ledger"),
            ("https://example.org", "https://example.org/"),
            ("http://127.0.0.1:8080/l", "http://127.0.0.1:8080/l"),
            ("../other/ledger", "/base/../other/ledger"),
            ("/srv/ledger/reviews.toml", "/srv/ledger"),
            ("file:///srv/ledger", "/srv/ledger"),
            ("git+https://example.org/a/b", "https://example.org/a/b - ledger"),
            ("git+https://example.org/a/b@main", "https://example.org/a/b main ledger"),
            (
                "git+https://example.org/b.git@v1.0#subdirectory=x/y",
                "https://example.org/b.git v1.0 x/y",
            ),
            ("git+https://example.org/b#subdirectory=.", "https://example.org/b - "),
            ("git+ssh://git@example.org/b@main", "ssh://git@example.org/b main ledger"),
            ("git+file:///srv/b", "file:///srv/b - ledger"),
        ] {
            assert_eq!(parse(text), Ok(expect.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_address() {
        for (text, reason) in [
            ("", "it is empty, very long, or has control characters"),
            ("https://example.org/\u{1b}[2J", "it is empty, very long, or has control characters"),
            ("http://example.org/ledger", "plain http can be changed on its way; use https"),
            ("http://localhost.example.org/l", "plain http can be changed on its way; use https"),
            ("ftp://example.org/ledger", "https, a path, `file:` and `git+https:` are"),
            ("https://example.org/ledger?x=1", "it is that of a folder, without `?` and `#`"),
            ("git+example.org/a", "after `git+` comes a URL"),
            ("git+https://example.org", "it has no path"),
            (
                "git+https://example.org/a@--upload-pack=x",
                "what stands after `@` is no branch, tag or commit",
            ),
            ("git+https://example.org/a@a..b", "what stands after `@` is no branch, tag or commit"),
            ("git+https://example.org/a#x=y", "after `#` only `subdirectory=` is known"),
            (
                "git+https://example.org/a#subdirectory=../x",
                "its subdirectory leads out of the repository",
            ),
        ] {
            let error = parse(text).unwrap_err();
            assert!(
                error.ends_with(&format!("is no address of a ledger: {reason}")),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn credentials_are_refused_and_not_shown() {
        let error = parse("https://alice:secret@example.org/ledger").unwrap_err();
        assert!(error.contains("it has credentials in it"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}
