//! Snapshots of facts, written and read: so that an audit can be repeated to the byte.
//!
//! The form is JSON Lines: a first line that says what follows, then one project a line, sorted by
//! name. The same facts always give the same bytes. What is unknown is written as `null` or left
//! out, and never as an empty list: a project whose roles nobody knows is another thing than one
//! that nobody holds.
//!
//! A reader keeps one project at a time. A line that cannot be used is a [`Problem`] at its place,
//! and the rest goes on. Another form of JSON Lines is read too, see the module `foreign`; which one it is
//! the first line shows. The schema is `schema/facts.schema.json`.

mod foreign;
mod form;
mod lines;
mod parallel;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fmt;
use std::io::BufRead;

use countermark_packaging::name::ProjectName;
use countermark_trust::Class;
use jiff::Timestamp;

use super::{ProjectFacts, Role};
use crate::record::RecordProblem;

use form::{HeaderLine, ProjectLine, RolesLine};
use lines::Lines;
pub use parallel::map_parallel;

/// What the first line calls the form.
pub const FORMAT: &str = "countermark-facts/1";

/// The JSON Schema of a line.
pub const SCHEMA: &str = include_str!("../../schema/facts.schema.json");

/// Longest line, in bytes: one project.
pub const MAX_LINE: usize = 64 << 20;

/// Most projects of one snapshot.
pub const MAX_PROJECTS: usize = 1_000_000;

/// Most files of one project.
pub const MAX_FILES: usize = countermark_packaging::simple::MAX_FILES;

/// What a snapshot says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The index, without a password.
    pub index: String,
    /// When it was begun to be read.
    pub read: Timestamp,
}

/// Who holds a project; what a first pass over a large snapshot needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectRoles {
    /// Normalised.
    pub name: ProjectName,
    /// `None` when it is not known.
    pub roles: Option<Vec<Role>>,
    /// The organisation that owns the project.
    pub organization: Option<String>,
}

/// A line that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// From 1.
    pub line: u64,
    /// From 1, in bytes, where it is known.
    pub column: Option<u64>,
    /// What is wrong; lower case, no full stop.
    pub message: String,
}

/// Why nothing of a snapshot can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Nothing is in it.
    #[error("the snapshot is empty")]
    Empty,
    /// Its form is one of another version.
    #[error("expected a snapshot of the form `{FORMAT}`, found `{found}`")]
    Format {
        /// What the first line says.
        found: String,
    },
    /// The first line is of neither form.
    #[error("line 1 is neither the first line of a snapshot nor a project: {reason}")]
    NotThis {
        /// Why.
        reason: String,
    },
    /// It cannot be read.
    #[error("the snapshot cannot be read: {reason}")]
    Unreadable {
        /// Why.
        reason: String,
    },
}

impl SnapshotError {
    /// Who is at fault.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::Empty | Self::Format { .. } | Self::NotThis { .. } => Class::Usage,
            Self::Unreadable { .. } => Class::Unavailable,
        }
    }
}

impl Problem {
    /// As reports show it; `file` is what the snapshot is called.
    #[must_use]
    pub fn in_file(self, file: &str) -> RecordProblem {
        let number = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        let position = (number(self.line), number(self.column.unwrap_or(1)));
        RecordProblem { file: file.to_owned(), position: Some(position), message: self.message }
    }

    fn of_json(line: u64, error: &serde_json::Error) -> Self {
        // The line is one of its own to the parser; its place in the file is known here.
        let text = error.to_string();
        let end = text.rfind(" at line ").unwrap_or(text.len());
        let message = text[..end].chars().take(300).collect();
        Self { line, column: Some(error.column().max(1) as u64), message }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.column {
            Some(column) => write!(formatter, "line {}, column {column}: ", self.line)?,
            None => write!(formatter, "line {}: ", self.line)?,
        }
        formatter.write_str(&self.message)
    }
}

/// Writes the first line.
pub fn write_header(header: &Header, output: &mut Vec<u8>) {
    write_line(&HeaderLine::of(header), output);
}

/// Writes the line of a project. Lines come in the order of names; who writes them one by one sees
/// to it.
pub fn write_project(facts: &ProjectFacts, output: &mut Vec<u8>) {
    write_line(&ProjectLine::of(facts), output);
}

/// Writes a whole snapshot, in the order of names.
#[must_use]
pub fn write<'a>(header: &Header, facts: impl IntoIterator<Item = &'a ProjectFacts>) -> Vec<u8> {
    let mut sorted: Vec<&ProjectFacts> = facts.into_iter().collect();
    sorted.sort_by(|one, other| one.name.cmp(&other.name));
    let mut output = Vec::new();
    write_header(header, &mut output);
    for facts in sorted {
        write_project(facts, &mut output);
    }
    output
}

/// Reads one line of JSON.
fn parse_line<'a, T: serde::Deserialize<'a>>(line: &'a [u8], number: u64) -> Result<T, Problem> {
    // Looked at once as a whole, which is faster than text by text.
    let text = std::str::from_utf8(line).map_err(|error| Problem {
        line: number,
        column: Some(error.valid_up_to() as u64 + 1),
        message: "the line is not utf-8".to_owned(),
    })?;
    serde_json::from_str(text).map_err(|error| Problem::of_json(number, &error))
}

fn write_line(line: &impl serde::Serialize, output: &mut Vec<u8>) {
    // Texts, numbers and lists into memory: neither the structure nor the output can fail.
    let written = serde_json::to_writer(&mut *output, line);
    debug_assert!(written.is_ok());
    output.push(b'\n');
}

/// Reads the line of one project, as [`write_project`] wrote it.
///
/// # Errors
/// When it cannot be used; the line is given as number 1.
pub fn parse_project(line: &[u8]) -> Result<ProjectFacts, Problem> {
    Form::Ours.parse(line.trim_ascii_end(), 1)
}

/// The forms that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Ours,
    Foreign,
}

impl Form {
    fn parse(self, line: &[u8], number: u64) -> Result<ProjectFacts, Problem> {
        match self {
            Self::Ours => ProjectLine::parse(line, number),
            Self::Foreign => foreign::parse(line, number),
        }
    }

    fn parse_roles(self, line: &[u8], number: u64) -> Result<ProjectRoles, Problem> {
        match self {
            Self::Ours => RolesLine::parse(line, number),
            Self::Foreign => foreign::parse_roles(line, number),
        }
    }
}

/// A snapshot being read, one project at a time.
#[derive(Debug)]
pub struct Reader<R> {
    lines: Lines<R>,
    form: Form,
    header: Option<Header>,
    /// The first line, where it is a project already.
    first: Option<Vec<u8>>,
    names: Names,
}

impl<R: BufRead> Reader<R> {
    /// Reads the first line and tells the form by it.
    ///
    /// # Errors
    /// See [`SnapshotError`].
    pub fn new(input: R) -> Result<Self, SnapshotError> {
        let mut lines = Lines::new(input);
        let mut line = Vec::new();
        match lines.next_line(&mut line) {
            Some(Ok(_)) => {}
            Some(Err(problem)) => {
                return Err(SnapshotError::Unreadable { reason: problem.message });
            }
            None => return Err(SnapshotError::Empty),
        }
        let (form, header) = match form::Start::of(&line)? {
            form::Start::Ours(header) => (Form::Ours, Some(header)),
            form::Start::Foreign => (Form::Foreign, None),
        };
        let first = header.is_none().then_some(line);
        Ok(Self { lines, form, header, first, names: Names::default() })
    }

    /// What the snapshot says of itself; nothing in the foreign form.
    #[must_use]
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// Only who holds what; the files are passed over without being built.
    pub fn roles(mut self) -> impl Iterator<Item = Result<ProjectRoles, Problem>> {
        let mut line = Vec::new();
        std::iter::from_fn(move || {
            let number = match self.next_line(&mut line)? {
                Ok(number) => number,
                Err(problem) => return Some(Err(problem)),
            };
            let roles = self.form.parse_roles(&line, number);
            Some(roles.and_then(|roles| self.names.check(&roles.name, number).map(|()| roles)))
        })
    }

    fn next_line(&mut self, line: &mut Vec<u8>) -> Option<Result<u64, Problem>> {
        match self.first.take() {
            Some(first) => {
                *line = first;
                Some(Ok(1))
            }
            None => self.lines.next_line(line),
        }
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<ProjectFacts, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut line = Vec::new();
        let number = match self.next_line(&mut line)? {
            Ok(number) => number,
            Err(problem) => return Some(Err(problem)),
        };
        let facts = self.form.parse(&line, number);
        Some(facts.and_then(|facts| self.names.check(&facts.name, number).map(|()| facts)))
    }
}

/// The projects that came: none may come twice, because two readers would judge different facts.
#[derive(Debug, Default)]
struct Names(HashSet<ProjectName>);

impl Names {
    fn check(&mut self, name: &ProjectName, line: u64) -> Result<(), Problem> {
        let refused = |message: String| Err(Problem { line, column: None, message });
        if self.0.len() >= MAX_PROJECTS {
            return refused(format!("the snapshot has more than {MAX_PROJECTS} projects"));
        }
        if !self.0.insert(name.clone()) {
            return refused(format!("`{name}` is in the snapshot already"));
        }
        Ok(())
    }
}
