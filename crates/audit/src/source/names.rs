//! From the name of a file or a tag to a project and a version.

use std::str::FromStr;

use countermark_packaging::filename::{DistributionFilename, SdistFilename};
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;

/// Endings of source distributions of old times; they are read like `.tar.gz`.
const OLD_ENDINGS: &[&str] = &[".tar.bz2", ".tar.xz", ".tar.Z", ".tgz", ".tar"];

/// Tags that mark the end of something; no distribution is ever built from one.
const NEVER_BUILT: &[&str] = &["-eol", "-eom", "-em", "-last"];

/// What a file's name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NamedRelease {
    pub(super) project: ProjectName,
    /// In normal form: file names of one release write it in several ways.
    pub(super) version: String,
}

/// Reads the name of a wheel, a source distribution or an egg.
///
/// `project` tells where the version begins when the name has several `-`.
pub(super) fn release_of_file(
    filename: &str,
    project: Option<&ProjectName>,
) -> Option<NamedRelease> {
    if let Some(stem) = filename.strip_suffix(".egg") {
        let mut parts = stem.split('-');
        let (name, version) = (parts.next()?, parts.next()?);
        let version = Version::from_str(version).ok()?.to_string();
        return Some(NamedRelease { project: ProjectName::parse(name).ok()?, version });
    }
    let old = OLD_ENDINGS.iter().find_map(|ending| filename.strip_suffix(ending));
    let read_as = old.map_or_else(|| filename.to_owned(), |stem| format!("{stem}.tar.gz"));
    if !read_as.ends_with(".whl")
        && let Some(sdist) =
            project.and_then(|project| SdistFilename::parse_for(project, &read_as).ok())
    {
        return Some(named(&DistributionFilename::Sdist(sdist)));
    }
    DistributionFilename::parse(&read_as).ok().as_ref().map(named)
}

fn named(file: &DistributionFilename) -> NamedRelease {
    NamedRelease { project: file.name().clone(), version: file.version().to_string() }
}

/// Whether a tag only marks an end.
pub(super) fn is_never_built(tag: &str) -> bool {
    NEVER_BUILT.iter().any(|ending| tag.ends_with(ending))
}

/// The version that a tag stands for; as written, so that `v0.4.0` stays that.
///
/// With a prefix the tag has to begin with it. Without one, the usual forms are tried: the version
/// itself, or after `release-`, `releases/` or the project's name.
pub(super) fn version_of_tag(
    tag: &str,
    prefix: Option<&str>,
    project: Option<&ProjectName>,
) -> Option<String> {
    if let Some(prefix) = prefix {
        return valid(tag.strip_prefix(prefix)?);
    }
    if let Some(version) = valid(tag) {
        return Some(version);
    }
    let at = tag.rfind(['/', '=', '@']).or_else(|| begin_of_version(tag))?;
    let (before, version) = (&tag[..at], &tag[at + 1..]);
    let before = before.trim_end_matches(['/', '=', '@']);
    let is_usual = matches!(before, "release" | "releases" | "rel" | "version" | "tags");
    let names_project = || {
        let last = before.rsplit('/').next().unwrap_or(before);
        project.is_some_and(|project| ProjectName::parse(last).is_ok_and(|name| name == *project))
    };
    if is_usual || names_project() { valid(version) } else { None }
}

/// The `-` or `_` before the first part that begins with a digit, or with `v` and a digit.
fn begin_of_version(tag: &str) -> Option<usize> {
    tag.match_indices(['-', '_']).map(|(at, _)| at).find(|at| {
        let rest = &tag[at + 1..];
        rest.strip_prefix('v').unwrap_or(rest).starts_with(|c: char| c.is_ascii_digit())
    })
}

fn valid(text: &str) -> Option<String> {
    let is_one =
        text.len() <= 128 && !text.contains(char::is_whitespace) && Version::from_str(text).is_ok();
    is_one.then(|| text.to_owned())
}

/// The name under which files and tags show a release: the last component of a path, and nothing
/// that could change a terminal or leave a folder.
pub(super) fn last_component(path: &str) -> Option<&str> {
    let last = path.rsplit(['/', '\\']).next()?;
    let is_usable = !matches!(last, "" | "." | "..")
        && last.len() <= 255
        && !last.chars().any(char::is_control);
    is_usable.then_some(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(name: &str) -> ProjectName {
        ProjectName::parse(name).unwrap()
    }

    #[test]
    fn files_name_releases() {
        let check = |filename: &str, known: Option<&str>, expect: Option<(&str, &str)>| {
            let found = release_of_file(filename, known.map(project).as_ref());
            let found = found.map(|it| (it.project.to_string(), it.version));
            let expect = expect.map(|(name, version)| (name.to_owned(), version.to_owned()));
            assert_eq!(found, expect, "{filename}");
        };
        check("lamp_post-1.2-py3-none-any.whl", None, Some(("lamp-post", "1.2")));
        check("lamp-post-1.2.tar.gz", None, Some(("lamp-post", "1.2")));
        check("lamp-post-1.2.zip", None, Some(("lamp-post", "1.2")));
        check("lamp-post-1.2.tar.bz2", None, Some(("lamp-post", "1.2")));
        check("lamp-post-1.2.tgz", None, Some(("lamp-post", "1.2")));
        check("lamp_post-1.2-py2.7.egg", None, Some(("lamp-post", "1.2")));
        check("lamp-1.0-1.tar.gz", Some("lamp"), Some(("lamp", "1.0.post1")));
        check("lamp-post-master.tar.gz", None, None);
        check("lamp-post-1.2.tar.gz.asc", None, None);
        check("README", None, None);
        check("lamp-1.2.exe", None, None);
    }

    #[test]
    fn tags_name_versions() {
        let check = |tag: &str, prefix: Option<&str>, expect: Option<&str>| {
            let found = version_of_tag(tag, prefix, Some(&project("lamp-post")));
            assert_eq!(found.as_deref(), expect, "{tag} {prefix:?}");
        };
        check("1.2.3", None, Some("1.2.3"));
        check("v1.2.3", None, Some("v1.2.3"));
        check("v1.2.3", Some("v"), Some("1.2.3"));
        check("1.2.3", Some("v"), None);
        check("0.3.rc1", None, Some("0.3.rc1"));
        check("lamp-post-1.2", None, Some("1.2"));
        check("lamp_post-v1.2", None, Some("v1.2"));
        check("lamp-post/v1.2", None, Some("v1.2"));
        check("lamp-post==1.2", None, Some("1.2"));
        check("other-1.2", None, None);
        check("other/1.2", None, None);
        check("release-1.2", None, Some("1.2"));
        check("releases/1.2", None, Some("1.2"));
        check("releases/next", None, None);
        check("newest", None, None);
        check(" 1.2", None, None);
        check("1.2\n", None, None);
        for tag in ["rocky-eol", "1.2-eom", "rocky-em", "train-last"] {
            assert!(is_never_built(tag), "{tag}");
        }
        assert!(!is_never_built("1.2.0"));
    }

    #[test]
    fn only_the_last_component_counts() {
        let check = |path, expect| assert_eq!(last_component(path), expect, "{path:?}");
        check("./dist/a-1.tar.gz", Some("a-1.tar.gz"));
        check("dist\\a-1.tar.gz", Some("a-1.tar.gz"));
        check("a\u{1b}[2J", None);
        check("dist/", None);
        check("..", None);
        check("", None);
    }
}
