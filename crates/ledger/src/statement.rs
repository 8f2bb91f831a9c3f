//! What an author signs: everything that a review says, as lines of text.
//!
//! The statement is made from the values, never cut out of a file, so that layout and order of a file
//! cannot change what was signed, and nobody can sign what they do not see: it is plain text, one thing a
//! line. Its SHA-256 names the review everywhere else. The form is frozen; `docs/ledger-format.md` has it.

use std::fmt::{self, Write as _};

use countermark_packaging::digest::Sha256;
use sha2::Digest as _;

use crate::file::FileId;
use crate::review::{How, Review};

/// The first line; another form gets another number.
pub const HEAD: &str = "countermark.review/v1";

/// The name of a review: SHA-256 of its statement. Two with the same id say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatementId(pub Sha256);

impl StatementId {
    /// Of a statement.
    #[must_use]
    pub fn of_text(statement: &str) -> Self {
        Self(Sha256(sha2::Sha256::digest(statement.as_bytes()).into()))
    }

    /// Of a review.
    #[must_use]
    pub fn of(review: &Review) -> Self {
        Self::of_text(&statement(review))
    }
}

impl fmt::Display for StatementId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0.hex())
    }
}

/// The text that is signed. Lists are sorted and without repetition, whatever order they come in.
#[must_use]
pub fn statement(review: &Review) -> String {
    let mut text = format!("{HEAD}\nproject {}\nversion {}\n", review.project, review.version);
    files(&mut text, "file", &review.files);
    let mut criteria: Vec<_> = review.criteria.iter().collect();
    criteria.sort();
    criteria.dedup();
    for criterion in criteria {
        let _ = writeln!(text, "criterion {criterion}");
    }
    match &review.how {
        How::Full => text.push_str("how full\n"),
        How::Compiled => text.push_str("how compiled\n"),
        How::Delta { from, files: compared } => {
            let _ = writeln!(text, "how delta {from}");
            files(&mut text, "from", compared);
        }
    }
    let _ = writeln!(text, "author {}\non {}", review.author, review.on);
    match review.until {
        Some(until) => {
            let _ = writeln!(text, "until {until}");
        }
        None => text.push_str("until -\n"),
    }
    // A JSON string has no line end in it, so notes cannot pass for other lines.
    let notes = serde_json::Value::from(review.notes.as_str());
    let _ = writeln!(text, "notes {notes}");
    text
}

fn files(text: &mut String, key: &str, files: &[FileId]) {
    let mut files: Vec<_> = files.iter().collect();
    files.sort();
    files.dedup();
    for file in files {
        let _ = writeln!(text, "{key} {file}");
    }
}
