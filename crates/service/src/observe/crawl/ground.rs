//! What a few releases are judged by: everything that is said of them, the locks that say it, and whether
//! the indexes that these locks name are mirrors. It is a part of the database whose size has a limit, however
//! much is in it.
//!
//! What a repository says itself is read first and whole, so that it is judged whatever others say: two
//! places that disagree are both looked at, each when its own turn comes.

use std::collections::{BTreeMap, BTreeSet};

use countermark_lock::observe::{Statement, Statements, lies_below_fixtures};
use countermark_packaging::name::ProjectName;

use super::{SIGHTINGS, listings, pin};
use crate::log::store::StoreError;
use crate::observe::db::{Observatory, PinnedAt, Release, Search};

/// The most pins of a release by others, and as many by the repository.
const OF_RELEASE: usize = 5_000;
/// The most pins of a disputed file.
const OF_FILE: usize = 5_000;
/// The most locks that are read whole.
const LOCKS: usize = 16;
/// The most pins of each of them.
const OF_LOCK: usize = 4_000;
/// The most indexes about which it is asked whether they are mirrors.
const ORIGINS: usize = 8;
/// The most files of a lock of tests that are held against what others say.
const FILES: usize = 500;
/// So many others are asked for each of them.
const OTHERS: usize = 20;

/// What is read, without saying anything twice.
struct Gathered<'a> {
    db: &'a dyn Observatory,
    repository: &'a str,
    found: Vec<PinnedAt>,
}

/// Everything by which a repository's releases and files are judged.
pub(super) async fn around(
    db: &dyn Observatory,
    repository: &str,
    releases: &BTreeSet<Release>,
    files: &BTreeSet<String>,
) -> Result<Vec<Statement>, StoreError> {
    let mut gathered = Gathered { db, repository, found: Vec::new() };
    for release in releases {
        gathered.found.extend(db.pins_of_release(release, repository, OF_RELEASE).await?);
    }
    for file in files {
        gathered.found.extend(db.pins(&Search::File(file.clone()), OF_FILE).await?);
    }
    let origins = gathered.origins();
    gathered.locks().await?;
    // An index that is nobody else's place in these releases does not have to be told apart.
    for origin in origins.iter().filter(|_| origins.len() > 1).filter(|it| *it != "default") {
        gathered.found.extend(db.pins_of_origin(origin).await?);
    }
    let projects: BTreeSet<&ProjectName> = releases.iter().map(|(project, _)| project).collect();
    let mut seen = Vec::new();
    for project in projects {
        seen.extend(listings(&db.sightings(&Search::Project(project.clone()), SIGHTINGS).await?));
    }
    let mut statements = gathered.statements();
    statements.extend(seen);
    // Of more sets than are compared the repository's own are among those that are.
    statements.sort_by_key(|it| !it.is_listing() && it.lock.repository != repository);
    Ok(statements)
}

impl Gathered<'_> {
    /// From where what is judged is taken, without files on disk.
    fn origins(&self) -> BTreeSet<String> {
        let origins = self.found.iter().map(|it| it.pin.origin.clone());
        origins
            .filter(|it| it != "local")
            .collect::<BTreeSet<_>>()
            .into_iter()
            .take(ORIGINS)
            .collect()
    }

    /// What a writer does, shows in all of its lock; whether it is one of tests, too.
    async fn locks(&mut self) -> Result<(), StoreError> {
        let locks = self.found.iter().map(|it| {
            let place = &it.place;
            (place.repository != self.repository, place.repository.clone(), place.path.clone())
        });
        let locks: BTreeSet<(bool, String, String)> = locks.collect();
        for (_, repository, path) in locks.into_iter().take(LOCKS) {
            let found = self.db.pins_of_lock(&repository, &path, OF_LOCK).await?;
            if lies_below_fixtures(&path) {
                let files: BTreeSet<String> =
                    found.iter().filter_map(|it| it.pin.file.clone()).collect();
                let files: Vec<String> = files.into_iter().take(FILES).collect();
                self.found.extend(self.db.pins_of_files(&files, OTHERS).await?);
            }
            self.found.extend(found);
        }
        Ok(())
    }

    fn statements(self) -> Vec<Statement> {
        let mut once: BTreeMap<_, PinnedAt> = BTreeMap::new();
        for it in self.found {
            let (pin, place) = (&it.pin, &it.place);
            let key = (
                (place.repository.clone(), place.path.clone(), place.revision.clone()),
                (pin.project.clone(), pin.version.clone(), pin.origin.clone()),
                (pin.file.clone(), pin.digest.clone()),
            );
            once.insert(key, it);
        }
        Statements::of_pins(once.into_values().map(pin)).into_vec()
    }
}
