//! `fsck`: clean logs are clean, and each kind of damage is told with its place.

use countermark_service::log::fsck::{self, Difference, Report, Subject};
use countermark_service::log::tiles::{FULL, Kind, Rank, TilePath};
use countermark_tlog::checkpoint::Checkpoint;
use countermark_tlog::hash::Hash;
use countermark_tlog::note::{KeyType, SignerKey};
use countermark_trust::Class;

use super::sequence::{Log, ORIGIN, key};
use super::{Place, at, model, records};

pub(crate) async fn look(log: &Log, repair: bool) -> Report {
    let key = key();
    let keys = [key.verifier().clone()];
    let (store, tiles) = (log.store.as_ref(), log.tiles.as_ref());
    let subject = Subject { store, tiles, origin: ORIGIN, keys: &keys, limit: 20 };
    let mut done = 0;
    let progress = &mut |progress: fsck::Progress| {
        assert!(progress.done > done || progress.done == progress.total || repair);
        done = progress.done;
    };
    let looked = if repair {
        fsck::repair(subject, progress).await
    } else {
        fsck::check(subject, progress).await
    };
    looked.unwrap()
}

async fn log_of(place: &dyn Place, sizes: &[u32]) -> Log {
    let log = Log::new(place).await;
    let mut sequencer = log.sequencer("one");
    let mut done = 0;
    for size in sizes {
        log.store.submit(records(done..*size), at(0)).await.unwrap();
        sequencer.turn().await.unwrap();
        done = *size;
    }
    sequencer.resign().await.unwrap();
    log
}

const fn hashes(level: u8, index: u64, width: u16) -> TilePath {
    TilePath { kind: Kind::Hashes(level), index, width }
}

const fn bundle(index: u64, width: u16) -> TilePath {
    TilePath { kind: Kind::Entries, index, width }
}

pub(crate) async fn a_whole_log_is_clean(place: &dyn Place) {
    let log = Log::new(place).await;
    let report = look(&log, false).await;
    assert!(report.is_clean(), "{report:?}");
    let log = log_of(place, &[10, 300, 301, 900]).await;
    let report = look(&log, false).await;
    assert!(report.is_clean(), "{:?}", report.differences);
    assert_eq!((report.size, report.pending), (900, 0));
    assert_eq!(report.root, Some(model::root(&records(0..900))));
    // Three full ones, a partial one, those of 10, 300 and 301; of level 1 those of 1 and 3.
    assert_eq!(report.tiles, 2 * (3 + 1 + 3) + 2);
    // What is pending, and what is committed and not published yet, is no difference.
    log.store.submit(records(900..910), at(0)).await.unwrap();
    let report = look(&log, false).await;
    assert!(report.is_clean(), "{:?}", report.differences);
    assert_eq!((report.class(), report.pending), (None, 10));
}

pub(crate) async fn every_damaged_tile_is_told_and_repaired(place: &dyn Place) {
    let log = log_of(place, &[10, 300, 900]).await;
    let all = [
        hashes(0, 0, FULL),
        hashes(0, 2, FULL),
        hashes(0, 3, 132),
        // Of older checkpoints; a client may still read them.
        hashes(0, 0, 10),
        hashes(0, 1, 44),
        hashes(1, 0, 1),
        hashes(1, 0, 3),
        bundle(0, FULL),
        bundle(1, 44),
        bundle(3, 132),
    ];
    for path in all {
        let good = log.tiles.read(path).await.unwrap().unwrap();
        let mut flipped = good.clone();
        let last = flipped.len() - 1;
        flipped[last] ^= 1;
        let longer = [&good[..], b"x"].concat();
        for (bad, place) in
            [(flipped, last), (good[..last].to_vec(), last), (Vec::new(), 0), (longer, last + 1)]
        {
            log.tiles.put(vec![(path, bad)]).await.unwrap();
            let report = look(&log, false).await;
            let expected = Difference::Tile { path: path.to_string(), at: place as u64 };
            assert_eq!(report.differences, [expected]);
            assert_eq!(report.class(), Some(Class::Rejected));
            let report = look(&log, true).await;
            assert_eq!((report.is_clean(), report.repaired), (true, 1), "{path}");
            assert_eq!(log.tiles.read(path).await.unwrap().as_ref(), Some(&good));
        }
    }
    let gone = [hashes(0, 1, FULL), bundle(2, FULL), hashes(1, 0, 3)];
    log.tiles.remove(&gone).await.unwrap();
    let report = look(&log, false).await;
    let mut missing: Vec<_> = report.differences.iter().map(ToString::to_string).collect();
    missing.sort();
    let expected =
        ["`tile/0/001` is missing", "`tile/1/000.p/3` is missing", "`tile/entries/002` is missing"];
    assert_eq!(missing, expected);
    assert!(look(&log, true).await.is_clean());
    log.check(&records(0..900)).await;
}

/// While it is looked at, records are submitted, sequenced and published, and partial tiles pruned.
pub(crate) async fn a_log_that_goes_on_meanwhile_is_clean(place: &dyn Place) {
    let log = log_of(place, &[10, 300, 900]).await;
    let going = log.clone();
    let task = tokio::spawn(async move {
        let mut sequencer = going.sequencer("one");
        for part in 0..12 {
            let batch = records(900 + part * 90..990 + part * 90);
            going.store.submit(batch, at(0)).await.unwrap();
            going.pass(700);
            sequencer.turn().await.unwrap();
        }
    });
    let mut looked = 0;
    while !task.is_finished() {
        let report = look(&log, false).await;
        assert!(report.is_clean(), "{:?}", report.differences);
        looked += 1;
    }
    task.await.unwrap();
    assert!(looked > 0);
    log.check(&records(0..1980)).await;
}

pub(crate) async fn what_does_not_belong_is_told(place: &dyn Place) {
    let log = log_of(place, &[900]).await;
    for path in [hashes(0, 4, FULL), hashes(0, 3, 133), hashes(2, 0, 1), bundle(1000, FULL)] {
        log.tiles.put(vec![(path, b"x".to_vec())]).await.unwrap();
        let report = look(&log, false).await;
        assert_eq!(report.differences, [Difference::Unexpected { path: path.to_string() }]);
        log.tiles.remove(&[path]).await.unwrap();
    }
    assert!(look(&log, false).await.is_clean());
}

/// A note with this tree, signed by some key.
fn note(origin: &str, size: u64, root: Hash, seed: u8, time: i64) -> (Rank, String) {
    let key = SignerKey::from_seed(origin, KeyType::Ed25519, &[seed; 32]).unwrap();
    let checkpoint = Checkpoint::new(origin, size, root).unwrap().with_time(time as u64);
    (Rank { size, time }, checkpoint.sign(&[&key]).unwrap().note().to_text())
}

pub(crate) async fn a_checkpoint_that_does_not_fit_is_told(place: &dyn Place) {
    let log = log_of(place, &[300, 900]).await;
    let root = model::root(&records(0..900));
    let mut time = 1_900_000_000;
    let mut put = async |origin: &str, size: u64, root: Hash, seed: u8| {
        time += 1;
        let (rank, note) = note(origin, size, root, seed, time);
        assert!(log.tiles.put_checkpoint(rank, &note).await.unwrap());
        let report = look(&log, false).await;
        assert_eq!(report.differences.len(), 1, "{:?}", report.differences);
        (report.differences[0].clone(), report.class())
    };
    let (found, class) = put(ORIGIN, 900, root, 8).await;
    assert!(matches!(found, Difference::Signature { .. }), "{found}");
    assert_eq!(class, Some(Class::Rejected));
    let (found, _) = put("example.org/other", 900, root, 7).await;
    assert!(matches!(found, Difference::Signature { .. }), "{found}");
    // Signed by the log, and not what its records say: an alarm.
    let other = model::root(&records(1..901));
    let (found, class) = put(ORIGIN, 900, other, 7).await;
    let place = "`checkpoint`";
    assert_eq!(found, Difference::Signed { place, size: 900, signed: other, found: root });
    assert_eq!(class, Some(Class::Alarm));
    let (found, _) = put(ORIGIN, 901, other, 7).await;
    assert_eq!(found, Difference::Ahead { place, size: 901, found: 900 });
    // Nothing is repaired where something was signed that is not so.
    let report = look(&log, true).await;
    assert_eq!((report.repaired, report.is_clean()), (0, false));
}
