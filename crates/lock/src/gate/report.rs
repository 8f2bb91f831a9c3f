//! What the gate found, and the forms in which it is shown.

pub mod json;
pub mod junit;
pub mod markdown;
pub mod sarif;
pub mod text;

use std::collections::BTreeMap;

use countermark_packaging::lock::document::LockFormat;
use countermark_report::Severity;
use jiff::Timestamp;

use super::finding::{Finding, Key, Unchecked};
use super::scope::Moves;

/// What the gate found.
#[derive(Clone, Debug)]
pub struct Report {
    /// When it was looked at.
    pub at: Timestamp,
    /// The locks.
    pub locks: Vec<LockSummary>,
    /// The indexes that were asked, without credentials; none where nobody was to be asked.
    pub indexes: Option<Vec<String>>,
    /// The file of the policy; none where the default one counts.
    pub policy: Option<String>,
    /// Worst first, then in the order of the locks.
    pub findings: Vec<Finding>,
    /// Findings that are let pass, with why and until when.
    pub let_pass: Vec<(Finding, String)>,
    /// What the baseline lets pass and is not there any more.
    pub stale: Vec<Key>,
    /// What was added to the baseline.
    pub grown: Vec<Key>,
    /// What could not be looked at.
    pub unchecked: Vec<Unchecked>,
}

/// One lock.
#[derive(Clone, Debug)]
pub struct LockSummary {
    /// What messages call it.
    pub file: String,
    /// Its format.
    pub format: LockFormat,
    /// Its entries.
    pub entries: usize,
    /// Those that were judged.
    pub judged: usize,
    /// What moved; none where nothing was compared.
    pub moves: Option<Moves>,
    /// What its reader notes.
    pub notes: Vec<String>,
}

/// `1 entry`, `2 entries`.
fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// `2 high, 1 low`, or `nothing found`.
fn tally(report: &Report) -> String {
    let parts: Vec<String> = Severity::ALL
        .iter()
        .rev()
        .filter_map(|severity| {
            let number = report.count(*severity);
            (number > 0).then(|| format!("{number} {severity}"))
        })
        .collect();
    if parts.is_empty() { "nothing found".to_owned() } else { parts.join(", ") }
}

/// What was looked at, in a line.
fn asked(report: &Report) -> String {
    match &report.indexes {
        None => "no index was asked".to_owned(),
        Some(indexes) if indexes.is_empty() => "there is no index to ask".to_owned(),
        Some(indexes) => format!("compared with {}", indexes.join(", ")),
    }
}

/// What could not be looked at, put together by what and why: how many entries, and the first.
fn unchecked(report: &Report, is_asked_for: bool) -> Vec<(String, usize, &Unchecked)> {
    let mut groups: BTreeMap<(&str, String), (usize, &Unchecked)> = BTreeMap::new();
    for one in report.unchecked.iter().filter(|one| one.is_asked_for == is_asked_for) {
        // The sentences of a rule differ by project: the first stands for all of them.
        let why = if one.what == "index" { one.why.clone() } else { String::new() };
        groups.entry((one.what, why)).or_insert((0, one)).0 += 1;
    }
    groups
        .into_iter()
        .map(|((what, _), (number, first))| (what.to_owned(), number, first))
        .collect()
}

/// `teapot 1.1 → 1.2`.
fn shown_move(one: &super::scope::Move) -> String {
    let list = |versions: &[String]| versions.join(", ");
    match (one.before.as_slice(), one.after.as_slice()) {
        ([], after) => format!("{} is new: {}", one.project, list(after)),
        (before, []) => format!("{} is gone: {}", one.project, list(before)),
        (before, after) if before == after => {
            format!("{} {}: other files or another place", one.project, list(after))
        }
        (before, after) => format!("{} {} → {}", one.project, list(before), list(after)),
    }
}
