//! Which connections there are, what each is doing and until when it may.
//!
//! One table and one pass over it a few times a second take the place of timers in every connection: a
//! slow head, a body that stalls, an answer that nobody reads and a connection that is only kept open
//! end in the same way, by being past their deadline. What costs nothing but memory (idle, or with half
//! a head) gives way to newcomers; what is being worked on does not.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::Instant;

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Doing {
    /// Nothing, or its head is on the way.
    Idle = 0,
    /// A request is worked on.
    Busy = 1,
    /// Its answer is being read.
    Answering = 2,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    number: u64,
    pub(super) peer: SocketAddr,
    start: Instant,
    doing: AtomicU8,
    since: AtomicU64,
    deadline: AtomicU64,
    task: OnceLock<AbortHandle>,
    ended: AtomicBool,
}

impl Connection {
    /// Does something else from now on, for `time` at most.
    pub(super) fn enter(&self, doing: Doing, time: Duration) {
        let now = self.elapsed();
        self.since.store(now, Ordering::Relaxed);
        self.deadline.store(now.saturating_add(milliseconds(time)), Ordering::Relaxed);
        self.doing.store(doing as u8, Ordering::Release);
    }

    fn is_idle(&self) -> bool {
        self.doing.load(Ordering::Acquire) == Doing::Idle as u8
    }

    fn elapsed(&self) -> u64 {
        milliseconds(self.start.elapsed())
    }

    fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }

    /// Makes the task known that serves it.
    pub(super) fn served_by(&self, task: AbortHandle) {
        let task = self.task.get_or_init(|| task);
        // It may have been ended before anybody knew its task.
        if self.ended.load(Ordering::SeqCst) {
            task.abort();
        }
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// All connections of a server.
#[derive(Debug)]
pub(super) struct Connections {
    start: Instant,
    most: usize,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    open: BTreeMap<u64, Arc<Connection>>,
}

/// Whether a newcomer has a place.
#[derive(Debug)]
pub(super) enum Place {
    /// It has.
    Free(Seat),
    /// It has the place of one that was idle.
    Taken(Seat),
    /// Everybody else is being served.
    None,
}

/// A place in the table, which is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) connection: Arc<Connection>,
    connections: Arc<Connections>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.connections.lock().open.remove(&self.connection.number);
    }
}

impl Connections {
    pub(super) fn new(most: usize) -> Self {
        Self { start: Instant::now(), most, table: Mutex::default() }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Table> {
        // Nothing panics while the table is half changed.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count(&self) -> usize {
        self.lock().open.len()
    }

    /// Finds a place for a newcomer, idle for `time` at most.
    pub(super) fn admit(self: &Arc<Self>, peer: SocketAddr, time: Duration) -> Place {
        let mut table = self.lock();
        let mut took = false;
        if table.open.len() >= self.most {
            let idle = table.open.values().filter(|it| it.is_idle());
            let oldest = idle.min_by_key(|it| it.since.load(Ordering::Relaxed));
            let Some(number) = oldest.map(|it| it.number) else { return Place::None };
            if let Some(oldest) = table.open.remove(&number) {
                oldest.end();
            }
            took = true;
        }
        let number = table.next;
        table.next += 1;
        let connection = Arc::new(Connection {
            number,
            peer,
            start: self.start,
            doing: AtomicU8::new(Doing::Idle as u8),
            since: AtomicU64::new(0),
            deadline: AtomicU64::new(0),
            task: OnceLock::new(),
            ended: AtomicBool::new(false),
        });
        connection.enter(Doing::Idle, time);
        table.open.insert(number, Arc::clone(&connection));
        drop(table);
        let seat = Seat { connection, connections: Arc::clone(self) };
        if took { Place::Taken(seat) } else { Place::Free(seat) }
    }

    /// Ends every connection that is past its deadline; gives their number.
    pub(super) fn end_late(&self) -> usize {
        let now = milliseconds(self.start.elapsed());
        let late: Vec<_> = {
            let table = self.lock();
            let is_late = |it: &&Arc<Connection>| it.deadline.load(Ordering::Relaxed) <= now;
            table.open.values().filter(is_late).cloned().collect()
        };
        late.iter().for_each(|it| it.end());
        late.len()
    }

    /// Ends those that nobody works for.
    pub(super) fn end_idle(&self) {
        let idle: Vec<_> = self.lock().open.values().filter(|it| it.is_idle()).cloned().collect();
        idle.iter().for_each(|it| it.end());
    }

    /// Ends all; gives their number.
    pub(super) fn end_all(&self) -> usize {
        let all: Vec<_> = self.lock().open.values().cloned().collect();
        all.iter().for_each(|it| it.end());
        all.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer() -> SocketAddr {
        "192.0.2.1:1".parse().unwrap()
    }

    fn seat(place: Place) -> Seat {
        match place {
            Place::Free(seat) | Place::Taken(seat) => seat,
            Place::None => panic!("no place"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_idle_one_gives_way_and_busy_ones_do_not() {
        let time = Duration::from_secs(10);
        let connections = Arc::new(Connections::new(2));
        let busy = seat(connections.admit(peer(), time));
        busy.connection.enter(Doing::Busy, time);
        let ended = |seat: &Seat| {
            let task = tokio::spawn(std::future::pending::<()>());
            seat.connection.served_by(task.abort_handle());
            task
        };
        tokio::time::advance(Duration::from_secs(1)).await;
        let idle = seat(connections.admit(peer(), time));
        let task = ended(&idle);
        let newcomer = connections.admit(peer(), time);
        assert!(matches!(newcomer, Place::Taken(_)));
        assert!(task.await.unwrap_err().is_cancelled());
        seat(newcomer).connection.enter(Doing::Answering, time);
        // The newcomer's seat was dropped with it; the idle one's seat frees nothing twice.
        drop(idle);
        assert_eq!(connections.count(), 1);
        let other = seat(connections.admit(peer(), time));
        other.connection.enter(Doing::Busy, time);
        assert!(matches!(connections.admit(peer(), time), Place::None));
        drop(busy);
        assert!(matches!(connections.admit(peer(), time), Place::Free(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_past_its_deadline_is_ended() {
        let connections = Arc::new(Connections::new(8));
        let slow = seat(connections.admit(peer(), Duration::from_secs(5)));
        let served = seat(connections.admit(peer(), Duration::from_secs(5)));
        served.connection.enter(Doing::Busy, Duration::from_secs(60));
        let task = tokio::spawn(std::future::pending::<()>());
        slow.connection.served_by(task.abort_handle());
        tokio::time::advance(Duration::from_secs(4)).await;
        assert_eq!(connections.end_late(), 0);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(connections.end_late(), 1);
        assert!(task.await.unwrap_err().is_cancelled());
    }
}
