//! The sequencer over every engine.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use countermark_service::log::sequencer::{
    Cosigners, Outside, Sequencer, SequencerError, Settings, Turn,
};
use countermark_service::log::store::LogStore;
use countermark_service::log::tiles::{Child, FULL, Kind, Rank, TilePath, TileStore};
use countermark_tlog::checkpoint::{Checkpoint, SignedCheckpoint};
use countermark_tlog::hash::{EMPTY_ROOT, Hash};
use countermark_tlog::note::{KeyType, SignerKey};
use countermark_trust::log::record::Observation;
use jiff::SignedDuration;

use super::faults::{Hook, HookedStore};
use super::{Numbers, Place, at, model, records};

pub(crate) const ORIGIN: &str = "example.org/log";

pub(crate) fn key() -> SignerKey {
    SignerKey::from_seed(ORIGIN, KeyType::Ed25519, &[7; 32]).unwrap()
}

/// Sees everything that is signed, and lets nobody sign two roots for one size.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signed(Arc<Mutex<BTreeMap<u64, Hash>>>);

impl Signed {
    pub(crate) fn sizes(&self) -> Vec<u64> {
        self.0.lock().unwrap().keys().copied().collect()
    }
}

#[async_trait]
impl Cosigners for Signed {
    async fn cosign(&self, checkpoint: SignedCheckpoint) -> SignedCheckpoint {
        let before = self.0.lock().unwrap().insert(checkpoint.size(), *checkpoint.root());
        assert!(before.is_none_or(|root| root == *checkpoint.root()), "two roots for one size");
        checkpoint
    }
}

/// One log, its clock and what was signed.
#[derive(Clone)]
pub(crate) struct Log {
    pub(crate) store: Arc<dyn LogStore>,
    pub(crate) tiles: Arc<dyn TileStore>,
    pub(crate) signed: Signed,
    pub(crate) seconds: Arc<AtomicI64>,
}

impl Log {
    pub(crate) async fn new(place: &dyn Place) -> Self {
        let (store, tiles) = (place.store().await, place.tiles().await);
        let seconds = Arc::new(AtomicI64::new(1_800_000_000));
        Self { store, tiles, signed: Signed::default(), seconds }
    }

    pub(crate) fn outside(&self) -> Outside {
        let seconds = self.seconds.clone();
        Outside {
            store: self.store.clone(),
            tiles: self.tiles.clone(),
            cosigners: Arc::new(self.signed.clone()),
            clock: Arc::new(move || at(seconds.load(Ordering::Relaxed))),
        }
    }

    pub(crate) fn sequencer(&self, holder: &str) -> Sequencer {
        Sequencer::new(self.outside(), vec![key()], Settings::new(ORIGIN), holder)
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.seconds.fetch_add(seconds, Ordering::Relaxed);
    }

    async fn submit(&self, records: &[Observation]) {
        self.store.submit(records.to_vec(), at(0)).await.unwrap();
    }

    pub(crate) async fn check(&self, records: &[Observation]) {
        model::check_files(self.tiles.as_ref(), key().verifier(), records).await;
        let head = self.store.head().await.unwrap();
        assert_eq!(head.size, records.len() as u64);
        let published = self.store.published().await.unwrap().unwrap();
        assert_eq!(published.size, head.size);
        assert_eq!(self.tiles.read_checkpoint().await.unwrap(), Some(published.note));
    }
}

fn leads(turn: Turn) -> (u64, Option<u64>) {
    match turn {
        Turn::Leads { sequenced, published, .. } => (sequenced, published.map(|it| it.size)),
        Turn::Follows => panic!("it does not lead"),
    }
}

pub(crate) async fn any_split_into_batches_gives_the_plain_tree(place: &dyn Place) {
    let log = Log::new(place).await;
    let all = records(0..1500);
    let mut sequencer = log.sequencer("one");
    let mut numbers = Numbers(5);
    let mut done = 0;
    while done < all.len() {
        let count = 1 + numbers.below(if done < 20 { 3 } else { 300 }) as usize;
        let end = (done + count).min(all.len());
        log.submit(&all[done..end]).await;
        done = end;
        match numbers.below(4) {
            0 => {}
            // A process that knows nothing goes on.
            1 => {
                sequencer.resign().await.unwrap();
                sequencer = log.sequencer("one");
                sequencer.turn().await.unwrap();
            }
            _ => {
                sequencer.turn().await.unwrap();
            }
        }
        log.pass(1);
    }
    sequencer.turn().await.unwrap();
    log.check(&all).await;
    assert_eq!(log.store.inspect(10).await.unwrap(), []);
}

pub(crate) async fn an_empty_log_has_a_checkpoint(place: &dyn Place) {
    let log = Log::new(place).await;
    let turn = log.sequencer("one").turn().await.unwrap();
    assert_eq!(leads(turn), (0, Some(0)));
    log.check(&[]).await;
    let note = log.tiles.read_checkpoint().await.unwrap().unwrap();
    let expected = format!("{ORIGIN}\n0\n{EMPTY_ROOT}\ntime 1800000000\n\n— {ORIGIN} ");
    assert!(note.starts_with(&expected), "{note}");
}

pub(crate) async fn a_checkpoint_is_made_anew_when_it_is_old(place: &dyn Place) {
    let log = Log::new(place).await;
    let mut sequencer = log.sequencer("one");
    log.submit(&records(0..3)).await;
    assert_eq!(leads(sequencer.turn().await.unwrap()), (3, Some(3)));
    let first = log.store.published().await.unwrap().unwrap();
    log.pass(59);
    assert_eq!(leads(sequencer.turn().await.unwrap()), (0, None));
    log.pass(1);
    assert_eq!(leads(sequencer.turn().await.unwrap()), (0, Some(3)));
    let second = log.store.published().await.unwrap().unwrap();
    assert_eq!(second.at, first.at + SignedDuration::from_secs(60));
    log.check(&records(0..3)).await;
    // A clock that was put back makes no older checkpoint.
    log.pass(-500);
    log.submit(&records(3..4)).await;
    assert_eq!(leads(sequencer.turn().await.unwrap()), (1, Some(4)));
    assert_eq!(log.store.published().await.unwrap().unwrap().at, second.at);
}

/// A witness that sleeps now and then.
#[derive(Clone, Debug, Default)]
struct Sleepy(Arc<std::sync::atomic::AtomicBool>);

#[async_trait]
impl Cosigners for Sleepy {
    async fn cosign(&self, checkpoint: SignedCheckpoint) -> SignedCheckpoint {
        if self.0.load(Ordering::Relaxed) {
            return checkpoint;
        }
        let key = SignerKey::from_seed("witness.example.org", KeyType::Cosignature, &[8; 32]);
        let key = key.unwrap();
        let mut note = checkpoint.note().clone();
        let signature = countermark_tlog::cosignature::sign(note.text(), &key, 1_800_000_000);
        note.add(signature.unwrap()).unwrap();
        let keys = [super::sequence::key().verifier().clone()];
        SignedCheckpoint::open(note.to_text().as_bytes(), ORIGIN, &keys).unwrap()
    }
}

pub(crate) async fn a_cosigned_checkpoint_stays_while_a_witness_sleeps(place: &dyn Place) {
    let log = Log::new(place).await;
    let witness = Sleepy::default();
    let mut outside = log.outside();
    outside.cosigners = Arc::new(witness.clone());
    let mut sequencer = Sequencer::new(outside, vec![key()], Settings::new(ORIGIN), "one");
    log.submit(&records(0..3)).await;
    assert_eq!(leads(sequencer.turn().await.unwrap()), (3, Some(3)));
    let cosigned = log.store.published().await.unwrap().unwrap();
    assert!(cosigned.note.contains("witness.example.org"));
    // Nothing is new, and the witness does not answer: what it cosigned is better than what it did not.
    witness.0.store(true, Ordering::Relaxed);
    log.pass(60);
    assert_eq!(leads(sequencer.turn().await.unwrap()), (0, None));
    log.check(&records(0..3)).await;
    assert_eq!(log.store.published().await.unwrap().unwrap(), cosigned);
    // It is asked again after a while, and not at each turn.
    witness.0.store(false, Ordering::Relaxed);
    log.pass(59);
    assert_eq!(leads(sequencer.turn().await.unwrap()), (0, None));
    log.pass(1);
    assert_eq!(leads(sequencer.turn().await.unwrap()), (0, Some(3)));
    // What is new is published all the same, and half a day is the longest.
    witness.0.store(true, Ordering::Relaxed);
    log.submit(&records(3..4)).await;
    assert_eq!(leads(sequencer.turn().await.unwrap()), (1, Some(4)));
    witness.0.store(false, Ordering::Relaxed);
    log.pass(60);
    assert_eq!(leads(sequencer.turn().await.unwrap()), (0, Some(4)));
    witness.0.store(true, Ordering::Relaxed);
    log.pass(12 * 3600);
    assert_eq!(leads(sequencer.turn().await.unwrap()), (0, Some(4)));
    assert!(!log.store.published().await.unwrap().unwrap().note.contains("witness.example.org"));
}

pub(crate) async fn a_paused_former_leader_fails_and_signs_nothing(place: &dyn Place) {
    let mut log = Log::new(place).await;
    log.submit(&records(0..300)).await;
    let hook = Hook::default();
    let mut one = {
        let mut outside = log.outside();
        outside.store = Arc::new(HookedStore::new(log.store.clone(), hook.clone()));
        // What it signs is seen apart.
        let signed = std::mem::take(&mut log.signed);
        outside.cosigners = Arc::new(signed.clone());
        let one = Sequencer::new(outside, vec![key()], Settings::new(ORIGIN), "one");
        (one, signed)
    };
    hook.pause_before("commit");
    let paused = tokio::spawn(async move {
        let turn = one.0.turn().await;
        (turn, one.1)
    });
    hook.reached().await;
    // It read what is pending and sleeps; its lease runs out, and another goes on.
    log.pass(11);
    log.store = place.store().await;
    log.submit(&records(300..310)).await;
    let mut two = log.sequencer("two");
    assert_eq!(leads(two.turn().await.unwrap()), (310, Some(310)));
    hook.go_on();
    let (turn, signed) = paused.await.unwrap();
    assert_eq!(turn.unwrap(), Turn::Follows);
    assert_eq!(signed.sizes(), [0; 0], "a former leader signed");
    assert_eq!(log.signed.sizes(), [310]);
    log.check(&records(0..310)).await;
}

pub(crate) async fn a_former_leader_that_wakes_before_publishing_does_not_replace_the_newer(
    place: &dyn Place,
) {
    let log = Log::new(place).await;
    log.submit(&records(0..300)).await;
    let hook = Hook::default();
    let mut outside = log.outside();
    outside.store = Arc::new(HookedStore::new(log.store.clone(), hook.clone()));
    let mut one = Sequencer::new(outside, vec![key()], Settings::new(ORIGIN), "one");
    hook.pause_before("publish");
    let paused = tokio::spawn(async move { one.turn().await });
    hook.reached().await;
    // It committed and signed 300; the other goes on from there.
    log.pass(11);
    log.submit(&records(300..310)).await;
    assert_eq!(leads(log.sequencer("two").turn().await.unwrap()), (10, Some(310)));
    hook.go_on();
    assert_eq!(leads(paused.await.unwrap().unwrap()), (300, None));
    assert_eq!(log.signed.sizes(), [300, 310]);
    log.check(&records(0..310)).await;
}

pub(crate) async fn an_old_copy_of_the_database_is_not_gone_on_with(place: &dyn Place) {
    let log = Log::new(place).await;
    log.submit(&records(0..5)).await;
    log.sequencer("one").turn().await.unwrap();
    // The checkpoint beside the tiles of a database that had one record more.
    let sign = |size: u64, root: Hash, key: &SignerKey| {
        let checkpoint = Checkpoint::new(ORIGIN, size, root).unwrap().with_time(1_800_000_009);
        checkpoint.sign(&[key]).unwrap().note().to_text()
    };
    let newer = sign(6, model::root(&records(0..6)), &key());
    let rank = Rank { size: 6, time: 1_800_000_009 };
    assert!(log.tiles.put_checkpoint(rank, &newer).await.unwrap());
    log.submit(&records(100..103)).await;
    let before = log.signed.sizes();
    log.pass(100);
    let refused = log.sequencer("two").turn().await;
    assert!(
        matches!(refused, Err(SequencerError::Behind { published: 6, found: 5 })),
        "{refused:?}"
    );
    assert_eq!(log.signed.sizes(), before);
    assert_eq!(log.store.head().await.unwrap().size, 5);
}

pub(crate) async fn a_checkpoint_of_another_log_is_not_gone_on_with(place: &dyn Place) {
    let log = Log::new(place).await;
    log.submit(&records(0..5)).await;
    log.sequencer("one").turn().await.unwrap();
    let put = async |origin: &str, seed: u8, root: Hash, time: i64| {
        let key = SignerKey::from_seed(origin, KeyType::Ed25519, &[seed; 32]).unwrap();
        let checkpoint = Checkpoint::new(origin, 5, root).unwrap();
        let note = checkpoint.with_time(time as u64).sign(&[&key]).unwrap().note().to_text();
        assert!(log.tiles.put_checkpoint(Rank { size: 5, time }, &note).await.unwrap());
        log.pass(100);
        log.sequencer("two").turn().await
    };
    let root = model::root(&records(0..5));
    let refused = put(ORIGIN, 8, root, 1_900_000_000).await;
    assert!(matches!(refused, Err(SequencerError::OtherCheckpoint(_))), "{refused:?}");
    let refused = put("example.org/other", 7, root, 1_900_000_001).await;
    assert!(matches!(refused, Err(SequencerError::OtherCheckpoint(_))), "{refused:?}");
    // Ours, of the same size and another tree.
    let refused = put(ORIGIN, 7, model::root(&records(1..6)), 1_900_000_002).await;
    assert!(matches!(refused, Err(SequencerError::Diverged { size: 5, .. })), "{refused:?}");
    assert_eq!(log.signed.sizes(), [5]);
}

pub(crate) async fn torn_files_at_the_edge_are_written_anew(place: &dyn Place) {
    let log = Log::new(place).await;
    let all = records(0..600);
    log.submit(&all).await;
    let mut sequencer = log.sequencer("one");
    sequencer.turn().await.unwrap();
    sequencer.resign().await.unwrap();
    let path = |kind, index, width| TilePath { kind, index, width };
    let level1 = path(Kind::Hashes(1), 0, 2);
    for torn in [path(Kind::Hashes(0), 2, 88), path(Kind::Entries, 2, 88), level1] {
        let whole = log.tiles.read(torn).await.unwrap().unwrap();
        log.tiles.put(vec![(torn, whole[..whole.len() / 2].to_vec())]).await.unwrap();
        let mut sequencer = log.sequencer("one");
        sequencer.turn().await.unwrap();
        sequencer.resign().await.unwrap();
        log.check(&all).await;
    }
    // Bytes that were exchanged, and a file that is gone.
    let whole = log.tiles.read(level1).await.unwrap().unwrap();
    let exchanged = [&whole[32..], &whole[..32]].concat();
    log.tiles.put(vec![(level1, exchanged)]).await.unwrap();
    let mut sequencer = log.sequencer("one");
    sequencer.turn().await.unwrap();
    sequencer.resign().await.unwrap();
    log.check(&all).await;
    log.tiles.remove(&[level1]).await.unwrap();
    let mut sequencer = log.sequencer("one");
    log.submit(&records(600..601)).await;
    sequencer.turn().await.unwrap();
    log.check(&records(0..601)).await;
    assert_eq!(log.signed.sizes(), [600, 601]);
}

pub(crate) async fn partial_tiles_are_pruned_when_they_are_old(place: &dyn Place) {
    let log = Log::new(place).await;
    let mut sequencer = log.sequencer("one");
    let all = records(0..530);
    for end in [10, 200, 300, 520, 530] {
        let done = log.store.counts().await.unwrap();
        log.submit(&all[(done.entries + done.pending) as usize..end]).await;
        sequencer.turn().await.unwrap();
    }
    let partials = async |kind, index| {
        let children = log.tiles.list(&TilePath { kind, index, width: FULL }.partials()).await;
        let mut widths: Vec<u16> = Vec::new();
        for child in children.unwrap() {
            let Child::Object(name) = child else { panic!("{child:?}") };
            widths.push(name.parse().unwrap());
        }
        widths.sort_unstable();
        widths
    };
    let all_partials = async || {
        let level0 = [0, 1, 2].map(|index| partials(Kind::Hashes(0), index));
        let [zero, one, two] = level0;
        let hashes = [zero.await, one.await, two.await];
        for (index, widths) in hashes.iter().enumerate() {
            assert_eq!(&partials(Kind::Entries, index as u64).await, widths);
        }
        hashes
    };
    let everything = [vec![10, 200], vec![44], vec![8, 18]];
    assert_eq!(all_partials().await, everything);
    log.pass(9 * 60);
    sequencer.turn().await.unwrap();
    assert_eq!(all_partials().await, everything);
    log.pass(60);
    sequencer.turn().await.unwrap();
    assert_eq!(all_partials().await, [vec![], vec![], vec![8, 18]]);
    assert_eq!(partials(Kind::Hashes(1), 0).await, [1, 2]);
    assert_eq!(log.store.pruned().await.unwrap(), 530);
    log.check(&all).await;
    // What is pruned is not missed by the next process.
    let mut next = log.sequencer("one");
    next.turn().await.unwrap();
    log.check(&all).await;
}
