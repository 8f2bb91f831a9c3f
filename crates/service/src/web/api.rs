//! The JSON interface: frozen structs, described by `openapi.json`. A field is never taken away or
//! given another meaning within version 1; fields may be added.

use countermark_trust::log::record::ObserverKind as Kind;
use serde::Serialize;

use super::alert::proof_path;
use super::view::{FileFacts, PinnedIn, Seen};

/// The description of the interface (OpenAPI 3.1).
pub(super) const OPENAPI: &str = include_str!("openapi.json");

/// Everything about one file name.
#[derive(Serialize)]
pub(super) struct FileJson {
    version: u8,
    file: String,
    project: String,
    release: Option<String>,
    observations: Vec<ObservationJson>,
    pins: Vec<PinJson>,
}

/// A release and its files.
#[derive(Serialize)]
pub(super) struct ReleaseJson {
    pub(super) version: u8,
    pub(super) project: String,
    pub(super) release: String,
    pub(super) files: Vec<FileJson>,
}

/// A project and its releases.
#[derive(Serialize)]
pub(super) struct ProjectJson {
    pub(super) version: u8,
    pub(super) project: String,
    pub(super) releases: Vec<ReleaseLineJson>,
}

/// One release of a project.
#[derive(Serialize)]
pub(super) struct ReleaseLineJson {
    pub(super) release: String,
    pub(super) files: usize,
    pub(super) first_seen: String,
}

/// The files of a digest.
#[derive(Serialize)]
pub(super) struct DigestJson {
    pub(super) version: u8,
    pub(super) digest: String,
    pub(super) files: Vec<FileJson>,
}

/// What a search gave.
#[derive(Serialize)]
pub(super) struct SearchJson {
    pub(super) version: u8,
    pub(super) query: String,
    pub(super) results: Vec<ResultJson>,
}

/// One thing that a search gave.
#[derive(Serialize)]
pub(super) struct ResultJson {
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) url: String,
}

/// Alarms, newest first.
#[derive(Serialize)]
pub(super) struct AlarmsJson {
    pub(super) version: u8,
    pub(super) alarms: Vec<AlarmJson>,
}

/// One alarm.
#[derive(Serialize)]
pub(super) struct AlarmJson {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) file: String,
    pub(super) digests: Vec<String>,
    pub(super) noticed: String,
    pub(super) evidence: serde_json::Value,
}

/// The state of the log.
#[derive(Serialize)]
pub(super) struct LogJson {
    pub(super) version: u8,
    pub(super) origin: String,
    pub(super) keys: Vec<String>,
    pub(super) size: u64,
    pub(super) pending: u64,
    pub(super) checkpoint: String,
    pub(super) checkpoint_time: Option<String>,
    pub(super) witnesses: Vec<WitnessJson>,
}

/// One witness, and when it last cosigned.
#[derive(Serialize)]
pub(super) struct WitnessJson {
    pub(super) name: String,
    pub(super) cosigned: Option<String>,
}

#[derive(Serialize)]
struct ObservationJson {
    index: Option<u64>,
    observer: String,
    kind: &'static str,
    digest: String,
    size: Option<u64>,
    uploaded: Option<String>,
    first_seen: String,
    proof: Option<String>,
}

#[derive(Serialize)]
struct PinJson {
    digest: String,
    repository: String,
    path: String,
    since: Option<String>,
}

impl FileJson {
    /// The file, with everything that is known about it.
    pub(super) fn of(facts: &FileFacts) -> Self {
        Self {
            version: 1,
            file: facts.name.clone(),
            project: facts.project.clone(),
            release: (!facts.version.is_empty()).then(|| facts.version.clone()),
            observations: facts.seen.iter().map(observation).collect(),
            pins: facts.pins.iter().map(pin).collect(),
        }
    }
}

fn observation(seen: &Seen) -> ObservationJson {
    let record = &seen.observation;
    ObservationJson {
        index: seen.index,
        observer: record.observer().to_string(),
        kind: match record.observer().kind() {
            Kind::Index => "index",
            Kind::Distribution => "distribution",
        },
        digest: record.digest().to_string(),
        size: record.size(),
        uploaded: record.uploaded().map(|time| time.to_string()),
        first_seen: record.first_seen().to_string(),
        proof: seen.index.map(proof_path),
    }
}

fn pin(pin: &PinnedIn) -> PinJson {
    PinJson {
        digest: pin.digest.to_string(),
        repository: pin.repository.clone(),
        path: pin.path.clone(),
        since: pin.since.map(|time| time.to_string()),
    }
}
