//! Moves as JSON, format `countermark-moves/1`.
//!
//! The structs here are frozen: what they write may only become more; anything else is a new format.

use countermark_trust::policy::{Refusal, Verdict};
use jiff::Timestamp;
use serde::Serialize;

use super::evidence::Judged;
use super::{FileId, Pin, Source};

/// The name of the format.
pub const FORMAT: &str = "countermark-moves/1";

/// Writes the moves, with a line end at its end.
#[must_use]
pub fn write(judged: &[Judged], now: Timestamp) -> String {
    countermark_report::json::write(&Document {
        format: FORMAT,
        at: now.to_string(),
        counts: Counts {
            moves: judged.len(),
            rejected: judged.iter().filter(|it| it.is_rejected()).count(),
            undecided: judged.iter().filter(|it| it.is_undecided()).count(),
        },
        moves: judged.iter().map(moved).collect(),
    })
}

#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    at: String,
    counts: Counts,
    moves: Vec<MoveJson<'a>>,
}

#[derive(Serialize)]
struct Counts {
    moves: usize,
    rejected: usize,
    undecided: usize,
}

#[derive(Serialize)]
struct MoveJson<'a> {
    project: &'a str,
    kind: &'static str,
    is_new: bool,
    before: Option<PinJson<'a>>,
    after: Option<PinJson<'a>>,
    files_added: Vec<FileJson<'a>>,
    files_removed: Vec<FileJson<'a>>,
    facts: Vec<FactJson<'a>>,
    verdicts: Vec<VerdictJson<'a>>,
}

#[derive(Serialize)]
struct PinJson<'a> {
    version: Option<String>,
    index: Option<&'a str>,
    direct: Option<&'a str>,
}

#[derive(Serialize)]
struct FileJson<'a> {
    name: Option<&'a str>,
    digest: &'a str,
}

#[derive(Serialize)]
struct FactJson<'a> {
    label: &'a str,
    text: &'a str,
    notable: bool,
}

#[derive(Serialize)]
struct VerdictJson<'a> {
    verdict: &'static str,
    rule: &'a str,
    message: &'a str,
    allow: &'a str,
    exception: Option<&'a str>,
}

fn moved(judged: &Judged) -> MoveJson<'_> {
    let moved = &judged.moved;
    let facts = judged.lines.iter();
    MoveJson {
        project: moved.project().map_or("", |project| project.as_str()),
        kind: moved.kind.name(),
        is_new: moved.is_new,
        before: moved.before.as_ref().map(pin),
        after: moved.after.as_ref().map(pin),
        files_added: moved.files_added.iter().map(file).collect(),
        files_removed: moved.files_removed.iter().map(file).collect(),
        facts: facts
            .map(|it| FactJson { label: it.label, text: &it.text, notable: it.is_notable })
            .collect(),
        verdicts: judged.verdicts.iter().filter_map(verdict).collect(),
    }
}

fn pin(pin: &Pin) -> PinJson<'_> {
    let (index, direct) = match &pin.source {
        Source::Index(index) => (index.as_deref(), None),
        Source::Direct(place) => (None, Some(place.as_str())),
    };
    PinJson { version: pin.version.as_ref().map(ToString::to_string), index, direct }
}

fn file(file: &FileId) -> FileJson<'_> {
    FileJson { name: file.name.as_deref(), digest: &file.digest }
}

fn verdict(verdict: &Verdict) -> Option<VerdictJson<'_>> {
    match verdict {
        Verdict::Accepted => None,
        Verdict::Excepted(refusal, why) => Some(said("excepted", refusal, Some(why))),
        Verdict::Rejected(refusal) => Some(said("rejected", refusal, None)),
        Verdict::Undecided(refusal) => Some(said("undecided", refusal, None)),
    }
}

fn said<'a>(
    verdict: &'static str,
    refusal: &'a Refusal,
    exception: Option<&'a str>,
) -> VerdictJson<'a> {
    let Refusal { rule, message, allow } = refusal;
    VerdictJson { verdict, rule, message, allow, exception }
}
