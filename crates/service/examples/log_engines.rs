//! How many records a second become durable, and how many get their places, through one engine, without
//! HTTP in front of it. Prints one JSON object.
//!
//! ```text
//! log_engines DATABASE RECORDS BATCH CONNECTIONS
//! ```
//!
//! `DATABASE` is the path of a file, the address of a PostgreSQL database, or `private` for a cluster of
//! its own with everything durable. Records are submitted over `CONNECTIONS` tasks, `BATCH` at a time,
//! while a sequencer gives them their places and writes tiles into a temporary folder.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use countermark_packaging::digest::{Algorithm, Digest};
use countermark_packaging::name::ProjectName;
use countermark_service::log::postgres::PostgresStore;
use countermark_service::log::postgres::settings::Settings as Address;
use countermark_service::log::sequencer::{Alone, Outside, Sequencer, Settings, Turn};
use countermark_service::log::sqlite::{Options, SqliteLog};
use countermark_service::log::store::LogStore;
use countermark_service::log::tiles::DirectoryTiles;
use countermark_testkit::postgres::{Manner, Postgres};
use countermark_tlog::note::{KeyType, SignerKey};
use countermark_trust::log::record::{Fields, Observation, Observer};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

type Failure = Box<dyn Error + Send + Sync>;

const ORIGIN: &str = "log.example.org/engines";

fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [database, records, batch, connections] = &words[..] else {
        return Err("see the head of examples/log_engines.rs".into());
    };
    let (records, batch): (u64, u64) = (records.parse()?, batch.parse()?);
    let connections: u64 = connections.parse()?;
    let manner = Manner { durable: true, ..Manner::default() };
    let private = if database == "private" { Postgres::start(manner) } else { None };
    let address = private.as_ref().map_or_else(|| database.clone(), Postgres::database);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(&address, records, batch.max(1), connections.max(1)))
}

async fn open(address: &str) -> Result<Arc<dyn LogStore>, Failure> {
    Ok(match Address::is_address(address) {
        true => Arc::new(PostgresStore::open(Address::parse(address, None, None)?).await?),
        false => Arc::new(SqliteLog::open(Path::new(address), Options::default())?),
    })
}

async fn measure(address: &str, records: u64, batch: u64, connections: u64) -> Result<(), Failure> {
    let store = open(address).await?;
    let folder = tempfile::tempdir()?;
    let outside = Outside {
        store: store.clone(),
        tiles: Arc::new(DirectoryTiles::open(folder.path())?),
        cosigners: Arc::new(Alone),
        clock: Arc::new(Timestamp::now),
    };
    let key = SignerKey::from_seed(ORIGIN, KeyType::Ed25519, &[7; 32])?;
    let mut sequencer = Sequencer::new(outside, vec![key], Settings::new(ORIGIN), "measured");
    let first = store.head().await?.size;
    let next = Arc::new(AtomicU64::new(first));
    let end = first + records;
    let began = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..connections {
        let (store, next) = (store.clone(), next.clone());
        tasks.push(tokio::spawn(async move {
            let mut slowest = Duration::ZERO;
            loop {
                let from = next.fetch_add(batch, Ordering::Relaxed);
                if from >= end {
                    return Ok::<_, Failure>(slowest);
                }
                let made = (from..end.min(from + batch)).map(record).collect::<Result<_, _>>()?;
                let asked = Instant::now();
                store.submit(made, Timestamp::now()).await?;
                slowest = slowest.max(asked.elapsed());
            }
        }));
    }
    let sequenced = tokio::spawn(async move {
        let mut places = first;
        while places < end {
            match sequencer.turn().await? {
                Turn::Leads { sequenced: 0, .. } | Turn::Follows => {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Turn::Leads { sequenced, .. } => places += sequenced,
            }
        }
        Ok::<_, Failure>(())
    });
    let mut slowest = Duration::ZERO;
    for task in tasks {
        slowest = slowest.max(task.await??);
    }
    let durable = began.elapsed();
    sequenced.await??;
    let published = began.elapsed();
    let rate = |time: Duration| (records as f64 / time.as_secs_f64()).round();
    println!(
        "{{\"records\":{records},\"batch\":{batch},\"connections\":{connections},\
         \"before\":{first},\"durable_per_second\":{},\"published_per_second\":{},\
         \"slowest_submission_ms\":{}}}",
        rate(durable),
        rate(published),
        slowest.as_millis()
    );
    Ok(())
}

/// Ten files a release, ten releases a project.
fn record(number: u64) -> Result<Observation, Failure> {
    let project = number / 100;
    Ok(Observation::new(Fields {
        project: ProjectName::parse(&format!("made-up-{project}"))?,
        file: format!("made_up_{project}-{}.{}.0-py3-none-any.whl", number / 10 % 10, number % 10),
        digest: Digest::new(Algorithm::Sha256, &Sha256::digest(number.to_be_bytes()))?,
        size: Some(10_000 + number % 1_000_000),
        uploaded: Some(Timestamp::from_second(1_700_000_000)?),
        observer: Observer::parse("index:index.example.org")?,
        first_seen: Timestamp::from_second(1_790_000_000)?,
    })?)
}
