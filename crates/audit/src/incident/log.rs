//! What was done so far: JSON Lines that are only ever appended to.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A longer entry is not written.
pub const MAXIMUM_ENTRY: usize = 4096;

/// One thing that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub who: String,
    /// What.
    pub what: String,
}

/// Why an entry is not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// One of its texts is empty.
    #[error("an entry says who did what: `{0}` is empty")]
    Empty(&'static str),
    /// It is too long.
    #[error("an entry has at most {MAXIMUM_ENTRY} bytes")]
    TooLong,
}

impl EntryError {
    /// Who is at fault.
    #[must_use]
    pub const fn class(self) -> countermark_trust::Class {
        match self {
            Self::Empty(_) | Self::TooLong => countermark_trust::Class::Usage,
        }
    }
}

/// As it is in the file.
#[derive(Serialize, Deserialize)]
struct Line {
    at: String,
    who: String,
    what: String,
}

impl LogEntry {
    /// An entry, without the white space around its texts.
    ///
    /// # Errors
    /// When a text is empty or too long.
    pub fn new(at: Timestamp, who: &str, what: &str) -> Result<Self, EntryError> {
        let (who, what) = (who.trim(), what.trim());
        if who.is_empty() {
            return Err(EntryError::Empty("who"));
        }
        if what.is_empty() {
            return Err(EntryError::Empty("what"));
        }
        if who.len() + what.len() > MAXIMUM_ENTRY {
            return Err(EntryError::TooLong);
        }
        Ok(Self { at, who: who.to_owned(), what: what.to_owned() })
    }

    /// The line of the file, with its end.
    ///
    /// # Errors
    /// When it cannot be written as JSON, which does not happen.
    pub fn line(&self) -> Result<String, serde_json::Error> {
        let Self { at, who, what } = self;
        let line = Line { at: at.to_string(), who: who.clone(), what: what.clone() };
        serde_json::to_string(&line).map(|line| line + "\n")
    }
}

/// Reads a log. Lines that are no entries are given with their number and reason: a torn line must
/// not hide the others.
#[must_use]
pub fn parse(text: &str) -> (Vec<LogEntry>, Vec<(usize, String)>) {
    let (mut entries, mut problems) = (Vec::new(), Vec::new());
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let entry = serde_json::from_str::<Line>(line).map_err(|error| error.to_string());
        let entry = entry.and_then(|line| {
            let at = line.at.parse().map_err(|_| format!("`{}` is no time", line.at))?;
            Ok(LogEntry { at, who: line.who, what: line.what })
        });
        match entry {
            Ok(entry) => entries.push(entry),
            Err(reason) => problems.push((number, reason)),
        }
    }
    (entries, problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Timestamp {
        "2026-06-01T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn entries_are_lines_and_come_back() {
        let entry = LogEntry::new(at(), " ann ", "yanked 1.0\nand \"told\" the list ").unwrap();
        let line = entry.line().unwrap();
        assert_eq!(
            line,
            "{\"at\":\"2026-06-01T12:00:00Z\",\"who\":\"ann\",\"what\":\"yanked 1.0\\nand \\\"told\\\" the list\"}\n"
        );
        assert_eq!(parse(&line), (vec![entry.clone()], vec![]));
        // A torn line and one that is no entry are told, and hide nothing.
        let text = format!("{{\"at\":\n\n{line}{{\"at\":\"x\",\"who\":\"a\",\"what\":\"b\"}}\n");
        let (entries, problems) = parse(&text);
        assert_eq!(entries, [entry]);
        assert_eq!(problems.iter().map(|it| it.0).collect::<Vec<_>>(), [1, 4]);
        assert_eq!(problems[1].1, "`x` is no time");
    }

    #[test]
    fn entries_have_limits() {
        let new = |who: &str, what: &str| LogEntry::new(at(), who, what);
        assert_eq!(new(" ", "x"), Err(EntryError::Empty("who")));
        assert_eq!(new("ann", "\n"), Err(EntryError::Empty("what")));
        assert!(new("ann", &"x".repeat(MAXIMUM_ENTRY - 3)).is_ok());
        assert_eq!(new("ann", &"x".repeat(MAXIMUM_ENTRY - 2)), Err(EntryError::TooLong));
    }
}
