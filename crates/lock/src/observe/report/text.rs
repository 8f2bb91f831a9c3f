//! The report for people at a terminal.

use anstyle::{AnsiColor, Style};
use countermark_report::harmless::harmless;

use super::{Report, count, digests, place, title};
use crate::observe::class;
use crate::observe::finding::Finding;

const ALARM: Style = AnsiColor::BrightRed.on_default().bold();
const DOUBT: Style = AnsiColor::Yellow.on_default().bold();
const QUIET: Style = Style::new().dimmed();

/// So many findings are shown with their evidence.
const MOST: usize = 100;

/// So many places of a side are shown.
const MOST_PLACES: usize = 3;

/// So many locks that could not be read are shown.
const MOST_UNREAD: usize = 10;

/// Writes the report, with a line end at the end.
#[must_use]
pub fn write(report: &Report, colors: bool) -> String {
    let paint = |style: Style, text: &str| match colors {
        true => format!("{style}{text}{style:#}"),
        false => text.to_owned(),
    };
    let mut lines = vec![format!("read {}", report.tally.sentence()), String::new()];
    for share in report.shares() {
        let line =
            format!("{:<18} {:>6} {:>5.1} %", share.class.code(), share.number, share.percent);
        let is_quiet = share.number == 0;
        lines.push(if is_quiet { paint(QUIET, &line) } else { line });
    }
    let shown: Vec<&Finding> = report.shown().collect();
    for finding in shown.iter().take(MOST) {
        let is_alarm = class::find(finding.class).is_some_and(class::Class::is_alarm);
        let style = if is_alarm { ALARM } else { DOUBT };
        lines.push(String::new());
        lines.push(paint(style, &format!("{}  {}", finding.class, harmless(&title(finding)))));
        lines.extend(evidence(finding));
    }
    if shown.len() > MOST {
        lines.push(format!("and {} more", shown.len() - MOST));
    }
    if report.unread_count > 0 {
        lines.push(String::new());
        lines.push(format!("not read: {}", count(report.unread_count, "lock", "locks")));
        for unread in report.unread.iter().take(MOST_UNREAD) {
            lines.push(format!("  {}: {}", harmless(&unread.place), harmless(&unread.reason)));
        }
        if report.unread_count > MOST_UNREAD {
            lines.push(format!("  and {} more", report.unread_count - MOST_UNREAD));
        }
    }
    lines.extend(report.notes.iter().map(|note| format!("note: {}", harmless(note))));
    lines.push(String::new());
    lines.push(match report.alarms() {
        0 => "no file has two digests that nothing explains".to_owned(),
        alarms => paint(ALARM, &count(alarms, "alarm", "alarms")),
    });
    lines.join("\n") + "\n"
}

fn evidence(finding: &Finding) -> Vec<String> {
    let mut lines = vec![format!("  {}", harmless(&finding.evidence))];
    for side in &finding.sides {
        lines.push(format!("  {} in {}", digests(side), count(side.locks, "lock", "locks")));
        for pin in side.pins.iter().take(MOST_PLACES) {
            let (place, origin) = (place(pin), &pin.origin);
            lines.push(format!("    {} ({}, {})", harmless(&place), pin.format, harmless(origin)));
        }
        if side.pins.len() > MOST_PLACES {
            lines.push(format!("    and {} more", side.pins.len() - MOST_PLACES));
        }
    }
    lines
}
