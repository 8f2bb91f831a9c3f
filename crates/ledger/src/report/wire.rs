//! The parts that the JSON formats share. They are frozen with the formats.

use countermark_packaging::lock::Place;
use serde::Serialize;

use crate::check::{Ignored, Judgement, KnownBad, Missing, Obstacle, Reason, ReviewRef, Subject};
use crate::file::FileId;

#[derive(Serialize)]
pub(super) struct AtJson<'a> {
    file: &'a str,
    line: u32,
    column: u32,
}

pub(super) fn at(place: &Place) -> AtJson<'_> {
    AtJson { file: &place.file, line: place.line, column: place.column }
}

#[derive(Serialize)]
pub(super) struct FileJson<'a> {
    name: &'a str,
    digest: String,
}

pub(super) fn file(file: &FileId) -> FileJson<'_> {
    FileJson { name: &file.name, digest: file.digest.to_string() }
}

pub(super) fn files(list: &[FileId]) -> Vec<FileJson<'_>> {
    list.iter().map(file).collect()
}

#[derive(Serialize)]
pub(super) struct SubjectJson<'a> {
    project: &'a str,
    version: String,
    file: Option<&'a str>,
    digest: String,
    at: AtJson<'a>,
}

pub(super) fn subject(subject: &Subject) -> SubjectJson<'_> {
    SubjectJson {
        project: subject.project.as_str(),
        version: subject.version.to_string(),
        file: subject.file.as_deref(),
        digest: subject.digest.to_string(),
        at: at(&subject.place),
    }
}

#[derive(Serialize)]
pub(super) struct ReviewJson<'a> {
    id: String,
    author: &'a str,
    on: String,
    until: Option<String>,
    import: Option<&'a str>,
    roles_unknown: bool,
    at: AtJson<'a>,
}

pub(super) fn review(review: &ReviewRef) -> ReviewJson<'_> {
    ReviewJson {
        id: review.id.hex(),
        author: &review.author,
        on: review.on.to_string(),
        until: review.until.map(|it| it.to_string()),
        import: review.origin.import(),
        roles_unknown: review.roles_unknown,
        at: at(&review.place),
    }
}

/// `kind` says which of the other members are not null.
#[derive(Serialize)]
pub(super) struct ReasonJson<'a> {
    kind: &'static str,
    review: Option<ReviewJson<'a>>,
    from_version: Option<String>,
    from: Vec<FileJson<'a>>,
    publisher: Option<&'a str>,
    on: Option<String>,
    until: Option<String>,
    reason: Option<&'a str>,
    at: Option<AtJson<'a>>,
}

pub(super) fn reason(reason: &Reason) -> ReasonJson<'_> {
    let mut json = ReasonJson {
        kind: reason.kind(),
        review: reason.review().map(review),
        from_version: None,
        from: Vec::new(),
        publisher: None,
        on: None,
        until: None,
        reason: None,
        at: None,
    };
    match reason {
        Reason::Full(_) => {}
        Reason::Delta { from, files: list, .. } => {
            json.from_version = Some(from.to_string());
            json.from = files(list);
        }
        Reason::Relation { from, .. } => json.from = vec![file(from)],
        Reason::Exemption { on, why, place } => {
            json.on = Some(on.to_string());
            json.reason = why.as_deref();
            json.at = Some(at(place));
        }
        Reason::Trusted { publisher, until, before, place } => {
            json.publisher = Some(publisher);
            json.until = Some(until.to_string());
            json.from = before.iter().map(file).collect();
            json.at = Some(at(place));
        }
    }
    json
}

#[derive(Serialize)]
pub(super) struct MissingJson<'a> {
    reason: ReasonJson<'a>,
    files: Vec<FileJson<'a>>,
    by_publisher: Vec<FileJson<'a>>,
    compiled: &'a [String],
}

pub(super) fn missing(missing: Missing<'_>) -> MissingJson<'_> {
    MissingJson {
        reason: reason(missing.reason),
        files: missing.files.into_iter().map(file).collect(),
        by_publisher: missing.by_publisher.into_iter().map(file).collect(),
        compiled: missing.compiled,
    }
}

#[derive(Serialize)]
pub(super) struct KnownBadJson<'a> {
    import: Option<&'a str>,
    file: FileJson<'a>,
    related: bool,
    on: String,
    reason: &'a str,
    at: AtJson<'a>,
}

pub(super) fn known_bad(bad: &KnownBad) -> KnownBadJson<'_> {
    KnownBadJson {
        import: bad.origin.import(),
        file: file(&bad.file),
        related: bad.is_related,
        on: bad.on.to_string(),
        reason: &bad.reason,
        at: at(&bad.place),
    }
}

/// What all formats say of a judgement.
#[derive(Serialize)]
pub(super) struct RemarksJson<'a> {
    known_bad: Vec<KnownBadJson<'a>>,
    ignored: Vec<IgnoredJson<'a>>,
    obstacles: Vec<ObstacleJson>,
}

pub(super) fn remarks(judgement: &Judgement) -> RemarksJson<'_> {
    RemarksJson {
        known_bad: judgement.known_bad.iter().map(known_bad).collect(),
        ignored: judgement.ignored.iter().map(ignored).collect(),
        obstacles: judgement.obstacles.iter().map(obstacle).collect(),
    }
}

#[derive(Serialize)]
struct IgnoredJson<'a> {
    code: &'static str,
    message: String,
    hint: Option<&'static str>,
    file: FileJson<'a>,
    review: ReviewJson<'a>,
}

fn ignored(one: &Ignored) -> IgnoredJson<'_> {
    IgnoredJson {
        code: one.why.code(),
        message: one.why.to_string(),
        hint: one.why.hint(),
        file: file(&one.file),
        review: review(&one.review),
    }
}

#[derive(Serialize)]
struct ObstacleJson {
    code: &'static str,
    message: String,
}

fn obstacle(one: &Obstacle) -> ObstacleJson {
    ObstacleJson { code: one.code(), message: one.to_string() }
}
