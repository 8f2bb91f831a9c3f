//! Moves as JSON, format `countermark-moves/1`.
//!
//! The structs here are frozen: what they write may only become more; anything else is a new format.

use countermark_trust::change::Change;
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
    change: Option<ChangeJson<'a>>,
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

/// What moved between the two releases; paths are those in the archives.
#[derive(Serialize)]
struct ChangeJson<'a> {
    size_before: Option<u64>,
    size_after: Option<u64>,
    files_added: &'a [String],
    files_removed: &'a [String],
    files_modified: &'a [String],
    new_pth: &'a [String],
    new_native: &'a [String],
    new_opaque: &'a [String],
    new_scripts: &'a [String],
    modules_added: &'a [String],
    modules_removed: &'a [String],
    requires_added: &'a [String],
    requires_removed: &'a [String],
    new_dependencies: &'a [String],
    license_before: Option<&'a str>,
    license_after: Option<&'a str>,
    roles_known: bool,
    roles_added: &'a [String],
    roles_removed: &'a [String],
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
        change: judged.change.as_ref().map(change),
        verdicts: judged.verdicts.iter().filter_map(verdict).collect(),
    }
}

fn change(change: &Change) -> ChangeJson<'_> {
    let (license_before, license_after) = match &change.license {
        Some((before, after)) => (before.as_deref(), after.as_deref()),
        None => (None, None),
    };
    let (roles_added, roles_removed): (&[String], &[String]) =
        change.roles.as_ref().map_or((&[], &[]), |(new, gone)| (new, gone));
    ChangeJson {
        size_before: change.sizes.map(|(before, _)| before),
        size_after: change.sizes.map(|(_, after)| after),
        files_added: &change.added,
        files_removed: &change.removed,
        files_modified: &change.modified,
        new_pth: &change.pth,
        new_native: &change.native,
        new_opaque: &change.opaque,
        new_scripts: &change.scripts,
        modules_added: &change.top_level.0,
        modules_removed: &change.top_level.1,
        requires_added: &change.requires.0,
        requires_removed: &change.requires.1,
        new_dependencies: &change.new_dependencies,
        license_before,
        license_after,
        roles_known: change.roles.is_some(),
        roles_added,
        roles_removed,
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
        Verdict::Warned(refusal) => Some(said("warned", refusal, None)),
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
