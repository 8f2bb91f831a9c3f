//! The report in SARIF 2.1.0, for code hosts that show findings at the lines of a lock.

use std::collections::BTreeSet;

use countermark_packaging::lock::Place;
use countermark_report::sarif::{self, At, Found, Run, Subject, clean};
use countermark_report::{Document, Severity};
use serde::Serialize;

use super::{Report, Unjudged, words};
use crate::check::Judgement;
use crate::criteria::CriterionName;

/// A file does not meet what the ledger requires.
pub const NOT_VETTED: &str = "not-vetted";

/// A file is known bad.
pub const KNOWN_BAD: &str = "known-bad";

/// An entry of a lock has no SHA-256.
pub const NO_DIGEST: &str = "vet-no-digest";

/// It is not known which file an installed package came from.
pub const NO_RECORD: &str = "vet-no-record";

const DOCUMENTS: [(&str, Document); 4] = [
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
    (
        NO_DIGEST,
        Document {
            title: "No review can be of this entry",
            what: "The entry of the lock has no SHA-256, or comes from a repository or a folder.",
            why: "A review is of the bytes that a digest names. Without one, anything may be installed.",
            remedy: "Write the lock with `countermark lock`; build a wheel of a repository.",
            example: "teapot 1.2 has no digest, so no review can say anything about it",
        },
    ),
    (
        NO_RECORD,
        Document {
            title: "It is not known where this package came from",
            what: "The environment has no record of the file that the package was installed from.",
            why: "A review is of a file. What was installed may be something else.",
            remedy: "Install it again with `countermark install`, which records the file.",
            example: "it is not known which file teapot 1.2 came from",
        },
    ),
];

/// Writes all files that fail and all entries that could not be judged, with a line end at the end.
#[must_use]
pub fn write(report: &Report) -> String {
    sarif::write(Run {
        version: env!("CARGO_PKG_VERSION"),
        automation: "countermark-vet/",
        rules: DOCUMENTS.iter().map(|(code, document)| (*code, Some(*document))).collect(),
        results: report
            .judgements
            .iter()
            .filter(|it| !it.passes())
            .map(found)
            .chain(report.unjudged.iter().map(unjudged))
            .collect(),
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
            digest: Some(subject.digest.to_string()),
            missing: missing.into_iter().map(str::to_owned).collect(),
        },
    }
}

fn unjudged(entry: &Unjudged) -> Found<ResultProperties> {
    let at = |place: &Place| At {
        path: place.file.clone(),
        line: place.line,
        column: Some(place.column),
    };
    Found {
        rule: entry.code,
        severity: Severity::Medium,
        message: entry.message.clone(),
        place: entry.place.as_ref().map(at),
        subjects: BTreeSet::new(),
        key: format!("{} {}", entry.code, entry.message),
        suppressed: None,
        properties: ResultProperties::default(),
    }
}

#[derive(Serialize)]
struct RunProperties {
    on: String,
    ledger: String,
}

/// Empty where there is no file that could be judged.
#[derive(Default, Serialize)]
struct ResultProperties {
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    missing: Vec<String>,
}
