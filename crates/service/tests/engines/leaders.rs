//! Two processes that both believe that they lead; and many that submit at once.

use std::sync::Arc;

use countermark_service::log::sequencer::Turn;
use countermark_service::log::store::{Head, Lease, LogStore, Published, StoreError};
use countermark_service::log::tiles::{DirectoryTiles, TileStore};
use countermark_tlog::hash::{EMPTY_ROOT, Hash};
use jiff::{SignedDuration, Timestamp};

use super::material::{
    Hands, at, cluster, everything, open, opened, record, runtime, sequencer, settle, verify,
};
use super::s3::S3;

const LEASE: SignedDuration = SignedDuration::from_secs(10);

fn psql(address: &str, sql: &str) -> String {
    let cluster = cluster().unwrap();
    let mut command = std::process::Command::new(cluster.binaries().join("psql"));
    let output = command.args(["-X", "-A", "-t", "-d", address, "-c", sql]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Ends the connection whose session holds the lock of the leader, as an administrator or a fire wall does.
fn cut_leader(address: &str) {
    let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' \
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    assert_eq!(psql(address, sql), "1", "one session holds the lock of the leader");
}

/// The lead, once the server has noticed that the session which had it is gone; that takes a moment.
async fn take_over(log: &impl LogStore, holder: &str, now: Timestamp) -> Lease {
    let start = std::time::Instant::now();
    loop {
        if let Some(lease) = log.lead(holder, now, LEASE).await.unwrap() {
            return lease;
        }
        assert!(start.elapsed().as_secs() < 30, "nobody lets go of the lead");
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}

#[test]
fn a_lease_is_respected_while_its_holder_lives_and_passes_at_once_when_it_is_gone() {
    let Some(cluster) = cluster() else { return };
    let address = cluster.database();
    runtime().block_on(async {
        let (a, b) = (open(&address).await, open(&address).await);
        let lease = a.lead("a", at(0), LEASE).await.unwrap().unwrap();
        assert_eq!(a.lead("a", at(1), LEASE).await.unwrap(), Some(lease.clone()));
        assert_eq!(b.lead("b", at(2), LEASE).await.unwrap(), None);
        assert_eq!(a.lead("c", at(2), LEASE).await.unwrap(), None, "also through one store");
        // The process is gone: its connections are, and so is its lock.
        drop(a);
        let taken = take_over(&b, "b", at(3)).await;
        assert_eq!(taken.term, lease.term + 1, "long before the lease ran out");
    });
}

#[test]
fn a_former_leader_whose_connection_was_cut_cannot_commit() {
    let Some(cluster) = cluster() else { return };
    let address = cluster.database();
    runtime().block_on(async {
        let (a, b) = (open(&address).await, open(&address).await);
        a.submit((0..6).map(|n| record(n, 0)).collect(), at(0)).await.unwrap();
        let old = a.lead("a", at(0), LEASE).await.unwrap().unwrap();
        cut_leader(&address);
        // Nobody noticed yet: the term is still its own, and it may go on.
        let from = a.head().await.unwrap();
        let ids: Vec<i64> = a.pending(10).await.unwrap().iter().map(|it| it.id).collect();
        let to = |size, byte| Head { size, root: Hash::from_bytes([byte; 32]), at: at(1) };
        a.commit(&old, &from, &ids[..2], &to(2, 1)).await.unwrap();
        // The other one takes over long before the lease runs out.
        let new = take_over(&b, "b", at(1)).await;
        assert_eq!(new.term, old.term + 1);
        let refused = a.commit(&old, &to(2, 1), &ids[2..4], &to(4, 2)).await.unwrap_err();
        assert_eq!(refused, StoreError::LostLead { term: old.term });
        assert!(refused.is_overtaken());
        assert!(!a.keep(&old, at(1), LEASE).await.unwrap());
        a.lose(&old).await.unwrap();
        b.commit(&new, &to(2, 1), &ids[2..4], &to(4, 3)).await.unwrap();
        // And with the right term from a head that is not the one.
        let moved = b.commit(&new, &to(2, 1), &ids[4..], &to(4, 4)).await.unwrap_err();
        assert_eq!(moved, StoreError::HeadMoved { expected: 2, found: 4 });
        let moved = b.commit(&new, &to(4, 2), &ids[4..], &to(6, 4)).await.unwrap_err();
        assert_eq!(moved, StoreError::HeadMoved { expected: 4, found: 4 }, "another root");
        let placed = b.commit(&new, &to(4, 3), &ids[3..5], &to(6, 4)).await.unwrap_err();
        assert_eq!(placed, StoreError::NotPending { id: ids[3] });
        assert_eq!(b.head().await.unwrap(), to(4, 3));
        assert_eq!(b.head_at(2).await.unwrap(), Some(to(2, 1)));
        assert_eq!(b.counts().await.unwrap().pending, 2);
    });
}

/// The whole way: the former leader sleeps with its state in hand, wakes up, and is refused everything.
fn paused_leader_fails(tiles: &Arc<dyn TileStore>) {
    let Some(cluster) = cluster() else { return };
    let address = cluster.database();
    runtime().block_on(async {
        // The former leader's clock stands still: it goes on to believe in its lease.
        let (hands, still) = (Hands::new(), Hands::new());
        let a: Arc<dyn LogStore> = Arc::new(open(&address).await);
        let b: Arc<dyn LogStore> = Arc::new(open(&address).await);
        let mut first = sequencer(a.clone(), tiles.clone(), still.clock(), "a");
        let mut second = sequencer(b.clone(), tiles.clone(), hands.clock(), "b");
        let submitted: Vec<_> = (0..300).map(|n| record(n, 0)).collect();
        a.submit(submitted[..100].to_vec(), at(0)).await.unwrap();
        settle(&mut first).await;
        let early = a.published().await.unwrap().unwrap();
        assert_eq!(second.turn().await.unwrap(), Turn::Follows);
        // It sleeps past its lease, or its connection is cut; both at once here.
        cut_leader(&address);
        hands.forward(60);
        b.submit(submitted[100..].to_vec(), at(60)).await.unwrap();
        settle(&mut second).await;
        let late = b.published().await.unwrap().unwrap();
        assert_eq!(opened(&late.note).0, 300);
        // It wakes up, with the state of a hundred entries, and more to do.
        a.submit(vec![record(1000, 0)], at(61)).await.unwrap();
        assert_eq!(first.turn().await.unwrap(), Turn::Follows);
        assert_eq!(b.head().await.unwrap().size, 300, "nothing was committed");
        assert!(!a.publish(&early).await.unwrap(), "an older checkpoint is not published");
        let rank = countermark_service::log::tiles::rank_of(&early.note).unwrap();
        assert!(!tiles.put_checkpoint(rank, &early.note).await.unwrap());
        assert_eq!(tiles.read_checkpoint().await.unwrap().as_deref(), Some(&*late.note));
        assert_eq!(a.published().await.unwrap(), Some(late.clone()));
        settle(&mut second).await;
        assert_eq!(first.turn().await.unwrap(), Turn::Follows);
        let seen = [opened(&early.note), opened(&late.note)];
        verify(b.as_ref(), tiles.as_ref(), &submitted, &seen).await;
    });
}

#[test]
fn a_paused_former_leader_fails_over_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let tiles: Arc<dyn TileStore> = Arc::new(DirectoryTiles::open(folder.path()).unwrap());
    paused_leader_fails(&tiles);
}

#[test]
fn a_paused_former_leader_fails_over_an_object_store() {
    let s3 = S3::start();
    let tiles: Arc<dyn TileStore> = Arc::new(s3.tiles("public"));
    paused_leader_fails(&tiles);
}

/// The former leader is stopped between its question for the head and the answer: its server process is
/// (`SIGSTOP`), which for the rest of the world is the same as a machine that hangs.
#[test]
fn a_leader_that_hangs_within_a_transaction_is_overtaken() {
    let Some(cluster) = cluster() else { return };
    let address = cluster.database();
    runtime().block_on(async {
        let (a, b) = (open(&address).await, open(&address).await);
        a.submit((0..4).map(|n| record(n, 0)).collect(), at(0)).await.unwrap();
        let old = a.lead("a", at(0), LEASE).await.unwrap().unwrap();
        let ids: Vec<i64> = a.pending(10).await.unwrap().iter().map(|it| it.id).collect();
        let sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() \
                   AND application_name = 'countermark' ORDER BY backend_start LIMIT 1";
        let hanging: u32 = psql(&address, sql).parse().unwrap();
        cluster.signal("STOP", hanging);
        let from = Head { size: 0, root: EMPTY_ROOT, at: Timestamp::UNIX_EPOCH };
        let to = |size, byte| Head { size, root: Hash::from_bytes([byte; 32]), at: at(1) };
        let commit = {
            let (a, old, ids, from) = (a.clone(), old.clone(), ids.clone(), from);
            tokio::spawn(async move { a.commit(&old, &from, &ids[..2], &to(2, 1)).await })
        };
        // Its lease runs out, and the other one leads and commits.
        let new = b.lead("b", at(11), LEASE).await.unwrap().unwrap();
        b.commit(&new, &from, &ids[..3], &to(3, 2)).await.unwrap();
        cluster.signal("CONT", hanging);
        let refused = commit.await.unwrap().unwrap_err();
        assert_eq!(refused, StoreError::LostLead { term: old.term });
        assert_eq!(b.head().await.unwrap(), to(3, 2));
        assert_eq!(b.heads(0, 10).await.unwrap(), [to(3, 2)]);
    });
}

#[test]
fn an_older_checkpoint_never_replaces_a_newer_one() {
    let Some(cluster) = cluster() else { return };
    let address = cluster.database();
    runtime().block_on(async {
        let store = open(&address).await;
        let published =
            |size, second| Published { size, at: at(second), note: format!("{size} {second}") };
        assert!(store.publish(&published(5, 5)).await.unwrap());
        assert!(store.publish(&published(5, 5)).await.unwrap(), "as large and not older");
        assert!(store.publish(&published(5, 6)).await.unwrap());
        assert!(!store.publish(&published(5, 5)).await.unwrap(), "older");
        assert!(!store.publish(&published(4, 9)).await.unwrap(), "smaller");
        assert!(store.publish(&published(6, 0)).await.unwrap());
        assert_eq!(store.published().await.unwrap(), Some(published(6, 0)));
    });
}

/// Several front ends with overlapping records and contradictions, several sequencers at once.
#[test]
fn many_front_ends_and_sequencers_at_once() {
    const RECORDS: u64 = 400;
    let Some(cluster) = cluster() else { return };
    let address = cluster.database();
    let s3 = S3::start();
    let tiles: Arc<dyn TileStore> = Arc::new(s3.tiles("public"));
    runtime().block_on(async {
        let mut tasks = Vec::new();
        for front in 0..4_u64 {
            let store = open(&address).await;
            tasks.push(tokio::spawn(async move {
                let mut receipts = 0;
                // Each goes through all records from another place and in another direction.
                for step in 0..RECORDS / 20 {
                    let number = |n: u64| match front % 2 {
                        0 => (front * 97 + step * 20 + n) % RECORDS,
                        _ => (RECORDS * 2 - 1 - front * 97 - step * 20 - n) % RECORDS,
                    };
                    let content = |n: u64| if front == 3 && n % 50 == 7 { 1 } else { 0 };
                    let records = (0..20).map(number).map(|n| record(n, content(n))).collect();
                    receipts += store.submit(records, at(0)).await.unwrap().len();
                }
                receipts
            }));
        }
        let mut leaders = Vec::new();
        for name in ["a", "b"] {
            let store: Arc<dyn LogStore> = Arc::new(open(&address).await);
            let mut sequencer = sequencer(store, tiles.clone(), Hands::new().clock(), name);
            leaders.push(tokio::spawn(async move {
                for _ in 0..30 {
                    sequencer.turn().await.unwrap();
                    tokio::task::yield_now().await;
                }
                sequencer.resign().await.unwrap();
            }));
        }
        for task in tasks {
            assert_eq!(task.await.unwrap() as u64, RECORDS);
        }
        for leader in leaders {
            leader.await.unwrap();
        }
        let store: Arc<dyn LogStore> = Arc::new(open(&address).await);
        let mut last = sequencer(store.clone(), tiles.clone(), Hands::new().clock(), "last");
        settle(&mut last).await;
        let all: Vec<_> = (0..RECORDS)
            .map(|n| record(n, 0))
            .chain((0..RECORDS).filter(|n| n % 50 == 7).map(|n| record(n, 1)))
            .collect();
        verify(store.as_ref(), tiles.as_ref(), &all, &[]).await;
        let (entries, _) = everything(store.as_ref()).await;
        assert_eq!(entries.len(), all.len(), "each key once");
        // Whichever came second raised the alarm, and only that.
        let alarms = store.alarms(0, 100).await.unwrap();
        assert_eq!(alarms.len() as u64, RECORDS / 50);
        for alarm in alarms {
            assert_eq!(alarm.first.record.file(), alarm.second.record.file());
            assert!(alarm.first.record.contradicts(&alarm.second.record));
        }
    });
}
