//! One verified answer: asked, held against the policy and against what was seen last, and only then
//! remembered and given out.
//!
//! Runs at the same time share what was seen. Each reads it, asks, verifies, and replaces it while it holds
//! the lock of the folder, if nobody else did meanwhile; otherwise it asks again from there, and at last
//! with the lock held, so that it ends. A log that waits with its answer keeps others waiting only then.

use std::io;
use std::path::{Path, PathBuf};

use countermark_trust::Class;
use countermark_trust::log::evidence::Evidence;
use countermark_trust::log::head::Head;
use countermark_trust::log::lookup::{self, Checked};
use countermark_trust::log::memory::{MemoryError, Seen};
use countermark_trust::log::policy::LogPolicy;
use countermark_trust::log::refused::Refused;
use countermark_trust::log::wire::{LookupRequest, WireError};
use jiff::Timestamp;

use super::reach::{Reach, ReachError, talk};
use super::state::{State, Turn};
use crate::http::Client;
use crate::report::Problem;

/// How often somebody else may have been faster.
const MAX_RACES: usize = 2;

/// Why there is no verified answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    /// Nothing came.
    #[error(transparent)]
    Reach(#[from] ReachError),
    /// What came is refused.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// What was seen last cannot be read.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The private folder cannot be used.
    #[error("what was seen of the log cannot be read or kept: {0}")]
    State(#[from] io::Error),
    /// It cannot be asked.
    #[error(transparent)]
    Question(#[from] WireError),
}

impl AskError {
    pub(super) fn class(&self) -> Class {
        match self {
            Self::Reach(error) => error.class(),
            Self::Refused(refused) => refused.class(),
            Self::Memory(error) => error.class(),
            Self::State(_) | Self::Question(_) => Class::Unavailable,
        }
    }

    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Reach(error) => error.code(),
            Self::Refused(refused) => refused.code(),
            Self::Memory(_) | Self::State(_) => "log-memory",
            Self::Question(_) => "log-question",
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::Reach(error) if error.is_offline() => {
                "without `--offline` the log is asked; what it proved lately is remembered"
            }
            Self::Reach(_) => "try again later; what stands in a lock already needs no log",
            Self::Refused(refused) => refused.hint(),
            Self::Memory(error) => error.hint(),
            Self::State(_) => {
                "see whether the folder is yours and has space, or set COUNTERMARK_STATE_DIR"
            }
            Self::Question(_) => "ask about fewer files at a time",
        }
    }
}

/// A log, as one run sees it.
#[derive(Clone, Debug)]
pub(super) struct Asking<'a> {
    pub(super) policy: &'a LogPolicy,
    pub(super) reach: Reach<'a>,
    pub(super) state: State,
    /// Where evidence goes, if not into the state folder.
    pub(super) evidence: Option<&'a Path>,
    pub(super) now: Timestamp,
}

impl<'a> Asking<'a> {
    pub(super) fn open(
        policy: &'a LogPolicy,
        http: &'a Client,
        state: &Path,
        evidence: Option<&'a Path>,
        now: Timestamp,
    ) -> Result<Self, AskError> {
        let (Some(url), Some(origin)) = (&policy.url, policy.origin()) else {
            return Err(Refused::NoLog.into());
        };
        let reach = Reach::new(http, url.as_str())?;
        Ok(Self { policy, reach, state: State::open(state, origin)?, evidence, now })
    }

    /// What was seen last.
    pub(super) fn seen(&self) -> Result<Option<Seen>, AskError> {
        let origin = self.policy.origin().unwrap_or_default();
        let text = self.state.seen()?;
        Ok(text.map(|text| Seen::parse(origin, text.as_bytes())).transpose()?)
    }

    /// A verified answer, which continues what was seen last and is now that itself.
    pub(super) fn lookup(&self, request: &LookupRequest) -> Result<Checked, AskError> {
        for _ in 0..MAX_RACES {
            let (checked, seen) = self.lookup_once(request)?;
            let turn = self.state.turn()?;
            if self.seen()? == seen {
                self.remember(&turn, checked.head())?;
                return Ok(checked);
            }
        }
        let turn = self.state.turn()?;
        let (checked, _) = self.lookup_once(request)?;
        self.remember(&turn, checked.head())?;
        Ok(checked)
    }

    fn lookup_once(&self, request: &LookupRequest) -> Result<(Checked, Option<Seen>), AskError> {
        let seen = self.seen()?;
        let mut request = request.clone();
        request.seen = seen.as_ref().map_or(0, Seen::size);
        let question = request.write()?;
        let answer = talk(self.reach.lookup(question))?;
        let checked = lookup::verify(self.policy, seen.as_ref(), &request, &answer, self.now)?;
        Ok((checked, seen))
    }

    /// Remembers a head that was held against what was seen last.
    pub(super) fn remember(&self, turn: &Turn, head: &Head) -> Result<(), AskError> {
        Ok(self.state.remember(turn, head.to_seen().text())?)
    }

    /// What an error is to a command; evidence is saved first, and named.
    pub(super) fn problem(&self, error: &AskError) -> Problem {
        let code = error.code();
        let mut problem = Problem::of(code, error.class(), error).with_hint(error.hint());
        problem.details.push(format!("the log {}", self.reach.shown()));
        if let AskError::Refused(refused) = error {
            for (number, evidence) in refused.evidence().iter().enumerate() {
                problem = self.with_evidence(problem, number, evidence);
            }
        }
        problem
    }

    /// Saves evidence and says where. That it cannot be saved changes no verdict.
    pub(super) fn with_evidence(
        &self,
        problem: Problem,
        number: usize,
        evidence: &Evidence,
    ) -> Problem {
        match self.save(number, evidence) {
            Ok(path) => problem.with_detail(format!("the evidence is in `{}`", path.display())),
            Err(error) => problem.with_detail(format!("the evidence could not be saved: {error}")),
        }
    }

    fn save(&self, number: usize, evidence: &Evidence) -> io::Result<PathBuf> {
        let bytes = evidence.write();
        match self.evidence {
            // The first is the one that matters; further ones are about witnesses.
            Some(path) if number == 0 => {
                crate::system::replace_file(path, &bytes)?;
                Ok(path.to_owned())
            }
            _ => self.state.save_evidence(&evidence.file_name(), &bytes),
        }
    }
}
