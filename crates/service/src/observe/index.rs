//! The observer of an index: which files it lists, with which digests.
//!
//! An observation says what the index *lists* for a file: that the bytes have that digest was not looked
//! at here, it is what every installer that checks a digest holds them to. An index that serves other
//! bytes than it lists is found by whoever downloads; one that lists different digests to different people,
//! or at different times, is found by comparing observations, which is what they are for.
//!
//! Work is in the database: what was taken and not finished comes back after its lease, so that a run
//! that is killed is gone on with by the next one or by somebody else. Observations of a project and
//! the note that it is done are one transaction. Projects that changed go first, then those that nobody
//! looked at yet, then the others by how long ago they were looked at; one that changes often is looked at
//! more often.

use std::collections::BTreeMap;
use std::sync::Mutex;

use countermark_audit::fact::{Presence, ProjectFacts};
use countermark_client::facts::{self, FactsError, Options};
use countermark_client::http::{Client, Traffic};
use countermark_client::report::{Note, Progress, Reporter};
use countermark_client::settings::Index;
use countermark_packaging::digest::{Algorithm, Digest};
use countermark_packaging::name::ProjectName;
use countermark_trust::Class;
use countermark_trust::log::record::{Fields, Observation, Observer, check_file};
use jiff::{SignedDuration, Timestamp};

use super::crawl::equivocations;
use super::db::{Done, Item, Observatory, Taken};
use crate::log::store::StoreError;

/// How many projects one step takes.
const STEP: usize = 64;
/// How long they are ours: longer than a step may take with all its waiting.
const LEASE: SignedDuration = SignedDuration::from_mins(30);
/// The most names that are compared with the list at a time.
const NAMES: usize = 5_000;
/// The priorities: what changed when it was looked at last, what nobody looked at, all others.
const CHANGING: i64 = 0;
const UNSEEN: i64 = 1;
const SEEN: i64 = 2;
/// A project that did not change is looked at this many times as rarely as one that did.
const CALM: i32 = 4;

/// Why observing stopped.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The index cannot be asked, or the user said stop.
    #[error(transparent)]
    Facts(#[from] FactsError),
    /// Our own database.
    #[error("the database: {0}")]
    Database(#[from] StoreError),
}

impl IndexError {
    /// Who is at fault, and so the exit code.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Facts(error) => error.class(),
            Self::Database(error) => error.class(),
        }
    }

    /// A short name for messages and reports.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Facts(error) => error.code(),
            Self::Database(_) => "observatory",
        }
    }
}

/// What is needed to look at an index.
#[derive(Debug)]
pub struct IndexObserver<'a> {
    /// What is remembered.
    pub db: &'a dyn Observatory,
    /// In whose name.
    pub observer: &'a Observer,
    /// The name of this process among those that share the work.
    pub holder: &'a str,
    /// The index.
    pub index: &'a Index,
    /// For requests.
    pub http: &'a Client,
    /// How to ask: rate, concurrency, cache, and what says stop.
    pub options: &'a Options,
    /// How often a project that changes is looked at.
    pub interval: SignedDuration,
}

/// What one step did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Step {
    /// Projects that were looked at.
    pub projects: usize,
    /// Projects that could not be read.
    pub unread: usize,
    /// Projects that the index says it does not have.
    pub absent: usize,
    /// Files that are listed with a digest.
    pub files: usize,
    /// Files for which nothing can be said: no strong digest, or a name that no record may have.
    pub unusable: usize,
    /// Observations that are new.
    pub new: usize,
    /// Files with a second digest, for the first time.
    pub alarms: usize,
    /// What it cost.
    pub traffic: Traffic,
}

impl Step {
    /// Both together.
    pub fn add(&mut self, other: &Self) {
        self.projects += other.projects;
        self.unread += other.unread;
        self.absent += other.absent;
        self.files += other.files;
        self.unusable += other.unusable;
        self.new += other.new;
        self.alarms += other.alarms;
        self.traffic.requests += other.traffic.requests;
        self.traffic.not_modified += other.traffic.not_modified;
        self.traffic.bytes += other.traffic.bytes;
    }
}

impl IndexObserver<'_> {
    /// The kind of work.
    #[must_use]
    pub fn kind(&self) -> String {
        self.observer.to_string()
    }

    /// Makes the list of projects what is given: new ones are due at once, those that are not in it are
    /// forgotten. What was seen stays.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn plan(&self, names: &[ProjectName], now: Timestamp) -> Result<(), StoreError> {
        let kind = self.kind();
        let item = |name: &ProjectName| Item { name: name.to_string(), priority: UNSEEN };
        let items: Vec<Item> = names.iter().map(item).collect();
        self.db.add_work(&kind, &items, now).await?;
        let wanted: std::collections::BTreeSet<&str> =
            names.iter().map(ProjectName::as_str).collect();
        let mut after = String::new();
        loop {
            let known = self.db.work_names(&kind, &after, NAMES).await?;
            let Some(last) = known.last().cloned() else { return Ok(()) };
            let gone: Vec<String> =
                known.into_iter().filter(|name| !wanted.contains(name.as_str())).collect();
            self.db.forget_work(&kind, &gone).await?;
            after = last;
        }
    }

    /// Looks at the projects that are due and nobody has, at most so many as one step takes. `None` when
    /// there are none.
    ///
    /// # Errors
    /// See [`IndexError`]. When the user said stop, what was not looked at yet is given back.
    pub async fn step(
        &self,
        now: Timestamp,
        reporter: &dyn Reporter,
    ) -> Result<Option<Step>, IndexError> {
        let kind = self.kind();
        let taken = self.db.take_work(&kind, self.holder, STEP, now, LEASE).await?;
        if taken.is_empty() {
            return Ok(None);
        }
        let mut open: BTreeMap<ProjectName, Taken> = BTreeMap::new();
        for one in taken {
            match ProjectName::parse(&one.name) {
                Ok(name) => drop(open.insert(name, one)),
                Err(_) => self.db.forget_work(&kind, &[one.name]).await?,
            }
        }
        let names: Vec<ProjectName> = open.keys().cloned().collect();
        // Projects arrive one by one; writing is asynchronous, so they wait here for their turn. A step is
        // small enough for memory.
        let read = Mutex::new(Vec::new());
        let options = Options { now, roles: false, ..self.options.clone() };
        let keep = |facts: ProjectFacts| {
            if let Ok(mut read) = read.lock() {
                read.push(facts);
            }
        };
        let gathered =
            facts::gather_each(&names, &options, self.index, self.http, reporter, keep).await;
        let mut step = Step::default();
        for facts in read.into_inner().unwrap_or_default() {
            if let Some(taken) = open.remove(&facts.name) {
                if facts.presence == Presence::Absent {
                    let message = format!("the index has no project `{}`", facts.name);
                    reporter.note(Note::new("no-project", message));
                }
                self.finish(&facts, &taken, now, &mut step).await?;
            }
        }
        for taken in open.values() {
            self.db.release_work(taken).await?;
        }
        step.traffic = gathered?;
        Ok(Some(step))
    }

    async fn finish(
        &self,
        facts: &ProjectFacts,
        taken: &Taken,
        now: Timestamp,
        step: &mut Step,
    ) -> Result<(), StoreError> {
        step.projects += 1;
        if let Presence::Unread(reason) = &facts.presence {
            step.unread += 1;
            return self.db.fail_work(taken, reason, now, None).await.map(drop);
        }
        step.absent += usize::from(facts.presence == Presence::Absent);
        let (observations, unusable) = observations(facts, self.observer, now);
        step.unusable += unusable;
        step.files += observations.len();
        let remembered = fingerprint(&observations);
        let is_changed = taken.remembered != remembered;
        let wait = if is_changed { self.interval } else { self.interval.saturating_mul(CALM) };
        let due = now.saturating_add(wait).unwrap_or(Timestamp::MAX);
        let is_first = taken.remembered.is_empty();
        let priority = if is_changed && !is_first { CHANGING } else { SEEN };
        let done = Done { taken, remembered: &remembered, due, priority };
        let added = self.db.add_seen_and_finish(&observations, &done).await?;
        step.new += added;
        // The first look of one observer may be the second one at what another observer saw.
        if added > 0 {
            step.alarms += equivocations(self.db, &facts.name, now).await?;
        }
        Ok(())
    }
}

/// What an index lists of a project, and of how many files nothing can be said.
#[must_use]
pub fn observations(
    facts: &ProjectFacts,
    observer: &Observer,
    now: Timestamp,
) -> (Vec<Observation>, usize) {
    let mut unusable = 0;
    let mut found = Vec::new();
    for file in facts.releases.iter().flat_map(|release| &release.files) {
        let digest = file.sha256.as_ref();
        let digest = digest.and_then(|it| Digest::parse_hex(Algorithm::Sha256, &it.hex()).ok());
        let Some(digest) = digest.filter(|_| check_file(&file.filename).is_ok()) else {
            unusable += 1;
            continue;
        };
        let fields = Fields {
            project: facts.name.clone(),
            file: file.filename.clone(),
            digest,
            size: file.size,
            // A time from before computers is the index's slip, and not worth losing the file for.
            uploaded: file.uploaded.filter(|at| *at >= Timestamp::UNIX_EPOCH),
            observer: observer.clone(),
            first_seen: now,
        };
        match Observation::new(fields) {
            Ok(observation) => found.push(observation),
            Err(_) => unusable += 1,
        }
    }
    (found, unusable)
}

/// Whether anything changed since the last look.
fn fingerprint(observations: &[Observation]) -> String {
    use sha2::Digest as _;
    let mut lines: Vec<String> =
        observations.iter().map(|it| format!("{} {}\n", it.file(), it.digest())).collect();
    lines.sort();
    let mut hasher = sha2::Sha256::new();
    lines.iter().for_each(|line| hasher.update(line.as_bytes()));
    Digest::new(Algorithm::Sha256, &hasher.finalize()).map(|it| it.to_string()).unwrap_or_default()
}

/// Passes everything on but the beginning and the end of each step, so that a bar is one for all of them.
pub struct Steady<'a>(pub &'a dyn Reporter);

impl Reporter for Steady<'_> {
    fn progress(&self, progress: Progress) {
        match progress {
            Progress::Reading { .. } | Progress::Done => {}
            other => self.0.progress(other),
        }
    }

    fn note(&self, note: Note) {
        self.0.note(note);
    }
}

#[cfg(test)]
mod tests;
