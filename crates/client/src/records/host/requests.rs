//! Requests from code that waits, on a thread of their own.
//!
//! Sources are not asynchronous, and may be called from within a runtime, where waiting for another one
//! is a panic. One thread keeps one runtime for all requests of a host, so that connections are used
//! again, and several callers can wait at a time.

use std::pin::Pin;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The thread; it ends when this is dropped, with what is under way.
#[derive(Debug)]
pub(super) struct Requests {
    tasks: UnboundedSender<Task>,
}

impl Requests {
    pub(super) fn start() -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("requests cannot be made: {error}");
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let (tasks, mut asked) = unbounded_channel::<Task>();
        let run = move || {
            runtime.block_on(async {
                while let Some(task) = asked.recv().await {
                    tokio::spawn(task);
                }
            });
            // A name that is still looked up holds nobody up.
            runtime.shutdown_background();
        };
        std::thread::Builder::new().name("records".to_owned()).spawn(run).map_err(failed)?;
        Ok(Self { tasks })
    }

    /// Waits for a future; `None` when it panicked.
    pub(super) fn wait<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let (answer, answered) = std::sync::mpsc::sync_channel(1);
        let task = async move {
            // Whoever asked is still there: this is what it waits for.
            let _ = answer.send(future.await);
        };
        self.tasks.send(Box::pin(task)).ok()?;
        answered.recv().ok()
    }
}
