//! The report as JSON, format `countermark-vet/1`: every file with what it meets and by what, so that
//! programs choose for themselves.
//!
//! The schema is `schema/vet.schema.json`. The structs are frozen: what they write may only become more,
//! in a way that the schema allows; anything else is a new format.

use serde::Serialize;

use super::wire::{self, MissingJson, ReasonJson, RemarksJson, SubjectJson};
use super::{Counts, Report};
use crate::check::Judgement;
use crate::check::judgement::Required;

/// The name of the format.
pub const FORMAT: &str = "countermark-vet/1";

/// The JSON Schema of the format.
pub const SCHEMA: &str = include_str!("../../schema/vet.schema.json");

/// Writes the report, with a line end at its end.
#[must_use]
pub fn write(report: &Report) -> String {
    countermark_report::json::write(&Document {
        format: FORMAT,
        on: report.on.to_string(),
        ledger: &report.ledger,
        subjects: &report.subjects,
        passes: report.passes(),
        counts: counts(report.counts()),
        files: report.judgements.iter().map(judgement).collect(),
        notes: &report.notes,
    })
}

#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    on: String,
    ledger: &'a str,
    subjects: &'a [String],
    passes: bool,
    counts: CountsJson,
    files: Vec<JudgementJson<'a>>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct CountsJson {
    files: usize,
    met: usize,
    unmet: usize,
    known_bad: usize,
    full: usize,
    delta: usize,
    related: usize,
    trusted: usize,
    exempt: usize,
    unknown_roles: usize,
}

fn counts(counts: Counts) -> CountsJson {
    CountsJson {
        files: counts.files,
        met: counts.met,
        unmet: counts.unmet,
        known_bad: counts.known_bad,
        full: counts.full,
        delta: counts.delta,
        related: counts.related,
        trusted: counts.trusted,
        exempt: counts.exempt,
        unknown_roles: counts.unknown_roles,
    }
}

#[derive(Serialize)]
struct JudgementJson<'a> {
    #[serde(flatten)]
    subject: SubjectJson<'a>,
    passes: bool,
    criteria: Vec<RequiredJson<'a>>,
    #[serde(flatten)]
    remarks: RemarksJson<'a>,
}

#[derive(Serialize)]
struct RequiredJson<'a> {
    criterion: &'a str,
    met: bool,
    by: Option<ReasonJson<'a>>,
    missing: Vec<MissingJson<'a>>,
}

fn judgement(judgement: &Judgement) -> JudgementJson<'_> {
    JudgementJson {
        subject: wire::subject(&judgement.subject),
        passes: judgement.passes(),
        criteria: judgement.required.iter().map(required).collect(),
        remarks: wire::remarks(judgement),
    }
}

fn required(required: &Required) -> RequiredJson<'_> {
    RequiredJson {
        criterion: required.criterion.as_str(),
        met: required.is_met(),
        by: required.reason().map(wire::reason),
        missing: required.missing().map(wire::missing).collect(),
    }
}
