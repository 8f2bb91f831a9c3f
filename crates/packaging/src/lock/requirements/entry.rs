//! The line of a requirement: what it names, and which digests it has.

use std::collections::BTreeSet;
use std::ops::Range;

use super::FileKind;
use super::lines::LogicalLine;
use super::options::LineOption;
use super::peep::CommentDigest;
use crate::digest::{Algorithm, Digest, DigestError};
use crate::filename::DistributionFilename;
use crate::lock::reference::{self, FileReference, ReferenceError, Target};
use crate::lock::source::Source;
use crate::lock::{Place, SourceError, WantedSource, codes, intersect_digests};
use crate::marker::Marker;
use crate::name::{ExtraName, ProjectName};
use crate::requirement::{Requirement, VersionOrUrl};

/// A requirement or a constraint, read but not yet asked whether it applies.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) kind: FileKind,
    pub(super) project: ProjectName,
    pub(super) extras: BTreeSet<ExtraName>,
    /// `pinned` and `index` are `None`.
    pub(super) source: WantedSource,
    pub(super) digests: Vec<Digest>,
    pub(super) marker: Option<Marker>,
    pub(super) place: Place,
    /// The requirement as it stands in the file, without its options.
    pub(super) text: String,
    /// Whether there are settings for a build.
    pub(super) has_build_settings: bool,
    /// A constraint that cannot be used; an error only when the project is wanted.
    pub(super) unusable: Option<SourceError>,
}

/// What a requirement says before its options.
pub(super) struct Named {
    pub(super) project: ProjectName,
    pub(super) extras: BTreeSet<ExtraName>,
    pub(super) source: WantedSource,
    pub(super) url_digests: Vec<Digest>,
    pub(super) marker: Option<Marker>,
}

/// What is wrong with a requirement, where in its text.
pub(super) struct Wrong {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) span: Range<usize>,
    pub(super) project: Option<ProjectName>,
}

/// Reads the line of a requirement. `requirement` is its place in the line's text, `comments` are
/// the digests above it.
pub(super) fn parse(
    source: &Source,
    line: &LogicalLine,
    kind: FileKind,
    requirement: &Range<usize>,
    options: &[(LineOption, Range<usize>)],
    comments: Vec<CommentDigest>,
) -> Result<Entry, Vec<SourceError>> {
    let mut errors = Vec::new();
    let digests = read_digests(source, line, options, comments, &mut errors);
    let editable = options.iter().find_map(|(option, span)| match option {
        LineOption::Editable(value) => Some((value, span)),
        _ => None,
    });
    let named = match editable {
        Some((value, span)) => Err(refuse_editable(value, span.clone())),
        None => parse_named(&line.text[requirement.clone()]),
    };
    let span =
        if requirement.is_empty() { line.span.clone() } else { line.in_file(requirement.clone()) };
    let place = source.place(span.clone());
    let text = source.text[span].to_owned();
    let (named, unusable) = match named {
        Ok(named) => (Some(named), None),
        Err(wrong) => {
            let shifted = wrong.span.start + requirement.start..wrong.span.end + requirement.start;
            let error = source.error(wrong.code, wrong.message, line.in_file(shifted));
            match wrong.project.filter(|_| kind == FileKind::Constraints) {
                Some(project) => (Some(nothing_usable(project)), Some(error)),
                None => {
                    errors.push(error);
                    (None, None)
                }
            }
        }
    };
    if kind == FileKind::Constraints && named.as_ref().is_some_and(|n| !n.extras.is_empty()) {
        errors.push(SourceError::new(codes::SYNTAX, "a constraint has no extras", place.clone()));
    }
    let Some(named) = named else { return Err(errors) };
    let digests = intersect_digests(&digests, &named.url_digests).unwrap_or_else(|| {
        let message = "the digest in the URL is not among those of the line";
        errors.push(SourceError::new(codes::DIGEST_CONFLICT, message, place.clone()));
        Vec::new()
    });
    if !digests.is_empty() && !digests.iter().any(|digest| digest.algorithm().is_strong()) {
        errors.push(weak(&digests, place.clone()));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let Named { project, extras, source, marker, .. } = named;
    let has_build_settings =
        options.iter().any(|(option, _)| matches!(option, LineOption::ConfigSettings));
    Ok(Entry {
        kind,
        project,
        extras,
        source,
        digests,
        marker,
        place,
        text,
        has_build_settings,
        unusable,
    })
}

pub(crate) fn weak(digests: &[Digest], place: Place) -> SourceError {
    let names: BTreeSet<&str> = digests.iter().map(|digest| digest.algorithm().name()).collect();
    let names = names.into_iter().collect::<Vec<_>>().join(" and ");
    SourceError::new(codes::WEAK_DIGEST, format!("{names} alone does not identify a file"), place)
        .with_hint("add a sha256, sha384 or sha512 digest")
}

fn nothing_usable(project: ProjectName) -> Named {
    Named {
        project,
        extras: BTreeSet::new(),
        source: WantedSource::Index {
            specifiers: crate::version::VersionSpecifiers::empty(),
            pinned: None,
            index: None,
        },
        url_digests: Vec::new(),
        marker: None,
    }
}

/// The digests of `--hash` and of the comments above, which must be the same where both are.
pub(super) fn read_digests(
    source: &Source,
    line: &LogicalLine,
    options: &[(LineOption, Range<usize>)],
    comments: Vec<CommentDigest>,
    errors: &mut Vec<SourceError>,
) -> Vec<Digest> {
    let mut digests: Vec<Digest> = Vec::new();
    for (option, span) in options {
        let LineOption::Hash(value) = option else { continue };
        match Digest::parse(value) {
            Ok(digest) if digests.contains(&digest) => {}
            Ok(digest) => digests.push(digest),
            Err(error) => errors.push(malformed_hash(source, line, span, &error)),
        }
    }
    let from_comments: BTreeSet<&Digest> = comments.iter().map(|above| &above.digest).collect();
    let from_options: BTreeSet<&Digest> =
        digests.iter().filter(|digest| digest.algorithm() == Algorithm::Sha256).collect();
    if !comments.is_empty() && !from_options.is_empty() && from_comments != from_options {
        let message = "the digests of the comment and of `--hash` are not the same";
        let place = comments[0].place.clone();
        errors.push(SourceError::new(codes::DIGEST_CONFLICT, message, place));
    } else if from_options.is_empty() {
        for CommentDigest { digest, .. } in comments {
            if !digests.contains(&digest) {
                digests.push(digest);
            }
        }
    }
    digests
}

fn malformed_hash(
    source: &Source,
    line: &LogicalLine,
    span: &Range<usize>,
    error: &DigestError,
) -> SourceError {
    let file = line.in_file(span.clone());
    source.error(codes::MALFORMED_DIGEST, error.to_string(), file)
}

fn refuse_editable(value: &str, span: Range<usize>) -> Wrong {
    let project = reference::egg_project(value);
    let message = "an editable installation has contents that no digest pins".to_owned();
    Wrong { code: codes::EDITABLE, message, span, project }
}

pub(super) fn parse_named(text: &str) -> Result<Named, Wrong> {
    if reference::is_url(text) {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        let (url, rest) = text.split_at(end);
        // pip separates a URL from its marker by `; `, this one by ` ;` as well.
        let (url, rest) = match url.strip_suffix(';') {
            Some(url) => (url, &text[url.len()..]),
            None => (url, rest),
        };
        let marker = parse_marker(text, text.len() - rest.len())?;
        return from_reference(
            None,
            reference::parse_url(url),
            BTreeSet::new(),
            marker,
            0..url.len(),
        );
    }
    let head = text.split([';', '[', '@']).next().unwrap_or_default().trim_end();
    if is_path(head) {
        let marker_at = text.find(';').unwrap_or(text.len());
        let marker = parse_marker(text, marker_at)?;
        let (path, extras) = split_path_extras(text[..marker_at].trim_end())?;
        return from_reference(None, reference::parse_path(path), extras, marker, 0..path.len());
    }
    let requirement = Requirement::parse(text).map_err(|error| Wrong {
        code: codes::SYNTAX,
        message: error.message,
        span: error.span,
        project: None,
    })?;
    let Requirement { name, extras, source, marker } = requirement;
    match source {
        VersionOrUrl::Specifiers(specifiers) => Ok(Named {
            project: name,
            extras,
            source: WantedSource::Index { specifiers, pinned: None, index: None },
            url_digests: Vec::new(),
            marker,
        }),
        VersionOrUrl::Url(url) => {
            let start = text.find(url.as_str()).unwrap_or(0);
            let span = start..start + url.len();
            let reference = if reference::is_url(&url) {
                reference::parse_url(&url)
            } else {
                reference::parse_path(&url)
            };
            from_reference(Some(name), reference, extras, marker, span)
        }
    }
}

/// A path has a separator, begins with a dot, or ends like an archive.
fn is_path(head: &str) -> bool {
    let plain = !head.contains(['=', '<', '>', '~', '(']) || head.starts_with('~');
    plain && (head.contains(['/', '\\']) || head.starts_with('.') || reference::is_archive(head))
}

/// `path[extra,…]`.
pub(super) fn split_path_extras(text: &str) -> Result<(&str, BTreeSet<ExtraName>), Wrong> {
    let Some((path, list)) = text.strip_suffix(']').and_then(|text| text.rsplit_once('[')) else {
        return Ok((text, BTreeSet::new()));
    };
    let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
    let extras = names.map(ExtraName::parse).collect::<Result<_, _>>();
    extras.map(|extras| (path, extras)).map_err(|error| Wrong {
        code: codes::SYNTAX,
        message: error.to_string(),
        span: path.len()..text.len(),
        project: None,
    })
}

/// A marker behind a URL or path; `at` is the `;`, white space before it, or the end.
pub(super) fn parse_marker(text: &str, at: usize) -> Result<Option<Marker>, Wrong> {
    let rest = text[at..].trim_start();
    if rest.is_empty() {
        return Ok(None);
    }
    let wrong = |message: String, span| Wrong { code: codes::SYNTAX, message, span, project: None };
    let start = text.len() - rest.len();
    let Some(marker) = rest.strip_prefix(';') else {
        return Err(wrong("expected `;` and a marker, or the end".to_owned(), start..text.len()));
    };
    Marker::parse(marker).map(Some).map_err(|error| {
        wrong(error.message, error.span.start + start + 1..error.span.end + start + 1)
    })
}

/// Puts together what the line, the fragment and the file's name say about the project.
fn from_reference(
    name: Option<ProjectName>,
    reference: Result<FileReference, ReferenceError>,
    extras: BTreeSet<ExtraName>,
    marker: Option<Marker>,
    span: Range<usize>,
) -> Result<Named, Wrong> {
    let reference = reference.map_err(|error| Wrong {
        code: error.code,
        message: error.message,
        span: span.clone(),
        project: name.clone().or(error.project),
    })?;
    let FileReference { target, filename, digests, egg, subdirectory } = reference;
    let (egg_name, egg_extras) = egg.unzip();
    let file_name = filename.as_ref().map(DistributionFilename::name).cloned();
    let claims = [name, egg_name, file_name];
    let mut claims = claims.into_iter().flatten();
    let Some(project) = claims.next() else {
        let message = "neither the line nor the file's name tells the project's name".to_owned();
        return Err(Wrong { code: codes::NO_NAME, message, span, project: None });
    };
    if let Some(other) = claims.find(|other| *other != project) {
        let message = format!("this is `{project}` by one name and `{other}` by the other");
        return Err(Wrong { code: codes::NAME_CONFLICT, message, span, project: None });
    }
    let extras = extras.into_iter().chain(egg_extras.into_iter().flatten()).collect();
    let source = match target {
        Target::Url(url) => WantedSource::Url { url, filename, subdirectory, size: None },
        Target::Path(path) => WantedSource::Path { path, filename, subdirectory, size: None },
    };
    Ok(Named { project, extras, source, url_digests: digests, marker })
}
