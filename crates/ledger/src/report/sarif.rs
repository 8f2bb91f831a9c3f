//! The report in SARIF 2.1.0, for code hosts that show findings at the lines of a lock.

use std::collections::BTreeSet;

use countermark_report::sarif::{self, At, Found, Run, Subject, clean};
use countermark_report::{Document, Severity};
use serde::Serialize;

use super::{Report, words};
use crate::check::Judgement;
use crate::criteria::CriterionName;

/// A file does not meet what the ledger requires.
pub const NOT_VETTED: &str = "not-vetted";

/// A file is known bad.
pub const KNOWN_BAD: &str = "known-bad";

const DOCUMENTS: [(&str, Document); 2] = [
    (
        NOT_VETTED,
        Document {
            title: "Nobody whose word counts has vouched for this file",
            what: "The file does not meet the criteria that the ledger requires of its project.",
            why: "What nobody looked at may do anything. The ledger says who has to have looked.",
            remedy: "See what is missing with `countermark vet explain`, and the cheapest way to get it with `countermark vet suggest`.",
            example: "teapot 1.2 does not meet safe-to-deploy",
        },
    ),
    (
        KNOWN_BAD,
        Document {
            title: "This file is known to be bad",
            what: "A ledger lists the digest of the file, or of one with the same content, as a violation.",
            why: "Somebody found it to do harm. No review, exemption or publisher overrides that.",
            remedy: "Move the lock to another release, and look at where the file was installed.",
            example: "teapot 1.2: known bad since 2026-11-20: sends away what is in the environment",
        },
    ),
];

/// Writes all files that fail, with a line end at the end.
#[must_use]
pub fn write(report: &Report) -> String {
    sarif::write(Run {
        version: env!("CARGO_PKG_VERSION"),
        automation: "countermark-vet/",
        rules: DOCUMENTS.iter().map(|(code, document)| (*code, Some(*document))).collect(),
        results: report.judgements.iter().filter(|it| !it.passes()).map(found).collect(),
        is_complete: true,
        notices: Vec::new(),
        properties: RunProperties { on: report.on.to_string(), ledger: clean(&report.ledger) },
    })
}

fn found(judgement: &Judgement) -> Found<ResultProperties> {
    let subject = &judgement.subject;
    let release = format!("{} {}", subject.project, subject.version);
    let missing: Vec<&str> = judgement.missing().map(CriterionName::as_str).collect();
    let is_bad = !judgement.known_bad.is_empty();
    let message = if is_bad {
        let bad: Vec<String> = judgement.known_bad.iter().map(words::known_bad).collect();
        format!("{release}: {}", bad.join("; "))
    } else {
        format!(
            "{release} does not meet {}. Next: countermark vet explain {}",
            missing.join(", "),
            subject.project
        )
    };
    let rule = if is_bad { KNOWN_BAD } else { NOT_VETTED };
    Found {
        rule,
        severity: if is_bad { Severity::High } else { Severity::Medium },
        message,
        place: Some(At {
            path: subject.place.file.clone(),
            line: subject.place.line,
            column: Some(subject.place.column),
        }),
        subjects: BTreeSet::from([Subject {
            qualified: format!("{}/{}", subject.project, subject.version),
            name: subject.version.to_string(),
            kind: "release",
        }]),
        key: format!("{rule} {} {}", subject.project, subject.digest),
        suppressed: None,
        properties: ResultProperties {
            file: clean(&words::file(subject)),
            digest: subject.digest.to_string(),
            missing: missing.into_iter().map(str::to_owned).collect(),
        },
    }
}

#[derive(Serialize)]
struct RunProperties {
    on: String,
    ledger: String,
}

#[derive(Serialize)]
struct ResultProperties {
    file: String,
    digest: String,
    missing: Vec<String>,
}
