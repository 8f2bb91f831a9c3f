//! The report as one page that needs nothing else: no script, no font, no picture from elsewhere.
//!
//! What others wrote is made harmless and then escaped by the template; should something get through,
//! the page's own policy (CSP) allows no script and nothing from elsewhere.

use askama::Template;
use countermark_report::harmless::harmless;

use super::{Report, digests, place, title};
use crate::observe::class;

/// So many findings are shown with their evidence.
const MOST: usize = 500;

/// So many locks that could not be read are shown.
const MOST_UNREAD: usize = 100;

/// Writes the page.
#[must_use]
pub fn write(report: &Report) -> String {
    let page = Page::of(report);
    // Rendering into a text fails only when a part of it fails, and no part can.
    let mut text = page.render().unwrap_or_default();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

#[derive(Template)]
#[template(path = "observe.html")]
struct Page {
    alarms: usize,
    read: String,
    classes: Vec<ClassView>,
    findings: Vec<FindingView>,
    hidden: usize,
    unread: Vec<(String, String)>,
    unread_count: usize,
    notes: Vec<String>,
}

struct ClassView {
    code: &'static str,
    title: &'static str,
    what: &'static str,
    number: usize,
    percent: String,
    kind: &'static str,
}

struct FindingView {
    class: &'static str,
    kind: &'static str,
    title: String,
    evidence: String,
    sides: Vec<SideView>,
}

struct SideView {
    digests: String,
    locks: usize,
    places: Vec<String>,
}

fn kind(code: &str) -> &'static str {
    match class::find(code) {
        Some(class) if class.is_alarm() => "alarm",
        Some(class) if class.is_doubtful() => "doubt",
        _ => "calm",
    }
}

impl Page {
    fn of(report: &Report) -> Self {
        let text = |text: &str| harmless(text).into_owned();
        let finding = |finding: &crate::observe::Finding| FindingView {
            class: finding.class,
            kind: kind(finding.class),
            title: text(&title(finding)),
            evidence: text(&finding.evidence),
            sides: finding
                .sides
                .iter()
                .map(|side| SideView {
                    digests: digests(side),
                    locks: side.locks,
                    places: side
                        .pins
                        .iter()
                        .map(|pin| {
                            text(&format!("{} ({}, {})", place(pin), pin.format, pin.origin))
                        })
                        .collect(),
                })
                .collect(),
        };
        Self {
            alarms: report.alarms(),
            read: report.tally.sentence(),
            classes: report
                .shares()
                .map(|share| ClassView {
                    code: share.class.code(),
                    title: share.class.document().title,
                    what: share.class.document().what,
                    number: share.number,
                    percent: format!("{:.1} %", share.percent),
                    kind: kind(share.class.code()),
                })
                .collect(),
            findings: report.findings.iter().take(MOST).map(finding).collect(),
            hidden: report.findings.len().saturating_sub(MOST),
            unread: report
                .unread
                .iter()
                .take(MOST_UNREAD)
                .map(|unread| (text(&unread.place), text(&unread.reason)))
                .collect(),
            unread_count: report.unread_count,
            notes: report.notes.iter().map(|note| text(note)).collect(),
        }
    }
}
