//! Statements as they are kept, format `countermark-observations/1`: JSON, one statement a line after
//! a first line that names the format. It holds all that a report is made of.
//!
//! The structs here are frozen: what they write may only become more.

use countermark_packaging::digest::Digest;
use countermark_packaging::name::ProjectName;
use serde::{Deserialize, Serialize};

use super::statement::{Lock, Moment, Origin, Stated, Statement};

/// The name of the format.
pub const FORMAT: &str = "countermark-observations/1";

/// The longest line, in bytes.
const MAXIMUM_LINE: usize = 64 << 20;

/// Why a text holds no statements.
#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    /// Another format.
    #[error("the first line does not name the format `{FORMAT}`")]
    Format,
    /// A line that is no statement.
    #[error("line {line}: {reason}")]
    Line {
        /// From 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Head {
    format: String,
}

#[derive(Serialize, Deserialize)]
struct Line {
    repository: String,
    path: String,
    format: String,
    project: String,
    version: Option<String>,
    origin: String,
    host: Option<String>,
    first: MomentJson,
    last: MomentJson,
    versions: u32,
    files: Vec<(Option<String>, String)>,
}

#[derive(Serialize, Deserialize)]
struct MomentJson {
    commit: Option<String>,
    date: Option<String>,
    line: u32,
}

/// Writes statements, in their order.
#[must_use]
pub fn write(statements: &[Statement]) -> String {
    // Texts and numbers: there is nothing that JSON could not hold.
    let mut text = serde_json::to_string(&Head { format: FORMAT.to_owned() }).unwrap_or_default();
    text.push('\n');
    for statement in statements {
        let line = Line {
            repository: statement.lock.repository.clone(),
            path: statement.lock.path.clone(),
            format: statement.format.clone(),
            project: statement.project.to_string(),
            version: statement.version.clone(),
            origin: statement.origin.label(),
            host: statement.host.clone(),
            first: moment(&statement.first),
            last: moment(&statement.last),
            versions: statement.versions,
            files: statement
                .files
                .iter()
                .map(|stated| (stated.file.clone(), stated.digest.to_string()))
                .collect(),
        };
        text.push_str(&serde_json::to_string(&line).unwrap_or_default());
        text.push('\n');
    }
    text
}

fn moment(moment: &Moment) -> MomentJson {
    MomentJson {
        commit: moment.commit.clone(),
        date: moment.date.map(|date| date.to_string()),
        line: moment.line,
    }
}

/// Reads statements back.
///
/// # Errors
/// See [`SavedError`].
pub fn parse(text: &str) -> Result<Vec<Statement>, SavedError> {
    let mut lines = text.lines();
    let head = lines.next().and_then(|line| serde_json::from_str::<Head>(line).ok());
    if head.is_none_or(|head| head.format != FORMAT) {
        return Err(SavedError::Format);
    }
    let statement = |(number, line): (usize, &str)| {
        read(line).map_err(|reason| SavedError::Line { line: number + 2, reason })
    };
    lines.enumerate().map(statement).collect()
}

fn read(line: &str) -> Result<Statement, String> {
    if line.len() > MAXIMUM_LINE {
        return Err(format!("more than {MAXIMUM_LINE} bytes are not read"));
    }
    let line: Line = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let stated = |(file, digest): (Option<String>, String)| {
        Digest::parse(&digest)
            .map(|digest| Stated { file, digest })
            .map_err(|error| error.to_string())
    };
    Ok(Statement {
        lock: Lock { repository: line.repository, path: line.path },
        format: line.format,
        project: ProjectName::parse(&line.project).map_err(|error| error.to_string())?,
        version: line.version,
        origin: Origin::of_label(&line.origin),
        host: line.host,
        files: line.files.into_iter().map(stated).collect::<Result<_, _>>()?,
        first: read_moment(line.first)?,
        last: read_moment(line.last)?,
        versions: line.versions,
    })
}

fn read_moment(moment: MomentJson) -> Result<Moment, String> {
    let date = moment.date.map(|date| date.parse().map_err(|_| format!("`{date}` is no date")));
    Ok(Moment { commit: moment.commit, date: date.transpose()?, line: moment.line })
}
