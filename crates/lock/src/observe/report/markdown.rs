//! The report as a page of a repository. Names of locks are texts of others: none becomes a link, an
//! image, or calls people.

use countermark_report::markdown::{code, plain};

use super::{Report, digests, place, title};
use crate::observe::finding::Finding;

/// So many findings are shown with their evidence.
const MOST: usize = 200;

/// So many places of a side are shown.
const MOST_PLACES: usize = 5;

/// Writes the report, with a line end at the end.
#[must_use]
pub fn write(report: &Report) -> String {
    let mut lines = vec!["# Pins, compared".to_owned(), String::new()];
    let alarms = report.alarms();
    lines.push(match alarms {
        0 => "**No file has two digests that nothing explains.**".to_owned(),
        1 => "**One alarm: a file has two digests, and nothing explains it.**".to_owned(),
        _ => format!("**{alarms} alarms: files have two digests, and nothing explains it.**"),
    });
    lines.extend([String::new(), format!("Read: {}.", report.tally.sentence()), String::new()]);
    lines.push("| class | meaning | number | share |".to_owned());
    lines.push("|---|---|---:|---:|".to_owned());
    for share in report.shares() {
        let (code, title) = (share.class.code(), share.class.document().title);
        lines.push(format!("| `{code}` | {title} | {} | {:.1} % |", share.number, share.percent));
    }
    let shown: Vec<&Finding> = report.shown().collect();
    for finding in shown.iter().take(MOST) {
        lines.push(String::new());
        lines.push(format!("## `{}`: {}", finding.class, code(&title(finding))));
        lines.push(String::new());
        lines.push(format!("{}.", plain(&finding.evidence)));
        lines.push(String::new());
        for side in &finding.sides {
            lines.push(format!("- {}, locks: {}", code(&digests(side)), side.locks));
            for pin in side.pins.iter().take(MOST_PLACES) {
                let origin = code(&pin.origin);
                lines.push(format!("  - {} ({}, {origin})", code(&place(pin)), pin.format));
            }
        }
    }
    if shown.len() > MOST {
        lines.extend([String::new(), format!("And {} more.", shown.len() - MOST)]);
    }
    if report.unread_count > 0 {
        lines.extend([String::new(), "## Not read".to_owned(), String::new()]);
        for unread in report.unread.iter().take(MOST) {
            lines.push(format!("- {}: {}", code(&unread.place), plain(&unread.reason)));
        }
        if report.unread_count > MOST {
            lines.push(format!("- and {} more", report.unread_count - MOST));
        }
    }
    if !report.notes.is_empty() {
        lines.extend([String::new(), "## Notes".to_owned(), String::new()]);
        lines.extend(report.notes.iter().map(|note| format!("- {}", plain(note))));
    }
    lines.join("\n") + "\n"
}
