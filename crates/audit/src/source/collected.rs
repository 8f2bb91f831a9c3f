//! Releases of one source while it is read: rows and files of one release become one entry.
//!
//! A table may have millions of rows, so nothing is kept twice: a project's name is parsed once for
//! each spelling, and rows that follow each other meet in their release at once. Rows of one release
//! that stand apart are brought together at the end.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use countermark_packaging::name::{NameError, ProjectName};

use crate::record::{OfficialFile, OfficialRelease, Publishes, Records};

/// With so many entries of one version, none of which agrees with another, one is compared. Whoever
/// lists a version in thousands of ways keeps nobody busy with it.
const MOST_COMPARED: usize = 64;

/// Releases by project.
#[derive(Debug, Default)]
pub(super) struct Collected {
    spellings: HashMap<Box<str>, usize>,
    projects: Vec<(ProjectName, Vec<OfficialRelease>)>,
    is_of_the_index: bool,
}

impl Collected {
    /// For a source whose names are those of the index: what it lists is meant to be there.
    pub(super) fn of_the_index() -> Self {
        Self { is_of_the_index: true, ..Self::default() }
    }

    /// The number of a project by any spelling of its name.
    pub(super) fn project(&mut self, spelling: &str) -> Result<usize, NameError> {
        if let Some(known) = self.spellings.get(spelling) {
            return Ok(*known);
        }
        let name = ProjectName::parse(spelling)?;
        let known = self.spellings.get(name.as_str()).copied();
        let number = known.unwrap_or_else(|| {
            self.projects.push((name.clone(), Vec::new()));
            self.spellings.insert(name.as_str().into(), self.projects.len() - 1);
            self.projects.len() - 1
        });
        self.spellings.insert(spelling.into(), number);
        Ok(number)
    }

    /// The name of a project that [`Collected::project`] gave.
    pub(super) fn name(&self, project: usize) -> &ProjectName {
        &self.projects[project].0
    }

    /// Adds a release, or to the last one of the project when it is the same.
    pub(super) fn add(&mut self, project: usize, release: OfficialRelease) {
        let releases = &mut self.projects[project].1;
        match releases.last_mut() {
            Some(last) if is_same(last, &release) => unite(last, release),
            _ => releases.push(release),
        }
    }

    /// How many releases there are, before those that stand apart are brought together.
    pub(super) fn is_empty(&self) -> bool {
        self.projects.iter().all(|(_, releases)| releases.is_empty())
    }

    /// Puts everything into the records; `up_to_now` when the source is taken as complete.
    pub(super) fn finish(self, up_to_now: bool, records: &mut Records) {
        for (name, releases) in self.projects {
            if releases.is_empty() {
                continue;
            }
            let mut releases = gathered(releases);
            for release in &mut releases {
                without_repetitions(&mut release.files);
            }
            let mut repositories: Vec<Arc<str>> =
                releases.iter().filter_map(|release| release.repository.clone()).collect();
            repositories.sort_unstable();
            repositories.dedup();
            for repository in &repositories {
                records.connect(repository, &name);
            }
            let project = records.project(&name);
            project.up_to_now |= up_to_now;
            if self.is_of_the_index && project.publishes == Publishes::Unknown {
                project.publishes = Publishes::Yes;
            }
            let known = &mut project.releases;
            if known.is_empty() {
                releases.shrink_to_fit();
                *known = releases;
            } else {
                known.append(&mut releases);
            }
        }
    }
}

/// Whether two entries can speak of one release: what both say has to be the same. Entries that
/// contradict each other are both kept, so that a rule sees both.
fn is_same(one: &OfficialRelease, other: &OfficialRelease) -> bool {
    fn agree<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
        one.is_none() || other.is_none() || one == other
    }
    one.version == other.version
        && one.known == other.known
        && agree(one.commit.as_ref(), other.commit.as_ref())
        && agree(one.repository.as_ref(), other.repository.as_ref())
        && agree(one.series.as_ref(), other.series.as_ref())
}

fn unite(one: &mut OfficialRelease, other: OfficialRelease) {
    one.commit = one.commit.or(other.commit);
    one.repository = one.repository.take().or(other.repository);
    one.series = one.series.take().or(other.series);
    // A release was approved when its first file was.
    one.approved = match (one.approved, other.approved) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    one.expects_rebuild |= other.expects_rebuild;
    one.files.extend(other.files);
}

fn gathered(releases: Vec<OfficialRelease>) -> Vec<OfficialRelease> {
    let mut seen: HashSet<&str> = HashSet::with_capacity(releases.len());
    let stand_apart = releases.iter().any(|it| !seen.insert(&it.version));
    drop(seen);
    if !stand_apart {
        return releases;
    }
    let mut by_version: BTreeMap<Box<str>, Vec<usize>> = BTreeMap::new();
    let mut together: Vec<OfficialRelease> = Vec::with_capacity(releases.len());
    for release in releases {
        let known = by_version.entry(release.version.clone()).or_default();
        let mut last = known.iter().rev().take(MOST_COMPARED);
        match last.find(|&&at| is_same(&together[at], &release)) {
            Some(&at) => unite(&mut together[at], release),
            None => {
                known.push(together.len());
                together.push(release);
            }
        }
    }
    together
}

fn without_repetitions(files: &mut Vec<OfficialFile>) {
    if files.len() > 1 {
        let mut seen = HashSet::with_capacity(files.len());
        files.retain(|file| seen.insert((file.filename.clone(), file.sha256)));
    }
    files.shrink_to_fit();
}

/// Texts that come again and again, kept once.
#[derive(Debug, Default)]
pub(super) struct Interned(HashSet<Arc<str>>);

impl Interned {
    pub(super) fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        let new: Arc<str> = text.into();
        self.0.insert(new.clone());
        new
    }
}
