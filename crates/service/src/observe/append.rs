//! From our database into a log, in batches: nothing is lost, and nothing counts twice.
//!
//! What waits is handed in, oldest first, and is crossed out when the log said that it is durable. A crash
//! or a lost answer in between hands it in again, and the log knows a record by file, digest and
//! observer. A log that names other digests for a file has told of an equivocation: that is an alarm
//! here too, written down before the record is crossed out.

use std::time::Duration;

use async_trait::async_trait;
use countermark_client::http::{Client, HttpError, Submission};
use countermark_packaging::digest::Digest;
use countermark_tlog::note::{self, NoteError, SignerKey};
use countermark_trust::Class;
use countermark_trust::log::record::{Observation, Observer, ObserverKind};
use countermark_trust::log::wire::{Batch, MAXIMUM_RECEIPTS, Receipts, WireError};
use jiff::Timestamp;
use url::Url;

use super::db::{AlarmKind, Observatory, Search, Waiting};
use super::tell::{Claim, alarm};
use crate::log::config::Registered;
use crate::log::store::{LogStore, StoreError};

/// Records of one batch: below the limits of a log, whatever they say.
pub const BATCH: usize = 2_000;
/// How often a batch is handed in before we give up.
const ATTEMPTS: u32 = 5;
/// The first wait after a failure; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 500 });
/// The longest wait that a log may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// The most observations of a file that are named in an alarm.
const MAXIMUM_EVIDENCE: usize = 50;

/// What an equivocation is, for people.
pub(super) const DIFFERENT: &str = "observers of indexes saw different digests under one name";

/// Why records are not in the log.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The log could not be reached, or is not well.
    #[error("the log did not take the records: {0}")]
    Http(#[from] HttpError),
    /// The log says that it does not want them.
    #[error("the log refused the records with status {status}: {reason}")]
    Refused {
        /// The status of HTTP.
        status: u16,
        /// What it says, shortened.
        reason: String,
    },
    /// Its answer makes no sense.
    #[error("the answer of the log cannot be used: {0}")]
    Answer(#[from] WireError),
    /// A log on this machine that does not know the observer.
    #[error("`{observer}` is not registered as an observer of the log")]
    Unregistered {
        /// Who wanted to append.
        observer: Observer,
    },
    /// It answered for another number of records.
    #[error("the log gave {found} receipts for {expected} records")]
    Count {
        /// How many were handed in.
        expected: usize,
        /// How many it gave.
        found: usize,
    },
    /// Our key cannot sign.
    #[error("the batch cannot be signed: {0}")]
    Sign(#[from] NoteError),
    /// A log on this machine.
    #[error("the log: {0}")]
    Store(#[source] StoreError),
    /// Our own database.
    #[error("the database: {0}")]
    Database(#[source] StoreError),
}

impl AppendError {
    /// Who is at fault, and so the exit code.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Http(error) => error.class(),
            // The key is not registered, or the batch not in order: ours to mend.
            Self::Refused { status: 429, .. } => Class::Unavailable,
            Self::Refused { .. } | Self::Unregistered { .. } | Self::Sign(_) => Class::Usage,
            Self::Answer(_) | Self::Count { .. } => Class::Unavailable,
            Self::Store(error) | Self::Database(error) => error.class(),
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Refused { .. } => {
                Some("ask the operator of the log whether this key is registered for this observer")
            }
            Self::Http(_) | Self::Answer(_) | Self::Count { .. } | Self::Store(_) => {
                Some("nothing is lost: what was seen is kept, and handed in by the next run")
            }
            Self::Unregistered { .. } => {
                Some("register it with `countermark log observer add`; what was seen is kept")
            }
            Self::Sign(_) | Self::Database(_) => None,
        }
    }

    /// Whether the same may work a little later.
    fn is_passing(&self) -> bool {
        match self {
            Self::Http(error) => error.class() == Class::Unavailable,
            Self::Refused { status, .. } => matches!(status, 408 | 425 | 429),
            Self::Store(StoreError::Locked) => true,
            Self::Answer(_)
            | Self::Unregistered { .. }
            | Self::Count { .. }
            | Self::Sign(_)
            | Self::Store(_)
            | Self::Database(_) => false,
        }
    }

    fn asked_wait(&self) -> Option<Duration> {
        match self {
            Self::Http(HttpError::Status { retry_after, .. }) => *retry_after,
            _ => None,
        }
    }
}

/// What a log says of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Whether it was there already.
    pub known: bool,
    /// Other digests that observers of indexes saw for this file.
    pub conflicts: Vec<Digest>,
}

/// A log to which we may append.
#[async_trait]
pub trait Appender: Send + Sync {
    /// Hands records in, and gives a receipt for each when all of them are durable.
    ///
    /// # Errors
    /// See [`AppendError`]; then any part of them may be in the log.
    async fn append(&self, records: &[Observation]) -> Result<Vec<Receipt>, AppendError>;
}

/// A log on the network, and the key that it knows us by.
#[derive(Debug)]
pub struct RemoteLog<'a> {
    http: &'a Client,
    url: Url,
    origin: String,
    key: &'a SignerKey,
}

impl<'a> RemoteLog<'a> {
    /// `url` is the log's address with a slash at its end; `origin` the first line of its checkpoints.
    #[must_use]
    pub fn new(http: &'a Client, url: Url, origin: &str, key: &'a SignerKey) -> Self {
        Self { http, url, origin: origin.to_owned(), key }
    }
}

#[async_trait]
impl Appender for RemoteLog<'_> {
    async fn append(&self, records: &[Observation]) -> Result<Vec<Receipt>, AppendError> {
        let batch = Batch { origin: self.origin.clone(), records: records.to_vec() };
        let note = note::sign(&batch.text(), &[self.key])?;
        let mut url = self.url.clone();
        url.set_path(&format!("{}/append", self.url.path().trim_end_matches('/')));
        let mut submission = Submission::new(&url, "text/plain; charset=utf-8", note.to_text());
        if url.scheme() == "http" {
            // A person configured this address; what is sent is signed, and no secret.
            submission = submission.allow_plain_http();
        }
        let reply = self.http.ask(&submission, MAXIMUM_RECEIPTS as u64).await?;
        if !(200..300).contains(&reply.status) {
            let reason = reason(&reply.body);
            return Err(AppendError::Refused { status: reply.status, reason });
        }
        let receipts = Receipts::parse(&reply.body)?;
        let receipt = |it: countermark_trust::log::wire::Receipt| Receipt {
            known: it.status == countermark_trust::log::wire::Status::Known,
            conflicts: it.conflicts,
        };
        Ok(receipts.0.into_iter().map(receipt).collect())
    }
}

/// What a refusal says, short: code and sentence of a problem (RFC 9457) as a log writes it, else the text.
fn reason(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Refusal {
        code: String,
        detail: String,
    }
    let text = match serde_json::from_slice::<Refusal>(body) {
        Ok(Refusal { code, detail }) => format!("{code}: {detail}"),
        Err(_) => String::from_utf8_lossy(body).trim().to_owned(),
    };
    crate::watch::message::plain(&text).chars().take(300).collect()
}

/// A log whose database we may write to. Who can do that needs no key; the observer has to be one of the
/// log's all the same, so that a name that was mistyped or removed ends up in no record.
pub struct LocalLog<'a> {
    /// Who may append.
    pub observers: &'a [Registered],
    /// Its rows.
    pub store: &'a dyn LogStore,
    /// The clock.
    pub now: &'a (dyn Fn() -> Timestamp + Sync),
}

#[async_trait]
impl Appender for LocalLog<'_> {
    async fn append(&self, records: &[Observation]) -> Result<Vec<Receipt>, AppendError> {
        let is_known =
            |it: &&Observation| self.observers.iter().any(|known| known.observer == *it.observer());
        if let Some(stranger) = records.iter().find(|it| !is_known(it)) {
            return Err(AppendError::Unregistered { observer: stranger.observer().clone() });
        }
        let receipts =
            self.store.submit(records.to_vec(), (self.now)()).await.map_err(AppendError::Store)?;
        let receipt =
            |it: crate::log::store::Receipt| Receipt { known: it.known, conflicts: it.conflicts };
        Ok(receipts.into_iter().map(receipt).collect())
    }
}

/// What was handed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HandedIn {
    /// Records that the log did not have.
    pub new: usize,
    /// Those that it had.
    pub known: usize,
    /// Alarms that were not known.
    pub alarms: usize,
}

/// Hands in everything of an observer that waits, until nothing does or we are stopped.
///
/// # Errors
/// See [`AppendError`]. What was acknowledged until then stays so; the rest waits.
pub async fn hand_in(
    db: &dyn Observatory,
    log: &dyn Appender,
    observer: &Observer,
    now: &(dyn Fn() -> Timestamp + Sync),
    is_stopped: &(dyn Fn() -> bool + Sync),
) -> Result<HandedIn, AppendError> {
    let mut total = HandedIn::default();
    while !is_stopped() {
        let waiting = db.waiting(observer, BATCH).await.map_err(AppendError::Database)?;
        if waiting.is_empty() {
            break;
        }
        let records: Vec<Observation> = waiting.iter().map(|it| it.observation.clone()).collect();
        let receipts = append_with_patience(log, &records, is_stopped).await?;
        if receipts.len() != records.len() {
            let (expected, found) = (records.len(), receipts.len());
            return Err(AppendError::Count { expected, found });
        }
        for (one, receipt) in waiting.iter().zip(&receipts) {
            total.alarms += usize::from(raise(db, one, receipt, now()).await?);
            if receipt.known {
                total.known += 1;
            } else {
                total.new += 1;
            }
        }
        let numbers: Vec<i64> = waiting.iter().map(|it| it.number).collect();
        db.appended(&numbers, now()).await.map_err(AppendError::Database)?;
    }
    Ok(total)
}

async fn append_with_patience(
    log: &dyn Appender,
    records: &[Observation],
    is_stopped: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<Receipt>, AppendError> {
    let mut wait = FIRST_WAIT;
    for _ in 1..ATTEMPTS {
        match log.append(records).await {
            Err(error) if error.is_passing() && !is_stopped() => {
                let asked = error.asked_wait().unwrap_or_default();
                tokio::time::sleep(wait.max(asked).min(LONGEST_WAIT)).await;
                wait *= 2;
            }
            done => return done,
        }
    }
    log.append(records).await
}

/// An alarm if the log knows another digest of the file. Whether it is a new one.
async fn raise(
    db: &dyn Observatory,
    one: &Waiting,
    receipt: &Receipt,
    now: Timestamp,
) -> Result<bool, AppendError> {
    let observation = &one.observation;
    if receipt.conflicts.is_empty() || observation.observer().kind() != ObserverKind::Index {
        return Ok(false);
    }
    let search = Search::File(observation.file().to_owned());
    let ours = db.sightings(&search, MAXIMUM_EVIDENCE).await.map_err(AppendError::Database)?;
    let mut claims: Vec<Claim> = ours
        .iter()
        .map(|it| &it.observation)
        .filter(|it| it.observer().kind() == ObserverKind::Index)
        .filter(|it| it.digest() == observation.digest() || receipt.conflicts.contains(it.digest()))
        .map(claim)
        .collect();
    for digest in &receipt.conflicts {
        if claims.iter().all(|claim| claim.digest != *digest) {
            let by = "the log, of another observer of an index".to_owned();
            claims.push(Claim { digest: digest.clone(), by, at: None });
        }
    }
    let about = (observation.project(), observation.file());
    let alarm = alarm(AlarmKind::Equivocation, about, &claims, DIFFERENT, now);
    db.raise(&alarm, &[]).await.map_err(AppendError::Database)
}

/// An observation as somebody's word.
pub(super) fn claim(observation: &Observation) -> Claim {
    Claim {
        digest: observation.digest().clone(),
        by: observation.observer().to_string(),
        at: Some(observation.first_seen()),
    }
}

#[cfg(test)]
mod tests;
