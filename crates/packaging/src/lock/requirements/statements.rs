//! Requirements files as input: what people wish for, before anything was resolved.
//!
//! Decides what each line says, for every environment: markers are kept, digests are those that the
//! files of whatever is chosen have to have, folders are told with the extras that are asked of
//! them. What cannot be wished for is refused at its place: version control, a URL that does not
//! tell the project's name.

use std::collections::BTreeSet;
use std::ops::Range;

use super::entry::{self, Named, Wrong};
use super::lines::LogicalLine;
use super::options::LineOption;
use super::{FileKind, Loader, Reader, Root};
use crate::digest::Digest;
use crate::lock::source::Source;
use crate::lock::{FileOption, Place, SourceError, WantedSource, codes, reference};
use crate::marker::Marker;
use crate::name::ExtraName;
use crate::requirement::{Requirement, VersionOrUrl};

/// One line that wishes for something or narrows what is wished for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Of a requirements or a constraints file.
    pub kind: FileKind,
    /// What it is about.
    pub subject: Subject,
    /// The digests of `--hash`, or of the comments above: one of them is that of each file.
    pub digests: Vec<Digest>,
    /// The requirement without its options.
    pub place: Place,
}

/// What a line is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A project with versions, or with a URL or the path of a file, as written.
    Requirement(Requirement),
    /// A folder with a project in it.
    Directory {
        /// As written; a relative one counts from the working directory, as in pip.
        path: String,
        /// The extras asked for.
        extras: BTreeSet<ExtraName>,
        /// Where it is wanted.
        marker: Option<Marker>,
        /// `-e`.
        editable: bool,
    },
}

/// What files state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statements {
    /// Requirements and constraints, in the order in which they are read.
    pub statements: Vec<Statement>,
    /// Settings, in their order.
    pub options: Vec<FileOption>,
}

/// Reads files and all that they include. A file that states nothing is no error.
///
/// # Errors
/// Everything that is wrong, in the order of the files; at most a few hundred errors.
pub fn read(
    roots: &[Root],
    loader: &mut dyn Loader,
    variables: &dyn Fn(&str) -> Option<String>,
) -> Result<Statements, Vec<SourceError>> {
    let mut reader = Reader::new(loader, variables);
    reader.statements = Some(Vec::new());
    for root in roots {
        reader.read_file(&root.location, root.kind, None, &mut Vec::new());
    }
    if !reader.errors.is_empty() {
        return Err(reader.errors);
    }
    let statements = reader.statements.unwrap_or_default();
    Ok(Statements { statements, options: reader.options })
}

/// Reads one line but for its digests. `requirement` is the place in its text of what stands before the options.
pub(super) fn parse(
    source: &Source,
    line: &LogicalLine,
    kind: FileKind,
    requirement: &Range<usize>,
    options: &[(LineOption, Range<usize>)],
) -> Result<Statement, SourceError> {
    let editable = options.iter().find_map(|(option, span)| match option {
        LineOption::Editable(value) => Some((value, span)),
        _ => None,
    });
    let span =
        if requirement.is_empty() { line.span.clone() } else { line.in_file(requirement.clone()) };
    let place = source.place(span);
    let subject = match editable {
        Some((value, span)) => parse_editable(value, span),
        None => parse_subject(&line.text[requirement.clone()]).map_err(|wrong| {
            let start = requirement.start;
            Wrong { span: wrong.span.start + start..wrong.span.end + start, ..wrong }
        }),
    };
    let subject = subject
        .map_err(|wrong| source.error(wrong.code, wrong.message, line.in_file(wrong.span)))?;
    if kind == FileKind::Constraints {
        let (extras, directory) = match &subject {
            Subject::Requirement(requirement) => (&requirement.extras, false),
            Subject::Directory { extras, .. } => (extras, true),
        };
        if directory {
            let message = "a folder constrains nothing";
            return Err(SourceError::new(codes::DIRECTORY, message, place));
        }
        if !extras.is_empty() {
            return Err(SourceError::new(codes::SYNTAX, "a constraint has no extras", place));
        }
    }
    Ok(Statement { kind, subject, digests: Vec::new(), place })
}

fn parse_editable(value: &str, span: &Range<usize>) -> Result<Subject, Wrong> {
    let wrong = |code, message: String| Wrong { code, message, span: span.clone(), project: None };
    if reference::is_url(value) {
        let refused = reference::parse_url(value).err();
        let (code, message) = match refused.filter(|error| error.code != codes::DIRECTORY) {
            Some(error) => (error.code, error.message),
            None => (codes::EDITABLE, "an editable installation is given by its path".to_owned()),
        };
        return Err(wrong(code, message));
    }
    let (path, extras) =
        entry::split_path_extras(value).map_err(|error| wrong(error.code, error.message))?;
    Ok(Subject::Directory { path: path.to_owned(), extras, marker: None, editable: true })
}

/// What stands before the options.
fn parse_subject(text: &str) -> Result<Subject, Wrong> {
    let parsed = Requirement::parse(text).ok();
    let named = match entry::parse_named(text) {
        Ok(named) => named,
        Err(wrong) if wrong.code == codes::DIRECTORY => return directory(text, parsed, wrong),
        Err(wrong) => return Err(wrong),
    };
    let Named { project: name, extras, source, marker, .. } = named;
    let source = match (source, parsed) {
        (WantedSource::Index { specifiers, .. }, _) => VersionOrUrl::Specifiers(specifiers),
        (_, Some(Requirement { source: VersionOrUrl::Url(url), .. })) => VersionOrUrl::Url(url),
        // A URL on its own, with its fragment.
        (WantedSource::Url { .. }, _) => {
            let url = text.split(char::is_whitespace).next().unwrap_or_default();
            VersionOrUrl::Url(url.trim_end_matches(';').to_owned())
        }
        (WantedSource::Path { path, .. }, _) => VersionOrUrl::Url(path),
    };
    Ok(Subject::Requirement(Requirement { name, extras, source, marker }))
}

/// `./path[extra]; marker`, or `name[extra] @ ./path; marker`.
fn directory(text: &str, parsed: Option<Requirement>, refused: Wrong) -> Result<Subject, Wrong> {
    let (path, extras, marker) = match parsed {
        Some(Requirement { source: VersionOrUrl::Url(path), extras, marker, .. }) => {
            (path, extras, marker)
        }
        _ => {
            let marker_at = text.find(';').unwrap_or(text.len());
            let marker = entry::parse_marker(text, marker_at)?;
            let (path, extras) = entry::split_path_extras(text[..marker_at].trim_end())?;
            (path.to_owned(), extras, marker)
        }
    };
    if reference::is_url(&path) {
        let message = "a folder is given by its path, not by a URL".to_owned();
        return Err(Wrong { message, ..refused });
    }
    Ok(Subject::Directory { path, extras, marker, editable: false })
}

#[cfg(test)]
mod tests;
