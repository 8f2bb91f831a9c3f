//! Engines that fail or stop at a moment of the test's choice.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use countermark_packaging::digest::Digest;
use countermark_packaging::name::ProjectName;
use countermark_service::log::sequencer::{Sequencer, Settings};
use countermark_service::log::store::{
    Alarm, Counts, Entry, Fault, Head, Lease, LogStore, Pending, Published, Receipt, StoreError,
};
use countermark_service::log::tiles::{Child, Rank, TileError, TilePath, TileStore};
use countermark_trust::log::record::{Observation, Observer};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

use super::sequence::{Log, ORIGIN, key};
use super::{Place, at, records};

/// When a write fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// Nothing of it happens.
    Before,
    /// Half of the tiles are written; of the database, nothing.
    Half,
    /// All of it happens, and nobody hears of it.
    After,
}

/// What happens at which write.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hook(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    writes: AtomicUsize,
    fails: Mutex<Option<(usize, When)>>,
    pause: Mutex<Option<&'static str>>,
    reached: Notify,
    go_on: Notify,
}

impl Hook {
    /// The n-th write from now on fails, counted from 1; every other works.
    pub(crate) fn fail(&self, write: usize, when: When) {
        self.0.writes.store(0, Ordering::Relaxed);
        *self.0.fails.lock().unwrap() = Some((write, when));
    }

    /// How many writes there were since.
    pub(crate) fn writes(&self) -> usize {
        self.0.writes.load(Ordering::Relaxed)
    }

    /// The next call of this method waits for [`Self::go_on`].
    pub(crate) fn pause_before(&self, method: &'static str) {
        *self.0.pause.lock().unwrap() = Some(method);
    }

    /// Until somebody waits.
    pub(crate) async fn reached(&self) {
        self.0.reached.notified().await;
    }

    pub(crate) fn go_on(&self) {
        self.0.go_on.notify_one();
    }

    async fn enter(&self, method: &'static str) -> Option<When> {
        let number = self.0.writes.fetch_add(1, Ordering::Relaxed) + 1;
        let pauses = {
            let mut pause = self.0.pause.lock().unwrap();
            let pauses = *pause == Some(method);
            if pauses {
                *pause = None;
            }
            pauses
        };
        if pauses {
            self.0.reached.notify_one();
            self.0.go_on.notified().await;
        }
        let fails = *self.0.fails.lock().unwrap();
        fails.filter(|(write, _)| *write == number).map(|(_, when)| when)
    }

    async fn write<T>(
        &self,
        method: &'static str,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        match self.enter(method).await {
            None => work.await,
            Some(When::Before | When::Half) => Err(StoreError::Full),
            Some(When::After) => {
                work.await?;
                Err(StoreError::Unreachable { reason: "the answer was lost".to_owned() })
            }
        }
    }
}

/// A store whose writes go through a hook.
#[derive(Debug)]
pub(crate) struct HookedStore {
    inner: Arc<dyn LogStore>,
    hook: Hook,
}

impl HookedStore {
    pub(crate) fn new(inner: Arc<dyn LogStore>, hook: Hook) -> Self {
        Self { inner, hook }
    }
}

#[async_trait]
impl LogStore for HookedStore {
    async fn submit(
        &self,
        records: Vec<Observation>,
        now: Timestamp,
    ) -> Result<Vec<Receipt>, StoreError> {
        self.hook.write("submit", self.inner.submit(records, now)).await
    }

    async fn pending(&self, limit: usize) -> Result<Vec<Pending>, StoreError> {
        self.inner.pending(limit).await
    }

    async fn commit(
        &self,
        lease: &Lease,
        from: &Head,
        ids: &[i64],
        to: &Head,
    ) -> Result<(), StoreError> {
        self.hook.write("commit", self.inner.commit(lease, from, ids, to)).await
    }

    async fn head(&self) -> Result<Head, StoreError> {
        self.inner.head().await
    }

    async fn head_at(&self, size: u64) -> Result<Option<Head>, StoreError> {
        self.inner.head_at(size).await
    }

    async fn heads(&self, from: u64, limit: usize) -> Result<Vec<Head>, StoreError> {
        self.inner.heads(from, limit).await
    }

    async fn entries(&self, range: Range<u64>) -> Result<Vec<Observation>, StoreError> {
        self.inner.entries(range).await
    }

    async fn find_files(&self, files: &[String], below: u64) -> Result<Vec<Entry>, StoreError> {
        self.inner.find_files(files, below).await
    }

    async fn find_project(
        &self,
        project: &ProjectName,
        range: Range<u64>,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.inner.find_project(project, range, limit).await
    }

    async fn find_digest(
        &self,
        digest: &Digest,
        below: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.inner.find_digest(digest, below, limit).await
    }

    async fn find_names(
        &self,
        prefix: &str,
        after: Option<&ProjectName>,
        limit: usize,
    ) -> Result<Vec<ProjectName>, StoreError> {
        self.inner.find_names(prefix, after, limit).await
    }

    async fn published(&self) -> Result<Option<Published>, StoreError> {
        self.inner.published().await
    }

    async fn publish(&self, checkpoint: &Published) -> Result<bool, StoreError> {
        self.hook.write("publish", self.inner.publish(checkpoint)).await
    }

    async fn lead(
        &self,
        holder: &str,
        now: Timestamp,
        length: SignedDuration,
    ) -> Result<Option<Lease>, StoreError> {
        self.hook.write("lead", self.inner.lead(holder, now, length)).await
    }

    async fn keep(
        &self,
        lease: &Lease,
        now: Timestamp,
        length: SignedDuration,
    ) -> Result<bool, StoreError> {
        self.hook.write("keep", self.inner.keep(lease, now, length)).await
    }

    async fn lose(&self, lease: &Lease) -> Result<(), StoreError> {
        self.hook.write("lose", self.inner.lose(lease)).await
    }

    async fn alarms(&self, after: i64, limit: usize) -> Result<Vec<Alarm>, StoreError> {
        self.inner.alarms(after, limit).await
    }

    async fn alarms_of(
        &self,
        project: &ProjectName,
        limit: usize,
    ) -> Result<Vec<Alarm>, StoreError> {
        self.inner.alarms_of(project, limit).await
    }

    async fn observers(&self) -> Result<Vec<Observer>, StoreError> {
        self.inner.observers().await
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        self.inner.counts().await
    }

    async fn pruned(&self) -> Result<u64, StoreError> {
        self.inner.pruned().await
    }

    async fn set_pruned(&self, size: u64) -> Result<(), StoreError> {
        self.hook.write("set_pruned", self.inner.set_pruned(size)).await
    }

    async fn inspect(&self, limit: usize) -> Result<Vec<Fault>, StoreError> {
        self.inner.inspect(limit).await
    }
}

/// Tiles whose writes go through a hook.
#[derive(Debug)]
pub(crate) struct HookedTiles {
    inner: Arc<dyn TileStore>,
    hook: Hook,
}

fn full() -> TileError {
    TileError::Full { path: "tile".to_owned() }
}

#[async_trait]
impl TileStore for HookedTiles {
    async fn put(&self, mut tiles: Vec<(TilePath, Vec<u8>)>) -> Result<(), TileError> {
        let fails = self.hook.enter("put").await;
        match fails {
            Some(When::Before) => return Err(full()),
            Some(When::Half) => tiles.truncate(tiles.len() / 2),
            Some(When::After) | None => {}
        }
        self.inner.put(tiles).await?;
        fails.map_or(Ok(()), |_| Err(full()))
    }

    async fn read(&self, path: TilePath) -> Result<Option<Vec<u8>>, TileError> {
        self.inner.read(path).await
    }

    async fn put_checkpoint(&self, rank: Rank, note: &str) -> Result<bool, TileError> {
        let fails = self.hook.enter("put_checkpoint").await;
        if matches!(fails, Some(When::Before | When::Half)) {
            return Err(full());
        }
        let done = self.inner.put_checkpoint(rank, note).await?;
        fails.map_or(Ok(done), |_| Err(full()))
    }

    async fn read_checkpoint(&self) -> Result<Option<String>, TileError> {
        self.inner.read_checkpoint().await
    }

    async fn remove(&self, paths: &[TilePath]) -> Result<(), TileError> {
        let fails = self.hook.enter("remove").await;
        if matches!(fails, Some(When::Before | When::Half)) {
            return Err(full());
        }
        self.inner.remove(paths).await?;
        fails.map_or(Ok(()), |_| Err(full()))
    }

    async fn list(&self, folder: &str) -> Result<Vec<Child>, TileError> {
        self.inner.list(folder).await
    }

    async fn probe(&self) -> Result<(), TileError> {
        self.inner.probe().await
    }
}

/// For each number of writes: that one fails, the process is gone, another goes on. What was acknowledged is
/// there in its order, one root was signed for each size, and the files are whole.
pub(crate) async fn a_failure_at_any_write_loses_and_forks_nothing(place: &dyn Place) {
    let log = Log::new(place).await;
    let hook = Hook::default();
    let mut next = 0;
    for when in [When::Before, When::Half, When::After] {
        let (mut write, mut failed) = (1, true);
        while failed {
            let mut outside = log.outside();
            outside.store = Arc::new(HookedStore::new(log.store.clone(), hook.clone()));
            outside.tiles = Arc::new(HookedTiles { inner: log.tiles.clone(), hook: hook.clone() });
            let store = outside.store.clone();
            let mut settings = Settings::new(ORIGIN);
            settings.batch = 20;
            settings.keep_partials = SignedDuration::ZERO;
            hook.fail(write, when);
            let mut dies = Sequencer::new(outside, vec![key()], settings, "dies");
            let mut acknowledged = Vec::new();
            let mut result = Ok(());
            for _ in 0..2 {
                // Each time over the end of a batch of the sequencer, and now and then over that of a tile.
                let batch = records(next..next + 27);
                next += 27;
                match store.submit(batch, at(0)).await {
                    Ok(_) => acknowledged.extend(records(next - 27..next)),
                    Err(error) => result = Err(error.to_string()),
                }
                result = match dies.turn().await {
                    Ok(_) => result,
                    Err(error) => Err(error.to_string()),
                };
                if result.is_err() {
                    break;
                }
                log.pass(1);
            }
            failed = result.is_err();
            assert_eq!(failed, hook.writes() >= write, "{when:?} {write}: {result:?}");
            drop(dies);

            log.pass(60);
            let mut heir = log.sequencer("heir");
            heir.turn().await.unwrap();
            heir.resign().await.unwrap();
            let size = log.store.head().await.unwrap().size;
            let entries = log.store.entries(0..size).await.unwrap();
            // Everything acknowledged is there; what is there besides was written before its answer was lost.
            let present: std::collections::HashSet<_> =
                entries.iter().map(Observation::text).collect();
            for record in acknowledged {
                assert!(present.contains(&record.text()), "{when:?} {write}");
            }
            log.check(&entries).await;
            write += 1;
        }
        assert!(write > 8, "{write}");
    }
    assert_eq!(log.store.inspect(10).await.unwrap(), []);
    // Sizes that were signed are checked for their roots as they come (`Signed`).
    assert!(log.signed.sizes().len() > 20);
}
