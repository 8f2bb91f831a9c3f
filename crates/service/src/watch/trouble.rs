//! What the watch says of itself: that it cannot see. Told like findings, once, and gone when it is
//! over; otherwise silence would look like peace.

use countermark_audit::finding::Severity;
use jiff::{SignedDuration, Timestamp};

use super::config::shown_duration;
use super::finding::{StoredEvidence, StoredFinding};
use super::schedule::Calendar;

/// Projects that could not be read for too long.
pub const UNREAD: &str = "watch-unread";
/// Nothing can be judged.
pub const FAILING: &str = "watch-failing";

/// Whether a code is one of those above.
#[must_use]
pub fn is_own(rule: &str) -> bool {
    matches!(rule, UNREAD | FAILING)
}

/// Most projects whose reason is given.
const MAX_EVIDENCE: usize = 5;

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
