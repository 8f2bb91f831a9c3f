//! A row of JSON Lines.

use std::borrow::Cow;

use serde::Deserialize;

use super::{Column, Refused, Row};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonRow<'t> {
    #[serde(borrow)]
    project: Cow<'t, str>,
    #[serde(borrow)]
    version: Cow<'t, str>,
    #[serde(default)]
    file: Option<Cow<'t, str>>,
    #[serde(default)]
    sha256: Option<Cow<'t, str>>,
    #[serde(default)]
    size: Option<u64>,
    #[serde(default)]
    date: Option<Cow<'t, str>>,
    #[serde(default)]
    commit: Option<Cow<'t, str>>,
    #[serde(default)]
    repository: Option<Cow<'t, str>>,
}

/// Reads one line and gives its row to `each`.
pub(super) fn read(
    text: &str,
    each: impl FnOnce(&Row<'_>, &dyn Fn(Column) -> u32) -> Result<(), Refused>,
) -> Result<(), Refused> {
    let row: JsonRow<'_> = serde_json::from_str(text).map_err(|error| {
        let message = error.to_string();
        // The line that is meant is known better to the caller.
        let reason = message.split(" at line ").next().unwrap_or_default().to_owned();
        (u32::try_from(error.column()).unwrap_or(u32::MAX).max(1), reason)
    })?;
    fn said<'r>(text: &'r Option<Cow<'_, str>>) -> &'r str {
        text.as_deref().unwrap_or_default()
    }
    let size = row.size.map(|size| size.to_string()).unwrap_or_default();
    let fields: Row<'_> = [
        &row.project,
        &row.version,
        said(&row.file),
        said(&row.sha256),
        &size,
        said(&row.date),
        said(&row.commit),
        said(&row.repository),
    ];
    each(&fields, &|column| column_of(text, column))
}

/// Where the value of a key begins, or the row.
fn column_of(text: &str, column: Column) -> u32 {
    let name = super::COLUMNS.iter().find(|(_, it)| *it == column).map_or("", |(name, _)| name);
    let key = format!("\"{name}\"");
    let at = text.find(&key).map_or(0, |at| {
        let rest = &text[at + key.len()..];
        at + key.len() + (rest.len() - rest.trim_start_matches([' ', '\t', ':']).len())
    });
    u32::try_from(text[..at].chars().count() + 1).unwrap_or(u32::MAX)
}
