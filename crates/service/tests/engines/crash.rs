//! Processes that are killed: the sequencer, and PostgreSQL itself.
//!
//! What is acknowledged is written down before the next step, in memory of the test, which is not
//! killed. The moments are from a generator with a seed that is printed, so that they differ from run
//! to run and can be had again (`COUNTERMARK_SEED`).

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use countermark_service::log::objects::{ObjectSettings, ObjectTiles};
use countermark_service::log::store::LogStore;
use countermark_service::log::tiles::{DirectoryTiles, TileStore};
use countermark_testkit::postgres::{Manner, Postgres};
use countermark_tlog::hash::Hash;
use countermark_trust::log::record::Observation;
use jiff::Timestamp;

use super::material::{at, cluster, open, opened, record, runtime, sequencer, settle, verify};
use super::s3::{S3, client};

/// What tells a worker that it is one: the address of the database, and where the tiles are.
const DATABASE: &str = "COUNTERMARK_ENGINES_DATABASE";
const TILES: &str = "COUNTERMARK_ENGINES_TILES";
/// No worker lives longer, whatever becomes of the test.
const LIFE: Duration = Duration::from_secs(60);

/// Moments; nothing secret depends on them.
struct Chance(u64);

impl Chance {
    fn new() -> Self {
        let given = std::env::var("COUNTERMARK_SEED").ok().and_then(|it| it.parse().ok());
        let seed = given.unwrap_or_else(|| Timestamp::now().as_microsecond() as u64 | 1);
        println!("COUNTERMARK_SEED={seed}");
        Self(seed)
    }

    fn below(&mut self, limit: u64) -> u64 {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn moment(&mut self, limit: Duration) -> Duration {
        Duration::from_micros(self.below(limit.as_micros() as u64))
    }
}

/// Not a test: the process that is killed. It sequences for ever.
#[test]
fn worker() {
    let (Ok(database), Ok(tiles)) = (std::env::var(DATABASE), std::env::var(TILES)) else { return };
    let began = Instant::now();
    runtime().block_on(async {
        let store: Arc<dyn LogStore> = Arc::new(open(&database).await);
        let holder = format!("worker {}", std::process::id());
        let clock = Arc::new(Timestamp::now);
        let mut sequencer = sequencer(store, tiles_at(&tiles), clock, &holder);
        while began.elapsed() < LIFE {
            // The database or the tiles may be away; it goes on when they are back.
            let _ = sequencer.turn().await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
}

fn tiles_at(place: &str) -> Arc<dyn TileStore> {
    if !place.starts_with("http://") {
        return Arc::new(DirectoryTiles::open(Path::new(place)).unwrap());
    }
    let mut settings = ObjectSettings::parse("s3://log/public").unwrap();
    settings.endpoint = Some(place.parse().unwrap());
    Arc::new(ObjectTiles::open(&settings, &S3::keys(), &client()).unwrap())
}

fn start_worker(database: &str, tiles: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::worker", "--nocapture"])
        .env(DATABASE, database)
        .env(TILES, tiles)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Workers follow each other, each killed at some moment after it published something, while records
/// come in; then one that is left alone finishes.
fn killed_sequencers(place: &str) {
    let Some(cluster) = cluster() else { return };
    let address = cluster.database();
    let mut chance = Chance::new();
    let runtime = runtime();
    let store: Arc<dyn LogStore> = Arc::new(runtime.block_on(open(&address)));
    let tiles = tiles_at(place);
    let (mut acknowledged, mut seen): (Vec<Observation>, Vec<(u64, Hash)>) = Default::default();
    for round in 0..8_u64 {
        let mut worker = start_worker(&address, place);
        let before = acknowledged.len() as u64;
        let target = before + chance.below(200);
        let began = Instant::now();
        // Records come as long as the worker lives, and until it got somewhere.
        loop {
            let from = acknowledged.len() as u64;
            let records: Vec<_> = (from..from + 40).map(|n| record(n, 0)).collect();
            runtime.block_on(store.submit(records.clone(), at(0))).unwrap();
            acknowledged.extend(records);
            if let Some(note) = runtime.block_on(tiles.read_checkpoint()).unwrap() {
                let checkpoint = opened(&note);
                seen.push(checkpoint);
                if checkpoint.0 > target {
                    break;
                }
            }
            assert!(began.elapsed() < LIFE, "round {round} gets nowhere");
        }
        std::thread::sleep(chance.moment(Duration::from_millis(20)));
        worker.kill().unwrap();
        worker.wait().unwrap();
    }
    runtime.block_on(async {
        // The last one was killed a moment ago, and its lease is young: its lock is what tells.
        let clock = Arc::new(Timestamp::now);
        let mut last = sequencer(store.clone(), tiles.clone(), clock, "last");
        settle(&mut last).await;
        verify(store.as_ref(), tiles.as_ref(), &acknowledged, &seen).await;
    });
}

#[test]
fn a_killed_sequencer_loses_nothing_over_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    killed_sequencers(folder.path().to_str().unwrap());
}

#[test]
fn a_killed_sequencer_loses_nothing_over_an_object_store() {
    let s3 = S3::start();
    killed_sequencers(s3.url());
}

/// PostgreSQL with everything durable is killed at some moment and recovers by itself, while front ends
/// submit and a sequencer works.
#[test]
fn a_killed_database_loses_nothing() {
    let Some(cluster) = Postgres::start(Manner { durable: true, ..Manner::default() }) else {
        return;
    };
    let address = cluster.database();
    let mut chance = Chance::new();
    let folder = tempfile::tempdir().unwrap();
    let tiles: Arc<dyn TileStore> = Arc::new(DirectoryTiles::open(folder.path()).unwrap());
    let (stop, acknowledged) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let seen = Mutex::new(Vec::new());
    let store = runtime().block_on(open(&address));
    drop(store);
    std::thread::scope(|scope| {
        for front in 0..2_u64 {
            let (address, stop, acknowledged) = (&address, &stop, &acknowledged);
            scope.spawn(move || {
                runtime().block_on(async {
                    let store = open(address).await;
                    let mut next = 0;
                    while !stop.load(Ordering::SeqCst) {
                        // Half of what both submit is the same.
                        let number =
                            |n: u64| if n.is_multiple_of(2) { n } else { n + front * 1_000_000 };
                        let records: Vec<_> =
                            (next..next + 50).map(number).map(|n| record(n, 0)).collect();
                        if store.submit(records.clone(), at(0)).await.is_ok() {
                            acknowledged.lock().unwrap().extend(records);
                            next += 50;
                        }
                    }
                });
            });
        }
        let (address, stop, tiles, seen) = (&address, &stop, &tiles, &seen);
        scope.spawn(move || {
            runtime().block_on(async {
                let store: Arc<dyn LogStore> = Arc::new(open(address).await);
                let clock = Arc::new(Timestamp::now);
                let mut sequencer = sequencer(store, tiles.clone(), clock, "a");
                while !stop.load(Ordering::SeqCst) {
                    let _ = sequencer.turn().await;
                    if let Ok(Some(note)) = tiles.read_checkpoint().await {
                        seen.lock().unwrap().push(opened(&note));
                    }
                }
            });
        });
        for _ in 0..4 {
            let before = acknowledged.lock().unwrap().len();
            let began = Instant::now();
            while acknowledged.lock().unwrap().len() < before + 200 {
                assert!(began.elapsed() < LIFE, "nothing is acknowledged");
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(chance.moment(Duration::from_millis(30)));
            cluster.kill();
            cluster.restart();
        }
        stop.store(true, Ordering::SeqCst);
    });
    runtime().block_on(async {
        let store: Arc<dyn LogStore> = Arc::new(open(&address).await);
        let clock = Arc::new(Timestamp::now);
        let mut last = sequencer(store.clone(), tiles.clone(), clock, "last");
        settle(&mut last).await;
        let (acknowledged, mut seen) =
            (acknowledged.into_inner().unwrap(), seen.into_inner().unwrap());
        seen.sort_unstable();
        seen.dedup();
        verify(store.as_ref(), tiles.as_ref(), &acknowledged, &seen).await;
    });
}
