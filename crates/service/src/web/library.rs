//! Where the pages and the interface read: the log's records, and the pins of the observatory where
//! there is one.
//!
//! Everything is bounded: releases of a project, files of a release, places of a file. What is cut is
//! said on the page.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countermark_packaging::digest::Digest;
use countermark_packaging::filename::{DistributionFilename, SdistFilename};
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use jiff::Timestamp;

use super::alert::Alert;
use super::view::{FileFacts, PinnedIn, Seen};
use crate::log::store::{Counts, Entry, Head, LogStore, MAXIMUM_ROWS, Published, StoreError};
use crate::observe::db::Alarm as ObservatoryAlarm;

/// Entries of one project that are read for its page.
const MAXIMUM_ENTRIES: usize = 50_000;
/// Files that share a digest and are shown.
const MAXIMUM_SHARED: usize = 200;
/// Names that a search gives.
pub(super) const MAXIMUM_FOUND: usize = 50;
/// Alarms on the page of all of them.
pub(super) const MAXIMUM_ALARMS: usize = 500;
/// Points of the picture of growth.
const MAXIMUM_POINTS: usize = 300;

/// Who pins which file, if an observatory runs beside the log.
#[async_trait::async_trait]
pub trait Pins: std::fmt::Debug + Send + Sync {
    /// The places in which files with these names are pinned, by file name; at most `limit` each.
    ///
    /// # Errors
    /// When the database cannot be read.
    async fn of_files(
        &self,
        files: &[String],
        limit: usize,
    ) -> Result<BTreeMap<String, Vec<PinnedIn>>, StoreError>;

    /// The places in which a digest is pinned without the name of a file, as many tools write locks.
    ///
    /// # Errors
    /// When the database cannot be read.
    async fn nameless(&self, _digest: &Digest, _limit: usize) -> Result<Vec<PinnedIn>, StoreError> {
        Ok(Vec::new())
    }

    /// The names of files that are pinned with this digest.
    ///
    /// # Errors
    /// When the database cannot be read.
    async fn of_digest(&self, digest: &Digest, limit: usize) -> Result<Vec<String>, StoreError>;

    /// Alarms with a number above `after`, by number.
    ///
    /// # Errors
    /// When the database cannot be read.
    async fn alarms(&self, after: i64, limit: usize) -> Result<Vec<ObservatoryAlarm>, StoreError>;

    /// Alarms about a project.
    ///
    /// # Errors
    /// When the database cannot be read.
    async fn alarms_of(
        &self,
        project: &ProjectName,
        limit: usize,
    ) -> Result<Vec<ObservatoryAlarm>, StoreError>;
}

/// What the pages read.
#[derive(Clone, Debug)]
pub struct Library {
    /// The records.
    pub log: Arc<dyn LogStore>,
    /// The pins.
    pub pins: Option<Arc<dyn Pins>>,
}

/// One line of a project's page.
#[derive(Clone, Debug)]
pub(super) struct ReleaseLine {
    /// The version, or nothing for files whose name tells none.
    pub(super) version: Option<Version>,
    /// How many files.
    pub(super) files: usize,
    /// How many observers.
    pub(super) observers: usize,
    /// When a file of it was seen first.
    pub(super) first_seen: Timestamp,
}

impl Library {
    /// The releases of a project, newest first.
    pub(super) async fn releases(
        &self,
        project: &ProjectName,
    ) -> Result<Vec<ReleaseLine>, StoreError> {
        let mut releases: BTreeMap<Option<Version>, Vec<Entry>> = BTreeMap::new();
        for entry in self.entries(project).await? {
            releases.entry(version_of(&entry, project)).or_default().push(entry);
        }
        let line = |(version, entries): (Option<Version>, Vec<Entry>)| {
            let count = |of: fn(&Entry) -> String| {
                entries.iter().map(of).collect::<std::collections::BTreeSet<_>>().len()
            };
            let first_seen = entries.iter().map(|it| it.record.first_seen()).min();
            ReleaseLine {
                version,
                files: count(|it| it.record.file().to_owned()),
                observers: count(|it| it.record.observer().to_string()),
                first_seen: first_seen.unwrap_or_default(),
            }
        };
        Ok(releases.into_iter().rev().map(line).collect())
    }

    async fn entries(&self, project: &ProjectName) -> Result<Vec<Entry>, StoreError> {
        let (mut all, mut from) = (Vec::new(), 0);
        loop {
            let found = self.log.find_project(project, from..u64::MAX, MAXIMUM_ROWS).await?;
            let Some(last) = found.last() else { return Ok(all) };
            from = last.index + 1;
            let is_last = found.len() < MAXIMUM_ROWS;
            all.extend(found);
            if is_last || all.len() >= MAXIMUM_ENTRIES {
                return Ok(all);
            }
        }
    }

    /// The newest entries of a project, newest first.
    pub(super) async fn newest(
        &self,
        project: &ProjectName,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let mut entries = self.entries(project).await?;
        entries.reverse();
        entries.truncate(limit);
        Ok(entries)
    }

    /// The files of a release, by name.
    pub(super) async fn release(
        &self,
        project: &ProjectName,
        version: &Version,
    ) -> Result<Vec<FileFacts>, StoreError> {
        let entries = self.log.find_release(project, version, u64::MAX).await?;
        self.files_of(entries).await
    }

    /// Everything about one file name; none when nobody has seen or pinned it.
    pub(super) async fn file(&self, file: &str) -> Result<Option<FileFacts>, StoreError> {
        let names = [file.to_owned()];
        let entries = self.log.find_files(&names, u64::MAX).await?;
        if let Some(facts) = self.files_of(entries).await?.pop() {
            return Ok(Some(facts));
        }
        let Some(pins) = self.pins_of(&names).await?.remove(file) else { return Ok(None) };
        let parsed = DistributionFilename::parse(file).ok();
        Ok(Some(FileFacts {
            project: parsed.as_ref().map(|it| it.name().to_string()).unwrap_or_default(),
            version: parsed.as_ref().map(|it| it.version().to_string()).unwrap_or_default(),
            name: file.to_owned(),
            seen: Vec::new(),
            pins,
        }))
    }

    /// The files that were seen or pinned with a digest.
    pub(super) async fn digest(&self, digest: &Digest) -> Result<Vec<FileFacts>, StoreError> {
        let entries = self.log.find_digest(digest, u64::MAX, MAXIMUM_SHARED).await?;
        let mut names: Vec<String> = entries.iter().map(|it| it.record.file().to_owned()).collect();
        if let Some(pins) = &self.pins {
            names.extend(pins.of_digest(digest, MAXIMUM_SHARED).await?);
        }
        names.sort_unstable();
        names.dedup();
        let mut files = Vec::new();
        for name in names.iter().take(MAXIMUM_SHARED) {
            files.extend(self.file(name).await?);
        }
        Ok(files)
    }

    async fn files_of(&self, entries: Vec<Entry>) -> Result<Vec<FileFacts>, StoreError> {
        let mut files: BTreeMap<String, FileFacts> = BTreeMap::new();
        for entry in entries {
            let project = entry.record.project().clone();
            let name = entry.record.file().to_owned();
            let facts = files.entry(name.clone()).or_insert_with(|| FileFacts {
                version: version_of(&entry, &project).map(|it| it.to_string()).unwrap_or_default(),
                project: project.to_string(),
                name,
                seen: Vec::new(),
                pins: Vec::new(),
            });
            facts.seen.push(Seen { index: Some(entry.index), observation: entry.record });
        }
        let names: Vec<String> = files.keys().cloned().collect();
        for (name, pins) in self.pins_of(&names).await? {
            if let Some(facts) = files.get_mut(&name) {
                facts.pins = pins;
            }
        }
        for facts in files.values_mut() {
            self.add_nameless(facts).await?;
        }
        Ok(files.into_values().collect())
    }

    /// Who pins a digest of the file says which file is meant, also without its name.
    async fn add_nameless(&self, facts: &mut FileFacts) -> Result<(), StoreError> {
        let Some(pins) = &self.pins else { return Ok(()) };
        let seen = facts.seen.iter().map(|it| it.observation.digest());
        let digests: BTreeSet<Digest> = seen.cloned().collect();
        for digest in &digests {
            let found = pins.nameless(digest, super::view::MAXIMUM_PINS * 10).await?;
            facts.pins.extend(found);
        }
        Ok(())
    }

    async fn pins_of(
        &self,
        names: &[String],
    ) -> Result<BTreeMap<String, Vec<PinnedIn>>, StoreError> {
        match &self.pins {
            Some(pins) => pins.of_files(names, super::view::MAXIMUM_PINS * 10).await,
            None => Ok(BTreeMap::new()),
        }
    }

    /// All alarms that a page shows, newest first.
    pub(super) async fn alarms(&self) -> Result<Vec<Alert>, StoreError> {
        let (mut all, mut after) = (Vec::new(), 0);
        loop {
            let found = self.log.alarms(after, MAXIMUM_ALARMS).await?;
            let Some(last) = found.last() else { break };
            after = last.id;
            all.extend(found.iter().map(Alert::of_log));
            keep_newest(&mut all);
        }
        if let Some(pins) = &self.pins {
            let mut after = 0;
            loop {
                let found = pins.alarms(after, MAXIMUM_ALARMS).await?;
                let Some(last) = found.last() else { break };
                after = last.id;
                all.extend(found.iter().filter_map(Alert::of_observatory));
                keep_newest(&mut all);
            }
        }
        all.sort_by_key(|alert| std::cmp::Reverse(alert.at));
        Ok(all)
    }

    /// One alarm.
    pub(super) async fn alarm(&self, id: &str) -> Result<Option<Alert>, StoreError> {
        if let Some(number) = id.strip_prefix('o') {
            let (Some(pins), Ok(number)) = (&self.pins, number.parse::<i64>()) else {
                return Ok(None);
            };
            let found = pins.alarms(number.saturating_sub(1), 1).await?;
            let found = found.into_iter().find(|alarm| alarm.id == number);
            return Ok(found.as_ref().and_then(Alert::of_observatory));
        }
        let Ok(number) = id.parse::<i64>() else { return Ok(None) };
        let found = self.log.alarms(number.saturating_sub(1), 1).await?;
        Ok(found.iter().find(|alarm| alarm.id == number).map(Alert::of_log))
    }

    /// The alarms about one project, newest first.
    pub(super) async fn alarms_of(&self, project: &ProjectName) -> Result<Vec<Alert>, StoreError> {
        let found = self.log.alarms_of(project, MAXIMUM_ALARMS).await?;
        let mut all: Vec<Alert> = found.iter().map(Alert::of_log).collect();
        if let Some(pins) = &self.pins {
            let found = pins.alarms_of(project, MAXIMUM_ALARMS).await?;
            all.extend(found.iter().filter_map(Alert::of_observatory));
        }
        all.sort_by_key(|alert| std::cmp::Reverse(alert.at));
        Ok(all)
    }

    /// Names of projects that begin like this.
    pub(super) async fn names(&self, prefix: &str) -> Result<Vec<ProjectName>, StoreError> {
        self.log.find_names(prefix, None, MAXIMUM_FOUND).await
    }

    /// How much there is.
    pub(super) async fn counts(&self) -> Result<Counts, StoreError> {
        self.log.counts().await
    }

    /// The checkpoint that counts.
    pub(super) async fn published(&self) -> Result<Option<Published>, StoreError> {
        self.log.published().await
    }

    /// Heads at about even distances, the first and the last among them.
    pub(super) async fn growth(&self) -> Result<Vec<Head>, StoreError> {
        let last = self.log.head().await?;
        let step = last.size / MAXIMUM_POINTS as u64 + 1;
        let (mut points, mut from): (Vec<Head>, u64) = (Vec::new(), 1);
        while from <= last.size {
            let Some(head) = self.log.heads(from, 1).await?.into_iter().next() else { break };
            from = head.size.max(from) + step;
            points.push(head);
        }
        if points.last().is_some_and(|point| point.size < last.size) {
            points.push(last);
        }
        Ok(points)
    }
}

/// The last ones by time, within what a page shows.
fn keep_newest(all: &mut Vec<Alert>) {
    all.sort_by_key(|alert| alert.at);
    let surplus = all.len().saturating_sub(MAXIMUM_ALARMS);
    all.drain(..surplus);
}

/// The version that a file's name tells.
fn version_of(entry: &Entry, project: &ProjectName) -> Option<Version> {
    match DistributionFilename::parse(entry.record.file()) {
        Ok(name) if name.name() == project => Some(name.version().clone()),
        Ok(_) | Err(_) => {
            let sdist = SdistFilename::parse_for(project, entry.record.file()).ok()?;
            Some(sdist.version)
        }
    }
}
