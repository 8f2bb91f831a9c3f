//! What is seen of releases while their pins move, for `facts.toml`.
//!
//! Roles are asked for where a pin moves. Files are compared with the ones before only where the ledger
//! trusts a publisher for the project: nothing else rests on it, and both files have to be downloaded.

use std::sync::atomic::AtomicBool;

use countermark_client::ledger::facts::{self, Gatherer, PinnedFiles, Question};
use countermark_client::report::{Problem, Progress, Reporter as _};
use countermark_ledger::file::FileId;
use countermark_lock::moves::Move;
use countermark_lock::pins::{PinnedRelease, PinnedSource};
use countermark_packaging::digest::Digest;
use countermark_packaging::lock::document::LockDocument;
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;

use super::Team;
use crate::commands::lock::engine::{Engine, Locked};

impl Team {
    /// Gathers facts about pins that move. What cannot be had is told and stands in nobody's way.
    pub(crate) fn learn(
        &mut self,
        engine: &Engine<'_>,
        locked: &Locked,
        existing: Option<&LockDocument>,
        moved: &[&Move],
    ) {
        if engine.offline {
            return;
        }
        let has_moved = |release: &&PinnedRelease| {
            let same = |one: &&Move| {
                let after = one.after.as_ref();
                after.is_some_and(|after| {
                    after.project == release.project
                        && after.version.as_ref() == Some(&release.version)
                })
            };
            matches!(release.source, PinnedSource::Index(_)) && moved.iter().any(same)
        };
        let releases: Vec<&PinnedRelease> = locked.pins.releases.iter().filter(has_moved).collect();
        self.learn_roles(engine, &releases);
        let after: Vec<PinnedFiles> = releases
            .iter()
            .filter(|release| self.trusts_somebody_for(&release.project))
            .map(|release| self.new_files(release))
            .filter(|pinned| !pinned.files.is_empty())
            .collect();
        let before: Vec<Option<PinnedFiles>> = after
            .iter()
            .map(|pinned| {
                existing
                    .and_then(|lock| files_of(lock, &pinned.project))
                    .or_else(|| self.known_before(&pinned.project, &pinned.version))
            })
            .collect();
        let pairs = after.iter().zip(&before);
        let questions: Vec<Question<'_>> =
            pairs.map(|(after, before)| Question { after, before: before.as_ref() }).collect();
        let gatherer = Gatherer {
            index: &engine.session.index,
            sight: engine.sight(),
            recorded: &self.opened.loaded.facts,
        };
        let gathered = gatherer.files(&questions);
        engine.teller.progress(Progress::Done);
        for note in gathered.notes {
            engine.teller.note(note);
        }
        self.take(gathered.files);
    }

    fn learn_roles(&mut self, engine: &Engine<'_>, releases: &[&PinnedRelease]) {
        let projects: Vec<ProjectName> =
            releases.iter().map(|release| release.project.clone()).collect();
        engine.catalogue.expect_roles(&projects);
        let today = self.today();
        for project in &projects {
            // An index that does not say who holds roles leaves them unknown.
            if let Ok(Some(said)) = engine.catalogue.roles(project) {
                self.roles.push(facts::roles(project, &said, today));
            }
        }
        self.renew();
    }

    /// Whether the ledger names a publisher whose releases of a project could pass unread.
    pub(crate) fn trusts_somebody_for(&self, project: &ProjectName) -> bool {
        let today = self.today();
        self.opened.loaded.ledger.trusted.iter().any(|trusted| {
            trusted.until >= today && trusted.projects.iter().any(|it| it.matches(project))
        })
    }

    pub(crate) fn known_before(
        &self,
        project: &ProjectName,
        version: &Version,
    ) -> Option<PinnedFiles> {
        facts::known_before(&self.opened.loaded, project, version)
    }

    /// The files of a release of which nothing is recorded.
    fn new_files(&self, release: &PinnedRelease) -> PinnedFiles {
        let recorded = &self.opened.loaded.facts.files;
        let is_new = |file: &FileId| !recorded.iter().any(|known| known.file.digest == file.digest);
        let files = release
            .files
            .iter()
            .map(|file| FileId { name: file.filename.clone(), digest: file.sha256 });
        PinnedFiles {
            project: release.project.clone(),
            version: release.version.clone(),
            files: files.filter(is_new).collect(),
        }
    }

    /// Takes facts, so that the rules see them.
    fn take(&mut self, files: Vec<countermark_ledger::fact::FileFact>) {
        self.files.extend(files);
        self.renew();
    }

    fn renew(&mut self) {
        let (files, roles) = (self.files.clone(), self.roles.clone());
        self.opened.loaded.facts = facts::merged(&self.opened.loaded.facts, files, roles);
    }

    /// Writes down what was seen; whoever else wrote meanwhile is not undone.
    pub(crate) fn write(&self, interrupted: &AtomicBool) -> Result<(), Vec<Problem>> {
        if self.files.is_empty() && self.roles.is_empty() {
            return Ok(());
        }
        let held = self.folder.hold(interrupted, || {}).map_err(|problem| vec![*problem])?;
        let there = self.folder.read()?.facts;
        let new = facts::merged(&there, self.files.clone(), self.roles.clone());
        if new == there {
            return Ok(());
        }
        held.write_facts(&new).map_err(|problem| vec![*problem])
    }
}

/// What a lock pins of a project: of the files that have a SHA-256.
pub(crate) fn files_of(lock: &LockDocument, project: &ProjectName) -> Option<PinnedFiles> {
    let packages = lock.packages.iter().filter(|package| package.project == *project);
    let mut pinned: Option<PinnedFiles> = None;
    for package in packages {
        let Some(version) = &package.version else { continue };
        let files = package.files.iter().filter_map(|file| {
            let digest = file.digests.iter().find_map(Digest::as_sha256)?;
            Some(FileId { name: file.name.clone().unwrap_or_default(), digest })
        });
        let all = pinned.get_or_insert_with(|| PinnedFiles {
            project: project.clone(),
            version: version.clone(),
            files: Vec::new(),
        });
        all.files.extend(files);
    }
    pinned.filter(|pinned| !pinned.files.is_empty())
}
