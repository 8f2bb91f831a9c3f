//! Work that several crawlers share: projects and repositories that are due.
//!
//! Whoever takes an item has it until the lease ends. A crawler that dies gives nothing back, and
//! needs not: its items are taken by others when their leases are over. What it says afterwards about
//! an item that somebody else has by then does not count ([`finish`] and [`fail`] tell).

use jiff::{SignedDuration, Timestamp};

use super::engine::{Engine, Statement, ask, values};
use crate::log::store::StoreError;

/// The first wait after a failure; each further one is twice as long.
const FIRST_WAIT: SignedDuration = SignedDuration::from_mins(1);
/// The longest wait.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(24);

/// Something to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its name among those of one kind.
    pub name: String,
    /// Lower ones go first.
    pub priority: i64,
}

/// An item that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// What kind of work it is.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Who has it.
    pub holder: String,
    /// What was remembered when it was done last; empty at first.
    pub remembered: String,
    /// How often it failed since it was done last.
    pub attempts: i64,
}

/// How much work there is of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// All items.
    pub items: u64,
    /// Those that are due and that nobody has.
    pub due: u64,
    /// Those that somebody has.
    pub taken: u64,
    /// Those that failed when they were looked at last.
    pub failing: u64,
}

/// Adds items that are not known, due at once. A known one keeps when it is due, and gets the priority
/// if that is a more urgent one.
pub(super) async fn add<E: Engine + ?Sized>(
    engine: &E,
    kind: &str,
    items: &[Item],
    now: Timestamp,
) -> Result<(), StoreError> {
    for some in items.chunks(500) {
        let add = |item: &Item| {
            Statement::new(
                "INSERT INTO observe_work (kind, item, priority, due, remembered, attempts, lease) \
                 VALUES (?1, ?2, ?3, ?4, '', 0, 0) ON CONFLICT (kind, item) DO UPDATE \
                 SET priority = excluded.priority WHERE observe_work.priority > excluded.priority",
                values![kind, &item.name, item.priority, now],
            )
        };
        engine.batch(some.iter().map(add).collect()).await?;
    }
    Ok(())
}

/// Makes an item due now, before all others: somebody says that it changed.
pub(super) async fn hurry<E: Engine + ?Sized>(
    engine: &E,
    kind: &str,
    name: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE observe_work SET due = ?3, priority = -1 \
               WHERE kind = ?1 AND item = ?2 AND (due > ?3 OR priority > -1)";
    ask(engine, sql, values![kind, name, now]).await.map(drop)
}

/// Items that are not looked at any more.
pub(super) async fn forget<E: Engine + ?Sized>(
    engine: &E,
    kind: &str,
    names: &[String],
) -> Result<(), StoreError> {
    for some in names.chunks(500) {
        let forget = |name: &String| {
            let sql = "DELETE FROM observe_work WHERE kind = ?1 AND item = ?2";
            Statement::new(sql, values![kind, name])
        };
        engine.batch(some.iter().map(forget).collect()).await?;
    }
    Ok(())
}

/// The names of all items of a kind after one of them, in order.
pub(super) async fn names<E: Engine + ?Sized>(
    engine: &E,
    kind: &str,
    after: &str,
    limit: usize,
) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT item FROM observe_work WHERE kind = ?1 AND item > ?2 ORDER BY item LIMIT ?3";
    let rows = ask(engine, sql, values![kind, after, limit]).await?;
    rows.iter().map(|row| row.text(0)).collect()
}

/// Takes up to `limit` items that are due, the most urgent first, for `lease`.
pub(super) async fn take<E: Engine + ?Sized>(
    engine: &E,
    kind: &str,
    holder: &str,
    limit: usize,
    now: Timestamp,
    lease: SignedDuration,
) -> Result<Vec<Taken>, StoreError> {
    // A lease that ends further away than twice its length was given by a clock that was set back.
    let far = later(now, lease.saturating_mul(2));
    // A table of its own, which is computed once: a subquery could be computed again for each row.
    let sql = "WITH picked AS (SELECT item FROM observe_work \
               WHERE kind = ?1 AND due <= ?3 AND (holder IS NULL OR lease <= ?3 OR lease > ?5) \
               ORDER BY priority, due, item LIMIT ?6 {skip_locked}) \
               UPDATE observe_work SET holder = ?2, lease = ?4 \
               WHERE kind = ?1 AND item IN (SELECT item FROM picked) \
               RETURNING item, remembered, attempts, priority, due";
    let given = values![kind, holder, now, later(now, lease), far, limit];
    let mut rows = ask(engine, sql, given).await?;
    // The order of what an update gives is nobody's promise.
    rows.sort_by_key(|row| (row.number(3).ok(), row.number(4).ok(), row.text(0).ok()));
    let taken = |row: &super::engine::Row| {
        Ok(Taken {
            kind: kind.to_owned(),
            name: row.text(0)?,
            holder: holder.to_owned(),
            remembered: row.text(1)?,
            attempts: row.number(2)?,
        })
    };
    rows.iter().map(taken).collect()
}

/// Keeps an item for longer. `false` when it is somebody else's now.
pub(super) async fn keep<E: Engine + ?Sized>(
    engine: &E,
    taken: &Taken,
    now: Timestamp,
    lease: SignedDuration,
) -> Result<bool, StoreError> {
    let sql = "UPDATE observe_work SET lease = ?4 \
               WHERE kind = ?1 AND item = ?2 AND holder = ?3 RETURNING item";
    let given = values![&taken.kind, &taken.name, &taken.holder, later(now, lease)];
    Ok(!ask(engine, sql, given).await?.is_empty())
}

/// An item that was looked at.
#[derive(Clone, Copy, Debug)]
pub struct Done<'a> {
    /// The item.
    pub taken: &'a Taken,
    /// What to remember of it until the next time.
    pub remembered: &'a str,
    /// When it is due again.
    pub due: Timestamp,
    /// Lower ones go first, of those that are due.
    pub priority: i64,
}

/// What [`finish`] does, as a statement of a larger transaction. Gives a row if the item was ours.
pub(super) fn finishing(done: &Done<'_>) -> Statement {
    let Done { taken, remembered, due, priority } = *done;
    Statement::new(
        "UPDATE observe_work SET holder = NULL, lease = 0, attempts = 0, last_error = NULL, \
         remembered = ?4, due = ?5, priority = ?6 \
         WHERE kind = ?1 AND item = ?2 AND holder = ?3 RETURNING item",
        values![&taken.kind, &taken.name, &taken.holder, remembered, due, priority],
    )
}

/// An item was looked at; it is due again later. `false` when it is somebody else's now.
pub(super) async fn finish<E: Engine + ?Sized>(
    engine: &E,
    done: &Done<'_>,
) -> Result<bool, StoreError> {
    let answers = engine.batch(vec![finishing(done)]).await?;
    Ok(answers.first().is_some_and(|rows| !rows.is_empty()))
}

/// An item could not be looked at; it is tried again, later each time, or after what was `asked` for.
pub(super) async fn fail<E: Engine + ?Sized>(
    engine: &E,
    taken: &Taken,
    reason: &str,
    now: Timestamp,
    asked: Option<SignedDuration>,
) -> Result<bool, StoreError> {
    let doubled = FIRST_WAIT.saturating_mul(1 << taken.attempts.clamp(0, 12));
    let wait = doubled.max(asked.unwrap_or_default()).min(LONGEST_WAIT);
    let reason: String = reason.chars().take(500).collect();
    let sql = "UPDATE observe_work SET holder = NULL, lease = 0, attempts = attempts + 1, \
               last_error = ?4, due = ?5 WHERE kind = ?1 AND item = ?2 AND holder = ?3 RETURNING item";
    let given = values![&taken.kind, &taken.name, &taken.holder, reason, later(now, wait)];
    Ok(!ask(engine, sql, given).await?.is_empty())
}

/// Gives an item back as it was: we were stopped.
pub(super) async fn release<E: Engine + ?Sized>(
    engine: &E,
    taken: &Taken,
) -> Result<(), StoreError> {
    let sql = "UPDATE observe_work SET holder = NULL, lease = 0 \
               WHERE kind = ?1 AND item = ?2 AND holder = ?3";
    ask(engine, sql, values![&taken.kind, &taken.name, &taken.holder]).await.map(drop)
}

/// How much work there is.
pub(super) async fn backlog<E: Engine + ?Sized>(
    engine: &E,
    kind: &str,
    now: Timestamp,
) -> Result<Backlog, StoreError> {
    let sql = "SELECT count(*), \
               count(CASE WHEN due <= ?2 AND (holder IS NULL OR lease <= ?2) THEN 1 END), \
               count(CASE WHEN holder IS NOT NULL AND lease > ?2 THEN 1 END), \
               count(CASE WHEN attempts > 0 THEN 1 END) FROM observe_work WHERE kind = ?1";
    let rows = ask(engine, sql, values![kind, now]).await?;
    let Some(row) = rows.first() else { return Ok(Backlog::default()) };
    let number = |column| row.number(column).map(|number| u64::try_from(number).unwrap_or(0));
    Ok(Backlog { items: number(0)?, due: number(1)?, taken: number(2)?, failing: number(3)? })
}

/// A time that much later, at most the last one there is.
pub(super) fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}
