//! URLs and paths of single files, and what their fragments say.

use std::collections::BTreeSet;

use crate::digest::{Algorithm, Digest};
use crate::filename::{DistributionFilename, FilenameError};
use crate::lock::codes;
use crate::name::{ExtraName, ProjectName};
use crate::requirement::Requirement;
use crate::version::VersionSpecifiers;

/// The endings of source archives that pip knows.
const SOURCE_ENDINGS: [&str; 11] = [
    ".tar.gz",
    ".zip",
    ".tar.bz2",
    ".tgz",
    ".tar.xz",
    ".tar",
    ".tbz",
    ".txz",
    ".tlz",
    ".tar.lz",
    ".tar.lzma",
];

/// What a URL or path refers to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FileReference {
    pub(crate) target: Target,
    pub(crate) filename: Option<DistributionFilename>,
    /// The digests of the fragment.
    pub(crate) digests: Vec<Digest>,
    /// Project and extras of `#egg=`.
    pub(crate) egg: Option<(ProjectName, BTreeSet<ExtraName>)>,
    pub(crate) subdirectory: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Without the fragment.
    Url(String),
    Path(String),
}

/// Why a URL or path cannot be used. The project is told where it is known, so that a constraint
/// nobody needs need not be an error.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ReferenceError {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) project: Option<ProjectName>,
}

impl ReferenceError {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), project: None }
    }
}

/// Whether a text begins like a URL.
pub(crate) fn is_url(text: &str) -> bool {
    scheme(text).is_some_and(|scheme| {
        // One letter is a drive of Windows.
        scheme.len() > 1
            && (text[scheme.len()..].starts_with("://") || scheme.eq_ignore_ascii_case("file"))
    })
}

/// Whether a path ends like a wheel or a source archive.
pub(crate) fn is_archive(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    path.ends_with(".whl") || SOURCE_ENDINGS.iter().any(|ending| path.ends_with(ending))
}

fn scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once(':')?;
    let first = scheme.bytes().next()?;
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    (first.is_ascii_alphabetic() && scheme.bytes().all(allowed)).then_some(scheme)
}

/// Reads a URL.
pub(crate) fn parse_url(text: &str) -> Result<FileReference, ReferenceError> {
    let (address, fragment) = match text.split_once('#') {
        Some((address, fragment)) => (address, Some(fragment)),
        None => (text, None),
    };
    let scheme = scheme(address)
        .ok_or_else(|| ReferenceError::new(codes::URL, "expected a URL such as `https://…`"))?
        .to_ascii_lowercase();
    let fragment = fragment.map_or(Ok(Fragment::default()), parse_fragment);
    match scheme.as_str() {
        "https" | "http" => {
            url::Url::parse(address)
                .map_err(|error| ReferenceError::new(codes::URL, format!("no URL: {error}")))?;
            let last = last_segment(address)
                .ok_or_else(|| ReferenceError::new(codes::URL, "malformed `%` in the URL"))?;
            finish(Target::Url(address.to_owned()), &last, fragment?)
        }
        "file" => {
            let path = file_url_path(&address["file:".len()..])?;
            finish_path(&path, fragment?)
        }
        _ if scheme.contains('+')
            || matches!(scheme.as_str(), "git" | "hg" | "svn" | "bzr" | "ssh") =>
        {
            Err(ReferenceError {
                code: codes::VCS,
                message: format!(
                    "`{scheme}` refers to a version control system, whose contents no digest pins"
                ),
                project: fragment.ok().and_then(|fragment| Some(fragment.egg?.0)),
            })
        }
        _ => Err(ReferenceError::new(codes::URL, format!("URLs with `{scheme}:` cannot be used"))),
    }
}

/// The file's name in a URL: its last segment, decoded.
pub(crate) fn last_segment(url: &str) -> Option<String> {
    let parsed = url::Url::parse(url).ok()?;
    percent_decode(parsed.path().rsplit('/').next()?)
}

/// The project that the fragment of a URL or path names with `egg=`.
pub(crate) fn egg_project(text: &str) -> Option<ProjectName> {
    let (_, fragment) = text.split_once('#')?;
    Some(parse_fragment(fragment).ok()?.egg?.0)
}

/// Reads a path of this machine, without a fragment.
pub(crate) fn parse_path(path: &str) -> Result<FileReference, ReferenceError> {
    finish_path(path, Fragment::default())
}

fn finish_path(path: &str, fragment: Fragment) -> Result<FileReference, ReferenceError> {
    if !is_archive(path) {
        return Err(ReferenceError {
            code: codes::DIRECTORY,
            message: "this is a directory, or no wheel and no source archive; no digest pins it"
                .to_owned(),
            project: fragment.egg.map(|(project, _)| project),
        });
    }
    let last = path.rsplit(['/', '\\']).next().unwrap_or_default();
    finish(Target::Path(path.to_owned()), last, fragment)
}

fn finish(target: Target, last: &str, fragment: Fragment) -> Result<FileReference, ReferenceError> {
    let filename = match DistributionFilename::parse(last) {
        Ok(filename) => Some(filename),
        Err(FilenameError::Extension { .. }) => None,
        // The name of a wheel decides what is installed; that of a source archive need not.
        Err(error) if last.to_ascii_lowercase().ends_with(".whl") => {
            return Err(ReferenceError::new(codes::URL, error.to_string()));
        }
        Err(_) => None,
    };
    let Fragment { digests, egg, subdirectory } = fragment;
    Ok(FileReference { target, filename, digests, egg, subdirectory })
}

/// The path of what follows `file:`.
fn file_url_path(rest: &str) -> Result<String, ReferenceError> {
    let encoded = match rest.strip_prefix("//") {
        None => rest,
        Some(authority) => {
            let (host, path) = authority.split_at(authority.find('/').unwrap_or(authority.len()));
            if !(host.is_empty() || host.eq_ignore_ascii_case("localhost")) {
                let message = format!("a `file:` URL cannot name the host `{host}`");
                return Err(ReferenceError::new(codes::URL, message));
            }
            path
        }
    };
    percent_decode(encoded)
        .filter(|path| !path.contains('\0'))
        .ok_or_else(|| ReferenceError::new(codes::URL, "malformed `%` in the URL"))
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            bytes.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[derive(Default)]
struct Fragment {
    digests: Vec<Digest>,
    egg: Option<(ProjectName, BTreeSet<ExtraName>)>,
    subdirectory: Option<String>,
}

/// `key=value` pairs separated by `&`. pip takes the first of a kind and passes over what it does
/// not know, a misspelled algorithm among them.
fn parse_fragment(text: &str) -> Result<Fragment, ReferenceError> {
    let mut fragment = Fragment::default();
    let mut seen = BTreeSet::new();
    for pair in text.split('&') {
        let unknown = || {
            ReferenceError::new(
                codes::URL,
                "the fragment of a URL holds `sha256=…` and other digests, `egg=…` and \
                 `subdirectory=…`, separated by `&`",
            )
        };
        let (key, value) = pair.split_once('=').ok_or_else(unknown)?;
        if !seen.insert(key) {
            let message = format!("`{key}` stands twice in the fragment of the URL");
            return Err(ReferenceError::new(codes::URL, message));
        }
        if let Some(algorithm) = Algorithm::parse(&key.to_ascii_lowercase()) {
            let malformed = |message| ReferenceError::new(codes::MALFORMED_DIGEST, message);
            if key != algorithm.name() {
                return Err(malformed(format!("algorithms are in lower case: `{algorithm}=…`")));
            }
            let digest = Digest::parse_hex(algorithm, value);
            fragment.digests.push(digest.map_err(|error| malformed(error.to_string()))?);
            continue;
        }
        let decoded = percent_decode(value).ok_or_else(unknown)?;
        match key {
            "egg" => fragment.egg = Some(parse_egg(&decoded)?),
            "subdirectory" => fragment.subdirectory = Some(decoded),
            _ => return Err(unknown()),
        }
    }
    Ok(fragment)
}

/// A name, perhaps with extras.
fn parse_egg(text: &str) -> Result<(ProjectName, BTreeSet<ExtraName>), ReferenceError> {
    let requirement = Requirement::parse(text).ok().filter(|requirement| {
        requirement.marker.is_none()
            && requirement.specifiers().is_some_and(VersionSpecifiers::is_empty)
    });
    match requirement {
        Some(requirement) => Ok((requirement.name, requirement.extras)),
        None => Err(ReferenceError::new(codes::URL, "`egg=` takes a project's name only")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn references_are_read() {
        let check = |text: &str, target: Target, filename: Option<&str>, digests: usize| {
            let found = parse_url(text).unwrap();
            assert_eq!(found.target, target, "{text}");
            assert_eq!(found.filename.as_ref().map(DistributionFilename::as_str), filename);
            assert_eq!(found.digests.len(), digests, "{text}");
        };
        let url = |text: &str| Target::Url(text.to_owned());
        let path = |text: &str| Target::Path(text.to_owned());
        let wheel = "a-1-py3-none-any.whl";
        check(
            &format!("https://h/{wheel}#sha256={HEX}"),
            url(&format!("https://h/{wheel}")),
            Some(wheel),
            1,
        );
        check(
            &format!("https://h/{wheel}?x=1&sha256={HEX}"),
            url(&format!("https://h/{wheel}?x=1&sha256={HEX}")),
            Some(wheel),
            0,
        );
        check(
            "https://h/a-1%2Bx-py3-none-any.whl",
            url("https://h/a-1%2Bx-py3-none-any.whl"),
            Some("a-1+x-py3-none-any.whl"),
            0,
        );
        check("HTTP://h/a-1.tar.gz", url("HTTP://h/a-1.tar.gz"), Some("a-1.tar.gz"), 0);
        check("https://h/archive/main.zip", url("https://h/archive/main.zip"), None, 0);
        check("https://h/download", url("https://h/download"), None, 0);
        check(&format!("file:///x%20y/{wheel}"), path(&format!("/x y/{wheel}")), Some(wheel), 0);
        check(&format!("file://localhost/{wheel}"), path(&format!("/{wheel}")), Some(wheel), 0);
        check(&format!("file:{wheel}"), path(wheel), Some(wheel), 0);
        let md5 = "d41d8cd98f00b204e9800998ecf8427e";
        let found =
            parse_url(&format!("https://h/x.zip#egg=A_b[x,y]&md5={md5}&subdirectory=c%2Fd"))
                .unwrap();
        let (project, extras) = found.egg.unwrap();
        assert_eq!((project.as_str(), extras.len()), ("a-b", 2));
        assert_eq!(found.subdirectory.as_deref(), Some("c/d"));
        assert_eq!(found.digests, [Digest::parse_hex(Algorithm::Md5, md5).unwrap()]);
    }

    #[test]
    fn other_references_are_refused_for_their_reason() {
        let check = |text: &str, code: &str, project: Option<&str>| {
            let error = parse_url(text).unwrap_err();
            assert_eq!(
                (error.code, error.project.as_ref().map(ProjectName::as_str)),
                (code, project),
                "{text}"
            );
        };
        check("git+https://h/x.git@main#egg=x", "vcs", Some("x"));
        check("git+ssh://git@h/x", "vcs", None);
        check("git://h/x", "vcs", None);
        check("ftp://h/a-1-py3-none-any.whl", "url", None);
        check("https://", "url", None);
        check("file:///x/", "directory", None);
        check("file:///x#egg=y", "directory", Some("y"));
        check("file://host/a-1-py3-none-any.whl", "url", None);
        check("https://h/a-1.whl", "url", None);
        check("https://h/%zz.whl", "url", None);
        check("https://h/x.zip#sha256=", "malformed-digest", None);
        check(&format!("https://h/x.zip#SHA256={HEX}"), "malformed-digest", None);
        check(&format!("https://h/x.zip#sha256:{HEX}"), "url", None);
        check(&format!("https://h/x.zip#sha256={HEX}&sha256={HEX}"), "url", None);
        check("https://h/x.zip#egg=x==1.0", "url", None);
        check("https://h/x.zip#other=x", "url", None);
    }

    #[test]
    fn urls_are_told_from_other_texts() {
        for text in ["https://x", "file:x", "FILE:x", "git+ssh://x", "x.y://"] {
            assert!(is_url(text), "{text}");
        }
        for text in ["flask", "c:\\x", "c://x", "flask @ https://x", "flask==1.0", "./x://y", "a:b"]
        {
            assert!(!is_url(text), "{text}");
        }
    }
}
