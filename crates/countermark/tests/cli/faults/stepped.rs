//! A run that is looked at only while it stands still, and stopped at a moment that is told by
//! what it has done, never by a clock.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

/// How long it runs between two looks.
const STEP: Duration = Duration::from_micros(300);

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Exit(i32),
    Killed(i32),
}

/// A run under way. What it says goes to a file, so that it never waits for a reader.
pub(super) struct Stepped {
    child: Child,
    end: Option<End>,
    said: PathBuf,
}

impl Stepped {
    pub(super) fn start(mut command: Command, said: PathBuf) -> Self {
        let file = File::create(&said).unwrap();
        command.stdout(file.try_clone().unwrap()).stderr(file).stdin(Stdio::null());
        Self { child: command.spawn().unwrap(), end: None, said }
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Waits until it ends, or with `UNTRACED` until it stands still.
    fn wait(&mut self, options: WaitOptions) {
        if self.end.is_some() {
            return;
        }
        let (_, status) = waitpid(Some(self.pid()), options).unwrap().unwrap();
        let exit = status.exit_status().map(End::Exit);
        self.end = exit.or(status.terminating_signal().map(End::Killed));
    }

    /// Lets it run until `reached` is true, which is asked only while it stands still, and where
    /// it stays then. False when it ended before.
    pub(super) fn run_until(&mut self, reached: impl Fn() -> bool) -> bool {
        loop {
            // An ended process that nobody waited for still takes signals.
            kill_process(self.pid(), Signal::STOP).unwrap();
            self.wait(WaitOptions::UNTRACED);
            if self.end.is_some() {
                return false;
            }
            if reached() {
                return true;
            }
            kill_process(self.pid(), Signal::CONT).unwrap();
            std::thread::sleep(STEP);
        }
    }

    /// Sends a signal to a run that stands still, lets it go, and waits for its end.
    pub(super) fn end_with(&mut self, signal: Signal) -> End {
        if self.end.is_none() {
            kill_process(self.pid(), signal).unwrap();
            kill_process(self.pid(), Signal::CONT).unwrap();
        }
        self.end()
    }

    /// Waits for its end.
    pub(super) fn end(&mut self) -> End {
        self.wait(WaitOptions::empty());
        self.end.unwrap()
    }

    /// Everything it said.
    pub(super) fn said(&self) -> String {
        std::fs::read_to_string(&self.said).unwrap()
    }

    /// Fails with what it said.
    #[track_caller]
    pub(super) fn expect(&mut self, end: End) -> &mut Self {
        let found = self.end();
        assert_eq!(found, end, "{}", self.said());
        self
    }
}

impl Drop for Stepped {
    fn drop(&mut self) {
        if self.end.is_none() {
            let _ = kill_process(self.pid(), Signal::KILL);
            let _ = waitpid(Some(self.pid()), WaitOptions::empty());
        }
    }
}
