//! Threads that unpack while the network brings the next file.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::Scope;

use countermark_packaging::filename::WheelFilename;
use countermark_trust::Pin;
use tokio::sync::oneshot;

use crate::store::{Download, Entry, Store, StoreError};

/// A download that is complete.
pub(super) struct Work {
    pub(super) download: Download,
    pub(super) pin: Pin,
    pub(super) filename: WheelFilename,
    pub(super) source: String,
}

type Answer = Result<Entry, StoreError>;

/// Takes work and answers when it is done. The threads end when this is dropped.
pub(super) struct Unpackers {
    sender: Sender<(Work, oneshot::Sender<Answer>)>,
}

impl Unpackers {
    /// Starts `count` threads in a scope. The queue lives as long as the scope's data.
    pub(super) fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        store: &'scope Store,
        queue: &'scope Queue,
        count: usize,
    ) -> Self {
        for _ in 0..count {
            scope.spawn(move || {
                while let Some((work, answer)) = queue.next() {
                    let Work { download, pin, filename, source } = work;
                    // Whoever asked may have given up.
                    let _ = answer.send(store.admit(download, &pin, filename, source));
                }
            });
        }
        Self { sender: queue.sender() }
    }

    /// Verifies, unpacks and publishes; `None` when a thread died.
    pub(super) async fn admit(&self, work: Work) -> Option<Answer> {
        let (sender, receiver) = oneshot::channel();
        self.sender.send((work, sender)).ok()?;
        receiver.await.ok()
    }
}

type Item = (Work, oneshot::Sender<Answer>);

/// Work that waits for a thread.
pub(super) struct Queue {
    sender: Mutex<Option<Sender<Item>>>,
    receiver: Mutex<Receiver<Item>>,
}

impl Queue {
    pub(super) fn new() -> Self {
        let (sender, receiver) = channel();
        Self { sender: Mutex::new(Some(sender)), receiver: Mutex::new(receiver) }
    }

    /// The one sender: when it is dropped, the threads find nothing more to do.
    fn sender(&self) -> Sender<Item> {
        let mut sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        sender.take().unwrap_or_else(|| channel().0)
    }

    fn next(&self) -> Option<Item> {
        self.receiver.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
    }
}
