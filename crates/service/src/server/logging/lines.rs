//! Lines on their way to standard error, for which no request waits.
//!
//! Whoever reads standard error may stop reading: a full pipe, a paused terminal, a stuck collector. A
//! server that waited for it would be stopped by it. So lines are put into a memory of [`MOST`] bytes,
//! and one thread of its own writes them; what finds no room is dropped and counted, and the count is
//! told as soon as there is room again.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// The most bytes that wait; as many again may be in the hands of the thread.
const MOST: usize = 1 << 20;

/// How many lines of this process were dropped.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// How many lines of this process were dropped, since nobody read standard error.
pub(in crate::server) fn dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// Where lines are put. Clones are the same place.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// Something was put in.
    filled: Condvar,
    /// All that was taken out is written.
    written: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    dropped: u64,
    /// Whether the thread holds bytes that it has not written yet.
    is_writing: bool,
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // What a panic may leave is at worst half a line.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    /// Lines that a thread writes to `sink`. `tell` makes the line about lines that were dropped.
    pub(super) fn start(
        mut sink: impl Write + Send + 'static,
        tell: fn(u64) -> String,
    ) -> io::Result<Self> {
        let lines = Self { shared: Arc::default() };
        let shared = Arc::clone(&lines.shared);
        thread::Builder::new().name("log".to_owned()).spawn(move || {
            loop {
                let bytes = next(&shared, tell);
                // Nobody is left to be told that standard error is closed.
                let _ = sink.write_all(&bytes).and_then(|()| sink.flush());
                shared.waiting().is_writing = false;
                shared.written.notify_all();
            }
        })?;
        Ok(lines)
    }

    /// Waits until everything is written, but no longer than this. Whether it is.
    pub(super) fn flush(&self, patience: Duration) -> bool {
        let waiting = self.shared.waiting();
        let is_busy = |it: &mut Waiting| it.is_writing || !it.bytes.is_empty() || it.dropped > 0;
        let waited = self.shared.written.wait_timeout_while(waiting, patience, is_busy);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    fn put(&self, line: &[u8]) {
        let mut waiting = self.shared.waiting();
        if waiting.bytes.len().saturating_add(line.len()) > MOST {
            waiting.dropped += 1;
            DROPPED.fetch_add(1, Ordering::Relaxed);
        } else {
            waiting.bytes.extend_from_slice(line);
        }
        drop(waiting);
        self.shared.filled.notify_one();
    }
}

/// What is to be written next, once there is something.
fn next(shared: &Shared, tell: fn(u64) -> String) -> Vec<u8> {
    let is_idle = |it: &mut Waiting| it.bytes.is_empty() && it.dropped == 0;
    let waiting = shared.filled.wait_while(shared.waiting(), is_idle);
    let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
    waiting.is_writing = true;
    let mut bytes = std::mem::take(&mut waiting.bytes);
    let dropped = std::mem::take(&mut waiting.dropped);
    drop(waiting);
    if dropped > 0 {
        bytes.extend_from_slice(tell(dropped).as_bytes());
    }
    bytes
}

/// The formatter hands over whole lines, one at a time.
impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.put(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = &'a Lines;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, Read as _};
    use std::time::Instant;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn told(dropped: u64) -> String {
        format!("{dropped} dropped\n")
    }

    #[test]
    fn lines_are_written_whole_and_in_order() {
        let (mut reader, writer) = io::pipe().unwrap();
        let lines = Lines::start(writer, told).unwrap();
        let expected: String = (0..100).map(|it| format!("line {it}\n")).collect();
        for line in expected.split_inclusive('\n') {
            lines.make_writer().write_all(line.as_bytes()).unwrap();
        }
        assert!(lines.flush(PATIENCE));
        let mut found = vec![0; expected.len()];
        reader.read_exact(&mut found).unwrap();
        assert_eq!(String::from_utf8(found).unwrap(), expected);
    }

    /// A pipe that nobody reads takes some ten thousand bytes, then every write to it waits.
    #[test]
    fn a_full_pipe_makes_nobody_wait_and_what_was_dropped_is_told() {
        let (reader, writer) = io::pipe().unwrap();
        let lines = Lines::start(writer, told).unwrap();
        let before = dropped();
        let line = [b"a".repeat(999).as_slice(), b"\n"].concat();
        let number = 4 * MOST / line.len();
        let start = Instant::now();
        for _ in 0..number {
            lines.make_writer().write_all(&line).unwrap();
        }
        assert!(start.elapsed() < PATIENCE);
        let lost = dropped() - before;
        // Nothing is read: what waits and what the thread holds are at most two memories and a pipe.
        assert!(lost > 0 && lost < number as u64, "{lost} of {number}");
        assert!(lines.shared.waiting().bytes.len() <= MOST);
        assert!(!lines.flush(Duration::from_millis(1)));
        // Each line comes, or is in a count that is told; the counts come when there is room.
        let (mut whole, mut told) = (0, 0);
        let mut found = io::BufReader::new(reader).lines();
        while whole + told < number as u64 {
            let line = found.next().unwrap().unwrap();
            match line.strip_suffix(" dropped") {
                Some(count) => told += count.parse::<u64>().unwrap(),
                None => whole += u64::from(line.len() == 999),
            }
        }
        assert_eq!((told, whole + told), (lost, number as u64));
        assert!(lines.flush(PATIENCE));
    }

    #[test]
    fn a_sink_that_is_gone_stops_nothing() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let lines = Lines::start(writer, told).unwrap();
        for _ in 0..2 {
            lines.make_writer().write_all(b"a\n").unwrap();
            assert!(lines.flush(PATIENCE));
        }
    }
}
