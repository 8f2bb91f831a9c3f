//! Why files meet their criteria or do not, as JSON, format `countermark-vet-explain/1`.
//!
//! The schema is `schema/vet-explain.schema.json`; the structs are frozen as those of the report.

use jiff::civil::Date;
use serde::Serialize;

use super::wire::{self, FileJson, KnownBadJson, ReasonJson, RemarksJson, SubjectJson};
use crate::check::Judgement;
use crate::check::judgement::Required;
use crate::explain::{Chain, What};

/// The name of the format.
pub const FORMAT: &str = "countermark-vet-explain/1";

/// The JSON Schema of the format.
pub const SCHEMA: &str = include_str!("../../schema/vet-explain.schema.json");

/// Writes what each of the judgements rests on, with a line end at its end.
#[must_use]
pub fn write(on: Date, ledger: &str, judgements: &[Judgement]) -> String {
    let chains: Vec<Vec<Chain>> =
        judgements.iter().map(|it| it.required.iter().map(Required::chain).collect()).collect();
    let files = judgements.iter().zip(&chains);
    countermark_report::json::write(&Document {
        format: FORMAT,
        on: on.to_string(),
        ledger,
        files: files.map(|(judgement, chains)| one(judgement, chains)).collect(),
    })
}

#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    on: String,
    ledger: &'a str,
    files: Vec<ExplainedJson<'a>>,
}

#[derive(Serialize)]
struct ExplainedJson<'a> {
    #[serde(flatten)]
    subject: SubjectJson<'a>,
    passes: bool,
    criteria: Vec<CriterionJson<'a>>,
    #[serde(flatten)]
    remarks: RemarksJson<'a>,
}

#[derive(Serialize)]
struct CriterionJson<'a> {
    criterion: &'a str,
    met: bool,
    chain: Vec<LinkJson<'a>>,
    cut: usize,
}

/// `file` is null in a link that would support the one above it if those below met the criterion.
#[derive(Serialize)]
struct LinkJson<'a> {
    depth: usize,
    file: Option<FileJson<'a>>,
    version: Option<String>,
    met: bool,
    by: Option<ReasonJson<'a>>,
    compiled: &'a [String],
    repeated: bool,
    known_bad: Vec<KnownBadJson<'a>>,
}

fn one<'a>(judgement: &'a Judgement, chains: &'a [Chain]) -> ExplainedJson<'a> {
    let criteria = judgement.required.iter().zip(chains);
    ExplainedJson {
        subject: wire::subject(&judgement.subject),
        passes: judgement.passes(),
        criteria: criteria
            .map(|(required, chain)| CriterionJson {
                criterion: required.criterion.as_str(),
                met: required.is_met(),
                chain: chain.links.iter().map(|it| link(it.depth, &it.what)).collect(),
                cut: chain.cut,
            })
            .collect(),
        remarks: wire::remarks(judgement),
    }
}

fn link(depth: usize, what: &What) -> LinkJson<'_> {
    match what {
        What::File { file, version, reason, known_bad, is_repeated } => LinkJson {
            depth,
            file: Some(wire::file(file)),
            version: version.as_ref().map(ToString::to_string),
            met: reason.is_some(),
            by: reason.as_ref().map(wire::reason),
            compiled: &[],
            repeated: *is_repeated,
            known_bad: known_bad.iter().map(wire::known_bad).collect(),
        },
        What::Open { reason, compiled } => LinkJson {
            depth,
            file: None,
            version: None,
            met: false,
            by: Some(wire::reason(reason)),
            compiled,
            repeated: false,
            known_bad: Vec::new(),
        },
    }
}
