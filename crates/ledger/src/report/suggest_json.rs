//! A plan as JSON, format `countermark-vet-suggest/1`.
//!
//! The schema is `schema/vet-suggest.schema.json`; the structs are frozen as those of the report.

use jiff::civil::Date;
use serde::Serialize;

use super::wire::{self, FileJson, KnownBadJson};
use crate::criteria::CriterionName;
use crate::suggest::{Follow, Plan, Step, StepHow};

/// The name of the format.
pub const FORMAT: &str = "countermark-vet-suggest/1";

/// The JSON Schema of the format.
pub const SCHEMA: &str = include_str!("../../schema/vet-suggest.schema.json");

/// Writes the plan, with a line end at its end.
#[must_use]
pub fn write(on: Date, ledger: &str, plan: &Plan) -> String {
    let (lines, steps_without_lines) = plan.lines();
    let offers = plan.offers.iter();
    let hopeless = plan.hopeless.iter();
    countermark_report::json::write(&Document {
        format: FORMAT,
        on: on.to_string(),
        ledger,
        lines,
        steps_without_lines,
        offers: offers
            .map(|it| OfferJson { name: &it.name, url: &it.url, files: wire::files(&it.files) })
            .collect(),
        steps: plan.steps.iter().map(step).collect(),
        follow: plan.follow.iter().map(follow).collect(),
        hopeless: hopeless
            .map(|it| HopelessJson {
                project: it.project.as_str(),
                version: it.version.to_string(),
                file: wire::file(&it.file),
                known_bad: it.known_bad.iter().map(wire::known_bad).collect(),
            })
            .collect(),
    })
}

#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    on: String,
    ledger: &'a str,
    lines: u64,
    steps_without_lines: usize,
    offers: Vec<OfferJson<'a>>,
    steps: Vec<StepJson<'a>>,
    follow: Vec<FollowJson<'a>>,
    hopeless: Vec<HopelessJson<'a>>,
}

#[derive(Serialize)]
struct OfferJson<'a> {
    name: &'a str,
    url: &'a str,
    files: Vec<FileJson<'a>>,
}

#[derive(Serialize)]
struct StepJson<'a> {
    project: &'a str,
    version: Option<String>,
    file: FileJson<'a>,
    how: &'static str,
    from_version: Option<String>,
    from: Option<FileJson<'a>>,
    criteria: Vec<&'a str>,
    lines: Option<u64>,
    full_lines: Option<u64>,
}

#[derive(Serialize)]
struct FollowJson<'a> {
    project: &'a str,
    version: String,
    by: FileJson<'a>,
    files: Vec<FileJson<'a>>,
}

fn follow(follow: &Follow) -> FollowJson<'_> {
    FollowJson {
        project: follow.project.as_str(),
        version: follow.version.to_string(),
        by: wire::file(&follow.by),
        files: wire::files(&follow.files),
    }
}

#[derive(Serialize)]
struct HopelessJson<'a> {
    project: &'a str,
    version: String,
    file: FileJson<'a>,
    known_bad: Vec<KnownBadJson<'a>>,
}

fn step(step: &Step) -> StepJson<'_> {
    let (how, from_version, from) = match &step.how {
        StepHow::Full => ("full", None, None),
        StepHow::Delta { version, file } => ("delta", version.as_ref(), Some(file)),
        StepHow::Compiled { by } => ("compiled", None, Some(by)),
    };
    StepJson {
        project: step.project.as_str(),
        version: step.version.as_ref().map(ToString::to_string),
        file: wire::file(&step.file),
        how,
        from_version: from_version.map(ToString::to_string),
        from: from.map(wire::file),
        criteria: step.criteria.iter().map(CriterionName::as_str).collect(),
        lines: step.lines,
        full_lines: step.full_lines,
    }
}
