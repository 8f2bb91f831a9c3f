//! What the watch says of itself: that it cannot see. Told like findings, once, and gone when it is
//! over; otherwise silence would look like peace.

use std::collections::BTreeSet;

use countermark_audit::finding::Severity;
use countermark_audit::record::RecordProblem;
use jiff::{SignedDuration, Timestamp};

use super::config::shown_duration;
use super::finding::{StoredEvidence, StoredFinding};
use super::schedule::Calendar;

/// Projects that could not be read for too long.
pub const UNREAD: &str = "watch-unread";
/// Nothing can be judged.
pub const FAILING: &str = "watch-failing";

/// Parts of the records that cannot be read.
pub const RECORDS: &str = "watch-records";

/// Whether a code is one of those above.
#[must_use]
pub fn is_own(rule: &str) -> bool {
    matches!(rule, UNREAD | FAILING | RECORDS)
}

/// Most projects or parts of which the reason is given.
const MAX_EVIDENCE: usize = 5;
/// Most files that are named.
const MAX_FILES: usize = 50;

/// One finding for all projects that could not be read for `after`.
#[must_use]
pub fn unread(calendar: &Calendar, now: Timestamp, after: SignedDuration) -> Option<StoredFinding> {
    let blind: Vec<_> = calendar
        .iter()
        .filter_map(|(project, due)| Some((project, due.unread.as_ref()?)))
        .filter(|(_, (since, _))| now.duration_since(*since) >= after)
        .collect();
    if blind.is_empty() {
        return None;
    }
    let projects: Vec<String> = blind.iter().map(|(project, _)| project.to_string()).collect();
    let evidence =
        blind.iter().take(MAX_EVIDENCE).map(|(project, (since, reason))| StoredEvidence {
            source: "index".to_owned(),
            text: format!("{project}, since {since}: {reason}"),
        });
    let count = projects.len();
    let what = if count == 1 { "it".to_owned() } else { format!("{count} projects") };
    let message = format!("the index did not answer for {what} for {}", shown_duration(after));
    let next = "ask the index for their pages by hand; what was known of them still counts";
    Some(finding(UNREAD, Severity::Medium, projects, message, evidence.collect(), next))
}

/// One finding for all parts of the records that could not be read: what they say is missing when
/// everything else is judged, so that a release of theirs may look like nobody's.
#[must_use]
pub fn records(problems: &[RecordProblem]) -> Option<StoredFinding> {
    let files: BTreeSet<&str> = problems.iter().map(|problem| problem.file.as_str()).collect();
    if files.is_empty() {
        return None;
    }
    let evidence = problems.iter().take(MAX_EVIDENCE).map(|problem| {
        let place =
            problem.position.map_or_else(String::new, |(line, column)| format!(":{line}:{column}"));
        StoredEvidence {
            source: "records".to_owned(),
            text: format!("{}{place}: {}", problem.file, problem.message),
        }
    });
    let count = files.len();
    let what = if count == 1 { "a file".to_owned() } else { format!("{count} files") };
    let message = format!("{what} of the records cannot be read, and counts for nothing");
    let next = "repair it; findings about its projects may be wrong until then";
    let found = finding(RECORDS, Severity::Medium, Vec::new(), message, evidence.collect(), next);
    let files: Vec<String> = files.into_iter().take(MAX_FILES).map(str::to_owned).collect();
    Some(StoredFinding { key: format!("{RECORDS}||{}", files.join(",")), files, ..found })
}

/// A finding for a watch that could not judge anything for too long.
#[must_use]
pub fn failing(since: Timestamp, error: &str) -> StoredFinding {
    let evidence = StoredEvidence { source: "countermark".to_owned(), text: error.to_owned() };
    let message = format!("nothing could be judged since {since}");
    let next = "run `countermark audit` where the watch runs";
    finding(FAILING, Severity::High, Vec::new(), message, vec![evidence], next)
}

fn finding(
    rule: &str,
    severity: Severity,
    projects: Vec<String>,
    message: String,
    evidence: Vec<StoredEvidence>,
    next: &str,
) -> StoredFinding {
    StoredFinding {
        key: format!("{rule}|{}|||", projects.join(",")),
        rule: rule.to_owned(),
        severity,
        projects,
        versions: Vec::new(),
        files: Vec::new(),
        accounts: Vec::new(),
        message,
        evidence,
        next: next.to_owned(),
    }
}
