//! Alarms, as they are written down and told: once, to everybody who is configured.
//!
//! An alarm has a name made of the file and its digests, so that finding it again, after a crash or by
//! another crawler, is the same alarm. The id of its message is made of that name: whoever gets the
//! message twice, because a crash came between its arrival and the note of it, can tell.
//!
//! The JSON of a message is the frozen form `countermark-alarm/1`, described in docs/observers.md.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use countermark_packaging::digest::Digest;
use countermark_packaging::name::ProjectName;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::db::{Alarm, AlarmKind, NewAlarm, Observatory};
use crate::log::store::StoreError;
use crate::watch::config::Destination;
use crate::watch::db::KEEP_ENTRIES;
use crate::watch::message::{Message, plain};
use crate::watch::send::{SendError, Sender};

/// The form of the JSON.
pub const FORMAT: &str = "countermark-alarm/1";
/// The most claims that are kept of one alarm.
const MAXIMUM_CLAIMS: usize = 100;
/// The most claims in a text for people.
const MAXIMUM_TOLD: usize = 20;
/// The most alarms that are looked at in one transaction.
const ALARMS: usize = 200;
/// The setting that holds up to which alarm messages were made.
const CURSOR: &str = "told";

/// Somebody who says which digest a file has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The digest.
    pub digest: Digest,
    /// An observer, or a repository with path and commit.
    pub by: String,
    /// When it was said first, where that is known.
    pub at: Option<Timestamp>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ClaimDocument {
    digest: String,
    by: String,
    at: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct EvidenceDocument {
    explanation: String,
    claims: Vec<ClaimDocument>,
    /// How many more there were.
    omitted: usize,
}

#[derive(Debug, Serialize)]
struct MessageDocument<'a> {
    format: &'static str,
    id: &'a str,
    kind: &'static str,
    at: String,
    project: &'a str,
    file: &'a str,
    evidence: EvidenceDocument,
}

/// An alarm about a file, made of what is said of it. `explanation` is one sentence for people.
#[must_use]
pub fn alarm(
    kind: AlarmKind,
    (project, file): (&ProjectName, &str),
    claims: &[Claim],
    explanation: &str,
    at: Timestamp,
) -> NewAlarm {
    let digests: BTreeSet<String> = claims.iter().map(|it| it.digest.to_string()).collect();
    let digests: Vec<String> = digests.into_iter().collect();
    let name = format!("{} {file} {}", kind.name(), digests.join(" "));
    let document = |claim: &Claim| ClaimDocument {
        digest: claim.digest.to_string(),
        by: claim.by.clone(),
        at: claim.at.map(|at| at.to_string()),
    };
    let evidence = EvidenceDocument {
        explanation: explanation.to_owned(),
        claims: claims.iter().take(MAXIMUM_CLAIMS).map(document).collect(),
        omitted: claims.len().saturating_sub(MAXIMUM_CLAIMS),
    };
    // Texts and numbers only, which always can be written.
    let evidence = serde_json::to_string(&evidence).unwrap_or_default();
    let (project, file) = (project.clone(), file.to_owned());
    NewAlarm { name, kind, project, file, evidence, at }
}

/// What is sent about an alarm.
#[must_use]
pub fn message(alarm: &NewAlarm) -> Message {
    let NewAlarm { name, kind, project, file, evidence, at } = alarm;
    let id = id(name);
    let evidence = serde_json::from_str(evidence).unwrap_or_else(|_| EvidenceDocument {
        explanation: String::new(),
        claims: Vec::new(),
        omitted: 0,
    });
    // No file has a space in its name: it is a release then, which says what it is of.
    let of = if file.contains(' ') { String::new() } else { format!(" of {project}") };
    let mut text = format!("{file}{of}: {}\n", plain(&evidence.explanation));
    for claim in evidence.claims.iter().take(MAXIMUM_TOLD) {
        let since = claim.at.as_deref().map(|at| format!(", since {at}")).unwrap_or_default();
        // Writing to a text cannot fail.
        let _ = writeln!(text, "\n  {}\n  by {}{since}", plain(&claim.digest), plain(&claim.by));
    }
    let more = evidence.claims.len().saturating_sub(MAXIMUM_TOLD) + evidence.omitted;
    if more > 0 {
        let _ = writeln!(text, "\n  and {more} more");
    }
    text.push_str(
        "\nDo not install this file before you know which of them the project released.\n",
    );
    let document = MessageDocument {
        format: FORMAT,
        id: &id,
        kind: kind.name(),
        at: at.to_string(),
        project: project.as_str(),
        file,
        evidence,
    };
    let json = serde_json::to_string(&document).unwrap_or_default();
    let subject = plain(&format!("[countermark] {}: {file}", kind.name()));
    Message { id, at: *at, subject, text, json }
}

/// Short, and the same whenever the alarm is found.
fn id(name: &str) -> String {
    let digest = Sha256::digest(name.as_bytes());
    let mut id = "alarm.".to_owned();
    for byte in digest.iter().take(12) {
        let _ = write!(id, "{byte:02x}");
    }
    id
}

/// Makes the messages about alarms for which there are none yet, and gives how many alarms that were.
/// An alarm is written down by whoever finds it; who is told is known only here.
///
/// # Errors
/// See [`StoreError`].
pub async fn queue(
    db: &dyn Observatory,
    destinations: &[Destination],
) -> Result<usize, StoreError> {
    let mut queued = 0;
    loop {
        let after = db.setting(CURSOR).await?.and_then(|text| text.parse().ok()).unwrap_or(0);
        let alarms = db.alarms(after, ALARMS).await?;
        let Some(last) = alarms.last() else { return Ok(queued) };
        for Alarm { alarm, .. } in &alarms {
            let message = message(alarm);
            let messages: Vec<_> =
                destinations.iter().map(|it| (it.name.clone(), message.clone())).collect();
            db.raise(alarm, &messages).await?;
        }
        queued += alarms.len();
        // After the messages: a crash in between makes them again, which changes nothing.
        db.set_setting(CURSOR, &last.id.to_string()).await?;
    }
}

/// What became of messages.
#[derive(Debug, Default)]
pub struct Deliveries {
    /// How many arrived.
    pub delivered: usize,
    /// Destinations that did not take one, and why.
    pub failed: Vec<(String, SendError)>,
}

/// Delivers what waits. A destination that fails is left alone for a while, and stops no other.
/// Not inside of a runtime: mail is sent by blocking.
///
/// # Errors
/// See [`StoreError`]; what a destination says is no error here.
pub fn deliver(
    db: &dyn Observatory,
    destinations: &[Destination],
    sender: &Sender<'_>,
    now: &dyn Fn() -> Timestamp,
    is_stopped: &dyn Fn() -> bool,
) -> Result<Deliveries, StoreError> {
    let mut deliveries = Deliveries::default();
    let runtime = sender.runtime;
    for destination in destinations {
        let name = &destination.name;
        while !is_stopped() {
            let Some(outgoing) = runtime.block_on(db.take_message(name, now()))? else { break };
            let entries = || {
                let latest = runtime.block_on(db.latest(name, KEEP_ENTRIES));
                latest.unwrap_or_default()
            };
            let begun = now();
            match sender.send(destination, &outgoing.message, &entries, begun) {
                Ok(()) => {
                    runtime.block_on(db.delivered(&outgoing, now()))?;
                    deliveries.delivered += 1;
                }
                Err(error) => {
                    let (reason, asked) = (error.to_string(), error.asked_wait());
                    runtime.block_on(db.failed(&outgoing, begun, &reason, asked))?;
                    deliveries.failed.push((name.clone(), error));
                    break;
                }
            }
        }
    }
    Ok(deliveries)
}

#[cfg(test)]
mod tests;
