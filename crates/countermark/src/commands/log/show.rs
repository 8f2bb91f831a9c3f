//! What a log says about files, for people and for programs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use countermark_client::log::{Found, LogHead};
use countermark_packaging::digest::Digest;
use countermark_trust::log::lookup::Logged;
use countermark_trust::log::record::{Observation, ObserverKind};
use serde::Serialize;

use crate::output;

/// Hexadecimal digits of a digest that people are shown where nothing hangs on the rest.
const SHORT: usize = 16;

/// What observers say about one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Agreement {
    /// Nobody saw it.
    Unknown,
    /// One digest of each algorithm.
    Agreed,
    /// Another one of a distribution, which may have its own build.
    DistributionDiffers,
    /// Two of index observers, or another one than that of the file that is here.
    Equivocation,
}

impl Agreement {
    /// Of everything that was seen, and of the file that is here.
    pub(super) fn of(found: &Found, here: Option<&Digest>) -> Self {
        let records: Vec<&Observation> = found.records.iter().map(|it| &it.observation).collect();
        let contradicts = |one: &&Observation| {
            let is_index = one.observer().kind() == ObserverKind::Index;
            records.iter().any(|other| one.contradicts(other))
                || (is_index && here.is_some_and(|here| one.differs(here)))
        };
        let differs = |one: &&Observation| {
            records.iter().any(|other| one.differs(other.digest()))
                || here.is_some_and(|here| one.differs(here))
        };
        match () {
            () if records.is_empty() => Self::Unknown,
            () if records.iter().any(contradicts) => Self::Equivocation,
            () if records.iter().any(differs) => Self::DistributionDiffers,
            () => Self::Agreed,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Agreed => "agreed",
            Self::DistributionDiffers => "distribution-differs",
            Self::Equivocation => "equivocation",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Unknown => "the log does not know it",
            Self::Agreed => "one digest",
            Self::DistributionDiffers => "a distribution has other bytes",
            Self::Equivocation => "TWO DIGESTS",
        }
    }
}

/// A file that was asked about.
pub(super) struct Shown<'a> {
    pub(super) found: &'a Found,
    /// Of the file that is here.
    pub(super) here: Option<&'a Digest>,
    pub(super) agreement: Agreement,
}

/// The digests of a file with who saw each, the first seen first.
fn by_digest(found: &Found) -> Vec<(&Digest, Vec<&Logged>)> {
    let mut groups: BTreeMap<&Digest, Vec<&Logged>> = BTreeMap::new();
    for logged in &found.records {
        groups.entry(logged.observation.digest()).or_default().push(logged);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    for (_, entries) in &mut groups {
        entries.sort_by_key(|it| (it.observation.first_seen(), it.index));
    }
    groups.sort_by_key(|(_, entries)| entries.first().map(|it| it.observation.first_seen()));
    groups
}

/// For people.
pub(super) fn text(head: &LogHead, files: &[Shown<'_>]) -> String {
    let mut text = String::new();
    for Shown { found, here, agreement } in files {
        let observers: BTreeSet<_> =
            found.records.iter().map(|it| it.observation.observer()).collect();
        let count = output::count(observers.len(), "observer", "observers");
        // Writing to a string cannot fail.
        let _ = match agreement {
            Agreement::Unknown => writeln!(text, "{}: {}", found.file, agreement.words()),
            _ => writeln!(text, "{}: {}, {count}", found.file, agreement.words()),
        };
        let whole = *agreement == Agreement::Equivocation;
        if let Some(here) = here {
            let _ = writeln!(text, "  {}  this file", digest_text(here, whole));
        }
        for (digest, entries) in by_digest(found) {
            let shown = digest_text(digest, whole);
            for (position, Logged { index, observation }) in entries.iter().copied().enumerate() {
                let lead = if position == 0 { shown.clone() } else { " ".repeat(shown.len()) };
                let (observer, since) = (observation.observer(), observation.first_seen());
                let _ = writeln!(text, "  {lead}  {observer} since {since}, entry {index}");
            }
        }
    }
    let entries = output::grouped(head.size);
    let time = head.time.map(|time| format!(" at {time}")).unwrap_or_default();
    let witnesses = match head.witnesses.as_slice() {
        [] => String::new(),
        names => format!(", seen by {}", names.join(", ")),
    };
    let _ = writeln!(text, "{}: {entries} entries, signed{time}{witnesses}", head.origin);
    text
}

fn digest_text(digest: &Digest, whole: bool) -> String {
    let text = digest.to_string();
    let end = text.find(':').map_or(0, |colon| colon + 1) + SHORT;
    match text.get(..end) {
        Some(short) if !whole => format!("{short}…"),
        _ => text,
    }
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    log: LogDocument<'a>,
    files: Vec<FileDocument<'a>>,
}

#[derive(Serialize)]
struct LogDocument<'a> {
    origin: &'a str,
    size: u64,
    root: &'a str,
    time: Option<String>,
    witnesses: &'a [String],
}

#[derive(Serialize)]
struct FileDocument<'a> {
    file: &'a str,
    agreement: &'static str,
    here: Option<String>,
    observations: Vec<ObservationDocument>,
}

#[derive(Serialize)]
struct ObservationDocument {
    index: u64,
    project: String,
    digest: String,
    size: Option<u64>,
    uploaded: Option<String>,
    observer: String,
    first_seen: String,
}

/// For programs; the form is frozen (docs/formats.md).
pub(super) fn json(head: &LogHead, files: &[Shown<'_>]) -> String {
    let observation = |logged: &'_ Logged| {
        let Logged { index, observation } = logged;
        ObservationDocument {
            index: *index,
            project: observation.project().to_string(),
            digest: observation.digest().to_string(),
            size: observation.size(),
            uploaded: observation.uploaded().map(|time| time.to_string()),
            observer: observation.observer().to_string(),
            first_seen: observation.first_seen().to_string(),
        }
    };
    let files = files.iter().map(|shown| FileDocument {
        file: &shown.found.file,
        agreement: shown.agreement.name(),
        here: shown.here.map(ToString::to_string),
        observations: shown.found.records.iter().map(observation).collect(),
    });
    let log = LogDocument {
        origin: &head.origin,
        size: head.size,
        root: &head.root,
        time: head.time.map(|time| time.to_string()),
        witnesses: &head.witnesses,
    };
    let document = Document { version: 1, log, files: files.collect() };
    // Numbers, strings and lists always serialise.
    serde_json::to_string_pretty(&document).unwrap_or_default()
}
