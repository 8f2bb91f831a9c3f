//! Questions that are asked once, on a thread of their own, a few at a time.
//!
//! The resolver asks one thing after the other and waits; what it will probably ask next is asked
//! ahead. Whoever waits comes first. An answer stays for the run, and so does an error: a second
//! look at the same index would only make one run say two things.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::Notify;

/// How often somebody who waits looks whether the user said stop.
const INTERRUPT_PAUSE: Duration = Duration::from_millis(50);

/// Threads that read and parse pages.
const PARSERS: usize = 4;

/// An answer on its way.
pub(super) type Answering<A> = Pin<Box<dyn Future<Output = A>>>;

/// Makes answers; called on the thread of the engine.
pub(super) type Ask<K, A> = Arc<dyn Fn(K) -> Answering<A> + Send + Sync>;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// The user said stop.
    Interrupted,
    /// The thread could not be started, or has ended.
    Gone(String),
}

pub(super) struct Engine<K, A> {
    shared: Arc<Shared<K, A>>,
    interrupted: Arc<AtomicBool>,
    at_once: usize,
    ask: Ask<K, A>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared<K, A> {
    state: Mutex<State<K, A>>,
    answered: Condvar,
    asked: Notify,
}

struct State<K, A> {
    slots: HashMap<K, Slot<A>>,
    waiting: VecDeque<K>,
    stop: bool,
    gone: Option<String>,
}

enum Slot<A> {
    Waiting,
    Running,
    Done(A),
}

impl<K, A> Engine<K, A>
where
    K: Clone + Eq + Hash + Send + 'static,
    A: Clone + Send + 'static,
{
    /// Nothing is started before the first question.
    pub(super) fn new(at_once: usize, interrupted: Arc<AtomicBool>, ask: Ask<K, A>) -> Self {
        let state =
            State { slots: HashMap::new(), waiting: VecDeque::new(), stop: false, gone: None };
        let shared =
            Shared { state: Mutex::new(state), answered: Condvar::new(), asked: Notify::new() };
        let thread = Mutex::new(None);
        Self { shared: Arc::new(shared), interrupted, at_once: at_once.max(1), ask, thread }
    }

    /// The answer, as soon as it is there.
    pub(super) fn wait(&self, key: &K) -> Result<A, Unanswered> {
        let mut state = self.shared.state();
        match state.slots.get(key) {
            Some(Slot::Done(answer)) => return Ok(answer.clone()),
            Some(Slot::Running) => {}
            Some(Slot::Waiting) => {
                state.waiting.retain(|one| one != key);
                state.waiting.push_front(key.clone());
            }
            None => {
                state.slots.insert(key.clone(), Slot::Waiting);
                state.waiting.push_front(key.clone());
            }
        }
        drop(state);
        self.wake();
        let mut state = self.shared.state();
        loop {
            if let Some(Slot::Done(answer)) = state.slots.get(key) {
                return Ok(answer.clone());
            }
            if self.interrupted.load(Ordering::Relaxed) {
                return Err(Unanswered::Interrupted);
            }
            if let Some(reason) = &state.gone {
                return Err(Unanswered::Gone(reason.clone()));
            }
            let waited = self.shared.answered.wait_timeout(state, INTERRUPT_PAUSE);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Questions whose answers will be wanted; those that were asked before cost nothing.
    pub(super) fn expect(&self, keys: impl IntoIterator<Item = K>) {
        let mut state = self.shared.state();
        let mut is_new = false;
        for key in keys {
            if !state.slots.contains_key(&key) {
                state.slots.insert(key.clone(), Slot::Waiting);
                state.waiting.push_back(key);
                is_new = true;
            }
        }
        drop(state);
        if is_new {
            self.wake();
        }
    }

    /// Ends: nothing more is asked, and the answers are given up by a thread of their own. To free what
    /// hundreds of pages were read into takes as long as a tenth of a lock, and nobody waits for it.
    pub(super) fn end(&self) {
        let answers = {
            let mut state = self.shared.state();
            state.stop = true;
            std::mem::take(&mut state.slots)
        };
        // Where there can be no thread the answers are freed here.
        let _ = std::thread::Builder::new().spawn(move || drop(answers));
    }

    fn wake(&self) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            let (shared, ask, at_once) =
                (Arc::clone(&self.shared), Arc::clone(&self.ask), self.at_once);
            let builder = std::thread::Builder::new().name("catalogue".to_owned());
            match builder.spawn(move || work(&shared, at_once, &*ask)) {
                Ok(started) => *thread = Some(started),
                Err(error) => self.shared.end(error.to_string()),
            }
        }
        self.shared.asked.notify_one();
    }
}

impl<K, A> Drop for Engine<K, A> {
    fn drop(&mut self) {
        self.shared.state().stop = true;
        self.shared.asked.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A panic of the thread was told to whoever waited.
            let _ = thread.join();
        }
    }
}

impl<K, A> Shared<K, A> {
    fn state(&self) -> MutexGuard<'_, State<K, A>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, reason: String) {
        self.state().gone.get_or_insert(reason);
        self.answered.notify_all();
    }
}

/// Says that nobody answers any more, however the thread ends.
struct Ending<'a, K, A>(&'a Shared<K, A>);

impl<K, A> Drop for Ending<'_, K, A> {
    fn drop(&mut self) {
        self.0.end("the thread that asks has ended".to_owned());
    }
}

fn work<K, A>(
    shared: &Shared<K, A>,
    at_once: usize,
    ask: &(dyn Fn(K) -> Answering<A> + Send + Sync),
) where
    K: Clone + Eq + Hash,
{
    let _ending = Ending(shared);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(PARSERS)
        .build();
    match runtime {
        Ok(runtime) => {
            runtime.block_on(answer_all(shared, at_once, ask));
            runtime.shutdown_background();
        }
        Err(error) => shared.end(error.to_string()),
    }
}

async fn answer_all<K, A>(
    shared: &Shared<K, A>,
    at_once: usize,
    ask: &(dyn Fn(K) -> Answering<A> + Send + Sync),
) where
    K: Clone + Eq + Hash,
{
    let mut running = FuturesUnordered::new();
    loop {
        while running.len() < at_once {
            let mut state = shared.state();
            if state.stop {
                return;
            }
            let Some(key) = state.waiting.pop_front() else { break };
            state.slots.insert(key.clone(), Slot::Running);
            drop(state);
            let answering = ask(key.clone());
            running.push(async move { (key, answering.await) });
        }
        tokio::select! {
            () = shared.asked.notified() => {
                if shared.state().stop {
                    return;
                }
            }
            Some((key, answer)) = running.next(), if !running.is_empty() => {
                shared.state().slots.insert(key, Slot::Done(answer));
                shared.answered.notify_all();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    fn engine(
        at_once: usize,
        ask: impl Fn(u32) -> Answering<u32> + Send + Sync + 'static,
    ) -> Engine<u32, u32> {
        Engine::new(at_once, Arc::default(), Arc::new(ask))
    }

    #[test]
    fn at_the_end_answers_are_given_up_and_nothing_is_asked() {
        let engine = engine(1, |key| Box::pin(async move { key }));
        assert_eq!(engine.wait(&1), Ok(1));
        engine.end();
        engine.expect([2]);
        // The thread has seen that it is to stop.
        assert!(matches!(engine.wait(&2), Err(Unanswered::Gone(_))));
    }

    #[test]
    fn each_question_is_asked_once() {
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let engine = engine(2, move |key| {
            counted.fetch_add(1, Ordering::Relaxed);
            Box::pin(async move { key * 2 })
        });
        engine.expect([1, 2, 3, 1]);
        for _ in 0..2 {
            for key in 1..=4 {
                assert_eq!(engine.wait(&key), Ok(key * 2));
            }
        }
        assert_eq!(asked.load(Ordering::Relaxed), 4);
    }

    #[test]
    fn whoever_waits_comes_first_and_few_run_at_once() {
        let order = Arc::new(Mutex::new(Vec::new()));
        let running = Arc::new(AtomicUsize::new(0));
        let (seen, now) = (Arc::clone(&order), Arc::clone(&running));
        let gate = Arc::new(Notify::new());
        let opened = Arc::clone(&gate);
        let engine = engine(1, move |key| {
            let (seen, now, opened) = (Arc::clone(&seen), Arc::clone(&now), Arc::clone(&opened));
            Box::pin(async move {
                assert_eq!(now.fetch_add(1, Ordering::SeqCst), 0);
                if key == 0 {
                    opened.notified().await;
                }
                seen.lock().unwrap().push(key);
                now.fetch_sub(1, Ordering::SeqCst);
                key
            })
        });
        engine.expect([0, 1, 2, 3]);
        while !matches!(engine.shared.state().slots.get(&0), Some(Slot::Running)) {
            std::thread::yield_now();
        }
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| engine.wait(&3));
            while engine.shared.state().waiting.front() != Some(&3) {
                std::thread::yield_now();
            }
            gate.notify_one();
            assert_eq!(waiter.join().unwrap(), Ok(3));
        });
        assert_eq!(engine.wait(&2), Ok(2));
        assert_eq!(order.lock().unwrap()[..2], [0, 3]);
    }

    #[test]
    fn nobody_waits_for_ever() {
        let engine = engine(1, |_| Box::pin(std::future::pending()));
        engine.interrupted.store(true, Ordering::Relaxed);
        assert_eq!(engine.wait(&1), Err(Unanswered::Interrupted));
        engine.interrupted.store(false, Ordering::Relaxed);
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| engine.wait(&1));
            engine.shared.state().stop = true;
            engine.shared.asked.notify_one();
            assert!(matches!(waiter.join().unwrap(), Err(Unanswered::Gone(_))));
        });
    }
}
