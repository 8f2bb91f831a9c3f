//! Records, runtimes and sequencers of the tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use countermark_packaging::digest::{Algorithm, Digest};
use countermark_packaging::name::ProjectName;
use countermark_service::log::postgres::PostgresStore;
use countermark_service::log::postgres::settings::Settings as Address;
use countermark_service::log::sequencer::{Alone, Clock, Outside, Sequencer, Settings, Turn};
use countermark_service::log::store::{LogStore, MAXIMUM_ROWS};
use countermark_service::log::tiles::TileStore;
use countermark_testkit::postgres::Postgres;
use countermark_tlog::frontier::Frontier;
use countermark_tlog::hash::{Hash, leaf_hash};
use countermark_tlog::note::{KeyType, SignerKey};
use countermark_trust::log::record::{Fields, Observation, Observer};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

pub(crate) const ORIGIN: &str = "log.example.org/test";

/// A time in 2026.
pub(crate) const BEGIN: i64 = 1_790_000_000;

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(BEGIN + second).unwrap()
}

/// The record of a file with one of several contents.
pub(crate) fn record(number: u64, content: u64) -> Observation {
    record_by(number, content, "index:index.example.org")
}

pub(crate) fn record_by(number: u64, content: u64, observer: &str) -> Observation {
    let hash = Sha256::digest(format!("{number} {content}"));
    Observation::new(Fields {
        project: ProjectName::parse(&format!("project-{}", number / 10)).unwrap(),
        file: format!("project_{}-{}.0.tar.gz", number / 10, number % 10),
        digest: Digest::new(Algorithm::Sha256, &hash).unwrap(),
        size: (!number.is_multiple_of(7)).then_some(number),
        uploaded: (!number.is_multiple_of(5)).then(|| at(-86_400)),
        observer: Observer::parse(observer).unwrap(),
        first_seen: at(0),
    })
    .unwrap()
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

pub(crate) async fn open(address: &str) -> PostgresStore {
    PostgresStore::open(Address::parse(address, None, None).unwrap()).await.unwrap()
}

/// The cluster that most tests share, `None` where there is no PostgreSQL.
pub(crate) fn cluster() -> Option<&'static Postgres> {
    Postgres::shared()
}

/// A clock that a test moves.
#[derive(Clone)]
pub(crate) struct Hands(Arc<AtomicI64>);

impl Hands {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(0)))
    }

    pub(crate) fn forward(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) fn clock(&self) -> Clock {
        let hands = self.clone();
        Arc::new(move || at(hands.0.load(Ordering::SeqCst)))
    }
}

pub(crate) fn key() -> SignerKey {
    SignerKey::from_seed(ORIGIN, KeyType::Ed25519, &[7; 32]).unwrap()
}

pub(crate) fn sequencer(
    store: Arc<dyn LogStore>,
    tiles: Arc<dyn TileStore>,
    clock: Clock,
    holder: &str,
) -> Sequencer {
    let outside = Outside { store, tiles, cosigners: Arc::new(Alone), clock };
    Sequencer::new(outside, vec![key()], Settings::new(ORIGIN), holder)
}

/// Turns until nothing is pending and everything is published.
pub(crate) async fn settle(sequencer: &mut Sequencer) {
    let began = Instant::now();
    loop {
        match sequencer.turn().await {
            Ok(Turn::Leads { more: false, sequenced: 0, .. }) => return,
            Ok(Turn::Leads { .. }) => {}
            Ok(Turn::Follows) => tokio::time::sleep(Duration::from_millis(5)).await,
            Err(error) => panic!("{error}"),
        }
        assert!(began.elapsed() < Duration::from_secs(60), "it does not settle");
    }
}

/// All entries, and the root of each size.
pub(crate) async fn everything(store: &dyn LogStore) -> (Vec<Observation>, Vec<Hash>) {
    let size = store.head().await.unwrap().size;
    let (mut entries, mut roots) = (Vec::new(), Vec::new());
    while (entries.len() as u64) < size {
        let from = entries.len() as u64;
        let to = size.min(from + MAXIMUM_ROWS as u64);
        entries.extend(store.entries(from..to).await.unwrap());
    }
    let mut frontier = Frontier::new();
    roots.push(frontier.root());
    for entry in &entries {
        frontier.append(leaf_hash(entry.text().as_bytes()), &mut |_, _, _| {});
        roots.push(frontier.root());
    }
    (entries, roots)
}

/// Size and root of a checkpoint that verifies.
pub(crate) fn opened(note: &str) -> (u64, Hash) {
    let verifier = key().verifier().clone();
    let opened =
        countermark_tlog::checkpoint::SignedCheckpoint::open(note.as_bytes(), ORIGIN, &[verifier]);
    let opened = opened.unwrap();
    (opened.size(), *opened.root())
}

/// The database agrees with itself, each key is there once, all of these are there, the tiles are those
/// of the records, and every checkpoint that was seen is of this history.
pub(crate) async fn verify(
    store: &dyn LogStore,
    tiles: &dyn TileStore,
    acknowledged: &[Observation],
    seen: &[(u64, Hash)],
) {
    let faults = store.inspect(10).await.unwrap();
    assert!(faults.is_empty(), "{faults:?}");
    let (entries, roots) = everything(store).await;
    let keys: std::collections::BTreeSet<_> = entries.iter().map(Observation::key).collect();
    assert_eq!(keys.len(), entries.len(), "a key is there twice");
    for record in acknowledged {
        assert!(keys.contains(&record.key()), "{} was acknowledged and is lost", record.file());
    }
    for head in store.heads(0, MAXIMUM_ROWS).await.unwrap() {
        assert_eq!(head.root, roots[head.size as usize], "the head of {}", head.size);
    }
    for (size, root) in seen {
        assert_eq!(*root, roots[*size as usize], "the checkpoint of {size}");
    }
    let note = tiles.read_checkpoint().await.unwrap().unwrap();
    let (size, root) = opened(&note);
    assert_eq!((size, root), (entries.len() as u64, roots[entries.len()]));
    verify_tiles(tiles, &entries).await;
}

/// Level 0 and the bundles, byte by byte; the levels above follow from the root.
async fn verify_tiles(tiles: &dyn TileStore, entries: &[Observation]) {
    use countermark_service::log::tiles::{FULL, Kind, TilePath};
    for (index, chunk) in entries.chunks(usize::from(FULL)).enumerate() {
        let width = chunk.len() as u16;
        let place = |kind| TilePath { kind, index: index as u64, width };
        let hashes: Vec<u8> =
            chunk.iter().flat_map(|it| *leaf_hash(it.text().as_bytes()).as_bytes()).collect();
        let path = place(Kind::Hashes(0));
        assert_eq!(tiles.read(path).await.unwrap(), Some(hashes), "{path}");
        let mut bundle = Vec::new();
        for entry in chunk {
            let text = entry.text();
            bundle.extend_from_slice(&(text.len() as u16).to_be_bytes());
            bundle.extend_from_slice(text.as_bytes());
        }
        let path = place(Kind::Entries);
        assert_eq!(tiles.read(path).await.unwrap(), Some(bundle), "{path}");
    }
}
