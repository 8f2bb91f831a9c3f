//! Alarms, wherever they come from: two records in the log, or pins and observations of the observatory
//! that no harmless reason explains.

use countermark_report::harmless::harmless;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::view::short;
use crate::log::store::{Alarm, Placed};
use crate::observe::db::{Alarm as ObservatoryAlarm, AlarmKind};

/// One file name with two digests.
#[derive(Clone, Debug)]
pub struct Alert {
    /// `1` for one of the log, `o1` for one of the observatory.
    pub id: String,
    /// When it was noticed.
    pub at: Timestamp,
    /// What sort of alarm: a stable word.
    pub kind: &'static str,
    /// The file name.
    pub file: String,
    /// Who says what, in one line; empty where the evidence has too many sides for one.
    pub line: String,
    /// The two records, if there are two.
    pub sides: Vec<Saying>,
    /// What shows it.
    pub evidence: Value,
}

/// What one side says.
#[derive(Clone, Debug)]
pub struct Saying {
    /// Who.
    pub who: String,
    /// Which digest.
    pub digest: String,
    /// Since when.
    pub first_seen: Timestamp,
    /// Which entry of the log, if it has its place.
    pub index: Option<u64>,
}

impl Alert {
    /// An alarm of the log.
    pub(super) fn of_log(alarm: &Alarm) -> Self {
        let (first, second) = (&alarm.first.record, &alarm.second.record);
        let line = format!(
            "{} by {}, {} by {}",
            short(first.digest()),
            first.observer(),
            short(second.digest()),
            second.observer()
        );
        let evidence = json!({
            "version": 1,
            "kind": "second-digest",
            "file": second.file(),
            "noticed": alarm.at.to_string(),
            "first": evidence(&alarm.first),
            "second": evidence(&alarm.second),
        });
        Self {
            id: alarm.id.to_string(),
            at: alarm.at,
            kind: "second-digest",
            file: second.file().to_owned(),
            line,
            sides: [&alarm.first, &alarm.second].map(saying).to_vec(),
            evidence,
        }
    }

    /// An alarm of the observatory that is not one of the log too.
    pub(super) fn of_observatory(found: &ObservatoryAlarm) -> Option<Self> {
        let alarm = &found.alarm;
        match alarm.kind {
            // The log's own record of it has proofs.
            AlarmKind::Equivocation => return None,
            AlarmKind::TwoDigests => {}
        }
        Some(Self {
            id: format!("o{}", found.id),
            at: alarm.at,
            kind: alarm.kind.name(),
            file: alarm.file.clone(),
            line: "what locks pin does not go together".to_owned(),
            sides: Vec::new(),
            evidence: serde_json::from_str(&alarm.evidence)
                .unwrap_or_else(|_| Value::String(alarm.evidence.clone())),
        })
    }

    /// What the alarm is called.
    pub(super) fn title(&self) -> String {
        format!("{} was seen with two digests", harmless(&self.file))
    }
}

fn saying(placed: &Placed) -> Saying {
    Saying {
        who: placed.record.observer().to_string(),
        digest: placed.record.digest().to_string(),
        first_seen: placed.record.first_seen(),
        index: placed.index,
    }
}

fn evidence(placed: &Placed) -> Value {
    json!({
        "index": placed.index,
        "record": placed.record.text(),
        "proof": placed.index.map(proof_path),
    })
}

/// Where the proof of an entry is.
pub(super) fn proof_path(index: u64) -> String {
    format!("/proof/{index}.tlog-proof")
}
