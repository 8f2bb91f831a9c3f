//! A log that fails, and a log on the loopback interface.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use countermark_packaging::name::ProjectName;
use countermark_trust::log::record::Fields;

use super::*;
use crate::observe::db::Alarm;
use crate::observe::db::sqlite::Sqlite;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn digest(letter: char) -> Digest {
    Digest::parse(&format!("sha256:{}", letter.to_string().repeat(64))).unwrap()
}

fn observer() -> Observer {
    Observer::parse("index:example.org/crawler").unwrap()
}

fn observation(file: &str, letter: char) -> Observation {
    Observation::new(Fields {
        project: ProjectName::parse("teapot").unwrap(),
        file: file.to_owned(),
        digest: digest(letter),
        size: None,
        uploaded: None,
        observer: observer(),
        first_seen: at(0),
    })
    .unwrap()
}

/// What a log does with one call.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Does {
    Well,
    /// It has the records, and the answer is lost.
    TakeAndFail,
    Refuse,
    Short,
}

/// A log in memory: who appended what is in order.
#[derive(Default)]
struct FakeLog {
    records: Mutex<Vec<Observation>>,
    plan: Mutex<Vec<Does>>,
    calls: AtomicUsize,
}

impl FakeLog {
    fn doing(plan: &[Does]) -> Self {
        let plan = plan.iter().rev().copied().collect();
        Self { plan: Mutex::new(plan), ..Self::default() }
    }

    fn take(&self, records: &[Observation]) -> Vec<Receipt> {
        let mut all = self.records.lock().unwrap();
        let take = |record: &Observation| {
            let known = all.iter().any(|it| it.key() == record.key());
            if !known {
                all.push(record.clone());
            }
            let differs = all.iter().filter(|it| it.contradicts(record));
            Receipt { known, conflicts: differs.map(|it| it.digest().clone()).collect() }
        };
        records.iter().map(take).collect()
    }
}

#[async_trait]
impl Appender for FakeLog {
    async fn append(&self, records: &[Observation]) -> Result<Vec<Receipt>, AppendError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        match self.plan.lock().unwrap().pop().unwrap_or(Does::Well) {
            Does::Well => Ok(self.take(records)),
            Does::TakeAndFail => {
                self.take(records);
                Err(AppendError::Store(StoreError::Locked))
            }
            Does::Refuse => Err(AppendError::Refused { status: 403, reason: "no".to_owned() }),
            Does::Short => Ok(self.take(records)[1..].to_vec()),
        }
    }
}

struct World {
    runtime: tokio::runtime::Runtime,
    db: Sqlite,
    _folder: tempfile::TempDir,
}

fn world() -> World {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let db = Sqlite::open(&folder.path().join("db")).unwrap();
    World { runtime, db, _folder: folder }
}

impl World {
    fn see(&self, observations: &[Observation]) {
        self.runtime.block_on(self.db.add_seen(observations)).unwrap();
    }

    fn hand_in(&self, log: &FakeLog) -> Result<HandedIn, AppendError> {
        self.runtime.block_on(hand_in(&self.db, log, &observer(), &|| at(5), &|| false))
    }

    fn waiting(&self) -> usize {
        self.runtime.block_on(self.db.waiting(&observer(), 100_000)).unwrap().len()
    }

    fn alarms(&self) -> Vec<Alarm> {
        self.runtime.block_on(self.db.alarms(0, 10)).unwrap()
    }
}

#[test]
fn everything_arrives_in_batches_and_once() {
    let world = world();
    let all: Vec<_> =
        (0..BATCH + 5).map(|it| observation(&format!("teapot-1.{it}.tar.gz"), 'a')).collect();
    world.see(&all);
    let log = FakeLog::default();
    let handed = world.hand_in(&log).unwrap();
    assert_eq!(handed, HandedIn { new: BATCH + 5, known: 0, alarms: 0 });
    assert_eq!(*log.records.lock().unwrap(), all);
    assert_eq!(log.calls.load(Ordering::SeqCst), 2);
    assert_eq!(world.hand_in(&log).unwrap(), HandedIn::default());
    assert_eq!(log.calls.load(Ordering::SeqCst), 2);
}

#[test]
fn a_lost_answer_makes_nothing_twice() {
    let world = world();
    world.see(&[observation("a-1.tar.gz", 'a'), observation("b-1.tar.gz", 'b')]);
    let log = FakeLog::doing(&[Does::TakeAndFail]);
    let handed = world.hand_in(&log).unwrap();
    assert_eq!(handed, HandedIn { new: 0, known: 2, alarms: 0 });
    assert_eq!(log.records.lock().unwrap().len(), 2);
    assert_eq!(world.waiting(), 0);
}

#[test]
fn what_is_refused_waits() {
    let world = world();
    world.see(&[observation("a-1.tar.gz", 'a')]);
    // A refusal is not tried again by the same run: it would be refused again.
    let log = FakeLog::doing(&[Does::Refuse]);
    let error = world.hand_in(&log).unwrap_err();
    assert!(matches!(error, AppendError::Refused { status: 403, .. }), "{error}");
    assert_eq!(error.class(), Class::Usage);
    assert_eq!((log.calls.load(Ordering::SeqCst), world.waiting()), (1, 1));
    // An answer that is too short acknowledges nothing.
    let log = FakeLog::doing(&[Does::Short]);
    let error = world.hand_in(&log).unwrap_err();
    assert!(matches!(error, AppendError::Count { expected: 1, found: 0 }), "{error}");
    assert_eq!(world.waiting(), 1);
    // A log that never answers is given up.
    let log = FakeLog::doing(&[Does::TakeAndFail; 9]);
    let error = world.hand_in(&log).unwrap_err();
    assert_eq!(error.class(), Class::Unavailable);
    assert_eq!((log.calls.load(Ordering::SeqCst), world.waiting()), (ATTEMPTS as usize, 1));
    assert_eq!(world.hand_in(&FakeLog::default()).unwrap().new, 1);
}

#[test]
fn a_second_digest_is_an_alarm_once() {
    let world = world();
    let log = FakeLog::default();
    world.see(&[observation("a-1.tar.gz", 'a')]);
    assert_eq!(world.hand_in(&log).unwrap(), HandedIn { new: 1, known: 0, alarms: 0 });
    world.see(&[observation("a-1.tar.gz", 'b')]);
    assert_eq!(world.hand_in(&log).unwrap(), HandedIn { new: 1, known: 0, alarms: 1 });
    let alarms = world.alarms();
    assert_eq!(alarms.len(), 1);
    assert_eq!(alarms[0].alarm.kind, AlarmKind::Equivocation);
    for letter in ['a', 'b'] {
        assert!(alarms[0].alarm.evidence.contains(&digest(letter).to_string()));
    }
    // The digest that another crawler saw.
    let other = world_with_log(&log, 'c');
    assert_eq!(other.alarms().len(), 1);
    assert!(other.alarms()[0].alarm.evidence.contains("of another observer"));
}

/// A crawler with a database of its own and the same log.
fn world_with_log(log: &FakeLog, letter: char) -> World {
    let world = world();
    world.see(&[observation("a-1.tar.gz", letter)]);
    assert_eq!(world.hand_in(log).unwrap().alarms, 1);
    world
}

#[test]
fn a_stopped_run_hands_nothing_in() {
    let world = world();
    world.see(&[observation("a-1.tar.gz", 'a')]);
    let log = FakeLog::default();
    let observer = observer();
    let stopped = hand_in(&world.db, &log, &observer, &|| at(5), &|| true);
    assert_eq!(world.runtime.block_on(stopped).unwrap(), HandedIn::default());
    assert_eq!((log.calls.load(Ordering::SeqCst), world.waiting()), (0, 1));
}
