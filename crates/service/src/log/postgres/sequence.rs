//! Places, heads, the checkpoint, and who may move the head.
//!
//! Three things keep two leaders apart, each enough by itself: the lead is one row that a commit locks
//! and whose term it compares; a head is one row for each size; and a place is one row. The session
//! lock is not among them: it tells everybody else at once that a leader died, since the server frees
//! it with the leader's connection, so that nobody waits for the lease to run out.

use std::sync::Arc;

use countermark_tlog::hash::{EMPTY_ROOT, Hash};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;
use tokio_postgres::{Client, Row};

use super::pool::{Failure, Lent, Pool};
use super::rows::{integer, natural, record, record_columns};
use super::submit::no_answer;
use crate::log::store::{Head, Lease, MAXIMUM_ROWS, Pending, Published, StoreError};

/// The first half of the numbers of the locks of leaders; the second half is from the term.
const LOCKS_OF_LEADERS: i32 = 0x636d_6c03;

/// The session that holds the lock of the term in which this process leads.
#[derive(Clone, Default)]
pub(super) struct Session(Arc<Mutex<Option<(i64, Client)>>>);

impl Session {
    async fn holds(&self, term: i64) -> bool {
        let held = self.0.lock().await;
        held.as_ref().is_some_and(|(held, client)| *held == term && !client.is_closed())
    }

    /// Takes the lock of a term, with a connection that does nothing else. That it cannot be taken is
    /// no harm: then others wait for the lease.
    async fn take(&self, pool: &Pool, term: i64) -> Result<(), Failure> {
        let mut held = self.0.lock().await;
        *held = None;
        let client = pool.apart().await?;
        let sql = "SELECT pg_try_advisory_lock($1, $2)";
        client.query_one(sql, &[&LOCKS_OF_LEADERS, &number_of(term)]).await?;
        *held = Some((term, client));
        Ok(())
    }

    async fn release(&self) {
        *self.0.lock().await = None;
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Session")
    }
}

/// Half a number is enough to tell a term from those around it.
fn number_of(term: i64) -> i32 {
    (term & 0x7fff_ffff) as i32
}

pub(super) async fn pending(pool: &Pool, limit: usize) -> Result<Vec<Pending>, Failure> {
    let limit = integer(limit.min(MAXIMUM_ROWS) as u64);
    let mut lent = pool.get().await?;
    let sql = concat!(
        "SELECT ",
        record_columns!(),
        " FROM (SELECT record FROM pending ORDER BY record LIMIT $1) q \
         JOIN records r ON r.id = q.record JOIN projects p ON p.id = r.project \
         JOIN observers o ON o.id = r.observer ORDER BY r.id"
    );
    let rows = lent.query(sql, &[&limit]).await?;
    rows.iter().map(|row| Ok(Pending { id: row.try_get(0)?, record: record(row)? })).collect()
}

pub(super) async fn commit(
    pool: &Pool,
    lease: &Lease,
    from: &Head,
    ids: &[i64],
    to: &Head,
) -> Result<(), Failure> {
    let mut lent = pool.get().await?;
    lent.begin().await?;
    let result = commit_within(&mut lent, lease, from, ids, to).await;
    match result {
        Ok(()) => lent.commit().await,
        Err(failure) => {
            // Not with `?`: what is wrong is the first failure.
            let _ = lent.undo().await;
            Err(failure)
        }
    }
}

async fn commit_within(
    lent: &mut Lent,
    lease: &Lease,
    from: &Head,
    ids: &[i64],
    to: &Head,
) -> Result<(), Failure> {
    // Whoever takes the lead waits here until we are done, and whoever has taken it makes us fail.
    let row = lent.query_one("SELECT term, holder FROM lead FOR UPDATE", &[]).await?;
    let row = row.ok_or_else(no_answer)?;
    let (term, holder): (i64, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
    if term != lease.term || holder.as_deref() != Some(&lease.holder) {
        return Err(StoreError::LostLead { term: lease.term }.into());
    }
    let present = last_head(lent).await?;
    if (present.size, present.root) != (from.size, from.root) {
        let (expected, found) = (from.size, present.size);
        return Err(StoreError::HeadMoved { expected, found }.into());
    }
    let not_pending = |id| StoreError::NotPending { id };
    // A head of the same size would be another word about the same tree.
    if ids.is_empty() {
        return Err(not_pending(0).into());
    }
    let taken =
        lent.query("DELETE FROM pending WHERE record = ANY($1) RETURNING record", &[&ids]).await?;
    if taken.len() != ids.len() || to.size.checked_sub(from.size) != Some(ids.len() as u64) {
        let taken = taken.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i64>, _>>()?;
        let taken: std::collections::HashSet<i64> = taken.into_iter().collect();
        // With an id twice, each is there; with another number of places, the last is the one.
        let id = ids.iter().find(|id| !taken.contains(id)).or(ids.last()).copied();
        return Err(not_pending(id.unwrap_or_default()).into());
    }
    let sql = "INSERT INTO places (place, record) SELECT $1 + at - 1, id \
               FROM unnest($2::bigint[]) WITH ORDINALITY AS u (id, at)";
    lent.execute(sql, &[&integer(from.size), &ids]).await?;
    let sql = "INSERT INTO heads (size, root, at) VALUES ($1, $2, $3)";
    let root = to.root.as_bytes().as_slice();
    lent.execute(sql, &[&integer(to.size), &root, &to.at.as_second()]).await?;
    Ok(())
}

async fn last_head(lent: &mut Lent) -> Result<Head, Failure> {
    let sql = "SELECT size, root, at FROM heads ORDER BY size DESC LIMIT 1";
    match lent.query_one(sql, &[]).await? {
        Some(row) => read_head(&row),
        None => Ok(Head { size: 0, root: EMPTY_ROOT, at: Timestamp::UNIX_EPOCH }),
    }
}

pub(super) async fn head(pool: &Pool) -> Result<Head, Failure> {
    last_head(&mut pool.get().await?).await
}

pub(super) async fn head_at(pool: &Pool, size: u64) -> Result<Option<Head>, Failure> {
    let sql = "SELECT size, root, at FROM heads WHERE size = $1";
    let row = pool.get().await?.query_one(sql, &[&integer(size)]).await?;
    row.as_ref().map(read_head).transpose()
}

pub(super) async fn heads(pool: &Pool, from: u64, limit: usize) -> Result<Vec<Head>, Failure> {
    let sql = "SELECT size, root, at FROM heads WHERE size >= $1 ORDER BY size LIMIT $2";
    let limit = integer(limit.min(MAXIMUM_ROWS) as u64);
    let rows = pool.get().await?.query(sql, &[&integer(from), &limit]).await?;
    rows.iter().map(read_head).collect()
}

fn read_head(row: &Row) -> Result<Head, Failure> {
    let root: &[u8] = row.try_get(1)?;
    let root: [u8; 32] = root
        .try_into()
        .map_err(|_| StoreError::Damaged { reason: "a root has not 32 bytes".to_owned() })?;
    let at = read_second(row, 2)?;
    Ok(Head { size: natural(row, 0)?, root: Hash::from_bytes(root), at })
}

fn read_second(row: &Row, column: usize) -> Result<Timestamp, Failure> {
    let broken = |_| StoreError::Damaged { reason: "a time that is out of range".to_owned() };
    Ok(Timestamp::from_second(row.try_get(column)?).map_err(broken)?)
}

pub(super) async fn published(pool: &Pool) -> Result<Option<Published>, Failure> {
    let sql = "SELECT size, at, note FROM published";
    let Some(row) = pool.get().await?.query_one(sql, &[]).await? else { return Ok(None) };
    let (size, at) = (natural(&row, 0)?, read_second(&row, 1)?);
    Ok(Some(Published { size, at, note: row.try_get(2)? }))
}

pub(super) async fn publish(pool: &Pool, checkpoint: &Published) -> Result<bool, Failure> {
    let sql = "INSERT INTO published AS old (size, at, note) VALUES ($1, $2, $3) \
               ON CONFLICT (one) DO UPDATE SET size = $1, at = $2, note = $3 \
               WHERE (old.size, old.at) <= ($1, $2)";
    let Published { size, at, note } = checkpoint;
    let mut lent = pool.get().await?;
    Ok(lent.execute(sql, &[&integer(*size), &at.as_second(), note]).await? == 1)
}

pub(super) async fn lead(
    pool: &Pool,
    session: &Session,
    holder: &str,
    now: Timestamp,
    length: SignedDuration,
) -> Result<Option<Lease>, Failure> {
    let mut lent = pool.get().await?;
    lent.begin().await?;
    let row = lent.query_one("SELECT term, holder, until FROM lead FOR UPDATE", &[]).await?;
    let row = row.ok_or_else(no_answer)?;
    let (mut term, found): (i64, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
    let until: i64 = row.try_get(2)?;
    let is_ours = found.as_deref() == Some(holder);
    let has_another = found.is_some() && !is_ours && until > now.as_millisecond();
    if has_another && (session.holds(term).await || !is_free(&mut lent, term).await?) {
        lent.undo().await?;
        return Ok(None);
    }
    if !is_ours {
        term = term.saturating_add(1);
    }
    let sql = "UPDATE lead SET term = $1, holder = $2, until = $3";
    lent.execute(sql, &[&term, &holder, &end(now, length)]).await?;
    lent.commit().await?;
    if !session.holds(term).await {
        session.take(pool, term).await?;
    }
    Ok(Some(Lease { holder: holder.to_owned(), term }))
}

/// Whether the connection of the leader of this term is gone.
async fn is_free(lent: &mut Lent, term: i64) -> Result<bool, Failure> {
    let sql = "SELECT pg_try_advisory_xact_lock($1, $2)";
    let row = lent.query_one(sql, &[&LOCKS_OF_LEADERS, &number_of(term)]).await?;
    Ok(row.ok_or_else(no_answer)?.try_get(0)?)
}

pub(super) async fn keep(
    pool: &Pool,
    session: &Session,
    lease: &Lease,
    now: Timestamp,
    length: SignedDuration,
) -> Result<bool, Failure> {
    let sql = "UPDATE lead SET until = $3 WHERE term = $1 AND holder = $2";
    let mut lent = pool.get().await?;
    let kept = lent.execute(sql, &[&lease.term, &lease.holder, &end(now, length)]).await? == 1;
    drop(lent);
    if !kept {
        session.release().await;
    } else if !session.holds(lease.term).await {
        // Its connection broke, and nobody else noticed before us.
        session.take(pool, lease.term).await?;
    }
    Ok(kept)
}

pub(super) async fn lose(pool: &Pool, session: &Session, lease: &Lease) -> Result<(), Failure> {
    let sql = "UPDATE lead SET holder = NULL, until = 0 WHERE term = $1 AND holder = $2";
    pool.get().await?.execute(sql, &[&lease.term, &lease.holder]).await?;
    session.release().await;
    Ok(())
}

fn end(now: Timestamp, length: SignedDuration) -> i64 {
    let length = i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
    now.as_millisecond().saturating_add(length)
}

pub(super) async fn pruned(pool: &Pool) -> Result<u64, Failure> {
    let row = pool.get().await?.query_one("SELECT size FROM pruned", &[]).await?;
    natural(&row.ok_or_else(no_answer)?, 0)
}

pub(super) async fn set_pruned(pool: &Pool, size: u64) -> Result<(), Failure> {
    let sql = "UPDATE pruned SET size = $1 WHERE size < $1";
    pool.get().await?.execute(sql, &[&integer(size)]).await?;
    Ok(())
}
