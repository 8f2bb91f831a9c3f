//! Alarms, and the messages about them on their way.
//!
//! An alarm and its messages are written in one transaction ([`raise`]); messages are delivered
//! from the outbox afterwards. A message is taken for a while before it is sent, so that of several
//! servers one sends it, and crossed out when it arrived. A crash between both sends it again, with
//! the id that it had: mail servers, webhooks and readers of feeds can tell that it is the same.

use countermark_packaging::name::ProjectName;
use jiff::{SignedDuration, Timestamp};

use super::engine::{Engine, Row, Statement, ask, damaged, values};
use super::pins::Search;
use super::work::later;
use crate::log::store::StoreError;
use crate::watch::message::Message;

/// The first wait after a failure; each further one is twice as long.
const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(30);
/// The longest wait. A destination that was repaired is served within it.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_secs(3600);
/// How long a message is ours once it was taken; longer than any way of sending may take.
const TAKEN: SignedDuration = SignedDuration::from_mins(5);

/// What an alarm is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlarmKind {
    /// Observers of indexes saw two digests of one file.
    Equivocation,
    /// Pins and observations name two digests for one file, and no harmless reason fits.
    TwoDigests,
}

impl AlarmKind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Equivocation, Self::TwoDigests];

    /// The word in the database and in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Equivocation => "equivocation",
            Self::TwoDigests => "two-digests",
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == text);
        found.ok_or_else(|| format!("`{text}` is no kind of alarm"))
    }
}

/// An alarm before it is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAlarm {
    /// What makes it the same alarm: it is raised once, however often it is found.
    pub name: String,
    /// What it is about.
    pub kind: AlarmKind,
    /// The project.
    pub project: ProjectName,
    /// The file.
    pub file: String,
    /// JSON: who says what, and where.
    pub evidence: String,
    /// When it was found.
    pub at: Timestamp,
}

/// An alarm that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Grows with time.
    pub id: i64,
    /// What was found, as it was found first.
    pub alarm: NewAlarm,
}

/// How the telling of an alarm went at one destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// `mail:team` and the like.
    pub destination: String,
    /// When it arrived.
    pub delivered: Option<Timestamp>,
    /// How often it was tried.
    pub attempts: i64,
    /// Why it failed last.
    pub last_error: Option<String>,
}

/// A message that was taken to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// For whom.
    pub destination: String,
    /// What.
    pub message: Message,
    /// How often it was tried before.
    pub attempts: i64,
}

/// Writes an alarm down with its messages: both or neither. `false` when it was there; then only
/// messages for destinations that were not told yet are added.
pub(super) async fn raise<E: Engine + ?Sized>(
    engine: &E,
    alarm: &NewAlarm,
    messages: &[(String, Message)],
) -> Result<bool, StoreError> {
    let NewAlarm { name, kind, project, file, evidence, at } = alarm;
    let mut statements = vec![Statement::new(
        "INSERT INTO observe_alarms (name, kind, project, file, evidence, first_seen) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (name) DO NOTHING RETURNING id",
        values![name, kind.name(), project.as_str(), file, evidence, *at],
    )];
    statements.extend(messages.iter().map(|(destination, message)| {
        Statement::new(
            "INSERT INTO observe_outbox \
             (id, alarm, destination, at, subject, body, json, attempts, next_attempt) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?4) ON CONFLICT (id, destination) DO NOTHING",
            values![
                &message.id,
                name,
                destination,
                message.at,
                &message.subject,
                &message.text,
                &message.json,
            ],
        )
    }));
    let answers = engine.batch(statements).await?;
    Ok(answers.first().is_some_and(|rows| !rows.is_empty()))
}

const COLUMNS: &str = "id, name, kind, project, file, evidence, first_seen";

/// Alarms with an id above `after`, by ascending id.
pub(super) async fn list<E: Engine + ?Sized>(
    engine: &E,
    after: i64,
    limit: usize,
) -> Result<Vec<Alarm>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM observe_alarms WHERE id > ?1 ORDER BY id LIMIT ?2");
    let rows = ask(engine, sql, values![after, limit]).await?;
    rows.iter().map(alarm).collect()
}

/// The newest alarms about something, newest first. A digest is looked for in the evidence.
pub(super) async fn find<E: Engine + ?Sized>(
    engine: &E,
    search: &Search,
    limit: usize,
) -> Result<Vec<Alarm>, StoreError> {
    let (column, text) = search.column();
    let (condition, text) = match search {
        // Hexadecimal digits only, so nothing in it has a meaning in a pattern.
        Search::Digest(_) => ("evidence LIKE ?1".to_owned(), format!("%{text}%")),
        Search::Project(_) | Search::File(_) => (format!("{column} = ?1"), text),
    };
    let sql =
        format!("SELECT {COLUMNS} FROM observe_alarms WHERE {condition} ORDER BY id DESC LIMIT ?2");
    let rows = ask(engine, sql, values![text, limit]).await?;
    rows.iter().map(alarm).collect()
}

/// Who was told of an alarm.
pub(super) async fn told<E: Engine + ?Sized>(
    engine: &E,
    name: &str,
) -> Result<Vec<Told>, StoreError> {
    let sql = "SELECT destination, delivered, attempts, last_error FROM observe_outbox \
               WHERE alarm = ?1 ORDER BY destination";
    let read = |row: &Row| {
        Ok(Told {
            destination: row.text(0)?,
            delivered: row.optional_time(1)?,
            attempts: row.number(2)?,
            last_error: row.optional_text(3)?,
        })
    };
    ask(engine, sql, values![name]).await?.iter().map(read).collect()
}

const MESSAGE: &str = "id, at, subject, body, json";

/// Takes the next message for a destination, which is ours for a while.
pub(super) async fn take<E: Engine + ?Sized>(
    engine: &E,
    destination: &str,
    now: Timestamp,
) -> Result<Option<Outgoing>, StoreError> {
    // A next attempt further away than the longest wait: the clock was set back.
    let far = later(now, LONGEST_WAIT.saturating_mul(2));
    // One that failed often lets those behind it go first: it may be the only one that is refused.
    let sql = format!(
        "WITH picked AS (SELECT number FROM observe_outbox \
         WHERE destination = ?1 AND delivered IS NULL \
         AND (next_attempt <= ?2 OR next_attempt > ?4) \
         ORDER BY attempts / 5, at, number LIMIT 1 {{skip_locked}}) \
         UPDATE observe_outbox SET next_attempt = ?3 \
         WHERE number IN (SELECT number FROM picked) RETURNING {MESSAGE}, attempts"
    );
    let rows = ask(engine, sql, values![destination, now, later(now, TAKEN), far]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(Outgoing {
        destination: destination.to_owned(),
        message: message(row)?,
        attempts: row.number(5)?,
    }))
}

/// A message arrived.
pub(super) async fn delivered<E: Engine + ?Sized>(
    engine: &E,
    outgoing: &Outgoing,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE observe_outbox SET delivered = ?3, attempts = attempts + 1, \
               last_error = NULL WHERE id = ?1 AND destination = ?2 AND delivered IS NULL";
    ask(engine, sql, values![&outgoing.message.id, &outgoing.destination, now]).await.map(drop)
}

/// A message did not arrive; it and all that wait for the destination are tried again later.
pub(super) async fn failed<E: Engine + ?Sized>(
    engine: &E,
    outgoing: &Outgoing,
    now: Timestamp,
    reason: &str,
    asked: Option<SignedDuration>,
) -> Result<(), StoreError> {
    let ours = FIRST_WAIT.saturating_mul(1 << outgoing.attempts.clamp(0, 10)).min(LONGEST_WAIT);
    let next = later(now, ours.max(asked.unwrap_or_default().min(LONGEST_WAIT)));
    let reason: String = reason.chars().take(500).collect();
    let one = "UPDATE observe_outbox SET attempts = attempts + 1, next_attempt = ?3, \
               last_error = ?4 WHERE id = ?1 AND destination = ?2 AND delivered IS NULL";
    let others = "UPDATE observe_outbox SET next_attempt = ?2 \
                  WHERE destination = ?1 AND delivered IS NULL AND next_attempt < ?2";
    let statements = vec![
        Statement::new(one, values![&outgoing.message.id, &outgoing.destination, next, reason]),
        Statement::new(others, values![&outgoing.destination, next]),
    ];
    engine.batch(statements).await.map(drop)
}

/// The newest messages for a destination, newest first; a feed shows them.
pub(super) async fn latest<E: Engine + ?Sized>(
    engine: &E,
    destination: &str,
    limit: usize,
) -> Result<Vec<Message>, StoreError> {
    let sql = format!(
        "SELECT {MESSAGE} FROM observe_outbox WHERE destination = ?1 \
         ORDER BY at DESC, number DESC LIMIT ?2"
    );
    ask(engine, sql, values![destination, limit]).await?.iter().map(message).collect()
}

fn alarm(row: &Row) -> Result<Alarm, StoreError> {
    let alarm = NewAlarm {
        name: row.text(1)?,
        kind: AlarmKind::parse(&row.text(2)?).map_err(damaged)?,
        project: row.parsed(3, ProjectName::parse)?,
        file: row.text(4)?,
        evidence: row.text(5)?,
        at: row.time(6)?,
    };
    Ok(Alarm { id: row.number(0)?, alarm })
}

fn message(row: &Row) -> Result<Message, StoreError> {
    Ok(Message {
        id: row.text(0)?,
        at: row.time(1)?,
        subject: row.text(2)?,
        text: row.text(3)?,
        json: row.text(4)?,
    })
}
