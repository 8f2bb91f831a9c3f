//! The releases tree of OpenStack, and of federations that use its tools: `deliverables/` with one
//! file for each deliverable and cycle, and the files of governance and jobs beside it.
//!
//! The name of a release on the index is, by its own file: `pypi-name` of the repository's settings,
//! else the release's `tarball-base`, else the repository's, else the last part of the repository.
//! A file that cannot be read is a problem with its place; the rest is read. In a git checkout the
//! history is read too: when each version was first listed, and which ones were edited away.
//!
//! Specification: the tree's own README and `schema.yaml`.

mod deliverable;
mod gather;
mod governance;
mod history;
mod index;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countermark_packaging::name::ProjectName;

use self::deliverable::{Deliverable, Entry, YamlError, is_never_built};
use self::governance::Governance;
use super::{Documents, Source, SourceError};
use crate::record::{
    Commit, Known, OfficialRelease, Publishes, RecordProblem, Records, RecordsDate, Standing,
};

/// No file of the tree is longer, in bytes.
const MAX_FILE: u64 = 8 << 20;

/// The folder of deliverables that belong to no cycle.
const INDEPENDENT: &str = "_independent";

/// The releases tree.
pub struct OpenStackReleases<'a> {
    /// Where governance, jobs and the tree's past may be, beside the tree itself: the first that has
    /// a file is asked.
    pub companions: Vec<&'a dyn Documents>,
}

impl std::fmt::Debug for OpenStackReleases<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let roots: Vec<&str> = self.companions.iter().map(|one| one.root()).collect();
        formatter.debug_struct("OpenStackReleases").field("companions", &roots).finish()
    }
}

/// Files beside the tree, by the names that they have in the checkouts of a federation and in
/// collections of them.
const SERIES: [&str; 2] = ["data/series_status.yaml", "series_status.yaml"];
const PROJECTS: [&str; 3] =
    ["reference/projects.yaml", "governance/reference/projects.yaml", "governance-projects.yaml"];
const LEGACY: [&str; 3] =
    ["reference/legacy.yaml", "governance/reference/legacy.yaml", "governance-legacy.yaml"];
const PUBLISHING: [&str; 3] =
    ["zuul.d/projects.yaml", "project-config/zuul.d/projects.yaml", "project-config-projects.yaml"];
const REMOVED: [&str; 2] = ["official-removed-from-data.jsonl", "removed.jsonl"];

/// The folder of deliverables below a root, if it is such a tree.
///
/// # Errors
/// When the root cannot be read.
pub fn find_tree(documents: &dyn Documents) -> Result<Option<&'static str>, SourceError> {
    let has = |folder: &str| Ok(!documents.list(folder, ".yaml")?.is_empty());
    if has("deliverables")? {
        Ok(Some("deliverables"))
    } else if has(INDEPENDENT)? {
        Ok(Some(""))
    } else {
        Ok(None)
    }
}

/// One file with its place in the tree.
struct File {
    path: String,
    series: Arc<str>,
    name: Arc<str>,
    deliverable: Deliverable,
}

impl Source for OpenStackReleases<'_> {
    fn describe(&self) -> String {
        "a releases tree (deliverables/<series>/<name>.yaml)".to_owned()
    }

    fn read(&self, documents: &dyn Documents, records: &mut Records) -> Result<(), SourceError> {
        let folder = find_tree(documents)?.ok_or_else(|| SourceError::NotThis {
            what: documents.root().to_owned(),
            expected: "a releases tree: it has no deliverables/<series>/*.yaml".to_owned(),
        })?;
        if let Some((commit, at)) = documents.head()? {
            let short: String = commit.chars().take(12).collect();
            records.reach(RecordsDate { at, from: format!("commit {short}") });
        }
        let governance = self.governance(documents, records)?;
        let mut files = gather::read_files(documents, folder, records)?;
        let order: BTreeMap<Arc<str>, usize> =
            records.series.iter().enumerate().map(|(at, one)| (one.name.clone(), at)).collect();
        // Oldest cycle first, what belongs to no cycle last: the last word on a repository counts.
        files.sort_by_key(|file| {
            let rank = order.get(&file.series).copied().unwrap_or(usize::MAX);
            (file.series.as_ref() == INDEPENDENT, rank, file.path.clone())
        });
        let past = history::read(documents, folder, records)?;
        Reader { records, governance: &governance, past: &past }.add(&files);
        let head: BTreeSet<(Arc<str>, Arc<str>)> = files
            .iter()
            .flat_map(|file| file.deliverable.releases.iter())
            .map(|entry| (entry.repository.as_str().into(), entry.version.as_str().into()))
            .collect();
        past.add_once_listed(&head, records);
        self.removed(documents, records)?;
        records.assumptions.extend(documents.notes());
        records.sources.push(format!("the releases tree at {}", documents.root()));
        Ok(())
    }
}

impl OpenStackReleases<'_> {
    /// The first of the places that has one of the names, as text.
    fn companion(
        &self,
        documents: &dyn Documents,
        names: &[&str],
    ) -> Result<Option<(String, String)>, SourceError> {
        let places = std::iter::once(documents).chain(self.companions.iter().copied());
        for place in places {
            for name in names {
                let Some(bytes) = place.read(name, MAX_FILE)? else { continue };
                let path = format!("{}/{name}", place.root().trim_end_matches('/'));
                let text = String::from_utf8(bytes).map_err(|_| SourceError::Unreadable {
                    what: path.clone(),
                    reason: "it is not utf-8".to_owned(),
                })?;
                return Ok(Some((path, text)));
            }
        }
        Ok(None)
    }

    fn governance(
        &self,
        documents: &dyn Documents,
        records: &mut Records,
    ) -> Result<Companions, SourceError> {
        let mut companions = Companions::default();
        let mut not_found = Vec::new();
        let mut read = |names: &[&str],
                        what: &'static str,
                        parse: &mut dyn FnMut(&str) -> Result<(), YamlError>|
         -> Result<(), SourceError> {
            match self.companion(documents, names)? {
                None => not_found.push(what),
                Some((path, text)) => match parse(&text) {
                    Ok(()) => records.sources.push(format!("{what}: {path}")),
                    Err(error) => records.problems.push(problem(path, error)),
                },
            }
            Ok(())
        };
        let governance = &mut companions.governance;
        read(&PROJECTS, "governance", &mut |text| governance.add_projects(text))?;
        read(&LEGACY, "what left governance", &mut |text| governance.add_legacy(text))?;
        let publishing = &mut companions.publishing;
        read(&PUBLISHING, "jobs that publish", &mut |text| {
            *publishing = Some(governance::parse_publishing(text)?);
            Ok(())
        })?;
        let mut series = Vec::new();
        read(&SERIES, "cycles and their dates", &mut |text| {
            series = governance::parse_series(text)?;
            Ok(())
        })?;
        records.series.extend(series);
        if !not_found.is_empty() {
            let missing = not_found.join(", ");
            records
                .assumptions
                .push(format!("not found beside the tree, and not known: {missing}"));
        }
        Ok(companions)
    }

    /// What the history of the tree once listed, written down by somebody, for a tree without one.
    fn removed(&self, documents: &dyn Documents, records: &mut Records) -> Result<(), SourceError> {
        if let Some((path, text)) = self.companion(documents, &REMOVED)? {
            history::add_removed(&path, &text, records);
            records.sources.push(format!("versions that were listed once: {path}"));
        }
        Ok(())
    }
}

/// What is known beside the tree.
#[derive(Default)]
struct Companions {
    governance: Governance,
    publishing: Option<BTreeMap<String, bool>>,
}

fn problem(file: String, error: YamlError) -> RecordProblem {
    RecordProblem { file, position: error.position, message: error.message }
}

struct Reader<'a> {
    records: &'a mut Records,
    governance: &'a Companions,
    past: &'a history::Past,
}

impl Reader<'_> {
    fn add(&mut self, files: &[File]) {
        let mut repositories: BTreeMap<String, Arc<str>> = BTreeMap::new();
        for file in files {
            for name in file.deliverable.repositories.keys() {
                self.intern(&mut repositories, name);
            }
            for entry in
                file.deliverable.releases.iter().filter(|one| !is_never_built(&one.version))
            {
                let repository = self.intern(&mut repositories, &entry.repository);
                self.add_release(file, entry, &repository);
            }
        }
        // In the order of cycles, so that the newest file decides.
        for file in files {
            self.add_standing(file, &repositories);
        }
        self.add_unrecorded(&repositories);
    }

    fn intern(&self, known: &mut BTreeMap<String, Arc<str>>, name: &str) -> Arc<str> {
        known.entry(name.to_owned()).or_insert_with(|| name.into()).clone()
    }

    fn add_release(&mut self, file: &File, entry: &Entry, repository: &Arc<str>) {
        let name = match name_of(&file.deliverable, entry) {
            Ok(name) => name,
            Err(message) => {
                let position = Some((entry.line, 1));
                let file = file.path.clone();
                self.records.problems.push(RecordProblem { file, position, message });
                return;
            }
        };
        if Commit::parse(&entry.hash).is_none() && !entry.hash.is_empty() {
            let message =
                format!("`{}` is no commit", entry.hash.chars().take(80).collect::<String>());
            let position = Some((entry.line, 1));
            let file = file.path.clone();
            self.records.problems.push(RecordProblem { file, position, message });
        }
        self.records.connect(repository, &name);
        let project = self.records.project(&name);
        project.deliverables.insert(file.name.clone());
        if let Some(team) = &file.deliverable.team {
            project.team = Some(team.as_str().into());
        }
        project.releases.push(OfficialRelease {
            repository: Some(repository.clone()),
            commit: Commit::parse(&entry.hash),
            series: (file.series.as_ref() != INDEPENDENT).then(|| file.series.clone()),
            approved: self.past.first_listed(repository, &entry.version),
            known: Known::Listed,
            // Jobs that are run again build again.
            expects_rebuild: true,
            place: Some(format!("{}:{}", file.path, entry.line).into()),
            ..OfficialRelease::new(&entry.version)
        });
    }

    fn add_standing(&mut self, file: &File, repositories: &BTreeMap<String, Arc<str>>) {
        for (name, settings) in &file.deliverable.repositories {
            let Some(repository) = repositories.get(name) else { continue };
            if let Some(named) = settings.pypi_name.as_ref().or(settings.tarball_base.as_ref())
                && let Ok(named) = ProjectName::parse(named)
            {
                self.records.connect(repository, &named);
                self.records.project(&named).deliverables.insert(file.name.clone());
            }
            let governance = &self.governance.governance;
            // Back in governance is not retired, whatever an old list says.
            let left =
                governance.retired.get(name).filter(|_| !governance.owned.contains_key(name));
            let retired = settings.retired || left.is_some();
            let on = left.copied().flatten();
            let standing = match (file.deliverable.abandoned, retired) {
                (true, false) => Standing::Abandoned { retired: None },
                (true, true) if settings.retired => Standing::Retired { on },
                (true, true) => Standing::Abandoned { retired: on },
                (false, true) => Standing::Retired { on },
                (false, false) => Standing::Live,
            };
            let publishes = self.publishes(name, settings);
            let names = self.records.names_of_repository.get(repository).cloned();
            for project in names.unwrap_or_default() {
                let project = self.records.project(&project);
                project.standing = standing.clone();
                project.publishes = publishes;
                if let Some(team) = governance.owned.get(name) {
                    project.team = Some(team.clone());
                }
            }
        }
    }

    fn publishes(&self, name: &str, settings: &deliverable::Repository) -> Publishes {
        if settings.is_unbuilt || self.governance.governance.not_ours_to_release.contains(name) {
            return Publishes::No;
        }
        match self.governance.publishing.as_ref().and_then(|jobs| jobs.get(name)) {
            Some(true) => Publishes::Yes,
            Some(false) => Publishes::No,
            None => Publishes::Unknown,
        }
    }

    /// Repositories of this federation that publish and that the tree never lists: names that are
    /// ours, with no release on record.
    fn add_unrecorded(&mut self, known: &BTreeMap<String, Arc<str>>) {
        let governance = &self.governance.governance;
        let jobs = self.governance.publishing.iter().flatten();
        for (name, _) in jobs.filter(|(name, publishes)| **publishes && !known.contains_key(*name))
        {
            let Some(team) = governance.owned.get(name) else { continue };
            let last = name.rsplit('/').next().unwrap_or(name);
            let Ok(project_name) = ProjectName::parse(last) else { continue };
            let repository: Arc<str> = name.as_str().into();
            self.records.connect(&repository, &project_name);
            let project = self.records.project(&project_name);
            project.team.get_or_insert_with(|| team.clone());
            if project.releases.is_empty() {
                project.publishes = Publishes::Yes;
            }
        }
    }
}

/// The name of a release on the index, by the rule above.
fn name_of(deliverable: &Deliverable, entry: &Entry) -> Result<ProjectName, String> {
    let settings = deliverable.repositories.get(&entry.repository);
    let last = entry.repository.rsplit('/').next().unwrap_or(&entry.repository);
    let text = settings
        .and_then(|one| one.pypi_name.as_deref())
        .or(entry.tarball_base.as_deref())
        .or_else(|| settings.and_then(|one| one.tarball_base.as_deref()))
        .unwrap_or(last);
    ProjectName::parse(text).map_err(|error| error.to_string())
}
