//! The report in SARIF 2.1.0: each finding at the lock that the fewest agree with.

use std::collections::BTreeSet;

use countermark_report::sarif::{self, At, Found, Notice, Run, Subject, clean};
use countermark_report::{Document, Severity};
use serde::Serialize;

use super::{Report, digests, place};
use crate::observe::class;
use crate::observe::finding::Finding;

/// Writes all findings, with a line end at the end.
#[must_use]
pub fn write(report: &Report) -> String {
    let notice = |level, message: String| Notice { level, message, place: None };
    let unread = report.unread.iter();
    let unread =
        unread.map(|it| notice("warning", format!("{} was not read: {}", it.place, it.reason)));
    let notes = report.notes.iter().map(|note| notice("note", note.clone()));
    sarif::write(Run {
        version: env!("CARGO_PKG_VERSION"),
        automation: "countermark-observe/",
        rules: class::all().map(|it| (it.code(), Some::<Document>(it.document()))).collect(),
        results: report.findings.iter().map(found).collect(),
        is_complete: true,
        notices: unread.chain(notes).collect(),
        properties: RunProperties { locks: report.tally.locks, pins: report.tally.pins },
    })
}

fn found(finding: &Finding) -> Found<ResultProperties> {
    let severity = match class::find(finding.class) {
        Some(class) if class.is_alarm() => Severity::High,
        Some(class) if class.is_doubtful() => Severity::Medium,
        _ => Severity::Note,
    };
    let mut message = format!("{}: {}", super::title(finding), finding.evidence);
    for side in &finding.sides {
        let first = side.pins.first().map(place).unwrap_or_default();
        message.push_str(&format!("; {} in {} ({first})", digests(side), side.locks));
    }
    let project = finding.project.as_str();
    let subject = Subject {
        qualified: finding.release().replace(' ', "/"),
        name: finding.version.clone().unwrap_or_else(|| project.to_owned()),
        kind: if finding.version.is_some() { "release" } else { "package" },
    };
    let rarest = finding.sides.iter().min_by_key(|side| side.locks);
    let at = rarest.and_then(|side| side.pins.first()).map(|pin| At {
        path: format!("{}/{}", pin.lock.repository, pin.lock.path),
        line: pin.at.line,
        column: None,
    });
    Found {
        rule: finding.class,
        severity,
        message,
        place: at,
        subjects: BTreeSet::from([subject]),
        key: finding.key(),
        suppressed: None,
        properties: ResultProperties { file: finding.file.as_deref().map(clean) },
    }
}

#[derive(Serialize)]
struct RunProperties {
    locks: usize,
    pins: usize,
}

#[derive(Serialize)]
struct ResultProperties {
    file: Option<String>,
}
