//! Records, heads, leases.

use countermark_packaging::digest::{Algorithm, Digest};
use countermark_service::log::store::{
    Head, Lease, LogStore, MAXIMUM_SUBMITTED, Published, StoreError,
};
use countermark_tlog::hash::EMPTY_ROOT;
use countermark_trust::log::record::{Fields, Observation};
use jiff::SignedDuration;

use super::{DISTRIBUTION, INDEX, OTHER, Place, at, model, record, records, sha256};

const LEASE: SignedDuration = SignedDuration::from_secs(10);

/// Commits all that is pending; the head after it.
pub(crate) async fn commit_all(store: &dyn LogStore, lease: &Lease) -> Head {
    let from = store.head().await.unwrap();
    let pending = store.pending(65_536).await.unwrap();
    let mut all =
        if from.size == 0 { Vec::new() } else { store.entries(0..from.size).await.unwrap() };
    all.extend(pending.iter().map(|row| row.record.clone()));
    let to = Head { size: all.len() as u64, root: model::root(&all), at: at(1_800_000_000) };
    let ids: Vec<_> = pending.iter().map(|row| row.id).collect();
    store.commit(lease, &from, &ids, &to).await.unwrap();
    to
}

/// The lead, for a process that nobody disturbs.
pub(crate) async fn lead(store: &dyn LogStore) -> Lease {
    store.lead("one", at(1_800_000_000), LEASE).await.unwrap().unwrap()
}

pub(crate) async fn records_are_pending_in_the_order_in_which_they_came(place: &dyn Place) {
    let store = place.store().await;
    assert_eq!(store.head().await.unwrap().size, 0);
    assert_eq!(store.head().await.unwrap().root, EMPTY_ROOT);
    let submitted = records(0..10);
    for part in submitted.chunks(3) {
        let receipts = store.submit(part.to_vec(), at(0)).await.unwrap();
        assert_eq!(receipts.len(), part.len());
        for receipt in receipts {
            assert!(!receipt.known);
            assert_eq!(receipt.index, None);
            assert_eq!(receipt.conflicts, []);
        }
    }
    let pending = store.pending(100).await.unwrap();
    assert!(pending.windows(2).all(|pair| pair[0].id < pair[1].id));
    let found: Vec<_> = pending.iter().map(|row| row.record.clone()).collect();
    assert_eq!(found, submitted);
    assert_eq!(store.pending(4).await.unwrap(), pending[..4]);
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.entries, counts.pending, counts.projects), (0, 10, 2));
    assert!(store.submit(Vec::new(), at(0)).await.unwrap().is_empty());
}

pub(crate) async fn the_same_record_again_changes_nothing(place: &dyn Place) {
    let store = place.store().await;
    let one = record("a-1.tar.gz", sha256(1), INDEX);
    // The same key, and everything else different.
    let mut fields: Fields = one.clone().into_fields();
    fields.size = None;
    fields.uploaded = Some(at(7));
    fields.first_seen = at(8);
    let again = Observation::new(fields).unwrap();
    let receipts =
        store.submit(vec![one.clone(), one.clone(), again.clone()], at(0)).await.unwrap();
    assert_eq!(receipts.iter().map(|it| it.known).collect::<Vec<_>>(), [false, true, true]);
    let lease = lead(store.as_ref()).await;
    commit_all(store.as_ref(), &lease).await;
    let receipts = store.submit(vec![again], at(0)).await.unwrap();
    assert!(receipts[0].known);
    assert_eq!(receipts[0].index, Some(0));
    // Another observer is another record.
    let other = record("a-1.tar.gz", sha256(1), OTHER);
    assert!(!store.submit(vec![other], at(0)).await.unwrap()[0].known);
    assert_eq!(store.entries(0..1).await.unwrap(), [one]);
    assert_eq!(store.counts().await.unwrap().pending, 1);
    assert_eq!(store.counts().await.unwrap().alarms, 0);
    assert_eq!(store.inspect(10).await.unwrap(), []);
}

pub(crate) async fn a_second_digest_is_recorded_and_raises_an_alarm(place: &dyn Place) {
    let store = place.store().await;
    let first = record("a-1.tar.gz", sha256(1), INDEX);
    let second = record("a-1.tar.gz", sha256(2), OTHER);
    // Also when the same observer sees other bytes later.
    let third = record("a-1.tar.gz", sha256(3), INDEX);
    let longer = Digest::new(Algorithm::Sha512, &[4; 64]).unwrap();
    let longer = record("a-1.tar.gz", longer, INDEX);
    let elsewhere = record("b-1.tar.gz", sha256(9), INDEX);
    let all = vec![first.clone(), second.clone(), longer, elsewhere];
    let receipts = store.submit(all, at(50)).await.unwrap();
    assert!(receipts.iter().all(|it| !it.known));
    let conflicts: Vec<_> = receipts.into_iter().map(|it| it.conflicts).collect();
    assert_eq!(conflicts, [vec![], vec![sha256(1)], vec![], vec![]]);
    let receipts = store.submit(vec![third.clone()], at(60)).await.unwrap();
    assert_eq!(receipts[0].conflicts, [sha256(1), sha256(2)]);
    // What is known already is told of its conflicts, and is no second alarm.
    let receipts = store.submit(vec![first.clone()], at(70)).await.unwrap();
    assert_eq!(receipts[0].conflicts, [sha256(2), sha256(3)]);

    let alarms = store.alarms(0, 10).await.unwrap();
    assert_eq!(alarms.len(), 2);
    assert_eq!((&alarms[0].first.record, &alarms[0].second.record), (&first, &second));
    assert_eq!((&alarms[1].first.record, &alarms[1].second.record), (&first, &third));
    assert_eq!((alarms[0].at, alarms[1].at), (at(50), at(60)));
    assert_eq!(alarms[0].first.index, None);
    assert_eq!(store.alarms(alarms[0].id, 10).await.unwrap(), alarms[1..]);
    assert_eq!(store.alarms(0, 1).await.unwrap(), alarms[..1]);
    let lease = lead(store.as_ref()).await;
    commit_all(store.as_ref(), &lease).await;
    let alarms = store.alarms_of(first.project(), 10).await.unwrap();
    assert_eq!(alarms[1].first.index, Some(0));
    assert_eq!(alarms[1].second.index, Some(4));
    let none = record("b-1.tar.gz", sha256(9), INDEX);
    assert_eq!(store.alarms_of(none.project(), 10).await.unwrap(), []);
    assert_eq!(store.counts().await.unwrap().alarms, 2);
    assert_eq!(store.inspect(10).await.unwrap(), []);
}

pub(crate) async fn a_distribution_raises_no_alarm(place: &dyn Place) {
    let store = place.store().await;
    let theirs = record("a-1.tar.gz", sha256(1), DISTRIBUTION);
    let index = record("a-1.tar.gz", sha256(2), INDEX);
    let late = record("a-1.tar.gz", sha256(3), DISTRIBUTION);
    for one in [theirs, index, late] {
        let receipts = store.submit(vec![one], at(0)).await.unwrap();
        assert_eq!((receipts[0].known, &receipts[0].conflicts), (false, &vec![]));
    }
    assert_eq!(store.alarms(0, 10).await.unwrap(), []);
    let mut observers: Vec<_> =
        store.observers().await.unwrap().iter().map(ToString::to_string).collect();
    observers.sort();
    assert_eq!(observers, [DISTRIBUTION, INDEX]);
}

pub(crate) async fn nothing_of_too_many_is_taken(place: &dyn Place) {
    let store = place.store().await;
    let many = records(0..MAXIMUM_SUBMITTED as u32 + 1);
    let refused = store.submit(many, at(0)).await;
    let expected = StoreError::TooMany { what: "records", limit: MAXIMUM_SUBMITTED };
    assert_eq!(refused, Err(expected));
    assert_eq!(store.counts().await.unwrap().pending, 0);
}

pub(crate) async fn many_submitters_at_once_write_each_record_once(place: &dyn Place) {
    let (store, other) = (place.store().await, place.store().await);
    let mut tasks = Vec::new();
    for number in 0..8_u32 {
        let store = if number % 2 == 0 { store.clone() } else { other.clone() };
        // Each of 200 records comes from two tasks.
        let mine = records(number / 2 * 50..(number / 2 + 1) * 50);
        tasks.push(tokio::spawn(async move {
            let mut new = 0;
            for part in mine.chunks(7) {
                let receipts = store.submit(part.to_vec(), at(0)).await.unwrap();
                new += receipts.iter().filter(|it| !it.known).count();
            }
            new
        }));
    }
    let mut new = 0;
    for task in tasks {
        new += task.await.unwrap();
    }
    assert_eq!(new, 200);
    assert_eq!(store.counts().await.unwrap().pending, 200);
    assert_eq!(store.inspect(10).await.unwrap(), []);
}

pub(crate) async fn the_head_moves_by_compare_and_swap(place: &dyn Place) {
    let store = place.store().await;
    store.submit(records(0..6), at(0)).await.unwrap();
    let lease = lead(store.as_ref()).await;
    let pending = store.pending(10).await.unwrap();
    let ids: Vec<_> = pending.iter().map(|row| row.id).collect();
    let from = store.head().await.unwrap();
    let head = |size: u32| Head {
        size: u64::from(size),
        root: model::root(&records(0..size)),
        at: at(100),
    };
    let (four, six) = (head(4), head(6));

    let wrong_root = Head { root: six.root, ..from };
    let refused = store.commit(&lease, &wrong_root, &ids[..4], &four).await;
    assert_eq!(refused, Err(StoreError::HeadMoved { expected: 0, found: 0 }));
    let refused = store.commit(&lease, &four, &ids[4..], &six).await;
    assert_eq!(refused, Err(StoreError::HeadMoved { expected: 4, found: 0 }));
    // As many places as rows.
    assert!(store.commit(&lease, &from, &ids[..3], &four).await.is_err());
    assert!(store.commit(&lease, &from, &ids[..5], &four).await.is_err());
    assert!(store.commit(&lease, &from, &[], &from).await.is_err());
    let refused = store.commit(&lease, &from, &[ids[0], ids[1], ids[2], ids[5] + 1], &four).await;
    assert_eq!(refused, Err(StoreError::NotPending { id: ids[5] + 1 }));
    let refused = store.commit(&lease, &from, &[ids[0], ids[1], ids[1], ids[2]], &four).await;
    assert!(matches!(refused, Err(StoreError::NotPending { .. })), "{refused:?}");
    assert_eq!(store.head().await.unwrap().size, 0);
    assert_eq!(store.pending(10).await.unwrap(), pending);

    store.commit(&lease, &from, &ids[..4], &four).await.unwrap();
    assert_eq!(store.head().await.unwrap(), four);
    // The same again, by one that did not hear the answer.
    let refused = store.commit(&lease, &from, &ids[..4], &four).await;
    assert_eq!(refused, Err(StoreError::HeadMoved { expected: 0, found: 4 }));
    let refused = store.commit(&lease, &four, &ids[..2], &six).await;
    assert!(matches!(refused, Err(StoreError::NotPending { .. })), "{refused:?}");
    store.commit(&lease, &four, &ids[4..], &six).await.unwrap();
    assert_eq!(store.pending(10).await.unwrap(), []);

    assert_eq!(store.head_at(4).await.unwrap(), Some(four));
    assert_eq!(store.head_at(5).await.unwrap(), None);
    assert_eq!(store.heads(1, 10).await.unwrap(), [four, six]);
    assert_eq!(store.heads(5, 10).await.unwrap(), [six]);
    assert_eq!(store.heads(1, 1).await.unwrap(), [four]);
}

pub(crate) async fn a_leader_whose_lease_ran_out_fails(place: &dyn Place) {
    let (one, two) = (place.store().await, place.store().await);
    one.submit(records(0..4), at(0)).await.unwrap();
    let lease = one.lead("one", at(1000), LEASE).await.unwrap().unwrap();
    let from = one.head().await.unwrap();
    let ids: Vec<_> = one.pending(10).await.unwrap().iter().map(|row| row.id).collect();
    // It sleeps; another takes the lead, and has committed nothing yet.
    let newer = two.lead("two", at(1011), LEASE).await.unwrap().unwrap();
    assert!(newer.term > lease.term);
    let to = Head { size: 4, root: model::root(&records(0..4)), at: at(1011) };
    let refused = one.commit(&lease, &from, &ids, &to).await;
    assert_eq!(refused, Err(StoreError::LostLead { term: lease.term }));
    assert!(!one.keep(&lease, at(1011), LEASE).await.unwrap());
    // Giving back what it has not takes nothing from the other.
    one.lose(&lease).await.unwrap();
    two.commit(&newer, &from, &ids, &to).await.unwrap();
    assert_eq!(one.head().await.unwrap(), to);
}

pub(crate) async fn the_lead_is_with_one(place: &dyn Place) {
    let (one, two) = (place.store().await, place.store().await);
    let first = one.lead("one", at(1000), LEASE).await.unwrap().unwrap();
    assert_eq!(two.lead("two", at(1009), LEASE).await.unwrap(), None);
    assert_eq!(one.lead("one", at(1001), LEASE).await.unwrap(), Some(first.clone()));
    assert!(one.keep(&first, at(1009), LEASE).await.unwrap());
    assert_eq!(two.lead("two", at(1018), LEASE).await.unwrap(), None);
    let second = two.lead("two", at(1019), LEASE).await.unwrap().unwrap();
    assert_eq!(second.term, first.term + 1);
    assert_eq!(one.lead("one", at(1020), LEASE).await.unwrap(), None);
    two.lose(&second).await.unwrap();
    let third = one.lead("one", at(1020), LEASE).await.unwrap().unwrap();
    assert_eq!(third.term, second.term + 1);
}

pub(crate) async fn an_older_checkpoint_never_replaces_a_newer_one(place: &dyn Place) {
    let store = place.store().await;
    assert_eq!(store.published().await.unwrap(), None);
    let published =
        |size, time, note: &str| Published { size, at: at(time), note: note.to_owned() };
    for (new, expected) in [
        (published(0, 100, "empty"), true),
        (published(5, 100, "five"), true),
        (published(4, 200, "smaller, though later"), false),
        (published(5, 99, "as large and earlier"), false),
        (published(5, 100, "with more cosignatures"), true),
        (published(5, 160, "five again"), true),
        (published(6, 150, "larger"), true),
        (published(5, 999, "smaller"), false),
    ] {
        let before = store.published().await.unwrap();
        assert_eq!(store.publish(&new).await.unwrap(), expected, "{}", new.note);
        let expected = if expected { Some(new) } else { before };
        assert_eq!(store.published().await.unwrap(), expected);
    }
}

pub(crate) async fn everything_is_there_after_opening_again(place: &dyn Place) {
    let store = place.store().await;
    let all = records(0..30);
    store.submit(all[..20].to_vec(), at(0)).await.unwrap();
    let lease = lead(store.as_ref()).await;
    let head = commit_all(store.as_ref(), &lease).await;
    store.submit(all[20..].to_vec(), at(0)).await.unwrap();
    let published = Published { size: 20, at: at(5), note: "note".to_owned() };
    store.publish(&published).await.unwrap();
    store.set_pruned(512).await.unwrap();
    store.set_pruned(256).await.unwrap();
    let counts = store.counts().await.unwrap();
    drop(store);

    let store = place.store().await;
    assert_eq!(store.head().await.unwrap(), head);
    assert_eq!(store.entries(0..20).await.unwrap(), all[..20]);
    assert_eq!(store.pending(100).await.unwrap().len(), 10);
    assert_eq!(store.published().await.unwrap(), Some(published));
    assert_eq!(store.pruned().await.unwrap(), 512);
    assert_eq!(store.counts().await.unwrap(), counts);
    assert!(store.keep(&lease, at(1_800_000_001), LEASE).await.unwrap());
    assert_eq!(store.inspect(10).await.unwrap(), []);
}
