//! The one place from which commands ask the log about pins: those that are about to be written, and, where
//! the policy requires the log, those that are about to be installed.
//!
//! What a new pin is: a file whose digest does not stand in the lock that is there. Whatever stands there
//! was asked about when it was written, or reviewed since, and a log that is down must not break it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use countermark_client::gather::Ready;
use countermark_client::log::{LogClient, Occasion, Outcome, PinToCheck, ServedBy};
use countermark_client::report::{Note, Problem, Reporter as _};
use countermark_client::settings::Sources;
use countermark_client::store::Store;
use countermark_lock::pins::{PinnedSource, Pins};
use countermark_packaging::digest::Digest;
use countermark_packaging::lock::document::LockDocument;
use countermark_packaging::lock::{Wanted, WantedSource};
use countermark_trust::log::policy::Mode;
use countermark_trust::policy::Policy;
use jiff::Timestamp;

use crate::commands::lock::policy;
use crate::progress::Teller;
use crate::session::Session;

/// What asking needs.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) session: &'a Session,
    pub(crate) policy: &'a Policy,
    /// The private folder.
    pub(crate) state: &'a Path,
    /// Where evidence goes, if not there.
    pub(crate) evidence: Option<&'a Path>,
    pub(crate) teller: &'a Teller,
    pub(crate) now: Timestamp,
}

impl<'a> Asking<'a> {
    /// Asks about pins that are about to be written, and tells what is no reason to stop.
    pub(crate) fn about(&self, pins: &[PinToCheck]) -> Outcome {
        self.ask(pins, Occasion::Writing)
    }

    /// The same, and everything that proofs beside the lock need.
    pub(crate) fn with_proofs(&self, pins: &[PinToCheck]) -> Outcome {
        self.ask(pins, Occasion::Proving)
    }

    /// Asks about files that are about to be installed from a lock, where the policy requires the log.
    ///
    /// # Errors
    /// What a log that answers says against them.
    pub(crate) fn before_installing(
        &self,
        packages: &[Ready],
        locks: &[PathBuf],
    ) -> Result<(), Vec<Problem>> {
        if self.policy.log().mode != Mode::Require {
            return Ok(());
        }
        let sources = &self.session.settings.sources;
        let pins: Vec<PinToCheck> = packages.iter().map(|ready| of_ready(ready, sources)).collect();
        let folders: Vec<PathBuf> = locks.iter().map(|lock| proofs_of(lock)).collect();
        let client = self.client();
        let pins = client.without_proved(&pins, &folders);
        let outcome = self.ask(&pins, Occasion::Installing);
        if outcome.problems.is_empty() { Ok(()) } else { Err(outcome.problems) }
    }

    pub(crate) fn client(&self) -> LogClient<'a> {
        LogClient {
            http: &self.session.http,
            policy: self.policy,
            state: self.state,
            evidence: self.evidence,
            now: self.now,
        }
    }

    fn ask(&self, pins: &[PinToCheck], occasion: Occasion) -> Outcome {
        let mut outcome = self.client().check(pins, occasion);
        for note in std::mem::take(&mut outcome.notes) {
            self.tell(note);
        }
        outcome
    }

    fn tell(&self, note: Note) {
        self.teller.note(note);
    }
}

/// The same where it shows late whether a log is needed at all: the policy is read only then.
#[derive(Clone, Copy)]
pub(crate) struct Later<'a> {
    pub(crate) session: &'a Session,
    /// The policy that the command line names.
    pub(crate) policy: Option<&'a Path>,
    pub(crate) folder: &'a Path,
    pub(crate) state: &'a Path,
    pub(crate) evidence: Option<&'a Path>,
    pub(crate) teller: &'a Teller,
    pub(crate) now: Timestamp,
}

impl Later<'_> {
    /// # Errors
    /// When the policy cannot be read.
    pub(crate) fn with<T>(&self, ask: impl FnOnce(Asking<'_>) -> T) -> Result<T, Vec<Problem>> {
        let policy = policy::find(self.policy, self.folder)?;
        let Self { session, state, evidence, teller, now, .. } = *self;
        Ok(ask(Asking { session, policy: &policy, state, evidence, teller, now }))
    }
}

/// Where evidence goes: where the command line says, and into the working folder where the private folder
/// is not only ours and another one stands in for it until the run ends.
pub(crate) fn evidence<'a>(given: Option<&'a Path>, store: &Store) -> Option<&'a Path> {
    let stand_in = store.distrusts_state().then_some(Path::new("countermark-evidence.json"));
    given.or(stand_in)
}

/// The folder of the proofs of a lock: its name with `.proofs`.
pub(crate) fn proofs_of(lock: &Path) -> PathBuf {
    let mut name = lock.as_os_str().to_owned();
    name.push(".proofs");
    PathBuf::from(name)
}

/// The files of a lock, as a log can be asked about them.
pub(crate) fn all_pins(pins: &Pins) -> Vec<PinToCheck> {
    let files = pins.releases.iter().flat_map(|release| {
        let served_by = match &release.source {
            PinnedSource::Index(index) => ServedBy::Index(index.clone()),
            PinnedSource::Url(_) | PinnedSource::Path(_) => ServedBy::Nobody,
        };
        release.files.iter().map(move |file| PinToCheck {
            project: release.project.clone(),
            filename: file.filename.clone(),
            digests: vec![Digest::from(file.sha256)],
            served_by: served_by.clone(),
            stands: false,
        })
    });
    files.collect()
}

/// Those of them that stand in no lock yet.
pub(crate) fn new_pins(pins: &Pins, existing: Option<&LockDocument>) -> Vec<PinToCheck> {
    let packages = existing.map(|document| document.packages.as_slice()).unwrap_or_default();
    let known: BTreeSet<&Digest> =
        packages.iter().flat_map(|package| &package.files).flat_map(|file| &file.digests).collect();
    without_known(all_pins(pins), &known)
}

/// Those of which no digest is known.
pub(crate) fn without_known(pins: Vec<PinToCheck>, known: &BTreeSet<&Digest>) -> Vec<PinToCheck> {
    let is_new = |pin: &PinToCheck| !pin.digests.iter().any(|digest| known.contains(digest));
    pins.into_iter().filter(is_new).collect()
}

/// A file that is about to be installed. Which index has it is told by the settings, or by a lock that
/// names one of theirs.
fn of_ready(ready: &Ready, sources: &Sources) -> PinToCheck {
    let artifact = ready.entry.tree.artifact();
    PinToCheck {
        project: ready.wanted.project.clone(),
        filename: artifact.filename().to_owned(),
        digests: artifact.digests().cloned().collect(),
        served_by: served_by(&ready.wanted, sources),
        stands: false,
    }
}

fn served_by(wanted: &Wanted, sources: &Sources) -> ServedBy {
    match &wanted.source {
        WantedSource::Url { .. } | WantedSource::Path { .. } => ServedBy::Nobody,
        WantedSource::Index { .. } => ServedBy::by_settings(sources, &wanted.project),
    }
}
