//! The one thread that writes.
//!
//! While a transaction is on its way to the disk, more submissions arrive; all of them become the next
//! transaction. So the disk is waited for once for many, and each answer still comes after its own rows
//! are on disk.

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::error::{self, StoreError};
use super::write::{self, Names};
use crate::log::store::Receipt;
use countermark_trust::log::record::Observation;

/// How many submissions may wait for the writer; then submitters wait.
const QUEUE: usize = 64;
/// How many records one transaction takes before it is ended. More would hold up the first for longer than
/// it spares the last.
const GROUP: usize = 40_000;

/// Something to write.
enum Job {
    /// Records; several become one transaction.
    Submit(Submission),
    /// Anything else, which answers by itself.
    Other(Box<dyn FnOnce(&mut Connection) + Send>),
}

struct Submission {
    records: Vec<Observation>,
    now: Timestamp,
    reply: oneshot::Sender<Result<Vec<Receipt>, StoreError>>,
}

/// The way to the thread. When it is dropped, what waits is still written, and the thread ends.
#[derive(Debug)]
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Job>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(connection: Connection) -> Result<Self, StoreError> {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("log-writer".to_owned())
            .spawn(move || run(connection, jobs))
            .map_err(|error| StoreError::Unwritable { reason: error.to_string() })?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Records, in a transaction together with what others submit at the same time.
    pub(super) async fn submit(
        &self,
        records: Vec<Observation>,
        now: Timestamp,
    ) -> Result<Vec<Receipt>, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(Job::Submit(Submission { records, now, reply })).await?;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }

    /// One transaction of its own; undone if the work fails.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job = move |connection: &mut Connection| {
            let _ = reply.send(transact(connection, work));
        };
        self.send(Job::Other(Box::new(job))).await?;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }

    async fn send(&self, job: Job) -> Result<(), StoreError> {
        let queue = self.queue.as_ref().ok_or(StoreError::Closed)?;
        queue.send(job).await.map_err(|_| StoreError::Closed)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so, and what it had acknowledged is on disk.
            let _ = thread.join();
        }
    }
}

fn run(mut connection: Connection, mut jobs: mpsc::Receiver<Job>) {
    let mut names = Names::default();
    let mut next = jobs.blocking_recv();
    while let Some(job) = next.take() {
        match job {
            Job::Other(work) => work(&mut connection),
            Job::Submit(first) => {
                let mut records = first.records.len();
                let mut group = vec![first];
                while records < GROUP {
                    match jobs.try_recv() {
                        Ok(Job::Submit(more)) => {
                            records += more.records.len();
                            group.push(more);
                        }
                        Ok(other) => {
                            next = Some(other);
                            break;
                        }
                        Err(_) => break,
                    }
                }
                submit(&mut connection, &mut names, group);
            }
        }
        if next.is_none() {
            next = jobs.blocking_recv();
        }
    }
}

/// One transaction for all of them: each is told its own result, or all the same error.
fn submit(connection: &mut Connection, names: &mut Names, group: Vec<Submission>) {
    let written = transact(connection, |transaction| {
        let each = |it: &Submission| write::submit(transaction, names, &it.records, it.now);
        group.iter().map(each).collect::<Result<Vec<_>, _>>()
    });
    match written {
        Ok(all) => {
            for (submission, receipts) in group.into_iter().zip(all) {
                let _ = submission.reply.send(Ok(receipts));
            }
        }
        Err(error) => {
            // The names were given ids that are undone.
            *names = Names::default();
            for submission in group {
                let _ = submission.reply.send(Err(error.clone()));
            }
        }
    }
}

fn transact<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let begun = connection.transaction_with_behavior(TransactionBehavior::Immediate);
    let transaction = begun.map_err(error::of)?;
    let result = work(&transaction)?;
    transaction.commit().map_err(error::of)?;
    Ok(result)
}
