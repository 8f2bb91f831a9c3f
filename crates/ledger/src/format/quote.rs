//! How values are written: one way for each.

use std::fmt::Write as _;

use crate::criteria::CriterionName;
use crate::file::FileId;

/// A text as a TOML basic string on one line.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    push_quoted(&mut quoted, text);
    quoted
}

pub(super) fn push_quoted(into: &mut String, text: &str) {
    into.push('"');
    for character in text.chars() {
        match character {
            '"' => into.push_str("\\\""),
            '\\' => into.push_str("\\\\"),
            '\n' => into.push_str("\\n"),
            '\t' => into.push_str("\\t"),
            '\r' => into.push_str("\\r"),
            c if c.is_control() => {
                let _ = write!(into, "\\u{:04X}", u32::from(c));
            }
            c => into.push(c),
        }
    }
    into.push('"');
}

/// `key = "text"`.
pub(super) fn text(into: &mut String, key: &str, value: &str) {
    into.push_str(key);
    into.push_str(" = ");
    push_quoted(into, value);
    into.push('\n');
}

/// `key = value`, for what needs no quotes.
pub(super) fn plain(into: &mut String, key: &str, value: impl std::fmt::Display) {
    let _ = writeln!(into, "{key} = {value}");
}

/// `key = ["a", "b"]`, on one line.
pub(super) fn list<T: AsRef<str>>(
    into: &mut String,
    key: &str,
    values: impl IntoIterator<Item = T>,
) {
    into.push_str(key);
    into.push_str(" = [");
    for (index, value) in values.into_iter().enumerate() {
        if index > 0 {
            into.push_str(", ");
        }
        push_quoted(into, value.as_ref());
    }
    into.push_str("]\n");
}

/// Criteria, sorted, each once.
pub(super) fn criteria(into: &mut String, key: &str, names: &[CriterionName]) {
    let mut names: Vec<&str> = names.iter().map(CriterionName::as_str).collect();
    names.sort_unstable();
    names.dedup();
    list(into, key, names);
}

/// Files, one a line, sorted, each once.
pub(super) fn files(into: &mut String, key: &str, files: &[FileId]) {
    let mut files: Vec<&FileId> = files.iter().collect();
    files.sort();
    files.dedup();
    into.push_str(key);
    into.push_str(" = [\n");
    for file in files {
        let _ = writeln!(into, "    \"{file}\",");
    }
    into.push_str("]\n");
}
