//! `requirements.in`: a line added, changed or taken out.
//!
//! A new line comes where it belongs in a file that is sorted by name, and else at the end. Comments
//! above a line belong to it. Lines that cannot be read (with variables, for example) stay as they
//! are and count for nothing; included files are files of their own.

use std::ops::Range;

use countermark_packaging::lock::requirements::FileKind;
use countermark_packaging::lock::requirements::outline::{Line, Outline};
use countermark_packaging::lock::requirements::statements::Subject;
use countermark_packaging::lock::{SourceError, codes};
use countermark_packaging::name::ProjectName;
use countermark_packaging::requirement::Requirement;

/// The file with this requirement. A line of the project is replaced, and its digests go, since
/// they were of another version.
///
/// # Errors
/// When the file cannot be decoded, has several lines of the project, or ends within a line.
pub fn add(file: &str, bytes: &[u8], requirement: &Requirement) -> Result<Vec<u8>, SourceError> {
    let outline = Outline::parse(file, bytes, FileKind::Requirements)?;
    let written = requirement.to_string();
    let edit = match &of_project(&outline, &requirement.name)[..] {
        [] => insertion(&outline, &requirement.name, &written)?,
        [line] => (line.requirement.start..line.content.end, written),
        [_, second, ..] => {
            let message = format!("`{}` is wanted by several lines", requirement.name);
            let span = second.requirement.clone();
            let found = outline.error(codes::DUPLICATE_CONFLICT, message, span);
            return Err(found.with_hint("edit the file"));
        }
    };
    edited(&outline, vec![edit])
}

/// The file without the lines of this project; `None` when it has none.
///
/// # Errors
/// When the file cannot be decoded.
pub fn remove(
    file: &str,
    bytes: &[u8],
    project: &ProjectName,
) -> Result<Option<Vec<u8>>, SourceError> {
    let outline = Outline::parse(file, bytes, FileKind::Requirements)?;
    let lines = of_project(&outline, project);
    if lines.is_empty() {
        return Ok(None);
    }
    let ranges = lines.iter().map(|line| (whole(outline.text(), line), String::new()));
    edited(&outline, ranges.collect()).map(Some)
}

fn edited(outline: &Outline, edits: Vec<(Range<usize>, String)>) -> Result<Vec<u8>, SourceError> {
    outline.edited(edits).ok_or_else(|| {
        let message = "the file's encoding does not have every character of the requirement";
        outline.error(codes::ENCODING, message, 0..0)
    })
}

fn name_of(line: &Line) -> Option<&ProjectName> {
    match &line.statement.subject {
        Subject::Requirement(requirement) => Some(&requirement.name),
        Subject::Directory { .. } => None,
    }
}

fn of_project<'a>(outline: &'a Outline, project: &ProjectName) -> Vec<&'a Line> {
    outline.lines.iter().filter(|line| name_of(line) == Some(project)).collect()
}

/// Where a new line goes, and its text with a line end.
fn insertion(
    outline: &Outline,
    project: &ProjectName,
    written: &str,
) -> Result<(Range<usize>, String), SourceError> {
    let text = outline.text();
    let named: Vec<(&ProjectName, &Line)> =
        outline.lines.iter().filter_map(|line| Some((name_of(line)?, line))).collect();
    // One line is in order, but says nothing of an order.
    let is_sorted = named.len() > 1 && named.is_sorted_by(|left, right| left.0 <= right.0);
    let next = named.iter().position(|(name, _)| *name > project).filter(|_| is_sorted);
    if let Some(next) = next {
        let at = match next.checked_sub(1) {
            Some(before) => whole(text, named[before].1).end,
            None => start_with_comments(text, named[next].1),
        };
        return Ok((at..at, format!("{written}{}", outline.line_end(at))));
    }
    if is_sorted && let Some((_, last)) = named.last() {
        let at = whole(text, last).end;
        if at < text.len() {
            return Ok((at..at, format!("{written}{}", outline.line_end(at))));
        }
    }
    let end = text.len();
    if text.trim_end_matches(['\n', '\r']).ends_with('\\') {
        let message = "the file ends within a line that is continued";
        let found = outline.error(codes::SYNTAX, message, end..end);
        return Err(found.with_hint("take the backslash off its end"));
    }
    let line_end = outline.line_end(end);
    if text.is_empty() || text.ends_with(['\n', '\r']) {
        Ok((end..end, format!("{written}{line_end}")))
    } else {
        Ok((end..end, format!("{line_end}{written}")))
    }
}

/// The physical lines of a line, with the end of the last one. The last line of a file without an
/// end takes that of the line before it along.
fn whole(text: &str, line: &Line) -> Range<usize> {
    let start = line_start(text, line.content.start);
    let end = line.comment.as_ref().map_or(line.content.end, |comment| comment.end);
    // A backslash behind the content is a continuation onto nothing, and belongs to it.
    let mut end = end;
    loop {
        let stop = text[end..].find(['\n', '\r']).map_or(text.len(), |found| end + found);
        let continued = line.comment.is_none() && text[end..stop].ends_with('\\');
        let next = after_line_end(text, stop);
        if !continued || next == text.len() {
            end = next;
            break;
        }
        end = next;
    }
    let has_end = text[..end].ends_with(['\n', '\r']);
    let start = if has_end { start } else { before_line_end(text, start) };
    start..end
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind(['\n', '\r']).map_or(0, |found| found + 1)
}

fn after_line_end(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    at + if rest.starts_with("\r\n") { 2 } else { usize::from(!rest.is_empty()) }
}

fn before_line_end(text: &str, at: usize) -> usize {
    let before = &text[..at];
    at - if before.ends_with("\r\n") { 2 } else { usize::from(!before.is_empty()) }
}

/// The start of a line, or that of the comments directly above it, unless those begin the file:
/// such a comment is about the file.
fn start_with_comments(text: &str, line: &Line) -> usize {
    let own = line_start(text, line.content.start);
    let mut start = own;
    while start > 0 {
        let above = line_start(text, before_line_end(text, start));
        if !text[above..start].trim_start().starts_with('#') {
            return start;
        }
        start = above;
    }
    own
}
