//! Writing records as pending rows.
//!
//! Two front ends may submit the same file at the same time, and then one of them has to see what the
//! other wrote, or a second digest would raise no alarm. So a file name belongs to one of a few locks,
//! which are taken in ascending order before anything is read and held until the transaction is on disk.
//! What is new is then decided here, in order, and comes in by one `COPY`.
//!
//! Locks in this order, so that nobody waits in a circle: files, names of projects in order, names of
//! observers in order, alarms.

use std::collections::{BTreeSet, HashMap};

use countermark_packaging::digest::Digest;
use countermark_trust::log::record::{Observation, ObserverKind};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;

use super::pool::{Failure, Lent, Pool, Value};
use super::rows::{integer, natural, read_digest, stored};
use crate::log::store::{MAXIMUM_SUBMITTED, Receipt, StoreError};

/// How many locks there are for file names.
const FILE_LOCKS: u16 = 64;
/// The first halves of the numbers of our locks; the second halves say which.
const LOCKS_OF_FILES: i32 = 0x636d_6c01;
const LOCKS_OF_ALARMS: i32 = 0x636d_6c02;

/// Each submission takes one block of ids from the sequence (`schema`).
const BLOCK: usize = 32_768;
const _: () = assert!(MAXIMUM_SUBMITTED <= BLOCK);

/// One record of a file, stored or about to be.
struct Known {
    id: i64,
    digest: Digest,
    observer: String,
    of_index: bool,
    place: Option<u64>,
}

/// What is to be written.
#[derive(Default)]
struct Plan {
    receipts: Vec<Receipt>,
    /// Positions of the records that are new, with their ids.
    new: Vec<(usize, i64)>,
    /// The new record's position, the earlier record's id and its own.
    alarms: Vec<(usize, i64, i64)>,
}

pub(super) async fn submit(
    pool: &Pool,
    records: &[Observation],
    now: Timestamp,
) -> Result<Vec<Receipt>, Failure> {
    if records.is_empty() {
        return Ok(Vec::new());
    }
    let mut lent = pool.get().await?;
    lent.begin().await?;
    let locks: BTreeSet<i32> = records.iter().map(|it| lock_of(it.file())).collect();
    let locks: Vec<i32> = locks.into_iter().collect();
    let sql = "SELECT pg_advisory_xact_lock($1, number) \
               FROM unnest($2::int[]) WITH ORDINALITY AS lock (number, at) ORDER BY at";
    lent.execute(sql, &[&LOCKS_OF_FILES, &locks]).await?;
    let known = present(&mut lent, records).await?;
    let block = lent.query_one("SELECT nextval('record_blocks')", &[]).await?;
    let first: i64 = block.ok_or_else(no_answer)?.try_get(0)?;
    let plan = decide(records, known, first);
    if plan.new.is_empty() {
        lent.undo().await?;
        return Ok(plan.receipts);
    }
    write(&mut lent, records, &plan).await?;
    raise(&mut lent, records, &plan, now).await?;
    lent.commit().await?;
    Ok(plan.receipts)
}

/// Which lock a file name belongs to; the same for every process and version.
fn lock_of(file: &str) -> i32 {
    let hash = Sha256::digest(file);
    i32::from(u16::from_be_bytes([hash[0], hash[1]]) % FILE_LOCKS)
}

/// What is there about these files.
async fn present(
    lent: &mut Lent,
    records: &[Observation],
) -> Result<HashMap<String, Vec<Known>>, Failure> {
    let files: BTreeSet<&str> = records.iter().map(Observation::file).collect();
    let files: Vec<&str> = files.into_iter().collect();
    let sql = "SELECT r.file, r.id, r.digest, o.name, s.place FROM records r \
               JOIN observers o ON o.id = r.observer LEFT JOIN places s ON s.record = r.id \
               WHERE r.file = ANY($1) ORDER BY r.id";
    let mut known: HashMap<String, Vec<Known>> = HashMap::new();
    for row in lent.query(sql, &[&files]).await? {
        let observer: String = row.try_get(3)?;
        let is_placed = row.try_get::<_, Option<i64>>(4)?.is_some();
        known.entry(row.try_get(0)?).or_default().push(Known {
            id: row.try_get(1)?,
            digest: read_digest(&row, 2)?,
            of_index: observer.starts_with("index:"),
            observer,
            place: if is_placed { Some(natural(&row, 4)?) } else { None },
        });
    }
    Ok(known)
}

/// What becomes of each record, as if they came one after the other.
fn decide(records: &[Observation], mut known: HashMap<String, Vec<Known>>, first_id: i64) -> Plan {
    let mut plan = Plan::default();
    let mut next = first_id;
    for (position, record) in records.iter().enumerate() {
        let of_file = known.entry(record.file().to_owned()).or_default();
        let observer = record.observer().to_string();
        let of_index = record.observer().kind() == ObserverKind::Index;
        let contradicts = |it: &&Known| of_index && it.of_index && record.differs(&it.digest);
        let conflicts: BTreeSet<&Digest> =
            of_file.iter().filter(contradicts).map(|it| &it.digest).collect();
        let conflicts: Vec<Digest> = conflicts.into_iter().cloned().collect();
        let same =
            of_file.iter().find(|it| it.digest == *record.digest() && it.observer == observer);
        if let Some(same) = same {
            plan.receipts.push(Receipt { known: true, index: same.place, conflicts });
            continue;
        }
        let id = next;
        next += 1;
        // They are in order of their ids, so the first is the earliest.
        if let Some(earliest) = of_file.iter().find(contradicts) {
            plan.alarms.push((position, earliest.id, id));
        }
        plan.new.push((position, id));
        plan.receipts.push(Receipt { known: false, index: None, conflicts });
        let digest = record.digest().clone();
        of_file.push(Known { id, digest, observer, of_index, place: None });
    }
    plan
}

async fn write(lent: &mut Lent, records: &[Observation], plan: &Plan) -> Result<(), Failure> {
    let new = || plan.new.iter().map(|(position, id)| (&records[*position], *id));
    let projects = new().map(|(it, _)| it.project().as_str().to_owned()).collect();
    let projects = numbers(lent, Dictionary::Projects, projects).await?;
    let observers = new().map(|(it, _)| it.observer().to_string()).collect();
    let observers = numbers(lent, Dictionary::Observers, observers).await?;
    let sink = lent
        .client()?
        .copy_in(
            "COPY records (id, project, file, digest, size, uploaded, observer, first_seen) \
             FROM STDIN (FORMAT binary)",
        )
        .await?;
    let (long, number, text, bytes) = (Type::INT8, Type::INT4, Type::TEXT, Type::BYTEA);
    let types = [&long, &number, &text, &bytes, &long, &long, &number, &long].map(Clone::clone);
    let mut writer = std::pin::pin!(BinaryCopyInWriter::new(sink, &types));
    for (record, id) in new() {
        let digest = stored(record.digest()).ok_or_else(|| StoreError::Damaged {
            reason: "a record has a digest that does not identify a file".to_owned(),
        })?;
        let values: [Value<'_>; 8] = [
            &id,
            &projects[record.project().as_str()],
            &record.file(),
            &digest,
            &record.size().map(integer),
            &record.uploaded().map(Timestamp::as_second),
            &observers[&record.observer().to_string()],
            &record.first_seen().as_second(),
        ];
        writer.as_mut().write(&values).await?;
    }
    writer.finish().await?;
    let ids: Vec<i64> = plan.new.iter().map(|(_, id)| *id).collect();
    lent.execute("INSERT INTO pending SELECT unnest($1::bigint[])", &[&ids]).await?;
    Ok(())
}

#[derive(Clone, Copy)]
enum Dictionary {
    Projects,
    Observers,
}

/// The numbers of names, made for those that have none. In order, since who makes one waits for
/// everybody who makes the same.
async fn numbers(
    lent: &mut Lent,
    dictionary: Dictionary,
    names: BTreeSet<String>,
) -> Result<HashMap<String, i32>, Failure> {
    let names: Vec<String> = names.into_iter().collect();
    let (select, insert) = match dictionary {
        Dictionary::Projects => (
            "SELECT name, id FROM projects WHERE name = ANY($1)",
            "INSERT INTO projects (name) SELECT name FROM unnest($1::text[]) AS n (name) \
             ORDER BY name COLLATE \"C\" ON CONFLICT DO NOTHING",
        ),
        Dictionary::Observers => (
            "SELECT name, id FROM observers WHERE name = ANY($1)",
            "INSERT INTO observers (name) SELECT name FROM unnest($1::text[]) AS n (name) \
             ORDER BY name COLLATE \"C\" ON CONFLICT DO NOTHING",
        ),
    };
    let mut found = HashMap::new();
    let mut missing = names;
    // Twice: what is missing is made, by us or by somebody whom we waited for, and then read.
    for is_last in [false, true] {
        for row in lent.query(select, &[&missing]).await? {
            found.insert(row.try_get(0)?, row.try_get(1)?);
        }
        missing.retain(|name| !found.contains_key(name));
        if missing.is_empty() {
            break;
        }
        if is_last {
            let reason = "a name that was written is not there".to_owned();
            return Err(StoreError::Damaged { reason }.into());
        }
        lent.execute(insert, &[&missing]).await?;
    }
    Ok(found)
}

/// Alarms get their ids under a lock that is held to the end: whoever reads them in order of their
/// ids and remembers how far it came misses none.
async fn raise(
    lent: &mut Lent,
    records: &[Observation],
    plan: &Plan,
    now: Timestamp,
) -> Result<(), Failure> {
    if plan.alarms.is_empty() {
        return Ok(());
    }
    lent.execute("SELECT pg_advisory_xact_lock($1, 0)", &[&LOCKS_OF_ALARMS]).await?;
    let names: Vec<&str> =
        plan.alarms.iter().map(|(position, ..)| records[*position].project().as_str()).collect();
    let first: Vec<i64> = plan.alarms.iter().map(|(_, first, _)| *first).collect();
    let second: Vec<i64> = plan.alarms.iter().map(|(.., second)| *second).collect();
    let sql = "INSERT INTO alarms (at, project, first, second) \
               SELECT $1, p.id, a.first, a.second \
               FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS a (name, first, second) \
               JOIN projects p ON p.name = a.name ORDER BY a.second";
    lent.execute(sql, &[&now.as_millisecond(), &names, &first, &second]).await?;
    Ok(())
}

pub(super) fn no_answer() -> StoreError {
    StoreError::Damaged { reason: "a question that always has an answer has none".to_owned() }
}
